"""4×4 convolutions of stride 2 from and to images of one channel, in float32 on a processor.

With one channel a patch has 16 numbers. torch's own kernels are slow where channels are their inner
loop and there is but one: as products with patches the gradients of weights and images and the
transposed convolution take half of the time. Elsewhere (bfloat16, a GPU, other shapes) torch's are
used. The numbers are the same but for rounding.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan.networks.patches import PADDING, SIDE, STRIDE, fits, of_weights, rows


class FromGrey(nn.Conv2d):
    """(n, 1, H, W) → (n, C, H/2, W/2), as `nn.Conv2d`."""

    def forward(self, x: Tensor) -> Tensor:
        if self.in_channels != 1 or not _as_product(self, x):
            return super().forward(x)
        out: Tensor = _FromGrey.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return out


class ToGrey(nn.ConvTranspose2d):
    """(n, C, H, W) → (n, 1, 2H, 2W), as `nn.ConvTranspose2d`."""

    def forward(self, h: Tensor, output_size: list[int] | None = None) -> Tensor:
        if self.out_channels != 1 or not _as_product(self, h):
            return super().forward(h, output_size)
        out: Tensor = _ToGrey.apply(h, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return out


def _as_product(layer: FromGrey | ToGrey, x: Tensor) -> bool:
    """Whether a product is faster, and gives the same."""
    return (
        x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and fits(layer, x)
    )


class _FromGrey(torch.autograd.Function):
    """y = P(x) Wᵀ + b, P(x) the patches of x, a row for each pixel of y."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(x, W)
        return F.conv2d(x, W, b, STRIDE, PADDING)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, W = ctx.saved_tensors
        of_x, of_W, of_b = ctx.needs_input_grad
        return (
            _image(rows(g) @ W.flatten(1), g) if of_x else None,
            of_weights(g, x) if of_W else None,
            rows(g).sum(0) if of_b else None,
        )


class _ToGrey(torch.autograd.Function):
    """The transposed map: x = Pᵀ(h W) + b."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, W: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(h, W)
        return _image(rows(h) @ W.flatten(1), h) + b

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        h, W = ctx.saved_tensors
        of_h, of_W, of_b = ctx.needs_input_grad
        return (
            F.conv2d(g, W, None, STRIDE, PADDING) if of_h else None,
            of_weights(h, g) if of_W else None,
            g.sum().view(1) if of_b else None,
        )


def _image(patches: Tensor, h: Tensor) -> Tensor:
    """The transposed map of `patches`: (n·H·W, 16) → (n, 1, 2H, 2W), for h (n, C, H, W)."""
    n, _, height, width = h.shape
    columns = patches.view(n, height * width, SIDE * SIDE).transpose(1, 2)
    size = (STRIDE * height, STRIDE * width)
    return F.fold(columns, size, SIDE, padding=PADDING, stride=STRIDE)
