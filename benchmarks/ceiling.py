"""What the processor or GPU can do: the rate of large convolutions and matrix products."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from machine import CPU, named

C_IN, C_OUT, SIDE = 128, 256, 28  # 3×3 convolution of N images
N = {"cpu": 64, "cuda": 1024}  # 29.6 and 473 GFLOP
M = {"cpu": 2048, "cuda": 8192}  # square matrix product: 17.2 and 1,100 GFLOP


def works(
    dtype: torch.dtype, device: torch.device = CPU
) -> dict[str, tuple[Callable[[], object], float]]:
    """By name: a call, and its operations."""
    n, m = N[device.type], M[device.type]
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        x = torch.randn(*shape, generator=generator).to(device, dtype)
        return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x

    x, w, a = draw(n, C_IN, SIDE, SIDE), draw(C_OUT, C_IN, 3, 3), draw(m, m)
    return {
        f"convolution, {named(dtype)}": (
            lambda: F.conv2d(x, w, padding=1),
            2 * n * SIDE**2 * C_IN * C_OUT * 9,
        ),
        f"product, {named(dtype)}": (lambda: a @ a, 2 * m**3),
    }
