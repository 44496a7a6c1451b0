"""What the benchmarks count and how they summarize: their numbers are README's."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import tyro
from torch import nn

from infogan.config import Config, recipe

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import lines
import operations
from interleaved import WARM_UP, interleaved
from meaning import frechet, kept, key, least, slant_apart
from meaning import line as line_of
from rows import ROWS, Row
from score import KINDS, RESULTS, told


def test_operations_by_hand():
    """Two for each weight at each place where it is used."""
    conv = nn.Conv2d(3, 5, kernel_size=4, stride=2, padding=1)  # 8×8 → 4×4
    up = nn.ConvTranspose2d(5, 2, kernel_size=4, stride=2, padding=1)  # 4×4 → 8×8
    flat = nn.Sequential(conv, up, nn.Flatten(), nn.Linear(128, 7))
    counts = [n for _, n in operations.forward(flat, (3, 8, 8))]
    assert counts == [2 * 16 * 3 * 5 * 16, 2 * 16 * 5 * 2 * 16, 2 * 128 * 7]


def test_a_step_of_the_papers_nets_is_what_autograd_does():
    """Counted by torch itself, forward and backward, in one real step."""
    from torch.utils.flop_counter import FlopCounterMode

    from infogan.data import load
    from infogan.state import State
    from infogan.step import advance

    paper = recipe("mnist-paper")
    shared = replace(paper, train=replace(paper.train, shared_fakes=True))
    for config in (paper, shared, recipe("mnist")):
        state = State.start(config, (1, 28, 28), torch.device("cpu"))
        images = load("mnist", "train").images
        advance(state, images, config, torch.float32)  # the components are found once
        with FlopCounterMode(display=False) as counter:
            advance(state, images, config, torch.float32)
        each = counter.get_total_flops() / config.train.batch
        assert operations.step(config, (1, 28, 28)) == pytest.approx(each, rel=0.01)


def test_times_take_turns_and_are_summed_up_by_quartiles():
    order = []
    seconds = interleaved(range(WARM_UP + 3), {"a": order.append, "b": order.append})
    assert order[:4] == [0, 0, 1, 1]
    assert [len(found) for found in seconds.values()] == [3, 3]
    line = lines.line("x", 10.0, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert line.rate == pytest.approx(10 / 3)
    assert line.low < line.rate < line.high
    assert "images/s" in str(line)
    assert "0.50 of the ceiling" in str(replace(line, share=0.5))
    assert "1,807 MB" in str(replace(line, memory=1807.2))


def test_sliders_are_apart_where_each_has_its_own_factor():
    sliders = {"u1.slant": -0.9, "u1.width": 0.1, "u1.thickness": 0.5}
    sliders |= {"u2.slant": 0.2, "u2.width": 0.7, "u2.thickness": 0.3}
    assert slant_apart(sliders)
    assert slant_apart({k.translate(str.maketrans("12", "21")): v for k, v in sliders.items()})
    for worse in ({"u1.slant": 0.7}, {"u2.width": 0.5}, {"u1.width": 0.5}, {"u2.slant": -0.5}):
        assert not slant_apart(sliders | worse)
    sliders |= {"u2.width": 0.1, "u2.thickness": -0.8, "u1.thickness": 0.0}
    assert slant_apart(sliders)  # thickness will do as well as width


def test_a_row_of_the_ablation_is_known_by_its_settings():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len({key(row) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        tyro.cli(Config, args=row.flags, default=recipe(row.recipe))
    run = {"accuracy": 0.98, "I_m": 0.94, "minutes": 2.0, "u1.slant": -0.9, "u2.slant": 0.1}
    run |= {"distance": 9.0, "signs": 0, "device": "cpu"}
    assert "| 0.9800 ± 0.0000 | 0.9800 | 0.9800 | 0.90 | 0/2 |" in line_of(ROWS[0], [run, run])


def test_what_was_measured_is_found_again_whatever_settings_came_after():
    """Another key for the same runs empties the page, and all of them would be made again."""
    assert all(kept().get(key(row)) for row in ROWS)
    short = [
        Row(kind, flags, "", length=("--train.updates", "500"), base=())
        for kind, flags in KINDS.items()
    ]
    scored = json.loads(RESULTS.read_text())
    assert all(set(scored.get(key(row), ())) >= {"0", "1", "2", "3"} for row in short)


def test_stuck_runs_are_counted_as_told_or_not():
    """Of a digit less than 0.75, or of each at least 0.85; one is neither, one is not told."""
    runs = [(0.95, 0), (0.4, 2), (0.3, 0), (0.9, 0), (0.8, 1)]
    of_them = [{"least": kept, "signs": signs} for kept, signs in runs]
    assert told(of_them) == "3 of 4; 1 are neither"
    assert told(of_them[:2]) == "2 of 2"


def test_the_least_of_a_class_that_is_in_its_category():
    table = [[8, 2, 0], [1, 0, 9], [4, 4, 2]]  # category 1 is class 2's, of whose ten it has four
    agreement = {
        "clustering.confusion": table,
        "clustering.matching": {0: 0, 1: 2, 2: 1},
    }
    assert least(agreement) == 0.4


def test_the_distance_of_images_is_that_of_gaussians():
    """In one dimension (μ − ν)² + (σ − τ)²; of commuting covariances their sum over axes."""
    g = torch.Generator().manual_seed(0)
    x, y = (torch.randn(200, 1, 2, 2, dtype=torch.float64, generator=g) for _ in range(2))
    assert frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet(x, 3 * x + 1) == pytest.approx(
        float((2 * x.mean(0) + 1).square().sum() + 4 * x.flatten(1).var(0).sum())
    )
    assert frechet(x, y) == pytest.approx(frechet(y, x))
