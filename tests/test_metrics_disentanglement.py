"""Disentanglement scores: laws, closed forms by hand, and what each can and cannot see."""

import math

import numpy as np
import pytest
import torch
from pixel_readers import pixel_reader
from sklearn.metrics import mutual_info_score

from infogan.data import Dataset, Factors
from infogan.errors import InfoganError
from infogan.metrics import as_text, evaluate
from infogan.metrics.disentanglement import SCORES, Columns, codes_of, in_words, truth_of
from infogan.metrics.disentanglement.columns import informations
from infogan.metrics.disentanglement.dci import weighted
from infogan.metrics.disentanglement.fixed import _Sharing, _variances
from infogan.metrics.evaluation import Budget

N, SIZES = 4000, (3, 5, 8)
MAIN = {
    "mig": "mig.score", "sap": "sap.score", "dci": "dci.disentanglement",
    "factor_vae": "factor_vae.score", "beta_vae": "beta_vae.score",
    "modularity": "modularity.score",
}  # fmt: skip


def noise(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.fixture(scope="module")
def values():
    random = np.random.default_rng(0)
    return np.stack([random.integers(size, size=N) for size in SIZES], 1)


@pytest.fixture(scope="module")
def truth(values):
    return Columns.of(values, SIZES, ("shape", "hue", "x"))


def main(name, codes, truth, seed=0):
    return SCORES[name](codes, truth, seed)[MAIN[name]]


# what a perfect code has: SAP's second best code still tells one value in V by chance
PERFECT = {"sap": 1 - np.mean([1 / v for v in SIZES])}


KINDS = ["continuous", "turned round", "categorical", "with noise beside"]
# the modularity of a code that says nothing is one of chance
ALL = [(name, kind) for name in SCORES for kind in KINDS[: 3 if name == "modularity" else 4]]


@pytest.mark.parametrize(("name", "kind"), ALL)
def test_a_code_for_each_factor_is_perfect(name, kind, values, truth):
    exact = values + 0.001 * noise(N, 3)
    codes = {
        "continuous": Columns.of(exact),
        "turned round": Columns.of(-7 * exact[:, [2, 0, 1]] + 3),
        "categorical": Columns.of(values, SIZES),
        "with noise beside": Columns.of(np.concatenate([exact, noise(N, 2)], 1)),
    }[kind]
    # MIG and SAP: chance of the second best, (20 − 1)(V − 1) / 2N nats and a few rows
    assert main(name, codes, truth) == pytest.approx(PERFECT.get(name, 1), abs=0.03)


@pytest.mark.parametrize("name", sorted(set(SCORES) - {"modularity"}))
def test_codes_of_noise_have_chance(name, truth):
    chance = {"factor_vae": 1 / 3, "beta_vae": 1 / 3}.get(name, 0)
    # 5,000 held-out votes: a standard error of 0.007; the best of three in FactorVAE's
    assert main(name, Columns.of(noise(N, 4)), truth) == pytest.approx(chance, abs=0.03)


@pytest.mark.parametrize("name", ["mig", "sap", "dci"])
def test_two_codes_that_mix_two_factors_are_far_from_perfect(name, values, truth):
    spread = values / values.std(0)
    a, b = spread[:, 1], spread[:, 2]
    mixed = np.stack([spread[:, 0], a + b, a - b], 1) + 0.001 * noise(N, 3)
    assert main(name, Columns.of(mixed), truth) < 0.6 * PERFECT.get(name, 1)


def test_informations_are_scikit_learns(values, truth):
    codes = Columns.of(np.concatenate([values + noise(N, 3), noise(N, 1)], 1))
    found = informations(codes, truth)
    for i in range(4):
        edges = np.histogram(codes.values[:, i], 20)[1][:-1]
        binned = np.digitize(codes.values[:, i], edges)
        for j in range(3):
            assert found[i, j] == pytest.approx(mutual_info_score(values[:, j], binned), abs=1e-12)


def whole(*sizes):
    """Every combination once, so that shares are exact."""
    return np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), -1).reshape(-1, len(sizes))


def test_mig_by_hand():
    """Two fair coins a, b; codes a, a and b, and a coin of its own: the gaps are 0 and 1."""
    v = whole(2, 2, 2)
    truth = Columns.of(v[:, :2], (2, 2), ("a", "b"))
    codes = Columns.of(v[:, [0, 0, 1, 2]], (2, 2, 2, 2))
    assert SCORES["mig"](codes, truth, 0) == pytest.approx(
        {"mig.score": 0.5, "mig.a": 0, "mig.b": 1}
    )
    # code 0 is the pair (a, b), code 1 is a: I(a) is ln 2 in both, I(b) is ln 2 in one alone
    pair = Columns.of(np.stack([2 * v[:, 0] + v[:, 1], v[:, 0]], 1), (4, 2))
    assert SCORES["mig"](pair, truth, 0)["mig.score"] == pytest.approx(0.5)
    # a factor of one value has no entropy to explain
    still = Columns.of(np.stack([v[:, 0], 0 * v[:, 0]], 1), (2, 3))
    assert SCORES["mig"](codes, still, 0)["mig.1"] == 0


