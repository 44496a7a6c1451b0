"""Codes and true factors as columns of numbers, which is all that a disentanglement score sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.distributions import Bernoulli, Independent

from infogan.codes import Categorical, probs
from infogan.data import Dataset
from infogan.errors import InfoganError
from infogan.model import InfoGAN
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

    def rows(self, which: NDArray[Any] | slice) -> "Columns":
        """Some of the rows."""
        return Columns(self.names, self.sizes, self.values[which])

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


def codes_of(model: InfoGAN, images: Any) -> Columns:
    """What Q reads of images: the likeliest category, or the mean, of each code's coordinates."""
    names: list[str] = []
    sizes: list[int] = []
    values: list[NDArray[Any]] = []
    for name, q in model.infer(images).items():
        code = model.prior[name]
        names += code.coordinates
        if isinstance(code, Categorical):
            sizes.append(code.k)
            values.append(probs(q).argmax(1).cpu().numpy()[:, None])
            continue
        assert isinstance(q, Independent)
        coin = isinstance(q.base_dist, Bernoulli)
        mean = q.mean.double().cpu().numpy()
        sizes += [2 if coin else 0] * mean.shape[1]
        values.append(mean.round() if coin else mean)
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
    for i in range(len(codes.names)):
        a = codes.counted(i)
        for j in range(len(truth.names)):
            out[i, j] = _information(a, truth.counted(j))
    return out


def entropies(truth: Columns) -> NDArray[np.float64]:
    """H(factor) in nats, of how often its values are: (factors,)."""
    return np.array(
        [_information(truth.counted(j), truth.counted(j)) for j in range(len(truth.names))]
    )


def _information(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """I(a; b) = Σ p(a, b) ln p(a, b) / (p(a) p(b))."""
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    p = table / len(a)
    product = p.sum(1, keepdims=True) * p.sum(0)
    there = p > 0
    I = float((p[there] * np.log(p[there] / product[there])).sum())
    return I if I > ROUNDING else 0.0  # what never varies says nothing at all
