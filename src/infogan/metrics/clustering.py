"""Do the categories agree with the classes? Labels measure here; nowhere do they train."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infogan.errors import InfoganError, MissingExtraError

LONGEST = 16  # letters of a class's name that are shown


def confusion(labels: ArrayLike, categories: ArrayLike, k: int) -> NDArray[np.int64]:
    """How many images of class i (row) got category j (column): (classes, k)."""
    labels, categories = np.asarray(labels), np.asarray(categories)
    table = np.zeros((int(labels.max(initial=0)) + 1, k), np.int64)
    np.add.at(table, (labels, categories), 1)
    return table


def match(table: NDArray[np.int64]) -> dict[int, int]:
    """The one-to-one matching {category: class} with the most images in agreement (Kuhn 1955).

    With more categories than classes (or fewer) the surplus stays unmatched.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise MissingExtraError("scipy", "metrics") from None
    classes, categories = linear_sum_assignment(table, maximize=True)
    return {int(j): int(i) for i, j in zip(classes, categories)}


def nmi(table: NDArray[np.int64]) -> float:
    """Normalized mutual information of two variables: I(a; b) / ((H(a) + H(b)) / 2).

    1 where each tells the other, 0 where they are independent (or one of them is constant); of few
    values the share that chance gives is small: about (|a| − 1)(|b| − 1) / 2n nats of I.

    Args:
        table: How often each pair of their values is, (|a|, |b|).
    """
    h_a, h_b, h_ab = entropies(table)
    return max(0.0, 2 * (h_a + h_b - h_ab) / (h_a + h_b)) if h_a * h_b > 0 else 0.0


def entropies(table: NDArray[np.int64]) -> tuple[float, float, float]:
    """H(a), H(b) and H(a, b) in nats; I(a; b) is H(a) + H(b) − H(a, b). Args as `nmi`."""
    p = table / table.sum()
    return _entropy(p.sum(1)), _entropy(p.sum(0)), _entropy(p.ravel())


def ari(table: NDArray[np.int64]) -> float:
    """The Rand index corrected for chance, (together − expected) / (most − expected): how many
    pairs of images are together in both partitions (Hubert & Arabie 1985). Args as `nmi`."""
    together = _pairs(table)
    of_a, of_b = _pairs(table.sum(1)), _pairs(table.sum(0))
    expected = of_a * of_b / max(1.0, _pairs(table.sum()))
    most = (of_a + of_b) / 2
    return (together - expected) / (most - expected) if most > expected else 1.0


def clustering(labels: ArrayLike, categories: ArrayLike, k: int) -> dict[str, Any]:
    """Agreement of categories with classes.

    accuracy       = max over one-to-one matchings of the fraction of images that agree
    accuracy_many  = the same when each category takes the class it holds most of (purity)
    nmi            = I(class; category) / ((H(class) + H(category)) / 2)
    ari            = Rand index, corrected for chance (Hubert & Arabie 1985)

    Args:
        labels: The n true classes, integers from 0.
        categories: The n categories, integers from 0 to k - 1.
        k: How many categories the code has.

    Returns:
        The four numbers, `confusion` (classes × categories) and `matching` {category: class}.

    Raises:
        InfoganError: there is no image, or the lengths differ.
    """
    labels, categories = np.asarray(labels), np.asarray(categories)
    if len(labels) == 0 or labels.shape != categories.shape:
        raise InfoganError(
            f"clustering needs one label for each of at least one image, got {labels.shape} labels "
            f"and {categories.shape} categories"
        )
    table = confusion(labels, categories, k)
    matching = match(table)
    n = len(labels)
    return {
        "clustering.accuracy": sum(int(table[i, j]) for j, i in matching.items()) / n,
        "clustering.accuracy_many": int(table.max(axis=0).sum()) / n,
        "clustering.nmi": nmi(table),
        "clustering.ari": ari(table),
        "clustering.confusion": table.tolist(),
        "clustering.matching": matching,
    }


def class_names(metrics: Mapping[str, Any], family: str = "clustering") -> list[str]:
    """What the rows of a family's `confusion` are called, long names cut off; their numbers where
    labels have no names."""
    n = len(metrics[f"{family}.confusion"])
    names = metrics.get("clustering.classes") or range(n)
    # the last classes may not be among the images
    return [_shortened(str(name)) for name in names[:n]]


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _entropy(p: NDArray[np.float64]) -> float:
    """−Σ p ln p, nats."""
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def _pairs(n: ArrayLike) -> float:
    """Σ n (n − 1) / 2."""
    n = np.asarray(n, np.float64)
    return float((n * (n - 1)).sum() / 2)
