"""One update: who is moved by what."""

import pytest
import torch

from infogan import moves, step, update
from infogan.config import Config, from_yaml
from infogan.data import to_float
from infogan.state import State
from infogan.update import train_step

CPU = torch.device("cpu")


def start(config, seed_shape=(1, 28, 28)):
    return State.start(config, seed_shape, CPU)


def moved(a, b):
    """Which parts of the model differ between two states."""
    return {
        part
        for part in ("G", "trunk", "D", "Q")
        if not all(
            torch.equal(p, q)
            for p, q in zip(
                getattr(a.model, part).parameters(), getattr(b.model, part).parameters()
            )
        )
    }


def with_(config, text):
    return from_yaml(text, "test", config)


@pytest.fixture
def plain(tiny) -> Config:
    """No pairs and no ramp, so that λ alone decides."""
    return with_(tiny, "loss: {lam_ramp: 0, pairs: 0}")


def test_lambda_moves_trunk_Q_and_G_but_not_the_head_of_D(plain, digits):
    """DESIGN: λ·L_I is in the D step (trunk, Q) and in the G step (G). After one update from one
    start, the D head has the same gradient with and without L_I."""
    x = to_float(digits[:16])
    off = with_(plain, "codes: z4 + digit:cat10@0 + 2u@0")
    states = [start(config) for config in (plain, off)]
    fresh = start(plain)
    for state, config in zip(states, (plain, off)):
        train_step(state, x, config, torch.float32)
    assert moved(*states) == {"G", "trunk", "Q"}
    assert moved(fresh, states[1]) == {"G", "trunk", "D"}


def test_each_code_counts_with_its_own_lambda(plain, digits):
    x = to_float(digits[:16])
    for text in ("z4 + digit:cat10@3 + 2u@0.1", "z4 + digit:cat10 + u1:u@0.1 + u2:u@7"):
        other = with_(plain, f"codes: {text}")
        a, b = start(plain), start(other)
        train_step(a, x, plain, torch.float32)
        train_step(b, x, other, torch.float32)
        assert moved(a, b) == {"G", "trunk", "Q"}


def test_objective_gan_is_a_plain_gan_with_an_onlooker(plain, digits):
    """G, trunk and D go the way of a GAN without codes' weight; Q's head learns all the same."""
    gan = with_(plain, "objective: gan")
    off = with_(plain, "codes: z4 + digit:cat10@0 + 2u@0")
    a, b = start(gan), start(off)
    for _ in range(3):
        train_step(a, to_float(digits[:16]), gan, torch.float32)
        train_step(b, to_float(digits[:16]), off, torch.float32)
    assert moved(a, b) == {"Q"}


def test_D_learns_to_tell_and_G_to_be_taken_for_real(plain, digits):
    """Losses of D and G that are swapped fail here."""
    x = to_float(digits[:64])
    config = with_(plain, "{train: {lr_g: 1.0e-9, lr_d: 5.0e-3}}")
    state = start(config)
    for _ in range(100):
        terms = train_step(state, x, config, torch.float32)
    assert terms["loss_D"] < 1  # from 2 ln 2 = 1.39 at the start
    config = with_(plain, "{train: {lr_g: 2.0e-3, lr_d: 1.0e-9}}")
    for name, adam in (("lr_g", state.adam_G), ("lr_d", state.adam_D)):
        adam.param_groups[0]["lr"] = getattr(config.train, name)
    first = train_step(state, x, config, torch.float32)["loss_G"]
    for _ in range(30):
        last = train_step(state, x, config, torch.float32)["loss_G"]
    assert last < first - 0.1


@pytest.mark.parametrize("loss", ["hinge", "least-squares", "wasserstein", "relativistic"])
def test_every_form_of_the_game_trains(tiny, digits, loss):
    config = with_(tiny, f"loss: {{adversarial: {loss}, r1: 0.1, r2: 0.1, gp: 0.1}}")
    state = start(config)
    for _ in range(3):
        terms = train_step(state, to_float(digits[:16]), config, torch.bfloat16)
    assert all(term.isfinite() for term in terms.values())
    assert {"r1", "r2", "gp", "I_pairs.digit", "L_I.u2", "loss_G"} <= terms.keys()


