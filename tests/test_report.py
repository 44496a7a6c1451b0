import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from command import infogan

from infogan import InfoGAN
from infogan.cli import main


def test_page_is_self_contained_and_small(finished):
    page = (finished.path / "report.html").read_text()
    assert len(page) < 2_000_000
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "http" not in page.replace("https://errors", "")
    HTMLParser().feed(page)


def test_page_says_what_a_reader_asks(finished):
    page = (finished.path / "report.html").read_text()
    for part in (
        "Accuracy",
        "What the codes do",
        "u1: columns -2 … 2, each row a category of digit",
        "digit: columns 0 … 9",
        "held-out images: class by category",
        "MNIST test, n = 10,000 real images",
        "a 6 turned by half is a 9",
        "infogan train mnist --out",
        "lr_d: 0.0005",
        "u1 follows",
        "category 0 is class",
    ):
        assert part in page, part
    assert page.count("<img") == len(list((finished.path / "figures").glob("*.png")))


def test_page_says_which_start_went_on(finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    facts = {"updates": 300, "I_pairs": [10.93, 10.61], "kept": 1, "lost_seconds": 1.5}
    for stands, why in ((False, "which had most"), (True, "whose kinds stand apart")):
        (run / "starts.json").write_text(json.dumps(facts | {"stands": stands}))
        with pytest.raises(SystemExit) as done:
            main(["report", str(run)])
        assert done.value.code == 0
        said = (
            f"start 2 of 2, {why}, went on: after 300 updates their information on real pairs was "
            "10.93, 10.61"
        )
        assert said in (run / "report.html").read_text()
    assert "went on: after" not in (finished.path / "report.html").read_text()


def test_page_says_what_codes_are_called(finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    model = InfoGAN.from_pretrained(run)
    model.names |= {"digit=2": "two & a half", "digit=7": "seven", "u1": "slant"}
    model.save_pretrained(run)
    assert infogan("report", run) == 0
    page = (run / "report.html").read_text()
    assert "digit (2 two &amp; a half, 7 seven): columns 0 … 9" in page
    assert "u1 (slant): columns -2 … 2" in page
    assert "u2: columns" in page
