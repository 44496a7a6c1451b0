"""Following a gradient: one step of Adam, and none where the loss is not finite."""

import math

import pytest
import torch

from infogan.descent import NonFinite, check_finite, follow
from infogan.state import State

CPU = torch.device("cpu")


@pytest.fixture
def state(tiny):
    return State.start(tiny, (1, 28, 28), CPU)


def weight(state):
    return state.model.D.weight


def test_one_step_down_the_gradient_of_this_objective_alone(state):
    """Adam's first step is its rate, against the sign of the gradient; what was there is gone."""
    before = weight(state).detach().clone()
    weight(state).grad = torch.full_like(before, 1e6)

    def objective(of):
        loss = (weight(state) * of["slope"]).sum()
        return loss, {"twice": 2 * loss}

    slope = torch.ones_like(before).index_fill(1, torch.tensor([0]), -1.0)
    rate = state.adam_D.param_groups[0]["lr"]
    terms = follow(state, state.adam_D, objective, {"slope": slope})
    torch.testing.assert_close(weight(state), before - rate * slope, rtol=0, atol=1e-3 * rate)
    assert terms["twice"].item() == pytest.approx(2 * (before * slope).sum().item(), rel=1e-5)
    assert not terms["twice"].requires_grad
    assert all(p.grad is None for p in state.model.trunk.parameters())


@pytest.mark.parametrize("what", ["loss", "a term"])
def test_what_is_not_finite_is_named_and_not_followed(state, what):
    before = weight(state).detach().clone()
    state.update = 7

    def objective(of):
        loss = weight(state).sum()
        return loss * math.inf, {"a term": loss * (math.nan if what == "a term" else 1)}

    name = "the sum" if what == "loss" else what
    with pytest.raises(NonFinite, match=f"{name} is infinite or NaN at update 7: training stopped"):
        follow(state, state.adam_D, objective, {})
    assert torch.equal(weight(state), before)


def test_numbers_that_are_not_finite_are_named(state):
    flat = state.tensors()
    check_finite(flat, 3)
    flat["model.D.weight"][0, 0] = math.nan
    with pytest.raises(NonFinite, match=r"model\.D\.weight is infinite or NaN at update 3"):
        check_finite(flat, 3)
