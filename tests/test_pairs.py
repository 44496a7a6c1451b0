"""What Q learns from real images: from augmented copies, and from images that look alike."""

import math

import pytest
import torch
from test_objective import a_batch, norm_of_grad, small_model

from infogan.config import LossConfig
from infogan.objective import objective_D
from infogan.pairs import alike_information, joint, pair_information
from infogan.weights import weights_at

f64 = {"dtype": torch.float64}

# -- information ----------------------------------------------------------------------------------


def one_hot(ids, k):
    return torch.nn.functional.one_hot(torch.tensor(ids), k).double()


def test_pair_information_of_agreeing_equal_categories_is_ln_K():
    p = one_hot([0, 1, 2, 3] * 3, 4)
    assert pair_information(p, p).item() == pytest.approx(math.log(4))
    # (2m − 1) ln K is the maximum for any m >= 1
    assert pair_information(p, p, m=2.5).item() == pytest.approx(4 * math.log(4))


def test_pair_information_is_zero_where_nothing_is_known():
    flat = torch.full((6, 4), 0.25, **f64)
    assert pair_information(flat, flat).item() == pytest.approx(0, abs=1e-12)
    one = one_hot([2] * 6, 4)  # all in one category
    assert pair_information(one, one, m=3).item() == pytest.approx(0, abs=1e-12)


def test_pair_information_by_hand():
    """Two categories, joint [[.5, .1], [.1, .3]]: I_m = ΣP ln P − 2m Σ r ln r."""
    p = one_hot([0] * 6 + [1] * 4, 2)
    q = one_hot([0] * 5 + [1] + [0] + [1] * 3, 2)
    P = [0.5, 0.1, 0.1, 0.3]
    plogp = sum(v * math.log(v) for v in P)
    rlogr = 0.6 * math.log(0.6) + 0.4 * math.log(0.4)
    for m in (1, 2, 3):
        assert pair_information(p, q, m).item() == pytest.approx(plogp - 2 * m * rlogr)


def test_pair_information_laws():
    g = torch.Generator().manual_seed(0)
    for _ in range(20):
        p = torch.randn(32, 5, generator=g, **f64).mul(3).softmax(1)
        q = torch.randn(32, 5, generator=g, **f64).mul(3).softmax(1)
        plain = pair_information(p, q).item()
        assert 0 <= plain <= math.log(5)
        assert pair_information(q, p).item() == pytest.approx(plain)
        r = (p.mean(0) + q.mean(0)) / 2
        h = -(r * r.log()).sum().item()
        assert pair_information(p, q, m=2).item() == pytest.approx(plain + 2 * h)  # I_1 + 2(m−1)H


def test_pair_information_gradient_also_at_the_corners():
    g = torch.Generator().manual_seed(0)
    a = torch.randn(6, 3, generator=g, **f64, requires_grad=True)
    b = torch.randn(6, 3, generator=g, **f64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda a, b: pair_information(a.softmax(1), b.softmax(1), 2.0), (a, b)
    )
    sure = (1e4 * one_hot([0, 1], 3)).float().requires_grad_(True)
    pair_information(sure.softmax(1), sure.softmax(1), 2.0).backward()
    assert sure.grad.isfinite().all()


def test_a_running_marginal_pulls_as_H_does_where_they_meet():
    """−Σ r ln r̄ ≥ H(r), equal at r̄ = r, with the same gradient there; 0 pull at a uniform r̄."""
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(32, 5, generator=g, **f64, requires_grad=True)

    def value_and_grad(r_bar):
        p = logits.softmax(1)
        value = pair_information(p, p.flip(1), 3.0, r_bar)
        return value, torch.autograd.grad(value, logits)[0]

    p = logits.softmax(1).detach()
    own, grad_own = value_and_grad(None)
    same, grad_same = value_and_grad((p + p.flip(1)).mean(0) / 2)
    assert same.item() == pytest.approx(own.item())
    assert torch.allclose(grad_same, grad_own, atol=1e-12)
    other, _ = value_and_grad(torch.tensor([0.6, 0.1, 0.1, 0.1, 0.1], **f64))
    assert other > own
    flat, grad_flat = value_and_grad(torch.full((5,), 0.2, **f64))
    p = logits.softmax(1)
    I_1 = pair_information(p, p.flip(1))
    assert flat.item() == pytest.approx(I_1.item() + 4 * math.log(5))
    assert torch.allclose(grad_flat, torch.autograd.grad(I_1, logits)[0], atol=1e-12)


