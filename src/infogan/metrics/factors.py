"""Which true factor each code follows, on sets whose factors are known exactly."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infogan.codes import Categorical, probs
from infogan.data import Dataset
from infogan.metrics.clustering import confusion, nmi
from infogan.metrics.meaning import spearman
from infogan.model import InfoGAN


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
                    table = confusion(values[:, i].astype(np.int64), value, code.k)
                    strength[factor] = nmi(table)
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
