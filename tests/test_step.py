"""A run's next update: its rates and its batches."""

import pytest
import torch

from infogan import batches, moves, step
from infogan.config import Config, from_yaml
from infogan.state import State
from infogan.step import rate_at

CPU = torch.device("cpu")


def test_rates_fall_linearly_to_the_end():
    t = from_yaml("train: {updates: 100, decay_from: 0.5, decay_to: 0.1}", "test", Config()).train
    assert [rate_at(u, t) for u in (0, 50, 75, 100)] == pytest.approx([1, 1, 0.55, 0.1])
    assert rate_at(99, Config().train) == 1


def test_steps_of_D_and_G_in_an_update(tiny, digits, monkeypatch):
    """Each step of D has real images of its own, and the next update goes on behind them."""
    config = from_yaml("train: {d_steps: 3, g_steps: 2, batch: 8}", "test", tiny)
    picked, updates = [], []
    real_indices, real_follow = batches.batch_indices, moves.follow
    monkeypatch.setattr(
        batches, "batch_indices", lambda *a: picked.append(a[2]) or real_indices(*a)
    )
    monkeypatch.setattr(
        moves,
        "follow",
        lambda state, adam, *a: updates.append(adam) or real_follow(state, adam, *a),
    )
    state = State.start(config, (1, 28, 28), CPU)
    for _ in range(2):
        step.advance(state, digits, config, torch.float32)
    assert picked == [0, 1, 2, 3, 4, 5]
    names = ["D" if adam is state.adam_D else "G" for adam in updates]
    assert "".join(names) == "DDDGG" * 2
    assert state.update == 2
