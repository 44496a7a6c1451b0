"""L_I to the nat, its gradients, who is moved by what, and the information on real pairs."""

import math

import pytest
import torch
from torch.distributions import Categorical

from infogan.config import Config, LossConfig, NetConfig, from_yaml
from infogan.model import InfoGAN
from infogan.objective import L_I, objective_D, objective_G, objective_Q
from infogan.prior import Prior
from infogan.weights import weights_at

f64 = {"dtype": torch.float64}


def small_model(codes="z3 + digit:cat4 + 2u@0.5"):
    return InfoGAN(codes, (1, 8, 8), NetConfig(widths=(4, 8), fc=8, q_hidden=8), seed=1).train()


def a_batch(model, n=12):
    g = torch.Generator().manual_seed(3)
    z, c = model.prior.sample(n, g)
    return torch.rand(n, *model.shape, generator=g), model.prior.embed(z, c), c


# -- the bound ------------------------------------------------------------------------------------


def test_perfect_and_ignorant_Q():
    prior = Prior.parse("cat10")
    c = {"cat": torch.arange(10)}
    sure = {"cat": Categorical(logits=60 * torch.eye(10, **f64))}
    assert L_I(prior, sure, c)["cat"].item() == pytest.approx(math.log(10))
    blind = {"cat": Categorical(logits=torch.zeros(10, 10, **f64))}
    assert L_I(prior, blind, c)["cat"].item() == pytest.approx(0, abs=1e-12)


def test_bound_is_below_the_truth_and_tight_at_the_posterior():
    """A noisy channel c → x with known p(x|c): I(c; x) by summing, L_I by exact expectation."""
    K, X = 4, 6
    g = torch.Generator().manual_seed(0)
    channel = torch.rand(K, X, generator=g, **f64).pow(3)
    channel /= channel.sum(1, keepdim=True)  # p(x|c)
    joint = channel / K
    truth = (joint * (joint / (joint.sum(0) * joint.sum(1, keepdim=True))).log()).sum().item()
    prior = Prior.parse(f"cat{K}")

    def exact_bound(q):  # q: (X, K), rows Q(c|x); the expectation as a sum over pairs (c, x)
        total = 0.0
        for c in range(K):
            for x in range(X):
                one = L_I(
                    prior, {"cat": Categorical(probs=q[x : x + 1])}, {"cat": torch.tensor([c])}
                )
                total += joint[c, x].item() * one["cat"].item()
        return total

    assert exact_bound((joint / joint.sum(0)).T) == pytest.approx(truth, abs=1e-12)
    for _ in range(5):
        q = torch.rand(X, K, generator=g, **f64)
        assert exact_bound(q / q.sum(1, keepdim=True)) < truth


def test_log_probs_of_dimensions_are_summed():
    """u3 carries as much as three codes u: an average would make λ a third of what it says."""
    n = 50
    g = torch.Generator().manual_seed(0)
    params = torch.randn(n, 6, generator=g, **f64)
    c = 2 * torch.rand(n, 3, generator=g, **f64) - 1
    one = Prior.parse("u3")
    three = Prior.parse("3u")
    whole = L_I(one, one.q(params), {"u": c})["u"]
    pairs = params[:, [0, 3, 1, 4, 2, 5]]  # mean and spread of each dimension side by side
    parts = L_I(three, three.q(pairs), {f"u{i + 1}": c[:, i : i + 1] for i in range(3)})
    assert whole.item() == pytest.approx(sum(parts.values()).item())
    bern = Prior.parse("bern5")
    sure = torch.full((n, 5), 60.0, **f64)
    value = L_I(bern, bern.q(sure), {"bern": torch.ones(n, 5, **f64)})["bern"]
    assert value.item() == pytest.approx(5 * math.log(2))


