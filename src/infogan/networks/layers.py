"""The layers that make the networks fast, each equal to a plain one: only time may tell them apart.

Activations lie in memory pixel by pixel (channels last), as convolutions want them.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from infogan.networks.spectral import plain


class Flat(nn.Module):
    """(n, C, H, W) → (n, H·W·C), pixel by pixel as it lies in memory, so that nothing is copied."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class Square(nn.Module):
    """(n, H·W·C) → (n, C, H, W): the inverse of `Flat`.

    Args:
        shape: (C, H, W).
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        c, h, w = self.shape
        return x.reshape(-1, h, w, c).permute(0, 3, 1, 2)


class Waves(nn.Module):
    """x → (x, cos Bx, sin Bx) with fixed random B, entries N(0, scale²): (n, d) → (n, d + 2·waves).

    Tancik et al. 2020, *Fourier Features Let Networks Learn High Frequency Functions*, eq. 5, and x
    itself, so that far from the data the features still say where.

    Args:
        d: Width of x.
        waves: Rows of B.
        scale: Radians per unit of x.
    """

    B: Tensor

    def __init__(self, d: int, waves: int, scale: float) -> None:
        super().__init__()
        self.register_buffer("B", scale * torch.randn(waves, d))

    def forward(self, x: Tensor) -> Tensor:
        # no product: autocast would take it to bfloat16, where Bx is off by a hundredth of a turn
        Bx = (x[:, None, :] * self.B).sum(2)  # (n, waves)
        return torch.cat([x, Bx.cos(), Bx.sin()], 1)


def apart(network: nn.Module, batches: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """network(x) of several batches in one pass, the same as one pass for each.

    Batch norm sees each batch alone, in their order; every other layer treats images one by one,
    and its weights are read, and their gradient made, once for all.

    Args:
        network: A sequence of layers; another module, or one with code from torch.compile,
            is called once for each batch.
        batches: Inputs (n_i, …).

    Returns:
        The outputs, batch by batch.
    """
    if not isinstance(network, nn.Sequential) or network._compiled_call_impl is not None:
        return tuple(network(x) for x in batches)
    sizes = [len(x) for x in batches]
    h = torch.cat(list(batches))
    for layer in network:
        if any(isinstance(part, _BatchNorm) for part in layer.modules()):
            h = torch.cat([layer(part) for part in torch.split(h, sizes)])
        else:
            h = layer(h)
    return torch.split(h, sizes)


def folded(network: nn.Module) -> nn.Module:
    """A copy for evaluation in which each batch norm is part of the layer before it, where one is.

    γ (W x + b − μ) / √(σ² + ε) + β is W' x + b' again, with W' = γ W / √(σ² + ε): one pass over
    the activations less for each batch norm. Weights under spectral norm are divided once for all.

    Args:
        network: Left as it is.
    """
    copied = copy.deepcopy(network).eval()
    for part in [*copied.modules()]:
        for name, layer in part.named_children():
            setattr(part, name, plain(layer))
    for part in copied.modules():
        if not isinstance(part, nn.Sequential):
            continue
        kept: list[nn.Module] = []
        for layer in part:
            before = kept[-1] if kept else None
            if isinstance(layer, _BatchNorm) and isinstance(before, nn.Linear):
                kept[-1] = fuse_linear_bn_eval(before, layer)
            elif isinstance(layer, _BatchNorm) and isinstance(before, nn.Conv2d):
                kept[-1] = fuse_conv_bn_eval(before, layer)
            elif isinstance(layer, _BatchNorm) and isinstance(before, nn.ConvTranspose2d):
                kept[-1] = fuse_conv_bn_eval(before, layer, transpose=True)
            else:
                kept.append(layer)
        while len(part):
            part.pop(-1)
        part.extend(kept)
    return copied
