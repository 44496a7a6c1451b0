"""What the sliders are told of real images: the principal components within kinds of what a scout's
convolutions see. Beyond the paper; no label is looked at.

Images of one kind differ most in how they are drawn: in MNIST the first component is slant and the
second width, in every category the same way.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

AT_ONCE = 512  # images whose moments or means are taken
OVERSAMPLED = 14  # columns of the randomized SVD beside those that are asked for


def principal(h: Tensor, kind: Tensor, d: int, seed: int) -> Tensor:
    """The directions in which features vary most where the kind does not: the first eigenvectors of
    Σ_k Σ_{i in k} (h_i − h̄_k)(h_i − h̄_k)ᵀ.

    Args:
        h: Features (n, F).
        kind: The kind of each, (n,), 0 or more.
        d: How many, at most min(n, F).
        seed: Of the randomized SVD (Halko et al. 2011).

    Returns:
        (F, d), perpendicular columns of length 1, the largest first.
    """
    return leading(within(h, kind), d + OVERSAMPLED, seed, niter=4)[:, :d]


def leading(rows: Tensor, q: int, seed: int, niter: int = 2) -> Tensor:
    """The first right singular vectors of rows (n, F), (F, q), or all where there are fewer: by a
    randomized SVD of `niter` iterations that leaves the global generator as it was."""
    gpus = [rows.device] if rows.is_cuda else []
    with torch.random.fork_rng(devices=gpus):  # svd_lowrank draws from it
        torch.manual_seed(seed)
        _, _, W = torch.svd_lowrank(rows, min(q, *rows.shape), niter=niter)
    return W


def levels(v: Tensor, kind: Tensor) -> Tensor:
    """Where each value stands among those of its kind, (rank + ½) / n_k: evenly spread over (0, 1)
    in each kind, as a code that is independent of the category is.

    Args:
        v: (n, d).
        kind: The kind of each, (n,), 0 or more.

    Returns:
        (n, d), each 0 < level < 1.
    """
    found = torch.empty_like(v)
    for k in kind.unique():  # type: ignore[no-untyped-call]
        members = kind == k
        ranks = v[members].argsort(0).argsort(0).to(v)
        found[members] = (ranks + 0.5) / len(ranks)
    return found


def ends(v: Tensor, x: Tensor, kind: Tensor) -> Tensor:
    """Which end of each component is up, ±1 (d,): eigenvectors do not say, and runs should agree.

    Of the moments of brightness up to the second, ink, x, y, xy, x², y², y upwards, that one which
    a component goes with most, within kinds, rises with it.

    Args:
        v: Values of n images, (n, d).
        x: The images (n, C, H, W), bytes or floats.
        kind: The kind of each, (n,).
    """
    high, wide = (torch.linspace(-1, 1, side).to(v) for side in x.shape[2:])
    Y, X = torch.meshgrid(-high, wide, indexing="ij")
    moments = torch.stack([torch.ones_like(X), X, Y, X * Y, X * X, Y * Y])  # (6, H, W)
    parts = torch.split(x, AT_ONCE)
    m = torch.cat([torch.einsum("nchw,thw->nt", part.to(v), moments) for part in parts])
    v_unit, m_unit = (F.normalize(within(values, kind), dim=0) for values in (v, m))
    correlations = v_unit.T @ m_unit  # (d, 6)
    largest = correlations.gather(1, correlations.abs().argmax(1, keepdim=True))[:, 0]
    return torch.where(largest < 0, -1.0, 1.0).to(v)


def within(h: Tensor, kind: Tensor) -> Tensor:
    """What is left of h (n, F) when the mean of its kind is taken away."""
    n = kind.bincount().clamp_min(1).to(h)
    means = h.new_zeros(len(n), h.shape[1]).index_add_(0, kind, h) / n[:, None]
    left = h.clone()
    for part, of in zip(torch.split(left, AT_ONCE), torch.split(kind, AT_ONCE), strict=True):
        part.sub_(means[of])
    return left
