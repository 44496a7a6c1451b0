"""What Q learns from pairs of a real image and its augmented copy: information, and the bound."""

import math

import pytest
import torch
from test_objective import a_batch, norm_of_grad, small_model

from infogan.config import LossConfig
from infogan.objective import joint, objective_D, pair_bound, pair_information
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


def test_the_running_marginal_follows_the_real_images():
    model = small_model()
    x, latent, c = a_batch(model)
    fake = model.G(latent).detach()
    for memory, share in ((0.75, 0.25), (0.0, 1.0)):
        w = weights_at(0, model.prior, LossConfig(pairs=8, pairs_m=2, pairs_memory=memory))
        r_bar = {"digit": torch.full((4,), 0.25)}
        loss, _ = objective_D(model, x, x, fake, c, w, torch.Generator(), r_bar)
        r = model.prior.q(model.Q(model.trunk(x)))["digit"].probs.mean(0).detach()
        assert torch.allclose(r_bar["digit"], (1 - share) * 0.25 + share * r, atol=1e-6)
    own, _ = objective_D(model, x, x, fake, c, w, torch.Generator())
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
    fake, rng = model.G(latent).detach(), torch.Generator()
    w = weights_at(10, model.prior, LossConfig(pairs=8))
    loss, terms = objective_D(model, x, x.flip(3), fake, c, w, rng)
    assert norm_of_grad(terms["I_pairs.digit"], model.trunk) > 0
    assert norm_of_grad(terms["I_pairs.digit"], model.Q) > 0
    assert norm_of_grad(terms["I_pairs.digit"], model.D) == 0
    without = weights_at(10, model.prior, LossConfig())
    base, _ = objective_D(model, x, x.flip(3), fake, c, without, rng)
    assert loss.item() == pytest.approx(base.item() - 8 * terms["I_pairs.digit"].item(), abs=1e-4)


# -- the bound ------------------------------------------------------------------------------------


def log_softmax_of(n, k, seed):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, k, generator=g, **f64).mul(3).log_softmax(1)


def test_pair_bound_is_0_for_sure_pairs_and_by_hand():
    sure = (60 * one_hot([0, 1, 2], 3)).log_softmax(1)
    assert pair_bound(sure, sure).item() == pytest.approx(0, abs=1e-12)
    p, q = (torch.tensor([row], **f64) for row in ([0.9, 0.1], [0.6, 0.4]))
    there = 0.9 * math.log(0.6) + 0.1 * math.log(0.4)
    back = 0.6 * math.log(0.9) + 0.4 * math.log(0.1)
    assert pair_bound(p.log(), q.log()).item() == pytest.approx((there + back) / 2)


def test_pair_bound_with_H_is_below_the_information_between_image_and_copy():
    """Images of which each has one copy: I(k; x') = H(k) − E H(Q(k|x)) is what k tells of x'."""
    for seed in range(5):
        log_p, log_q = log_softmax_of(40, 6, seed), log_softmax_of(40, 6, seed + 100)
        for one, other in ((log_p, log_q), (log_p, log_p)):
            p = one.exp()
            r = p.mean(0)
            truth = -(r * r.log()).sum() + (p * one).sum(1).mean()
            there = (p * other).sum(1).mean()  # one way of the two that are averaged
            assert (-(r * r.log()).sum() + there).item() <= truth.item() + 1e-12
        assert pair_bound(log_p, log_p).item() == pytest.approx((log_p.exp() * log_p).sum(1).mean())


def test_pair_bound_gradient_is_the_difference_at_the_logits():
    """∂/∂logits' of E Σ p ln p' is (p − p') / n, and half of it: the other half goes back."""
    n = 7
    a = log_softmax_of(n, 4, 0).requires_grad_(True)
    b = log_softmax_of(n, 4, 1).requires_grad_(True)
    grad_a, grad_b = torch.autograd.grad(pair_bound(a.log_softmax(1), b.log_softmax(1)), (a, b))
    p, q = a.softmax(1), b.softmax(1)
    assert torch.allclose(grad_b, (p - q) / (2 * n), atol=1e-12)
    assert torch.allclose(grad_a, (q - p) / (2 * n), atol=1e-12)


def test_pair_bound_moves_a_pair_that_is_sure_and_apart_where_information_does_not():
    logits = 20 * one_hot([0, 1, 2, 3], 4)
    apart = logits.clone()
    apart[3] = 20 * one_hot([1], 4)[0]  # the copy of the last image is sure of another category
    apart.requires_grad_(True)
    I_1 = pair_information(logits.softmax(1), apart.softmax(1))
    assert torch.autograd.grad(I_1, apart)[0].abs().max() < 1e-6
    bound = pair_bound(logits.log_softmax(1), apart.log_softmax(1))
    assert torch.autograd.grad(bound, apart)[0].abs().max() > 0.1


def test_pair_bound_enters_with_its_weight_from_its_update_on():
    model = small_model()
    x, latent, c = a_batch(model)
    fake, rng = model.G(latent).detach(), torch.Generator()
    loss = LossConfig(pairs=8, pairs_bound=3, pairs_bound_from=10)
    before, terms = objective_D(model, x, x.flip(3), fake, c, weights_at(9, model.prior, loss), rng)
    assert "pair_bound.digit" not in terms
    after, terms = objective_D(model, x, x.flip(3), fake, c, weights_at(10, model.prior, loss), rng)
    bound = terms["pair_bound.digit"]
    assert after.item() == pytest.approx(before.item() - 3 * bound.item(), abs=1e-4)
    assert norm_of_grad(bound, model.trunk) > 0
    assert norm_of_grad(bound, model.D) == 0


def test_joint_is_symmetric_and_sums_to_1():
    P = joint(log_softmax_of(9, 4, 0).exp(), log_softmax_of(9, 4, 1).exp())
    assert torch.equal(P, P.T)
    assert P.sum().item() == pytest.approx(1)
