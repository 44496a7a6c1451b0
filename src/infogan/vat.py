"""Virtual adversarial perturbation: a change of an image that is small, and moves Q most.

Beyond the paper; no label is looked at.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.codes import log_probs
from infogan.model import InfoGAN
from infogan.processes import randn

XI = 0.1  # length of the step, in units of x, at which the divergence's gradient is taken


def log_q(model: InfoGAN) -> Callable[[Tensor], Tensor]:
    """ln Q of all categorical codes, side by side: (n, C, H, W) → (n, Σ K)."""

    def read(x: Tensor) -> Tensor:
        q = model.prior.q(model.Q(model.trunk(x)))
        return torch.cat([log_probs(q[code.name]) for code in model.prior.categorical], 1)

    return read


def adversarial(
    read: Callable[[Tensor], Tensor], x: Tensor, reach: float, generator: torch.Generator
) -> Tensor:
    """x + r, r about the change of its length that moves Q(x) most.

    r = ε √d g / ‖g‖,   g = ∇_r KL(Q(x) ‖ Q(x + r)) at r = ξ δ,   δ random and of length 1

    One step of the power method for the leading direction of the divergence's second derivative, of
    which the first is 0 at r = 0 (Miyato et al. 2018, *Virtual Adversarial Training*, algorithm 1).

    Args:
        read: x ↦ ln Q, (n, K); of several codes side by side.
        x: (n, C, H, W), of d numbers each.
        reach: ε, the change's root mean square over the numbers, in units of x.
        generator: Of δ, on the CPU.

    Returns:
        (n, C, H, W), without gradient.
    """
    delta = randn(len(x), *x.shape[1:], generator=generator).to(x)
    delta = XI * _of_length_1(delta)
    with torch.no_grad():
        now = read(x).to(x)
    with torch.enable_grad():
        delta.requires_grad_()
        divergence = (now.exp() * (now - read(x + delta))).sum()
        (g,) = torch.autograd.grad(divergence, delta)
    return (x + reach * math.sqrt(x[0].numel()) * _of_length_1(g)).detach()


def _of_length_1(d: Tensor) -> Tensor:
    """Each image's numbers divided by their length; 0 stays 0."""
    return F.normalize(d.flatten(1), dim=1).view_as(d)
