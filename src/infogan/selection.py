"""Which of several runs to keep, without a label: the one that the others agree with most."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan.errors import InfoganError, MissingExtraError
from infogan.metrics.clustering import confusion, nmi
from infogan.metrics.disentanglement import Columns, codes_of, factor_vae
from infogan.metrics.disentanglement.columns import BINS, variables
from infogan.metrics.meaning import spearman
from infogan.model import InfoGAN

SAMPLES = 5000  # that each model makes
LEAST = 3  # of two models neither is nearer to the other

Told = Callable[[int], object]  # is told how many of the models are done


def on_images(models: Sequence[InfoGAN], images: Tensor, done: Told = print) -> NDArray[np.float64]:
    """A[i, j], symmetric: how far models i and j read the same from real images, 0 to 1, (M, M).

    Each code of the one is matched to one of the other, so that the sum is greatest (Kuhn 1955), of
    NMI of two categorical codes and |Spearman's ρ| of two others; A is the sum over the larger
    number of codes.

    Args:
        models: Trained, on the same images.
        images: Real ones, (N, C, H, W); vectors (N, d, 1, 1).
        done: Is told how many have read them.

    Raises:
        InfoganError: fewer than three, or of images of different shapes.
    """
    check(models)
    read = []
    for i, model in enumerate(models):
        read.append(codes_of(model, images))
        done(i + 1)
    return np.array([[_alike(a, b) for b in read] for a in read])


def on_samples(models: Sequence[InfoGAN], seed: int, done: Told = print) -> NDArray[np.float64]:
    """A[i, j] = FactorVAE's score of what model i reads from samples of model j, with the codes
    that these were made from as the true factors; a continuous one counts in 20 bins: (M, M).

    Lin et al. 2020, "InfoGAN-CR and ModelCentrality", section 5.

    Args:
        models: Trained, on the same images.
        seed: Of the samples and of what the score draws.
        done: Is told of how many all have read the samples.

    Raises:
        InfoganError: fewer than three, of images of different shapes, or with a single code.
    """
    check(models)
    A = np.zeros((len(models), len(models)))
    for j, model in enumerate(models):
        z, c = model.draw(SAMPLES, torch.Generator().manual_seed(seed), {})
        x, truth = model.decode(z, c), _as_factors(model, c)
        for i, reader in enumerate(models):
            A[i, j] = factor_vae(codes_of(reader, x), truth, seed)["factor_vae.score"]
        done(j + 1)
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


def check(models: Sequence[InfoGAN]) -> None:
    """That they can be compared.

    Raises:
        InfoganError: fewer than three, or of images of different shapes.
    """
    if len(models) < LEAST:
        raise InfoganError(
            f"of {len(models)} runs none is nearest to the others; give {LEAST} or more"
        )
    if len(shapes := {model.shape for model in models}) > 1:
        raise InfoganError(
            f"runs on the same images can be compared, these have {sorted(shapes)}; leave some out"
        )


def _alike(a: Columns, b: Columns) -> float:
    """How far two tables of codes say the same of the same rows, 0 to 1."""
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise MissingExtraError("scipy", "metrics") from None
    W = np.zeros((len(a.names), len(b.names)))
    for i, k in enumerate(a.sizes):
        for j, m in enumerate(b.sizes):
            if k and m:
                W[i, j] = nmi(confusion(a.counted(i), b.counted(j), m))
            elif not k and not m:
                W[i, j] = abs(spearman(a.values[:, i], b.values[:, j]))
    return float(W[linear_sum_assignment(W, maximize=True)].sum() / max(W.shape))


def _as_factors(model: InfoGAN, c: dict[str, Tensor]) -> Columns:
    """The codes of samples as true factors, each with counted values."""
    names, sizes = variables(model.prior)
    values = np.concatenate(
        [c[code.name].reshape(len(c[code.name]), -1) for code in model.prior], 1
    )
    plain = Columns.of(values, sizes, names)
    counted = np.stack([plain.counted(i) for i in range(len(names))], 1)
    return Columns.of(counted, [size or BINS for size in sizes], names)
