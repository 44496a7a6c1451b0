"""Are there more categories than things, or fewer? Told from where look-alikes fall, without
labels; where there are labels, they measure what the groups agree with."""

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.codes import probs
from infogan.groups import Groups
from infogan.merging import CLEAR, Merge, cut, halves, mixing, partition, tree
from infogan.metrics.clustering import clustering
from infogan.model import InfoGAN
from infogan.pairs import joint

LOOKED, ENOUGH = 10_000, 5_000  # images at most; where held-out ones are fewer, training ones too
NEAR = 10  # look-alikes of each
LEAST = 20  # images of a category, or of a half of one, to be halved
TWO = 0.2  # of the mixing of its quarters; a category whose halves mix less holds two kinds
CHUNK = 1_000  # images whose look-alikes are found at once


def groups(model: InfoGAN, held_out: Tensor, train: Tensor | None = None) -> dict[str, Any]:
    """Which categories are one thing, for each categorical code; no label.

    groups.CODE.merges   = the tree: K-1 merges [a, b, s] of nodes a and b, which mix to s
                           (`merging.mixing`); nodes 0 … K-1 are the categories, K + m is merge m
    groups.CODE.inside   = mixing of the two halves of each category; null where it has few images
    groups.CODE.quarters = the mean mixing of the two halves of each half
    groups.CODE.above    = mixing of the last merge of the proposal (the median of `inside` where
                           nothing is merged), and groups.CODE.below of the first merge beyond it
    groups.CODE.proposed = group of each category in the proposal: all apart where there is no line

    P is the joint of Q's categories of an image and of its 10 nearest by the trunk's features (the
    cosine), among images that training did not see where there are enough.

    Args:
        model: Trained.
        held_out: (N, C, H, W), N ≥ 2.
        train: The images that it learnt from.
    """
    x = held_out[:LOOKED]
    if train is not None and len(x) < ENOUGH:
        x = torch.cat([x, train[: ENOUGH - len(x)]])
    f = F.normalize(model.features(x).cpu(), dim=1)
    near, q = look_alikes(f), model.infer(x)
    out: dict[str, Any] = {}
    for code in model.prior.categorical:
        p = probs(q[code.name]).double().cpu()
        merges = tree(joint(p, p[near].mean(1)))
        inside, quarters = within(f, near, p.argmax(1), code.k)
        found = sorted(s for s in inside if s is not None)
        where = cut(merges, found[len(found) // 2] if found else 1.0)
        key = f"groups.{code.name}"
        out |= {
            f"{key}.merges": [[merge.a, merge.b, merge.s] for merge in merges],
            f"{key}.inside": inside,
            f"{key}.quarters": quarters,
            f"{key}.above": where.above,
            f"{key}.below": where.below,
            f"{key}.proposed": list(partition(merges, where.merges * where.clear).of),
        }
    return out


def look_alikes(f: Tensor) -> Tensor:
    """The 10 nearest of each, (n, 10): which they are, never itself; fewer where n is small.

    Args:
        f: Features of length 1, (n, d).
    """
    k, nearest = min(NEAR, len(f) - 1), []
    for rows in torch.split(torch.arange(len(f)), CHUNK):
        likeness = f[rows] @ f.T
        likeness[torch.arange(len(rows)), rows] = -torch.inf
        nearest.append(likeness.topk(k, 1).indices)
    return torch.cat(nearest)


def within(
    f: Tensor, near: Tensor, category: Tensor, k: int
) -> tuple[list[float | None], list[float | None]]:
    """For each category the mixing of its two halves, and the mean of that of their halves.

    Args:
        f: Features (n, d).
        near: Look-alikes (n, 10).
        category: Of each image, (n,).
        k: How many categories there are.
    """
    inside: list[float | None] = []
    quarters: list[float | None] = []
    for number in range(k):
        s, parts = _halved(f, near, (category == number).nonzero()[:, 0])
        finer = [each for each in (_halved(f, near, part)[0] for part in parts) if each is not None]
        inside.append(s)
        quarters.append(sum(finer) / 2 if len(finer) == 2 else None)
    return inside, quarters


def _halved(f: Tensor, near: Tensor, members: Tensor) -> tuple[float | None, list[Tensor]]:
    """The mixing of two halves of some images, by look-alikes that are among them; the halves."""
    if len(members) < LEAST:
        return None, []
    half = halves(f[members])
    place = torch.full((len(f),), -1)
    place[members] = half
    other = place[near[members]]  # (m, 10)
    counts = [[((half == i)[:, None] & (other == j)).sum() for j in (0, 1)] for i in (0, 1)]
    P = torch.tensor(counts, dtype=torch.float64)
    if P.sum() == 0:
        return None, []
    P = (P + P.T) / (2 * P.sum())
    return mixing(P)[0, 1].item(), [members[half == i] for i in (0, 1)]


def proposal(metrics: Mapping[str, Any], name: str, n: int | None = None) -> Groups:
    """The groups that a code's tree proposes, or those of its tree that are n."""
    if n is None:
        return Groups(tuple(metrics[f"groups.{name}.proposed"]))
    merges = merges_of(metrics, name)
    return partition(merges, len(merges) + 1 - n)


def shown(metrics: Mapping[str, Any], name: str) -> tuple[Groups, bool]:
    """A code's groups as they are now: those that were accepted, else the proposal; and whether
    they were accepted."""
    accepted = metrics.get(f"groups.{name}.accepted")
    return Groups(tuple(accepted)) if accepted else proposal(metrics, name), accepted is not None


def agreement(found: Groups, labels: Tensor, p: Tensor) -> dict[str, Any]:
    """`clustering` of the groups, the likeliest of each image by Q(g|x) = Σ_{k in g} Q(k|x).

    Args:
        found: Of a code.
        labels: (n,) only to measure.
        p: Q's categories, (n, K).
    """
    group = found.sums(p).argmax(1)
    of_groups = clustering(labels.numpy(), group.cpu().numpy(), found.n)
    return {key.replace("clustering", "groups"): value for key, value in of_groups.items()}


def crowded(metrics: Mapping[str, Any], name: str) -> list[int]:
    """Categories that seem to hold two kinds: their halves mix far less than the halves of these.

    s_k < s̄_k / 5, and nearer (as a ratio) to the mixing of things than to that of categories of one
    thing, where the tree has such a line: a kind of seven with a bar is no other thing.
    """
    at = line(metrics, name)
    sides = zip(metrics[f"groups.{name}.inside"], metrics[f"groups.{name}.quarters"])
    return [
        k
        for k, (s, finer) in enumerate(sides)
        if s is not None and finer is not None and s < min(TWO * finer, at or math.inf)
    ]


def line(metrics: Mapping[str, Any], name: str) -> float | None:
    """The mixing between that of one thing's categories and that of things; None: there is none."""
    above, below = metrics[f"groups.{name}.above"], metrics[f"groups.{name}.below"]
    return math.sqrt(above * below) if above >= CLEAR * below else None


def merges_of(metrics: Mapping[str, Any], name: str) -> list[Merge]:
    """A code's tree."""
    return [Merge(*merge) for merge in metrics[f"groups.{name}.merges"]]


def warnings(metrics: Mapping[str, Any]) -> dict[str, str]:
    """What to do about categories that hold two kinds, and what shows it, for each code."""
    said = {}
    for name in names(metrics):
        inside, quarters = (metrics[f"groups.{name}.{what}"] for what in ("inside", "quarters"))
        full = crowded(metrics, name)
        if full:
            shows = ", ".join(f"{k} ({inside[k]:.3f}, {quarters[k]:.2f})" for k in full)
            more = len(inside) + max(len(full), len(inside) // 2)
            said[f"crowded {name}"] = (
                f"{name} has categories that hold two kinds each: {shows}; in brackets how far its "
                "two halves mix, and how far the halves of these; give more categories, e.g. "
                f"{name}:cat{more}, and merge what is one thing"
            )
    return said


def in_words(metrics: Mapping[str, Any]) -> list[str]:
    """What the tree of each code says, in sentences."""
    said = []
    for name in names(metrics):
        above, below, k = (
            metrics[f"groups.{name}.{what}"] for what in ("above", "below", "inside")
        )
        found = proposal(metrics, name)
        ratio = f"{above / below:.1f} times less"
        if line(metrics, name) is None:
            said.append(
                f"{name}: no line between categories of one thing and things: from one merge to "
                f"the next the mixing drops by at most {above / below:.1f}; none is proposed"
            )
        elif found.n == len(k):
            said.append(
                f"{name}: nothing to merge: no two categories mix beyond {below:.3f}, {ratio} than "
                f"the halves of one ({above:.3f})"
            )
        else:
            said.append(
                f"{name}: its {len(k)} categories are {found.n} things: {_sets(found)}; among "
                f"look-alikes those of one thing mix to at least {above:.3f} of what chance would, "
                f"and things to at most {below:.3f}, {ratio}"
            )
        accepted, is_so = shown(metrics, name)
        if is_so:
            said.append(f"{name}: accepted are {accepted.n} groups: {_sets(accepted)}")
    return said + list(warnings(metrics).values())


def _sets(found: Groups) -> str:
    """`0: 2 7, 1: 4, …`, the categories of each group."""
    each = (f"{g}: {' '.join(map(str, found.members(g)))}" for g in range(found.n))
    return ", ".join(each)


def names(metrics: Mapping[str, Any]) -> list[str]:
    """The codes that there are trees of."""
    return [
        key.split(".")[1]
        for key in metrics
        if key.startswith("groups.") and key.endswith(".merges")
    ]
