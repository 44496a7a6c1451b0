"""`infogan merge` as a user meets it."""

import csv
import json
import shutil

import numpy as np
import pytest
from command import infogan

from infogan import InfoGAN
from infogan.data import load
from infogan.metrics.groups import warnings


@pytest.fixture(scope="module")
def small(tmp_path_factory, tiny_yaml):
    """A run of six updates on 400 digits of one's own, with six categories and a report."""
    place = tmp_path_factory.mktemp("merge")
    digits = load("mnist", "test")
    np.savez(
        place / "digits.npz", images=digits.images[:400, 0].numpy(), labels=digits.labels[:400]
    )
    given = ["--data.source", place / "digits.npz", "--codes", "z4 + digit:cat6 + u@0.1"]
    assert infogan("train", "--config", tiny_yaml, "--out", place / "run", *given) == 0
    return place / "run"


@pytest.fixture
def run(small, tmp_path):
    """The same, to be changed; one cannot expect that its categories are things."""
    shutil.copytree(small, tmp_path / "run")
    return tmp_path / "run"


def files(run):
    return {p: p.read_bytes() for p in sorted(run.rglob("*")) if p.is_file()}


def numbers(run):
    return json.loads((run / "metrics.json").read_text())


def test_what_was_merged_is_known_everywhere_and_can_be_taken_back(run, tmp_path, capsys):
    before, weights = files(run), (run / "model" / "model.safetensors").read_bytes()
    assert infogan("merge", run, "--groups", 4) == 0
    said = capsys.readouterr().out
    assert "digit: 4 groups accepted" in said
    assert "merged into 4 groups" in said
    assert (run / "model" / "model.safetensors").read_bytes() == weights
    model = InfoGAN.from_pretrained(run)
    empty = 6 - len(set(numbers(run)["groups.digit.leaves"]))  # groups of their own, but no things
    assert model.groups["digit"].n == 4 + empty
    assert numbers(run)["groups.digit.accepted"] == list(model.groups["digit"].of)
    assert len(numbers(run)["groups.confusion"][0]) == 4 + empty
    assert "the 4 groups accepted in colour" in (run / "report.html").read_text()
    assert (run / "figures" / "tree-digit.png").is_file()

    after = files(run)
    assert infogan("merge", run, "--groups", 4) == 0  # again: nothing changes
    assert files(run) == after

    images, out = tmp_path / "made", tmp_path / "codes.csv"
    assert infogan("generate", run, "--n", 20, "--set", "digit_group=2", "--out", images) == 0
    with (images / "codes.csv").open() as f:
        rows = list(csv.DictReader(f))
    assert {row["digit_group"] for row in rows} == {"2"}
    assert {int(row["digit"]) for row in rows} <= set(model.groups["digit"].members(2))
    assert infogan("encode", run, images / "images.npy", "--out", out) == 0
    with out.open() as f:
        assert list(csv.DictReader(f).fieldnames)[:4] == [
            "digit", "digit.p", "digit_group", "digit_group.p",
        ]  # fmt: skip

    assert infogan("merge", run, "--undo") == 0
    assert files(run) == before
    assert infogan("merge", run, "--undo") == 0
    assert "stand apart as before" in capsys.readouterr().out
    assert files(run) == before


def test_the_proposal_of_categories_without_a_line_is_none(run, capsys):
    """Six updates make no things."""
    before = files(run)
    assert infogan("merge", run) == 0
    said = capsys.readouterr().out
    assert "nothing is proposed" in said
    assert "digit: its categories stand apart as before" in said
    assert files(run) == before


def test_evaluate_and_report_tell_what_encode_and_merge_know(run, capsys):
    assert infogan("merge", run, "--groups", 3) == 0
    told = numbers(run)
    assert infogan("evaluate", run, "--json") == 0
    assert json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""])) == told
    (run / "metrics.json").unlink()
    assert infogan("report", run) == 0
    assert numbers(run) == told
    assert warnings(told) == {}


def test_an_old_run_without_numbers_of_groups_has_its_report(run):
    old = {k: v for k, v in numbers(run).items() if "groups" not in k}
    (run / "metrics.json").write_text(json.dumps(old))
    (run / "figures" / "tree-digit.png").unlink()
    assert infogan("report", run) == 0
    assert "Categories that are one thing" not in (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["RUN", "--groups", "7"], "--groups 7: digit has 6 categories; give 2 to 6"),
        (["RUN", "--groups", "1"], "--groups 1: digit has 6 categories; give 2 to 6"),
        (["RUN", "--groups", "many"], "--groups"),
        (["RUN", "--groups", "3", "--undo"], "give one of the two"),
        (["RUN", "--code", "u"], "--code u: the categorical codes are digit"),
        (["nowhere"], "nowhere is no run"),
        ([], "RUN"),
    ],
)
def test_mistakes_are_one_line(run, monkeypatch, tmp_path, capsys, args, rule):
    monkeypatch.chdir(tmp_path)
    before = files(run)
    assert infogan("merge", *(str(run) if arg == "RUN" else arg for arg in args)) == 2
    said = capsys.readouterr().err
    assert rule in said
    assert said.count("\n") == 1
    assert files(run) == before


@pytest.mark.parametrize(
    ("codes", "args", "rule"),
    [
        ("z4 + 2u", [], "has no categorical code, so there is nothing to merge"),
        ("z4 + a:cat3 + b:cat4", ["--groups", "3"], "of which code? give --code with one of a, b"),
        ("z4 + a:cat3 + a_group:u", [], "groups of a would be called a_group"),
    ],
)
def test_codes_that_have_no_groups(run, capsys, codes, args, rule):
    InfoGAN(codes, shape=(1, 28, 28)).save_pretrained(run / "model")
    assert infogan("merge", run, *args) == 2
    assert rule in capsys.readouterr().err


def test_a_run_without_a_model(run, capsys):
    shutil.rmtree(run / "model")
    assert infogan("merge", run) == 2
    assert "has no finished model yet" in capsys.readouterr().err
