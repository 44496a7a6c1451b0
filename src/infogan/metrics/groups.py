"""Are there more categories than things, or fewer? Told from where look-alikes fall, without
labels; where there are labels, they measure what the groups agree with."""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.codes import probs
from infogan.config import AugmentConfig
from infogan.data import augment, to_float
from infogan.errors import InfoganError
from infogan.groups import Groups
from infogan.merging import CLEAR, Merge, cut, halves, mixing, of_categories, partition, tree
from infogan.metrics.clustering import clustering
from infogan.model import InfoGAN
from infogan.pairs import joint
from infogan.votes import neighbours

LOOKED = 10_000  # images at most, held-out ones first
NEAR = 10  # look-alikes of each
LEAST = 20  # images of a category that is halved
SHOWN = 12  # held-out images of each leaf that the report shows
CHUNK = 1_000  # images that are augmented at once


def groups(
    model: InfoGAN,
    held_out: Tensor,
    settings: AugmentConfig,
    seed: int,
    train: Tensor | None = None,
) -> dict[str, Any]:
    """Which categories are one thing, and which hold two, for each categorical code; no label.

    groups.CODE.leaves   = the category of each leaf: two halves of each by 2-means of the trunk's
                           features, one where it has fewer than 20 images, none where none
    groups.CODE.sizes    = images of each leaf, and groups.CODE.examples: some held-out ones
    groups.CODE.merges   = the tree: merges [a, b, s] of nodes a and b, which mix to s
                           (`merging.mixing`); nodes 0 … L-1 are the leaves, L + m is merge m
    groups.CODE.above    = least mixing of the merges before the greatest drop (`merging.cut`)
    groups.CODE.below    = mixing of the first merge after it
    groups.CODE.things   = how many things there are at the drop
    groups.CODE.proposed = group of each category; all apart where the drop is no line
    groups.CODE.split    = the categories whose halves are different things, where there is a line
    groups.CODE.inside   = how far the two halves of each of these mix

    P is the joint of the leaves of an image and, each by half, of its augmented copy and of its 10
    nearest by the trunk's features (the cosine). Of vectors there are no copies.

    Args:
        model: Trained.
        held_out: (N, C, H, W), N ≥ 2.
        settings: The augmentations.
        seed: Of the augmentations.
        train: Images that it learnt from, looked at where there are fewer than 10,000 held out.
    """
    x = held_out[:LOOKED]
    if train is not None and len(x) < LOOKED:
        x = torch.cat([x, train[: LOOKED - len(x)]])
    generator = torch.Generator().manual_seed(seed)
    f, q = _read(model, x)
    # a chunk at a time: all copies as floats would be four times the images
    parts = [] if model.vectors else torch.split(x, CHUNK)
    copies = [_read(model, augment(to_float(part), settings, generator)) for part in parts]
    near = neighbours(f, torch.arange(len(f)), NEAR)
    out: dict[str, Any] = {}
    for code in model.prior.categorical:
        leaf, owner = halved(f, q[code.name], code.k)
        one = F.one_hot(leaf, len(owner)).double()  # (n, L)
        other = one[near].mean(1)
        if copies:
            means = one.T.to(f) @ f / one.sum(0).to(f)[:, None]  # (L, d)
            of_copies = [
                nearest(means, owner, f_copy, q_copy[code.name]) for f_copy, q_copy in copies
            ]
            other = (other + torch.cat(of_copies)) / 2
        of_tree = _told(joint(one, other), owner, one.sum(0).long().tolist(), code.k)
        first = [(leaf[: len(held_out)] == i).nonzero()[:SHOWN, 0] for i in range(len(owner))]
        of_tree["examples"] = [some.tolist() for some in first]
        out |= {f"groups.{code.name}.{what}": value for what, value in of_tree.items()}
    return out