def test_the_marginal_is_pulled_to_the_prior():
    """I_m = (2m − 1)(ln K − KL(r ‖ π)) + H(r) − H(P); its gradient; greatest at r = π."""
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(32, 5, generator=g, **f64, requires_grad=True)
    pi = torch.tensor([0.1, 0.4, 0.2, 0.25, 0.05], **f64)
    p, m = logits.softmax(1).detach(), 3.0
    P = joint(p, p.flip(1))
    r = P.sum(1)
    KL = (r * (r / pi).log()).sum()
    entropies = -(r * r.log()).sum() + (P * P.log()).sum()
    by_hand = (2 * m - 1) * (math.log(5) - KL) + entropies
    assert pair_information(p, p.flip(1), m, pi=pi).item() == pytest.approx(by_hand.item())
    flat = torch.full((5,), 0.2, **f64)
    assert torch.allclose(
        pair_information(p, p.flip(1), m, pi=flat), pair_information(p, p.flip(1), m)
    )
    assert torch.autograd.gradcheck(
        lambda a: pair_information(a.softmax(1), a.softmax(1).flip(1), 2.0, pi=pi), logits
    )
    sure = one_hot([0] * 2 + [1] * 8 + [2] * 4 + [3] * 5 + [4], 5)  # agree, and are used as π says
    at_prior = pair_information(sure, sure, m, pi=pi)
    assert at_prior.item() == pytest.approx((2 * m - 1) * math.log(5))
    even = one_hot([0, 1, 2, 3, 4] * 4, 5)
    assert pair_information(even, even, m, pi=pi) < at_prior


def test_the_running_marginal_follows_the_real_images():
    model = small_model()
    x, latent, c = a_batch(model)
    fake = model.G(latent).detach()
    for memory, share in ((0.75, 0.25), (0.0, 1.0)):
        w = weights_at(0, model.prior, LossConfig(pairs=8, pairs_m=2, pairs_memory=memory))
        r_bar = {"digit": torch.full((4,), 0.25)}
        loss, _ = objective_D(model, x, x, fake, c, w, None, r_bar)
        r = model.prior.q(model.Q(model.trunk(x)))["digit"].probs.mean(0).detach()
        assert torch.allclose(r_bar["digit"], (1 - share) * 0.25 + share * r, atol=1e-6)
    own, _ = objective_D(model, x, x, fake, c, w)
    assert loss.item() == pytest.approx(own.item(), abs=1e-5)  # memory 0: the batch's own r
    assert not r_bar["digit"].requires_grad


def test_pair_information_stays_in_float32_under_autocast():
    p = torch.randn(64, 10, generator=torch.Generator().manual_seed(0)).mul(0.01).softmax(1)
    exact = pair_information(p.double(), p.double()).item()
    with torch.autocast("cpu", torch.bfloat16):
        value = pair_information(p, p)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(exact, abs=2e-6)  # bfloat16 would be off by 1e-3


def test_pairs_move_trunk_and_Q():
    model = small_model()
    x, latent, c = a_batch(model)
    fake = model.G(latent).detach()
    w = weights_at(10, model.prior, LossConfig(pairs=8))
    loss, terms = objective_D(model, x, x.flip(3), fake, c, w)
    assert norm_of_grad(terms["I_pairs.digit"], model.trunk) > 0
    assert norm_of_grad(terms["I_pairs.digit"], model.Q) > 0
    assert norm_of_grad(terms["I_pairs.digit"], model.D) == 0
    without = weights_at(10, model.prior, LossConfig())
    base, _ = objective_D(model, x, x.flip(3), fake, c, without)
    assert loss.item() == pytest.approx(base.item() - 8 * terms["I_pairs.digit"].item(), abs=1e-4)


