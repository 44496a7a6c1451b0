"""Our training step against the most-used PyTorch port's, on the paper's MNIST nets at batch 128.

    git clone https://github.com/Natsu6767/InfoGAN-PyTorch PORT
    python benchmarks/port.py PORT [--steps 60] [--device cpu] [--json FILE]

The port's step is the body of its own training loop, taken from its `train.py` as it stands and run
on batches that are ready in memory (its data loader, which decodes image by image, is left out, in
its favour); ours is `advance`, with its data. The one change: its label of real images must be a
float for today's torch. They take turns, step by step; what counts is the ratio of medians.

The port draws z and c once for both steps of an update, our recipes once for each as the paper's
authors: so ours is measured both ways, the second being the same work (`train.shared_fakes`).
"""

import argparse
import ast
import json
import random
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from interleaved import WARM_UP, interleaved

from infogan import precision
from infogan.config import recipe
from infogan.data import batch_indices, load, to_float
from infogan.state import State
from infogan.step import advance

SETUP = {"netG", "discriminator", "netD", "netQ", "optimD", "optimG", "real_label", "fake_label"}
SETUP |= {"criterionD", "criterionQ_dis", "criterionQ_con"}
FIX = ("real_label = 1", "real_label = 1.0")


def port_step(path: Path, device: torch.device) -> Callable[[torch.Tensor], None]:
    """One update of the port on a batch of images, from its own source."""
    sys.path.insert(0, str(path))
    from models.mnist_model import DHead, Discriminator, Generator, QHead

    names: dict[str, Any] = {
        "torch": torch, "nn": torch.nn, "optim": torch.optim, "np": np, "random": random,
        "Generator": Generator, "Discriminator": Discriminator, "DHead": DHead, "QHead": QHead,
        "device": device, "G_losses": [], "D_losses": [], "iters": 0, "epoch": 0,
    }  # fmt: skip
    source = (path / "train.py").read_text()
    if FIX[0] not in source:
        raise SystemExit(f"{path}/train.py is not the port's: {FIX[0]!r} is not in it")
    exec((path / "utils.py").read_text(), names)
    exec((path / "config.py").read_text(), names)
    names["params"] |= {"num_z": 62, "num_dis_c": 1, "dis_c_dim": 10, "num_con_c": 2}

    tree = ast.parse(source.replace(*FIX))
    setup = [node for node in tree.body if _sets_up(node)]
    epochs = next(node for node in tree.body if isinstance(node, ast.For))
    loop = next(node for node in epochs.body if isinstance(node, ast.For))
    body = [node for node in loop.body if "print" not in ast.unparse(node)]
    exec(compile(ast.Module(setup, []), "train.py", "exec"), names)
    code = compile(ast.Module(body, []), "train.py", "exec")

    def step(x: torch.Tensor) -> None:
        names["data"], names["i"] = x, 0
        exec(code, names)

    return step


def _sets_up(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id in SETUP for t in node.targets)
    return isinstance(node, ast.Expr) and ".apply(weights_init)" in ast.unparse(node)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="the port's checkout")
    parser.add_argument("--steps", type=int, default=60, help="timed steps of each")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--precision", default="auto", help="ours: auto, bfloat16 or float32")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    args = parser.parse_args()

    config, device = recipe("mnist-paper"), precision.device(args.device)
    dtype, why = precision.choose(args.precision, device)
    images = load("mnist", "train").images
    batch = config.train.batch

    def ours(shared_fakes: bool) -> Callable[[torch.Tensor], object]:
        own = replace(config, train=replace(config.train, shared_fakes=shared_fakes))
        state = State.start(own, (1, 28, 28), device)
        return lambda x: advance(state, images, own, dtype)

    batches = (
        to_float(images[batch_indices(len(images), batch, i, 1)])
        for i in range(args.steps + WARM_UP)
    )
    port = port_step(args.path, device)
    sides = {"ours": ours(False), "ours, one draw": ours(True), "port": port}
    seconds = interleaved(batches, sides, device)
    rates = {name: batch / statistics.median(values) for name, values in seconds.items()}
    ratios = {name: rate / rates["port"] for name, rate in rates.items() if name != "port"}
    print(f"paper's MNIST nets, batch {batch}, ours in {why}, {torch.get_num_threads()} threads")
    print(f"medians of {args.steps} steps")
    for name, values in seconds.items():
        low, high = batch / max(values), batch / min(values)
        ratio = f", {ratios[name]:.2f} times the port" if name in ratios else ""
        print(f"  {name:14s} {rates[name]:6.0f} images/s ({low:.0f} to {high:.0f}){ratio}")
    if args.json:
        args.json.write_text(json.dumps({"images_per_s": rates, "ratio": ratios}) + "\n")


if __name__ == "__main__":
    main()
