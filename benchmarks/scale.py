"""How the cost of training grows, measured and drawn for docs/scale.md: part of `make bench`.

    python benchmarks/scale.py [--folder docs/bench] [--rounds 15] [--device cpu] [--draw]

Sides of the image, batch, K, number of codes, number of images: one is changed, the rest stays as
in the paper's MNIST nets at batch 128. Settings take turns; medians. The curves of each kind of
processor or GPU are kept as JSON in the folder, and all that are there are drawn together.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from interleaved import WARM_UP, interleaved
from machine import kind, machine

from infogan import precision
from infogan.batches import fetch
from infogan.config import Config, recipe
from infogan.data import batch_indices
from infogan.state import State
from infogan.update import train_step

matplotlib.use("agg")
PAPER = recipe("mnist-paper")
Curve = list[tuple[float, float]]  # (what is changed, milliseconds a step or image)


def timed(
    settings: Iterable[tuple[float, Config, int]], rounds: int, device: torch.device
) -> dict[float, float]:
    """Median seconds of a step on random images of a side, for each setting, in turn."""
    dtype, _ = precision.choose("auto", device)
    sides: dict[Any, Callable[[Any], object]] = {}
    for value, config, side in settings:
        state = State.start(config, (1, side, side), device)
        x = torch.rand(config.train.batch, 1, side, side, device=device)
        x = x.contiguous(memory_format=torch.channels_last)
        sides[value] = lambda _, s=state, x=x, c=config: train_step(s, x, c, dtype)
    seconds = interleaved(range(rounds + WARM_UP), sides, device)
    return {value: statistics.median(found) for value, found in seconds.items()}


def per_image(
    settings: list[tuple[float, Config, int]], rounds: int, device: torch.device
) -> Curve:
    """Milliseconds an image."""
    batch = {value: config.train.batch for value, config, _ in settings}
    return [(v, 1e3 * s / batch[v]) for v, s in timed(settings, rounds, device).items()]


def with_codes(codes: str, pairs: float = 0.0) -> Config:
    return replace(PAPER, codes=codes, loss=replace(PAPER.loss, pairs=pairs))


def with_batch(batch: int, net: Any = PAPER.net) -> Config:
    return replace(PAPER, net=net, train=replace(PAPER.train, batch=batch))


def picking(n: int, folder: Path, device: torch.device) -> float:
    """Milliseconds to pick and convert a batch out of n images, a file mapped into memory."""
    file = folder / f"images-{n}.npy"
    array = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(n, 1, 28, 28))
    images = torch.from_numpy(array)
    batch_indices(n, 128, 0, 0)  # an epoch's permutation is made once
    pick = {"": lambda i: fetch(images, batch_indices(n, 128, i, 0), device)}
    found = interleaved(range(50 + WARM_UP), pick, device)
    file.unlink()
    return 1e3 * statistics.median(found[""])


def measure(rounds: int, folder: Path, device: torch.device) -> dict[str, Curve]:
    any_size = replace(PAPER.net, widths=())  # as deep as the image wants

    def curve(settings: list[tuple[float, Config, int]]) -> Curve:
        return per_image(settings, rounds, device)

    return {
        "side of the image, pixels": curve(
            [(side, with_batch(16, any_size), side) for side in (28, 32, 48, 64, 96, 128)]
        ),
        "batch": curve([(n, with_batch(n), 28) for n in (16, 32, 64, 128, 256, 512)]),
        "K of one categorical code": curve(
            [(k, with_codes(f"z62 + cat{k}"), 28) for k in (10, 100, 1000, 10_000)]
        ),
        "K, with real pairs": curve(
            [(k, with_codes(f"z62 + cat{k}", 8.0), 28) for k in (10, 100, 1000)]
        ),
        "number of continuous codes": curve(
            [(n, with_codes(f"z62 + cat10 + {n}u"), 28) for n in (1, 4, 16, 64)]
        ),
        "number of images": [
            (n, picking(n, folder, device) / 128) for n in (1_000, 10_000, 100_000, 1_000_000)
        ],
    }


def draw(tables: list[dict[str, Any]], file: Path) -> None:
    """One panel for each curve, one line for each kind of processor or GPU."""
    from matplotlib import pyplot as plt

    names = list(tables[0]["curves"])
    figure, panels = plt.subplots(2, 3, figsize=(11, 6.2), layout="constrained")
    for name, panel in zip(names, panels.flat):
        for table in tables:
            x, y = zip(*table["curves"][name])
            panel.plot(x, y, "o-", label=table["kind"])
        ticks = [value for value, _ in tables[0]["curves"][name]]
        panel.set(xscale="log", yscale="log", xlabel=name, ylabel="ms an image")
        panel.set_xticks(ticks, [f"{value:,.0f}" for value in ticks])
        panel.minorticks_off()
        panel.grid(alpha=0.2)
    figure.legend(*panels.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(file, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("docs/bench"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--draw", action="store_true", help="draw what is there, measure nothing")
    args = parser.parse_args()
    if not args.draw:
        args.folder.mkdir(parents=True, exist_ok=True)
        device = precision.device(args.device)
        curves = measure(args.rounds, args.folder, device)
        for name, curve in curves.items():
            points = "  ".join(f"{x:,.0f}: {y:.3f}" for x, y in curve)
            print(f"{name}, ms an image:  {points}")
        table = {"kind": kind(device), "machine": machine(device), "curves": curves}
        (args.folder / f"scale-{kind(device)}.json").write_text(json.dumps(table, indent=1) + "\n")
    tables = [json.loads(f.read_text()) for f in sorted(args.folder.glob("scale-*.json"))]
    draw(tables, args.folder / "scale.png")
    print(args.folder / "scale.png")


if __name__ == "__main__":
    main()