def test_joint_is_symmetric_and_sums_to_1():
    g = torch.Generator().manual_seed(0)
    p, q = (torch.randn(9, 4, generator=g, **f64).softmax(1) for _ in range(2))
    P = joint(p, q)
    assert torch.equal(P, P.T)
    assert P.sum().item() == pytest.approx(1)


# -- images that look alike -----------------------------------------------------------------------

ONE = torch.ones(4, 1, **f64)  # no categories


def test_alike_information_by_hand():
    """Of (1, 2, 3, 4) with (1, 3, 2, 4) the correlation is 0.8; with (1, −1, −1, 1) it is 0."""
    u = torch.tensor([[1.0, 1], [2, -1], [3, -1], [4, 1]], **f64)
    near = u[[0, 2, 1, 3]]
    I, T = alike_information(u, near, ONE)
    assert I[0].item() == pytest.approx(-0.5 * math.log(1 - 0.64))
    assert I[1].item() == pytest.approx(-0.5 * math.log(1e-6))  # the same again: the cap
    assert T.tolist() == pytest.approx([0, 0], abs=1e-12)
    _, T = alike_information(torch.stack([u[:, 0], near[:, 0]], 1), u, ONE)
    assert T.tolist() == pytest.approx([0, -0.5 * math.log(1 - 0.64)])


def test_alike_information_is_that_of_gaussians():
    """E ln p(a, b) / (p(a) p(b)) by sampling, ρ = 0.8."""
    n, rho = 20_000, 0.8
    g = torch.Generator().manual_seed(0)
    a = torch.randn(n, 1, generator=g, **f64)
    b = rho * a + (1 - rho**2) ** 0.5 * torch.randn(n, 1, generator=g, **f64)
    given = torch.distributions.Normal(rho * a, (1 - rho**2) ** 0.5).log_prob(b)
    ratio = given - torch.distributions.Normal(0.0, 1.0).log_prob(b)
    I, _ = alike_information(a, b, torch.ones(n, 1, **f64))
    assert abs(I.item() - ratio.mean().item()) < 4 * ratio.std().item() / n**0.5


def readings(n=60, d=2, k=3, seed=0):
    g = torch.Generator().manual_seed(seed)
    u = torch.randn(n, d, generator=g, **f64)
    near = u[: n // 2] + 0.5 * torch.randn(n // 2, d, generator=g, **f64)
    return u, near, one_hot([i % k for i in range(n)], k)


def test_alike_information_does_not_see_categories_scale_or_sign():
    u, near, p = readings()
    I, T = alike_information(u, near, p)
    offset = torch.tensor([[5.0, -2], [0, 9], [-7, 1]], **f64)
    other, told = alike_information(u + p @ offset, near + p[:30] @ offset, p)
    assert torch.allclose(other, I)
    assert torch.allclose(told, T)
    scale = torch.tensor([-3.0, 0.1], **f64)
    other, told = alike_information(scale * u + 4, scale * near + 4, p)
    assert torch.allclose(other, I)
    assert torch.allclose(told, T)
    nothing, _ = alike_information(u, near.flip(0), p)
    assert (nothing < I / 4).all()


def test_alike_information_gradients():
    u, near, p = readings(12)
    u.requires_grad_(True)
    near.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda a, b: alike_information(a, b, p)[0], (u, near))
    _, T = alike_information(u, near, p)
    (moved,) = torch.autograd.grad(T.sum(), u)
    assert moved[:, 0].abs().max() == 0  # what comes first is not moved by what comes later
    assert moved[:, 1].abs().max() > 0
    still = torch.zeros(12, 2, requires_grad=True)  # a reading that says nothing at all
    I, T = alike_information(still, still[:6], p.float())
    (I - T).sum().backward()
    assert still.grad.isfinite().all()


