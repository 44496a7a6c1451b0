"""What a grouping keeps of the information, and that the search finds the one that keeps most."""

import itertools
import math

import numpy as np
import pytest
import torch

from infogan.joining import best_grouping, joined, joint_information, margins, reconsidered
from infogan.pairs import joint, pair_information


def some_joint(rng, M):
    """Symmetric, sum 1, the diagonal large: mostly the copy keeps its category."""
    A = rng.random((M, M)) ** 4
    P = A + A.T + 2 * np.diag(A.sum(1))
    return P / P.sum()


def planted(sizes, rng, within=0.3, across=0.01):
    """Kinds of several small categories each, whose copies stray inside their kind."""
    kind = np.repeat(np.arange(len(sizes)), sizes)
    P = np.where(kind[:, None] == kind, within, across) * (0.5 + rng.random((len(kind),) * 2))
    P = P + P.T + 2 * np.eye(len(kind))
    r = (1 / np.array(sizes))[kind]  # kinds of equal size, in parts of unequal number
    P = P * np.sqrt(r[:, None] * r)
    return P / P.sum(), kind


def number(groups):
    """Groups by the order in which they come: 2 0 0 1 → 0 1 1 2."""
    order = list(dict.fromkeys(groups.tolist()))
    return [order.index(g) for g in groups.tolist()]


