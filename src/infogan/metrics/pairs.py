"""What pairs of a held-out image and an augmented copy say of the categories, without labels."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.codes import probs
from infogan.config import AugmentConfig
from infogan.data import augment, look_alikes_outside, to_float
from infogan.fitting import LOOK_ALIKE
from infogan.model import InfoGAN
from infogan.pairs import joint, overlap, pair_information
from infogan.votes import SHARED

CROSSED = 0.09  # of copies and look-alikes: up to 0.077 in short runs that went well, 0.105 to 0.21
# in stuck ones; of copies alone (`votes.SHARED`) 0.089 and 0.092, so that these do not tell
CROWDED, EMPTY = 1.5, 0.5  # of a category's share under P(c): two kinds in one, or hardly used
APART = 0.1  # total variation of P(c) and real images; MNIST's ten digits and 1/10: 0.02
SURE = 4.0  # standard errors, by how many images there are: less may be chance, and is no sign
EVEN = 2.0  # weight in I_m of how far the categories' use is from P(c): 2 (m − 1) at m = 2
CHUNK = 2000  # images augmented at once
COMPARED = 10_000  # images at most whose look-alikes are found, among themselves


def pairs(model: InfoGAN, images: Tensor, settings: AugmentConfig, seed: int) -> dict[str, Any]:
    """How well each categorical code's categories hold together on real images; no label.

    pairs.CODE.I         = Σ_kl P_kl ln(P_kl / (r_k r_l)), nats, P = E[Q(k|x) Q(l|x')], the joint
                           of an image and its copy, r its marginal; at most H(r) ≤ ln K
    pairs.CODE.I_m       = I − 2 KL(r ‖ P(c)), nats: for uniform P(c) `infogan.pairs`' I_m at m = 2
                           less 2 ln K. I alone holds little against two kinds in one category; the
                           second term asks that categories are used as P(c) says
    pairs.CODE.score     = the same of the likeliest categories, argmax Q, over H(c): ranks runs, 1
                           at best. How sure Q is does not count: votes make it less so, rightly
    pairs.CODE.agreement = share of images whose copy has the same argmax
    pairs.CODE.joint     = P (K, K) of the likeliest categories: of how many images the copy changes
                           sides, which `stuck` looks at
    pairs.CODE.alike     = the same of an image and the one that looks most like it (by the pixels,
                           `data.look_alikes_outside`), where the run learns from look-alikes and
                           there are at least 100 images
    pairs.CODE.n         = how many images
    pairs.CODE.prior     = P(c) (K,), and pairs.CODE.tv = ½ Σ_k |r_k − P(k)|, how far real images
                           are from it

    Args:
        model: Trained.
        images: (N, C, H, W) bytes, held out.
        settings: The augmentations; all 0 leave every copy equal, and I says only how the
            categories are used.
        seed: Of the augmentations.
    """
    generator = torch.Generator().manual_seed(seed)
    q = model.infer(images)
    # a chunk at a time: all copies as floats would be four times the data set
    q_copies = [
        model.infer(augment(to_float(x), settings, generator)) for x in torch.split(images, CHUNK)
    ]
    looked = _look_alikes(images, settings, seed)
    out: dict[str, Any] = {}
    for code in model.prior.categorical:
        p = probs(q[code.name]).double().cpu()
        p_copy = torch.cat([probs(part[code.name]) for part in q_copies]).double().cpu()
        key = f"pairs.{code.name}"
        out[f"{key}.I"] = pair_information(p, p_copy).item()
        same = p.argmax(1) == p_copy.argmax(1)
        out[f"{key}.agreement"] = same.double().mean().item()
        r, pi = joint(p, p_copy).sum(1), code.probabilities.to(p)
        out[f"{key}.I_m"] = _even(p, p_copy, pi)
        k, k_copy = (F.one_hot(part.argmax(1), code.k).double() for part in (p, p_copy))
        out[f"{key}.score"] = _even(k, k_copy, pi) / code.entropy()
        out[f"{key}.joint"] = joint(k, k_copy).tolist()
        if looked:
            out[f"{key}.alike"] = joint(*(k[which] for which in looked)).tolist()
        out[f"{key}.n"] = len(images)
        out[f"{key}.prior"] = pi.tolist()
        out[f"{key}.tv"] = (r - pi).abs().sum().item() / 2
    return out


def _look_alikes(
    images: Tensor, settings: AugmentConfig, seed: int
) -> tuple[Tensor, Tensor] | None:
    """Some of the images, (n,), and for each the one of them that looks most like it."""
    if not settings.neighbours_until or len(images) < LOOK_ALIKE:
        return None
    some = torch.linspace(0, len(images) - 1, min(len(images), COMPARED)).long()
    each = torch.arange(len(some))
    near = look_alikes_outside(images, some, each, each, 1, seed, pattern=settings.patterns)
    return some, some[near[:, 0]]


def _even(p: Tensor, p_copy: Tensor, pi: Tensor) -> float:
    """I − 2 KL(r ‖ P(c)), in nats."""
    r = joint(p, p_copy).sum(1)
    off = torch.special.xlogy(r, r / pi).sum()  # KL(r ‖ P(c))
    return float(pair_information(p, p_copy) - EVEN * off)


def stuck(
    name: str,
    P: Tensor,
    prior: Tensor | None = None,
    alike: Tensor | None = None,
    n: float = math.inf,
) -> list[str]:
    """Signs that categories are no kinds of images, in words; [] where there is none.

    Category k holds r_k of the images, where P(c) gives it 1/K or what is said. Of two categories
    k, l the share `crossing` of pairs falls apart: between two kinds it is near 0, between two
    halves of one kind near a half, and between where a kind is spread over both. What a few images
    show by chance, less than four standard errors from P(c)'s share, or from half of the crossing
    that is a sign, is none.

    Args:
        name: The code's.
        P: The joint of its categories, (K, K), symmetric, sum 1.
        prior: P(c), (K,); None: uniform.
        alike: The joint of an image and its look-alike, (K, K); None: not looked at.
        n: Images that P is of.
    """
    r, K, parts = P.sum(1), len(P), crossing(P, alike)
    pair, most = "the copy changes", SHARED
    if alike is not None:
        pair, most = "copies and look-alikes change", CROSSED
    share = torch.full_like(r, 1 / K) if prior is None else prior.to(r)
    signs = []
    for k in range(K):
        times = (r[k] / share[k]).item()
        if abs(times - 1) < SURE * math.sqrt((1 / share[k].item() - 1) / n):
            continue
        if times > CROWDED:
            signs.append(
                f"{name} {k} holds {times:.1f} times its share of the images: two kinds may "
                "share it"
            )
        elif times < EMPTY:
            signs.append(f"{name} {k} holds {times:.2f} of its share: hardly used")
    for k in range(K):
        for other in range(k + 1, K):
            part, smaller = parts[k, other].item(), n * min(r[k].item(), r[other].item())
            usual = most / 2
            chance = SURE * math.sqrt(usual * (1 - usual) / max(smaller, 1e-9))
            if part > max(most, usual + chance):
                signs.append(
                    f"{name} {k} and {other} share a kind: {pair} sides in "
                    f"{part:.0%} of the smaller one's pairs"
                )
    return signs


def crossing(P: Tensor, alike: Tensor | None = None) -> Tensor:
    """P̄_kl / min(r_k, r_l), (K, K), with P̄ half of copies and half of look-alikes: copies alone
    hardly show where a kind is spread over many, look-alikes alone err where there are few."""
    return overlap(P if alike is None else (P + alike) / 2)


def of_look_alikes(metrics: Mapping[str, Any], name: str) -> Tensor | None:
    """A code's joint of images and their look-alikes, (K, K), where these were looked at."""
    found = metrics.get(f"pairs.{name}.alike")
    return None if found is None else torch.tensor(found)


def in_words(metrics: Mapping[str, Any]) -> list[str]:
    """One sentence on each code of `pairs`' numbers, and one on each sign of trouble."""
    said = []
    for key, P in metrics.items():
        if key.startswith("pairs.") and key.endswith(".joint"):
            name = key.split(".")[1]
            nats, score, agreement = (
                metrics[f"pairs.{name}.{what}"] for what in ("I", "score", "agreement")
            )
            prior = metrics.get(f"pairs.{name}.prior") or [1 / len(P)] * len(P)
            entropy = -sum(p * math.log(p) for p in prior)
            said.append(
                f"{name}: {nats:.2f} of {entropy:.2f} nats stay between a real image and "
                f"its copy (score {score:.3f}); {agreement:.1%} keep their category"
            )
            near, n = of_look_alikes(metrics, name), metrics.get(f"pairs.{name}.n", math.inf)
            said += stuck(name, torch.tensor(P), torch.tensor(prior), near, n)
            said += _disagree(name, metrics.get(f"pairs.{name}.tv", 0.0), prior, n)
    return said


def _disagree(name: str, tv: float, prior: Sequence[float], n: float) -> list[str]:
    # Σ_k E|r_k − P(k)| / 2 of n draws from P(c)
    chance = sum(math.sqrt(2 * p * (1 - p) / (math.pi * n)) for p in prior) / 2
    if tv <= APART + chance:
        return []
    return [
        f"{name}: P(c) is not what real images are: {tv:.0%} of them would have to change category "
        f"(total variation {tv:.2f}); with --codes '… + {name}:catK(learned) + …' P(c) is taken "
        "over from them"
    ]
