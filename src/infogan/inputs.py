"""What a user hands over, images, vectors or values of codes, checked and as tensors."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from infogan.errors import InfoganError

LARGEST = float(np.finfo(np.float32).max)
SEEDS = 2**63  # that a generator takes


def images(x: ArrayLike, shape: tuple[int, int, int]) -> Tensor:
    """A user's images as (n, C, H, W) bytes, or floats in [0, 1].

    Raises:
        InfoganError: they have another shape, or another range.
    """
    given = x if isinstance(x, Tensor) else array("images", x)
    if not isinstance(given, Tensor) and given.dtype.kind not in "biuf":
        raise InfoganError(f"expected images as numbers, got {given.dtype}")
    found = torch.as_tensor(given)
    if tuple(found.shape) == shape or (shape[0] == 1 and tuple(found.shape) == shape[1:]):
        found = found.reshape(1, *shape)
    if found.dim() == 3 and shape[0] == 1:
        found = found[:, None]
    c, h, w = shape
    if found.dim() != 4 or tuple(found.shape[1:]) != shape:
        raise InfoganError(
            f"expected images (n, {c}, {h}, {w}), got {tuple(found.shape)}; resize them first"
        )
    if not len(found):
        raise InfoganError(f"expected images (n, {c}, {h}, {w}), n ≥ 1, got none")
    if found.dtype == torch.uint8:
        return found
    if not found.is_floating_point():
        raise InfoganError(f"expected floats in [0, 1] or bytes (uint8), got {found.dtype}")
    if not (found.min() >= 0 and found.max() <= 1):
        low, high = found.min().item(), found.max().item()
        raise InfoganError(f"expected floats in [0, 1], got {low:g} to {high:g}; rescale them")
    return found.float()


def vectors(x: ArrayLike, shape: tuple[int, int, int]) -> Tensor:
    """A user's vectors as (n, d, 1, 1) floats.

    Raises:
        InfoganError: they have another width, or hold what is no finite number.
    """
    given = array("vectors", x)
    d = shape[0]
    rows = given.reshape(1, d) if given.shape == (d,) else given
    if given.shape[1:] == shape:
        rows = given.reshape(-1, d)
    if given.dtype.kind not in "iufb" or rows.ndim != 2 or rows.shape[1] != d or not len(rows):
        raise InfoganError(f"expected vectors (n, {d}) of numbers, got {given.dtype} {given.shape}")
    bad = ~(np.abs(rows) <= LARGEST).all(1)
    if bad.any():
        raise InfoganError(
            f"vectors must be finite, row {int(bad.argmax())} is not; leave it out or fill it"
        )
    return torch.from_numpy(rows.astype(np.float32)).reshape(-1, *shape)


def array(name: str, value: ArrayLike) -> NDArray[Any]:
    """What a user gives for a name, as an array.

    Raises:
        InfoganError: its rows are of several lengths.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        value = value.float() if value.dtype == torch.bfloat16 else value  # numpy has none
    try:
        return np.asarray(value)
    except ValueError:
        raise InfoganError(
            f"{name}: rows of several lengths; give as many numbers in each"
        ) from None


def is_number(text: str) -> bool:
    """Whether a text reads as a number, `nan` and `inf` among them."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def checked_seed(seed: int) -> int:
    """A user's seed.

    Raises:
        InfoganError: it is no integer from 0 to 2⁶³ − 1.
    """
    if not isinstance(seed, int | np.integer) or not 0 <= seed < SEEDS:
        raise InfoganError(f"seed: expected an integer from 0 to 2⁶³ − 1, got {seed!r}")
    return int(seed)


def numbers(name: str, value: ArrayLike, d: int) -> Tensor:
    """A user's value of d numbers, for one image or for n, as (n, d) floats."""
    given = array(name, value)
    numeric = given.dtype.kind in "iuf" and bool((np.abs(given.astype(float)) <= LARGEST).all())
    if numeric and given.ndim == 0:
        given = np.broadcast_to(given, (1, d))
    elif numeric and given.ndim == 1:
        given = given[:, None] if d == 1 else given[None, :]
    if not numeric or given.ndim != 2 or given.shape[1] != d:
        raise InfoganError(f"{name}: expected a number, or (n, {d}) finite numbers, got {value!r}")
    return torch.from_numpy(given.astype(np.float32))
