"""One code for each place of the image, as a term of G's objective."""

from dataclasses import replace

import pytest
import torch

from infogan import alone as module
from infogan.alone import alone, counted, exchanged, nothing_yet, places
from infogan.data import to_float
from infogan.prior import Prior
from infogan.state import State
from infogan.update import train_step

CPU = torch.device("cpu")
PRIOR = Prior.parse("z2 + a:cat3 + b:cat2 + u2")


def drawn(n, seed=0):
    z, c = PRIOR.sample(n, torch.Generator().manual_seed(seed))
    return PRIOR.embed(z, c).double()


def owned(G, n=4_000, updates=60):
    """What one code makes of each place of vectors G(latent), when it is known whose they are."""
    made = torch.zeros(3, G(drawn(2)).shape[1], dtype=torch.float64)
    rng, found = torch.Generator().manual_seed(1), []
    for seed in range(updates):
        latent = drawn(n, seed)
        which = torch.randint(2, (n // 2,), generator=rng)
        x, mixed = (G(v)[..., None, None] for v in (latent, exchanged(PRIOR, latent, which)))
        found.append(alone(x, mixed, which, made).item())
    return sum(found[-20:]) / 20, made


def test_columns_are_where_embed_puts_each_code():
    z, c = PRIOR.sample(5, torch.Generator().manual_seed(0))
    latent = PRIOR.embed(z, c)
    for code in PRIOR:
        torch.testing.assert_close(latent[:, PRIOR.columns()[code.name]], code.embed(c[code.name]))


def test_one_code_of_each_pair_is_exchanged():
    latent, which = drawn(8), torch.tensor([0, 1, 0, 1])
    mixed = exchanged(PRIOR, latent, which)
    assert [code.name for code in counted(PRIOR)] == ["a", "b"]
    for i, code in enumerate(["a", "b", "a", "b"]):
        for row, own, other in ((i, i, i + 4), (i + 4, i + 4, i)):
            for name, columns in PRIOR.columns().items():
                wanted = latent[other if name == code else own, columns]
                assert torch.equal(mixed[row, columns], wanted)
            assert torch.equal(mixed[row, :2], latent[own, :2])
    torch.testing.assert_close(exchanged(PRIOR, mixed, which), latent)  # and back again
    assert counted(Prior.parse("z3 + 2u")) == Prior.parse("z3 + 2u").codes


A, B = PRIOR.columns()["a"], PRIOR.columns()["b"]
STEPS = torch.tensor([0.0, 3.0, 0.0], dtype=torch.float64)  # variance 2
BIT = torch.tensor([1.0, -1.0], dtype=torch.float64)  # 1


def test_it_is_what_one_code_makes_of_each_place():
    """Places: a's steps (2), b's bit (1), z's (1/12): 3 of 3 + 1/12 have their code."""
    share, made = owned(lambda v: torch.stack([v[:, A] @ STEPS, v[:, B] @ BIT, 0.5 * v[:, 0]], 1))
    assert share == pytest.approx(3 / (3 + 1 / 12), abs=0.03)  # LITTLE takes a hundredth
    V = made[-1] / (1 - 0.95**60)
    torch.testing.assert_close(V, torch.tensor([2, 1, 1 / 12]).double(), rtol=0.05, atol=0)
    wanted = torch.tensor([[2, 0, 0], [0, 1, 0]]).double()
    torch.testing.assert_close(made[:2] / (1 - 0.95**60), wanted, atol=0.05, rtol=0)


def test_two_factors_turned_are_told_from_two_factors():
    """Both places half a's and half b's, and each code makes as much of all: the sum of what codes
    make is 1 as before, and of each place one code makes but half."""
    bit = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64) * 1.5**0.5  # variance 1, as b's

    def turned(v):
        a, b = v[:, A] @ bit, v[:, B] @ BIT
        return torch.stack([a + b, a - b], 1)

    share, made = owned(turned)
    assert (made[:2].sum() / made[-1].sum()).item() == pytest.approx(1, abs=0.05)
    assert share == pytest.approx(0.5, abs=0.03)
    straight, _ = owned(lambda v: torch.stack([v[:, A] @ bit, v[:, B] @ BIT], 1))
    assert straight == pytest.approx(1, abs=0.03)


def test_a_code_that_has_little_wins_where_it_has_any():
    """Three places of a's, and one of which a makes 0.6 and b 0.4."""
    bit = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64) * 1.5**0.5

    def G(v):
        a, b = v[:, A] @ bit, v[:, B] @ BIT
        return torch.stack([a, a, a, 0.6**0.5 * a + 0.4**0.5 * b], 1)

    share, _ = owned(G)
    S = torch.tensor([[1, 1, 1, 0.6], [0, 0, 0, 0.4]])
    W = S.square() / (S.mean(1, keepdim=True) + 0.02)
    W = W / (W.sum(0) + 0.01)
    assert W[1, 3] > 2 * W[0, 3]
    assert share == pytest.approx((W * S).sum().item() / 4, abs=0.03)


