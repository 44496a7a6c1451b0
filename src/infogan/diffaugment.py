"""DiffAugment: D judges augmented images only, real and generated alike, so that it cannot learn a
small set by heart."""

import math

import torch
from torch import Tensor

from infogan.processes import rand, randint

FEW, MANY = 2_000, 20_000  # images: all of it up to the first, none from the second on
GREY = 0.5  # what a square is cut out to: the middle of the pixels' range


def diffaugment(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """T(x): colour, translation and cutout, differentiable in x, each image its own draw.

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
        strength: 0: x as it is; 1: the ranges above.
        generator: On the CPU.

    Returns:
        (n, C, H, W), same type and device.
    """
    if strength == 0:
        return x
    for change in (_coloured, _translated, _cutout):
        x = change(x, strength, generator)
    return x


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


def _coloured(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    x = x + strength * _even(x, generator) / 4
    if x.shape[1] > 1:
        grey = x.mean(1, keepdim=True)
        x = grey + (1 + strength * _even(x, generator)) * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (1 + strength * _even(x, generator) / 2) * (x - mean)


def _translated(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    for axis in (2, 3):
        side = x.shape[axis]
        reach = int(strength * side / 8 + 0.5)
        shift = randint(-reach, reach + 1, len(x), 1, generator=generator)
        places = (torch.arange(side) + shift).clamp(0, side - 1)  # (n, side)
        at = places[:, None, :, None] if axis == 2 else places[:, None, None, :]
        x = x.gather(axis, at.to(x.device).expand_as(x))
    return x


def _cutout(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    hidden = []  # (n, H) rows, (n, W) columns
    for side in x.shape[2:]:
        half = strength * side / 4
        centre = side * rand(len(x), 1, generator=generator)
        hidden.append(((torch.arange(side) + 0.5 - centre).abs() < half).to(x))
    square = hidden[0][:, None, :, None] * hidden[1][:, None, None, :]  # (n, 1, H, W)
    return x + square * (GREY - x)


def _even(x: Tensor, generator: torch.Generator) -> Tensor:
    """One number for each image from U(-1, 1), (n, 1, 1, 1)."""
    return (2 * rand(len(x), 1, 1, 1, generator=generator) - 1).to(x)
