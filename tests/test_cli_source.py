"""SOURCE as a user means it: the images that are named, as they were, and none of our making."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from command import infogan
from pictures_of_all_kinds import folder_of

from infogan.run import Run

SHORT = ("--train.updates", "2", "--no-report")


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


def test_a_folder_that_is_called_like_a_kind_of_place_is_a_folder(capsys, tiny_yaml):
    Path("photos").rename("shards")
    trained(tiny_yaml, "shards", "--out", "run")
    assert infogan("encode", "run", "shards", "--out", "codes.csv") == 0
    assert len(read("codes.csv")) == 40
    assert "built-in" not in capsys.readouterr().err


def test_a_folder_of_a_built_in_name_is_not_that_set(capsys, tiny_yaml):
    trained(tiny_yaml, "photos", "--out", "run")
    text = Path("run/config.yaml").read_text()
    Path("run/config.yaml").write_text(text.replace("source: photos", "source: mnist"))
    Path("photos").rename("mnist")
    said = refused(capsys, "train", "./mnist", "--out", "run", "--resume", *SHORT)
    assert "not './mnist'" in said


def test_tables_of_pictures_in_a_folder_with_a_run_beside_them(capsys, tiny_yaml):
    Path("tables").mkdir()
    images = [{"bytes": file.read_bytes()} for file in sorted(Path("photos").rglob("*.png"))]
    pyarrow.parquet.write_table(pyarrow.table({"image": images}), "tables/0.parquet")
    trained(tiny_yaml, "tables", "--out", "tables/run")
    assert any(Path("tables/run").rglob("*.png"))
    assert infogan("evaluate", "tables/run") == 0
    before = Path("tables/0.parquet").read_bytes()
    for out in ("tables/0.parquet", "tables/codes.parquet"):  # in the place of one; among them
        said = refused(capsys, "encode", "tables/run", "tables", "--out", out)
        assert "would be one of those in tables" in said
    assert Path("tables/0.parquet").read_bytes() == before
    assert infogan("encode", "tables/run", "tables", "--out", "tables/codes.csv") == 0


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
    assert "sheet.png would be one of those in ." in said
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
    held_out = ["--split", "test", "--out", "c.csv"]
    commands = (["evaluate", "run"], ["report", "run"], ["encode", "run", *held_out])
    for command in (*commands, ["encode", "run", "./photos", *held_out]):
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


def test_broken_pictures_of_another_source_are_left_out(capsys, tiny_yaml):
    """There is no --data.max-bad where nothing is learnt: what can be read is."""
    trained(tiny_yaml, "photos", "--out", "run")
    folder_of(Path("mixed"), 2, seed=7)
    for i in range(3):
        Path(f"mixed/broken{i}.png").write_bytes(b"no picture")
    said = "mixed: 3 of 5 pictures cannot be read and are left out; infogan data mixed lists them"
    for out in ("codes.csv", "again.csv"):  # packed, and in the cache
        capsys.readouterr()
        assert infogan("encode", "run", "mixed", "--out", out) == 0
        assert said in capsys.readouterr().err.splitlines()
    with open("codes.csv", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["000.png", "001.png"]


def test_other_images_are_measured_on_too(capsys, tiny_yaml):
    """Labelled ones held apart: what is known of the run's own stays as it was."""
    trained(tiny_yaml, "photos", "--out", "run")
    capsys.readouterr()
    assert infogan("evaluate", "run", "--json") == 0
    own = Path("run/metrics.json").read_bytes()
    held_out = json.loads(capsys.readouterr().out)
    for kind, seed in (("cat", 7), ("dog", 8), ("owl", 9)):
        folder_of(Path("apart") / kind, 5, seed)
    assert infogan("evaluate", "run", "apart", "--json") == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["clustering.classes"] == ["cat", "dog", "owl"]
    assert sum(map(sum, metrics["clustering.confusion"])) == 15
    assert "apart all, n = 15 real images" in metrics["protocol.clustering"]
    assert not any(key.startswith("overfitting.") for key in metrics)
    assert Path("run/metrics.json").read_bytes() == own
    assert infogan("evaluate", "run", "./photos", "--json") == 0  # its own: those held out
    again = json.loads(capsys.readouterr().out)
    assert again["clustering.confusion"] == held_out["clustering.confusion"]
    said = refused(capsys, "evaluate", "run", "nowhere")
    assert "unknown data source 'nowhere'" in said


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
    for at, head in (([0, 1], "x0,x1"), ([1, 0], "x1,x0")):  # names like any other
        np.savetxt(f"{head}.csv", people[:, at], delimiter=",", header=head, comments="")
    quick = ("--train.updates", 2, "--train.restarts", 1, "--no-report")
    assert infogan("train", "x0,x1.csv", "--out", "x", *quick) == 0
    for head in ("x0,x1", "x1,x0"):
        assert infogan("encode", "x", f"{head}.csv", "--out", f"{head}-codes.csv") == 0
    assert read("x0,x1-codes.csv") == read("x1,x0-codes.csv")
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


def test_other_rows_are_other_held_out_ones(people, capsys):
    assert infogan("evaluate", "run") == 0
    lines = Path("people.csv").read_text().splitlines()
    Path("people.csv").write_text("\n".join([lines[0], *sorted(lines[1:])]) + "\n")
    assert "no longer what run was trained on" in refused(capsys, "evaluate", "run")


def test_what_is_read_is_not_written_over(people, capsys):
    before = Path("people.csv").read_bytes()
    for source in (["people.csv"], []):  # named, or the run's own
        said = refused(capsys, "encode", "run", *source, "--out", "./people.csv")
        assert "is what is read" in said
    assert Path("people.csv").read_bytes() == before
    assert "too long" in refused(capsys, "encode", "run", "--out", "a" * 300 + ".csv")
    assert "too long" in refused(capsys, "generate", "run", "--out", "a" * 300)
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
