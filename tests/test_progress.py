import io
from types import SimpleNamespace

import torch

from infogan.prior import Prior
from infogan.progress import Means, Progress

RECORD = {
    "update": 200,
    "L_I.digit": 2.29,
    "L_I.u": 0.61,
    "loss_D": 1.32,
    "loss_G": 0.81,
    "images_per_s": 2400.0,
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_plain_lines_elsewhere():
    stream = io.StringIO()
    progress = Progress(Prior.parse("digit:cat10 + u"), stream)
    with progress.watching(SimpleNamespace(update=100), 1000):
        progress.show(RECORD | {"update": 150})  # between two lines
        progress.show(RECORD)
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("update 200/1000 · ")
    assert line.endswith("2,400/s · L_I digit 2.29/2.30 u 0.61/0.69 · D 1.32 G 0.81")


def test_a_bar_in_a_terminal():
    stream = Terminal()
    progress = Progress(Prior.parse("digit:cat10 + u"), stream)
    with progress.watching(SimpleNamespace(update=0), 1000):
        progress.say("started")
        progress.show(RECORD)
    said = stream.getvalue()
    assert "started" in said
    assert "200/1000" in said
    assert progress.bar is None


def test_a_term_that_comes_now_and_then_is_averaged_over_where_it_came():
    means = Means()
    for i in range(4):
        means.add({"loss_D": torch.tensor(float(i))} | ({"r1": torch.tensor(8.0)} if i < 1 else {}))
    record = means.take(4, 16)
    assert record["loss_D"] == 1.5
    assert record["r1"] == 8
