"""Spectral norm: each layer of D stretches no direction of its input by more than 1."""

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

FIRST, EPS = 15, 1e-12  # power iterations of a fresh layer; least length of a vector

M = TypeVar("M", bound=nn.Module)


class Spectral(nn.Module):
    """W ↦ W / σ(W), σ the largest singular value of W as a matrix (outputs, all the rest).

    u ← W v / ‖W v‖,  v ← Wᵀu / ‖Wᵀu‖,  σ ≈ uᵀ W v

    One such power iteration at each pass in training, since the weights move little between two;
    none in evaluation. u and v are buffers, so that a checkpoint holds them. Miyato et al. 2018,
    eq. 8 and Algorithm 1; the same numbers as torch's `spectral_norm`, which under autocast would
    iterate in bfloat16.

    Args:
        W: The layer's weight, for its size and the first u and v.
    """

    def __init__(self, W: Tensor) -> None:
        super().__init__()
        matrix = W.detach().flatten(1)
        self.u: Tensor
        self.v: Tensor
        self.register_buffer("u", F.normalize(matrix.new_empty(len(matrix)).normal_(), dim=0))
        self.register_buffer("v", F.normalize(matrix.new_empty(matrix.shape[1]).normal_(), dim=0))
        self._iterate(matrix, FIRST)

    def forward(self, W: Tensor) -> Tensor:
        with torch.autocast(W.device.type, enabled=False):
            matrix = W.flatten(1)
            if self.training:
                self._iterate(matrix, 1)
            # copies: a later pass moves u and v on while this one's graph still needs them
            u, v = self.u.clone(), self.v.clone()
            sigma: Tensor = torch.dot(u, torch.mv(matrix, v))
            return W / sigma

    @torch.no_grad()
    def _iterate(self, matrix: Tensor, times: int) -> None:
        for _ in range(times):
            self.u.copy_(F.normalize(torch.mv(matrix, self.v), dim=0, eps=EPS))
            self.v.copy_(F.normalize(torch.mv(matrix.T, self.u), dim=0, eps=EPS))


def spectral(layer: M, wanted: bool = True) -> M:
    """The layer itself, its weight under spectral norm where that is wanted."""
    if wanted:
        W = layer.weight
        assert isinstance(W, Tensor)
        register_parametrization(layer, "weight", Spectral(W))
    return layer


@torch.no_grad()
def plain(layer: nn.Module) -> nn.Module:
    """A layer whose weight is W / σ(W) as it stands: for evaluation the same, at no cost each time.

    Args:
        layer: One of `spectral`, in evaluation mode; any other is given back as it is.
    """
    if not is_parametrized(layer):
        return layer
    # torch's own removal would change the class that copies of the layer share
    fresh: nn.Conv2d | nn.Linear
    if isinstance(layer, nn.Conv2d):
        shape = (layer.in_channels, layer.out_channels, layer.kernel_size)
        padding = layer.padding
        assert isinstance(padding, tuple)
        fresh = nn.Conv2d(*shape, layer.stride, padding)  # type: ignore[arg-type]
    else:
        assert isinstance(layer, nn.Linear)
        fresh = nn.Linear(layer.in_features, layer.out_features)
    fresh.weight = nn.Parameter(layer.weight.clone())
    fresh.bias = layer.bias
    return fresh.eval()
