"""Training steps, encode and generate, beside what the processor can do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ceiling
import numpy as np
import operations
import torch
from interleaved import WARM_UP, interleaved
from lines import Line, line
from machine import CPU

from infogan import precision
from infogan.codes import probs
from infogan.config import Config, recipe
from infogan.data import load
from infogan.encode import encode
from infogan.generate import generate
from infogan.model import InfoGAN
from infogan.state import State
from infogan.step import advance

SHAPE = (1, 28, 28)
ENCODED, GENERATED = 5120, 5120  # images in one round


def trainer(
    config: Config, images: torch.Tensor, dtype: torch.dtype, device: torch.device = CPU
) -> Callable[[object], object]:
    state = State.start(config, SHAPE, device)
    return lambda _: advance(state, images, config, dtype)


def steps_and_batches(rounds: int, device: torch.device = CPU) -> list[Line]:
    """Training steps, encode, generate, and the ceilings, all in turn."""
    best, _ = precision.choose("auto", device)
    train, test = load("mnist", "train").images, load("mnist", "test").images
    formats = [best] if best == torch.float32 else [best, torch.float32]
    works = {k: v for dtype in formats for k, v in ceiling.works(dtype, device).items()}
    sides: dict[str, Callable[[Any], object]] = {
        k: lambda _, f=f: f() for k, (f, _) in works.items()
    }
    paper, small = recipe("mnist-paper"), recipe("mnist")
    for dtype in formats:
        sides[f"step, paper's nets, {_name(dtype)}"] = trainer(paper, train, dtype, device)
    sides[f"step, mnist, {_name(best)}"] = trainer(small, train, best, device)

    model = InfoGAN.from_config(paper, SHAPE).to(device).eval()
    some = test[:ENCODED]
    sides["float32 loop of 128 over trunk and Q"] = lambda _: plain_encode(model, some)
    sides["encode"] = lambda _: encode(model, some, best)
    sides["float32 loop of 128 over G"] = lambda _: plain_generate(model, GENERATED)
    sides["generate"] = lambda _: [*generate(model, GENERATED, dtype=best)]
    seconds = interleaved(range(rounds + WARM_UP), sides, device)

    lines = [line(k, n / 1e9, seconds[k], unit="GFLOP/s") for k, (_, n) in works.items()]
    top = {dtype: next(x.rate for x in lines if x.what == f"convolution, {_name(dtype)}")
           for dtype in formats}  # fmt: skip

    def share(rate: float, operations_each: float, dtype: torch.dtype) -> float:
        return rate * operations_each / 1e9 / top[dtype]

    for config, dtype in [*((paper, d) for d in formats), (small, best)]:
        net = "paper's nets" if config is paper else "mnist"
        found = line(f"step, {net}, {_name(dtype)}", config.train.batch,
                     seconds[f"step, {net}, {_name(dtype)}"])  # fmt: skip
        lines.append(replace(found, share=share(found.rate, operations.step(config, SHAPE), dtype)))
    looked = sum(operations.total(operations.forward(part, shape)) for part, shape in
                 ((model.trunk, SHAPE), (model.Q, (model.D.in_features,))))  # fmt: skip
    made = operations.total(operations.forward(model.G, (model.prior.width,)))
    for fast, slow, n, each in (
        ("encode", "float32 loop of 128 over trunk and Q", ENCODED, looked),
        ("generate", "float32 loop of 128 over G", GENERATED, made),
    ):
        plain, found = line(slow, n, seconds[slow]), line(fast, n, seconds[fast])
        lines.append(plain)
        reached = share(found.rate, each, best)
        lines.append(replace(found, ratio=found.rate / plain.rate, to="that loop", share=reached))
    return lines


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@torch.no_grad()
def plain_encode(model: InfoGAN, images: torch.Tensor) -> torch.Tensor:
    device = next(model.parameters()).device
    parts = (part.to(device).float() / 255 for part in torch.split(images, 128))
    return torch.cat([model.Q(model.trunk(x)) for x in parts]).cpu()


@torch.no_grad()
def plain_generate(model: InfoGAN, n: int) -> torch.Tensor:
    generator, device = torch.Generator().manual_seed(0), next(model.parameters()).device
    batches = (model.prior.embed(*model.prior.sample(128, generator)) for _ in range(n // 128))
    return torch.cat([model.G(latent.to(device)) for latent in batches]).cpu()


def same_categories(model: InfoGAN) -> Line:
    """Of a trained model: how many of the test images keep their category in `encode`."""
    images = load("mnist", "test").images
    best, _ = precision.choose("auto", next(model.parameters()).device)
    code = model.prior.categorical[0].name
    full = probs(model.prior.q(plain_encode(model, images))[code]).argmax(1).numpy()
    same = float(np.mean(encode(model, images, best)[code] == full))
    return Line("categories that encode keeps", same, same, same, unit=f"of {len(images):,}")
