"""Files of every format and mode that a test needs, as bytes."""

import io

import numpy as np
from PIL import Image


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def halves(w=40, h=40, left=(200, 30, 60), right=(20, 120, 240), mode="RGB"):
    """A picture whose left half has one colour and whose right half another."""
    pixels = np.empty((h, w, 3), np.uint8)
    pixels[:, : w // 2], pixels[:, w // 2 :] = left, right
    return Image.fromarray(pixels).convert(mode)


def ramp(w=64, h=64):
    """Grey from 0 on the left to 255 on the right."""
    return Image.fromarray(np.tile(np.linspace(0, 255, w).round().astype(np.uint8), (h, 1)))


def folder_of(path, n, size=16, seed=0, kind="PNG"):
    """n little coloured pictures 000.png, … in a folder; their pixels (n, size, size, 3)."""
    path.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), np.uint8)
    for i, x in enumerate(pixels):
        (path / f"{i:03d}.{kind.lower()}").write_bytes(saved(Image.fromarray(x), kind))
    return pixels