@pytest.mark.parametrize("m", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("pi", [None, [0.1, 0.3, 0.1, 0.2, 0.05, 0.25]])
def test_it_is_the_information_of_pairs_with_each_batchs_own_marginal(m, pi):
    generator = torch.Generator().manual_seed(0)
    p, p_aug = (
        torch.randn(50, 6, generator=generator, dtype=torch.float64).softmax(1) for _ in range(2)
    )
    wanted = pair_information(p, p_aug, m, pi=None if pi is None else torch.tensor(pi)).item()
    found = joint_information(joint(p, p_aug).numpy(), m, None if pi is None else np.array(pi))
    assert found == pytest.approx(wanted, abs=1e-6 if pi else 1e-12)


def test_even_groups_of_categories_that_never_stray():
    """I_m = (2m − 1) ln K."""
    P, groups = np.eye(12) / 12, np.arange(12) % 4
    for m in (1.0, 3.0):
        assert joint_information(joined(P, groups, 4), m) == pytest.approx(
            (2 * m - 1) * math.log(4)
        )


def test_joining_sums_rows_and_columns():
    P = np.arange(16.0).reshape(4, 4)
    P = P + P.T
    small = joined(P, np.array([0, 1, 0, 2]), 3)
    assert small.sum() == P.sum()
    assert small[0, 0] == P[0, 0] + P[0, 2] + P[2, 0] + P[2, 2]
    assert small[0, 1] == small[1, 0] == P[0, 1] + P[2, 1]
    assert small[1, 2] == P[1, 3]


def test_joining_never_gains_information():
    """The data processing inequality, m = 1; and what is joined is still a joint."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        P, groups = some_joint(rng, 9), rng.integers(4, size=9)
        together = joined(P, groups, 4)
        assert together.sum() == pytest.approx(1)
        assert np.allclose(together, together.T)
        assert joint_information(together, 1) <= joint_information(P, 1) + 1e-12


@pytest.mark.parametrize("m", [1.0, 3.0])
@pytest.mark.parametrize("given", [False, True])
def test_no_grouping_keeps_more(m, given):
    """Against all of them: six small categories, two and three groups. With a P(c) drawn at random,
    which has nothing to do with P, one search in fifty ends at the second best."""
    rng, missed = np.random.default_rng(1), []
    for K in (2, 3):
        for _ in range(10):
            P, pi = some_joint(rng, 6), rng.dirichlet(np.full(K, 3.0)) if given else None
            every = (np.array(g) for g in itertools.product(range(K), repeat=6))
            best = max(
                joint_information(joined(P, g, K), m, pi) for g in every if {*g} == {*range(K)}
            )
            found = best_grouping(P, K, m, 0, pi)
            assert set(found) == {*range(K)}
            missed.append(best - joint_information(joined(P, found, K), m, pi))
    assert max(missed) < (0.1 if given else 1e-9)
    assert sorted(missed)[-3] < 1e-9


def test_kinds_are_found_in_their_parts():
    rng = np.random.default_rng(2)
    P, kind = planted([5, 3, 7, 2, 5, 8], rng)
    shuffled = rng.permutation(len(P))
    found = best_grouping(P[np.ix_(shuffled, shuffled)], 6, 3.0, seed=0)
    assert number(found) == number(kind[shuffled])


@pytest.mark.parametrize("frequency", [(0.5, 0.2, 0.3), (0.1, 0.7, 0.2), (0.1, 0.1, 0.8)])
@pytest.mark.parametrize("stays", [0.3, 0.6, 0.8, 0.9])
def test_kinds_of_a_given_frequency_are_the_categories_that_have_it(frequency, stays):
    """Fifteen small categories, a few to each kind. Were P(c) not looked at, m = 3 would make
    groups of equal size, and number them as it comes."""
    pi = np.array(frequency)
    sizes = [max(2, round(15 * f)) for f in frequency]
    kind = np.repeat(np.arange(3), sizes)
    w = (pi / sizes)[kind]
    P = np.where(kind[:, None] == kind, (0.99 - stays) / pi[kind], 0.01) * w[:, None] * w
    P += stays * np.diag(w)
    P = (P + P.T) / 2 / P.sum()
    found = best_grouping(P, 3, 3.0, 0, pi)
    if len(set(frequency)) < 3:  # two are as frequent, and either is the first
        found, kind = np.array(number(found)), np.array(number(kind))
    assert found.tolist() == kind.tolist()
    assert number(best_grouping(P, 3, 3.0, 0)) != number(kind) or stays == 0.3


def test_a_margin_is_what_the_next_best_group_loses_for_each_image():
    P, kind = planted([3, 4, 1], np.random.default_rng(4))
    sure, rival = margins(P, kind, 3, 2.0)
    assert np.isinf(sure[7])
    assert rival[7] == kind[7]
    assert (sure >= 0).all()
    whole = joint_information(joined(P, kind, 3), 2.0)
    elsewhere = [np.where(np.arange(8) == 2, k, kind) for k in (1, 2)]
    lost = [whole - joint_information(joined(P, g, 3), 2.0) for g in elsewhere]
    assert sure[2] == pytest.approx(min(lost) / P[2].sum())
    assert rival[2] == (1, 2)[int(np.argmin(lost))]


def test_a_category_between_two_kinds_is_the_least_sure():
    P, kind = planted([4, 4], np.random.default_rng(5))
    P[0, 4:] = P[4:, 0] = P[0, 1:4].mean()  # its copies stray to both
    sure, rival = margins(P / P.sum(), kind, 2, 3.0)
    assert sure.argmin() == 0
    assert (rival == 1 - kind).all()


def test_as_many_groups_as_categories_are_the_categories():
    P = some_joint(np.random.default_rng(3), 5)
    assert sorted(best_grouping(P, 5, 2.0, seed=0)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("of_own", "of_rival", "goes"), [(0, 1, True), (10, 14, True), (10, 12, False), (10, 0, False)]
)
def test_a_category_goes_to_its_rival_where_look_alikes_clearly_are_of_that(of_own, of_rival, goes):
    groups, rivals = np.array([0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, 0])
    alike, sizes = np.zeros((5, 5)), np.array([10, 20, 20, 20, 20])
    alike[0, 1], alike[0, 2], alike[0, 4] = of_own, of_rival, 30  # what is of neither says nothing
    found, next_best = reconsidered(groups, rivals, np.array([0]), alike, sizes)
    assert found.tolist() == ([1, 0, 1, 1, 2] if goes else groups.tolist())
    assert next_best.tolist() == ([0, 1, 0, 0, 0] if goes else rivals.tolist())
    assert groups[0] == 0  # the given ones stay as they were
    found, _ = reconsidered(groups, rivals, np.array([1]), alike[[1, 0, 2, 3, 4]], sizes)
    assert found.tolist() == groups.tolist()  # it has most of its group's images


def test_no_group_is_left_empty_by_those_that_go():
    groups, rivals = np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])
    alike = np.array([[0, 0, 9, 0], [0, 0, 9, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    found, _ = reconsidered(groups, rivals, np.array([0, 1]), alike, np.full(4, 10))
    assert found.tolist() == [1, 0, 1, 1]
