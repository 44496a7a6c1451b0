"""Metrics on data whose answer is known: 1 on a perfect code, about 0 on an independent one."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn import metrics as sk

from infogan.config import NetConfig
from infogan.data import Dataset
from infogan.errors import InfoganError
from infogan.metrics import (
    as_text,
    clustering,
    evaluate,
    headline,
    information,
    meaning,
    overfitting,
    reading,
)
from infogan.metrics.clustering import ari, class_names, confusion, match, nmi
from infogan.metrics.evaluation import Budget
from infogan.metrics.meaning import in_words, slant, spearman, thickness, width
from infogan.metrics.overfitting import in_words as overfitting_in_words
from infogan.model import InfoGAN

# -- clustering -----------------------------------------------------------------------------------


def test_a_perfect_clustering_is_1_whatever_the_names():
    labels = np.repeat(np.arange(10), 50)
    renamed = np.random.default_rng(0).permutation(10)[labels]
    out = clustering(labels, renamed, 10)
    for name in ("accuracy", "accuracy_many", "nmi", "ari"):
        assert out[f"clustering.{name}"] == pytest.approx(1)
    assert all(renamed[labels == i][0] == j for j, i in out["clustering.matching"].items())


def test_nmi_and_ari_are_sklearns():
    rng = np.random.default_rng(0)
    a = rng.integers(7, size=2000)
    unlike, near = rng.integers(4, size=2000), a + rng.integers(2, size=2000)
    every = np.arange(2000)
    for b in (a, rng.permutation(7)[a], a // 2, near, unlike, every, 0 * a):
        table = confusion(a, b, 2000)
        assert nmi(table) == pytest.approx(sk.normalized_mutual_info_score(a, b), abs=1e-9)
        assert ari(table) == pytest.approx(sk.adjusted_rand_score(a, b), abs=1e-9)
    assert nmi(confusion(0 * a, 0 * a, 1)) == 0
    assert ari(confusion(0 * a, 0 * a, 1)) == ari(confusion(every, every, 2000)) == 1


def test_an_independent_clustering_is_near_chance():
    rng = np.random.default_rng(0)
    labels, categories = rng.integers(10, size=(2, 20_000))
    out = clustering(labels, categories, 10)
    assert out["clustering.accuracy"] < 0.12
    assert abs(out["clustering.ari"]) < 0.002
    assert out["clustering.nmi"] < 0.002


def test_one_to_one_and_many_to_one_by_hand():
    """Two categories of class 0: many-to-one forgives it, one-to-one does not."""
    labels = [0, 0, 0, 0, 1, 1, 2, 2]
    categories = [0, 0, 0, 3, 1, 1, 1, 2]
    out = clustering(labels, categories, 4)
    assert out["clustering.confusion"] == [[3, 0, 0, 1], [0, 2, 0, 0], [0, 1, 1, 0]]
    assert out["clustering.accuracy"] == 6 / 8
    assert out["clustering.accuracy_many"] == 7 / 8
    assert out["clustering.matching"] == {0: 0, 1: 1, 2: 2}
    assert out["clustering.nmi"] == pytest.approx(
        sk.normalized_mutual_info_score(labels, categories)
    )


def test_matching_is_the_best_of_all():
    """A greedy match would take 10 first and end with 10; the best is 9 + 9."""
    assert match(np.array([[10, 9], [9, 0]])) == {1: 0, 0: 1}


def test_fewer_categories_than_classes():
    out = clustering([0, 1, 2, 2], [0, 1, 1, 1], 2)
    assert out["clustering.accuracy"] == 0.75
    assert confusion([0, 1, 2, 2], [0, 1, 1, 1], 2).shape == (3, 2)


def test_nothing_to_cluster_is_an_error():
    with pytest.raises(InfoganError, match="at least one image"):
        clustering([], [], 10)
    with pytest.raises(InfoganError, match="one label for each"):
        clustering([1, 2], [1], 10)


# -- factors of an image --------------------------------------------------------------------------


def bar(lean=0.0, breadth=4, height=20, size=40):
    """A bar whose centre moves `lean` pixels to the right per pixel upwards, four times finer."""
    fine = 4 * size
    y, x = torch.meshgrid(torch.arange(fine) + 0.5, torch.arange(fine) + 0.5, indexing="ij")
    y, x = (fine / 2 - y) / 4, (x - fine / 2) / 4
    ink = ((x - lean * y).abs() <= breadth / 2) & (y.abs() <= height / 2)
    return torch.nn.functional.avg_pool2d(ink.double()[None, None], 4)


@pytest.mark.parametrize("lean", [-0.4, 0.0, 0.25])
def test_slant_of_a_bar_is_its_lean(lean):
    assert slant(bar(lean)).item() == pytest.approx(lean, abs=0.01)


def test_slant_is_positive_where_the_digit_leans_right():
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 0, 3] = x[0, 0, 2, 2] = x[0, 0, 4, 1] = 1  # like /
    assert slant(x).item() == pytest.approx(0.5)


@pytest.mark.parametrize("lean", [0.0, 0.2, 0.4])
def test_width_has_the_slant_taken_out(lean):
    """A bar of breadth b has √(b²/12), however far it leans."""
    assert width(bar(lean, breadth=6)).item() == pytest.approx(math.sqrt(36 / 12), abs=0.05)


def test_thickness_of_a_long_bar_is_its_breadth():
    for b in (2, 4, 6):  # ink b·l over half of 2(b + l)
        expected = b * 30 / (b + 30)
        assert thickness(bar(breadth=b, height=30)).item() == pytest.approx(expected, rel=0.05)


def test_an_empty_image_has_no_factors():
    x = torch.zeros(1, 1, 8, 8)
    assert slant(x).isnan().item()
    assert width(x).isnan().item()
    assert thickness(x).isnan().item()


def test_spearman_is_scipys_ties_and_all():
    rng = np.random.default_rng(0)
    a = rng.integers(9, size=200).astype(float)
    for b in (rng.normal(size=200), a + rng.integers(9, size=200), a):
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_spearman_sees_order_only_and_leaves_out_what_is_not_a_number():
    a = np.linspace(-1, 1, 50)
    assert spearman(a, np.exp(3 * a)) == pytest.approx(1)
    assert spearman(a, -(a**3)) == pytest.approx(-1)
    assert spearman(a, np.zeros(50)) == 0
    b = a.copy()
    b[3] = np.nan
    assert spearman(a, b) == pytest.approx(1)
    assert abs(spearman(a, a**2)) < 0.05  # rounding breaks some ties


# -- a model whose codes mean something by construction --------------------------------------------


class Leaning(torch.nn.Module):
    """A bar that leans with u1 in category 0 and against it in category 1; u2 does nothing."""

    def forward(self, latent):
        sign = latent[:, 2] - latent[:, 3]
        return torch.cat(
            [bar(0.3 * s.item() * u.item(), size=20, height=12) for s, u in zip(sign, latent[:, 4])]
        ).float()


@pytest.fixture
def leaning():
    model = InfoGAN("z2 + kind:cat2 + 2u", (1, 20, 20), NetConfig(widths=(4, 4), fc=8)).eval()
    model.G = Leaning()
    return model


def test_meaning_tells_signed_from_absolute(leaning):
    out = meaning(leaning, n=60, seed=0)
    assert out["meaning.u1.slant.abs"] > 0.99
    assert abs(out["meaning.u1.slant.rho"]) < 0.01  # the two categories lean opposite ways
    by_category = out["meaning.u1.slant.by_category"]
    assert by_category[0] > 0.99
    assert by_category[1] < -0.99
    assert out["meaning.u2.slant.abs"] < 0.4  # 60 images: 3 standard errors of ρ = 0
    words = in_words(out)
    assert words[0].startswith("u1 follows slant, |ρ| = 1.00")
    assert "not the same way" in words[0]
    assert len(words) == 2


class Reader(torch.nn.Module):
    """Reads one category for all, u1 as the slant of a bar, u2 as nothing that it shows."""

    def forward(self, x):
        noise = torch.sin(1e4 * x.sum((1, 2, 3)))
        nothing = torch.zeros(len(x))
        return torch.stack([nothing + 1, nothing, slant(x).float(), nothing, noise, nothing], 1)


def test_reading_is_what_q_says_of_real_images(leaning):
    leaning.trunk, leaning.Q = Reader(), torch.nn.Identity()
    angles = torch.linspace(-0.3, 0.3, 40)
    images = torch.cat([bar(a.item(), size=20, height=12) for a in angles])
    out = reading(leaning, (255 * images).round().byte())
    # none in category 1, of which nothing can be said
    assert out["reading.u1.slant.by_category"] == [pytest.approx(1), None]
    assert out["reading.u1.slant.rho"] == pytest.approx(1)
    assert out["reading.u2.slant.abs"] < 0.5  # 40 images: 3 standard errors of ρ = 0
    words = in_words(out, "reading")
    assert (
        words[0]
        == "u1, read from real images, follows slant, ρ = 1.00, the same way in every category"
    )
    assert not reading(leaning, (255 * images[:9]).round().byte())  # nine of a category say nothing


def test_words_for_a_slider_that_leans_all_the_same_way():
    numbers = {
        f"meaning.tilt.{f}.{s}": 0.1
        for f in ("slant", "width", "thickness")
        for s in ("rho", "abs")
    }
    numbers |= {"meaning.tilt.slant.rho": -0.93, "meaning.tilt.slant.abs": 0.93}
    assert in_words(numbers) == ["tilt follows slant, ρ = -0.93, the same way in every category"]
    numbers |= {"meaning.tilt.slant.rho": 0.1, "meaning.tilt.slant.abs": 0.1}
    assert in_words(numbers)[0].startswith("tilt follows none of slant, width, thickness")


def test_information_of_an_untrained_model_is_no_more_than_there_is():
    model = InfoGAN("z2 + kind:cat4 + u + bern", (1, 8, 8), NetConfig(widths=(4, 8), fc=8)).eval()
    out = information(model, 2000, seed=0)
    assert out["information.kind.H"] == pytest.approx(math.log(4))
    assert out["information.kind.share"] == pytest.approx(out["information.kind.L_I"] / math.log(4))
    assert out["information.kind.L_I"] < 0.2
    assert out["information.u.R2"] < 0.2
    assert 0.25 <= out["information.kind.confidence"] <= 1


def test_evaluation_is_reproducible_and_says_how(leaning):
    g = torch.Generator().manual_seed(0)
    images = torch.randint(256, (30, 1, 20, 20), generator=g).byte()
    test = Dataset("Bars", "test", images, torch.arange(30) % 2)
    budget = Budget(fakes=50, per_category=20)
    one, two = evaluate(leaning, test, budget), evaluate(leaning, test, budget)
    assert one == two
    assert "Bars test, n = 30 real images" in one["protocol.clustering"]
    assert "50 fresh fakes" in one["protocol.information"]
    assert "20 per category" in one["protocol.meaning"]
    text = as_text(one)
    for family in ("information", "clustering", "meaning", "reading"):
        assert one[f"protocol.{family}"] in text
    assert "u1 follows slant" in text
    rows = [line.split() for line in text.splitlines() if line.strip()[:1].isdigit()]
    assert [row[1:] for row in rows if len(row) == 3][:2] == [
        [str(count) for count in row] for row in one["clustering.confusion"]
    ]
    assert headline(one).endswith("n = 30")
    unlabelled = evaluate(leaning, Dataset("Bars", "test", images), budget)
    assert "no accuracy" in headline(unlabelled)
    assert "clustering.accuracy" not in unlabelled
    assert unlabelled["clustering.confidence"] == one["clustering.confidence"]


# -- overfitting ----------------------------------------------------------------------------------


class Judge:
    """A D that knows some images, those that begin with a bright pixel, and is noisy."""

    def __init__(self, bonus):
        self.bonus, self.generator = bonus, torch.Generator().manual_seed(0)

    def discriminate(self, x):
        return torch.randn(len(x), generator=self.generator) + self.bonus * (x[:, 0, 0, 0] == 255)


def test_the_gap_is_what_D_gives_for_having_seen_an_image():
    train = torch.full((4000, 1, 2, 2), 255, dtype=torch.uint8)
    test = torch.zeros(2000, 1, 2, 2, dtype=torch.uint8)
    for bonus in (0.0, 1.0, 5.0):
        out = overfitting(Judge(bonus), train, test, 3000, 0)
        # the standard error of a difference of two means
        assert out["overfitting.gap"] == pytest.approx(bonus, abs=4 * (1 / 3000 + 1 / 2000) ** 0.5)
        words = overfitting_in_words(out["overfitting.gap"])
        assert ("as real as" in words, "knows its images by heart" in words) == (
            bonus == 0,
            bonus == 5,
        )
    assert "begins to know" in overfitting_in_words(1.0)


def test_classes_have_their_names_where_there_are_any():
    table = {"clustering.confusion": [[3, 0], [1, 5]]}
    assert class_names(table) == ["0", "1"]
    named = table | {"clustering.classes": ["cats", "dogs that are too long", "none of them here"]}
    assert class_names(named) == ["cats", "dogs that are t…"]
