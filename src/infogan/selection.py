"""Which of several runs to keep, without a label: the one that the others agree with most."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from infogan.codes import Categorical
from infogan.errors import InfoganError
from infogan.metrics.disentanglement import Columns, codes_of, factor_vae
from infogan.metrics.disentanglement.columns import BINS
from infogan.model import InfoGAN

SAMPLES = 5000  # that each model makes
LEAST = 3  # of two models neither is nearer to the other


def agreement(
    models: Sequence[InfoGAN],
    seed: int = 0,
    n: int = SAMPLES,
    done: Callable[[int], object] = lambda j: None,
) -> NDArray[np.float64]:
    """A[i, j] = FactorVAE's score of what model i reads from samples of model j, with the codes
    that these were made from as the true factors; a continuous one counts in 20 bins: (M, M).

    Lin et al. 2020, "InfoGAN-CR and ModelCentrality", section 5.

    Args:
        models: Trained, on the same images.
        seed: Of the samples and of what the score draws.
        n: Samples of each model.
        done: Is told each j whose column is there.

    Raises:
        InfoganError: fewer than three, of images of different shapes, or with a single code.
    """
    if len(models) < LEAST:
        raise InfoganError(
            f"of {len(models)} runs none is nearest to the others; give {LEAST} or more"
        )
    if len(shapes := {model.shape for model in models}) > 1:
        raise InfoganError(
            f"runs on the same images can be compared, these have {sorted(shapes)}; leave some out"
        )
    A = np.zeros((len(models), len(models)))
    for j, model in enumerate(models):
        z, c = model.draw(n, torch.Generator().manual_seed(seed), {})
        x = model.decode(z, c)
        truth = _as_factors(model, c)
        for i, reader in enumerate(models):
            A[i, j] = factor_vae(codes_of(reader, x), truth, seed)["factor_vae.score"]
        done(j)
    return A


def centrality(A: NDArray[np.float64]) -> NDArray[np.float64]:
    """s_i = mean over j ≠ i of B[i, j], B = (A + Aᵀ) / 2; the largest is the run to keep (Lin et
    al. 2020): good runs are alike, each bad one is bad in its own way.

    >>> centrality(np.array([[1, 0.8, 0.4], [0.6, 1, 0.2], [0.2, 0.4, 1]])).round(3).tolist()
    [0.5, 0.5, 0.3]
    """
    B = (A + A.T) / 2
    s: NDArray[np.float64] = (B.sum(1) - B.diagonal()) / (len(B) - 1)
    return s


def _as_factors(model: InfoGAN, c: dict[str, torch.Tensor]) -> Columns:
    """The codes of samples as true factors, each with counted values."""
    names: list[str] = []
    sizes: list[int] = []
    for code in model.prior:
        names += code.coordinates
        k = code.k if isinstance(code, Categorical) else 0
        sizes += [k] * len(code.coordinates)
    values = np.concatenate(
        [c[code.name].reshape(len(c[code.name]), -1) for code in model.prior], 1
    )
    plain = Columns.of(values, sizes, names)
    counted = np.stack([plain.counted(i) for i in range(len(names))], 1)
    return Columns.of(counted, [size or BINS for size in sizes], names)
