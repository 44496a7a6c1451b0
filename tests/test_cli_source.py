"""SOURCE as a user means it: the images that are named, as they were, and none of our making."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from pictures_of_all_kinds import folder_of

from infogan.cli import main
from infogan.run import Run

SHORT = ("--train.updates", "2", "--no-report")


def infogan(*args):
    with pytest.raises(SystemExit) as done:
        main([str(arg) for arg in args])
    return done.value.code


def refused(capsys, *args):
    """The one line of a refusal, after what may have been packed."""
    capsys.readouterr()
    assert infogan(*args) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("infogan: ")
    assert not any(line.startswith(("infogan: ", "Traceback")) for line in said[:-1])
    return said[-1]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder to work in, with pictures and a cache of its own."""
    monkeypatch.setenv("INFOGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name in ("cat", "dog"):
        folder_of(Path("photos") / name, 20, seed=len(name))


def trained(tiny_yaml, *args):
    assert infogan("train", *args, "--config", tiny_yaml, *SHORT) == 0


def test_the_source_is_what_the_command_says_whatever_a_file_does(capsys, tiny_yaml):
    trained(tiny_yaml, "photos", "--out", "first")
    folder_of(Path("others"), 20)
    settings = ("--config", "first/config.yaml", *SHORT)
    assert infogan("train", "others", "--out", "second", *settings) == 0
    run = Run.open(Path("second"))
    assert run.config.data.source == "others"
    assert "photos" not in run.command
    assert infogan("train", "--out", "third", *settings) == 0  # none is named but the file's
    assert Run.open(Path("third")).config.data.source == "photos"
    said = refused(capsys, "train", "others", "--data.source", "photos", "--out", "fourth")
    assert "two sources, others and --data.source photos" in said


def test_a_name_that_is_nothing_here_and_one_that_is_two_things(capsys):
    assert "nor is a file or folder of that name here" in refused(capsys, "train", "photo")
    Path("images").mkdir()
    assert infogan("train", "images") == 2
    said = capsys.readouterr().err
    assert "images is the recipe; for the folder here say ./images" in said
    Path("mnist").mkdir()
    assert infogan("data", "mnist") == 0
    assert "mnist is the built-in set; for the folder here say" in capsys.readouterr().err


def test_what_is_made_inside_a_folder_of_pictures_is_none_of_them(
    capsys, tiny_yaml, tmp_path, monkeypatch
):
    monkeypatch.chdir("photos")
    said = refused(capsys, "data", ".")
    assert "sheet.png would be one of the pictures in ." in said
    assert infogan("data", ".", "--out", "../sheet.png") == 0
    before = capsys.readouterr().out.splitlines()
    trained(tiny_yaml, ".")
    assert any(Path("runs/photos").rglob("*.png"))
    capsys.readouterr()
    assert infogan("data", ".", "--out", "../sheet.png") == 0
    after = capsys.readouterr().out.splitlines()
    assert "    runs/photos: a run of infogan" in after
    labels = [line for line in after if line.startswith("  labels")]
    assert labels == [line for line in before if line.startswith("  labels")]
    assert labels == ["  labels    2 (cat, dog): for metrics only"]
    going_on = ("train", "--out", "runs/photos", "--resume", "--train.updates", "3", "--no-report")
    assert infogan(*going_on) == 0
    assert infogan("evaluate", "runs/photos") == 0


def test_only_what_was_held_out_then_is_measured_on(capsys, tiny_yaml):
    """Another picture, and others are held out: most of them were learnt from."""
    trained(tiny_yaml, "photos", "--out", "run")
    assert infogan("encode", "run", "--split", "test", "--out", "codes.csv") == 0
    folder_of(Path("more"), 1, seed=9)
    shutil.copy("more/000.png", "photos/cat/new.png")
    for command in (["evaluate", "run"], ["encode", "run", "--split", "test", "--out", "c.csv"]):
        said = refused(capsys, *command)
        assert "photos is no longer what run was trained on" in said
        assert "put them back" in said
    assert infogan("encode", "run", "--out", "codes.csv") == 0  # all of them: no word of held out
    Path("photos/cat/new.png").unlink()
    assert infogan("evaluate", "run") == 0
    shutil.copy("more/000.png", "photos/cat/000.png")  # the same ones are held out
    assert infogan("evaluate", "run") == 0
    going_on = ("train", "--out", "run", "--resume", "--train.updates", "3")
    assert "no longer what" in refused(capsys, *going_on)


def test_a_run_is_told_from_where_its_images_are(capsys, tiny_yaml, monkeypatch):
    trained(tiny_yaml, "photos", "--out", "run")
    for same in ("photos/", "./photos", os.path.abspath("photos")):
        going_on = ("train", same, "--out", "run", "--resume", *SHORT)
        assert infogan(*going_on) == 0
    monkeypatch.chdir("photos")
    for command in (["evaluate"], ["report"], ["encode"], ["train", "--resume", "--out"]):
        said = refused(capsys, *command, "../run")
        assert "../run learnt from 'photos', which is not there" in said
        assert "the folder that the run was started in" in said


@pytest.fixture
def people(tmp_path):
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(170, 10, 60), rng.normal(3e4, 9e3, 60)], 1)
    np.savetxt("people.csv", rows, delimiter=",", header="height,income", comments="")
    quick = ("--train.updates", 2, "--train.restarts", 1, "--no-report")
    assert infogan("train", "people.csv", "--out", "run", *quick) == 0
    return rows


