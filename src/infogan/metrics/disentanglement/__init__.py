"""The field's disentanglement scores, on columns of codes and of true factors."""

from collections.abc import Mapping
from typing import Any

from infogan.data import Dataset
from infogan.metrics.disentanglement.columns import SCORES, Columns, codes_of, truth_of
from infogan.metrics.disentanglement.dci import dci
from infogan.metrics.disentanglement.fixed import beta_vae, factor_vae
from infogan.metrics.disentanglement.mig import mig
from infogan.metrics.disentanglement.modularity import modularity
from infogan.metrics.disentanglement.sap import sap
from infogan.model import InfoGAN

DCI = ("disentanglement", "completeness", "informativeness")
LEAST = 2000  # images of which scores are made: with fewer, votes meet the same ones again


def scores(model: InfoGAN, test: Dataset, seed: int) -> dict[str, Any]:
    """Every score of what Q reads from held-out images, by the factors that these show.

    Args:
        model: Reads the images.
        test: Held out, with factors, all of them with counted values.
        seed: Of what is drawn.
    """
    codes, truth = codes_of(model, test.images), truth_of(test)
    out: dict[str, Any] = {}
    for score in SCORES.values():
        out |= score(codes, truth, seed)
    return out


def in_words(metrics: Mapping[str, Any]) -> list[str]:
    """The scores in two lines, of the numbers of `infogan evaluate`."""
    found = {
        key.removeprefix("disentanglement."): value
        for key, value in metrics.items()
        if key.startswith("disentanglement.")
    }
    if not found:
        return []
    titles = {"mig": "MIG", "sap": "SAP", "factor_vae": "FactorVAE", "beta_vae": "β-VAE"}
    first = [f"{title} {found[f'{name}.score']:.3f}" for name, title in titles.items()]
    of_dci = [f"{what} {found[f'dci.{what}']:.3f}" for what in DCI]
    return [
        ", ".join([*first, f"modularity {found['modularity.score']:.3f}"]),
        f"DCI: {', '.join(of_dci)}",
    ]


def possible(model: InfoGAN, test: Dataset) -> bool:
    """Whether there is enough to score."""
    truth = test.factors
    d = sum(len(code.coordinates) for code in model.prior)
    enough = truth is not None and len(truth.sizes) > 1 and all(truth.sizes)
    return enough and d > 1 and len(test.images) >= LEAST


__all__ = [
    "SCORES", "Columns", "beta_vae", "codes_of", "dci", "factor_vae", "mig",
    "modularity", "possible", "sap", "scores", "truth_of",
]  # fmt: skip
