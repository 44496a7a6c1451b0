"""4×4 convolutions of stride 2 on a processor, put together otherwise where torch is slow.

A convolution to h × w results is P(x) Wᵀ with P(x) (n·h·w, 16·C), what each result looks at, and so
are the gradients of W and, transposed, of x. The numbers are torch's but for rounding.

- Images of one channel: torch's kernels have channels as their inner loop, and there is but one. As
  products the gradients of weights and images and the transposed convolution take half of the time
  in float32. In bfloat16 (not with AMX) the transposed convolution takes a third, the gradient of
  the weights as long: there it is for training with enough channels, and for generating with any.
- Many channels, in bfloat16: torch takes up to twice as long for the gradient of the weights as for
  the convolution. As a product a step of the paper's nets takes 6 % less, with AMX and without.
- Many channels, in float32: with its bias a transposed convolution to 14×14 takes half as long
  again as without, and so may both gradients of its parameters at once: so b is added apart.

Everywhere else it would take more, and torch's own are used: the few channels of `mnist`'s nets,
patches that no cache holds, a GPU, other shapes.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight

from infogan import precision

SIDE, STRIDE, PADDING = 4, 2, 1
CHANNELS = 64  # enough of them to train with, in bfloat16
WEIGHTS = 2**17  # of many channels: from 64 → 128 on
PATCHES = 2**24  # numbers in them, in bfloat16 32 MB


class Halving(nn.Conv2d):
    """(n, C, 2h, 2w) → (n, D, h, w), as `nn.Conv2d`."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        whole = height % STRIDE == width % STRIDE == 0
        if not whole or not _faster(self, x, x[:, 0].numel() // STRIDE**2):
            return super().forward(x)
        return _in_its_format(_Halving, x, self.weight, self.bias)


class Doubling(nn.ConvTranspose2d):
    """(n, D, h, w) → (n, C, 2h, 2w), as `nn.ConvTranspose2d`."""

    def forward(self, h: Tensor, output_size: list[int] | None = None) -> Tensor:
        if output_size or not _faster(self, h, h[:, 0].numel()):
            return super().forward(h, output_size)
        return _in_its_format(_Doubling, h, self.weight, self.bias)


def _faster(layer: Halving | Doubling, x: Tensor, places: int) -> bool:
    """Whether ours is, and gives the same; `places` are all pixels of the small side."""
    W, dtype = layer.weight, _format(x)
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups)
    if (
        torch.compiler.is_compiling()
        or x.device.type != "cpu"
        or shape != ((SIDE, SIDE), (STRIDE, STRIDE), (PADDING, PADDING), (1, 1), 1)
        or any(layer.output_padding)
        or layer.bias is None
    ):
        return False
    trains = torch.is_autocast_enabled("cpu")  # else the weights themselves are in bfloat16
    if W.shape[1] == 1:
        if dtype == torch.bfloat16:
            return (len(W) >= CHANNELS or not trains) and not precision.has_tiles()
        return dtype in (torch.float32, torch.float64)
    if W.numel() < WEIGHTS:
        return False
    if dtype == torch.bfloat16:
        return trains and places * W[0].numel() < PATCHES
    return dtype == torch.float32 and isinstance(layer, Doubling)


def _format(x: Tensor) -> torch.dtype:
    """What autocast makes of x where it is on; else x's own."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


def _in_its_format(kind: Any, x: Tensor, *parameters: Tensor | None) -> Tensor:
    """kind of them, cast as autocast casts what it gives to torch's own convolutions."""
    dtype = _format(x)
    with torch.autocast("cpu", enabled=False):
        out: Tensor = kind.apply(*(None if t is None else t.to(dtype) for t in (x, *parameters)))
    return out


class _Halving(torch.autograd.Function):
    """y = P(x) Wᵀ + b, a row for each pixel of y."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(x, W)
        return F.conv2d(x, W, b, STRIDE, PADDING)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, W = ctx.saved_tensors
        of_x, of_W, of_b = ctx.needs_input_grad
        return (
            _doubled(g, W, None) if of_x else None,
            _of_weights(g, x) if of_W else None,
            _rows(g).sum(0) if of_b else None,
        )


class _Doubling(torch.autograd.Function):
    """The transposed map: x = Pᵀ(h W) + b."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, W: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(h, W)
        return _doubled(h, W, b)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        h, W = ctx.saved_tensors
        of_h, of_W, of_b = ctx.needs_input_grad
        return (
            F.conv2d(g, W, None, STRIDE, PADDING) if of_h else None,
            _of_weights(h, g) if of_W else None,
            _rows(g).sum(0) if of_b else None,
        )


def _doubled(h: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    """Pᵀ(h W) + b; of one channel as that product, of more as torch has it."""
    n, _, height, width = h.shape
    if W.shape[1] > 1:
        if b is None or h.dtype != torch.float32:
            return F.conv_transpose2d(h, W, b, STRIDE, PADDING)
        return F.conv_transpose2d(h, W, None, STRIDE, PADDING).add_(b[:, None, None])
    patches = (_rows(h) @ W.flatten(1)).view(n, height * width, SIDE * SIDE)
    if patches.dtype == torch.bfloat16:
        patches = patches.float()  # which sums faster
    size = (STRIDE * height, STRIDE * width)
    x = F.fold(patches.transpose(1, 2), size, SIDE, padding=PADDING, stride=STRIDE)
    return (x if b is None else x + b).to(h.dtype)


def _of_weights(small: Tensor, large: Tensor) -> Tensor:
    """The gradient of W (D, C, 4, 4), of which one side (n, D, h, w), (n, C, 2h, 2w) is the values
    and the other the gradient."""
    D, C = small.shape[1], large.shape[1]
    if C > 1 and large.dtype == torch.float32:
        shape = (D, C, SIDE, SIDE)
        of_W: Tensor = conv2d_weight(large, shape, small, STRIDE, PADDING)  # type: ignore[no-untyped-call]
        return of_W
    return (_rows(small).T @ _patches(large)).view(D, SIDE, SIDE, C).permute(0, 3, 1, 2)


def _rows(h: Tensor) -> Tensor:
    """(n, C, H, W) → (n·H·W, C), a row for each pixel; nothing is copied from channels last."""
    return h.permute(0, 2, 3, 1).reshape(-1, h.shape[1])


def _patches(x: Tensor) -> Tensor:
    """(n, C, H, W) → (n·H/2·W/2, 16·C), what each pixel of half the size looks at, row by row."""
    n, C, height, width = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, *[PADDING] * 4)).contiguous()
    h, w, row = height // STRIDE, width // STRIDE, (width + 2 * PADDING) * C
    steps = ((height + 2 * PADDING) * row, STRIDE * row, STRIDE * C, row, 1)
    seen = padded.as_strided((n, h, w, SIDE, SIDE * C), steps)
    return seen.reshape(n * h * w, SIDE * SIDE * C)
