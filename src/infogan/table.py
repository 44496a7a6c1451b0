"""A table of named columns as a file: Parquet, CSV or npz, by its suffix."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from infogan.errors import InfoganError, MissingExtraError

SUFFIXES = (".parquet", ".csv", ".npz")


def check(file: Path) -> None:
    """Refuse, before any work, a file that `write` could not write.

    Raises:
        InfoganError: an unknown suffix, no folder to write in, or Parquet without pyarrow.
    """
    suffix = file.suffix.lower()
    if os.path.isdir(file):
        raise InfoganError(f"cannot write {file}: it is a folder; choose another --out")
    if suffix not in SUFFIXES:
        raise InfoganError(
            f"cannot write {file}: a table is one of {', '.join(SUFFIXES)}; choose such an --out"
        )
    if not file.absolute().parent.is_dir():
        raise InfoganError(f"cannot write {file}: its folder does not exist; make it first")
    if suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise MissingExtraError("pyarrow", "hub") from None


def write(file: Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write columns of one length to a file; it appears only when it is whole.

    Raises:
        InfoganError: as `check`, or the disk refuses.
    """
    check(file)
    partial, suffix = file.with_name(f".{file.name}.partial"), file.suffix.lower()
    try:
        if suffix == ".parquet":
            import pyarrow
            import pyarrow.parquet

            arrays = {name: pyarrow.array(column) for name, column in columns.items()}
            pyarrow.parquet.write_table(pyarrow.table(arrays), partial)
        elif suffix == ".csv":
            with partial.open("w", newline="", encoding="utf-8") as f:
                rows = csv.writer(f)
                rows.writerow(columns)
                rows.writerows(zip(*(column.tolist() for column in columns.values())))
        else:
            with partial.open("wb") as f:
                np.savez(f, **dict(columns))  # type: ignore[arg-type]
        partial.rename(file)
    except OSError as e:
        reason = e.strerror or str(e)
        raise InfoganError(f"cannot write {file}: {reason}; choose another --out") from None
