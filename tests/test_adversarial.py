"""V(D, G): closed forms, signs, stability, gradients; penalties on a D whose gradient is known."""

import math

import pytest
import torch
import torch.nn.functional as F

from infogan.adversarial import ADVERSARIAL, gp, r1, r2

f64 = {"dtype": torch.float64}
ALL = sorted(ADVERSARIAL)


def ab():
    g = torch.Generator().manual_seed(0)
    real = torch.rand(7, generator=g, **f64) - 0.5
    fake = torch.rand(7, generator=g, **f64) - 0.5
    return real.requires_grad_(True), fake.requires_grad_(True)


def test_nonsaturating_is_binary_cross_entropy():
    real, fake = ab()
    one, zero = torch.ones(7, **f64), torch.zeros(7, **f64)
    bce = F.binary_cross_entropy_with_logits
    V = ADVERSARIAL["nonsaturating"]
    assert torch.allclose(V.d(real, fake), bce(real, one) + bce(fake, zero))
    assert torch.allclose(V.g(fake), bce(fake, one))


def test_closed_forms():
    real, fake = torch.tensor([0.5, -2.0], **f64), torch.tensor([3.0, 0.0], **f64)
    values = {
        name: (V.d(real, fake).item(), V.g(fake, real).item()) for name, V in ADVERSARIAL.items()
    }
    assert values["least-squares"] == pytest.approx(((0.25 + 9) / 4 + 9 / 4, (4 + 1) / 4))
    assert values["hinge"] == pytest.approx((3.5 / 2 + 5 / 2, -1.5))
    assert values["wasserstein"] == pytest.approx((1.5 + 0.75, -1.5))
    soft = math.log1p
    d = (2.5 + soft(math.exp(-2.5)) + 2 + soft(math.exp(-2))) / 2
    g = (soft(math.exp(-2.5)) + soft(math.exp(-2))) / 2
    assert values["relativistic"] == pytest.approx((d, g))


@pytest.mark.parametrize("name", ALL)
def test_who_wants_what(name):
    """D wants real logits up and fake ones down, G wants fake ones up: swapped losses fail here."""
    V = ADVERSARIAL[name]
    real, fake = ab()
    d_real, d_fake = torch.autograd.grad(V.d(real, fake), (real, fake))
    assert (d_real < 0).all()
    if name != "least-squares":  # whose D pulls fake logits to 0 from both sides
        assert (d_fake > 0).all()
    else:
        assert torch.allclose(d_fake, fake / 7)
    (g_fake,) = torch.autograd.grad(V.g(fake, real), fake)
    assert (g_fake < 0).all()


@pytest.mark.parametrize("name", ALL)
def test_gradients_and_stability(name):
    V = ADVERSARIAL[name]
    real, fake = ab()
    assert torch.autograd.gradcheck(V.d, (real, fake))
    assert torch.autograd.gradcheck(V.g, (fake, real))
    huge = torch.tensor([1e4, -1e4], requires_grad=True)
    loss = V.d(huge, -huge) + V.g(huge, -huge)
    loss.backward()
    assert loss.isfinite()
    assert huge.grad.isfinite().all()


def t_of(x):
    return torch.rand(len(x), 1, 1, 1, generator=torch.Generator().manual_seed(0))


def linear_D(w):
    return lambda x: x.flatten(1) @ w


def test_penalties_of_a_linear_D():
    """D(x) = w·x has ∇D = w everywhere: R1 = R2 = ‖w‖²/2, GP = (‖w‖ − 1)²."""
    w = torch.tensor([3.0, 0.0, -4.0, 0.0], requires_grad=True, **f64)
    x, y = torch.rand(5, 1, 2, 2, **f64), torch.rand(5, 1, 2, 2, **f64)
    assert r1(linear_D(w), x).item() == pytest.approx(12.5)
    assert r2(linear_D(w), y).item() == pytest.approx(12.5)
    penalty = gp(linear_D(w), x, y, t_of(x))
    assert penalty.item() == pytest.approx(16)
    (grad,) = torch.autograd.grad(penalty, w)  # 2 (‖w‖ − 1) w / ‖w‖
    assert torch.allclose(grad, 2 * 4 * w / 5)
    (grad,) = torch.autograd.grad(r1(linear_D(w), x), w)
    assert torch.allclose(grad, w)


def test_r1_of_a_curved_D():
    """D(x) = Σx³ has ∇D = 3x²: R1 = ½ E Σ 9 x⁴."""
    x = torch.rand(6, 1, 2, 2, **f64)
    expected = (9 * x**4).sum((1, 2, 3)).mean() / 2
    assert torch.allclose(r1(lambda v: (v**3).sum((1, 2, 3)), x), expected)


def test_gradient_penalty_looks_where_it_is_told():
    """D(x) = Σx³ has ‖∇D‖ = ‖3 x̂²‖ at x̂ = t x + (1 − t) y."""
    x, y = torch.rand(6, 1, 2, 2, **f64), torch.rand(6, 1, 2, 2, **f64)
    t = torch.tensor([0, 1, 0.5, 0.25, 0.75, 1], **f64)[:, None, None, None]
    between = torch.stack([y[0], x[1], (x[2] + y[2]) / 2, x[3] / 4 + 3 * y[3] / 4,
                           3 * x[4] / 4 + y[4] / 4, x[5]])  # fmt: skip
    norm = (9 * between**4).sum((1, 2, 3)).sqrt()
    found = gp(lambda v: (v**3).sum((1, 2, 3)), x, y, t)
    assert torch.allclose(found, (norm - 1).square().mean())


def test_gradient_penalty_of_a_flat_D_is_finite():
    w = torch.zeros(4, requires_grad=True, **f64)
    x = torch.rand(3, 1, 2, 2, **f64)
    gp(linear_D(w), x, x, t_of(x)).backward()
    assert w.grad.isfinite().all()


def test_penalties_in_units_of_each_coordinate():
    """With x measured in s, D(x) = w·x has the gradient s w."""
    w, s = torch.tensor([3.0, -2.0], **f64), torch.tensor([2.0, 0.5], **f64)[:, None, None]
    x = torch.rand(5, 2, 1, 1, **f64)
    assert r1(linear_D(w), x, s).item() == pytest.approx((36 + 1) / 2)
    assert r2(linear_D(w), x, s).item() == pytest.approx((36 + 1) / 2)
    penalty = gp(linear_D(w), x, x, t_of(x), s)
    assert penalty.item() == pytest.approx((37**0.5 - 1) ** 2)
