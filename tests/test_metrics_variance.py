"""What each code makes of generated images: Sobol's indices."""

import math

import pytest
import torch

from infogan import InfoGAN
from infogan.metrics.variance import in_words, variance

N = 4000


def made_by(codes, G, shape=(1, 1, 2)):
    """A model whose images are G of z and the codes."""
    model = InfoGAN(codes, (1, 8, 8)).eval()
    model.decode = lambda z, c: G(z, c).reshape(len(z), *shape)
    return model


def test_a_sum_of_what_codes_do():
    """x = (2 u, z₀ + e_k): Var = 4/3, 1/3 and Var of (0, 3, 0) over three categories, 2."""
    steps = torch.tensor([0.0, 3.0, 0.0])
    model = made_by(
        "z1 + kind:cat3 + u",
        lambda z, c: torch.stack([2 * c["u"][:, 0], z[:, 0] + steps[c["kind"]]], 1),
    )
    out = variance(model, N, 0)
    of, all_of = {"u": 4 / 3, "z": 1 / 3, "kind": 2.0}, 4 / 3 + 1 / 3 + 2
    for name, part in of.items():
        assert out[f"variance.{name}.alone"] == pytest.approx(part / all_of, abs=0.03)
        assert out[f"variance.{name}.in_all"] == pytest.approx(part / all_of, abs=0.03)
    assert out["variance.together"] == pytest.approx(0, abs=0.05)


def test_a_product_is_made_by_both_together():
    """x = u1 u2: E[x|u1] = 0, so nobody makes anything alone."""
    model = made_by("2u", lambda z, c: (c["u1"] * c["u2"]).expand(-1, 2))
    out = variance(model, N, 0)
    assert {"z.alone", "z.in_all"}.isdisjoint(key.removeprefix("variance.") for key in out)
    for name in ("u1", "u2"):
        assert out[f"variance.{name}.alone"] == pytest.approx(0, abs=0.05)
        assert out[f"variance.{name}.in_all"] == pytest.approx(1, abs=0.05)
    assert out["variance.together"] == pytest.approx(1, abs=0.08)


def test_ishigami():
    """The function of Ishigami & Homma (1990), whose indices are known: 0.3139, 0.4424, 0 and in
    all 0.5576, 0.4424, 0.2437."""

    def ishigami(z, c):
        a, b, d = (math.pi * c[name] for name in ("u1", "u2", "u3"))
        return (a.sin() + 7 * b.sin() ** 2 + 0.1 * d**4 * a.sin()).expand(-1, 2)

    out = variance(made_by("3u", ishigami), 20_000, 0)
    for name, alone, in_all in (("u1", 0.3139, 0.5576), ("u2", 0.4424, 0.4424), ("u3", 0, 0.2437)):
        assert out[f"variance.{name}.alone"] == pytest.approx(alone, abs=0.02)
        assert out[f"variance.{name}.in_all"] == pytest.approx(in_all, abs=0.02)
    assert out["variance.together"] == pytest.approx(0.2437, abs=0.04)


def test_images_that_are_all_the_same_have_no_shares():
    model = made_by("z2 + u", lambda z, c: torch.ones(len(z), 2))
    assert variance(model, 50, 0) == {}
    assert in_words({}) == []


def test_a_real_model_and_its_words():
    model = InfoGAN("z3 + kind:cat3 + 2u + bern2", (1, 8, 8)).eval()
    out = variance(model, 60, 1)
    assert out == variance(model, 60, 1)
    assert len(out) == 2 * 5 + 1
    assert all(0 <= value <= 2 for key, value in out.items() if key.endswith("in_all"))
    told = in_words(out)[0]
    assert told.startswith("of what generated images differ in, ")
    largest = max(("z", "kind", "u1", "u2", "bern"), key=lambda n: out[f"variance.{n}.alone"])
    assert told.split(", ")[1].startswith(largest)


def test_vectors_count_in_their_own_units():
    """Two coordinates, one a thousand times as wide: each code makes half."""
    from infogan.config import NetConfig

    model = InfoGAN("2u", (2, 1, 1), NetConfig(kind="mlp", output="linear")).eval()
    scale = torch.tensor([1000.0, 1.0])
    model.decode = lambda z, c: (torch.cat([c["u1"], c["u2"]], 1) * scale)[:, :, None, None]
    model.measure(model.decode(*model.prior.sample(5000, torch.Generator().manual_seed(0))))
    out = variance(model, N, 0)
    assert out["variance.u1.alone"] == pytest.approx(0.5, abs=0.03)
    assert out["variance.u2.alone"] == pytest.approx(0.5, abs=0.03)
