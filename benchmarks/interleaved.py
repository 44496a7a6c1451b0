"""Times of several steps that take turns, so that a busy machine slows all alike."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

X = TypeVar("X")

WARM_UP = 5  # batches that are not timed


def interleaved(
    batches: Iterable[X], steps: Mapping[str, Callable[[X], object]]
) -> dict[str, list[float]]:
    """Seconds of every step on every batch after the first five; the order turns each time."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for i, x in enumerate(batches):
        for name, step in list(steps.items())[:: 1 if i % 2 else -1]:
            began = time.perf_counter()
            step(x)
            if i >= WARM_UP:
                seconds[name].append(time.perf_counter() - began)
    return seconds
