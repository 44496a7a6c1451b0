"""Vectors of numbers from a file, a row for each: .csv, .parquet, .npy and .npz."""

import csv
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan.config import DataConfig
from infogan.data.source import SOURCES, Dataset, Split
from infogan.errors import InfoganError, MissingExtraError
from infogan.inputs import is_number

HELD_OUT = 10  # one row of so many is held out for measuring,
MOST_HELD_OUT = 10_000  # and no more than these
LEAST = 20  # rows
READS = (".csv", ".parquet", ".npy", ".npz")


class Table(NamedTuple):
    """A file's numbers: the names of its d columns, and its rows (N, d), finite float32."""

    columns: tuple[str, ...]
    rows: NDArray[np.float32]


@SOURCES.register("vectors")
def vectors(data: DataConfig, split: Split) -> Dataset:
    """The rows of a file of numbers, (N, d, 1, 1) floats in their own units.

    One row of ten, at most 10,000, is held out; which, depends on their number alone. All of them,
    in order, however few: split "all".

    Raises:
        InfoganError: as `read_table`, or there are fewer than 20 rows.
    """
    file = Path(data.source)
    table = read_table(file)
    n = len(table.rows)
    if split == "all":
        return Dataset(file.name, split, as_images(table.rows), columns=table.columns)
    if n < LEAST:
        raise InfoganError(f"{file} has {n} rows; training on vectors needs at least {LEAST}")
    order = np.random.default_rng(n).permutation(n)
    held_out = min(n // HELD_OUT, MOST_HELD_OUT)
    rows = np.sort(order[:held_out] if split == "test" else order[held_out:])
    return Dataset(file.name, split, as_images(table.rows[rows]), columns=table.columns)


def as_images(rows: NDArray[np.float32]) -> Tensor:
    """Rows (N, d) as a data set holds them, (N, d, 1, 1)."""
    return torch.from_numpy(np.ascontiguousarray(rows))[:, :, None, None]


def read_table(file: Path) -> Table:
    """All numbers of a file.

    Args:
        file: .csv with or without a line of names (comma, semicolon or tab between fields);
            .parquet of numeric columns; .npy, or .npz, of one array (N, d), or of columns (N,).

    Raises:
        InfoganError: with the column and the row of what is missing, infinite, or no number. Rows
            count from 1, without the line of names.
    """
    suffix = file.suffix.lower()
    try:
        if suffix == ".csv":
            columns, rows = _read_csv(file)
        elif suffix in (".parquet", ".pq"):
            columns, rows = _read_parquet(file)
        elif suffix in READS:
            columns, rows = _read_arrays(file)
        else:
            raise InfoganError(f"cannot read {file}: vectors come as {', '.join(READS)}")
    except (OSError, UnicodeDecodeError, EOFError) as e:
        reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        raise InfoganError(f"cannot read {file}: {reason}") from None
    # a table saved with its row numbers, in a column without a name
    if len(columns) > 1 and columns[0] == "" and (rows[:, 0] == np.arange(len(rows))).all():
        columns, rows = columns[1:], rows[:, 1:]
    twice = [name for name in columns if name and columns.count(name) > 1]
    if twice:
        raise InfoganError(f"{file}: two columns are called {twice[0]!r}; give each a name")
    if not rows.size:
        raise InfoganError(f"{file} holds no numbers: expected a row for each vector")
    with np.errstate(over="ignore"):
        single = rows.astype(np.float32)
    bad = ~np.isfinite(single)
    if bad.any():
        i, j = np.argwhere(bad)[0]
        what = "no number" if np.isnan(rows[i, j]) else f"{rows[i, j]:g}, which is too large"
        raise InfoganError(_cell(file, _names(columns, rows)[j], int(i), what))
    return Table(_names(columns, rows), single)


def _names(columns: Sequence[str], rows: NDArray[np.float64]) -> tuple[str, ...]:
    named = columns or [""] * rows.shape[1]
    return tuple(name or f"x{j}" for j, name in enumerate(named))


def _cell(file: Path, column: str, row: int, what: str) -> str:
    return (
        f"{file}: column {column!r}, row {row + 1} holds {what}; fill it, or leave that row or "
        "column out"
    )


def _read_csv(file: Path) -> tuple[list[str], NDArray[np.float64]]:
    with file.open(encoding="utf-8-sig", newline="") as f:
        first = f.readline()
        delimiter = max(",;\t", key=first.count)
        head = next(csv.reader([first], delimiter=delimiter), [])
        named = not all(is_number(field) for field in head)
        columns = [field.strip() for field in head] if named else []
        if not named:
            f.seek(0)
        where = f.tell()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of no rows: `read_table` says it
                rows = np.loadtxt(f, delimiter=delimiter, ndmin=2, comments=None, quotechar='"')
        except ValueError:
            f.seek(where)
            fault = _first_fault(file, csv.reader(f, delimiter=delimiter), columns)
            raise InfoganError(fault) from None
    if columns and rows.size and rows.shape[1] != len(columns):
        raise InfoganError(
            f"{file}: {len(columns)} names but {rows.shape[1]} numbers in a row; name every column"
        )
    return columns, rows.reshape(-1, len(columns)) if columns else rows


def _first_fault(file: Path, lines: Iterable[list[str]], columns: Sequence[str]) -> str:
    """What is wrong in a CSV that numpy could not read."""
    width = len(columns)
    for i, line in enumerate(line for line in lines if line):
        width = width or len(line)
        if len(line) != width:
            return f"{file}: row {i + 1} has {len(line)} fields, expected {width}"
        for j, field in enumerate(line):
            if not is_number(field):
                what = repr(field.strip()) if field.strip() else "nothing"
                return _cell(file, columns[j] if columns else f"x{j}", i, f"{what}, no number")
    return f"{file}: its rows cannot be read as numbers"


def _read_parquet(file: Path) -> tuple[list[str], NDArray[np.float64]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "hub") from None
    try:
        table = pyarrow.parquet.read_table(file)
    except pyarrow.ArrowInvalid as e:
        raise InfoganError(f"cannot read {file}: {e}") from None
    columns = []
    for name, column in zip(table.column_names, table.columns):
        kind, types = column.type, pyarrow.types
        if not (types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)):
            raise InfoganError(_cell(file, name, 0, f"a value of type {kind}, no number"))
        if column.null_count:
            row = int(np.argmax(column.is_null().to_numpy()))
            raise InfoganError(_cell(file, name, row, "nothing, no number"))
        columns.append(column.to_numpy().astype(np.float64))
    return table.column_names, np.stack(columns, 1) if columns else np.empty((0, 0))


def _read_arrays(file: Path) -> tuple[list[str], NDArray[np.float64]]:
    try:
        arrays = _arrays(file)
    except ValueError as e:
        raise InfoganError(f"cannot read {file}: {e}") from None
    for name, array in arrays.items():
        if array.dtype.kind not in "iufb":
            raise InfoganError(f"{file}: {name or 'the array'} holds {array.dtype}, no numbers")
    names, values = list(arrays), list(arrays.values())
    if len(values) == 1 and values[0].ndim == 2:
        return [], values[0].astype(np.float64)
    if values and all(array.ndim == 1 and len(array) == len(values[0]) for array in values):
        return names, np.stack(values, 1).astype(np.float64)
    shapes = ", ".join(f"{name} {array.shape}".strip() for name, array in arrays.items())
    raise InfoganError(
        f"{file} holds {shapes or 'nothing'}, expected one array (N, d), or columns of one length"
    )


def _arrays(file: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of a .npy or .npz file, by name."""
    if file.suffix.lower() == ".npy":
        return {"": np.load(file, mmap_mode="r")}
    with np.load(file) as npz:
        return {name: npz[name] for name in npz.files}
