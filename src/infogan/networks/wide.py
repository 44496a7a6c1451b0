"""Linear layers of millions of weights, in float32 on a processor that has AVX2 only.

There MKL takes half as long again for a product whose result is wide, x Wᵀ with thousands of rows
in W, as for the same result piece by piece. The numbers are the same but for rounding.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WEIGHTS = 2**21  # with fewer, as those of `mnist`'s nets, it was not measured
PIECE = 512  # columns of the result made at once


class Wide(nn.Linear):
    """(n, d) → (n, m), as `nn.Linear`."""

    def forward(self, x: Tensor) -> Tensor:
        if not _piece_by_piece(self.weight, x):
            return super().forward(x)
        out: Tensor = _Linear.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]
        return out


def _piece_by_piece(W: Tensor, x: Tensor) -> bool:
    """Whether that is faster, and gives the same."""
    return (
        W.numel() >= WEIGHTS
        and x.dim() == 2
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and "AVX512" not in torch.backends.cpu.get_cpu_capability()
        and not torch.compiler.is_compiling()
    )


class _Linear(torch.autograd.Function):
    """x Wᵀ + b. The gradient of x is such a product again, g W."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, W)
        m, d = W.shape
        if m <= d:
            return F.linear(x, W, b)
        y = x.new_empty(len(x), m)
        for i in range(0, m, PIECE):
            part, w = y[:, i : i + PIECE], W[i : i + PIECE].T
            if b is None:
                torch.mm(x, w, out=part)
            else:
                torch.addmm(b[i : i + PIECE], x, w, out=part)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, W = ctx.saved_tensors
        of_x, of_W, of_b = ctx.needs_input_grad
        return (
            _Linear.apply(g, W.T, None) if of_x else None,  # type: ignore[no-untyped-call]
            g.T @ x if of_W else None,
            g.sum(0) if of_b else None,
        )
