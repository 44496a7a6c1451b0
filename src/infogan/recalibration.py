"""Batch norm's statistics under the weights as they are, for evaluation."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from infogan.model import InfoGAN


@torch.no_grad()
def recalibrate(model: InfoGAN, real: Iterable[Tensor], latents: Sequence[Tensor] = ()) -> None:
    """Set every batch norm's running statistics to the averages under the weights as they are now.

    While training they trail behind the weights, and G's average weights never had any. G sees
    `latents`; the trunk and Q see real and generated images as one batch, since Q is asked about
    both. Without latents they see real images alone, to read such: early on G's are far from them.

    Args:
        model: Left in evaluation mode.
        real: Batches of real images in [0, 1], one for each batch of latents, where there are any.
        latents: Batches of embedded (z, c).
    """
    norms: list[Any] = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    momentum = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over all batches
    model.train()
    for latent in latents:
        model.G(latent)
    model.G.eval()
    for i, x in enumerate(real):
        h = model.trunk(torch.cat([x, model.G(latents[i])]) if latents else x)
        model.D(h), model.Q(h)  # spectral norm's vectors follow average weights too
    for norm, m in zip(norms, momentum):
        norm.momentum = m
    model.eval()
