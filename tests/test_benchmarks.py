"""What the benchmarks count and how they summarize: their numbers are README's."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from infogan.config import recipe

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import lines
import operations
from interleaved import WARM_UP, interleaved


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

    for name in ("mnist-paper", "mnist"):
        config = recipe(name)
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
