"""4×4 convolutions of stride 2 between many channels, in bfloat16 on a processor.

There torch takes up to twice as long for the gradient of the weights as for the convolution. As
one product with patches a step of the paper's nets takes 6 % less, with AMX and without. In
float32, with the few channels of `mnist`'s nets, and where the patches are more than a cache holds,
it would take more. The numbers are the same but for rounding.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan.networks.patches import PADDING, STRIDE, fits, of_weights, rows

WEIGHTS = 2**17  # from 64 → 128 channels on
PATCHES = 2**24  # numbers in them, 32 MB


class Halving(nn.Conv2d):
    """(n, C, 2h, 2w) → (n, D, h, w), as `nn.Conv2d`."""

    def forward(self, x: Tensor) -> Tensor:
        if not _as_product(self, x, x[:, 0].numel() // STRIDE**2):
            return super().forward(x)
        return _in_bfloat16(_Halving, x, self.weight, self.bias)


class Doubling(nn.ConvTranspose2d):
    """(n, D, h, w) → (n, C, 2h, 2w), as `nn.ConvTranspose2d`."""

    def forward(self, h: Tensor, output_size: list[int] | None = None) -> Tensor:
        if output_size or not _as_product(self, h, h[:, 0].numel()):
            return super().forward(h, output_size)
        return _in_bfloat16(_Doubling, h, self.weight, self.bias)


def _as_product(layer: Halving | Doubling, x: Tensor, places: int) -> bool:
    """Whether the weights' gradient is faster so, and the same; `places` on the small side."""
    W = layer.weight
    return (
        W.numel() >= WEIGHTS
        and places * W[0].numel() < PATCHES
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and fits(layer, x)
    )


def _in_bfloat16(kind: Any, x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    """kind of them, cast as autocast casts what it gives to torch's own convolutions."""
    parts = [t if t is None else t.to(torch.bfloat16) for t in (x, W, b)]
    with torch.autocast("cpu", enabled=False):
        out: Tensor = kind.apply(*parts)
    return out


class _Halving(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(x, W)
        return F.conv2d(x, W, b, STRIDE, PADDING)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, W = ctx.saved_tensors
        of_x, of_W, of_b = ctx.needs_input_grad
        return (
            F.conv_transpose2d(g, W, None, STRIDE, PADDING) if of_x else None,
            of_weights(g, x) if of_W else None,
            rows(g).sum(0) if of_b else None,
        )


class _Doubling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, W: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(h, W)
        return F.conv_transpose2d(h, W, b, STRIDE, PADDING)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        h, W = ctx.saved_tensors
        of_h, of_W, of_b = ctx.needs_input_grad
        return (
            F.conv2d(g, W, None, STRIDE, PADDING) if of_h else None,
            of_weights(h, g) if of_W else None,
            rows(g).sum(0) if of_b else None,
        )