def test_continuous_bound_by_hand():
    """L_I of U(-1, 1): E[−½((c − μ)/σ)² − ln σ − ½ ln 2π] + ln 2: its own prior, not N(0, 1)."""
    prior = Prior.parse("u")
    raw = torch.tensor([[0.2, 0.5], [-0.4, -1.0]], **f64)
    c = torch.tensor([[0.1], [0.9]], **f64)
    sigma = torch.log1p(raw[:, 1].exp()) + 0.1
    by_hand = (
        -0.5 * ((c[:, 0] - raw[:, 0]) / sigma) ** 2 - sigma.log() - 0.5 * math.log(2 * math.pi)
    )
    expected = by_hand.mean().item() + math.log(2)
    assert L_I(prior, prior.q(raw), {"u": c})["u"].item() == pytest.approx(expected)


def test_floor_and_fixed_sigma_cap_the_continuous_bound():
    """σ = s with error of rms s: ln 2 − ½ ln(2πe) − ln s. A fixed σ = 1 never gets above −0.226."""
    for s, ceiling in ((0.1, 1.577), (0.05, 2.270)):
        prior = Prior.parse(f"u(sigma={s})")
        c = torch.zeros(2, 1, **f64)
        mu = torch.tensor([[s], [-s]], **f64)
        assert L_I(prior, prior.q(mu), {"u": c})["u"].item() == pytest.approx(ceiling, abs=1e-3)
    prior = Prior.parse("u(sigma=1)")
    perfect = torch.linspace(-1, 1, 101, **f64)[:, None]
    best = L_I(prior, prior.q(perfect), {"u": perfect})["u"].item()
    assert best == pytest.approx(math.log(2) - 0.5 * math.log(2 * math.pi))
    assert best < -0.225


@pytest.mark.parametrize("text", ["cat5", "u2", "g", "bern3", "u(sigma=0.4)"])
def test_gradient_of_the_bound(text):
    """A right value with no gradient is a real bug of this field."""
    prior = Prior.parse(text)
    g = torch.Generator().manual_seed(0)
    params = torch.randn(4, prior.n_params, generator=g, **f64).requires_grad_(True)
    _, c = prior.sample(4, g)
    c = {name: value.double() if value.is_floating_point() else value for name, value in c.items()}

    def bound(p):
        return next(iter(L_I(prior, prior.q(p), c).values()))

    assert torch.autograd.gradcheck(bound, (params,))
    (grad,) = torch.autograd.grad(bound(params), params)
    assert grad.abs().sum() > 0.01


def test_gradient_of_a_categorical_bound_is_one_hot_minus_softmax():
    """Of unsquashed logits: a softmax or sigmoid before the cross-entropy would change it."""
    prior = Prior.parse("cat3")
    logits = torch.randn(5, 3, **f64, requires_grad=True)
    c = torch.tensor([0, 1, 2, 1, 0])
    (grad,) = torch.autograd.grad(L_I(prior, prior.q(logits), {"cat": c})["cat"], logits)
    one_hot = torch.nn.functional.one_hot(c, 3).double()
    assert torch.allclose(grad, (one_hot - logits.softmax(1)) / 5)


# -- who is moved by what -------------------------------------------------------------------------


def norm_of_grad(value, module):
    grads = torch.autograd.grad(
        value, list(module.parameters()), retain_graph=True, allow_unused=True
    )
    return sum(g.abs().sum().item() for g in grads if g is not None)


def test_in_the_D_step_the_bound_moves_trunk_and_Q_only():
    model = small_model()
    x, latent, c = a_batch(model)
    with torch.no_grad():
        fake = model.G(latent)
    w = weights_at(0, model.prior, LossConfig())
    loss, terms = objective_D(model, x, None, fake, c, w)
    for code in model.prior:
        bound = terms[f"L_I.{code.name}"]
        assert norm_of_grad(bound, model.trunk) > 1e-4
        assert norm_of_grad(bound, model.Q) > 1e-4
        assert norm_of_grad(bound, model.D) == 0
        assert norm_of_grad(bound, model.G) == 0
    assert norm_of_grad(terms["loss_D"], model.Q) == 0
    assert norm_of_grad(terms["loss_D"], model.D) > 1e-4
    total = terms["loss_D"] - terms["L_I.digit"] - 0.5 * terms["L_I.u1"] - 0.5 * terms["L_I.u2"]
    assert loss.item() == pytest.approx(total.item(), abs=1e-6)


