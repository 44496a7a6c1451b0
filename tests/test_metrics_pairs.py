"""The label-free score on categories whose quality is known."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from infogan.config import AugmentConfig
from infogan.metrics import pairs
from infogan.metrics.pairs import crossing, in_words, of_look_alikes, stuck
from infogan.model import InfoGAN

NONE = AugmentConfig(rotation=0, shear=0, scale=0, shift=0)


class Trunk(nn.Module):
    """The mean brightness of the left and of the right half."""

    def forward(self, x):
        return torch.stack([x[..., :4].mean((1, 2, 3)), x[..., 4:].mean((1, 2, 3))], 1)


@pytest.fixture
def halves():
    """A model of two categories: which half is brighter; and 400 images, half of each."""
    model = InfoGAN("z2 + side:cat2", shape=(1, 8, 8))
    model.trunk, model.Q = Trunk(), nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.Q.weight.copy_(torch.eye(2) * 1000)
    images = torch.zeros(400, 1, 8, 8, dtype=torch.uint8)
    images[::2, ..., 1:3], images[1::2, ..., 5:7] = 255, 255
    return model, images


def test_score_is_1_where_every_copy_keeps_one_of_two_equal_categories(halves):
    model, images = halves
    out = pairs(model, images, AugmentConfig(), 0)
    assert out["pairs.side.I"] == pytest.approx(math.log(2), rel=1e-4)
    assert out["pairs.side.score"] == pytest.approx(1, rel=1e-4)
    assert out["pairs.side.agreement"] == 1
    assert in_words(out) == [
        "side: 0.69 of 0.69 nats stay between a real image and its copy (score 1.000); 100.0% "
        "keep their category"
    ]


def test_score_counts_twice_how_far_the_use_of_categories_is_from_what_was_supposed(halves):
    """I = H(r) where every copy stays, r = (¼, ¾); KL(r ‖ ½) = ln 2 − H(r)."""
    model, images = halves
    uneven = torch.cat([images[::2][:100], images[1::2], images[1::2][:100]])
    H = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    out = pairs(model, uneven, AugmentConfig(), 0)
    assert out["pairs.side.I"] == pytest.approx(H, rel=1e-4)
    assert out["pairs.side.score"] == pytest.approx(3 * H / math.log(2) - 2, rel=1e-4)


def test_score_falls_where_the_copy_changes_what_the_category_reads(halves):
    model, images = halves
    out = pairs(model, images, AugmentConfig(rotation=180), 0)  # left becomes right
    assert out["pairs.side.score"] < 0.1
    assert 0.4 < out["pairs.side.agreement"] < 0.6
    assert any("share a kind" in sentence for sentence in in_words(out))


def test_without_augmentation_only_the_use_of_the_categories_counts(halves):
    model, images = halves
    one_category = pairs(model, images[:100:2], NONE, 0)
    assert one_category["pairs.side.I"] == pytest.approx(0, abs=1e-6)
    assert pairs(model, images, NONE, 0)["pairs.side.score"] == pytest.approx(1, rel=1e-4)


def test_information_is_of_what_Q_is_sure_of_and_the_score_of_what_it_says(halves):
    """Votes leave Q less sure, and more often right."""
    model, images = halves
    clear = pairs(model, images, AugmentConfig(), 0)
    with torch.no_grad():
        model.Q.weight.mul_(0.003)
    blurred = pairs(model, images, AugmentConfig(), 0)
    assert blurred["pairs.side.I_m"] < clear["pairs.side.I_m"] - 0.1
    assert blurred["pairs.side.score"] == pytest.approx(clear["pairs.side.score"])
    assert blurred["pairs.side.joint"] == clear["pairs.side.joint"]  # so no sign of being stuck


def test_score_falls_where_the_likeliest_category_changes_however_little(halves):
    """Q gives a half of the images 0.5 ± ε: the copy's category is another in half of them."""
    model, images = halves
    images = torch.cat([images, torch.full_like(images, 128)])
    out = pairs(model, images, AugmentConfig(), 0)
    assert out["pairs.side.agreement"] < 0.9
    assert out["pairs.side.score"] < 0.7


def P_of(rows):
    P = torch.tensor(rows, dtype=torch.float64)
    return P / P.sum()


def test_nothing_is_said_of_equal_categories_that_keep_apart():
    assert stuck("digit", P_of((torch.eye(10) * 0.97 + 0.003).tolist())) == []


def test_two_kinds_in_one_category_and_one_kind_in_two():
    """Of four kinds one category holds two, and two categories halve one."""
    P = P_of([[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.3, 0.2], [0, 0, 0.2, 0.3]])
    said = stuck("kind", P)
    assert said[0].startswith("kind 0 holds 2.0 times its share")
    assert said[1].startswith("kind 2 and 3 share a kind: the copy changes sides in 40%")
    assert len(said) == 2


