"""Pictures of one's own as a Dataset: any place, packed, with a part of it held out."""

import os
import sys
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan.config import DataConfig
from infogan.data.array import Array, open_array
from infogan.data.choose import choose
from infogan.data.folder import open_folder
from infogan.data.hub import open_hub
from infogan.data.pack import pack
from infogan.data.parquet import open_parquet
from infogan.data.place import Place
from infogan.data.shards import open_shards
from infogan.data.source import SOURCES, Dataset, Split
from infogan.data.stream import streamed
from infogan.errors import InfoganError

READERS: dict[str, Callable[[str], Place]] = {
    "folder": open_folder,
    "array": open_array,
    "parquet": open_parquet,
    "shards": open_shards,
    "hub": open_hub,
}

ONE_IN = 10  # pictures is held out,
MOST_HELD_OUT = 10_000  # at most so many,
MOST_BYTES = 2**27  # and at most so many bytes: they are in memory while they are measured on
FEWEST = 3  # pictures that can be learnt from: two, since batch norm needs them, and one held out
SEED = 20_160_612  # of which are held out


def picture_source(kind: str) -> Callable[[DataConfig, Split], Dataset]:
    """The entry of SOURCES for one kind of place."""

    def source(data: DataConfig, split: Split) -> Dataset:
        if data.stream:
            dataset, chosen = streamed(data, split)
            if chosen and split == "train":
                _say(f"{data.source}: {chosen}")
            return dataset
        return part_of(READERS[kind](data.source), data, split)

    source.__doc__ = READERS[kind].__doc__
    return source


for _kind in READERS:
    SOURCES.register(_kind)(picture_source(_kind))


def part_of(place: Place, data: DataConfig, split: Split) -> Dataset:
    """A place's pictures as a Dataset: those to learn from, those held out, or all in order.

    Raises:
        InfoganError: a setting is out of range, the pictures cannot be read, or are too few.
    """
    _check_enough(place, place.count, split)  # before anything is said or packed
    form, chosen = choose(place, data)
    if isinstance(place, Array) and place.fits(form):
        images = place.mapped()
        labels, names = place.labels, None
    else:
        packed = pack(place, form, data)
        if chosen:
            _say(f"{place.source}: {chosen}")
        if split == "all" and packed.card["refused"]:  # a table of them all has no row for these
            _say(
                f"{place.source}: {packed.card['refused']:,} of {packed.card['items']:,} pictures "
                f"cannot be read and are left out; infogan data {place.source} lists them"
            )
        images = packed.images()
        labels, names = packed.labels(), packed.names
    _check_enough(place, len(images), split)
    named = labels is not None and labels.max(initial=0) < len(place.classes)
    images, picks = parted(images, split)
    return Dataset(
        place.title,
        split,
        images,
        None if labels is None else torch.from_numpy(labels[picks]).long(),
        names=names(picks) if names else [str(i) for i in picks] if split == "test" else None,
        classes=place.classes if named else None,
    )


def _check_enough(place: Place, n: int | None, split: Split) -> None:
    if n is not None and n < (1 if split == "all" else FEWEST):
        raise InfoganError(
            f"{place.source} holds {n} picture{'s' * (n != 1)}; at least {FEWEST} are needed, one "
            "of them to measure on: give more"
        )


def parted(images: Tensor, split: Split) -> tuple[Tensor, NDArray[np.int64]]:
    """One split of the images (N, C, H, W), and which of them it is.

    One in ten is held out, at most 10,000 and at most 128 MiB of them, drawn under a fixed seed.
    The images to learn from must lie side by side in the mapped file, so the last ones take the
    places of those that are held out; in memory, the file stays as it is.
    """
    n = len(images)
    if split == "all":
        return images, np.arange(n)
    most = min(MOST_HELD_OUT, MOST_BYTES // images[0].numel())
    k = max(1, min(n // ONE_IN, most))
    held = np.sort(np.random.default_rng(SEED).permutation(n)[:k])
    if split == "test":
        return images[torch.from_numpy(held)], held
    picks = np.arange(n - k)
    is_held = np.zeros(n, bool)
    is_held[held] = True
    gaps = held[held < n - k]
    last = np.flatnonzero(~is_held[n - k :]) + n - k
    picks[gaps] = last
    images[torch.from_numpy(gaps)] = images[torch.from_numpy(last)]
    return images[: n - k], picks


def _say(text: str) -> None:
    if os.environ.get("RANK", "0") == "0":
        print(text, file=sys.stderr, flush=True)
