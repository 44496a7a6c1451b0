"""What a data source gives, and how batches are drawn from it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from infogan.config import DataConfig
from infogan.errors import InfoganError
from infogan.registry import Registry

if TYPE_CHECKING:
    from infogan.data.stream import Stream

Split = Literal["train", "test", "all"]
FINGERPRINTED = 4096  # images that tell whether a set is the same


@dataclass(frozen=True)
class Factors:
    """What a made image shows, exactly. Only metrics may read it.

    Args:
        names: Of the F factors: ("shape", "scale", …).
        sizes: How many values each takes.
        values: (N, F) integers, 0 ≤ values[:, f] < sizes[f]; or floats, where a factor is
            continuous and its size 0.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    values: Tensor


@dataclass(frozen=True)
class Dataset:
    """Images, or vectors, of one split.

    Args:
        name: What it is called where numbers are shown: "MNIST".
        split: train is learnt from, test is held out for measuring; all is both, in order.
        images: (N, C, H, W) bytes; vectors are floats (N, d, 1, 1).
        labels: (N,) integers, or None. Only metrics may read them.
        factors: Ground truth of images made on the fly, or None. Only metrics may read it.
        names: What each image is called, (N,): its file, or its row; None: its number.
        classes: What each label is called, by its number; None: its number.
        columns: What each coordinate of a vector is called, (d,); None for images.
        stream: Where the images come from that take the place of these; None: these are all.
    """

    name: str
    split: Split
    images: Tensor
    labels: Tensor | None = None
    factors: Factors | None = None
    names: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    stream: "Stream | None" = None

    @property
    def count(self) -> int:
        """How many images there are, those that a stream still brings among them."""
        return max(len(self.images), self.stream.count) if self.stream else len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images."""
        c, h, w = self.images.shape[1:]
        return c, h, w

    def fingerprint(self) -> str:
        """SHA-256 of how many images there are, of their shape, and of up to 4,096 of them, evenly
        spread: an image more or less shifts nearly all of these."""
        n = len(self.images)
        which = torch.linspace(0, n - 1, min(n, FINGERPRINTED), dtype=torch.float64).round().long()
        digest = hashlib.sha256(repr(tuple(self.images.shape)).encode())
        digest.update(self.images[which].contiguous().numpy().tobytes())
        return digest.hexdigest()

    def members(self) -> str:
        """SHA-256 of how many images there are and what they are called: as long as it is the same,
        the same ones are held out, however they are decoded."""
        digest = hashlib.sha256(repr(len(self.images)).encode())
        for name in self.names or ():
            digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
        return digest.hexdigest()


Source = Callable[[DataConfig, Split], Dataset]

SOURCES: Registry[Source] = Registry("data source")
ORDERED = (
    "folder",
    "array",
    "parquet",
    "shards",
    "hub",
    "vectors",
)  # entries that know the split "all"


def load(data: DataConfig | str, split: Split) -> Dataset:
    """One split of a source.

    Args:
        data: Its settings, or its name where all else is as usual.
        split: Which.

    Raises:
        InfoganError: there is no such source, it cannot be read, or none is given.
    """
    settings = DataConfig(source=data) if isinstance(data, str) else data
    if not settings.source:
        raise InfoganError(
            f"these images come from outside: give --data.source with a folder or file of "
            f"{settings.wanted or 'images'}"
        )
    entry = kind(settings.source)
    if settings.stream and entry != "hub":
        raise InfoganError(
            f"data.stream reads sets of the Hub, hf:OWNER/NAME, and {settings.source} is none: "
            "leave --data.stream out"
        )
    if split == "all" and entry not in ORDERED:
        return _both(SOURCES[entry](settings, "train"), SOURCES[entry](settings, "test"))
    return SOURCES[entry](settings, split)


def kind(source: str) -> str:
    """Which entry of SOURCES reads a source: its own name, or the kind of place that it is."""
    from infogan.data.kinds import kind_of  # its readers import this module

    return kind_of(source, list(SOURCES))


def is_built_in(source: str) -> bool:
    """Whether it is the name of a set that comes with the package."""
    from infogan.data.kinds import PLACES

    return source in SOURCES and source not in PLACES


def _both(train: Dataset, test: Dataset) -> Dataset:
    """The two splits of a source that has no order of its own, one after the other."""
    labels = names = None
    if train.labels is not None and test.labels is not None:
        labels = torch.cat([train.labels, test.labels])
    if train.names is not None and test.names is not None:
        names = [*train.names, *test.names]
    images = torch.cat([train.images, test.images])
    return Dataset(train.name, "all", images, labels, names=names, columns=train.columns)


def to_float(images: Tensor) -> Tensor:
    """Bytes as floats in [0, 1], the range of G's sigmoid; the numbers of vectors as they are."""
    x = images.to(torch.get_default_dtype())
    return x / 255 if images.dtype == torch.uint8 else x


def batch_indices(n: int, batch: int, update: int, seed: int) -> Tensor:
    """The images of one update: each epoch is a fresh permutation, its last broken batch left out.

    A pure function of the seed and the update, so that a run that goes on meets the same batches.
    Fewer images than a batch are drawn with replacement.
    """
    per_epoch = n // batch
    if per_epoch == 0:
        return torch.randint(n, (batch,), generator=_generator(seed, update))
    epoch, i = divmod(update, per_epoch)
    return _order(n, seed, epoch)[i * batch : (i + 1) * batch]


@lru_cache(maxsize=1)
def _order(n: int, seed: int, epoch: int) -> Tensor:
    """The permutation of one epoch; made once, since for a million images it costs as much as a
    step."""
    return torch.randperm(n, generator=_generator(seed, epoch))


def _generator(seed: int, stream: int) -> torch.Generator:
    state = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)
