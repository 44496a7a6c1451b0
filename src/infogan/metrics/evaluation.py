"""All metrics of one model on the held-out split, each with its protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from infogan.codes import probs
from infogan.config import AugmentConfig
from infogan.data import Dataset
from infogan.metrics.clustering import class_names, clustering
from infogan.metrics.disentanglement import possible, scores
from infogan.metrics.factors import factors
from infogan.metrics.factors import in_words as factors_in_words
from infogan.metrics.groups import agreement, groups, held, names, shown
from infogan.metrics.groups import in_words as groups_in_words
from infogan.metrics.information import information
from infogan.metrics.matched import continuous_factors, matched
from infogan.metrics.matched import in_words as matched_in_words
from infogan.metrics.meaning import LEAST, meaning, reading
from infogan.metrics.meaning import in_words as meaning_in_words
from infogan.metrics.overfitting import in_words as overfitting_in_words
from infogan.metrics.overfitting import overfitting
from infogan.metrics.pairs import in_words as pairs_in_words
from infogan.metrics.pairs import pairs
from infogan.metrics.variance import in_words as variance_in_words
from infogan.metrics.variance import variance
from infogan.model import InfoGAN

FAMILIES = (
    "information", "variance", "clustering", "groups", "pairs", "factors", "disentanglement",
    "matched", "meaning", "reading", "overfitting",
)  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """How much is measured.

    Args:
        fakes: Images for L_I.
        pairs: Pairs of fakes for what each code makes of them.
        per_category: Images per category for what the continuous codes do.
        reals: Real images of each split at most, for D's judgement of them.
        seed: Of everything drawn.
    """

    fakes: int = 10_000
    pairs: int = 500
    per_category: int = 500
    reals: int = 5_000
    seed: int = 1_000_003


def evaluate(
    model: InfoGAN,
    test: Dataset,
    budget: Budget | None = None,
    augmentations: AugmentConfig | None = None,
    train: Tensor | None = None,
) -> dict[str, Any]:
    """Every number of `infogan evaluate`, flat: {"clustering.accuracy": 0.98, …}.

    `protocol.FAMILY` says on what, how many and how. Clustering needs labels and a categorical
    code (the first counts); what the continuous codes do needs true factors, or grey images with
    bright ink.

    Args:
        model: Trained.
        test: The held-out split.
        budget: How much is measured.
        augmentations: Of the pairs of real images, a run's own; the defaults where nothing is said.
        train: The images that it learnt from (N, C, H, W), to see whether D knows them by heart,
            and to look at categories with where few are held out.
    """
    budget = budget or Budget()
    out: dict[str, Any] = information(model, budget.fakes, budget.seed)
    out["protocol.information"] = (
        f"L_I in nats on {budget.fakes:,} fresh fakes, z and c drawn from the prior (held out: "
        f"seed {budget.seed}), average G, evaluation mode; se: standard error"
    )
    if shares := variance(model, budget.pairs, budget.seed):
        out |= shares
        out["protocol.variance"] = (
            f"{budget.pairs:,} pairs of generated images, no label; alone: the share of their "
            "variance that a code makes whatever the rest is, in_all: with what it makes together "
            "with others (Sobol's indices)"
        )
    if model.prior.categorical:
        out |= _categories(model, test, budget, augmentations or AugmentConfig(), train)
    out |= _truth(model, test, budget)
    if model.prior.continuous and model.shape[0] == 1 and not model.vectors:
        out |= meaning(model, budget.per_category, budget.seed)
        out["protocol.meaning"] = (
            f"Spearman's ρ on generated images, {budget.per_category} per category, z and the "
            "other codes drawn from the prior; rho: signed mean over categories, abs: mean of |ρ|"
        )
        out |= reading(model, test.images)
        out["protocol.reading"] = (
            f"Spearman's ρ on {test.name} {test.split}, n = {len(test.images):,} real images, "
            f"between Q's mean and the factor, within each category that Q gives to {LEAST} or more"
        )
    if train is not None and min(len(train), len(test.images)) > 1:
        out |= overfitting(model, train, test.images, budget.reals, budget.seed)
        out["protocol.overfitting"] = (
            f"D's logit on up to {budget.reals:,} images that it learnt from and as many of "
            f"{test.name} {test.split}; gap: their means' difference in standard deviations of the "
            "first"
        )
    return out


def _categories(
    model: InfoGAN, test: Dataset, budget: Budget, settings: AugmentConfig, train: Tensor | None
) -> dict[str, Any]:
    """What the categories of real images say, and what labels say of the first code's."""
    out: dict[str, Any] = {}
    code = model.prior.categorical[0]
    p = probs(model.infer(test.images)[code.name])
    out["clustering.confidence"] = p.amax(1).mean().item()
    usage = p.mean(0)
    out["clustering.usage"] = usage.tolist()
    what = "rows" if model.vectors else "real images"
    where = f"{test.name} {test.split}, n = {len(test.images):,} {what}"
    out["protocol.clustering"] = (
        f"{where}, category = argmax Q({code.name}|x); no labels in training; "
    )
    if test.labels is not None:
        out |= clustering(test.labels.numpy(), p.argmax(1).cpu().numpy(), code.k)
        out["protocol.clustering"] += (
            "labels only to measure: accuracy one-to-one (Hungarian), accuracy_many: each "
            "category takes its commonest class"
        )
        if test.classes is not None:
            out["clustering.classes"] = list(test.classes)
    if len(test.images) > 1:
        trees = groups(model, test.images, settings, budget.seed, train)
        out |= trees | grouped(model, test, trees)
    if not model.vectors:  # of these no change is known that keeps the meaning
        out |= pairs(model, test.images, settings, budget.seed)
        out["protocol.pairs"] = (
            f"{where} and an augmented copy of each (the run's augmentations); no label: "
            "score ranks runs of one recipe"
        )
    return out


