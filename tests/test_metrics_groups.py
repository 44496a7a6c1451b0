"""How many things categories are, on images whose kinds are known."""

import json
import math

import pytest
import torch
from torch import nn

from infogan.config import AugmentConfig
from infogan.data import Dataset
from infogan.errors import InfoganError
from infogan.groups import Groups
from infogan.merging import FLOOR
from infogan.metrics import as_text, evaluate, groups, headline
from infogan.metrics.evaluation import Budget
from infogan.metrics.groups import (
    agreement,
    halved,
    held,
    in_words,
    line,
    names,
    nearest,
    proposal,
    shown,
    warnings,
)
from infogan.model import InfoGAN

N = 900
NONE = AugmentConfig(rotation=0, shear=0, scale=0, shift=0)


class Trunk(nn.Module):
    """Where the light is: the brightness of the four quarters of a picture."""

    def forward(self, x):
        return nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)


def pictures(kinds, n=N, seed=0):
    """n images of light that lies in one of `kinds` quarters, with some in all; and which."""
    generator = torch.Generator().manual_seed(seed)
    kind = torch.arange(n) % kinds
    x = 60 * torch.rand(n, 1, 2, 2, generator=generator)
    x.flatten(1)[torch.arange(n), kind] += 150
    return x.repeat_interleave(4, 2).repeat_interleave(4, 3).byte(), kind


def reader(k, weights):
    """A model of k categories, which weigh the four quarters so; sure of what it says."""
    model = InfoGAN(f"z2 + kind:cat{k}", shape=(1, 8, 8))
    model.trunk, model.Q = Trunk(), nn.Linear(4, k)
    with torch.no_grad():
        model.Q.weight.copy_(torch.tensor(weights) * 200)
        model.Q.bias.zero_()
    return model.eval()


def told(model, images, train=None):
    return groups(model, images, NONE, 0, train)


EACH = torch.eye(4).tolist()
# each kind twice: told apart by which of two other quarters is a little lighter
TWICE = [
    [1.0 if q == kind else sign * 0.5 * (q == (kind + 1) % 4) - sign * 0.5 * (q == (kind + 2) % 4)
     for q in range(4)]
    for kind in range(4) for sign in (1, -1)
]  # fmt: skip
# the first two kinds in one category
SHARED = [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]


def test_each_kind_in_two_categories_is_found_and_counted():
    images, kind = pictures(4)
    model = reader(8, TWICE)
    out = told(model, images)
    assert proposal(out, "kind").of == (0, 0, 1, 1, 2, 2, 3, 3)
    assert out["groups.kind.things"] == 4
    assert out["groups.kind.above"] > 0.05
    assert out["groups.kind.below"] == FLOOR  # no look-alike shows another kind
    assert in_words(out)[0].startswith(
        "kind: 8 categories, 4 groups: 0: 0 1, 1: 2 3, 2: 4 5, 3: 6 7; copies and look-alikes"
    )
    assert not warnings(out)
    p = model.infer(images)["kind"].probs
    assert agreement(proposal(out, "kind"), kind, p)["groups.accuracy"] == 1
    assert json.loads(json.dumps(out)) == out


def test_as_many_categories_as_kinds_are_left_alone():
    out = told(reader(4, EACH), pictures(4)[0])
    assert proposal(out, "kind").of == (0, 1, 2, 3)
    assert out["groups.kind.things"] == 4
    assert in_words(out)[0].startswith("kind: nothing to merge, its 4 categories are apart")
    assert not warnings(out)


def test_a_category_of_two_kinds_is_named_with_what_shows_it():
    out = told(reader(3, SHARED), pictures(4)[0])
    assert out["groups.kind.things"] == 4
    assert (out["groups.kind.split"], out["groups.kind.inside"]) == ([0], [0.0])
    assert proposal(out, "kind").n == 3  # a category cannot be cut
    (said,) = warnings(out).values()
    assert "3 categories for 4 things" in said
    assert ": 0 (0.000); train with more categories, e.g. kind:cat8" in said
    assert in_words(out)[-1] == said


def test_a_category_across_two_kinds_that_have_others_too():
    """Kinds 0 and 1 have a category each and share a third: five of them for four kinds."""
    across = [[1, 0, -1, -1], [0, 1, -1, -1], [0.85, 0.85, 0, 0], EACH[2], EACH[3]]
    out = told(reader(5, across), pictures(4)[0])
    assert out["groups.kind.split"] == [2]
    assert out["groups.kind.things"] == 4
    assert "categories across things" in warnings(out)["split kind"]


def test_categories_that_are_no_kinds_are_left_alone_and_that_is_said():
    """One heap of images, cut across into four: they mix as halves do, and there is no line."""
    generator = torch.Generator().manual_seed(1)
    heap = 255 * torch.rand(N, 1, 2, 2, generator=generator)
    heap = heap.repeat_interleave(4, 2).repeat_interleave(4, 3).byte()
    out = told(reader(4, EACH), heap)
    assert proposal(out, "kind").n == 4
    assert line(out, "kind") is None
    assert "no line" in in_words(out)[0]
    assert not warnings(out)


