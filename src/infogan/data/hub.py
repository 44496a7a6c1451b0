"""A data set of the Hugging Face Hub, `hf:OWNER/NAME`, through `datasets`."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from infogan.data.parquet import IMAGE, LABEL, from_row
from infogan.data.place import File, Place
from infogan.errors import InfoganError, MissingExtraError
from infogan.pictures import Item, Refusal

PREFIX = "hf:"
ROWS = 64
HELD_OUT = 1000  # rows of a stream at most; of its first ones where it has no test split
TESTS = ("test", "validation", "valid", "val")  # what such a split is called
PATIENCE = 3.0  # seconds for the Hub to answer; `datasets` alone would try for 23


@dataclass(frozen=True)
class Hub(Place):
    """See `open_hub`."""

    rows: Any = None
    image: str = ""
    label: str = ""

    def items(self, start: int = 0) -> Iterator[Item]:
        for first in range(start, len(self.rows), ROWS):
            part = self.rows[first : first + ROWS]
            labels = part[self.label] if self.label else [-1] * len(part[self.image])
            for i, (image, label) in enumerate(zip(part[self.image], labels), first):
                if image and image.get("bytes") is None and image.get("path"):
                    yield Item(str(image["path"]), Path(image["path"]), label)
                else:
                    yield from_row(str(i), image, label)


def open_hub(source: str) -> Hub:
    """The images of a data set's train split, fetched once and kept by `datasets`.

    Raises:
        InfoganError: no such set, no network, no column of images, or `datasets` is missing.
    """
    splits = load_splits(source, streaming=False)
    rows = splits[learnt_from(splits)]
    image, label = image_column(source, rows)
    rows = rows.select_columns([image, *([label] if label else [])])
    files = [File.at(Path(part["filename"])) for part in rows.cache_files]
    names = getattr(rows.features.get(label), "names", None)  # of a ClassLabel
    classes = tuple(names or (label,)) if label else ()
    rows = rows.cast_column(image, _undecoded())
    title = source.removeprefix(PREFIX)
    return Hub(source, title, files, len(rows), [], classes, rows, image, label)


@dataclass(frozen=True)
class Streamed(Place):
    """See `open_stream`.

    Args:
        first: Rows that are passed over.
        last: The row before which it ends; None: with the set.
        share: (r, n): of n processes this is number r.
        total: How many rows the set says it has; 0 where it does not.
    """

    rows: Any = None
    image: str = ""
    label: str = ""
    first: int = 0
    last: int | None = None
    share: tuple[int, int] = (0, 1)
    total: int = 0

    def items(self, start: int = 0) -> Iterator[Item]:
        r, n = self.share
        if n == 1 or self.first:  # files that are dealt out would not have the same first rows
            return self._items(self.rows, self.first + r, n, start)
        from datasets.distributed import split_dataset_by_node

        return self._items(split_dataset_by_node(self.rows, rank=r, world_size=n), 0, 1, start)

    def some(self, n: int) -> Iterator[Item]:
        """The same in every process."""
        return islice(self._items(self.rows, self.first, 1, 0), n)

    def _items(self, rows: Any, first: int, step: int, start: int) -> Iterator[Item]:
        number = first + start * step
        try:
            for row in islice(rows, number, self.last, step):
                label = row[self.label] if self.label else -1
                yield _fetched(f"row {number}", row[self.image], label)
                number += step
        except Exception as e:  # it raises many kinds
            said = (str(e).splitlines() or [type(e).__name__])[0]
            raise InfoganError(f"{self.source} broke off at row {number:,}: {said}") from None


def open_stream(source: str, test: bool, share: tuple[int, int]) -> Streamed:
    """The images of a set as they come over the network, without a copy on the disk.

    Held out are at most 1,000 rows: the first of its test split, or else of the others.

    Args:
        source: hf:OWNER/NAME.
        test: What is held out, and not the rest.
        share: (r, n): process r of n gets its own rows, of whole files where they can be dealt out.

    Raises:
        InfoganError: no such set, no network, no column of images, or `datasets` is missing.
    """
    splits = load_splits(source, streaming=True)
    train = learnt_from(splits)
    apart = next((name for name in TESTS if name in splits and name != train), "")
    rows = splits[apart if test and apart else train]
    if rows.features is None:
        rows = rows._resolve_features()  # from its first row
    image, label = image_column(source, rows)
    names = getattr(rows.features.get(label), "names", None)
    classes = tuple(names or (label,)) if label else ()
    said = (rows.info.splits or {}).get(train)
    rows = rows.select_columns([image, *([label] if label else [])])
    rows = rows.cast_column(image, _undecoded())
    return Streamed(
        source,
        source.removeprefix(PREFIX),
        [],
        classes=classes,
        rows=rows,
        image=image,
        label=label,
        first=0 if test or apart else HELD_OUT,
        last=HELD_OUT if test else None,
        share=share,
        total=said.num_examples or 0 if said else 0,
    )


def _fetched(name: str, image: Any, label: Any) -> Item:
    """A row's picture; where the row is only a file's address, the file is read."""
    if not (isinstance(image, dict) and image.get("bytes") is None and image.get("path")):
        return from_row(name, image, label)
    from datasets.utils.file_utils import xopen

    path = str(image["path"])
    k = label if isinstance(label, int) else -1
    try:
        with xopen(path, "rb") as file:
            return Item(path, file.read(), k)
    except FileNotFoundError:
        return Item(path, Refusal("no such file"), k)


def learnt_from(splits: Any) -> str:
    """The name of the train split, or of the first."""
    return "train" if "train" in splits else str(next(iter(splits)))


def load_splits(source: str, streaming: bool) -> Any:
    """The splits of a set, as `datasets` gives them."""
    name = source.removeprefix(PREFIX)
    if not name or name.startswith(":"):
        raise InfoganError(f"{source!r}: expected hf:OWNER/NAME")
    local = Path(name).exists()
    if not local and not reachable():
        # what was fetched before is then used at once
        os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("datasets", "hub") from None
    try:
        return datasets.load_dataset(name, streaming=streaming)
    except Exception as e:  # it raises many kinds
        said = (str(e).splitlines() or [type(e).__name__])[0]
        if not local and os.environ.get("HF_HUB_OFFLINE") == "1":
            raise InfoganError(
                f"{source}: the Hub cannot be reached and no copy of the set is here; connect, or "
                "give a folder of images"
            ) from None
        raise InfoganError(f"cannot read {source}: {said}") from None


def image_column(source: str, rows: Any) -> tuple[str, str]:
    """The names of the columns of images and of labels; "" where there are no labels."""
    import datasets

    features: dict[str, Any] = rows.features or {}
    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    images.sort(key=lambda name: IMAGE.index(name.lower()) if name.lower() in IMAGE else 99)
    if not images:
        raise InfoganError(f"{source} has no column of images; it has {', '.join(features)}")
    labels = [
        name
        for name, kind in features.items()
        if name.lower() in LABEL
        and (
            isinstance(kind, datasets.ClassLabel)
            or (isinstance(kind, datasets.Value) and kind.dtype.startswith(("int", "uint")))
        )
    ]
    return images[0], (labels or [""])[0]


def reachable() -> bool:
    """Whether the Hub answers at all, soon."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        return False
    if getproxies():
        return True  # not ours to ask
    host = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        port = host.port or (80 if host.scheme == "http" else 443)
        socket.create_connection((host.hostname or "", port), PATIENCE).close()
    except OSError:
        return False
    return True


def _undecoded() -> Any:
    import datasets

    return datasets.Image(decode=False)
