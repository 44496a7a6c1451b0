"""The tree of categories on joints that are known, and where it is cut."""

import pytest
import torch

from infogan.groups import Groups
from infogan.merging import (
    FLOOR,
    Merge,
    cut,
    halves,
    mixing,
    of_categories,
    partition,
    tree,
)


def joint_of(things, shares, stays=1.0):
    """P of categories that are things split by chance, in float64.

    An image of a thing falls in one of its categories whatever its look-alike did; with probability
    `stays` the look-alike shows the same thing, else any, by the things' shares.

    Args:
        things: The thing of each category.
        shares: Of each category.
        stays: How often look-alikes show the same thing.
    """
    things, r = torch.tensor(things), torch.tensor(shares, dtype=torch.float64)
    r = r / r.sum()
    same = (things[:, None] == things).double()
    size = same @ r  # of the thing that a category is of
    within = same * r[:, None] * r / size
    return stays * within + (1 - stays) * r[:, None] * r


def test_halves_by_chance_mix_wholly_and_things_not():
    """Whatever their sizes, and whatever else there is."""
    s = mixing(joint_of([0, 0, 1, 2, 2], [1, 3, 2, 5, 0.5]))
    assert s[0, 1].item() == pytest.approx(1)
    assert s[3, 4].item() == pytest.approx(1)
    others = s.clone()
    others[0, 1] = others[1, 0] = others[3, 4] = others[4, 3] = 0
    assert others.abs().max() == 0


def test_mixing_by_hand():
    """r = (½, ½), a tenth of the pairs crosses each way: 0.1 · 1/(¼)."""
    P = torch.tensor([[0.4, 0.1], [0.1, 0.4]], dtype=torch.float64)
    assert mixing(P)[0, 1].item() == pytest.approx(0.4)
    opposed = torch.tensor([[0.0, 0.5], [0.5, 0.0]])
    assert mixing(opposed)[0, 1] == 2  # the most there is


def test_an_empty_category_divides_by_nothing_and_mixes_with_nothing():
    P = torch.zeros(3, 3)
    P[0, 0], P[1, 1] = 0.5, 0.5
    assert mixing(P).abs().max() == 0
    assert len(tree(P)) == 2


def test_tree_merges_the_categories_of_a_thing_before_things():
    """Also where a thing has three categories, another one, and look-alikes err."""
    things = [0, 1, 0, 2, 2, 0]
    merges = tree(joint_of(things, [1, 2, 1, 0.5, 0.7, 1.5], stays=0.9))
    assert partition(merges, 3).of == (0, 1, 0, 2, 2, 0)
    # two halves by chance 1, two of three categories the share that they hold of the thing, both
    # times how often look-alikes show the same, and what errs besides
    assert all(merge.s > 0.6 for merge in merges[:3])
    assert all(merge.s < 0.2 for merge in merges[3:])


def test_the_order_of_the_categories_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    P = torch.rand(7, 7, generator=generator, dtype=torch.float64)
    P = (P + P.T) / (2 * P.sum())
    order = torch.randperm(7, generator=generator)
    here, there = tree(P), tree(P[order][:, order])
    assert [m.s for m in here] == pytest.approx([m.s for m in there])
    for m in range(7):
        groups, turned = partition(here, m).of, partition(there, m).of
        same = [[groups[order[i]] == groups[order[j]] for j in range(7)] for i in range(7)]
        assert same == [[turned[i] == turned[j] for j in range(7)] for i in range(7)]


def merges_at(*s):
    """A tree whose merges have these mixings, each of all so far with the next category."""
    k = len(s) + 1
    return [Merge(k + i - 1 if i else 0, i + 1, x) for i, x in enumerate(s)]


def test_the_cut_is_where_the_mixing_drops_most():
    where = cut(merges_at(0.25, 0.2, 0.1, 0.025, 0.02, 0.012))
    assert (where.merges, where.above, where.below) == (3, 0.1, 0.025)
    assert where.clear


def test_an_inversion_of_the_tree_is_no_drop():
    """What comes after a smaller mixing counts as no more than it."""
    where = cut(merges_at(0.1, 0.2, 0.19, 0.02))
    assert (where.merges, where.above, where.below) == (3, 0.1, 0.02)


def test_below_the_floor_all_are_equally_apart():
    """0.02 against 0.00001 says less than 0.1 against 0.02."""
    where = cut(merges_at(0.15, 0.1, 0.02, 1e-5))
    assert (where.merges, where.below) == (2, 0.02)
    assert cut(merges_at(0.15, 0.0, 0.0)).below == FLOOR


def test_without_a_drop_there_is_no_line():
    assert not cut(merges_at(0.3, 0.25, 0.2, 0.15, 0.1)).clear


def test_all_in_one_and_nothing_merged_are_never_the_answer():
    assert 1 <= cut(merges_at(0.2, 0.2, 0.2)).merges < 3
    assert cut(merges_at(0.2)) is None  # of two leaves there is nothing to tell


def test_partition_of_a_tree_by_hand():
    merges = [Merge(1, 3, 0.5), Merge(0, 4, 0.2), Merge(2, 5, 0.1)]
    assert partition(merges, 0).of == (0, 1, 2, 3)
    assert partition(merges, 1).of == (0, 1, 2, 1)
    assert partition(merges, 2).of == (0, 0, 1, 0)
    assert partition(merges, 3).n == 1


def test_a_category_goes_with_its_larger_half():
    """Categories 0 (5 and 3 images), 1 (2 and 4), 2 (one leaf of 1); 3 has no image."""
    owner, sizes = [0, 0, 1, 1, 2], [5, 3, 2, 4, 1]
    assert of_categories(Groups((0, 1, 1, 0, 1)), owner, sizes, 4).of == (0, 0, 1, 2)
    assert of_categories(Groups((0, 1, 0, 1, 1)), owner, sizes, 4).of == (0, 1, 1, 2)
    assert of_categories(Groups((0, 1, 2, 3, 4)), owner, sizes, 4).of == (0, 1, 2, 3)


def test_halves_of_two_heaps_are_the_heaps():
    generator = torch.Generator().manual_seed(0)
    f = torch.randn(60, 3, generator=generator)
    f[20:] += torch.tensor([8.0, -8.0, 8.0])
    half = halves(f)
    assert len(set(half[:20].tolist())) == len(set(half[20:].tolist())) == 1
    assert half[0] != half[-1]
    assert torch.equal(halves(f), half)  # nothing is drawn


def test_points_that_are_one_have_no_halves():
    assert halves(torch.ones(5, 2)).unique().numel() == 1


def test_of_m_equal_parts_split_by_chance_two_mix_to_2_over_m():
    s = mixing(joint_of([0] * 5 + [1], [1.0] * 6))
    assert s[0, 1].item() == pytest.approx(2 / 5)
