"""Which categories are one thing: a tree, and where to cut it. No label, no number of classes:
beyond the paper.

Formulas as they stand, on P (L, L): the joint of the leaves of an image and of one that is like it,
symmetric, sum 1; r is its marginal. The leaves are halves of categories.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from infogan.groups import Groups
from infogan.joining import joined

FLOOR = 0.01  # of mixing; groups that mix less are apart, and how far says nothing more
CLEAR = 2.0  # times that mixing must drop for a line to be seen
STEPS = 50  # of Lloyd's at most; digits take about ten


@dataclass(frozen=True)
class Merge:
    """Two nodes of the tree become one: node L + m for merge m, the leaves being 0 … L-1.

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
        merges: How many merges are made, at least one.
        above: The least mixing of those.
        below: The mixing of the first that is not made.
    """

    merges: int
    above: float
    below: float

    @property
    def clear(self) -> bool:
        """Whether there is a line at all."""
        return self.above >= CLEAR * self.below


def mixing(P: Tensor) -> Tensor:
    """How far any two leaves mix, as a share of what two halves of one thing would by chance.

    s_kl = P_kl (r_k + r_l) / (r_k r_l)

    Where pairs that begin in k or l stay there, and the one image says nothing more of the other, a
    part r_k r_l/(r_k + r_l) of all pairs goes from k to l: then s = 1. Where none crosses, s = 0.
    It does not depend on how large the two are, or on what else there is. Of m equal parts of one
    thing, split by chance, any two have s = 2/m; pairs that cross more often than not reach 2.

    Returns:
        (L, L), symmetric, 0 on the diagonal and where a leaf is empty.
    """
    r = P.sum(1)
    product = r[:, None] * r
    s = P * (r[:, None] + r) / product.clamp_min(torch.finfo(P.dtype).tiny)
    return s.fill_diagonal_(0)


def tree(P: Tensor) -> list[Merge]:
    """Merge, L-1 times, the two that mix most; P of what results is exact, sums of rows.

    Args:
        P: (L, L).
    """
    nodes, merges, leaves = list(range(len(P))), list[Merge](), len(P)
    while len(nodes) > 1:
        s = mixing(P)
        s[torch.ones_like(s).tril().bool()] = -1  # each pair once, the first where two are equal
        a, b = divmod(int(s.argmax()), len(P))
        merges.append(Merge(nodes[a], nodes[b], s[a, b].item()))
        nodes[a] = leaves + len(merges) - 1
        del nodes[b]
        into = np.arange(len(P))
        into[b], into[b + 1 :] = a, into[b + 1 :] - 1
        P = torch.from_numpy(joined(P.numpy(), into, len(P) - 1))
    return merges


def cut(merges: Sequence[Merge]) -> Cut | None:
    """Where the mixing drops most, as a ratio.

    h_m = min(h_{m-1}, s_m),   m* = argmax_m h_m / h_{m+1},   m = 1 … L-2

    Along the tree first the leaves of one thing are merged, then things, at a much smaller mixing.
    The drop between is looked for, wherever it is, and not a mixing that would have to suit all
    data. It supposes that there is one: that what parts two things is more than what parts any two
    leaves of one; and that some two leaves are one thing, as most halves of categories are. Below
    `FLOOR` all are equally apart. That all is one thing is never the answer.

    Args:
        merges: As `tree` gives them, L-1 of them.

    Returns:
        None of fewer than three leaves.
    """
    if len(merges) < 2:
        return None
    h = list[float]()
    for merge in merges:
        h.append(max(min([*h[-1:], merge.s]), FLOOR))
    m = max(range(1, len(merges)), key=lambda i: h[i - 1] / h[i])
    return Cut(m, h[m - 1], h[m])


def partition(merges: Sequence[Merge], m: int) -> Groups:
    """The things after the first m merges of a tree: groups of its leaves."""
    leaves = len(merges) + 1
    sets = {node: {node} for node in range(leaves)}
    for i, merge in enumerate(merges[:m]):
        sets[leaves + i] = sets.pop(merge.a) | sets.pop(merge.b)
    return Groups.of_sets(sets.values(), leaves)


def of_categories(things: Groups, owner: Sequence[int], sizes: Sequence[int], k: int) -> Groups:
    """The groups of k categories: each goes with the thing of its largest leaf.

    Args:
        things: Of the L leaves.
        owner: The category of each leaf, (L,); one that has none is a group of its own.
        sizes: Images of each leaf, (L,).
        k: How many categories there are.
    """
    thing = {category: -1 - category for category in range(k)}
    for leaf in sorted(range(len(owner)), key=lambda leaf: sizes[leaf]):
        thing[owner[leaf]] = things.of[leaf]
    sets: dict[int, set[int]] = {}
    for category in range(k):
        sets.setdefault(thing[category], set()).add(category)
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
