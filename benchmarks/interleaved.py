"""Times of several steps that take turns, so that a busy machine slows all alike."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import torch
from machine import CPU

X = TypeVar("X")

WARM_UP = 5  # batches that are not timed


def interleaved(
    batches: Iterable[X],
    steps: Mapping[str, Callable[[X], object]],
    device: torch.device = CPU,
) -> dict[str, list[float]]:
    """Seconds of every step on every batch after the first five; the order turns each time. A GPU
    is waited for: what was begun there counts as done when it is."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for i, x in enumerate(batches):
        for name, step in list(steps.items())[:: 1 if i % 2 else -1]:
            began = time.perf_counter()
            step(x)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if i >= WARM_UP:
                seconds[name].append(time.perf_counter() - began)
    return seconds
