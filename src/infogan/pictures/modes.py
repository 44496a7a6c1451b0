"""Pillow's modes, of which there are many, as four."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NUMBERS = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # one number a pixel, more than a byte


def in_plain_mode(image: Image.Image) -> Image.Image:
    """A picture in mode L or RGB, or LA or RGBA where it has transparency."""
    mode = image.mode
    if mode in NUMBERS:
        return Image.fromarray(_as_bytes(np.asarray(image)))
    if mode in ("LA", "RGBA"):
        plain = mode
    elif mode == "La":
        plain = "LA"
    elif "transparency" in image.info or mode in ("PA", "RGBa"):
        plain = "RGBA"
    else:
        plain = "L" if mode in ("1", "L") else "RGB"  # P, CMYK, YCbCr, HSV
    return image if mode == plain else image.convert(plain)


def _as_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey values of 16 bits, or whatever range they are in, as bytes: scaled, never clipped.

    16-bit formats: x/257, so that 65,535 is white. Integers of 32 bits and floats have no white of
    their own: those within [0, 1], [0, 255] or [0, 65,535] are taken for such.
    """
    if values.dtype == np.uint16:
        top = 65_535.0
    else:
        low, high = float(values.min()), float(values.max())
        tops = (1.0, 255.0, 65_535.0) if values.dtype.kind == "f" else (255.0, 65_535.0)
        top = next((t for t in tops if low >= 0 and high <= t), 0.0)
        if not top:
            raise ValueError(f"values from {low:g} to {high:g}, of which none is known for white")
    grey: NDArray[np.uint8] = np.rint(values.astype(np.float32) * (255 / top)).astype(np.uint8)
    return grey