def test_a_kind_that_is_spread_over_two_categories_is_named():
    """Three categories of equal use; an eighth of the second one's pairs cross to the third."""
    P = P_of([[8, 0, 0], [0, 7, 1], [0, 1, 7]])
    assert stuck("kind", P) == [
        "kind 1 and 2 share a kind: the copy changes sides in 12% of the smaller one's pairs"
    ]
    assert stuck("kind", P_of([[8, 0, 0], [0, 7.3, 0.7], [0, 0.7, 7.3]])) == []


def test_an_unused_category_is_named_and_divides_by_nothing():
    said = stuck("kind", P_of([[1, 0, 0], [0, 1, 0], [0, 0, 0]]))
    assert [s for s in said if "hardly used" in s] == [
        "kind 2 holds 0.00 of its share: hardly used"
    ]


def test_real_images_that_are_not_as_the_prior_says(halves):
    """Three of four images are of the one category."""
    model, images = halves
    images = torch.cat([images[::2], images[::2], images[::2], images[1::2]])
    out = pairs(model, images, NONE, 0)
    assert out["pairs.side.prior"] == [0.5, 0.5]
    assert out["pairs.side.tv"] == pytest.approx(0.25)
    assert any("P(c) is not what real images are" in sentence for sentence in in_words(out))
    model.prior = model.prior.moved({"side": torch.tensor([0.75, 0.25])})
    out = pairs(model, images, NONE, 0)
    assert out["pairs.side.tv"] == pytest.approx(0, abs=1e-6)
    assert out["pairs.side.score"] == pytest.approx(1, rel=1e-4)
    assert len(in_words(out)) == 1


def test_a_kind_that_copies_hardly_show_to_be_spread_is_named_where_look_alikes_do():
    """0.08 of copies and 0.16 of look-alikes: 0.12 of both, and not 0.08 of either."""
    P, near = P_of([[0.92, 0.08], [0.08, 0.92]]), P_of([[0.84, 0.16], [0.16, 0.84]])
    assert stuck("kind", P) == []
    assert crossing(P, near)[0, 1] == pytest.approx(0.12)
    assert stuck("kind", P, alike=near) == [
        "kind 0 and 1 share a kind: copies and look-alikes change sides in 12% of the smaller "
        "one's pairs"
    ]
    assert stuck("kind", P, alike=P) == []


def test_look_alikes_are_looked_at_where_the_run_learns_from_them_and_there_are_enough(halves):
    """Two kinds, and Q tells them; then a category that is of noise alone: the copy, as it is not
    changed here, keeps it, and of look-alikes a half."""
    model, images = halves
    settings = replace(NONE, neighbours_until=1)
    both = torch.eye(2) / 2
    assert torch.equal(of_look_alikes(pairs(model, images, settings, 0), "side"), both)
    assert of_look_alikes(pairs(model, images, NONE, 0), "side") is None
    assert of_look_alikes(pairs(model, images[:99], settings, 0), "side") is None
    noise = torch.randint(0, 60, images.shape, generator=torch.Generator().manual_seed(0))
    noisy = pairs(model, noise.to(torch.uint8), settings, 0)
    assert torch.tensor(noisy["pairs.side.joint"])[0, 1] == 0
    found = of_look_alikes(noisy, "side")
    assert found.sum() == pytest.approx(1)
    assert 0.15 < found[0, 1] < 0.3  # chance is a quarter; its standard error 0.02
    assert any("copies and look-alikes" in sentence for sentence in in_words(noisy))


def test_what_a_few_images_show_by_chance_is_no_sign():
    """Sixty images of ten even kinds: shares of 0.4 to 1.8, and total variation of 0.15, are usual.
    As many of a thousand times more are signs."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        k = torch.randint(10, (60,), generator=generator)
        P = torch.diag(torch.bincount(k, minlength=10) / 60)
        one, other = k[0], (k[0] + 1) % 10  # one copy that changes sides
        P[one, one] -= 1 / 60
        P[one, other] = P[other, one] = 1 / 120
        metrics = {
            "pairs.kind.joint": P.tolist(), "pairs.kind.I": 2.0, "pairs.kind.score": 0.8,
            "pairs.kind.agreement": 0.98, "pairs.kind.prior": [0.1] * 10, "pairs.kind.n": 60,
            "pairs.kind.tv": float((P.sum(1) - 0.1).abs().sum() / 2),
        }  # fmt: skip
        assert len(in_words(metrics)) == 1
        assert len(in_words(metrics | {"pairs.kind.n": 60_000})) > 1
    assert stuck("kind", torch.tensor([[0.5, 0.1], [0.1, 0.3]]), n=60)  # too much for chance
