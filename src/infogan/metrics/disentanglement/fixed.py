"""Scores of images that share one factor's value: which code then stays the same?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infogan.errors import MissingExtraError
from infogan.metrics.disentanglement.columns import SCORES, Columns, check

VOTES, HELD = 10_000, 5_000  # from which a classifier learns, and on which it is measured
TOGETHER = 64  # images of a vote
CHUNK = 1000  # votes worked on at once


@dataclass(frozen=True)
class _Sharing:
    """Rows that share a value of one factor, drawn with replacement."""

    order: list[NDArray[np.int64]]  # of each factor, the rows by its value
    first: list[NDArray[np.int64]]  # where each row's value begins in that order
    many: list[NDArray[np.int64]]  # how many rows have it
    place: list[NDArray[np.int64]]  # which of these each row is

    @classmethod
    def of(cls, truth: Columns) -> "_Sharing":
        order, first, many, place = [], [], [], []
        for v in truth.values.T.astype(np.int64):
            counts = np.bincount(v)
            order.append(np.argsort(v, kind="stable"))
            first.append((np.cumsum(counts) - counts)[v])
            many.append(counts[v])
            place.append(np.argsort(order[-1]) - first[-1])
        return cls(order, first, many, place)

    def rows(
        self, factor: int, like: NDArray[np.int64], n: int, random: np.random.Generator
    ) -> NDArray[np.int64]:
        """For each row in `like` n rows with its value of a factor: (len(like), n)."""
        part = (random.random((len(like), n)) * self.many[factor][like, None]).astype(np.int64)
        found: NDArray[np.int64] = self.order[factor][self.first[factor][like, None] + part]
        return found

    def others(
        self, factor: int, like: NDArray[np.int64], random: np.random.Generator
    ) -> NDArray[np.int64]:
        """For each row in `like` another with its value of a factor, itself if there is none."""
        many = self.many[factor][like]
        on = 1 + (random.random(len(like)) * (many - 1)).astype(np.int64)
        found: NDArray[np.int64] = self.order[factor][
            self.first[factor][like] + (self.place[factor][like] + on) % many
        ]
        return found


@SCORES.register("factor_vae")
def factor_vae(codes: Columns, truth: Columns, seed: int = 0) -> dict[str, float]:
    """FactorVAE's score: of 64 images that share a value of a random factor, the code that varies
    least, over its variance among all images, votes for that factor; each code stands for the
    factor that it has most votes of, and the score is the share of fresh votes that this tells
    right. Chance: 1/F and a little more.

    Kim & Mnih 2018, "Disentangling by Factorising", section 4 and appendix B: the variance of a
    category is half the share of pairs that differ. 10,000 votes to learn from, 5,000 held out;
    images of a value are drawn from those that there are, with replacement.
    """
    check(codes, truth)
    random = np.random.default_rng(seed)
    whole = _variances(codes, np.arange(len(codes))[None])[0]  # (codes,)
    alive = np.flatnonzero(np.ptp(codes.values, axis=0) > 0)
    if not len(alive):
        return {"factor_vae.score": 0.0}
    sharing, F = _Sharing.of(truth), len(truth.names)

    def votes(n: int) -> NDArray[np.int64]:
        """How often each factor (row) got a vote of each code (column)."""
        table = np.zeros((F, len(alive)), np.int64)
        for factor, m in _factors(F, n, random):
            rows = sharing.rows(factor, random.integers(len(codes), size=m), TOGETHER, random)
            least = (_variances(codes, rows)[:, alive] / whole[alive]).argmin(1)
            np.add.at(table, (factor, least), 1)
        return table

    stands_for = votes(VOTES).argmax(0)  # (codes,)
    held = votes(HELD)
    right = held[stands_for, np.arange(len(alive))].sum()
    return {"factor_vae.score": float(right / held.sum())}


@SCORES.register("beta_vae")
def beta_vae(codes: Columns, truth: Columns, seed: int = 0) -> dict[str, float]:
    """β-VAE's score: how well a linear classifier tells which factor 64 pairs of images share, pair
    by pair, from the mean difference of each code. Chance: 1/F.

    Higgins et al. 2017, "β-VAE", section 3: z = mean |c − c'|, of a category the share of pairs
    that differ. 10,000 such means to learn from, 5,000 held out. It is lenient: codes that mix
    factors can still be told apart.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise MissingExtraError("scikit-learn", "metrics") from None
    check(codes, truth)
    random = np.random.default_rng(seed)
    sharing, F = _Sharing.of(truth), len(truth.names)
    nominal = np.array(codes.sizes) > 0

    def differences(n: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        x, y = [], []
        for factor, m in _factors(F, n, random):
            one = random.integers(len(codes), size=m * TOGETHER)
            like = sharing.others(factor, one, random)
            apart = np.abs(codes.values[one] - codes.values[like])
            apart[:, nominal] = apart[:, nominal] > 0
            x.append(apart.reshape(m, TOGETHER, -1).mean(1))
            y.append(np.full(m, factor))
        return np.concatenate(x), np.concatenate(y)

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(*differences(VOTES))
    return {"beta_vae.score": float(classifier.score(*differences(HELD)))}


def _factors(F: int, n: int, random: np.random.Generator) -> Iterator[tuple[int, int]]:
    """A factor for each of n votes, all alike likely: (factor, how many), `CHUNK` at most."""
    for factor, many in enumerate(random.multinomial(n, [1 / F] * F)):
        for at in range(0, many, CHUNK):
            yield factor, min(CHUNK, many - at)


def _variances(codes: Columns, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each code over each set of L rows, (m, L): Σ_ij d(c_i, c_j) / (2 L (L − 1)), (m, codes), d
    the squared difference, or whether two categories differ."""
    L = rows.shape[1]
    out = np.empty((len(rows), len(codes.names)))
    for i, size in enumerate(codes.sizes):
        column = codes.values[:, i][rows]  # (m, L)
        if not size:
            out[:, i] = column.var(1, ddof=1)
            continue
        same = sum((column == k).sum(1).astype(np.float64) ** 2 for k in range(size))
        out[:, i] = (L * L - same) / (2 * L * (L - 1))
    return out
