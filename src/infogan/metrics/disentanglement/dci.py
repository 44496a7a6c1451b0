"""Disentanglement, completeness, informativeness: what a regressor needs to tell each factor."""

import numpy as np
import torch
from numpy.typing import NDArray

from infogan.errors import MissingExtraError
from infogan.metrics.disentanglement.columns import SCORES, Columns, check

TREES = 50  # of a forest
LEAVES = (10, 30, 100)  # rows that a leaf has at least: with too few, noise is split and important


@SCORES.register("dci")
def dci(codes: Columns, truth: Columns, seed: int = 0) -> dict[str, float]:
    """How a code's importance, R (codes, factors), is shared among factors, and a factor's among
    codes:

    disentanglement = Σ_i ρ_i (1 − H_F(R_i. / Σ_j R_ij)), ρ_i = Σ_j R_ij / Σ R
    completeness    = Σ_j κ_j (1 − H_C(R_.j / Σ_i R_ij)), κ_j = Σ_i R_ij / Σ R
    informativeness = the forests' mean accuracy on rows that they did not see

    H_F, H_C: entropy to the base of the number of factors, codes. Eastwood & Williams 2018, "A
    Framework for the Quantitative Evaluation of Disentangled Representations", section 2. R is the
    importance (of impurity) by random forests of 50 trees, a category's columns summed; how small
    their leaves are is chosen, as there, by rows that a tree has not seen. Other regressors give
    other numbers.
    """
    check(codes, truth)
    R, accuracy = _importance(codes, truth, seed)
    return {
        "dci.disentanglement": weighted(R),
        "dci.completeness": weighted(R.T),
        "dci.informativeness": accuracy,
    }


def weighted(R: NDArray[np.float64]) -> float:
    """Σ_i ρ_i (1 − H(R_i. / Σ_j R_ij)), the entropy to the base of the number of columns; 0 where
    nothing is important.

    >>> weighted(np.eye(3)), round(weighted(np.ones((3, 3))), 9)
    (1.0, 0.0)
    """
    total = R.sum(1)  # (rows,)
    if not total.sum():
        return 0.0
    p = np.divide(R, total[:, None], out=np.zeros_like(R), where=total[:, None] > 0)
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    H = -(p * logs).sum(1) / np.log(R.shape[1])
    return float((total / total.sum() * (1 - H)).sum())


def _importance(codes: Columns, truth: Columns, seed: int) -> tuple[NDArray[np.float64], float]:
    """R (codes, factors) and the mean accuracy on held-out rows."""
    try:
        from sklearn.ensemble import RandomForestClassifier
    except ImportError:
        raise MissingExtraError("scikit-learn", "metrics") from None
    order = np.random.default_rng(seed).permutation(len(codes))
    learn, held = order[: len(order) // 2], order[len(order) // 2 :]
    parts = [codes.features(i) for i in range(len(codes.names))]
    ends = np.cumsum([part.shape[1] for part in parts])[:-1]
    x = np.concatenate(parts, 1)
    R, right = np.zeros((len(codes.names), len(truth.names))), []
    for j in range(len(truth.names)):
        v = truth.values[:, j].astype(np.int64)
        forests = [
            RandomForestClassifier(
                TREES,
                max_features=None,
                min_samples_leaf=n,
                oob_score=True,
                random_state=seed % 2**32,
                n_jobs=torch.get_num_threads(),
            ).fit(x[learn], v[learn])
            for n in LEAVES
        ]
        forest = max(forests, key=lambda each: float(each.oob_score_))
        R[:, j] = [part.sum() for part in np.split(forest.feature_importances_, ends)]
        right.append((forest.predict(x[held]) == v[held]).mean())
    return R, float(np.mean(right))
