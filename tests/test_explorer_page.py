"""The explorer over HTTP, by its command, and in a browser where one is installed."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from command import infogan
from PIL import Image

from infogan import InfoGAN

STARTS = 90  # seconds within which it must say its address, on a busy machine


@contextmanager
def exploring(*args):
    """`infogan explore` in a process of its own; its address."""
    command = [sys.executable, "-m", "infogan", "explore", *map(str, args), "--no-browser"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        said = ""
        while not (found := re.search(r"http://\S+/", said)):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        yield found[0], said
    finally:
        process.send_signal(signal.SIGINT)
        _, wrong = process.communicate(timeout=STARTS)
    assert process.returncode == 0, wrong
    assert "Traceback" not in wrong
    assert "Warning" not in wrong


def ask(address, request, **headers):
    asked = urllib.request.Request(
        f"{address}ask",
        json.dumps(request).encode(),
        {"Content-Type": "application/json"} | headers,
    )
    with urllib.request.urlopen(asked) as response:
        return json.load(response)


def refused(address, request, **headers):
    with pytest.raises(urllib.error.HTTPError) as e:
        ask(address, request, **headers)
    return e.value.code, e.value.read().decode()


@pytest.fixture(scope="module")
def run(finished, tmp_path_factory):
    """A run of its own, for it is given names."""
    path = tmp_path_factory.mktemp("explored") / "mnist"
    shutil.copytree(finished.path, path)
    return path


def test_explore_shows_a_page_answers_and_ends(run):
    with exploring(run, "--port", 0) as (address, _):
        with urllib.request.urlopen(address) as response:
            page, policy = response.read().decode(), response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        files = set(re.findall(r'(?:src|href)="(\w+\.\w+)"', page))
        for file in ("page.js", "controls.js"):  # and what these import
            with urllib.request.urlopen(address + file) as response:
                files |= set(re.findall(r'from "\./(\w+\.js)"', response.read().decode()))
        assert files == {"page.css", "page.js", "controls.js", "state.js", "ask.js"}
        for file in files:
            with urllib.request.urlopen(address + file) as response:
                assert response.read()
        facts = ask(address, {"show": "facts"})
        assert facts["title"] == str(run)
        assert facts["gallery"]["of"] == 10_000
        ask(address, {"show": "name", "key": "digit=3", "text": "seven"})
        assert InfoGAN.from_pretrained(run).names == {"digit=3": "seven"}
        code, said = refused(address, {"show": "draw", "set": {"digit": 10}})
        assert (code, "integers 0 to 9" in json.loads(said)["error"]) == (400, True)
        # a page of another site may send no JSON without being asked, and under no other name
        assert refused(address, {"show": "facts"}, **{"Content-Type": "text/plain"})[0] == 415
        assert refused(address, {"show": "facts"}, Host="evil.example")[0] == 400
        assert refused(address, ["facts"])[0] == 400


def test_a_run_whose_images_have_gone_is_explored_without(run, tmp_path, monkeypatch):
    alone = tmp_path / "saved"
    shutil.copytree(run / "model", alone)
    with exploring(alone, "--port", 0) as (address, _):
        assert ask(address, {"show": "facts"})["gallery"] is None
    moved = tmp_path / "moved"
    shutil.copytree(run, moved)
    settings = (moved / "config.yaml").read_text()
    (moved / "config.yaml").write_text(settings.replace("source: mnist", "source: gone/photos"))
    with exploring(moved, "--port", 0) as (address, said):
        assert "without real images" in said
        assert ask(address, {"show": "facts"})["gallery"] is None


def test_pictures_of_ones_own_are_browsed_by_name(run, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(12):
        pixels = np.random.default_rng(i).integers(256, size=(40, 50), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"p{i}.png")
    with exploring(run, folder, "--port", 0) as (address, _):
        while True:
            answer = ask(address, {"show": "real"})
            if answer["gallery"]["read"] == 12:
                break
        assert {each["name"] for each in answer["images"]} == {f"p{i}.png" for i in range(12)}


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["nowhere"], "no model at nowhere"),
        (["RUN", "nowhere"], "nowhere"),
        (["RUN", "--port", "70000"], "0 to 65535"),
        (["RUN", "--host", "256.1.1.1"], "cannot listen at 256.1.1.1, port 8420"),
        (["RUN", "--host", "a..b"], "cannot listen at a..b"),
        (["RUN", "--port", "TAKEN"], "Address already in use; choose another"),
    ],
)
def test_mistakes_are_one_line(run, capsys, monkeypatch, args, rule):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        places = {"RUN": run, "TAKEN": taken.getsockname()[1]}
        args = [places.get(arg, arg) for arg in args]
        assert infogan("explore", *args, "--no-browser") == 2
    said = capsys.readouterr().err
    assert re.search(rule, said), said
    assert said.count("\n") == 1


def test_in_a_browser_codes_are_set_named_and_remembered(browser, run, tmp_path):
    from playwright.sync_api import expect

    expect.set_options(timeout=30_000)  # of a busy machine
    Image.fromarray(np.zeros((30, 30), np.uint8)).save(tmp_path / "mine.png")
    with exploring(run, "--port", 0) as (address, _):
        page = browser.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.on("console", lambda m: wrong.append(m.text))
        page.goto(address)
        page.wait_for_selector("#c-digit .pick >> nth=9")
        page.locator("#c-digit .pick").nth(4).click()
        page.wait_for_url("**digit=4*")
        before = page.locator("#picture").get_attribute("src")
        page.get_by_label("u1", exact=True).focus()
        page.keyboard.press("End")
        page.wait_for_url("**u1=2&*")
        expect(page.locator("#picture")).not_to_have_attribute("src", before)
        page.get_by_label("what digit=4 is").fill("four")
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_have_text("digit=4 is called four")
        page.locator("#file").set_input_files(tmp_path / "mine.png")
        page.wait_for_selector("#read table")
        assert "mine.png" in page.locator("#read").inner_text()
        page.wait_for_selector("#real figure >> nth=23")
        expect(page.locator("#c-digit small >> nth=9")).to_contain_text("%")
        slider = page.get_by_label("u2", exact=True)
        slider.focus()
        page.keyboard.press("End")
        slider.dblclick()
        expect(slider).to_have_value("0")
        page.wait_for_url("**u2=0&*")
        there = page.url
        page.reload()
        page.wait_for_selector("#c-digit .pick >> nth=9")
        page.wait_for_url(there)
        assert page.get_by_label("what digit=4 is").input_value() == "four"
        page.goto(f"{address}#digit=99&u1=x&u2=-1&~seed=7&~free=u1&tilt=3")
        expect(page.locator("#status")).to_have_text(re.compile("address sets tilt, digit, u1 to"))
        expect(page.locator("#c-u2 output")).to_have_text("-1")
        expect(page.locator("#c-u1 .free input")).to_be_checked()
        expect(page.locator("#c-digit output")).to_have_text("0")
        page.keyboard.press("r")
        page.wait_for_url(re.compile("seed=(?!7&)"))
        assert not wrong
        page.close()
    assert InfoGAN.from_pretrained(run).names["digit=4"] == "four"
