"""Which categories are one thing: a tree of them, and where to cut it. No label, no number of
classes: beyond the paper.

Formulas as they stand, on P (K, K): the joint of the categories of an image and of its look-alike,
symmetric, sum 1. r is its marginal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from infogan.groups import Groups

FLOOR = 0.01  # of mixing; groups that mix less are apart, and how far says nothing more
CLEAR = 2.0  # times that mixing must drop for a line to be seen
STEPS = 50  # of Lloyd's at most; digits take about ten


@dataclass(frozen=True)
class Merge:
    """Two nodes of the tree become one: node K + m for merge m, the categories being 0 … K-1.

    Args:
        a: The one node.
        b: The other.
        s: How far the two mixed, as `mixing` says.
    """

    a: int
    b: int
    s: float


@dataclass(frozen=True)
class Cut:
    """Where the tree is cut.

    Args:
        merges: How many merges are made.
        above: The mixing of the last of them, or inside a category where there is none.
        below: The mixing of the first that is not made; `FLOOR` where all are made.
    """

    merges: int
    above: float
    below: float

    @property
    def clear(self) -> bool:
        """Whether there is a line at all."""
        return self.above >= CLEAR * self.below


def mixing(P: Tensor) -> Tensor:
    """How far any two categories mix, as a share of what two halves of one would by chance.

    s_kl = P_kl (r_k + r_l) / (r_k r_l)

    Where pairs that begin in k or l stay there, and the one image says nothing more of the other, a
    part r_k r_l/(r_k + r_l) of all pairs goes from k to l: then s = 1. Where none crosses, s = 0.
    It does not depend on how large the two are, or on what else there is. Of m equal parts of one
    thing, split by chance, any two have s = 2/m; pairs that cross more often than not reach 2.

    Returns:
        (K, K), symmetric, 0 on the diagonal and where a category is empty.
    """
    r = P.sum(1)
    product = r[:, None] * r
    s = P * (r[:, None] + r) / product.clamp_min(torch.finfo(P.dtype).tiny)
    return s.fill_diagonal_(0)


def tree(P: Tensor) -> list[Merge]:
    """Merge, K-1 times, the two that mix most; P of what results is exact, sums of rows.

    Args:
        P: (K, K).
    """
    k = len(P)
    nodes, merges = list(range(k)), list[Merge]()
    while len(nodes) > 1:
        s = mixing(P)
        s[torch.ones_like(s).tril().bool()] = -1  # each pair once, the first where two are equal
        a, b = divmod(int(s.argmax()), len(P))
        merges.append(Merge(nodes[a], nodes[b], s[a, b].item()))
        nodes[a] = k + len(merges) - 1
        del nodes[b]
        into = torch.arange(len(P))
        into[b], into[b + 1 :] = a, into[b + 1 :] - 1
        P = merged(P, into)
    return merges


def merged(P: Tensor, into: Tensor) -> Tensor:
    """The joint of the groups, from that of the categories and the group of each (K,)."""
    n = int(into.max()) + 1
    rows: Tensor = P.new_zeros(n, len(P)).index_add_(0, into, P)
    both: Tensor = P.new_zeros(n, n).index_add_(1, into, rows)
    return both


def cut(merges: Sequence[Merge], inside: float) -> Cut:
    """Where the mixing drops most, as a ratio.

    h_0 = inside,   h_m = min(h_{m-1}, s_m),   m* = argmax_m h_m / h_{m+1},   m = 0 … K-2

    Along the tree the categories of one thing are merged first, at a mixing like that inside a
    category, and then things, at a much smaller one. The drop between is looked for, wherever it
    is, and not a mixing that would have to suit all data. It supposes that there is such a drop:
    that what parts two things is more than what parts any two categories of one. Below `FLOOR` all
    are equally apart. That all categories are one thing is never the answer.

    Args:
        merges: As `tree` gives them, K-1 of them.
        inside: The mixing of two halves of a category.
    """
    h = [max(inside, FLOOR)]
    for merge in merges:
        h.append(max(min(h[-1], merge.s), FLOOR))
    m = max(range(len(merges)), key=lambda i: h[i] / h[i + 1])
    return Cut(m, h[m], h[m + 1])


def partition(merges: Sequence[Merge], m: int) -> Groups:
    """The groups after the first m merges of a tree."""
    k = len(merges) + 1
    sets = {node: {node} for node in range(k)}
    for i, merge in enumerate(merges[:m]):
        sets[k + i] = sets.pop(merge.a) | sets.pop(merge.b)
    return Groups.of_sets(sets.values(), k)


def halves(f: Tensor) -> Tensor:
    """Two halves of a set of points by 2-means: (n,) of 0 and 1.

    Lloyd's iteration from the cut through the mean across the largest principal axis, so that
    nothing is drawn.

    Args:
        f: (n, d), n >= 2.
    """
    c = f - f.mean(0)
    axis = torch.linalg.eigh(c.T @ c).eigenvectors[:, -1]  # (d,)
    half: Tensor = (c @ axis > 0).long()
    for _ in range(STEPS):
        if half.min() == half.max():  # all points are one
            return half
        means = torch.stack([f[half == i].mean(0) for i in (0, 1)])
        before, half = half, torch.cdist(f, means).argmin(1)
        if torch.equal(before, half):
            break
    return half