def test_r1_reaches_the_weights_of_a_trunk_with_waves(tiny):
    """Double backward through standardization, waves and leaky ReLU, against differences."""
    from infogan.adversarial import r1

    text = "net: {kind: mlp, widths: [8, 8], norm: none, output: linear, fourier: 4}"
    data = torch.randn(64, 2, 1, 1, dtype=torch.float64) * 3
    model = State.start(with_(tiny, text), (2, 1, 1), CPU, data).model.double()

    def penalty():
        return r1(lambda x: model.D(model.trunk(x)).squeeze(1), data, model.unit)

    weight = next(p for p in model.trunk.parameters() if p.shape == (8, 10))
    (grad,) = torch.autograd.grad(penalty(), weight)
    step = 1e-6
    for i, j in ((0, 0), (3, 5), (7, 9)):  # of x, of a cosine, of a sine
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[i, j] += sign * step
            values.append(penalty().item())
            with torch.no_grad():
                weight[i, j] -= sign * step
        slope = (values[0] - values[1]) / (2 * step)
        assert grad[i, j].item() == pytest.approx(slope, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("shared", [False, True])
def test_one_draw_for_both_steps_or_one_each(plain, digits, monkeypatch, shared):
    """Shared fakes are shared by D's step and the first of G's alone; both learn from them."""
    config = with_(plain, f"{{train: {{shared_fakes: {shared}, g_steps: 2, batch: 8}}}}")
    seen = {"D": [], "G": []}
    real_D, real_G = moves.objective_D, moves.objective_G

    def of_D(model, x, x_aug, fake, c, *a):
        seen["D"].append((fake, c))
        return real_D(model, x, x_aug, fake, c, *a)

    def of_G(model, fake, c, *a):
        seen["G"].append((fake, c))
        return real_G(model, fake, c, *a)

    monkeypatch.setattr(moves, "objective_D", of_D)
    monkeypatch.setattr(moves, "objective_G", of_G)
    state, before = start(config), start(config)
    step.advance(state, digits, config, torch.float32)
    ((fake_D, c_D),) = seen["D"]
    (first, c_first), (second, c_second) = seen["G"]
    assert torch.equal(fake_D, first) == shared
    assert torch.equal(c_D["digit"], c_first["digit"]) == shared
    assert not torch.equal(first, second)
    assert not torch.equal(c_first["digit"], c_second["digit"])
    assert not fake_D.requires_grad  # D's step leaves G alone
    assert first.requires_grad
    assert moved(before, state) == {"G", "trunk", "D", "Q"}


def test_copies_are_erased_from_the_update_that_is_said(tiny, digits):
    text = "{loss: {pairs: 8}, augment: {rotation: 0, shear: 0, scale: 0, shift: 0, erase: 1}}"
    config = with_(with_(tiny, text), "augment: {erase_from: 7}")
    state, x = start(config), to_float(digits[:16])
    state.update = 6
    torch.testing.assert_close(update._copies(state, x, None, config, True), x, atol=1e-5, rtol=0)
    state.update = 7
    copies = update._copies(state, x, None, config, True)
    gone = (x > 0.1) & (copies == 0)
    assert gone.any()
    torch.testing.assert_close(torch.where(gone, x, copies), x, atol=0.1, rtol=0)


def test_copies_are_warped_from_the_update_that_is_said_where_there_are_votes(tiny, digits):
    text = "{loss: {pairs: 8}, augment: {rotation: 0, shear: 0, scale: 0, shift: 0, warp: 0.2}}"
    config = with_(with_(tiny, text), "augment: {warp_from: 7}")
    state, x = start(config), to_float(digits[:16])

    def same(config, voted):
        return torch.allclose(update._copies(state, x, None, config, voted), x, atol=1e-5)

    for state.update, voted, plain in ((6, True, True), (7, True, False), (7, False, True)):
        assert same(config, voted) == plain
    state.update = 0
    assert not same(with_(config, "augment: {warp_from: 0}"), voted=False)