def test_modularity_by_hand():
    """Of three coins: a code that is one (1), that is two (1 − 1/2), that is all three (0)."""
    v = whole(2, 2, 2)
    truth = Columns.of(v, (2, 2, 2))
    codes = np.stack([v[:, 0], 2 * v[:, 0] + v[:, 1], 4 * v[:, 0] + 2 * v[:, 1] + v[:, 2]], 1)
    found = SCORES["modularity"](Columns.of(codes, (2, 4, 8)), truth, 0)["modularity.score"]
    assert found == pytest.approx((1 + 0.5 + 0) / 3)
    dead = Columns.of(np.stack([v[:, 0], 0 * v[:, 0]], 1), (2, 2))
    assert SCORES["modularity"](dead, truth, 0)["modularity.score"] == pytest.approx(0.5)


@pytest.mark.parametrize("n", [1000, 1777, 2341])
def test_codes_that_never_vary_have_no_modularity(n):
    """Whatever their number of rows makes of 1 − Σ p."""
    random = np.random.default_rng(n)
    truth = Columns.of(np.stack([random.integers(s, size=n) for s in (10, 8, 15)], 1), (10, 8, 15))
    still = Columns.of(np.stack([np.full(n, 3), np.full(n, 0.3)], 1), (10, 0))
    assert SCORES["modularity"](still, truth, 0) == {"modularity.score": 0}
    hair = np.ones(n)
    hair[0] += 2.3e-16
    for column in (hair, np.full(n, 1e17)):
        assert not informations(Columns.of(column[:, None]), truth).any()


def test_a_factor_may_be_called_score():
    v = whole(2, 2, 2)
    truth = Columns.of(v[:, :2], (2, 2), ("score", "b"))
    codes = Columns.of(v[:, [0, 0, 1]], (2, 2, 2))
    assert SCORES["mig"](codes, truth, 0) == pytest.approx({"mig.score": 0.5, "mig.b": 1})


def test_dci_of_importances_by_hand():
    R = np.array([[2.0, 0], [1, 1], [0, 0]])
    assert weighted(R) == pytest.approx(2 / 4 * 1 + 2 / 4 * 0)
    H = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)) / math.log(3)
    assert weighted(R.T) == pytest.approx(3 / 4 * (1 - H) + 1 / 4 * 1)
    assert weighted(np.zeros((2, 2))) == 0


def test_dci_tells_disentangled_from_complete(values, truth):
    """Each of two codes has one factor (D = 1) and each factor is in two codes (C < 1); its mirror:
    one code has two factors."""
    twice = np.concatenate([values, values], 1) + 0.3 * noise(N, 6)
    found = SCORES["dci"](Columns.of(twice), truth, 0)
    assert found["dci.disentanglement"] > 0.9
    assert found["dci.completeness"] < 0.75
    both = np.stack([values[:, 0] + 10 * values[:, 1], values[:, 2]], 1) + 0.001 * noise(N, 2)
    found = SCORES["dci"](Columns.of(both), truth, 0)
    assert found["dci.completeness"] > 0.95
    assert found["dci.disentanglement"] < 0.75
    assert found["dci.informativeness"] > 0.99


def test_variances_are_those_of_all_pairs():
    codes = Columns.of(np.stack([noise(40), np.arange(40) % 3], 1), (0, 3))
    rows = np.random.default_rng(0).integers(40, size=(5, 7))
    found = _variances(codes, rows)
    for m, which in enumerate(rows):
        c = codes.values[which]
        apart = (c[:, None, 0] - c[None, :, 0]) ** 2
        differ = c[:, None, 1] != c[None, :, 1]
        assert found[m, 0] == pytest.approx(apart.sum() / (2 * 7 * 6))
        assert found[m, 1] == pytest.approx(differ.sum() / (2 * 7 * 6))


def test_rows_that_share_a_value_share_it_and_are_all_met(truth, values):
    sharing, random = _Sharing.of(truth), np.random.default_rng(0)
    like = random.integers(N, size=50)
    for factor in range(3):
        rows = sharing.rows(factor, like, 4000, random)
        assert (values[rows, factor] == values[like, factor][:, None]).all()
    there = set(np.flatnonzero(values[:, 2] == values[like[0], 2]))
    assert len(there - set(rows[0])) < 0.01 * len(there)  # each with e⁻⁸ if drawn alike


