"""Two training processes of one thread each against one process of two threads.

python benchmarks/processes.py THREADS STEPS      (one of the workers)
"""

import statistics
import subprocess
import sys
import time

import torch
from lines import Line
from machine import CPU
from sides import trainer

from infogan import precision
from infogan.config import recipe
from infogan.data import load


def worker(threads: int, steps: int) -> None:
    """Train on so many threads; print images/s."""
    torch.set_num_threads(threads)
    config = recipe("mnist-paper")
    dtype, _ = precision.choose("auto", CPU)
    step = trainer(config, load("mnist", "train").images, dtype)
    for _ in range(5):
        step(None)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for _ in range(steps):
        step(None)
    print(config.train.batch * steps / (time.perf_counter() - began), flush=True)


def processes(rounds: int, steps: int = 30) -> list[Line]:
    """One process on two threads against two processes on one, in turn."""
    rates: dict[tuple[int, int], list[float]] = {(1, 2): [], (2, 1): []}
    for _ in range(rounds):
        for (n, threads), found in rates.items():
            args = [sys.executable, __file__, str(threads), str(steps)]
            pipe = subprocess.PIPE
            jobs = [subprocess.Popen(args, stdin=pipe, stdout=pipe, text=True) for _ in range(n)]
            for job in jobs:
                job.stdout.readline()
            for job in jobs:
                job.stdin.write("go\n")
                job.stdin.flush()
            found.append(sum(float(job.communicate()[0]) for job in jobs))
    one, two = (statistics.median(found) for found in rates.values())
    return [
        Line("one process of two threads", one, min(rates[1, 2]), max(rates[1, 2])),
        Line("two processes of one thread", two, min(rates[2, 1]), max(rates[2, 1]),
             ratio=two / one, to="one process"),
    ]  # fmt: skip


if __name__ == "__main__":
    worker(int(sys.argv[1]), int(sys.argv[2]))
