"""Sets that hold every combination of a few factors, and the fixed sample of one that is used."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.config import DataConfig
from infogan.data.source import Factors, Split
from infogan.errors import InfoganError

SEED = 20_161  # of the sample: every run, whatever its own seed, meets the same images
CHUNK = 1000  # images of a file resized at once


def sample(total: int, train: int, test: int, split: Split, limit: int = 0) -> Tensor:
    """Which of all combinations a split shows; no combination is in both splits.

    One permutation, the same always: the training images are its first, the test images its last.

    Args:
        total: How many combinations there are.
        train: How many are learnt from where nothing is said.
        test: How many are held out; at most a tenth of all.
        split: Which.
        limit: How many to learn from instead, up to all that are not held out, and how many to
            hold out at most; 0: as many as usual.

    Returns:
        Their numbers in the order of the factors, the last one running fastest.
    """
    order = torch.randperm(total, generator=torch.Generator().manual_seed(SEED))
    held = max(1, min(test, total // 10))
    if split == "test":
        return order[total - held :][: limit or held]
    return order[: min(limit or train, total - held)]


def factors(names: Sequence[str], sizes: Sequence[int], numbers: Tensor) -> Factors:
    """The values of all factors of the combinations of these numbers."""
    values = np.stack(np.unravel_index(numbers.numpy(), tuple(sizes)), 1)
    assert len(names) == len(sizes)
    return Factors(tuple(names), tuple(sizes), torch.from_numpy(values.astype(np.int64)))


def side(data: DataConfig, usual: int) -> int:
    """The images' side in pixels.

    Raises:
        InfoganError: it is too small to show anything.
    """
    if 0 < data.size < 8:
        raise InfoganError(f"data.size is 8 to 256 pixels, got {data.size}; give e.g. {usual}")
    return data.size or usual


def in_channels(images: Tensor, channels: int) -> Tensor:
    """(N, C, H, W) bytes as grey (1) or colour (3); 0: as they are.

    Grey is the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.
    """
    if channels in (0, images.shape[1]):
        return images
    if channels == 3:
        return images.expand(-1, 3, -1, -1)
    grey = torch.empty(len(images), 1, *images.shape[2:], dtype=torch.uint8)
    weights = torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1)
    for part, out in zip(torch.split(images, CHUNK), torch.split(grey, CHUNK)):
        out.copy_((part * weights).sum(1, keepdim=True).round())
    return grey


def resized(images: Tensor, size: int) -> Tensor:
    """Bytes (n, C, h, w) at another size, each pixel the mean of what it covers."""
    if images.shape[2:] == (size, size):
        return images
    x = F.interpolate(images.float(), (size, size), mode="bilinear", antialias=True)
    return x.round().clamp(0, 255).byte()


def hues(k: int, saturation: float, value: float) -> Tensor:
    """k colours around the wheel from red on, (k, 3) in [0, 1]: HSV with hue 0, 1/k, …

    V (1 − S + S · clip(2 − a, 0, 1)), a = |6 h − 0, 2, 4| around the wheel for R, G, B.
    """
    h = 6 * torch.arange(k)[:, None] / k  # (k, 1), 0 to 6
    away = (h - torch.tensor([0.0, 2.0, 4.0]) + 3) % 6 - 3  # from pure red, green, blue
    pure = (2 - away.abs()).clamp(0, 1)  # (k, 3)
    return value * (1 - saturation * (1 - pure))


def count(sizes: Sequence[int]) -> int:
    """How many combinations there are."""
    return math.prod(sizes)
