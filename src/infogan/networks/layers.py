"""The layers that make the networks fast, each equal to a plain one: only time may tell them apart.

Activations lie in memory pixel by pixel (channels last), as convolutions want them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


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


def apart(network: nn.Module, batches: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """network(x) of several batches in one pass, the same as one pass for each.

    Batch norm sees each batch alone, in their order; every other layer treats images one by one,
    and its weights are read, and their gradient made, once for all.

    Args:
        network: A sequence of layers; another module is called once for each batch.
        batches: Inputs (n_i, …).

    Returns:
        The outputs, batch by batch.
    """
    if not isinstance(network, nn.Sequential):
        return tuple(network(x) for x in batches)
    sizes = [len(x) for x in batches]
    h = torch.cat(list(batches))
    for layer in network:
        if isinstance(layer, _BatchNorm):
            h = torch.cat([layer(part) for part in torch.split(h, sizes)])
        else:
            h = layer(h)
    return torch.split(h, sizes)
