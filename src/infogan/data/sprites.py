"""`sprites`: the factors of dSprites (Matthey et al. 2017), drawn here: white on black."""

import math

import torch
from torch import Tensor

from infogan.config import DataConfig
from infogan.data.combinations import count, factors, in_channels, sample, side
from infogan.data.source import SOURCES, Dataset, Split

NAMES = ("shape", "scale", "orientation", "x", "y")
SIZES = (3, 6, 40, 32, 32)
SIZE, TRAIN, TEST = 64, 50_000, 10_000

REACH = 0.2  # of the image's side: no shape of scale 1 goes further from its middle
CHUNK = 256  # images drawn at once, so that what is worked on stays in the cache


@SOURCES.register("sprites")
def sprites(data: DataConfig, split: Split) -> Dataset:
    """A fixed sample of the 737,280 combinations of 3 shapes (square, ellipse, heart), 6 scales
    from 0.5 to 1, 40 orientations (9° apart, all around), 32 × 32 positions: grey, edges smooth, of
    any size, 50,000 to learn from and 10,000 others held out.

    A square looks the same after 10 orientations, an ellipse after 20, as in the published set.
    `data.limit` gives more (up to 727,280, which at 64 pixels are 3 GB) or fewer; `data.size` their
    side, 64 where nothing is said.
    """
    size = side(data, SIZE)
    numbers = sample(count(SIZES), TRAIN, TEST, split, data.limit)
    truth = factors(NAMES, SIZES, numbers)
    images = in_channels(draw(truth.values, size), data.channels)
    return Dataset("sprites", split, images, factors=truth)


def draw(values: Tensor, size: int) -> Tensor:
    """Sprites with these values of the five factors.

    A pixel is as bright as the shape covers it, clip(1/2 − d, 0, 1), d the signed distance of its
    middle to the edge in pixels. Only the window that a shape can reach is looked at.

    Args:
        values: (N, 5) integers in the order of NAMES.
        size: Side in pixels.

    Returns:
        (N, 1, size, size) bytes.
    """
    images = torch.zeros(len(values), 1, size, size, dtype=torch.uint8)
    window = min(size, math.ceil(2 * REACH * size) + 3)
    at = torch.arange(window)
    for shape, distance in enumerate((_square, _ellipse, _heart)):
        for which in torch.split((values[:, 0] == shape).nonzero()[:, 0], CHUNK):
            _, scale, turn, x, y = values[which].float().unbind(1)
            scale, angle = 0.5 + 0.5 * scale / 5, 2 * math.pi * turn / 40
            middle = size * (REACH + (1 - 2 * REACH) * torch.stack([x, y]) / 31)  # (2, n) pixels
            first = (middle - window / 2).round().long().clamp(0, size - window)
            dx, dy = first[:, :, None] + at + 0.5 - middle[:, :, None]  # (n, window) each
            dx, dy = dx[:, None, :], dy[:, :, None]
            cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
            unit = (REACH * size * scale)[:, None, None]  # pixels
            d = unit * distance((cos * dx + sin * dy) / unit, (cos * dy - sin * dx) / unit)
            pixels = (255 * (0.5 - d).clamp(0, 1)).round().byte()  # (n, window, window)
            rows, columns = first[1][:, None] + at, first[0][:, None] + at
            images[which[:, None, None], 0, rows[:, :, None], columns[:, None, :]] = pixels
    return images


# Signed distances to shapes that reach 1 from the middle, negative inside; y points down.


def _square(x: Tensor, y: Tensor) -> Tensor:
    x, y = x.abs() - math.sqrt(0.5), y.abs() - math.sqrt(0.5)
    outside = torch.hypot(x.clamp_min(0), y.clamp_min(0))
    return outside + torch.maximum(x, y).clamp_max(0)


def _ellipse(x: Tensor, y: Tensor) -> Tensor:
    """Of half-axes 1 and 1/2: (k − 1) k / ‖∇k‖ / k, k = ‖(x, 2 y)‖, right to first order at its
    edge, which is where it counts."""
    k, slope = torch.hypot(x, 2 * y), torch.hypot(x, 4 * y)
    return (k - 1) * torch.where(slope > 0, k / slope, 0.5)


def _heart(x: Tensor, y: Tensor) -> Tensor:
    """Two half-discs on a square on its tip (I. Quilez, "2D distance functions")."""
    # of Quilez's heart, whose tip is (0, 0), no point is further than 0.632 from (0, 0.63)
    s = 0.632
    x, y = s * x.abs(), 0.63 - s * y
    lobes = torch.hypot(x - 0.25, y - 0.75) - math.sqrt(2) / 4
    along = 0.5 * (x + y).clamp_min(0)
    edge = torch.minimum(torch.hypot(x, y - 1), torch.hypot(x - along, y - along))
    return torch.where(x + y > 1, lobes, edge * (x - y).sign()) / s
