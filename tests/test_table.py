"""A table comes back as it was written, in each format."""

import csv
import sys

import numpy as np
import pyarrow.parquet
import pytest

from infogan import table
from infogan.errors import InfoganError, MissingExtraError

COLUMNS = {
    "digit": np.array([3, 0, 9], np.int32),
    "u[0].sd": np.array([0.1, 1 / 3, -2e-9], np.float32),
}


def read(file):
    if file.suffix == ".parquet":
        found = pyarrow.parquet.read_table(file)
        return {name: found[name].to_numpy() for name in found.column_names}
    if file.suffix == ".npz":
        return dict(np.load(file))
    with file.open() as f:
        head, *rows = csv.reader(f)
    values = zip(*rows)
    return {name: np.array([float(v) for v in column]) for name, column in zip(head, values)}


@pytest.mark.parametrize("suffix", table.SUFFIXES)
def test_what_is_written_is_read(tmp_path, suffix):
    file = tmp_path / f"codes{suffix}"
    table.write(file, COLUMNS)
    found = read(file)
    assert list(found) == list(COLUMNS)
    for name, column in COLUMNS.items():
        np.testing.assert_array_equal(found[name].astype(column.dtype), column)
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_what_cannot_be_written_is_said_first(tmp_path, monkeypatch):
    with pytest.raises(InfoganError, match=r"\.parquet, \.csv, \.npz"):
        table.check(tmp_path / "codes.xlsx")
    with pytest.raises(InfoganError, match="folder does not exist"):
        table.check(tmp_path / "no" / "codes.csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"infogan\[hub\]"):
        table.check(tmp_path / "codes.parquet")
