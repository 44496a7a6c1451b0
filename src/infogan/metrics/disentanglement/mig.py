"""Mutual information gap: is each factor in one code, and in no other?"""

import numpy as np

from infogan.metrics.disentanglement.columns import SCORES, Columns, check, informations


@SCORES.register("mig")
def mig(codes: Columns, truth: Columns, seed: int = 0) -> dict[str, float]:
    """MIG = mean over factors v of (I(c_1; v) − I(c_2; v)) / H(v), c_1 and c_2 the codes that say
    most and second most of it; 1: each factor is in one code alone, 0: it is in two alike, or none.

    Chen et al. 2018, "Isolating Sources of Disentanglement", eq. 6, with what Q reads in place of
    samples of it, in 20 bins (Locatello et al. 2019). Independent variables of a and b values share
    (a − 1)(b − 1) / 2n nats by chance.

    Returns:
        mig.score, and mig.FACTOR of each.
    """
    check(codes, truth)
    I = np.sort(informations(codes, truth), axis=0)
    H = informations(truth, truth).diagonal()  # I(v; v)
    gap = np.divide(I[-1] - I[-2], H, out=np.zeros_like(H), where=H > 0)
    each = {f"mig.{name}": float(g) for name, g in zip(truth.names, gap)}
    return each | {"mig.score": float(gap.mean())}
