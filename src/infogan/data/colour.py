"""Light and colour of images, changed: each image its own way."""

import math

import torch
from torch import Tensor

from infogan.processes import rand

EVEN = 1e-2  # standard deviation of the pixels below which an image shows nothing
COLOURS = 3  # channels of an image that has saturation and hue


def recoloured(
    x: Tensor,
    brightness: Tensor,
    contrast: Tensor,
    saturation: Tensor | None = None,
    hue: Tensor | None = None,
) -> Tensor:
    """Images in another light, differentiable in x; linear in each pixel.

        hue           m + R(φ)(x − m),   m the pixel's mean over colours, R a turn about the grey
                                         axis (1, 1, 1): it keeps m and the distance to grey
        saturation    m + s (x − m)
        brightness    x + b
        contrast      x̄ + k (x − x̄),     x̄ the image's mean

    Args:
        x: (n, C, H, W).
        brightness: b, (n, 1, 1, 1) like the others.
        contrast: k.
        saturation: s; None: as it is.
        hue: φ in radians, for three colours; None: as it is.

    Returns:
        (n, C, H, W), same type and device; it may leave the range of x.
    """
    x = x + brightness.to(x)
    if saturation is not None:
        grey = x.mean(1, keepdim=True)
        colour = x - grey
        if hue is not None:
            # R(φ) v = cos φ v + sin φ (a × v), where a is the grey axis, and a · v = 0
            across = (colour.roll(1, 1) - colour.roll(-1, 1)) / math.sqrt(COLOURS)
            colour = hue.cos().to(x) * colour + hue.sin().to(x) * across
        x = grey + saturation.to(x) * colour
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + contrast.to(x) * (x - mean)


def pattern(x: Tensor) -> Tensor:
    """The pattern of light and dark, without colours, brightness and contrast.

    (m − m̄) / sd(m), m the mean over colours at each pixel, m̄ and sd over the pixels; 0 where an
    image is even.

    Args:
        x: (n, C, H, W).

    Returns:
        (n, 1, H, W), same type and device.
    """
    m = x.mean(1, keepdim=True)
    m = m - m.mean((2, 3), keepdim=True)
    sd = m.square().mean((2, 3), keepdim=True).sqrt()
    return m / sd.clamp(min=EVEN)


def in_other_light(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Images in [0, 1] in another light, each its own draw, cut off at 0 and 1.

    b ~ U(−¼, ¼), k ~ U(½, 1½); of colour images s ~ U(0, 2) and φ ~ U(−π, π); every range shrinks
    with the strength.

    Args:
        x: (n, C, H, W).
        strength: 1: those ranges; 0: x as it is.
        generator: On the CPU.

    Returns:
        (n, C, H, W), same type and device.
    """

    def even() -> Tensor:
        return strength * (2 * rand(len(x), 1, 1, 1, generator=generator) - 1)

    brightness, contrast = even() / 4, 1 + even() / 2
    saturation = hue = None
    if x.shape[1] == COLOURS:
        saturation, hue = 1 + even(), math.pi * even()
    return recoloured(x, brightness, contrast, saturation, hue).clamp(0, 1)
