"""`infogan encode` and `generate` as a user meets them."""

import csv
import re

import numpy as np
import pyarrow.parquet
import pytest
from command import infogan

from infogan import InfoGAN


def test_encode_writes_a_row_for_each_image_of_the_runs_own_source(finished, tmp_path, capsys):
    out = tmp_path / "codes.parquet"
    assert infogan("encode", finished.path, "--out", out, "--precision", "float32") == 0
    assert capsys.readouterr().out.splitlines() == ["10,000 images · float32, as asked", str(out)]
    table = pyarrow.parquet.read_table(out)
    assert table.column_names == ["digit", "digit.p", "u1", "u1.sd", "u2", "u2.sd"]
    assert table.num_rows == 10_000


def test_generate_and_encode_meet(finished, tmp_path):
    """Images of `generate` are an array that `encode` reads."""
    fakes, out = tmp_path / "fakes", tmp_path / "codes.csv"
    given = ["--n", 20, "--set", "digit=3", "--set", "u1=-1", "--out", fakes]
    assert infogan("generate", finished.path, *given) == 0
    images = np.load(fakes / "images.npy")
    assert (images.shape, images.dtype) == ((20, 1, 28, 28), np.uint8)
    with (fakes / "codes.csv").open() as f:
        rows = list(csv.DictReader(f))
    assert {row["digit"] for row in rows} == {"3"}
    assert {row["u1"] for row in rows} == {"-1.0"}
    assert len({row["u2"] for row in rows}) == 20
    assert infogan("encode", finished.path, fakes / "images.npy", "--out", out) == 0
    q = InfoGAN.from_pretrained(finished.path).infer(images)["digit"].probs.argmax(1)
    with out.open() as f:
        # bfloat16, where the processor has it, may turn a tie of this untrained model
        same = [int(row["digit"]) == k for row, k in zip(csv.DictReader(f), q.tolist())]
    assert np.mean(same) >= 0.8


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["encode", "RUN", "--out", "codes.xlsx"], "a table is one of"),
        (["encode", "RUN", "nowhere.npy", "--out", "codes.csv"], "cannot read nowhere.npy"),
        (["encode", "RUN", "imagenet", "--out", "codes.csv"], "data source"),
        (["encode", "RUN/model", "--out", "codes.csv"], "is no run"),
        (["encode", "nowhere", "--out", "codes.csv"], "no model at nowhere"),
        (["generate", "RUN", "--out", "RUN"], "exists already"),
        (["generate", "RUN", "--out", "x", "--n", "0"], "at least 1"),
        (["generate", "RUN", "--out", "x", "--set", "digit"], "CODE=NUMBER"),
        (["generate", "RUN", "--out", "x", "--set", "digit=10"], "integers 0 to 9"),
        (["generate", "RUN", "--out", "x", "--set", "tilt=1"], "tilt"),
        (["generate", "RUN", "--out", "x", "--set", "digit=1", "--set", "digit=2"], "set already"),
        (["generate", "RUN", "--out", "x", "--set", "u1=1e300"], "finite numbers"),
        (["generate", "RUN", "--out", "x", "--seed", "9" * 30], "2⁶³"),
        (["generate", "RUN", "--out", "."], "exists already"),
        (["generate", "RUN"], "--out"),
    ],
)
def test_mistakes_are_one_line(finished, tmp_path, monkeypatch, capsys, args, rule):
    monkeypatch.chdir(tmp_path)
    args = [str(finished.path) + arg[3:] if arg.startswith("RUN") else arg for arg in args]
    assert infogan(*args) == 2
    said = capsys.readouterr().err
    assert re.search(rule, said), said
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert not any(tmp_path.iterdir())
