"""Images in one array: a .npy file, or one array of an .npz file."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan.data.place import File, Place
from infogan.errors import InfoganError
from infogan.pictures import Form, Item

CHANNELS = (1, 3, 4)
# what the images of an .npz file are called, and their labels: as many tools write them
PAIRS = (
    ("images", "labels"), ("imgs", "labels"), ("x_train", "y_train"), ("X_train", "y_train"),
    ("train_images", "train_labels"), ("X", "y"), ("x", "y"), ("data", "labels"),
    ("data", "target"), ("arr_0", "arr_1"),
)  # fmt: skip


@dataclass(frozen=True)
class Header:
    """What an array is, before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def is_images(self) -> bool:
        """(N, H, W), (N, H, W, C) or (N, C, H, W)."""
        return self.dtype.kind in "uifb" and layout(self.shape) is not None


@dataclass(frozen=True)
class Array(Place):
    """See `open_array`."""

    file: Path = Path()
    member: str = ""
    header: Header = Header((), np.dtype(np.uint8), False)
    labels: NDArray[np.int64] | None = field(default=None, repr=False)

    def items(self, start: int = 0) -> Iterator[Item]:
        images = self.opened()
        for i in range(start, len(images)):
            label = int(self.labels[i]) if self.labels is not None else -1
            yield Item(str(i), np.asarray(images[i]), label)

    def some(self, n: int) -> Iterator[Item]:
        images = self.opened()
        step = max(1, len(images) / n)
        picks = (int(i * step) for i in range(min(n, len(images))))
        return (Item(str(i), np.asarray(images[i])) for i in picks)

    def opened(self) -> NDArray[Any]:
        """(N, H, W) or (N, H, W, C); of a .npy file no more is read than is looked at."""
        try:
            if self.member:
                with np.load(self.file) as held:
                    array = held[self.member]
            else:
                array = np.load(self.file, mmap_mode="c")  # "c": torch wants it writable
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as e:
            raise InfoganError(f"cannot read {self.file}: {_reason(e)}") from None
        order = layout(array.shape)
        assert order is not None
        images: NDArray[Any] = array.transpose(order)
        return images

    def fits(self, form: Form) -> bool:
        """Whether the file holds the images as they are wanted, so that no copy is needed."""
        h = self.header
        order = layout(h.shape)
        if self.member or h.dtype != np.uint8 or h.fortran or order is None:
            return False
        shape = (*(h.shape[i] for i in order), 1)[1:4]
        return shape == (form.size, form.size, form.channels)

    def mapped(self) -> Tensor:
        """All images (N, C, H, W), memory-mapped; what is written to them stays in memory."""
        images = self.opened()
        if images.ndim == 3:
            images = images[..., None]
        return torch.from_numpy(images.transpose(0, 3, 1, 2))


def open_array(source: str) -> Array:
    """The images of a .npy or .npz file: bytes, or floats in [0, 1].

    Of the arrays of an .npz file the one that is called like images (images, x_train, …), or the
    only one that has their shape, with its labels where there are some.

    Raises:
        InfoganError: it cannot be read, or holds something else.
    """
    file = Path(source)
    held = headers(file)
    member, labels = "", None
    if file.suffix.lower() == ".npz":
        members = [name for name, header in held.items() if header.is_images]
        pairs = [pair for pair in PAIRS if pair[0] in members]
        if not members or (len(members) > 1 and not pairs):
            raise InfoganError(
                f"{file} holds {_listed(held)}; expected images (N, H, W), (N, H, W, C) or "
                "(N, C, H, W), under the name images where there are several such arrays"
            )
        member = pairs[0][0] if pairs else members[0]
        named = [pair[1] for pair in pairs if pair[0] == member and pair[1] in held]
        labels = _labels(file, named[0], held[member].shape[0]) if named else None
    header = held[member]
    if not header.is_images:
        raise InfoganError(
            f"{file} holds {_listed(held)}; expected images (N, H, W), (N, H, W, C) or (N, C, H, W)"
        )
    if header.dtype != np.uint8 and header.dtype.kind not in "fb":
        raise InfoganError(
            f"{file} holds {header.dtype}, expected bytes (uint8) or floats in [0, 1]; convert it"
        )
    count = header.shape[0]
    found = sorted(set(labels.tolist())) if labels is not None else []
    classes = tuple(map(str, found))
    files = [File.at(file)]
    return Array(source, file.name, files, count, [], classes, file, member, header, labels)


def layout(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The axes in the order N, H, W, C; None where the shape is not that of images.

    An array (H, W, 3) is one image, not H images of W×3 pixels, and is none here.
    """
    if len(shape) == 3 and not (shape[2] in (3, 4) and min(shape[:2]) >= 8):
        return (0, 1, 2)
    if len(shape) == 4 and shape[3] in CHANNELS:
        return (0, 1, 2, 3)
    return (0, 2, 3, 1) if len(shape) == 4 and shape[1] in CHANNELS else None


def headers(file: Path) -> dict[str, Header]:
    """The arrays of a .npz file by name, or that of a .npy file under ""; none is read.

    Raises:
        InfoganError: it cannot be read.
    """
    several = file.suffix.lower() == ".npz"
    try:
        if not several:
            with file.open("rb") as f:
                return {"": _header(f)}
        with zipfile.ZipFile(file) as archive:
            found = {}
            for name in archive.namelist():
                if name.endswith(".npy"):
                    with archive.open(name) as f:
                        found[name.removesuffix(".npy")] = _header(f)
            return found
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as e:
        what = "a whole .npz file" if several else "a .npy file of images"
        raise InfoganError(f"cannot read {file}: {_reason(e)}; give {what}") from None


def _header(f: IO[bytes]) -> Header:
    version = np.lib.format.read_magic(f)
    read = np.lib.format
    known = {(1, 0): read.read_array_header_1_0, (2, 0): read.read_array_header_2_0}
    if version not in known:
        raise ValueError(f"version {version} of the format is not known")
    shape, fortran, dtype = known[version](f)
    return Header(tuple(shape), dtype, bool(fortran))


def _labels(file: Path, name: str, n: int) -> NDArray[np.int64] | None:
    """One integer for each image, or None where the array is something else."""
    try:
        with np.load(file) as held:
            labels = held[name]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    if labels.size != n or labels.dtype.kind not in "ui" or (labels.size and labels.min() < 0):
        return None
    flat: NDArray[np.int64] = labels.reshape(-1).astype(np.int64)
    return flat


def _listed(held: dict[str, Header]) -> str:
    arrays = [f"{name} {h.shape} {h.dtype}".strip() for name, h in held.items()]
    return f"{', '.join(arrays) or 'no array'}"


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
