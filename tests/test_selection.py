"""Which run the others agree with: known for models that read and make their codes exactly."""

import json
import shutil

import numpy as np
import pytest
import torch
from command import infogan
from pixel_readers import pixel_reader
from torch import nn

from infogan.cli.select import _score
from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.model import InfoGAN
from infogan.selection import centrality, on_images, on_samples


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
    model = pixel_reader(category=category, slider=slider, slope=2.0, offset=-1.0)
    model.G = Drawing(category, slider)
    return model


def blind(seed):
    """One that makes its codes into the pixels and reads what it was born with."""
    model = exact()
    torch.manual_seed(seed)
    model.Q = nn.Linear(2, 7)
    nn.init.normal_(model.Q.weight, std=30)
    return model.eval()


def test_models_that_read_each_other_agree_and_others_do_not():
    told = []
    A = on_samples([exact(), blind(0), exact(), blind(1)], 0, told.append)
    assert told == [1, 2, 3, 4]
    assert A[0, 2] == A[2, 0] == 1
    assert A[0, 0] == 1
    assert A[1, 0] < 0.9
    s = centrality(A)
    assert set(np.argsort(s)[-2:]) == {0, 2}


def test_on_images_codes_are_matched_and_their_order_does_not_count():
    """One with its pixels exchanged reads other things; the same with u turned round the same."""
    g = torch.Generator().manual_seed(0)
    values = torch.stack([torch.randint(5, (3000,), generator=g) for _ in range(2)], 1)
    images = (values * 20).byte().reshape(-1, 1, 1, 2)
    turned = exact()
    with torch.no_grad():
        turned.Q.weight[5] *= -1
        turned.Q.weight[:5] = turned.Q.weight[[2, 0, 1, 4, 3]]
        turned.Q.bias[:5] = turned.Q.bias[[2, 0, 1, 4, 3]]
    A = on_images([exact(), exact(1, 0), turned], images, lambda i: None)
    assert pytest.approx(A.T) == A
    assert A.diagonal() == pytest.approx(1)
    assert A[0, 2] == pytest.approx(1)
    assert A[0, 1] < 0.05  # NMI and ρ of independent pixels: (5 − 1)² / 2n nats, 1/√n
    assert centrality(A).argmax() in (0, 2)


def test_codes_that_only_one_has_count_against_both():
    x = torch.arange(256).byte().reshape(-1, 1, 1, 1).expand(-1, 1, 1, 2)
    more = InfoGAN("z2 + kind:cat5 + u + bern2", (1, 1, 2), NetConfig(kind="mlp", widths=(3,)))
    A = on_images([exact(), exact(), more.eval()], x, lambda i: None)
    assert A[0, 1] == pytest.approx(1)
    assert A[0, 2] <= 2 / 4


def test_centrality_by_hand():
    A = np.array([[1, 0.9, 0.1], [0.7, 1, 0.3], [0.5, 0.1, 1]])
    assert centrality(A) == pytest.approx([(0.8 + 0.3) / 2, (0.8 + 0.2) / 2, (0.3 + 0.2) / 2])
    order = [2, 0, 1]
    assert centrality(A[np.ix_(order, order)]) == pytest.approx(centrality(A)[order])


def test_what_cannot_be_compared_is_said():
    with pytest.raises(InfoganError, match="of 2 runs none is nearest"):
        on_images([exact(), exact()], torch.zeros(5, 1, 1, 2))
    other = InfoGAN("z2 + kind:cat5 + u", (1, 8, 8), NetConfig(widths=(4, 8), fc=8))
    with pytest.raises(InfoganError, match="runs on the same images"):
        on_samples([exact(), exact(), other], 0)
    single = InfoGAN("z2 + kind:cat5", (1, 8, 8), NetConfig(widths=(4, 8), fc=8)).eval()
    with pytest.raises(InfoganError, match="two codes and two factors"):
        on_samples([single] * 3, 0, lambda i: None)


def test_the_command_prints_a_table_and_names_one(finished, tmp_path, capsys):
    runs = [tmp_path / f"r{i}" for i in range(3)]
    for run in runs:
        shutil.copytree(finished.path, run)
    for damaged in ("{", "3", '{"pairs.digit.score": null}'):
        (runs[1] / "metrics.json").write_text(damaged)
        assert _score(runs[1]) is None
    assert infogan("select", *runs) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "agreement", "score"]
    assert sorted(line.split()[0] for line in lines[1:4]) == [str(run) for run in runs]
    assert [line.split()[2] for line in lines[1:4]].count("–") == 1
    assert lines[4].endswith("nearest to the others")
    assert infogan("select", *runs, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["best"] in found["runs"]
    assert np.shape(found["agreement"]) == (3, 3)
    assert infogan("select", *runs, "--json", "--by", "samples") == 0
    samples = json.loads(capsys.readouterr().out)
    assert samples["agreement"] != found["agreement"]
    settings = (runs[2] / "config.yaml").read_text()
    (runs[2] / "config.yaml").write_text(settings.replace("source: mnist", "source: rooms"))
    assert infogan("select", *runs) == 2
    assert "learnt from other images" in capsys.readouterr().err
    same = runs[0].parent / "." / ".." / runs[0].parent.name / runs[0].name
    assert infogan("select", runs[0], same, runs[1]) == 2
    assert "of 2 runs" in capsys.readouterr().err
    assert infogan("select") == 2