def test_in_the_G_step_the_bound_moves_G():
    model = small_model()
    _, latent, c = a_batch(model)
    w = weights_at(0, model.prior, LossConfig())
    loss, terms = objective_G(model, model.G(latent), c, w)
    assert norm_of_grad(loss - terms["loss_G"], model.G) > 1e-4
    assert norm_of_grad(terms["loss_G"], model.G) > 1e-4


def test_a_plain_gan_has_a_passive_Q():
    model = small_model()
    x, latent, c = a_batch(model)
    fake = model.G(latent)
    w = weights_at(0, model.prior, LossConfig(pairs=8, lam_ramp=100), plain=True)
    _, terms = objective_D(model, x, x, fake.detach(), c, w)
    assert norm_of_grad(terms["L_I.digit"], model.trunk) == 0
    assert norm_of_grad(terms["L_I.digit"], model.Q) > 1e-4  # although the ramp is at 0
    assert not [name for name in terms if name.startswith("I_pairs")]
    loss_G, terms_G = objective_G(model, fake, c, w)
    assert torch.equal(loss_G, terms_G["loss_G"])


def test_votes_are_the_cross_entropy_of_the_copy_and_move_trunk_and_Q():
    model = small_model().double()
    x, latent, c = a_batch(model)
    x, fake = x.double(), model.G(latent.double()).detach()
    loss = LossConfig(pairs=8, votes=3, votes_from=0)
    k = torch.arange(12) % 4
    w = weights_at(0, model.prior, loss)
    with_votes, terms = objective_D(model, x, x.flip(3), fake, c, w, voted={"digit": k})
    assert not [name for name in terms if name.startswith("I_pairs")]
    logits = model.prior.q(model.Q(model.trunk(x.flip(3))))["digit"].logits
    by_hand = -torch.nn.functional.cross_entropy(logits, k)
    torch.testing.assert_close(terms["votes.digit"], by_hand)
    none = weights_at(0, model.prior, LossConfig())
    without, _ = objective_D(model, x, None, fake, c, none)
    torch.testing.assert_close(with_votes - without, -3 * by_hand)
    assert norm_of_grad(terms["votes.digit"], model.trunk) > 1e-4
    assert norm_of_grad(terms["votes.digit"], model.Q) > 1e-4
    assert norm_of_grad(terms["votes.digit"], model.D) == 0


def test_components_are_the_likelihood_of_what_was_read_and_move_Q_alone():
    model = small_model("z3 + digit:cat4 + u2 + g").double()
    x, latent, c = a_batch(model)
    x, fake = x.double(), model.G(latent.double()).detach()
    c = {name: value if name == "digit" else value.double() for name, value in c.items()}
    generator = torch.Generator().manual_seed(0)
    read = {
        "u": torch.rand(12, 2, dtype=torch.float64, generator=generator),
        "g": torch.randn(12, 1, dtype=torch.float64, generator=generator),
    }
    w = weights_at(0, model.prior, LossConfig(components=3, alike=5))
    x_near = x[:6].flip(3)
    told, terms = objective_D(model, x, None, fake, c, w, x_near=x_near, read=read)
    assert not [name for name in terms if name.startswith("I_alike")]
    q = model.prior.q(model.Q(model.trunk(x)))
    by_hand = {}
    for name, u in read.items():
        mean, sd = q[name].mean, q[name].stddev
        squares = ((u - mean) / sd).square() + 2 * sd.log() + math.log(2 * math.pi)
        by_hand[name] = -squares.sum(1).mean() / 2
        torch.testing.assert_close(terms[f"components.{name}"], by_hand[name])
    plain, _ = objective_D(model, x, None, fake, c, weights_at(0, model.prior, LossConfig()))
    torch.testing.assert_close(told - plain, -3 * sum(by_hand.values()))
    for name in read:
        assert norm_of_grad(terms[f"components.{name}"], model.trunk) == 0
        assert norm_of_grad(terms[f"components.{name}"], model.Q) > 1e-4