def test_alike_information_stays_in_float32_under_autocast():
    u, near, p = (t.float() for t in readings())
    exact = [t.tolist() for t in alike_information(u.double(), near.double(), p.double())]
    with torch.autocast("cpu", torch.bfloat16):
        I, T = alike_information(u, near, p)
    assert I.dtype == T.dtype == torch.float32
    assert I.tolist() == pytest.approx(exact[0], abs=1e-5)  # bfloat16 would be off by 1e-2
    assert T.tolist() == pytest.approx(exact[1], abs=1e-5)


def test_linear_readings_find_the_largest_factor_and_then_the_next():
    """Ten features mix three hidden factors; look-alikes keep 0.95, 0.8 and 0.3 of them, and a
    category moves all. Two linear readings that ascend I − T become the first and the second."""
    g = torch.Generator().manual_seed(0)
    n, kept = 4000, torch.tensor([0.95, 0.8, 0.3], **f64)
    f = torch.randn(n, 3, generator=g, **f64)
    f_near = kept * f + (1 - kept**2).sqrt() * torch.randn(n, 3, generator=g, **f64)
    mix = torch.randn(3, 10, generator=g, **f64)
    kind = torch.randint(4, (n,), generator=g)
    p, shift = one_hot(kind.tolist(), 4), 3 * torch.randn(4, 10, generator=g, **f64)
    h, h_near = f @ mix + p @ shift, f_near @ mix + p @ shift
    w = torch.randn(10, 2, generator=g, **f64).requires_grad_(True)
    adam = torch.optim.Adam([w], lr=0.05)
    for _ in range(400):
        I, T = alike_information(h @ w, h_near @ w, p)
        adam.zero_grad()
        (T - I).sum().backward()
        adam.step()
    within = (h - p @ shift) @ w.detach()
    found = torch.corrcoef(torch.cat([within, f], 1).T)[:2, 2:].abs()
    assert found[0, 0] > 0.98
    assert found[1, 1] > 0.98


def test_look_alikes_move_Qs_head_alone_and_enter_with_their_weight():
    model = small_model()
    x, _, c = a_batch(model)
    fake = model.G(model.prior.embed(*model.prior.sample(len(x), g0()))).detach()
    near = x.flip(0)[:4]
    w = weights_at(10, model.prior, LossConfig(alike=3))
    loss, terms = objective_D(model, x, None, fake, c, w, x_near=near)
    names = [name for name in terms if name.startswith("I_alike.")]
    assert names == [f"I_alike.{n}" for code in model.prior.continuous for n in code.coordinates]
    for name in names:
        assert norm_of_grad(terms[name], model.Q) > 0
        assert norm_of_grad(terms[name], model.trunk) == 0
        assert norm_of_grad(terms[name], model.D) == 0
    base, _ = objective_D(model, x, None, fake, c, w)
    assert loss.item() != pytest.approx(base.item())
    plain = weights_at(10, model.prior, LossConfig(alike=3), plain=True)
    _, terms = objective_D(model, x, None, fake, c, plain, x_near=near)
    assert not any(name.startswith("I_alike.") for name in terms)


@pytest.mark.parametrize("codes", ["z3 + 2u", "z3 + pose:u3 + digit:cat4 + g"])
def test_look_alikes_with_any_continuous_codes(codes):
    model = small_model(codes)
    x, latent, c = a_batch(model)
    w = weights_at(10, model.prior, LossConfig(alike=1))
    fake = model.G(latent).detach()
    _, terms = objective_D(model, x, None, fake, c, w, x_near=x.flip(0)[:2])
    names = [n for code in model.prior.continuous for n in code.coordinates]
    assert {f"I_alike.{n}" for n in names} <= set(terms)


def g0():
    return torch.Generator().manual_seed(0)
