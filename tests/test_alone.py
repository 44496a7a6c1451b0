"""What codes make of the images each alone, as a term of G's objective."""

from dataclasses import replace

import pytest
import torch

from infogan.alone import alone, counted, exchanged
from infogan.data import to_float
from infogan.prior import Prior
from infogan.state import State
from infogan.update import train_step

CPU = torch.device("cpu")
PRIOR = Prior.parse("z2 + a:cat3 + b:cat2 + u2")


def drawn(n, seed=0):
    z, c = PRIOR.sample(n, torch.Generator().manual_seed(seed))
    return PRIOR.embed(z, c).double()


def share(G, n=40_000):
    """Σ S_i of images G(latent), by the term itself."""
    latent = drawn(n)
    which = torch.randint(2, (n // 2,), generator=torch.Generator().manual_seed(1))
    return alone(G(latent), G(exchanged(PRIOR, latent, which)), 2).item()


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


def test_it_is_the_share_of_the_variance():
    """x = (a's steps 0 3 0, b, 0.5 z): variances 2, 1/4, 1/12; then all of it multiplied."""
    a, b = PRIOR.columns()["a"], PRIOR.columns()["b"]
    steps = torch.tensor([0.0, 3.0, 0.0], dtype=torch.float64)

    def total(v):
        return torch.stack([v[:, a] @ steps, v[:, b][:, 1], 0.5 * v[:, 0]], 1)

    assert share(total) == pytest.approx((2 + 1 / 4) / (2 + 1 / 4 + 1 / 12), abs=0.02)
    # a sign drawn by b turns a centred step round: nobody makes it alone
    sign = torch.tensor([1.0, -1.0], dtype=torch.float64)
    assert share(lambda v: (v[:, a] @ (steps - 1) * (v[:, b] @ sign))[:, None]) == pytest.approx(
        0, abs=0.03
    )
    assert share(lambda v: v[:, :1]) == pytest.approx(0, abs=0.03)  # z's alone


def test_gradients():
    x = torch.rand(6, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    y = torch.rand(6, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, y: alone(x, y, 3), (x, y))
    with torch.no_grad():  # of contrast and brightness it does not know
        torch.testing.assert_close(alone(5 * x - 2, 5 * y - 2, 3), alone(x, y, 3))


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