def test_what_nobody_votes_on_moves_nothing():
    model = small_model()
    x, latent, c = a_batch(model)
    loss = LossConfig(pairs=8, votes=3)
    w, fake = weights_at(0, model.prior, loss), model.G(latent).detach()
    k = torch.arange(12) % 4
    some = torch.where(torch.arange(12) < 5, k, -1)
    _, terms = objective_Q(model, x, fake, c, w, {"digit": some})
    q = model.prior.q(model.Q(model.trunk(torch.cat([x, fake]))[:12]))
    log_p = q["digit"].log_prob(k)
    torch.testing.assert_close(terms["votes.digit"], log_p[:5].sum() / 12)
    _, terms = objective_Q(model, x, fake, c, w, {"digit": torch.full((12,), -1)})
    assert terms["votes.digit"] == 0


def test_alone_trunk_and_Q_minimize_votes_and_the_bound():
    model = small_model("z3 + digit:cat4@2 + u@0.5").double()
    x, latent, c = a_batch(model)
    fake, k = model.G(latent.double()).detach(), torch.arange(12) % 4
    w = weights_at(0, model.prior, LossConfig(votes=3, lam_d_categorical=0.1))
    c = {name: value.double() if name == "u" else value for name, value in c.items()}
    loss, terms = objective_Q(model, x.double(), fake, c, w, {"digit": k})
    h = model.trunk(torch.cat([x.double(), fake]))
    bound = L_I(model.prior, model.prior.q(model.Q(h[12:])), c)
    by_hand = -2 * bound["digit"] - 0.5 * bound["u"] - 3 * terms["votes.digit"]
    torch.testing.assert_close(loss, by_hand)
    assert set(terms) == {"L_I.digit", "L_I.u", "votes.digit"}
    assert norm_of_grad(loss, model.trunk) > 1e-4
    assert norm_of_grad(loss, model.Q) > 1e-4
    assert norm_of_grad(loss, model.D) == 0


def test_the_D_step_may_hear_less_of_continuous_codes():
    model = small_model("z3 + digit:cat4@2 + u@0.5")
    x, latent, c = a_batch(model)
    w = weights_at(0, model.prior, LossConfig(lam_d_continuous=0.2))
    assert w.lam == {"digit": 2, "u": 0.5}
    assert w.lam_D == {"digit": 2, "u": pytest.approx(0.1)}
    fake = model.G(latent)
    for loss, terms, V, lam in (
        (*objective_D(model, x, None, fake.detach(), c, w), "loss_D", w.lam_D),
        (*objective_G(model, fake, c, w), "loss_G", w.lam),
    ):
        bound = L_I(model.prior, model.prior.q(model.Q(model.trunk(fake))), c)
        total = terms[V] - sum(lam[name] * bound[name] for name in bound)
        assert loss.item() == pytest.approx(total.item(), abs=1e-5)


@pytest.mark.parametrize("penalty", ["r1", "r2", "gp"])
def test_penalties_enter_the_loss_with_their_weight(penalty):
    model = small_model()
    x, latent, c = a_batch(model)
    fake, t = model.G(latent).detach(), torch.rand(len(x), 1, 1, 1)
    parts = []
    for weight in (0.0, 3.0):
        loss = from_yaml(f"loss: {{{penalty}: {weight}}}", "test", Config()).loss
        w = weights_at(0, model.prior, loss)
        parts.append(objective_D(model, x, None, fake, c, w, t))
    (without, _), (with_, terms) = parts
    assert with_.item() == pytest.approx(without.item() + 3 * terms[penalty].item(), rel=1e-5)
    assert norm_of_grad(terms[penalty], model.trunk) > 0
