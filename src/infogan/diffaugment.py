"""DiffAugment: D judges augmented images only, real and generated alike, so that it cannot learn a
small set by heart."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from infogan.data.colour import recoloured
from infogan.processes import rand, randint

FEW, MANY = 2_000, 20_000  # images: all of it up to the first, none from the second on
SIDES = ("y", "x")  # of an image, from the top and from the left
GREY = 0.5  # what a square is cut out to: the middle of the pixels' range


def drawn(
    n: int, shape: tuple[int, int, int], strength: float, generator: torch.Generator
) -> dict[str, Tensor]:
    """What `diffaugment` does to n images, each its own draw; nothing at strength 0.

    Args:
        n: Images, in each process.
        shape: (C, H, W).
        strength: 1: the ranges that `diffaugment` gives.
        generator: On the CPU.

    Returns:
        b, s, k, (n, 1, 1, 1) each; for both sides which pixel each one shows, (n, H) and (n, W),
        and whether it is cut out in that direction, 0 or 1.
    """
    if strength == 0:
        return {}
    channels, *sides = shape

    def even() -> Tensor:
        return strength * (2 * rand(n, 1, 1, 1, generator=generator) - 1)

    change = {"b": even() / 4}
    if channels > 1:
        change["s"] = 1 + even()
    change["k"] = 1 + even() / 2
    for name, side in zip(SIDES, sides, strict=True):
        reach = int(strength * side / 8 + 0.5)
        shift = randint(-reach, reach + 1, n, 1, generator=generator)
        change[f"{name} from"] = (torch.arange(side) + shift).clamp(0, side - 1)
    for name, side in zip(SIDES, sides, strict=True):
        half = strength * side / 4
        centre = side * rand(n, 1, generator=generator)
        change[f"{name} cut"] = ((torch.arange(side) + 0.5 - centre).abs() < half).float()
    return change


def diffaugment(x: Tensor, change: Mapping[str, Tensor]) -> Tensor:
    """T(x): colour, translation and cutout, differentiable in x.

    brightness    x + b,                 b ~ U(-¼, ¼)
    saturation    m + s (x − m),         s ~ U(0, 2), m the mean over colours; colour images only
    contrast      x̄ + k (x − x̄),         k ~ U(½, 1½), x̄ the image's mean
    translation   by whole pixels, up to ⅛ of the side, the border repeated
    cutout        a square of ½ the side, its centre anywhere, is grey

    Every range shrinks with the strength. Zhao et al. 2020, "Differentiable Augmentation for
    Data-Efficient GAN Training", whose translation fills with grey instead.

    D judges T(x) and T(G(z, c)), in its own step and in G's. G is still drawn to x and not to T(x):
    only images distributed as x are, under T, distributed as T(x).

    Q reads images as they are, in a pass of its own. Were it to read T(G(z, c)), L_I would bound
    I(c; T(G(z, c))), and no code could mean brightness, colour or place, which T hides; and the
    pairs of real images would differ by T too. It costs two more passes of the trunk in D's step
    and one in G's.

    Args:
        x: Images in [0, 1], (n, C, H, W); the result may leave that range.
        change: Of `drawn`, on any device; empty: x as it is.

    Returns:
        (n, C, H, W), same type and device.
    """
    if not change:
        return x
    x = recoloured(x, change["b"], change["k"], change.get("s"))
    return _cut(_translated(x, change), change)


def strength_for(wanted: float, n: int, shape: tuple[int, int, int]) -> float:
    """The strength that is wanted, or where that is negative, the one for n images.

    1 up to 2,000 images, 0 from 20,000 on, even in ln n between; 0 for vectors.

    Args:
        wanted: `loss.diffaugment`.
        n: Images to learn from.
        shape: (C, H, W).
    """
    if shape[1:] == (1, 1):
        return 0.0
    if wanted >= 0:
        return wanted
    return min(1.0, max(0.0, math.log(MANY / n) / math.log(MANY / FEW)))


def _translated(x: Tensor, change: Mapping[str, Tensor]) -> Tensor:
    rows, columns = (change[f"{name} from"].to(x.device) for name in SIDES)
    x = x.gather(2, rows[:, None, :, None].expand_as(x))
    return x.gather(3, columns[:, None, None, :].expand_as(x))


def _cut(x: Tensor, change: Mapping[str, Tensor]) -> Tensor:
    rows, columns = (change[f"{name} cut"].to(x) for name in SIDES)
    square = rows[:, None, :, None] * columns[:, None, None, :]  # (n, 1, H, W)
    return x + square * (GREY - x)
