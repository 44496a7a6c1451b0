"""Codes and true factors as columns of numbers, which is all that a disentanglement score sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infogan.codes import Bernoulli, Categorical, probs
from infogan.data import Dataset
from infogan.errors import InfoganError
from infogan.metrics.clustering import confusion, entropies
from infogan.model import InfoGAN
from infogan.prior import Prior
from infogan.registry import Registry

# each from codes, true factors of the same rows, and a seed of what it draws
SCORES: Registry[Callable[["Columns", "Columns", int], dict[str, float]]] = Registry("score")
FEWEST = 8  # rows
ROUNDING = 1e-12  # of an information, nats
BINS = 20  # of a continuous code, where its values are counted (Locatello et al. 2019)


@dataclass(frozen=True)
class Columns:
    """N rows of D variables.

    Args:
        names: Of the variables, (D,).
        sizes: How many values each has, its values being 0 … size − 1; 0: it is continuous.
        values: (N, D).

    Raises:
        InfoganError: the numbers are not so.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        d = len(self.names)
        if self.values.ndim != 2 or not self.values.shape[1] == d == len(self.sizes):
            raise InfoganError(
                f"expected values (n, {d}) of {d} names and {len(self.sizes)} sizes, got "
                f"{self.values.shape}"
            )
        if not np.isfinite(self.values).all():
            raise InfoganError("expected finite values; leave out rows that have others")
        for name, size, column in zip(self.names, self.sizes, self.values.T):
            if size and not np.isin(column, np.arange(size)).all():
                raise InfoganError(f"{name}: expected the integers 0 to {size - 1}")

    @classmethod
    def of(
        cls, values: Any, sizes: Sequence[int] | None = None, names: Sequence[str] | None = None
    ) -> "Columns":
        """From an array (n, d); continuous and numbered where nothing is said.

        >>> Columns.of([[0, 1.5], [1, 2.5]], sizes=[2, 0]).names
        ('0', '1')
        """
        array = np.asarray(values, np.float64)
        d = array.shape[1] if array.ndim == 2 else 0
        return cls(
            tuple(names) if names else tuple(map(str, range(d))),
            tuple(sizes) if sizes is not None else (0,) * d,
            array,
        )

    def __len__(self) -> int:
        return len(self.values)

    def counted(self, i: int) -> NDArray[np.int64]:
        """Variable i as integers: a continuous one in `BINS` bins of one width over its range."""
        column = self.values[:, i]
        if self.sizes[i]:
            return column.astype(np.int64)
        if np.ptp(column) <= 2 * BINS * np.spacing(np.abs(column).max()):
            return np.zeros(len(column), np.int64)  # no room for bins between its ends
        edges = np.histogram_bin_edges(column, BINS)
        return np.clip(np.digitize(column, edges[1:-1]), 0, BINS - 1).astype(np.int64)

    def features(self, i: int) -> NDArray[np.float64]:
        """Variable i as a classifier sees it: itself (N, 1), or its categories (N, size)."""
        if self.sizes[i]:
            return np.eye(self.sizes[i])[self.values[:, i].astype(np.int64)]
        return self.values[:, i : i + 1]


def variables(prior: Prior) -> tuple[list[str], list[int]]:
    """Names and sizes of the coordinates of all codes."""
    names: list[str] = []
    sizes: list[int] = []
    for code in prior:
        size = code.k if isinstance(code, Categorical) else 2 * isinstance(code, Bernoulli)
        names += code.coordinates
        sizes += [size] * len(code.coordinates)
    return names, sizes


def codes_of(model: InfoGAN, images: Any) -> Columns:
    """What Q reads of images: the likeliest category, or the mean, of each code's coordinates."""
    values: list[NDArray[Any]] = []
    for name, q in model.infer(images).items():
        code = model.prior[name]
        if isinstance(code, Categorical):
            values.append(probs(q).argmax(1).cpu().numpy()[:, None])
        else:
            mean = q.mean.double().cpu().numpy()
            values.append(mean.round() if isinstance(code, Bernoulli) else mean)
    names, sizes = variables(model.prior)
    return Columns.of(np.concatenate(values, 1), sizes, names)


def truth_of(data: Dataset) -> Columns:
    """The true factors of a set that has them."""
    assert data.factors is not None
    truth = data.factors
    return Columns.of(truth.values.double().numpy(), truth.sizes, truth.names)


def check(codes: Columns, truth: Columns) -> None:
    """That a score can be made of them.

    Raises:
        InfoganError: other rows, too few of them, fewer than two codes or factors, or a continuous
            factor.
    """
    if len(codes) != len(truth):
        raise InfoganError(
            f"expected as many rows of codes as of factors, got {len(codes)}, {len(truth)}"
        )
    if len(codes) < FEWEST:
        raise InfoganError(f"a disentanglement score needs {FEWEST} rows, got {len(codes)}")
    if len(codes.names) < 2 or len(truth.names) < 2:
        raise InfoganError(
            "a disentanglement score needs two codes and two factors, got "
            f"{len(codes.names)} and {len(truth.names)}"
        )
    if not all(truth.sizes):
        name = truth.names[truth.sizes.index(0)]
        raise InfoganError(f"factor {name} is continuous; count its values in bins first")


def informations(codes: Columns, truth: Columns) -> NDArray[np.float64]:
    """I(code; factor) in nats, of how often each pair of their values is: (codes, factors)."""
    out = np.zeros((len(codes.names), len(truth.names)))
    for i, j in np.ndindex(out.shape):
        h_a, h_b, h_ab = entropies(confusion(codes.counted(i), truth.counted(j), truth.sizes[j]))
        I = h_a + h_b - h_ab
        out[i, j] = I if I > ROUNDING else 0.0  # what never varies says nothing at all
    return out
