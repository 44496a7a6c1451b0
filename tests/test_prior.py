import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infogan.codes import Bernoulli, Categorical, Gaussian, Uniform
from infogan.errors import InfoganError
from infogan.prior import Prior

positive = st.floats(1e-3, 1e3)
lam = st.floats(0, 1e8)
spread = st.one_of(st.tuples(positive, st.none()), st.tuples(st.just(0.1), positive))


@st.composite
def codes(draw, name):
    kind = draw(st.sampled_from([Categorical, Uniform, Gaussian, Bernoulli]))
    weight, d = draw(lam), draw(st.integers(1, 40))
    if kind is Categorical:
        parts = draw(st.lists(st.floats(0.01, 1), min_size=d + 1, max_size=d + 1))
        p = tuple(part / sum(parts) for part in parts) if draw(st.booleans()) else ()
        return Categorical(name, weight, d + 1, p, draw(st.booleans()))
    if kind is Bernoulli:
        return Bernoulli(name, weight, d)
    if kind is Gaussian:
        return Gaussian(name, weight, d, *draw(spread))
    low = draw(st.floats(-1e6, 1e6))
    return Uniform(name, weight, d, *draw(spread), low, low + draw(st.floats(1, 10)))


@st.composite
def priors(draw):
    n = draw(st.integers(1, 4))
    return Prior(draw(st.integers(0, 300)), tuple(draw(codes(f"c{i}")) for i in range(n)))


@given(priors())
def test_text_form_reads_back(prior):
    assert Prior.parse(str(prior)) == prior


def test_paper_mnist():
    prior = Prior.parse("z62 + digit:cat10 + 2u")
    assert prior.noise == 62
    assert [code.name for code in prior] == ["digit", "u1", "u2"]
    assert prior.width == 74  # Appendix C.1
    assert prior.entropy() == pytest.approx(
        {"digit": math.log(10), "u1": math.log(2), "u2": math.log(2)}
    )


def test_names():
    def names(text):
        return [code.name for code in Prior.parse(text)]

    assert names("cat3") == ["cat"]
    assert names("cat3 + cat4") == ["cat1", "cat2"]
    assert names("shape:2cat3 + u") == ["shape1", "shape2", "u"]
    assert names("4cat20 + z3 + u2") == ["cat1", "cat2", "cat3", "cat4", "u"]


def test_lambda_and_arguments():
    prior = Prior.parse("cat10 + u2(-2, 2, floor=0.05)@0.1 + g(sigma=0.3)")
    assert [code.lam for code in prior] == [1, 0.1, 1]
    assert prior["u"] == Uniform("u", 0.1, 2, 0.05, None, -2, 2)
    assert prior["g"] == Gaussian("g", 1, 1, 0.1, 0.3)


def test_a_given_and_a_learned_prior():
    prior = Prior.parse("z2 + a:cat3(0.2, 0.3, 0.5)@0.1 + b:cat2(learned)")
    assert prior["a"] == Categorical("a", 0.1, 3, (0.2, 0.3, 0.5))
    assert prior["b"] == Categorical("b", 1, 2, (), True)
    moved = prior.moved({"b": torch.tensor([0.333333, 0.666667], dtype=torch.float64)})
    assert str(moved) == "z2 + a:cat3(0.2, 0.3, 0.5)@0.1 + b:cat2(learned, 0.333333, 0.666667)"
    assert Prior.parse(str(moved)) == moved
    assert moved["a"] is prior["a"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z62",
        "cat",
        "cat10 +",
        "cat10 + + u",
        "cat10 cat10",
        "dog3",
        "u@",
        "u@x",
        "3.5u",
        "0u",
        "z:u",
        "n:cat10",
        "two words:cat10",
        "digit:cat10 + digit:u",
        "2z3 + u",
        "z3 + z4 + u",
        "z + u",
        "bern(1)",
        "cat10(2)",
        "cat10()",
        "cat(learned)",
        "cat2(0.5, learned)",
        "cat2(0.5, x)",
        "u(1)",
        "u(2, 1)",
        "u(a, b)",
        "u(sigma=-1)",
        "u(sigma=0.3, floor=0.1)",
        "u(colour=3)",
        "u(-1, 1",
        "cat10@nan",
        "name:cat3",
        "100001u",
        "z100001 + cat3",
    ],
)
def test_malformed_text_is_one_clear_error(text):
    with pytest.raises(InfoganError) as error:
        Prior.parse(text)
    assert "\n" not in str(error.value)


def test_sample_embed_and_q_fit_together():
    prior = Prior.parse("z3 + cat4 + u2 + bern2 + g")
    z, c = prior.sample(6, torch.Generator().manual_seed(0))
    latent = prior.embed(z, c)
    assert latent.shape == (6, prior.width) == (6, 3 + 4 + 2 + 2 + 1)
    assert torch.equal(latent[:, :3], z)
    assert torch.equal(latent[:, 3:7].argmax(1), c["cat"])  # order of the terms
    assert torch.equal(latent[:, 7:9], c["u"])
    q = prior.q(torch.randn(6, prior.n_params))
    assert {name: d.log_prob(c[name]).shape for name, d in q.items()} == dict.fromkeys(c, (6,))


def test_q_reads_logits_in_full_precision():
    """A log-probability in bfloat16 is off by hundredths of a nat."""
    q = Prior.parse("cat3").q(torch.zeros(1, 3, dtype=torch.bfloat16))
    assert q["cat"].log_prob(torch.tensor([0])).item() == pytest.approx(-math.log(3), abs=1e-6)


def test_unknown_code_name_lists_them():
    with pytest.raises(InfoganError, match="unknown code 'tilt'; there is: cat, u"):
        Prior.parse("cat3 + u")["tilt"]