def _read(model: InfoGAN, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The trunk's features of images, of length 1, and the category of each code."""
    h = model.features(x)
    q = model.infer_from(h)
    category = {code.name: probs(q[code.name]).argmax(1).cpu() for code in model.prior.categorical}
    return F.normalize(h.cpu(), dim=1), category


def _told(P: Tensor, owner: list[int], sizes: list[int], k: int) -> dict[str, Any]:
    """What `groups` gives of one code of k categories, but for the examples."""
    merges = tree(P)
    where = cut(merges)
    proposed, split = Groups(tuple(range(k))), dict[int, float]()
    if where and where.clear:
        things, s = partition(merges, where.merges), mixing(P)
        proposed = of_categories(things, owner, sizes, k)
        split = {
            owner[a]: s[a, b].item()
            for a, b in combinations(range(len(owner)), 2)
            if owner[a] == owner[b] and things.of[a] != things.of[b]
        }
    return {
        "leaves": owner,
        "sizes": sizes,
        "merges": [[merge.a, merge.b, merge.s] for merge in merges],
        "above": where.above if where else 1.0,
        "below": where.below if where else 1.0,
        "things": len(owner) - (where.merges if where else 0),
        "proposed": list(proposed.of),
        "split": list(split),
        "inside": list(split.values()),
    }


def halved(f: Tensor, category: Tensor, k: int) -> tuple[Tensor, list[int]]:
    """The leaf of each image, (n,), and the category of each leaf.

    Args:
        f: Features (n, d).
        category: Of each image, (n,).
        k: How many categories there are.
    """
    leaf, owner = torch.zeros(len(f), dtype=torch.int64), list[int]()
    for number in range(k):
        members = (category == number).nonzero()[:, 0]
        if len(members) == 0:
            continue
        half = halves(f[members]) if len(members) >= LEAST else torch.zeros_like(members)
        half = half - half.min()  # points that are one lie all in the other half
        leaf[members] = len(owner) + half
        owner += [number] * (int(half.max()) + 1)
    return leaf, owner


def nearest(means: Tensor, owner: list[int], f: Tensor, category: Tensor) -> Tensor:
    """The leaf of each of other images, one-hot (n, L): the nearest of those of its category.

    Args:
        means: Of the leaves' features (L, d).
        owner: The category of each leaf.
        f: Features (n, d).
        category: Of each image, (n,); where no leaf is of it, all leaves are looked at.
    """
    strange = torch.tensor(owner) != category[:, None]  # (n, L)
    distance = torch.cdist(f, means).masked_fill(strange & ~strange.all(1)[:, None], torch.inf)
    return F.one_hot(distance.argmin(1), len(means)).double()


def merges_of(metrics: Mapping[str, Any], name: str) -> list[Merge]:
    """A code's tree."""
    return [Merge(*merge) for merge in metrics[f"groups.{name}.merges"]]


def proposal(metrics: Mapping[str, Any], name: str, n: int | None = None) -> Groups:
    """The groups of a code's categories that its tree proposes.

    Args:
        metrics: As `groups` gives them.
        name: The code.
        n: Where the user knows how many: those after the fewest merges that leave so many which
            hold images; categories without one stay apart.

    Raises:
        InfoganError: the tree never has so many.
    """
    proposed = Groups(tuple(metrics[f"groups.{name}.proposed"]))
    if n is None:
        return proposed
    merges, k = merges_of(metrics, name), len(proposed.of)
    owner, sizes = metrics[f"groups.{name}.leaves"], metrics[f"groups.{name}.sizes"]
    for m in range(len(merges) + 1):
        found = of_categories(partition(merges, m), owner, sizes, k)
        if held(metrics, name, found) == n:
            return found
    raise InfoganError(
        f"{name}: {len(set(owner))} of its {k} categories hold an image, so that there are never "
        f"{n} groups; give at most {len(set(owner))}"
    )


def held(metrics: Mapping[str, Any], name: str, found: Groups) -> int:
    """How many of a code's groups hold an image: a category that holds none is a group of its own,
    and no thing."""
    return len({found.of[category] for category in metrics[f"groups.{name}.leaves"]})


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


def line(metrics: Mapping[str, Any], name: str) -> float | None:
    """The mixing between that of one thing's leaves and that of things; None: there is none."""
    above, below = metrics[f"groups.{name}.above"], metrics[f"groups.{name}.below"]
    return math.sqrt(above * below) if above >= CLEAR * below else None


def warnings(metrics: Mapping[str, Any]) -> dict[str, str]:
    """For each code what to do about categories that hold two things, and what shows it."""
    said = {}
    for name in names(metrics):
        split = metrics[f"groups.{name}.split"]
        if not split:
            continue
        things, k = metrics[f"groups.{name}.things"], len(metrics[f"groups.{name}.proposed"])
        sides = zip(split, metrics[f"groups.{name}.inside"])
        shows = ", ".join(f"{category} ({s:.3f})" for category, s in sides)
        many = f"{k} categories for {things} things" if k < things else "categories across things"
        said[f"split {name}"] = (
            f"{name} has {many}: these hold two each, which mix as far as in brackets, where "
            f"parts of one thing reach {metrics[f'groups.{name}.above']:.3f}: {shows}; train "
            f"with more categories, e.g. {name}:cat{2 * max(k, things)}, and merge them"
        )
    return said


def in_words(metrics: Mapping[str, Any]) -> list[str]:
    """What the tree of each code says, in sentences."""
    said = []
    for name in names(metrics):
        above, below, things = (
            metrics[f"groups.{name}.{what}"] for what in ("above", "below", "things")
        )
        found = proposal(metrics, name)
        k = len(found.of)
        drop = (
            f"copies and look-alikes mix any two parts of one thing to at least {above:.3f} of "
            f"what chance would, and things to at most {below:.3f}, {above / below:.1f} times less"
        )
        if line(metrics, name) is None:
            said.append(
                f"{name}: no line between parts of one thing and things: the mixing drops by at "
                f"most {above / below:.1f} times, at {things} things; nothing is proposed"
            )
        elif found.n == k:
            said.append(f"{name}: nothing to merge, its {k} categories are apart: {drop}")
        else:
            n, sets = held(metrics, name, found), _sets(metrics, name, found)
            said.append(f"{name}: {k} categories, {n} groups: {sets}; {drop}")
        accepted, is_so = shown(metrics, name)
        if is_so:
            n, sets = held(metrics, name, accepted), _sets(metrics, name, accepted)
            said.append(f"{name}: accepted are {n} groups: {sets}")
    return said + list(warnings(metrics).values())


def _sets(metrics: Mapping[str, Any], name: str, found: Groups) -> str:
    """`0: 2 7, 1: 4, …`, the categories of each group, and which hold no image."""
    used = set(metrics[f"groups.{name}.leaves"])
    each = [
        f"{g}: {' '.join(map(str, found.members(g)))}"
        for g in range(found.n)
        if not used.isdisjoint(found.members(g))
    ]
    empty = [str(k) for k in range(len(found.of)) if k not in used]
    return ", ".join(each) + (f" (no image has {', '.join(empty)})" if empty else "")


def names(metrics: Mapping[str, Any]) -> list[str]:
    """The codes that there are trees of."""
    return [
        key.split(".")[1]
        for key in metrics
        if key.startswith("groups.") and key.endswith(".merges")
    ]
