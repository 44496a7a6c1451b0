"""Groups of categories: what they are called, read by, drawn from."""

import pytest
import torch

from infogan.errors import InfoganError
from infogan.groups import Groups, from_card, to_card
from infogan.model import InfoGAN
from infogan.prior import Prior

PRIOR = Prior.parse("z2 + kind:cat5 + shade:cat3 + u")


def test_groups_are_numbered_as_their_first_categories_come():
    groups = Groups.of_sets([[4, 2], [3], [1, 0]], 5)
    assert groups.of == (0, 0, 1, 2, 1)
    assert [groups.members(g) for g in range(groups.n)] == [(0, 1), (2, 4), (3,)]


@pytest.mark.parametrize("of", [(), (1, 0), (0, 2), (0, -1)])
def test_other_numbers_are_refused(of):
    with pytest.raises(InfoganError, match="numbered from 0"):
        Groups(of)


def test_a_groups_probability_is_the_sum_of_its_categories():
    """The likeliest group need not hold the likeliest category."""
    logits = torch.tensor([[0.4, 0.3, 0.3], [0.1, 0.9, 0.0]], dtype=torch.float64).log()
    q = Prior.parse("a:cat3").q(logits)["a"]
    p = Groups((0, 1, 1)).probs(q)
    torch.testing.assert_close(p, torch.tensor([[0.4, 0.6], [0.1, 0.9]], dtype=torch.float64))


@pytest.mark.parametrize("p", [(0.2,) * 5, (0.4, 0.01, 0.1, 0.1, 0.39)])
def test_a_group_draws_its_categories_as_often_as_they_are(p):
    """P(k|g) = P(k)/P(g), within four standard errors, and never a category of another group."""
    groups, n = Groups((0, 1, 0, 0, 1)), 30_000
    asked, p = torch.arange(n) % 2, torch.tensor(p, dtype=torch.float64)
    drawn = groups.draw(asked, p, torch.Generator().manual_seed(0))
    assert torch.equal(torch.tensor(groups.of)[drawn], asked)
    for group in range(2):
        members = list(groups.members(group))
        right = p[members] / p[members].sum()
        share = torch.bincount(drawn[asked == group], minlength=5)[members] / (n / 2)
        assert ((share - right).abs() < 4 * (right * (1 - right) / (n / 2)).sqrt()).all()


def test_a_model_draws_a_category_of_a_group_as_often_as_it_is():
    model = InfoGAN("z2 + kind:cat3(0.6, 0.01, 0.39)", (1, 8, 8))
    model.groups = {"kind": Groups((0, 0, 1))}
    _, c = model.draw(1_000, torch.Generator().manual_seed(0), {"kind_group": torch.tensor([0])})
    assert 0 < (c["kind"] == 1).sum() < 50  # 16 are expected of 1,000
    assert not (c["kind"] == 2).any()


def test_a_card_gives_the_same_groups_back():
    groups = {"kind": Groups((0, 1, 1, 0, 2)), "shade": Groups((0, 0, 1))}
    assert from_card(to_card(groups), PRIOR) == groups
    assert from_card({}, PRIOR) == {}


@pytest.mark.parametrize("card", [{"kind": [0, 1]}, {"u": [0, 1]}, {"dog": [0, 1, 1]}])
def test_a_card_of_another_prior_is_refused(card):
    with pytest.raises(InfoganError, match="groups of"):
        from_card(card, PRIOR)
