"""What the processor can do: the rate of large convolutions and matrix products."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

N, C_IN, C_OUT, SIDE = 64, 128, 256, 28  # 3×3 convolution: 29.6 GFLOP
M = 2048  # square matrix product: 17.2 GFLOP


def works(dtype: torch.dtype) -> dict[str, tuple[Callable[[], object], float]]:
    """By name: a call, and its operations."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        x = torch.randn(*shape, generator=generator).to(dtype)
        return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x

    x, w, a = draw(N, C_IN, SIDE, SIDE), draw(C_OUT, C_IN, 3, 3), draw(M, M)
    name = str(dtype).removeprefix("torch.")
    return {
        f"convolution, {name}": (
            lambda: F.conv2d(x, w, padding=1),
            2 * N * SIDE**2 * C_IN * C_OUT * 9,
        ),
        f"product, {name}": (lambda: a @ a, 2 * M**3),
    }