def test_what_several_make_together_is_nobody_s():
    share, _ = owned(lambda v: (v[:, A] @ (STEPS - 1) * (v[:, B] @ BIT))[:, None])
    assert share == pytest.approx(0, abs=0.03)
    share, _ = owned(lambda v: v[:, :1])  # z's
    assert share == pytest.approx(0, abs=0.03)


def test_places():
    x = torch.arange(2 * 3 * 16 * 24.0).reshape(2, 3, 16, 24)
    means = x.mean(1).reshape(2, 8, 2, 8, 3).mean((2, 4)).flatten(1)
    torch.testing.assert_close(places(x), means)
    assert places(torch.rand(2, 1, 5, 30)).shape == (2, 5 * 8)
    vectors = torch.rand(4, 7, 1, 1)
    assert torch.equal(places(vectors), vectors.flatten(1))
    assert nothing_yet(PRIOR, (3, 16, 24)).shape == (3, 64)


def test_gradients(monkeypatch):
    x = torch.rand(6, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    y = torch.rand(6, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    which = torch.tensor([0, 1, 0])
    known = torch.rand(3, 4, dtype=torch.float64)
    made = torch.cat([known[:2], known[:2].sum(0, keepdim=True) + known[2:]])

    monkeypatch.setattr(module, "RATE", 0.0)  # whose a place is moves by no gradient
    assert torch.autograd.gradcheck(lambda x, y: alone(x, y, which, made.clone()), (x, y))
    monkeypatch.undo()
    with torch.no_grad():  # of contrast and brightness it does not know
        of_one, of_other = made.clone(), 25 * made
        ours = alone(x, y, which, of_one)
        torch.testing.assert_close(alone(5 * x - 2, 5 * y - 2, which, of_other), ours)
        torch.testing.assert_close(of_other, 25 * of_one)


def at(tiny, **loss):
    config = replace(tiny, codes="z4 + a:cat3 + b:cat3", loss=replace(tiny.loss, **loss))
    return replace(config, loss=replace(config.loss, pairs=0))


def steps(config, digits, n=1):
    state = State.start(config, (1, 28, 28), CPU)
    x = to_float(digits[:16])
    return state, [train_step(state, x, config, torch.float32) for _ in range(n)]


def test_it_moves_G_and_nothing_else(tiny, digits):
    plain, terms = steps(at(tiny), digits)
    moved, more = steps(at(tiny, alone=2.0), digits)
    assert set(more[0]) - set(terms[0]) == {"alone"}
    for name in ("loss_D", "loss_G"):  # the same images are judged
        torch.testing.assert_close(more[0][name], terms[0][name], rtol=0.05, atol=0.05)
    G = zip(plain.model.G.parameters(), moved.model.G.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in G)
    for part in ("trunk", "D", "Q"):
        pairs = zip(
            getattr(plain.model, part).parameters(), getattr(moved.model, part).parameters()
        )
        assert all(torch.equal(a, b) for a, b in pairs), part


def test_what_codes_make_alone_grows(tiny, digits):
    config = at(tiny, alone=50.0)
    config = replace(config, train=replace(config.train, lr_g=5e-3))
    _, terms = steps(config, digits, 60)
    assert terms[-1]["alone"] > terms[0]["alone"] + 0.2
    assert terms[-1]["alone"] < 1.5  # 1, and what eight pairs leave open


@pytest.mark.parametrize("train", [{"g_steps": 2}, {"shared_fakes": True}, {"batch": 15}])
def test_with_other_steps(tiny, digits, train):
    config = at(tiny, alone=1.0, instance_noise=0.1)
    config = replace(config, train=replace(config.train, **train))
    state, terms = steps(config, digits[:15], 2)
    changed = replace(config, loss=replace(config.loss, diffaugment=1.0))
    state.generators["diffaugment"] = torch.Generator().manual_seed(0)
    x = to_float(digits[:15])
    terms.append(train_step(state, x, changed, torch.float32, strength=1.0))
    assert all(torch.isfinite(value) for each in terms for value in each.values())
    assert "alone" in terms[-1]


def test_a_plain_gan_has_none(tiny, digits):
    _, terms = steps(replace(at(tiny, alone=1.0), objective="gan"), digits)
    assert "alone" not in terms[0]
