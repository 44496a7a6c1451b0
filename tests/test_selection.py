"""Which run the others agree with: known for models that read and make their codes exactly."""

import json
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from infogan.cli import main
from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.model import InfoGAN
from infogan.selection import agreement, centrality


class Drawing(nn.Module):
    """G of two pixels: the category, and u."""

    def __init__(self, category, slider):
        super().__init__()
        self.pixels = category, slider
        self.anchor = nn.Parameter(torch.zeros(()))

    def forward(self, inputs):  # z2, five categories, u
        x = torch.zeros(len(inputs), 1, 1, 2)
        x[:, 0, 0, self.pixels[0]] = inputs[:, 2:7].argmax(1) * 20 / 255
        x[:, 0, 0, self.pixels[1]] = (inputs[:, 7] + 1) / 2
        return x


def exact(category=0, slider=1):
    """A model that writes its category into one pixel and u into the other, and reads them."""
    model = InfoGAN("z2 + kind:cat5 + u", (1, 1, 2), NetConfig(kind="mlp", widths=(3,)))
    model.G, model.trunk = Drawing(category, slider), nn.Flatten()
    head = nn.Linear(2, 7)
    with torch.no_grad():
        level = torch.arange(5) * 20 / 255
        head.weight.zero_()
        head.weight[:5, category], head.bias[:5] = 2e4 * level, -1e4 * level**2
        head.weight[5, slider], head.bias[5:] = 2, -1
    model.Q = head
    return model.eval()


def blind(seed):
    """One that makes its codes into the pixels and reads what it was born with."""
    model = exact()
    torch.manual_seed(seed)
    model.Q = nn.Linear(2, 7)
    nn.init.normal_(model.Q.weight, std=30)
    return model.eval()


def test_models_that_read_each_other_agree_and_others_do_not():
    told = []
    A = agreement([exact(), blind(0), exact(), blind(1)], n=2000, done=told.append)
    assert told == [0, 1, 2, 3]
    assert A[0, 2] == A[2, 0] == 1
    assert A[0, 0] == 1
    assert A[1, 0] < 0.9
    s = centrality(A)
    assert set(np.argsort(s)[-2:]) == {0, 2}


def test_centrality_by_hand():
    A = np.array([[1, 0.9, 0.1], [0.7, 1, 0.3], [0.5, 0.1, 1]])
    assert centrality(A) == pytest.approx([(0.8 + 0.3) / 2, (0.8 + 0.2) / 2, (0.3 + 0.2) / 2])
    order = [2, 0, 1]
    assert centrality(A[np.ix_(order, order)]) == pytest.approx(centrality(A)[order])


def test_what_cannot_be_compared_is_said():
    with pytest.raises(InfoganError, match="of 2 runs none is nearest"):
        agreement([exact(), exact()])
    other = InfoGAN("z2 + kind:cat5 + u", (1, 8, 8), NetConfig(widths=(4, 8), fc=8))
    with pytest.raises(InfoganError, match="runs on the same images"):
        agreement([exact(), exact(), other])
    single = InfoGAN("z2 + kind:cat5", (1, 8, 8), NetConfig(widths=(4, 8), fc=8)).eval()
    with pytest.raises(InfoganError, match="two codes and two factors"):
        agreement([single] * 3)


def infogan(*args):
    with pytest.raises(SystemExit) as done:
        main([str(arg) for arg in args])
    return done.value.code


def test_the_command_prints_a_table_and_names_one(finished, tmp_path, capsys):
    runs = [tmp_path / f"r{i}" for i in range(3)]
    for run in runs:
        shutil.copytree(finished.path, run)
    (runs[1] / "metrics.json").write_text("{")
    assert infogan("select", *runs) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "centrality", "score"]
    assert sorted(line.split()[0] for line in lines[1:4]) == [str(run) for run in runs]
    assert [line.split()[2] for line in lines[1:4]].count("–") == 1
    assert lines[4].endswith("nearest to the others")
    assert infogan("select", *runs, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["best"] in found["runs"]
    assert np.shape(found["agreement"]) == (3, 3)
    assert infogan("select", runs[0], runs[0], runs[1]) == 2
    assert "of 2 runs" in capsys.readouterr().err
    assert infogan("select") == 2
