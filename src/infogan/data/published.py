"""The published sets with exact factors, read from their own files: dSprites and 3D Shapes.

Both are bigger than what is used of them (3 GB and 6 GB), so a file is read part by part and only
the sample is kept, the one that `sprites` and `rooms` draw: the same combinations, the same splits.
"""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from infogan.config import DataConfig
from infogan.data import rooms, sprites
from infogan.data.combinations import in_channels, resized, sample, side
from infogan.data.source import SOURCES, Dataset, Factors, Split
from infogan.errors import InfoganError, MissingExtraError

CHUNK = 2000  # images read at once


@SOURCES.register("dsprites")
def dsprites(data: DataConfig, split: Split) -> Dataset:
    """`dsprites_ndarray_*.npz` (Matthey et al. 2017): a sample as `sprites` takes it, of the real
    pixels; 0 and 1 become 0 and 255. Of its six factors the first, one colour, is left out.

    Raises:
        InfoganError: the file cannot be read, or is another.
    """
    file = Path(data.source)
    size = side(data, sprites.SIZE)
    try:
        with zipfile.ZipFile(file) as archive:
            with archive.open("latents_classes.npy") as member:
                classes = np.concatenate([*_parts(member)])
            _check(classes[:, 1:], sprites.SIZES)
            numbers = sample(len(classes), sprites.TRAIN, sprites.TEST, split, data.limit)
            with archive.open("imgs.npy") as member:
                parts = (255 * part[:, None] for part in _parts(member))
                images = _kept(parts, numbers, size)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as e:
        raise _not(file, "dsprites_ndarray_*.npz, with imgs and latents_classes", e) from None
    truth = _truth(sprites.NAMES, sprites.SIZES, classes[numbers.numpy(), 1:])
    return Dataset("dSprites", split, in_channels(images, data.channels), factors=truth)


@SOURCES.register("shapes3d")
def shapes3d(data: DataConfig, split: Split) -> Dataset:
    """`3dshapes.h5` (Burgess & Kim 2018): a sample as `rooms` takes it, of the real pixels.

    Raises:
        MissingExtraError: h5py is not installed.
        InfoganError: the file cannot be read, or is another.
    """
    try:
        import h5py
    except ImportError:
        raise MissingExtraError("h5py", "hub") from None
    file = Path(data.source)
    size = side(data, rooms.SIZE)
    try:
        with h5py.File(file) as archive:
            stored, columns = archive["images"], np.asarray(archive["labels"]).T
            # the file has hues and degrees; a factor's value is its place among them
            classes = np.stack([np.unique(c, return_inverse=True)[1] for c in columns], 1)
            _check(classes, rooms.SIZES)
            numbers = sample(len(stored), rooms.TRAIN, rooms.TEST, split, data.limit)
            parts = (
                np.asarray(stored[i : i + CHUNK]).transpose(0, 3, 1, 2)
                for i in range(0, len(stored), CHUNK)
            )
            images = _kept(parts, numbers, size)
    except (OSError, KeyError, ValueError) as e:
        raise _not(file, "3dshapes.h5, with images and labels", e) from None
    truth = _truth(rooms.NAMES, rooms.SIZES, classes[numbers.numpy()])
    return Dataset("3D Shapes", split, in_channels(images, data.channels), factors=truth)


def _parts(member: IO[bytes]) -> Iterator[np.ndarray[Any, Any]]:
    """An array of an .npz file part by part: its numbers only, never objects.

    `np.load` would read all of it at once: it cannot map a compressed array into memory.
    """
    version = np.lib.format.read_magic(member)
    read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
        version, np.lib.format.read_array_header_2_0
    )
    shape, by_column, dtype = read(member)
    if dtype.hasobject or by_column:
        raise ValueError(f"an array of {dtype}, expected plain numbers row by row")
    row = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
    for start in range(0, shape[0], CHUNK):
        n = min(CHUNK, shape[0] - start)
        block = member.read(n * row)
        if len(block) != n * row:
            raise EOFError("it ends too early")
        yield np.frombuffer(block, dtype).reshape(n, *shape[1:])


def _kept(parts: Iterator[np.ndarray[Any, Any]], numbers: Tensor, size: int) -> Tensor:
    """The images of these numbers, in their order and size, from all images part by part."""
    images: Tensor | None = None
    order = numbers.argsort()
    start, done = 0, 0
    for part in parts:
        if images is None:
            images = torch.empty(len(numbers), part.shape[1], size, size, dtype=torch.uint8)
        upto = int(torch.searchsorted(numbers[order], start + len(part)))
        here = order[done:upto]
        if len(here):
            chosen = torch.from_numpy(part[(numbers[here] - start).numpy()])
            images[here] = resized(chosen, size)
        start, done = start + len(part), upto
        if done == len(numbers):
            break
    if images is None or done < len(numbers):
        raise ValueError("fewer images than factors")
    return images


def _check(classes: np.ndarray[Any, Any], sizes: Sequence[int]) -> None:
    """Raises ValueError where these are other factors than the set's."""
    most = classes.max(0, initial=-1) + 1
    if classes.shape[1:] != (len(sizes),) or (most > sizes).any():
        raise ValueError(f"factors of {most.tolist()} values, expected {list(sizes)}")


def _truth(
    names: tuple[str, ...], sizes: tuple[int, ...], classes: np.ndarray[Any, Any]
) -> Factors:
    return Factors(names, sizes, torch.from_numpy(classes.astype(np.int64)))


def _not(file: Path, expected: str, error: Exception) -> InfoganError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InfoganError(f"cannot read {file}: {reason}; give {expected}")
