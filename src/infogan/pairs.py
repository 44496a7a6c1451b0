"""What pairs of real images say of the codes, without labels: beyond the paper.

A formula as it stands, in nats; `objective` weighs it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST = 1e-6  # of 1 − ρ²: information of at most 6.9 nats, so that equal images cannot run away


def pair_information(
    p: Tensor,
    p_aug: Tensor,
    m: float = 1.0,
    r_bar: Tensor | None = None,
    pi: Tensor | None = None,
) -> Tensor:
    """Information between the categories of an image and of its augmented copy, without labels.

    I_m = Σ_kl P_kl ln(P_kl / (r_k r_l)) − 2 (m − 1) Σ_k r_k ln r̄_k + (2m − 1) Σ_k r_k ln(K π_k)
    P = sym(E[p p_augᵀ]),   r = P's marginal,   r̄ = the marginal over many batches,   π = P(c)

    The first sum is the mutual information of Ji et al. 2019 (IIC), eq. 3. With r̄ = r the second
    is 2 (m − 1) H(r), so that m > 1 weighs more that the categories are used equally, as P(c) says
    they are; the maximum over P is then (2m − 1) ln K. The counts of one batch are never quite
    equal, even where the classes are: with r̄ of many batches only what lasts is pulled back. The
    third sum is 0 where P(c) is uniform; where it is not, r is pulled to π instead:
    I_m = (2m − 1) (ln K − KL(r ‖ π)) + H(r) − H(P).

    Computed in at least float32: its first signal is of the size of bfloat16's rounding.

    Args:
        p: Q's categories of n real images, (n, K), rows sum to 1.
        p_aug: The same of their augmented copies.
        m: Weight on the marginal; > 0.
        r_bar: r̄ (K,), a constant; None: this batch's own r.
        pi: P(c) (K,), a constant; None: uniform.

    Returns:
        I_m in nats.
    """
    with torch.autocast(p.device.type, enabled=False):
        if p.dtype != torch.float64:
            p, p_aug = p.float(), p_aug.float()
        tiny = torch.finfo(p.dtype).tiny
        P = joint(p, p_aug)
        r = P.sum(1)  # (K,)
        # 0 ln 0 = 0, and its gradient stays finite
        P_ln_P = P * P.clamp_min(tiny).log()
        r_ln_r = r * r.clamp_min(tiny).log()
        pull = r_ln_r if r_bar is None else r * r_bar.clamp_min(tiny).log()
        # Σ_kl P_kl (ln r_k + ln r_l) = 2 Σ_k r_k ln r_k
        I_m = P_ln_P.sum() - 2 * r_ln_r.sum() - 2 * (m - 1) * pull.sum()
        return I_m if pi is None else I_m + (2 * m - 1) * (r * (len(r) * pi.to(r)).log()).sum()


def joint(p: Tensor, p_aug: Tensor) -> Tensor:
    """P = sym(E[p p_augᵀ]) (K, K), the joint of the categories of an image and of its copy."""
    P = p.T @ p_aug / len(p)
    return (P + P.T) / 2


def overlap(P: Tensor) -> Tensor:
    """P_kl / min(r_k, r_l), (K, K), 0 on the diagonal: the share of the smaller category's images
    whose copy goes to the other. Near 0 between two kinds, near a half between halves of one."""
    r = P.sum(1)
    smaller = torch.minimum(r[:, None], r).clamp_min(torch.finfo(P.dtype).tiny)
    return (P / smaller).fill_diagonal_(0)


def alike_information(u: Tensor, u_near: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    """How much a reading of continuous codes tells of the image's look-alike, without labels.

    I_i = −½ ln(1 − ρ_i²)        T_i = −½ Σ_{j<i} ln(1 − r_ij²)

    ρ_i is the correlation of coordinate i between an image and its look-alike, r_ij that of two
    coordinates of one image, all within categories: of what is left of u when the category's mean
    is taken away. For readings that are jointly Gaussian I_i is the mutual information of the two,
    and T_i, summed pair by pair, what the coordinates before i have told already.

    Images of one category that look alike share most what makes the others of it look different:
    the u with most I is the largest factor, and with I − T the next one is the largest that is
    left. In MNIST's look-alikes ρ is 0.96 for slant, 0.90 for width, 0.70 for thickness.

    Computed in at least float32: bfloat16 cannot tell a ρ of 0.996 from 1.

    Args:
        u: Q's means for n real images, (n, d), coordinates in the codes' order.
        u_near: The same for look-alikes of the first m of them, (m, d).
        p: Q's categories of the n images, (n, K), as constants; a column of ones where there are
            none.

    Returns:
        I and T, (d,) each, in nats. The gradient of T_i moves coordinate i alone.
    """
    with torch.autocast(u.device.type, enabled=False):
        p = p.detach().to(u)
        means = p.T @ u / p.sum(0).clamp_min(torch.finfo(u.dtype).tiny)[:, None]  # (K, d)
        within, m = u - p @ means, len(u_near)
        I = _gaussian(_correlations(within[:m], u_near - p[:m] @ means).diagonal())
        T = _gaussian(_correlations(within, within.detach()).tril(-1)).sum(1)
    return I, T


def _correlations(a: Tensor, b: Tensor) -> Tensor:
    """Between the columns of a (n, d) and of b (n, d): (d, d)."""
    return F.normalize(a - a.mean(0), dim=0).T @ F.normalize(b - b.mean(0), dim=0)


def _gaussian(rho: Tensor) -> Tensor:
    """−½ ln(1 − ρ²), the mutual information of two Gaussians of correlation ρ."""
    return -0.5 * (1 - rho.square()).clamp_min(LEAST).log()
