"""Parquet files with a column of encoded images, as data sets on the Hugging Face Hub are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infogan.data.place import File, Place
from infogan.errors import InfoganError, MissingExtraError
from infogan.pictures import Item, Refusal

ROWS = 64  # read at once; images are large
IMAGE = ("image", "img", "images", "picture", "photo", "jpg", "png", "bytes")  # looked for first
LABEL = ("label", "labels", "class", "target", "fine_label", "y")


@dataclass(frozen=True)
class Parquet(Place):
    """See `open_parquet`."""

    tables: list[Path] = field(default_factory=list, repr=False)
    image: str = ""
    label: str = ""

    def items(self, start: int = 0) -> Iterator[Item]:
        number = 0
        for file in self.tables:
            row = 0
            try:
                for images, labels in self._batches(file, start - number):
                    for image, label in zip(images, labels):
                        if number >= start:
                            yield from_row(f"{file.name}:{row}", image, label)
                        number, row = number + 1, row + 1
            except OSError as e:  # pyarrow's own errors are OSErrors or ValueErrors
                yield Item(file.name, Refusal(f"damaged after row {row}: {str(e).splitlines()[0]}"))
                number += 1

    def _batches(self, file: Path, skip: int) -> Iterator[tuple[Sequence[Any], Sequence[Any]]]:
        """The columns of a file in pieces; pieces before row `skip` hold nothing to look at."""
        import pyarrow.parquet as pq

        columns = [self.image, *([self.label] if self.label else [])]
        with pq.ParquetFile(file) as table:
            for group in range(table.num_row_groups):
                rows = table.metadata.row_group(group).num_rows
                if rows <= skip:
                    skip -= rows
                    yield range(rows), range(rows)
                    continue
                for batch in table.iter_batches(ROWS, row_groups=[group], columns=columns):
                    if len(batch) <= skip:
                        yield range(len(batch)), range(len(batch))
                    else:
                        labels = batch.column(1).to_pylist() if self.label else [-1] * len(batch)
                        yield batch.column(0).to_pylist(), labels
                    skip -= len(batch)


def open_parquet(source: str) -> Parquet:
    """The images of a Parquet file, or of all Parquet files below a folder.

    The column is a struct {bytes, path}, as `datasets` writes it, or plain bytes. A column of
    integers named label is the labels.

    Raises:
        InfoganError: it cannot be read, or has no such column, or pyarrow is missing.
    """
    root = Path(source)
    tables = [root] if root.is_file() else sorted(p for p in root.rglob("*") if is_parquet(p))
    if not tables:
        raise InfoganError(f"{source} holds no .parquet file")
    image, label = columns(tables[0])
    if not image:
        raise InfoganError(f"{tables[0]} has no column of image bytes; expected image {{bytes}}")
    count = 0
    for file in tables:
        if columns(file)[0] != image:
            raise InfoganError(
                f"{file} has no column {image!r} of image bytes, and {tables[0].name} has one; "
                "give tables of one kind"
            )
        count += _metadata(file).num_rows
    files = [File.at(file) for file in tables]
    classes = (label,) if label else ()
    return Parquet(
        source, root.resolve().stem or source, files, count, [], classes, tables, image, label
    )


def columns(file: Path) -> tuple[str, str]:
    """The names of the columns of images and of labels; "" where there is none."""
    metadata = _metadata(file)  # says what is missing where pyarrow is
    import pyarrow as pa

    schema = metadata.schema.to_arrow_schema()

    def is_image(kind: Any) -> bool:
        if pa.types.is_struct(kind):
            kind = next((f.type for f in kind if f.name == "bytes"), pa.null())
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    images = [f.name for f in schema if is_image(f.type)]
    labels = [f.name for f in schema if pa.types.is_integer(f.type) and f.name.lower() in LABEL]
    images.sort(key=lambda name: IMAGE.index(name.lower()) if name.lower() in IMAGE else 99)
    return (images or [""])[0], (labels or [""])[0]


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq") and not path.name.startswith(".")


def from_row(name: str, image: Any, label: Any) -> Item:
    """An image column's value as an item: bytes, or {bytes, path}."""
    path = None
    if isinstance(image, dict):
        image, path = image.get("bytes"), image.get("path")
    if path:
        name = f"{name} {Path(path).name}"
    k = label if isinstance(label, int) else -1
    return Item(name, image if image is not None else Refusal("no bytes in this row"), k)


def _metadata(file: Path) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("pyarrow", "hub") from None
    try:
        with pq.ParquetFile(file) as table:
            return table.metadata
    except (OSError, pa.ArrowException) as e:
        reason = str(e).splitlines()[0]
        raise InfoganError(f"cannot read {file}: {reason}; it is no whole Parquet file") from None
