"""Packing against a bare decode-and-resize loop; a step on packed data against one in memory.

python benchmarks/packing.py [--folder DIR]   # made by make_messy_folder.py where none is given
python benchmarks/packing.py --million        # a set of 1,000,000 images, and its memory
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from interleaved import interleaved
from machine import CPU, machine

from infogan import precision
from infogan.config import Config, DataConfig, NetConfig, TrainConfig
from infogan.data import load
from infogan.state import State
from infogan.step import advance

ROUNDS, STEPS = 5, 40
MILLION, SIDE = 1_000_000, 32
BARE = """
import sys
from pathlib import Path
from PIL import Image
for file in sys.stdin.read().split("\\0"):
    try:
        with Image.open(file) as image:
            image.convert("RGB").resize((64, 64))
    except Exception:
        pass
"""


def bare(files: list[Path]) -> None:
    """Two processes, each with every other file."""
    both = [
        subprocess.Popen([sys.executable, "-c", BARE], stdin=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for i, process in enumerate(both):
        assert process.stdin
        process.stdin.write("\0".join(map(str, files[i::2])))
        process.stdin.close()
    for process in both:
        process.wait()


def rates(folder: Path, rounds: int) -> None:
    """The packing itself, as its workers begin until the pack is whole, and the loop, in turn."""
    from infogan.data.folder import open_folder
    from infogan.data.pack import pack
    from infogan.pictures import Form

    files = [path for path in folder.rglob("*") if path.is_file()]
    seconds: dict[str, list[float]] = {"bare loop": [], "packing": []}
    data = DataConfig(source=str(folder), max_bad=1.0)
    for i in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            os.environ["INFOGAN_CACHE"] = cache

            def ours() -> None:
                pack(open_folder(str(folder)), Form(64, 3), data)

            sides = [("bare loop", lambda: bare(files)), ("packing", ours)]
            for name, run in sides[:: 1 if i % 2 else -1]:
                began = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - began)
    for name, times in seconds.items():
        print(f"{name:<10} {len(files) / median(times):8.0f} pictures/s  {sorted(times)}")
    ratio = median(a / b for a, b in zip(seconds["bare loop"], seconds["packing"]))
    print(f"packing is {ratio:.2f} times as fast as the bare loop (goal: at least 0.9)")


def steps(images: torch.Tensor) -> None:
    """A training step on a packed set and on random bytes in memory, in turn."""
    config = Config(
        codes="z16 + kind:cat10", net=NetConfig(widths=(16, 32, 64), fc=128),
        train=TrainConfig(batch=64),
    )  # fmt: skip
    dtype, _ = precision.choose("auto", CPU)
    shape = tuple(images.shape[1:])
    random = torch.randint(256, images.shape, dtype=torch.uint8)
    sides = {}
    for name, x in (("packed", images), ("memory", random)):
        state = State.start(config, shape, CPU)  # type: ignore[arg-type]
        sides[name] = lambda _, s=state, x=x: advance(s, x, config, dtype)
    seconds = interleaved(range(STEPS + 5), sides)
    ratio = median(a / b for a, b in zip(seconds["packed"], seconds["memory"]))
    print(f"a step on packed data takes {ratio:.3f} times that on memory (goal: at most 1.05)")


def million() -> None:
    """Memory while training on an array of a million images that lies on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "million.npy"
        array = np.lib.format.open_memmap(file, "w+", np.uint8, (MILLION, 3, SIDE, SIDE))
        rng = np.random.default_rng(0)
        for start in range(0, MILLION, 10_000):
            array[start : start + 10_000] = rng.integers(0, 256, (10_000, 3, SIDE, SIDE), np.uint8)
        del array
        data = load(DataConfig(source=str(file)), "train")
        print(f"{len(data.images):,} images, {data.images.numel() / 1e9:.2f} GB")
        config = Config(codes="z16 + kind:cat10", train=TrainConfig(batch=64))
        dtype, _ = precision.choose("auto", CPU)
        state = State.start(config, data.shape, CPU)
        for _ in range(STEPS):
            advance(state, data.images, config, dtype)
        lines = Path("/proc/self/status").read_text().splitlines()
        held = {line.split(":")[0]: int(line.split()[1]) for line in lines if line[:3] == "Rss"}
        beyond = (held["RssAnon"] + held["RssShmem"]) / 1e6
        print(f"resident beyond the page cache: {beyond:.2f} GB (goal: below 1.5)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--million", action="store_true")
    args = parser.parse_args()
    print(machine())
    if args.million:
        million()
        sys.exit()
    where = args.folder
    if where is None:
        from make_messy_folder import make

        where = Path(tempfile.mkdtemp()) / "messy"
        make(where)
    rates(where, args.rounds)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["INFOGAN_CACHE"] = cache
        steps(load(DataConfig(source=str(where), size=64, channels=3), "train").images)
    if args.folder is None:
        shutil.rmtree(where.parent)
