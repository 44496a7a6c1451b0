"""Which true factor each code follows, on sets whose factors are known exactly."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infogan.codes import Categorical, probs
from infogan.data import Dataset
from infogan.metrics.meaning import spearman
from infogan.model import InfoGAN


def nmi(a: ArrayLike, b: ArrayLike) -> float:
    """Normalized mutual information of two integer variables: I(a; b) / ((H(a) + H(b)) / 2).

    1 where each tells the other, 0 where they are independent (or one of them is constant); of few
    values the share that chance gives is small: about (|a| − 1)(|b| − 1) / 2n nats of I.
    """
    a, b = np.asarray(a), np.asarray(b)
    joint = np.zeros((int(a.max(initial=0)) + 1, int(b.max(initial=0)) + 1))
    np.add.at(joint, (a, b), 1)
    h_a, h_b, h_ab = (_entropy(n / len(a)) for n in (joint.sum(1), joint.sum(0), joint.ravel()))
    return max(0.0, float(2 * (h_a + h_b - h_ab) / (h_a + h_b))) if h_a * h_b > 0 else 0.0


def factors(model: InfoGAN, test: Dataset) -> dict[str, Any]:
    """What Q reads from held-out real images beside the factors that these show.

    factors.CODE.FACTOR.nmi = `nmi` of the likeliest category and the factor
    factors.CODE.FACTOR.rho = Spearman's ρ between a continuous code's mean and the factor: of use
                              where the factor's values have an order (scale, orientation, position)
    factors.CODE.best       = the factor that the code follows most

    A hue goes round in a circle and a shape has no order: there ρ says little.

    Args:
        model: Reads the images.
        test: Held out, with its factors.
    """
    assert test.factors is not None
    q = model.infer(test.images)
    values = test.factors.values.cpu().numpy()
    out: dict[str, Any] = {}
    for code in model.prior:
        read: dict[str, NDArray[Any]] = {}
        if isinstance(code, Categorical):
            read = {code.name: probs(q[code.name]).argmax(1).cpu().numpy()}
        elif code in model.prior.continuous:
            means = q[code.name].mean.double().cpu().numpy()
            read = {name: means[:, i] for i, name in enumerate(code.coordinates)}
        for name, value in read.items():
            strength: dict[str, float] = {}
            for i, factor in enumerate(test.factors.names):
                if isinstance(code, Categorical):
                    if not test.factors.sizes[i]:
                        continue  # a continuous factor has no categories
                    strength[factor] = nmi(value, values[:, i].astype(np.int64))
                    out[f"factors.{name}.{factor}.nmi"] = strength[factor]
                else:
                    rho = spearman(value, values[:, i].astype(np.float64))
                    out[f"factors.{name}.{factor}.rho"] = rho
                    strength[factor] = abs(rho)
            if strength:
                out[f"factors.{name}.best"] = max(strength, key=lambda f: strength[f])
    return out


def in_words(metrics: Mapping[str, Any]) -> list[str]:
    """One sentence for each code: the factor that it follows, and how well."""
    said = []
    for key, factor in metrics.items():
        if key.startswith("factors.") and key.endswith(".best"):
            stem = f"{key.removesuffix('.best')}.{factor}"
            name = key.removeprefix("factors.").removesuffix(".best")
            if f"{stem}.nmi" in metrics:
                said.append(f"{name} follows {factor} (NMI {metrics[f'{stem}.nmi']:.2f})")
            else:
                said.append(f"{name} follows {factor} (ρ = {metrics[f'{stem}.rho']:+.2f})")
    return said


def _entropy(p: NDArray[np.float64]) -> float:
    """−Σ p ln p, nats."""
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