def test_others_are_never_oneself_where_there_are_some(values):
    truth = Columns.of(np.concatenate([values[:40], np.arange(40)[:, None]], 1), (*SIZES, 40))
    sharing, random, like = _Sharing.of(truth), np.random.default_rng(0), np.arange(40)
    for factor in range(4):
        v = truth.values[:, factor]
        met = {like_: set() for like_ in range(40)}
        for _ in range(200):
            others = sharing.others(factor, like, random)
            assert (v[others] == v).all()
            for a, b in zip(like, others):
                met[a].add(b)
        for a in range(40):
            there = set(np.flatnonzero(v == v[a])) - {a}
            assert met[a] == (there or {a})  # each is met in 200 draws


def test_beta_vae_of_noise_has_chance_with_few_rows_too():
    random = np.random.default_rng(5)
    truth = Columns.of(
        np.stack([random.integers(s, size=2000) for s in (2, 32, 32)], 1), (2, 32, 32)
    )
    assert main("beta_vae", Columns.of(noise(2000, 5)), truth) == pytest.approx(1 / 3, abs=0.05)


def test_factor_vae_leaves_out_codes_that_never_move(values, truth):
    for value in (0, 0.3, 1 / 3):
        still = np.concatenate([values + 0.001 * noise(N, 3), np.full((N, 1), value)], 1)
        assert main("factor_vae", Columns.of(still), truth) == 1
    assert main("factor_vae", Columns.of(np.zeros((N, 2))), truth) == 0


@pytest.mark.parametrize("name", SCORES)
def test_a_seed_gives_the_same_number_again(name, values, truth):
    codes = Columns.of(values + noise(N, 3))
    assert SCORES[name](codes, truth, 3) == SCORES[name](codes, truth, 3)
    SCORES[name](codes, truth, 2**40)


@pytest.mark.parametrize(
    ("codes", "truth", "rule"),
    [
        (Columns.of(noise(9, 2)), Columns.of(np.zeros((8, 2)), (1, 1)), "as many rows"),
        (Columns.of(noise(9, 1)), Columns.of(np.zeros((9, 2)), (1, 1)), "two codes"),
        (Columns.of(noise(7, 2)), Columns.of(np.zeros((7, 2)), (1, 1)), "needs 8 rows, got 7"),
        (Columns.of(noise(9, 2)), Columns.of(noise(9, 2), None, ("x", "y")), "x is continuous"),
    ],
)
@pytest.mark.parametrize("name", SCORES)
def test_what_cannot_be_scored_is_said(name, codes, truth, rule):
    with pytest.raises(InfoganError, match=rule):
        SCORES[name](codes, truth, 0)


def test_columns_are_checked():
    for values, sizes, rule in (
        ([1.0, 2], None, "expected values"),
        ([[1.0, math.nan]], None, "finite"),
        ([[1.0, 3]], (0, 3), "1: expected the integers 0 to 2"),
        ([[1.0, 0.5]], (0, 3), "1: expected the integers 0 to 2"),
    ):
        with pytest.raises(InfoganError, match=rule):
            Columns.of(values, sizes)


@pytest.fixture
def reader():
    """A model whose `kind` is the left pixel, whose `u` is the right one, and whose coin is off."""
    model = pixel_reader("z2 + kind:cat5 + u + bern")
    with torch.no_grad():
        model.Q.bias[7] = -3
    return model


def test_of_a_model_codes_are_its_likeliest_categories_and_means(reader):
    random = np.random.default_rng(0)
    values = np.stack([random.integers(5, size=2100), random.integers(9, size=2100)], 1)
    images = torch.from_numpy(values * 20).byte().reshape(-1, 1, 1, 2)
    factors = Factors(("left", "right"), (5, 9), torch.from_numpy(values))
    test = Dataset("Dots", "test", images, factors=factors)
    codes = codes_of(reader, images)
    assert (codes.names, codes.sizes) == (("kind", "u", "bern"), (5, 0, 2))
    assert (codes.values[:, 0] == values[:, 0]).all()
    assert np.corrcoef(codes.values[:, 1], values[:, 1])[0, 1] == pytest.approx(-1, abs=1e-5)
    assert truth_of(test).names == ("left", "right")
    metrics = evaluate(reader, test, Budget(fakes=50, per_category=5, reals=50))
    assert metrics["disentanglement.mig.score"] > 0.95
    assert metrics["disentanglement.factor_vae.score"] == 1
    assert metrics["disentanglement.modularity.score"] == pytest.approx(2 / 3, abs=0.02)
    assert "disentanglement.dci.completeness" in as_text(metrics)
    assert in_words(metrics)[0].startswith("MIG 0.9")
    assert in_words({}) == []
    few = Dataset(
        "Dots", "test", images[:1900], factors=Factors(("a", "b"), (5, 9), factors.values[:1900])
    )
    assert not any("disentanglement" in key for key in evaluate(reader, few, Budget(fakes=50)))
