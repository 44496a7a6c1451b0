"""Images in one `.npy` file, read as they are needed."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from infogan.errors import InfoganError


def read_array(file: Path, shape: tuple[int, int, int]) -> Tensor:
    """The images of a `.npy` file, memory-mapped.

    Args:
        file: (N, C, H, W), (N, H, W, C), or (N, H, W) if grey; bytes, or floats in [0, 1].
        shape: (C, H, W) that they must have.

    Returns:
        (N, C, H, W), bytes or floats.

    Raises:
        InfoganError: it cannot be read, or holds something else.
    """
    try:
        array = np.load(file, mmap_mode="c")  # "c": torch wants it writable; no objects
    except (OSError, ValueError, EOFError) as e:
        reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        raise InfoganError(f"cannot read {file}: {reason}; give a .npy file of images") from None
    c, h, w = shape
    layouts = {(c, h, w): (0, 1, 2, 3), (h, w, c): (0, 3, 1, 2)}
    if c == 1 and array.shape[1:] == (h, w):
        array = array[:, None]
    if array.shape[1:] not in layouts:
        raise InfoganError(
            f"{file} holds an array {array.shape}, expected (N, {c}, {h}, {w}) or (N, {h}, {w}, "
            f"{c}); resize the images first"
        )
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise InfoganError(
            f"{file} holds {array.dtype}, expected bytes (uint8) or floats in [0, 1]; convert it"
        )
    if array.dtype.kind == "f" and not (array.size and array.min() >= 0 and array.max() <= 1):
        raise InfoganError(f"{file} holds floats beyond [0, 1]; rescale them")
    return torch.from_numpy(array.transpose(layouts[array.shape[1:]]))
