"""Do the continuous codes follow the true factors of made data? The factors measure here; nowhere
do they train."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from infogan.data import Dataset
from infogan.errors import MissingExtraError
from infogan.metrics.meaning import spearman
from infogan.model import InfoGAN


def continuous_factors(test: Dataset) -> dict[str, int]:
    """The continuous ones among a data set's factors: {name: column}."""
    if test.factors is None:
        return {}
    sizes = zip(test.factors.names, test.factors.sizes)
    return {name: column for column, (name, size) in enumerate(sizes) if size == 0}


def matched(model: InfoGAN, test: Dataset) -> dict[str, Any]:
    """Spearman's ρ between what Q reads (its mean) and each continuous factor.

    matched.FACTOR.CODE.rho = ρ, signed, of every pair
    matched.FACTOR.rho      = |ρ| with the code that the factor is matched to
    matched.FACTOR.code     = that code
    matched.rho             = the least of the matched |ρ|

    The matching is the one-to-one one with the greatest sum of |ρ| (Kuhn 1955): a turned frame, in
    which each code is a mixture, has no good matching, and a mirrored or exchanged one has.

    Args:
        model: Reads the images or vectors.
        test: Held out, with factors.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise MissingExtraError("scipy", "metrics") from None
    assert test.factors is not None
    columns = continuous_factors(test)
    truth = test.factors.values.double().numpy()
    q = model.infer(test.images)
    read = {
        coordinate: q[code.name].mean[:, i].double().cpu().numpy()
        for code in model.prior.continuous
        for i, coordinate in enumerate(code.coordinates)
    }
    rho = np.array([[spearman(u, truth[:, j]) for u in read.values()] for j in columns.values()])
    out: dict[str, Any] = {}
    for i, factor in enumerate(columns):
        out |= {f"matched.{factor}.{code}.rho": float(rho[i, k]) for k, code in enumerate(read)}
    factors, codes = list(columns), list(read)
    pairs = list(zip(*linear_sum_assignment(np.abs(rho), maximize=True)))
    for i, k in pairs:
        out[f"matched.{factors[i]}.rho"] = float(abs(rho[i, k]))
        out[f"matched.{factors[i]}.code"] = codes[k]
    return out | {"matched.rho": float(min(abs(rho[i, k]) for i, k in pairs))}


def in_words(metrics: Mapping[str, Any]) -> list[str]:
    """One sentence for each matched factor: `u1 follows along, |ρ| = 0.99`."""
    return [
        f"{code} follows {key.split('.')[1]}, |ρ| = {metrics[key.replace('.code', '.rho')]:.3f}"
        for key, code in metrics.items()
        if key.startswith("matched.") and key.endswith(".code")
    ]
