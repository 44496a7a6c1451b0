from dataclasses import replace

import pytest
import torch

from infogan.config import LossConfig
from infogan.data import to_float
from infogan.errors import InfoganError
from infogan.model import parameters_of
from infogan.state import State
from infogan.update import train_step

CPU = torch.device("cpu")
SHAPE = (1, 28, 28)


def test_every_parameter_has_its_optimizer_and_rate(tiny):
    """A Q head that is made after the optimizer would never be trained."""
    state = State.start(tiny, SHAPE, CPU)
    of = {
        name: {id(p) for group in adam.param_groups for p in group["params"]}
        for name, adam in (("D", state.adam_D), ("G", state.adam_G))
    }
    model = state.model
    assert of["G"] == {id(p) for p in model.G.parameters()}
    assert of["D"] == {id(p) for p in parameters_of(model.trunk, model.D, model.Q)}
    assert of["D"] | of["G"] == {id(p) for p in model.parameters()}
    assert state.adam_D.param_groups[0]["betas"] == (0.5, 0.999)


@pytest.mark.parametrize("ema_d", [0.0, 0.9])
def test_state_comes_back_bit_for_bit(ema_d, tiny, digits):
    tiny = replace(tiny, train=replace(tiny.train, ema_d=ema_d))
    x = to_float(digits[:16])
    one = State.start(tiny, SHAPE, CPU)
    for _ in range(3):
        train_step(one, x, tiny, torch.float32)
    assert not torch.equal(one.r_bar["digit"], torch.full((10,), 0.1))  # it moved
    one.votes, one.components = {"digit": torch.ones(2, 1, 4)}, {"u1": torch.rand(5, 1, 4, 2)}
    two = State.start(tiny, SHAPE, CPU)
    two.load(one.update, one.tensors())
    for state in (one, two):
        train_step(state, x, tiny, torch.float32)
    a, b = one.tensors(), two.tensors()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert one.update == two.update == 4


def test_averages_are_the_recurrence(tiny, digits):
    """e_t = d_t e_{t-1} + (1 − d_t) w_t, d_t = min(decay, (1 + t) / (10 + t)), for G and for D."""
    config = replace(tiny, train=replace(tiny.train, ema=0.3, ema_d=0.15))
    state = State.start(config, SHAPE, CPU)
    D = parameters_of(state.model.trunk, state.model.D, state.model.Q)
    G = list(state.model.G.parameters())
    expected = {0.3: [p.detach().clone() for p in G], 0.15: [p.detach().clone() for p in D]}
    for t in range(4):
        train_step(state, to_float(digits[:16]), config, torch.float32)
        for (decay, averages), weights in zip(expected.items(), (G, D), strict=True):
            d = min(decay, (1 + t) / (10 + t))
            expected[decay] = [d * e + (1 - d) * w.detach() for e, w in zip(averages, weights)]
    for averages, expect in ((state.G_ema, expected[0.3]), (state.D_ema, expected[0.15])):
        for a, e in zip(averages, expect, strict=True):
            torch.testing.assert_close(a, e)
    model = state.trained(digits, 0, LossConfig())
    kept = parameters_of(model.trunk, model.D, model.Q)
    assert all(torch.equal(p, a) for p, a in zip(kept, state.D_ema, strict=True))
    assert not any(torch.equal(p, a) for p, a in zip(D, state.D_ema, strict=True))


def test_a_state_of_other_codes_is_refused(tiny, digits):
    from infogan.config import from_yaml

    one = State.start(tiny, SHAPE, CPU)
    train_step(one, to_float(digits[:16]), tiny, torch.float32)
    other = State.start(from_yaml("codes: z4 + cat3", "test", tiny), SHAPE, CPU)
    with pytest.raises(InfoganError, match="does not fit"):
        other.load(1, one.tensors())


def test_trained_model_is_the_average_with_statistics_of_its_own(tiny, digits):
    state = State.start(tiny, SHAPE, CPU)
    for _ in range(4):
        train_step(state, to_float(digits[:16]), tiny, torch.float32)
    before = state.tensors()
    model = state.trained(digits, 0, LossConfig())
    assert all(torch.equal(p, a) for p, a in zip(model.G.parameters(), state.G_ema))
    assert not all(torch.equal(p, a) for p, a in zip(state.model.G.parameters(), state.G_ema))
    assert all(torch.equal(p, q) for p, q in zip(model.Q.parameters(), state.model.Q.parameters()))
    after = state.tensors()
    assert all(torch.equal(before[name], after[name]) for name in before)  # a copy, not the state
    assert not model.training
    assert state.model.training


def test_a_learned_prior_follows_the_categories_and_comes_back(tiny, digits):
    learned = replace(tiny, codes="z4 + digit:cat4(learned) + kind:cat3 + u")
    state = State.start(learned, SHAPE, CPU)
    k = torch.tensor([0] * 6 + [1] * 3 + [2] * 7)
    state.learn_prior({"digit": k, "kind": k})
    assert state.model.prior["digit"].p == (0.35, 0.2, 0.4, 0.05)  # (n + 1)/(16 + 4)
    assert state.model.prior["kind"].p == ()
    drawn = torch.bincount(state.latent(20_000)[1]["digit"]) / 20_000
    assert torch.allclose(drawn, torch.tensor([0.35, 0.2, 0.4, 0.05]), atol=0.02)
    other = State.start(learned, SHAPE, CPU)
    other.load(0, state.tensors())
    assert other.model.prior == state.model.prior
    assert str(other.trained(digits, 0, LossConfig()).prior) == str(state.model.prior)


@pytest.mark.parametrize("counted", [False, True])
def test_a_learned_prior_goes_on_with_the_same_draws(tiny, digits, counted):
    """Before it was counted, which is another way to draw, and as it was counted, to the bit."""
    learned = replace(tiny, codes="z4 + digit:cat12(learned)")
    for seed in range(20 if counted else 1):
        state, other = State.start(learned, SHAPE, CPU), State.start(learned, SHAPE, CPU)
        if counted:
            k = torch.randint(12, (997,), generator=torch.Generator().manual_seed(seed)) ** 2 // 12
            state.learn_prior({"digit": k})
        other.load(0, state.tensors())
        assert other.model.prior == state.model.prior
        mine, theirs = (each.latent(50)[1]["digit"] for each in (state, other))
        assert torch.equal(mine, theirs)


def test_a_reader_has_the_statistics_of_real_images_alone(tiny, digits):
    state = State.start(tiny, SHAPE, CPU)
    reader, both = state.reader(digits, 0), state.trained(digits, 0, LossConfig())
    x = to_float(digits)
    norm = next(m for m in reader.trunk.modules() if isinstance(m, torch.nn.BatchNorm2d))
    seen = []
    norm.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    with torch.no_grad():
        reader.trunk(x)
    assert torch.allclose(norm.running_mean, seen[0].mean((0, 2, 3)), atol=0.03)
    other = next(m for m in both.trunk.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert not torch.allclose(norm.running_mean, other.running_mean, atol=0.03)
