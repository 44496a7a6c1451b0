"""Modularity: does each code say something of one factor only?"""

import numpy as np

from infogan.metrics.disentanglement.columns import SCORES, Columns, check, informations


@SCORES.register("modularity")
def modularity(codes: Columns, truth: Columns, seed: int = 0) -> dict[str, float]:
    """Modularity = mean over codes of 1 − Σ_{v ≠ v*} I(c; v)² / (I(c; v*)² (F − 1)), v* the factor
    of which c says most; a code that says nothing counts as 0.

    Ridgeway & Mozer 2018, "Learning Deep Disentangled Embeddings", section 3. Several codes may
    share a factor: that is no fault here.
    """
    check(codes, truth)
    squares = informations(codes, truth) ** 2  # (codes, factors)
    most = squares.max(1)
    others = (squares.sum(1) - most) / (len(truth.names) - 1)
    each = np.where(
        most > 0, 1 - np.divide(others, most, out=np.zeros_like(most), where=most > 0), 0
    )
    return {"modularity.score": float(each.mean())}
