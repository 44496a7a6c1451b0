"""Codes matched to true factors: 1 for a code that is a factor, 0 for an independent one."""

import pytest
import torch
from torch.distributions import Independent, Normal

from infogan.data import Dataset, Factors
from infogan.metrics import as_text, evaluate, headline
from infogan.metrics.evaluation import Budget
from infogan.metrics.matched import continuous_factors, in_words, matched
from infogan.prior import Prior

N = 4000


class Reader:
    """A model whose Q reads u = f(factors) exactly."""

    def __init__(self, prior, reads):
        self.prior, self.reads = Prior.parse(prior), reads

    def infer(self, images):
        u = self.reads(images.flatten(1))
        sizes = [code.d for code in self.prior.continuous]
        return {
            code.name: Independent(Normal(part, torch.ones_like(part)), 1)
            for code, part in zip(self.prior.continuous, u.split(sizes, 1))
        }


@pytest.fixture
def sheet():
    ab = torch.rand(N, 2, generator=torch.Generator().manual_seed(0))
    kind = torch.randint(3, (N, 1), generator=torch.Generator().manual_seed(1))
    factors = Factors(("kind", "a", "b"), (3, 0, 0), torch.cat([kind.float(), ab], 1))
    return Dataset("sheet", "test", ab[:, :, None, None], factors=factors, columns=("a", "b"))


def test_only_continuous_factors_count(sheet):
    assert continuous_factors(sheet) == {"a": 1, "b": 2}
    assert continuous_factors(Dataset("none", "test", sheet.images)) == {}


@pytest.mark.parametrize("codes", ["2u", "u2", "u + g"])
def test_codes_that_are_the_factors_score_1_in_any_order_and_direction(sheet, codes):
    reads = lambda ab: torch.stack([-ab[:, 1].exp(), ab[:, 0] ** 3], 1)  # noqa: E731
    model = Reader(codes, reads)
    out = matched(model, sheet)
    first, second = (name for code in model.prior for name in code.coordinates)
    assert out["matched.a.rho"] == out["matched.b.rho"] == out["matched.rho"] == pytest.approx(1)
    assert out["matched.a.code"] == second
    assert out[f"matched.b.{first}.rho"] == pytest.approx(-1)
    assert abs(out[f"matched.a.{first}.rho"]) < 0.06  # 4 standard errors
    assert in_words(out)[0] == f"{second} follows a, |ρ| = 1.000"


def test_a_turned_frame_scores_less_and_an_independent_one_nothing(sheet):
    turned = matched(Reader("2u", lambda ab: ab @ torch.tensor([[1.0, -1], [1, 1]])), sheet)
    # corr(a, a + b) = 1/√2, a little less in ranks
    assert 0.6 < turned["matched.rho"] < 0.75
    g = torch.Generator().manual_seed(5)
    nothing = matched(Reader("2u", lambda ab: torch.rand(N, 2, generator=g)), sheet)
    assert nothing["matched.rho"] < 0.06


def test_one_code_is_matched_to_the_factor_that_it_follows(sheet):
    out = matched(Reader("u", lambda ab: ab[:, 1:]), sheet)
    assert out["matched.b.code"] == "u"
    assert "matched.a.code" not in out
    assert out["matched.rho"] == pytest.approx(1)
    assert headline(out) == "1 of 2 true factors followed: |ρ| ≥ 1.000, matched one-to-one"


def test_evaluate_has_them_with_their_protocol():
    from infogan.config import NetConfig
    from infogan.data import load
    from infogan.model import InfoGAN

    net = NetConfig(kind="mlp", widths=(8,), norm="none", output="linear")
    test = load("swissroll", "test")
    metrics = evaluate(InfoGAN("2u", (3, 1, 1), net).eval(), test, Budget(fakes=100))
    text = as_text(metrics)
    assert "matched one-to-one" in text
    assert f"matched.rho {metrics['matched.rho']:20.4f}".split() == next(
        line.split() for line in text.splitlines() if line.strip().startswith("matched.rho")
    )
    assert headline(metrics).startswith("true factors followed: |ρ| ≥")
    assert not any(key.startswith(("meaning", "reading", "pairs")) for key in metrics)