def grouped(model: InfoGAN, test: Dataset, trees: Mapping[str, Any]) -> dict[str, Any]:
    """What was accepted of the trees, and what the first code's groups agree with, accepted or
    proposed, where there are labels.

    Args:
        model: Trained.
        test: The held-out split.
        trees: As `groups` gives them.
    """
    out: dict[str, Any] = {f"groups.{k}.accepted": list(v.of) for k, v in model.groups.items()}
    code = model.prior.categorical[0]
    found, accepted = shown({**trees, **out}, code.name)
    out["protocol.groups"] = (
        f"how far halves of categories mix among augmented copies and look-alikes by the trunk's "
        f"features, {test.name} {test.split}, no label"
    )
    if test.labels is not None and found.n < code.k:
        out |= agreement(found, test.labels, probs(model.infer(test.images)[code.name]))
        which = f"{held(trees, code.name, found)} groups {'accepted' if accepted else 'proposed'}"
        out["protocol.groups"] += (
            f"; accuracy: of the {which} for {code.name}, n = {len(test.images):,}, labels only to "
            "measure: one-to-one; accuracy_many: many-to-one"
        )
    return out


def _truth(model: InfoGAN, test: Dataset, budget: Budget) -> dict[str, Any]:
    """What the codes have to do with the exact factors of a made set."""
    out: dict[str, Any] = {}
    if test.factors is not None and any(test.factors.sizes):
        out |= factors(model, test)
        out["protocol.factors"] = (
            f"{test.name} {test.split}, n = {len(test.images):,} real images, true factors only to "
            "measure: nmi between the likeliest category and the factor, rho: Spearman's ρ between "
            "Q's mean and the factor"
        )
    if possible(model, test):
        found = scores(model, test, budget.seed)
        out |= {f"disentanglement.{key}": value for key, value in found.items()}
        out["protocol.disentanglement"] = (
            f"what Q reads from {test.name} {test.split}, n = {len(test.images):,} real images, by "
            "their true factors, only to measure: a categorical code's likeliest category, the "
            "mean of another; sap and dci of other implementations are other numbers"
        )
    if model.prior.continuous and continuous_factors(test):
        out |= matched(model, test)
        out["protocol.matched"] = (
            f"|Spearman's ρ| between Q's mean and the true factor on {test.name} {test.split}, "
            f"n = {len(test.images):,}; codes and factors matched one-to-one; no factor in training"
        )
    return out


def headline(metrics: Mapping[str, Any]) -> str:
    """The accuracy in one line, where there are categories and labels to measure it."""
    if "matched.rho" in metrics:
        parts = [key.split(".")[1:] for key in metrics if key.startswith("matched.")]
        factors = {part[0] for part in parts if len(part) == 3}  # matched.FACTOR.CODE.rho
        followed = sum(part[1:] == ["code"] for part in parts)
        of = "" if followed == len(factors) else f"{followed} of {len(factors)} "
        return f"{of}true factors followed: |ρ| ≥ {metrics['matched.rho']:.3f}, matched one-to-one"
    if "clustering.accuracy" not in metrics:
        return "no accuracy: it needs a categorical code and labels"
    n = sum(map(sum, metrics["clustering.confusion"]))
    said = (
        f"accuracy on the test split: {metrics['clustering.accuracy']:.4f} one-to-one, "
        f"{metrics['clustering.accuracy_many']:.4f} many-to-one, n = {n:,}"
    )
    if "groups.accuracy" in metrics:
        name = names(metrics)[0]  # of the first code, as the accuracy is
        found, accepted = shown(metrics, name)
        many, right = held(metrics, name, found), metrics["groups.accuracy"]
        how = "merged" if accepted else "to be merged, which  infogan merge RUN  accepts,"
        said += f"; {how} into {many} groups: {right:.4f} one-to-one"
    return said


def as_text(metrics: Mapping[str, Any]) -> str:
    """The numbers for a terminal: each family under its protocol, confusion matrix, words."""
    lines: list[str] = []
    for family in FAMILIES:
        if f"protocol.{family}" not in metrics:
            continue
        lines += ["", metrics[f"protocol.{family}"]]
        numbers = {
            key: value
            for key, value in metrics.items()
            if key.startswith(f"{family}.") and isinstance(value, float)
        }
        wide = max(28, *map(len, numbers), 0)
        lines += [f"  {key:<{wide}} {value:8.4f}" for key, value in numbers.items()]
        if f"{family}.confusion" in metrics:
            table = metrics[f"{family}.confusion"]
            what = {"clustering": "category", "groups": "group   "}[family]
            rows = class_names(metrics, family)
            wide = max(5, *map(len, rows))
            head = "".join(f"{j:6d}" for j in range(len(table[0])))
            lines.append(f"  {'class':<{wide}}     {what} {head}")
            lines += [
                f"  {name:>{wide}}              " + "".join(f"{count:6d}" for count in row)
                for name, row in zip(rows, table, strict=True)
            ]
        lines += [f"  {sentence}" for sentence in in_words(metrics, family)]
    return "\n".join(lines[1:])


def in_words(metrics: Mapping[str, Any], family: str) -> list[str]:
    """One family's numbers in sentences, where it has words for them."""
    if family == "overfitting":
        return [overfitting_in_words(metrics["overfitting.gap"])]
    words = {
        "groups": groups_in_words,
        "pairs": pairs_in_words,
        "factors": factors_in_words,
        "matched": matched_in_words,
        "variance": variance_in_words,
    }
    return words[family](metrics) if family in words else meaning_in_words(metrics, family)
