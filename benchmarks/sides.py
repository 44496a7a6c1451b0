"""What is measured of steps, encoding and generating: each a call that is made by itself, with all
that it needs, so that the memory of one can be told from that of the others."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from machine import CPU, named

from infogan import precision
from infogan.config import Config, recipe
from infogan.data import load
from infogan.encode import encode
from infogan.generate import generate
from infogan.model import InfoGAN
from infogan.state import State
from infogan.step import advance

SHAPE = (1, 28, 28)
ENCODED, GENERATED = 5120, 5120  # images in one round
READ = "float32 loop of 128 over trunk and Q"
MADE = "float32 loop of 128 over G"

Side = Callable[[Any], object]


def trainer(
    config: Config, images: torch.Tensor, dtype: torch.dtype, device: torch.device = CPU
) -> Side:
    state = State.start(config, SHAPE, device)
    return lambda _: advance(state, images, config, dtype)


def of_step(recipe_name: str, dtype: torch.dtype) -> str:
    net = "paper's nets" if recipe_name == "mnist-paper" else recipe_name
    return f"step, {net}, {named(dtype)}"


def formats(device: torch.device) -> list[torch.dtype]:
    """The best format there, and float32."""
    best, _ = precision.choose("auto", device)
    return [best] if best == torch.float32 else [best, torch.float32]


def makers(device: torch.device) -> dict[str, Callable[[], Side]]:
    """By the line's name what makes the call."""
    best = formats(device)[0]

    def step(name: str, dtype: torch.dtype) -> Side:
        return trainer(recipe(name), load("mnist", "train").images, dtype, device)

    def reads(how: Callable[[InfoGAN, torch.Tensor], object]) -> Side:
        model, some = paper_model(device), load("mnist", "test").images[:ENCODED]
        return lambda _: how(model, some)

    def makes(how: Callable[[InfoGAN], object]) -> Side:
        model = paper_model(device)
        return lambda _: how(model)

    steps = [("mnist-paper", dtype) for dtype in formats(device)] + [("mnist", best)]
    return {of_step(*which): partial(step, *which) for which in steps} | {
        READ: lambda: reads(plain_encode),
        "encode": lambda: reads(lambda model, images: encode(model, images, best)),
        MADE: lambda: makes(lambda model: plain_generate(model, GENERATED)),
        "generate": lambda: makes(lambda model: [*generate(model, GENERATED, dtype=best)]),
    }


def paper_model(device: torch.device) -> InfoGAN:
    return InfoGAN.from_config(recipe("mnist-paper"), SHAPE).to(device).eval()


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
