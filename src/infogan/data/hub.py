"""A data set of the Hugging Face Hub, `hf:OWNER/NAME`, through `datasets`."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from infogan.data.parquet import IMAGE, LABEL, from_row
from infogan.data.place import File, Place
from infogan.errors import InfoganError, MissingExtraError
from infogan.pictures import Item

PREFIX = "hf:"
ROWS = 64
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
    rows = load_rows(source, streaming=False)
    image, label = image_column(source, rows)
    rows = rows.select_columns([image, *([label] if label else [])])
    files = [File.at(Path(part["filename"])) for part in rows.cache_files]
    names = getattr(rows.features.get(label), "names", None)  # of a ClassLabel
    classes = tuple(names or (label,)) if label else ()
    rows = rows.cast_column(image, _undecoded())
    title = source.removeprefix(PREFIX)
    return Hub(source, title, files, len(rows), [], classes, rows, image, label)


def load_rows(source: str, streaming: bool) -> Any:
    """The train split of a set, or its first split, as `datasets` gives it."""
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
        splits = datasets.load_dataset(name, streaming=streaming)
    except Exception as e:  # it raises many kinds
        said = (str(e).splitlines() or [type(e).__name__])[0]
        if not local and os.environ.get("HF_HUB_OFFLINE") == "1":
            raise InfoganError(
                f"{source}: the Hub cannot be reached and no copy of the set is here; connect, or "
                "give a folder of images"
            ) from None
        raise InfoganError(f"cannot read {source}: {said}") from None
    return splits["train"] if "train" in splits else splits[next(iter(splits))]


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