def read(file):
    with open(file, newline="") as f:
        return list(csv.DictReader(f))


def test_columns_are_known_by_their_names(people, capsys):
    assert infogan("encode", "run", "people.csv", "--out", "a.csv") == 0
    turned = np.stack([people[:, 1], np.arange(60), people[:, 0]], 1)
    np.savetxt("t.csv", turned, delimiter=",", header="income,age,height", comments="")
    assert infogan("encode", "run", "t.csv", "--out", "b.csv") == 0
    assert read("a.csv") == read("b.csv")
    np.savetxt("bare.csv", people, delimiter=",")
    assert infogan("encode", "run", "bare.csv", "--out", "c.csv") == 0  # by their order
    assert read("a.csv") == read("c.csv")
    np.savetxt("o.csv", people, delimiter=",", header="height,wage", comments="")
    said = refused(capsys, "encode", "run", "o.csv", "--out", "d.csv")
    assert "o.csv has no column 'income'" in said
    np.savetxt("two.csv", people, delimiter=",", header="a,a", comments="")
    assert "two columns are called 'a'" in refused(capsys, "data", "two.csv")


def test_a_table_is_looked_at_as_one(people, capsys):
    assert infogan("data", "people.csv", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["vectors"] == 60
    low, middle, high = found["columns"]["height"]
    height = people[:, 0]
    assert [low, high] == pytest.approx([height.min(), height.max()], rel=1e-6)
    assert np.sort(height)[29] == pytest.approx(middle, rel=1e-6)
    assert not Path("sheet.png").exists()
    shutil.copy("people.csv", "PEOPLE.CSV")
    np.save("people.npy", people)
    Path("people.npy").rename("PEOPLE.NPY")
    for name in ("PEOPLE.CSV", "PEOPLE.NPY"):
        assert infogan("data", name) == 0
        assert f"{name}: 60 vectors" in capsys.readouterr().out


def test_what_is_read_is_not_written_over(people, capsys):
    before = Path("people.csv").read_bytes()
    said = refused(capsys, "encode", "run", "people.csv", "--out", "./people.csv")
    assert "is what is read" in said
    assert Path("people.csv").read_bytes() == before
    picture = Path("photos/cat/000.png")
    before = picture.read_bytes()
    assert "is what is read" in refused(capsys, "data", picture, "--out", picture)
    assert picture.read_bytes() == before
    Path("there.csv").mkdir()
    assert "it is a folder" in refused(capsys, "encode", "run", "--out", "there.csv")
    assert "ends in .png" in refused(capsys, "data", "photos", "--out", "sheet.pdf")


def test_a_folder_where_nothing_can_be_read_says_why(capsys):
    Path("bad").mkdir()
    for i in range(7):
        Path(f"bad/{i}.png").write_bytes(b"no picture")
    said = refused(capsys, "data", "bad")
    assert "0.png: not an image" in said
    assert "; and 2 more" in said
    np.save("none.npy", np.zeros((0, 8, 8), np.uint8))
    assert "holds no pictures" in refused(capsys, "data", "none.npy")
