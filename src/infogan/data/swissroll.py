"""The swiss roll: a rectangle rolled up in space, whose two sides are what there is to find."""

import math

import numpy as np
import torch

from infogan.config import DataConfig
from infogan.data.source import SOURCES, Dataset, Factors, Split

SIZES = {"train": 20_000, "test": 2_000}
SEEDS = {"train": 0, "test": 1}


@SOURCES.register("swissroll")
def swissroll(data: DataConfig, split: Split) -> Dataset:
    """Points of the roll, (N, 3, 1, 1), uniform in its angle and height.

    t = 1.5 π + 2 π turns · u,  x = (t cos t, 21 v, t sin t),  u, v ~ U(0, 1)

    With one and a half turns it is scikit-learn's `make_swiss_roll`, where t = 1.5 π (1 + 2 u). Its
    factors are `along`, the length of the spiral from its inner end, and `height`, 21 v.

    Args:
        data: `turns`.
        split: Each has points of its own.
    """
    rng = np.random.default_rng(SEEDS[split])
    u, v = rng.random((2, SIZES[split]))
    t = 1.5 * math.pi + 2 * math.pi * data.turns * u
    height = 21 * v
    x = np.stack([t * np.cos(t), height, t * np.sin(t)], 1)
    along = length(t) - length(np.array(1.5 * math.pi))
    factors = torch.from_numpy(np.stack([along, height], 1))
    return Dataset(
        f"swiss roll of {data.turns:g} turns",
        split,
        torch.from_numpy(x.astype(np.float32))[:, :, None, None],
        factors=Factors(("along", "height"), (0, 0), factors),
        columns=("x", "y", "z"),
    )


def length(t: np.ndarray) -> np.ndarray:
    """Of the spiral (t cos t, t sin t): ∫ √(1 + t²) dt = (t √(1 + t²) + asinh t) / 2."""
    return np.asarray((t * np.sqrt(1 + t**2) + np.arcsinh(t)) / 2)
