"""How long each command takes to start, and how much memory training holds."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from lines import Line

from infogan.cli.images import splits
from infogan.cli.runs import trained_model
from infogan.metrics import evaluate
from infogan.run import Run

# a small process between: a child's peak begins at the memory of the process that forked it
MEASURED = """
import resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def command(*args: str) -> tuple[float, float]:
    """Seconds and resident MB of one `infogan` command."""
    parts = [sys.executable, "-c", MEASURED, sys.executable, "-m", "infogan", *args]
    said = subprocess.run(parts, stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds, kilobytes = map(float, said.split())
    return seconds, kilobytes / 1024


def commands(folder: Path, rounds: int) -> list[Line]:
    """Start-up of every command, and the memory of training."""
    run = str(folder / "run")
    short = ["--train.updates", "60", "--train.restarts", "1", "--train.checkpoint-every", "30"]
    _, mb = command("train", "mnist", "--out", run, *short)
    lines = [Line("train mnist, 60 updates and report: resident", mb, mb, mb, unit="MB")]
    starts = ["--train.restarts", "2", "--train.restart-updates", "30"]
    _, mb = command("train", "mnist", "--out", run, "--overwrite", *short[:2], *starts)
    lines.append(Line("the same with two short starts: resident", mb, mb, mb, unit="MB"))
    table = str(folder / "codes.npz")
    for what, args in (
        ("infogan --help", ["--help"]),
        ("infogan train --help", ["train", "--help"]),
        ("infogan train --dry-run", ["train", "mnist", "--dry-run"]),
        ("infogan evaluate", ["evaluate", run]),
        ("infogan report", ["report", run]),
        ("infogan encode, 10,000 images", ["encode", run, "--out", table]),
    ):
        seconds = [command(*args)[0] for _ in range(rounds)]
        lines.append(Line(what, statistics.median(seconds), min(seconds), max(seconds), unit="s"))
    opened = Run.open(folder / "run")
    model, (train, test) = trained_model(opened), splits(opened)
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        evaluate(model, test, None, opened.config.augment, train.images)
        seconds.append(time.perf_counter() - began)
    inside = statistics.median(seconds)
    over = next(x.rate for x in lines if x.what == "infogan evaluate") - inside
    lines.append(Line("evaluate's own computation", inside, min(seconds), max(seconds), unit="s"))
    lines.append(Line("evaluate beyond its computation", over, over, over, unit="s"))
    return lines
