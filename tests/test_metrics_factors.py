"""Which factor a code follows: known for models that read one factor, and none for a blind one."""

import pytest
import torch
from pixel_readers import pixel_reader

from infogan.config import NetConfig
from infogan.data import Dataset, Factors
from infogan.metrics import as_text, evaluate
from infogan.metrics.evaluation import Budget
from infogan.metrics.factors import factors, in_words
from infogan.model import InfoGAN


@pytest.fixture
def seen():
    """Images of two pixels, whose bytes are the factors "left" (5 values) and "right" (9)."""
    g = torch.Generator().manual_seed(0)
    values = torch.stack([torch.randint(k, (3000,), generator=g) for k in (5, 9)], 1)
    images = (values * 20).byte().reshape(-1, 1, 1, 2)
    return Dataset("Dots", "test", images, factors=Factors(("left", "right"), (5, 9), values))


@pytest.fixture
def reader():
    """A model whose `kind` is the left pixel and whose `u` the right one."""
    return pixel_reader()


def test_a_code_that_reads_one_factor_follows_it(reader, seen):
    out = factors(reader, seen)
    assert out["factors.kind.left.nmi"] == pytest.approx(1)
    assert out["factors.kind.right.nmi"] < 0.01
    assert out["factors.u.right.rho"] == pytest.approx(-1)
    assert abs(out["factors.u.left.rho"]) < 0.06
    assert out["factors.kind.best"] == "left"
    assert in_words(out) == ["kind follows left (NMI 1.00)", "u follows right (ρ = -1.00)"]


def test_a_continuous_factor_has_no_categories(reader, seen):
    height = Factors(("left", "height"), (5, 0), seen.factors.values.float() + 0.5)
    data = Dataset("Dots", "test", seen.images, factors=height)
    out = factors(reader, data)
    assert "factors.kind.height.nmi" not in out
    assert out["factors.u.height.rho"] == pytest.approx(-1)


def test_evaluation_measures_factors_where_there_are_some(reader, seen):
    model = InfoGAN("z2 + kind:cat5 + u", (1, 1, 2), NetConfig(kind="mlp", widths=(3,)))
    small = Budget(fakes=20, per_category=5)
    out = evaluate(model, seen, small)
    assert "true factors only to measure" in out["protocol.factors"]
    assert "kind follows" in as_text(out)
    plain = Dataset("Dots", "test", seen.images)
    assert "protocol.factors" not in evaluate(model, plain, small)
