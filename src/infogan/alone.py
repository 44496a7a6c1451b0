"""One code for each place of the image, as a term of G's objective. Beyond the paper.

L_I is largest however a code is written: in a part of the image, in a mixture of parts, in what is
hardly seen. Here G is paid for what one code makes of a place by itself (Sobol's first indices,
docs/maths.md, section 12), for each place by the code that makes most of it: a code then moves a
part of the image that no other code moves. Their sum over codes would not do: codes that share two
parts, as a rotation mixes two factors, have the same sum.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan import processes
from infogan.codes import Code
from infogan.prior import Prior

PLACES = 8  # along each side of an image
RATE = 0.05  # of the running means: some twenty updates
LITTLE = 0.02, 0.01  # shares that are as good as none: of all places, of one


def counted(prior: Prior) -> tuple[Code, ...]:
    """The codes that places may have: those of categories, or all, where there are none."""
    return prior.categorical or prior.codes


def exchanged(prior: Prior, latent: Tensor, which: Tensor) -> Tensor:
    """Rows v and v' of G's inputs with one code of each pair exchanged.

    Args:
        prior: Whose inputs they are.
        latent: Pairs, v_1 … v_h, v'_1 … v'_h, (2 h, width).
        which: The number of the exchanged code among `counted`, of each pair (h,).

    Returns:
        v_1 with the code of v'_1, …, then v'_1 with that of v_1, …, (2 h, width).
    """
    v, w = latent.chunk(2)
    moved = prior.masks(counted(prior))[which].to(latent.device)
    return torch.cat([torch.where(moved, w, v), torch.where(moved, v, w)])


def places(x: Tensor) -> Tensor:
    """Means over colours and over 8×8 places of images (n, C, H, W), or fewer where it has fewer
    pixels; of vectors each coordinate is one: (n, places)."""
    if x.shape[2:] == (1, 1):
        return x.flatten(1)
    size = min(PLACES, x.shape[2]), min(PLACES, x.shape[3])
    return F.adaptive_avg_pool2d(x.mean(1, keepdim=True), size).flatten(1)


def nothing_yet(prior: Prior, shape: tuple[int, int, int]) -> Tensor:
    """The running means before the first update, (codes + 1, places): V_i(p) of each code, V(p)."""
    return torch.zeros(len(counted(prior)) + 1, places(torch.zeros(1, *shape)).shape[1])


def alone(x: Tensor, x_exchanged: Tensor, which: Tensor, made: Tensor) -> Tensor:
    """Σ_p Σ_i W_i(p) V_i(p) / Σ_p V(p), at most 1 in the mean over draws, with gradient to x.

    V(p) is the variance of place p over images, V_i(p) = Var E[x_p | code i] what code i makes of
    it by itself: 2 V = E(G(v) − G(v'))², 2 (V − V_i) = E(G(v) − G(v'_i←v))², whose two images share
    code i alone. W_i(p) says whose the place is, by the running means: S_i(p)² / mean_p S_i, of the
    sum of that over codes, S_i = V_i / V. The squares let the greatest share win; the mean, a code
    that has little elsewhere.

    Args:
        x: G of pairs v, v', (2 h, C, H, W).
        x_exchanged: G of what `exchanged` makes of them, a code exchanged in each pair.
        which: Which code that is (h,).
        made: The running means as `nothing_yet` begins them; moved on in place.
    """
    x, x_exchanged = (t if t.dtype == torch.float64 else t.float() for t in (x, x_exchanged))
    (v, w), (v_of_w, w_of_v) = x.chunk(2), x_exchanged.chunk(2)
    n = len(made) - 1
    V = places((v - w).square()).mean(0) / 2
    # v and v'_i←v share code i alone, and so do v' and v_i←v'
    left = places((v - w_of_v).square() + (w - v_of_w).square()) / 4
    pairs = F.one_hot(which, n).T.to(left)  # (n, h)
    counts = pairs.sum(1, keepdim=True)
    V_i = (V - pairs @ left / counts.clamp_min(1)) * (counts > 0)
    with torch.no_grad():
        found = processes.average({"made": torch.cat([V_i, V[None]])})["made"].to(made)
        heard = torch.cat([counts > 0, counts[:1] >= 0]).to(made)
        made.lerp_(found, RATE * heard)
        S = (made[:-1] / made[-1].clamp_min(torch.finfo(made.dtype).tiny)).clamp(0, 1).to(V_i)
        W = S.square() / (S.mean(1, keepdim=True) + LITTLE[0])
        W = W / (W.sum(0) + LITTLE[1])
    return (W * V_i).sum() / V.sum()
