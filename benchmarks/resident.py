"""How much memory each call holds: its peak in a process of its own.

python benchmarks/resident.py DEVICE NAME      (one of the workers)
"""

import resource
import subprocess
import sys

import torch
from sides import makers

from infogan import memory

TIMES = 8  # a GPU's step is recorded in the fourth


def worker(device: torch.device, name: str) -> None:
    """Make the call some times; print MB, on a GPU those of torch there."""
    memory.keep()
    call = makers(device)[name]()
    for i in range(TIMES):
        call(i)
    if device.type == "cuda":
        print(torch.cuda.max_memory_reserved(device) / 2**20)
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def resident(name: str, device: torch.device) -> float:
    """MB of one call."""
    args = [sys.executable, __file__, str(device), name]
    # a small process between: a child's peak begins at the memory of the process that forked it
    between = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", *args]
    return float(subprocess.run(between, stdout=subprocess.PIPE, text=True, check=True).stdout)


if __name__ == "__main__":
    worker(torch.device(sys.argv[1]), sys.argv[2])
