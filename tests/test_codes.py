"""Laws of every kind of code: H(c) = −E ln p, Q a proper distribution, shapes of the contract."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal, Uniform

from infogan.codes import CODES, probs
from infogan.errors import InfoganError
from infogan.prior import Prior

TERMS = [
    "cat7",
    "cat3(0.2, 0.3, 0.5)",
    "cat4(learned)",
    "u3(-2, 1)",
    "u",
    "g2",
    "bern3",
    "u2(sigma=0.3)",
]

# P(c) of one coordinate, for −E ln p
TRUTH = {
    "cat7": Categorical(probs=torch.ones(7, dtype=torch.float64)),
    "cat3(0.2, 0.3, 0.5)": Categorical(probs=torch.tensor([0.2, 0.3, 0.5]).double()),
    "cat4(learned)": Categorical(probs=torch.ones(4, dtype=torch.float64)),
    "u3(-2, 1)": Uniform(torch.tensor(-2.0).double(), torch.tensor(1.0).double()),
    "u": Uniform(torch.tensor(-1.0).double(), torch.tensor(1.0).double()),
    "u2(sigma=0.3)": Uniform(torch.tensor(-1.0).double(), torch.tensor(1.0).double()),
    "g2": Normal(torch.tensor(0.0).double(), torch.tensor(1.0).double()),
    "bern3": Bernoulli(torch.tensor(0.5).double()),
}


def code_of(term):
    return Prior.parse(f"code:{term}").codes[0]


def test_every_registered_kind_is_tested():
    assert {type(code_of(term)) for term in TERMS} == set(CODES.values())


@pytest.mark.parametrize("term", TERMS)
def test_entropy_is_minus_expected_log_p(term):
    code, n = code_of(term), 20_000
    c = code.sample(n, torch.Generator().manual_seed(0)).double()
    surprise = -TRUTH[term].log_prob(c).reshape(n, -1).sum(1)
    # 5 standard errors; exact where ln p is constant
    assert surprise.mean().item() == pytest.approx(
        code.entropy(), abs=5 * surprise.std().item() / n**0.5 + 1e-12
    )


@pytest.mark.parametrize("term", TERMS)
def test_contract(term):
    code, n = code_of(term), 5
    c = code.sample(n, torch.Generator().manual_seed(1))
    assert torch.equal(c, code.sample(n, torch.Generator().manual_seed(1)))
    assert code.embed(c).shape == (n, code.width)
    q = code.q(torch.zeros(n, code.n_params, dtype=torch.float64))
    assert q.log_prob(c).shape == (n,)
    assert len(code.coordinates) == (1 if term.startswith("cat") else code.width)
    assert code.traversal(10).dim() == 1


def test_q_of_a_continuous_code_is_a_density():
    """∫ Q(c|x) dc = 1, and its parameters land where they should."""
    code = code_of("u")
    q = code.q(torch.tensor([[0.3, -1.0]], dtype=torch.float64))
    grid = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    density = torch.stack([q.log_prob(v.reshape(1, 1)).exp() for v in grid[::10]]).squeeze()
    assert torch.trapezoid(density, grid[::10]).item() == pytest.approx(1, abs=1e-9)
    assert q.mean.item() == pytest.approx(0.3)
    assert q.stddev.item() == pytest.approx(math.log1p(math.exp(-1.0)) + 0.1)  # softplus + floor


def test_sigma_never_falls_below_the_floor_and_a_fixed_one_stays():
    extreme = torch.full((1, 2), -1e4)
    assert code_of("u").q(extreme).stddev.item() == pytest.approx(0.1)
    assert code_of("u(floor=0.05)").q(extreme).stddev.item() == pytest.approx(0.05)
    assert code_of("u(sigma=0.3)").q(extreme[:, :1]).stddev.item() == pytest.approx(0.3)


def test_traversal_goes_beyond_the_range_as_the_paper_does():
    assert code_of("u").traversal(5).tolist() == [-2, -1, 0, 1, 2]
    assert code_of("u(0, 1)").traversal(3).tolist() == pytest.approx([-0.5, 0.5, 1.5])
    assert code_of("cat3").traversal(10).tolist() == [0, 1, 2]
    assert code_of("bern2").traversal(10).tolist() == [0, 1]


def test_samples_fill_the_range():
    c = code_of("u2(-2, 1)").sample(10_000, torch.Generator().manual_seed(0))
    assert c.min() > -2.0001
    assert c.max() < 1
    assert c.mean().item() == pytest.approx(-0.5, abs=5 * 3 / 12**0.5 / 20_000**0.5)
    k = code_of("cat7").sample(10_000, torch.Generator().manual_seed(0))
    assert sorted(k.unique().tolist()) == list(range(7))


@pytest.mark.parametrize("term", ["u3(-2, 1)", "u", "g2"])
def test_quantiles_are_the_inverse_of_how_much_of_P_is_below(term):
    levels = torch.linspace(0.001, 0.999, 101, dtype=torch.float64)
    torch.testing.assert_close(TRUTH[term].cdf(code_of(term).quantile(levels)), levels)


def test_categories_come_as_often_as_P_says():
    code, n = code_of("cat3(0.2, 0.3, 0.5)"), 20_000
    counts = torch.bincount(code.sample(n, torch.Generator().manual_seed(0)), minlength=3) / n
    assert torch.allclose(counts.double(), code.probabilities, atol=5 * 0.5 / n**0.5)
    assert code.sample(0, torch.Generator()).shape == (0,)
    by_hand = -(0.2 * math.log(0.2) + 0.3 * math.log(0.3) + 0.5 * math.log(0.5))
    assert code.entropy() == pytest.approx(by_hand)
    assert code_of("cat4(learned)").entropy() == pytest.approx(math.log(4))


def test_probs_are_those_of_the_softmax():
    logits = torch.randn(4, 7, dtype=torch.float64)
    assert torch.allclose(probs(code_of("cat7").q(logits)), logits.softmax(1))


@pytest.mark.parametrize(
    ("term", "rule"),
    [
        ("cat1", "K >= 2"),
        ("u0", "one dimension"),
        ("u(1, 1)", "low < high"),
        ("u@-1", "λ must be"),
        ("cat3(0.2, 0.8)", "as many numbers"),
        ("cat2(0.2, 0.9)", "sum to 1"),
        ("cat2(0, 1)", "above 0"),
        ("cat2(nan, 1)", "above 0"),
    ],
)
def test_impossible_codes_are_refused(term, rule):
    with pytest.raises(InfoganError, match=rule):
        code_of(term)
