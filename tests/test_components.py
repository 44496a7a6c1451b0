"""Components within kinds: planted ones are found, levels are even, ends are agreed on."""

import pytest
import torch
import torch.nn.functional as F

from infogan.components import ends, levels, principal, within
from infogan.metrics.meaning import slant, width


@pytest.fixture
def planted():
    """1,000 vectors of three kinds far apart along one axis; within each they vary by 3 and by 2
    along two planted directions, by 0.5 along all others."""
    g = torch.Generator().manual_seed(0)
    kind = torch.randint(3, (1000,), generator=g)
    Q, _ = torch.linalg.qr(torch.randn(20, 20, dtype=torch.float64, generator=g))
    scales = torch.full((20,), 0.5, dtype=torch.float64)
    scales[:2] = torch.tensor([3.0, 2.0])
    h = (torch.randn(1000, 20, dtype=torch.float64, generator=g) * scales) @ Q.T
    return h + 10 * kind[:, None] * Q[:, 5], kind, Q


def test_planted_components_are_found_and_what_tells_the_kinds_is_not(planted):
    h, kind, Q = planted
    W = principal(h, kind, 2, seed=0)
    assert torch.allclose(W.T @ W, torch.eye(2, dtype=torch.float64), atol=1e-9)
    for i in (0, 1):
        assert abs(F.cosine_similarity(W[:, i], Q[:, i], dim=0)) > 0.99
    as_one_kind = principal(h, torch.zeros_like(kind), 1, seed=0)[:, 0]
    assert abs(F.cosine_similarity(as_one_kind, Q[:, 5], dim=0)) > 0.99


def test_they_are_the_eigenvectors_of_the_scatter_within(planted):
    h, kind, _ = planted
    left = within(h, kind)
    for k in range(3):
        torch.testing.assert_close(left[kind == k], h[kind == k] - h[kind == k].mean(0))
    _, vectors = torch.linalg.eigh(left.T @ left)
    W = principal(h, kind, 2, seed=1)
    for i in range(2):
        assert abs(W[:, i] @ vectors[:, -1 - i]).item() == pytest.approx(1, abs=1e-4)
    before = torch.get_rng_state()
    principal(h, kind, 2, seed=0)
    assert torch.equal(before, torch.get_rng_state())


def test_levels_are_even_in_every_kind_whatever_its_place_and_spread(planted):
    h, kind, _ = planted
    v = h[:, :2]
    found = levels(v, kind)
    for k in range(3):
        n = int((kind == k).sum())
        even = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        torch.testing.assert_close(found[kind == k].sort(0).values, even[:, None].expand(n, 2))
        order = v[kind == k, 0].argsort()
        assert (found[kind == k, 0][order].diff() > 0).all()
    moved = (v + 7 * kind[:, None]) * (1 + kind[:, None])
    torch.testing.assert_close(levels(moved, kind), found)
    assert levels(v[:1], kind[:1]).tolist() == [[0.5, 0.5]]


def test_up_is_the_end_that_leans_right_and_the_one_that_is_wider():
    """Bars of many slants, and crosses of many widths, in two kinds of unlike brightness."""
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    y, x = 13.5 - rows, columns - 13.5
    kind = torch.arange(60) % 2
    lean = torch.linspace(-0.7, 0.7, 60)
    bars = ((x - lean[:, None, None] * y).abs() < 2) & (y.abs() < 9)
    reach = torch.linspace(3, 11, 60)
    crosses = (x.abs() < 2) & (y.abs() < 9) | (y.abs() < 2) & (x.abs() < reach[:, None, None])
    for shapes, measure in ((bars, slant), (crosses, width)):
        images = shapes[:, None] * torch.where(kind == 0, 0.5, 1.0)[:, None, None, None]
        v = torch.stack([measure(images), -measure(images)], 1)
        assert ends(v, images, kind).tolist() == [1, -1]
