"""Separated attribute predictability: is one code alone enough to tell a factor's value?"""

import numpy as np
from numpy.typing import NDArray

from infogan.errors import MissingExtraError
from infogan.metrics.disentanglement.columns import SCORES, Columns, check


@SCORES.register("sap")
def sap(codes: Columns, truth: Columns, seed: int = 0) -> dict[str, float]:
    """SAP = mean over factors of the difference between the two best codes in how well thresholds
    on that code alone tell the factor's value: balanced accuracy on rows that they were not put by.

    Kumar et al. 2018, "Variational Inference of Disentangled Latent Concepts", section 3: V − 1
    thresholds for V values. (Many take a linear SVM for them, which cannot tell the values between
    the first and the last apart: compare only within one implementation.)
    """
    check(codes, truth)
    order = np.random.default_rng(seed).permutation(len(codes))
    learn, held = order[: len(order) // 2], order[len(order) // 2 :]
    scores = np.zeros((len(codes.names), len(truth.names)))
    for i in range(len(codes.names)):
        x = codes.features(i)
        for j in range(len(truth.names)):
            v = truth.values[:, j].astype(np.int64)
            scores[i, j] = _balanced(x[learn], v[learn], x[held], v[held])
    best = np.sort(scores, axis=0)
    return {"sap.score": float((best[-1] - best[-2]).mean())}


def _balanced(
    x: NDArray[np.float64],
    v: NDArray[np.int64],
    x_held: NDArray[np.float64],
    v_held: NDArray[np.int64],
) -> float:
    """The mean over values of the share of their held-out rows that thresholds tell right."""
    try:
        from sklearn.tree import DecisionTreeClassifier
    except ImportError:
        raise MissingExtraError("scikit-learn", "metrics") from None
    leaves = max(2, x.shape[1], len(np.unique(v)))
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced", random_state=0)
    right = tree.fit(x, v).predict(x_held) == v_held
    return float(np.mean([right[v_held == value].mean() for value in np.unique(v_held)]))
