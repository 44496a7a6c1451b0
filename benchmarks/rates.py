"""Training steps, encode and generate, beside what the processor can do."""

from dataclasses import replace

import ceiling
import numpy as np
import operations
import torch
from interleaved import WARM_UP, interleaved
from lines import Line, line
from machine import CPU, named
from resident import resident
from sides import (
    ENCODED,
    GENERATED,
    MADE,
    READ,
    SHAPE,
    Side,
    formats,
    makers,
    of_step,
    paper_model,
    plain_encode,
)  # fmt: skip

from infogan import precision
from infogan.codes import probs
from infogan.config import recipe
from infogan.data import load
from infogan.encode import encode
from infogan.model import InfoGAN


def steps_and_batches(rounds: int, device: torch.device = CPU) -> list[Line]:
    """Training steps, encode, generate, and the ceilings, all in turn; then the memory of each."""
    wanted, best = formats(device), formats(device)[0]
    works = {k: v for dtype in wanted for k, v in ceiling.works(dtype, device).items()}
    sides: dict[str, Side] = {k: lambda _, f=f: f() for k, (f, _) in works.items()}
    calls = makers(device)
    sides |= {name: make() for name, make in calls.items()}
    seconds = interleaved(range(rounds + WARM_UP), sides, device)

    lines = [line(k, n / 1e9, seconds[k], unit="GFLOP/s") for k, (_, n) in works.items()]
    top = {
        dtype: next(x.rate for x in lines if x.what == f"convolution, {named(dtype)}")
        for dtype in wanted
    }

    def found(name: str, images: int) -> Line:
        return replace(line(name, images, seconds[name]), memory=resident(name, device))

    def shared(found: Line, operations_each: float, dtype: torch.dtype) -> Line:
        return replace(found, share=found.rate * operations_each / 1e9 / top[dtype])

    for name, dtype in [*(("mnist-paper", d) for d in wanted), ("mnist", best)]:
        config = recipe(name)
        step = found(of_step(name, dtype), config.train.batch)
        lines.append(shared(step, operations.step(config, SHAPE), dtype))
    model = paper_model(device)
    looked = sum(operations.total(operations.forward(part, shape)) for part, shape in
                 ((model.trunk, SHAPE), (model.Q, (model.D.in_features,))))  # fmt: skip
    made = operations.total(operations.forward(model.G, (model.prior.width,)))
    for fast, slow, n, each in (
        ("encode", READ, ENCODED, looked),
        ("generate", MADE, GENERATED, made),
    ):
        plain, ours = found(slow, n), shared(found(fast, n), each, best)
        lines += [plain, replace(ours, ratio=ours.rate / plain.rate, to="that loop")]
    assert {x.what for x in lines} == sides.keys()
    return lines


def same_categories(model: InfoGAN) -> Line:
    """Of a trained model: how many of the test images keep their category in `encode`."""
    images = load("mnist", "test").images
    best, _ = precision.choose("auto", next(model.parameters()).device)
    code = model.prior.categorical[0].name
    full = probs(model.prior.q(plain_encode(model, images))[code]).argmax(1).numpy()
    same = float(np.mean(encode(model, images, best)[code] == full))
    return Line("categories that encode keeps", same, same, same, unit=f"of {len(images):,}")
