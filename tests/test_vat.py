"""The change that moves Q most: a law of second order, its length, and its place in an update."""

import pytest
import torch
import torch.nn.functional as F

from infogan import vat
from infogan.config import from_yaml
from infogan.state import State
from infogan.update import train_step
from infogan.vat import adversarial, log_q

CPU = torch.device("cpu")


@pytest.fixture
def read():
    """Two softmaxes of linear outputs, side by side."""
    W = torch.randn(7, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def read(x):
        return torch.cat([part.log_softmax(1) for part in (x.flatten(1) @ W.T).split([4, 3], 1)], 1)

    read.W = W
    return read


def images(n=5):
    return torch.rand(n, 1, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def divergence(read, x, moved):
    return (read(x).exp() * (read(x) - read(moved))).sum(1)


def test_the_direction_is_a_step_of_the_power_method_on_fishers_information(read, monkeypatch):
    """KL(Q(x) ‖ Q(x + r)) is ½ rᵀ Fr + O(r³), F = Σ_codes Wᵀ (diag p − p pᵀ) W."""
    monkeypatch.setattr(vat, "XI", 1e-5)
    x = images()
    r = (adversarial(read, x, 0.1, torch.Generator().manual_seed(3)) - x).flatten(1)
    delta = torch.randn(5, 1, 3, 4, generator=torch.Generator().manual_seed(3)).double().flatten(1)
    for i in range(5):
        p = read(x[i : i + 1])[0].exp()
        curvature = torch.block_diag(*(q.diag() - q[:, None] * q for q in (p[:4], p[4:])))
        step = read.W.T @ curvature @ read.W @ delta[i]
        assert F.cosine_similarity(r[i], step, dim=0) > 1 - 1e-6


def test_its_length_is_as_said_and_it_moves_Q_more_than_chance(read):
    x, g = images(200), torch.Generator().manual_seed(0)
    moved = adversarial(read, x, 0.05, g)
    assert torch.allclose((moved - x).square().mean((1, 2, 3)).sqrt(), x.new_tensor(0.05))
    by_chance = 0.05 * 12**0.5 * F.normalize(torch.randn(200, 12, generator=g).double(), dim=1)
    least = divergence(read, x, x + by_chance.view_as(x)).mean()
    assert divergence(read, x, moved).mean() > 2 * least


def test_where_nothing_moves_Q_an_image_stays():
    x = images()
    assert torch.equal(adversarial(lambda x: 0 * x.flatten(1), x, 0.1, torch.Generator()), x)


def test_in_an_update_the_copies_are_changed_and_no_weight_gets_a_gradient_of_it(tiny, digits):
    x, information = digits[:16].float() / 255, {}
    for reach in (0.0, 0.1):
        text = f"augment: {{adversarial: {reach}}}\nloss: {{pairs: 5}}"
        config = from_yaml(text, "test", tiny)
        state = State.start(config, (1, 28, 28), CPU)
        if reach:
            adversarial(log_q(state.model), x, reach, torch.Generator())
            assert all(p.grad is None for p in state.model.parameters())
        terms = train_step(state, x, config, torch.float32)
        information[reach] = float(terms["I_pairs.digit"])
    assert information[0.0] != information[0.1]
