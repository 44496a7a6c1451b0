"""Pictures into folders by their categories."""

import csv
import os
import shutil
from collections import Counter

import numpy as np
import pytest
import torch
from command import infogan
from PIL import Image

from infogan import InfoGAN
from infogan.groups import Groups


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model with names and groups, in a folder."""
    model = InfoGAN("z4 + kind:cat12 + side:cat3 + u", shape=(1, 8, 8), seed=2).eval()
    with torch.no_grad():
        for p in model.Q.parameters():
            p.mul_(3)
    model.groups["side"] = Groups((0, 1, 1))
    model.names = {f"kind={k}": f"a/b: {k}." for k in range(12)} | {"side_group=1": "right"}
    folder = tmp_path_factory.mktemp("sorting") / "model"
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(30):
        pixels = rng.integers(256, size=(9, 9), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / ("deep" if i % 3 else "") / f"p{i}.png")
    return folder


def rows_of(folder):
    with (folder / "codes.csv").open() as f:
        return [*csv.DictReader(f)]


def files_below(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}


def test_files_are_copied_below_their_category(model, photos, tmp_path, capsys):
    out = tmp_path / "sorted"
    before = {p: p.read_bytes() for p in photos.rglob("*.png")}
    assert infogan("sort", model, photos, "--out", out) == 0
    rows = rows_of(out)
    assert files_below(out) == {row["name"] for row in rows} | {"codes.csv"}
    for row in rows:
        folder, _, name = row["name"].partition("/")
        k = int(row["kind"])
        assert folder == f"{k:02d} a_b_ {k}"  # no name leaves its folder, or ends in a dot
        assert (out / row["name"]).read_bytes() == before[photos / name]
    said = capsys.readouterr().out
    assert sum(int(line.split()[-1]) for line in said.splitlines() if " a_b_ " in line) == 30
    assert {p: p.read_bytes() for p in photos.rglob("*.png")} == before
    assert infogan("sort", model, photos, "--out", out) == 2
    assert "exists already" in capsys.readouterr().err
    table = tmp_path / "codes.csv"
    assert infogan("encode", model, photos, "--out", table) == 0
    with table.open() as f:
        assert [row["kind"] for row in csv.DictReader(f)] == [row["kind"] for row in rows]


def test_groups_links_and_what_is_unsure(model, photos, tmp_path):
    out, table = tmp_path / "sorted", tmp_path / "codes.npz"
    assert infogan("encode", model, photos, "--out", table) == 0
    with np.load(table) as codes:
        least = float(np.median(codes["side_group.p"]))
    args = ("--by", "side_group", "--least", least, "--link", "--out", out)
    assert infogan("sort", model, photos, *args) == 0
    for row in rows_of(out):
        sure = float(row["side_group.p"]) >= least
        wanted = {"0": "0", "1": "1 right"}[row["side_group"]] if sure else "unsure"
        assert row["name"].partition("/")[0] == wanted
        link = out / row["name"]
        assert link.is_symlink()
        assert link.resolve() == (photos / row["name"].partition("/")[2]).resolve()
    counts = Counter(row["name"].partition("/")[0] for row in rows_of(out))
    assert counts["unsure"] == 15


def test_images_without_files_are_written(model, tmp_path):
    x = np.random.default_rng(0).integers(256, size=(12, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    out = tmp_path / "sorted"
    assert infogan("sort", model, tmp_path / "x.npy", "--out", out) == 0
    rows = rows_of(out)
    assert [row["name"].partition("/")[2] for row in rows] == [f"{i:02d}.png" for i in range(12)]
    for row, image in zip(rows, x, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(out / row["name"])), image)


def test_one_picture_and_a_run_of_its_own(model, photos, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(photos / "p0.png", "one.png")
    assert infogan("sort", model, "one.png", "--out", "one") == 0
    assert rows_of(tmp_path / "one")[0]["name"].endswith("/one.png")
    assert infogan("sort", finished.path, "--out", "digits") == 0
    assert len(files_below(tmp_path / "digits")) == 10_001


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["--by", "u"], "--by 'u': pictures are sorted by kind or side_group or side"),
        (["--least", "1.5"], "a probability is 0 to 1"),
        (["--out", "photos/sorted"], "photos/sorted would be part of photos"),
        (["--out", "photos"], "exists already"),
    ],
)
def test_mistakes_are_one_line(model, photos, capsys, monkeypatch, args, rule):
    monkeypatch.chdir(photos.parent)
    assert infogan("sort", model, "photos", *args) == 2
    said = capsys.readouterr().err
    assert rule in said
    assert said.count("\n") == 1
    assert os.listdir() == ["photos"]


def test_what_has_no_files_or_categories_cannot_be_sorted(model, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.zeros((12, 8, 8), np.uint8))
    assert infogan("sort", model, "x.npy", "--link") == 2
    assert "--link is for the files of a folder" in capsys.readouterr().err
    InfoGAN("z4 + u", shape=(1, 8, 8)).save_pretrained("sliders")
    assert infogan("sort", "sliders", "x.npy") == 2
    assert "has categories to sort by" in capsys.readouterr().err