def test_leaves_are_halves_of_what_has_images_enough():
    f = torch.randn(70, 3, generator=torch.Generator().manual_seed(0))
    category = torch.tensor([0] * 40 + [2] * 10 + [3] * 20)  # 1 has none, 2 has few
    leaf, owner = halved(f, category, 4)
    assert owner == [0, 0, 2, 3, 3]
    assert all(owner[i] == c for i, c in zip(leaf, category))
    same = halved(torch.ones(70, 3), category, 4)
    assert same[1] == [0, 2, 3]  # nothing to halve


def test_a_number_of_groups_that_is_asked_for_is_cut_from_the_tree():
    out = told(reader(8, TWICE), pictures(4)[0])
    for n in range(2, 9):
        assert proposal(out, "kind", n).n == n
    finer, coarser = proposal(out, "kind", 6).of, proposal(out, "kind", 4).of
    for i in range(8):  # the tree is nested
        assert all(coarser[i] == coarser[j] for j in range(8) if finer[i] == finer[j])


def test_few_held_out_images_are_helped_out_by_training_images():
    images = pictures(4)[0]
    few = told(reader(8, TWICE), images[:40])
    assert len(few["groups.kind.leaves"]) == 8  # none is halved
    more = told(reader(8, TWICE), images[:40], images[40:])
    assert proposal(more, "kind").of == (0, 0, 1, 1, 2, 2, 3, 3)
    assert sum(more["groups.kind.sizes"]) == N
    assert max(max(some, default=0) for some in more["groups.kind.examples"]) < 40


def test_groups_that_cannot_be_for_want_of_images():
    """All images are of one kind, so that most categories hold none."""
    out = told(reader(4, EACH), pictures(4)[0][::4])
    found = proposal(out, "kind", 1)
    assert (found.n, held(out, "kind", found)) == (4, 1)  # the three others are no things
    with pytest.raises(InfoganError, match="1 of its 4 categories hold an image.*at most 1"):
        proposal(out, "kind", 2)


def test_copies_go_to_the_nearest_leaf_of_their_category():
    means = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]])
    f = torch.tensor([[0.9, 0.5], [0.9, 0.5], [0.9, 0.5]])
    leaf = nearest(means, [0, 0, 2], f, torch.tensor([0, 2, 1]))
    assert leaf.argmax(1).tolist() == [0, 2, 2]  # no leaf is of category 1: the nearest of all
    assert torch.equal(leaf.sum(1), torch.ones(3).double())


def test_copies_that_cross_join_what_look_alikes_keep_apart():
    """Turned by up to half a turn the light of one quarter lies in any: all kinds are one."""
    model, images = reader(4, EACH), pictures(4)[0]
    apart, turned = (
        groups(model, images, settings, 0) for settings in (NONE, AugmentConfig(rotation=180))
    )
    assert line(apart, "kind") is not None
    assert turned["groups.kind.below"] > 5 * apart["groups.kind.below"]
    assert groups(model, images, AugmentConfig(), 3) == groups(model, images, AugmentConfig(), 3)


def test_what_was_accepted_is_shown_in_place_of_the_proposal():
    out = told(reader(8, TWICE), pictures(4)[0])
    assert shown(out, "kind") == (proposal(out, "kind"), False)
    out["groups.kind.accepted"] = [0, 0, 0, 0, 1, 1, 1, 1]
    assert shown(out, "kind") == (Groups((0, 0, 0, 0, 1, 1, 1, 1)), True)
    assert in_words(out)[1] == "kind: accepted are 2 groups: 0: 0 1 2 3, 1: 4 5 6 7"


def test_evaluate_measures_the_proposal_and_then_what_was_accepted():
    images, kind = pictures(4)
    model, test = reader(8, TWICE), Dataset("light", "test", *pictures(4))
    budget = Budget(fakes=50, per_category=2, reals=50)
    out = evaluate(model, test, budget, NONE)
    assert names(out) == ["kind"]
    assert out["clustering.accuracy"] < 0.7
    assert out["groups.accuracy"] == out["groups.accuracy_many"] == 1
    assert "proposed" in out["protocol.groups"]
    assert headline(out).endswith(
        "; to be merged, which  infogan merge RUN  accepts, into 4 groups: 1.0000 one-to-one"
    )
    model.groups = {"kind": Groups((0, 0, 0, 0, 1, 1, 2, 2))}
    out = evaluate(model, test, budget, NONE)
    assert out["groups.accuracy"] == pytest.approx(3 / 4)
    assert "accepted" in out["protocol.groups"]
    assert "merged into 3 groups: 0.7500" in headline(out)
    assert "group" in as_text(out)
    assert math.isfinite(out["groups.nmi"])
    unlabelled = evaluate(model, Dataset("light", "test", images), budget, NONE)
    assert "groups.accuracy" not in unlabelled
    assert proposal(unlabelled, "kind").n == 4
    assert len(kind) == N
