"""Tables of numbers from files, and the swiss roll."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import make_swiss_roll

from infogan.config import DataConfig
from infogan.data import kind, load
from infogan.data.swissroll import length
from infogan.data.vectors import read_table
from infogan.errors import InfoganError

ROWS = np.arange(60, dtype=np.float64).reshape(30, 2) / 7


def written(tmp_path, suffix):
    """The same 30 rows in each format, and the names that are kept."""
    file = tmp_path / f"rows{suffix}"
    if suffix == ".csv":
        np.savetxt(file, ROWS, delimiter=",", header="a,b c", comments="", fmt="%.17g")
        return file, ("a", "b c")
    if suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(
            pa.table({"a": ROWS[:, 0], "b": ROWS[:, 1]}), file
        )
        return file, ("a", "b")
    if suffix == ".npz":
        np.savez(file, a=ROWS[:, 0], b=ROWS[:, 1])
        return file, ("a", "b")
    np.save(file, ROWS)
    return file, ("x0", "x1")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz", ".npy"])
def test_every_format_gives_the_same_rows(tmp_path, suffix):
    file, names = written(tmp_path, suffix)
    table = read_table(file)
    assert table.columns == names
    np.testing.assert_array_equal(table.rows, ROWS.astype(np.float32))
    assert kind(str(file)) == "vectors"
    train, test = (load(str(file), split) for split in ("train", "test"))
    assert train.images.shape == (27, 2, 1, 1)
    assert test.images.shape == (3, 2, 1, 1)
    assert tuple(test.columns) == names
    both = torch.cat([train.images, test.images]).flatten(1).numpy()
    np.testing.assert_array_equal(both[both[:, 0].argsort()], ROWS.astype(np.float32))
    assert torch.equal(load(str(file), "test").images, test.images)


@pytest.mark.parametrize(
    ("text", "columns", "first"),
    [
        ("1,2\n3,4\n", ("x0", "x1"), [1, 2]),
        ("height;weight\r\n1;2\r\n", ("height", "weight"), [1, 2]),
        ("\ufeffa\tb\n1\t2e3\n", ("a", "b"), [1, 2000]),
        ('"a, b",c\n"1",2\n\n3,4\n', ("a, b", "c"), [1, 2]),
        (",a,b\n0,5,6\n1,7,8\n", ("a", "b"), [5, 6]),  # as pandas writes its row numbers
        ("a\n1\n2\n", ("a",), [1]),
    ],
)
def test_csv_as_people_write_it(tmp_path, text, columns, first):
    file = tmp_path / "t.csv"
    file.write_text(text, "utf-8")
    table = read_table(file)
    assert table.columns == columns
    assert table.rows[0].tolist() == first


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a,b\n1,2\n3,\n", "column 'b', row 2 holds nothing, no number; fill it"),
        ("a,b\n1,x y\n", "column 'b', row 1 holds 'x y', no number"),
        ("a,b\n1,2\n1,nan\n", "column 'b', row 2 holds no number"),
        ("1,2\n1,inf\n", "column 'x1', row 2 holds inf"),
        ("a,b\n1,1e300\n", "column 'b', row 1 holds 1e[+]300, which is too large"),
        ("a,b\n1,2\n1,2,3\n", "row 2 has 3 fields, expected 2"),
        ("a,b\n", "no numbers"),
        ("", "no numbers"),
        ("a,b\n1,2\n", "has 1 rows; training on vectors needs at least 20"),
    ],
)
def test_what_is_wrong_in_a_csv_is_named_by_column_and_row(tmp_path, text, rule):
    file = tmp_path / "t.csv"
    file.write_text(text)
    with pytest.raises(InfoganError, match=rule):
        load(str(file), "train")


def test_arrays_and_parquet_that_hold_something_else(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.zeros((3, 2)), b=np.zeros((3, 2)))
    with pytest.raises(InfoganError, match=r"holds a \(3, 2\), b \(3, 2\), expected one array"):
        read_table(tmp_path / "two.npz")
    np.save(tmp_path / "text.npy", np.array(["a"]))
    with pytest.raises(InfoganError, match="no numbers"):
        read_table(tmp_path / "text.npy")
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InfoganError, match="cannot read"):
        read_table(tmp_path / "broken.npy")
    with pytest.raises(InfoganError, match="cannot read .*: no such file"):
        load(str(tmp_path / "none.csv"), "train")
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"a": [1.0, 2.0], "city": ["Ulm", "Bonn"]}), file)
    with pytest.raises(InfoganError, match="column 'city', row 1 holds a value of type string"):
        read_table(file)
    parquet.write_table(pa.table({"a": [1.0, 2.0], "b": [3, None]}), file)
    with pytest.raises(InfoganError, match="column 'b', row 2 holds nothing"):
        read_table(file)
    file.write_bytes(b"PAR1")
    with pytest.raises(InfoganError, match="cannot read"):
        read_table(file)


def test_images_are_no_vectors(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((3, 8, 8), np.uint8))
    assert kind(str(tmp_path / "images.npy")) != "vectors"
    assert kind("mnist") == "mnist"


def test_the_roll_is_scikit_learns():
    """Its x is (t cos t, 21 v, t sin t), so that t is the distance from the axis."""
    ours = load("swissroll", "train")
    theirs, t = make_swiss_roll(20_000, random_state=0)
    x = ours.images.flatten(1).double()
    radius = torch.hypot(x[:, 0], x[:, 2])
    angle = torch.stack([radius.cos(), radius.sin()], 1) * radius[:, None]
    assert torch.allclose(angle, x[:, [0, 2]], atol=1e-4)  # float32
    # quantiles of 20,000 uniform numbers on 3π and on 21: standard error below 0.004 of the range
    for mine, other, span in ((radius, t, 3 * math.pi), (x[:, 1], theirs[:, 1], 21)):
        q = np.linspace(0, 1, 11)
        difference = np.quantile(mine, q) - np.quantile(other, q)
        assert np.abs(difference).max() < 0.02 * span


def test_factors_of_the_roll_are_length_along_it_and_height():
    t = np.linspace(1.5 * math.pi, 3.5 * math.pi, 100_001)
    spiral = np.stack([t * np.cos(t), t * np.sin(t)], 1)
    walked = np.linalg.norm(np.diff(spiral, axis=0), axis=1).sum()
    assert length(t[-1]) - length(t[0]) == pytest.approx(walked, rel=1e-8)
    one = load(DataConfig(source="swissroll", turns=1.0), "test")
    along, height = one.factors.values.T
    assert one.factors.names == ("along", "height")
    assert 0 <= along.min() < along.max() <= walked
    assert torch.allclose(height.float(), one.images[:, 1, 0, 0])
    train = load(DataConfig(source="swissroll", turns=1.0), "train")
    assert not torch.equal(train.images[:2000], one.images)
