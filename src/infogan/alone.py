"""What codes make of the images each alone, as a term of G's objective. Beyond the paper.

L_I is largest however a code is written: in a part of the image, in a mixture of parts, in what is
hardly seen. Here G is paid for images whose differences are sums of what single codes do (Sobol's
first indices, docs/maths.md, section 12): a code then moves a part of the image that no other code
moves. Additive decoders are identified up to such parts (Lachapelle et al. 2023).
"""

import torch
from torch import Tensor

from infogan.codes import Code
from infogan.prior import Prior


def counted(prior: Prior) -> tuple[Code, ...]:
    """The codes whose shares count: those of categories, or all, where there are none."""
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
    columns = prior.columns()
    inside = torch.zeros(len(counted(prior)), prior.width, dtype=torch.bool)
    for row, code in zip(inside, counted(prior)):
        row[columns[code.name]] = True
    v, w = latent.chunk(2)
    moved = inside[which].to(latent.device)
    return torch.cat([torch.where(moved, w, v), torch.where(moved, v, w)])


def alone(x: Tensor, x_exchanged: Tensor, codes: int) -> Tensor:
    """Σ_i S_i = Σ_i (1 − E‖G(v) − G(v'_i←v)‖² / E‖G(v) − G(v')‖²), with gradient to the images.

    Args:
        x: G of pairs v, v', (2 h, C, H, W).
        x_exchanged: G of what `exchanged` makes of them, a code at random exchanged in each pair.
        codes: How many codes count; a pair speaks for all of them.

    Returns:
        The sum, at most 1 in the mean over draws.
    """
    x, x_exchanged = (t if t.dtype == torch.float64 else t.float() for t in (x, x_exchanged))
    (v, w), (v_of_w, w_of_v) = x.chunk(2), x_exchanged.chunk(2)
    far = (v - w).square().mean()
    # v and v'_i←v share code i alone, and so do v' and v_i←v'
    near = ((v - w_of_v).square().mean() + (w - v_of_w).square().mean()) / 2
    return codes * (1 - near / far)
