"""4×4 convolutions of stride 2 as products with patches: what `grey` and `strided` share.

A convolution to h × w results is P(x) Wᵀ with P(x) (n·h·w, 16·C), what each result looks at; so are
the gradients of W and, transposed, of x.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE, STRIDE, PADDING = 4, 2, 1


def fits(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> bool:
    """Whether the layer is such a convolution or its transpose, here, of whole blocks of pixels."""
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups)
    whole = isinstance(layer, nn.ConvTranspose2d) or x.shape[2] % STRIDE == x.shape[3] % STRIDE == 0
    return (
        shape == ((SIDE, SIDE), (STRIDE, STRIDE), (PADDING, PADDING), (1, 1), 1)
        and not any(layer.output_padding)
        and layer.bias is not None
        and whole
        and x.device.type == "cpu"
        and not torch.compiler.is_compiling()
    )


def rows(h: Tensor) -> Tensor:
    """(n, C, H, W) → (n·H·W, C), a row for each pixel; nothing is copied from channels last."""
    return h.permute(0, 2, 3, 1).reshape(-1, h.shape[1])


def patches(x: Tensor) -> Tensor:
    """(n, C, H, W) → (n·H/2·W/2, 16·C), what each pixel of half the size looks at, row by row."""
    n, C, height, width = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, *[PADDING] * 4)).contiguous()
    h, w, row = height // STRIDE, width // STRIDE, (width + 2 * PADDING) * C
    steps = ((height + 2 * PADDING) * row, STRIDE * row, STRIDE * C, row, 1)
    seen = padded.as_strided((n, h, w, SIDE, SIDE * C), steps)
    return seen.reshape(n * h * w, SIDE * SIDE * C)


def of_weights(small: Tensor, large: Tensor) -> Tensor:
    """The gradient of W (D, C, 4, 4): the gradient or values on the small side (n, D, h, w), values
    or gradient on the large (n, C, 2h, 2w)."""
    D, C = small.shape[1], large.shape[1]
    return (rows(small).T @ patches(large)).view(D, SIDE, SIDE, C).permute(0, 3, 1, 2)
