"""Q's head on the trunk's features. D's is one linear layer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from infogan.config import NetConfig


class QHead(nn.Module):
    """Features (n, features) → Q's outputs (n, Σ sizes), code by code.

    FC q_hidden · batch norm, where `net.q_norm` has it · leaky ReLU · FC: the paper's. A code that
    is read linearly skips all but the last: its outputs are one linear layer of the features. It
    is then one direction among them, whatever the category, where the hidden layer can read slant
    in a four and width in a six.

    Args:
        net: `q_hidden`, `q_norm`, `slope`.
        features: Width of the trunk's output.
        sizes: Outputs of each code.
        linear: Whether each code is read linearly.
        gains: Factor on the first weights of each code's last layer; 1 each where nothing is said.
    """

    def __init__(
        self,
        net: NetConfig,
        features: int,
        sizes: Sequence[int],
        linear: Sequence[bool],
        gains: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        n_linear = sum(size for size, is_linear in zip(sizes, linear) if is_linear)
        n_deep = sum(sizes) - n_linear
        self.deep = _deep(net, features, n_deep) if n_deep else None
        self.straight = nn.Linear(features, n_linear) if n_linear else None
        # the deep codes' outputs come first, then the linear ones': this is where each is found
        at = {False: 0, True: n_deep}
        order: list[int] = []
        gain = torch.ones(sum(sizes))
        for size, is_linear, factor in zip(sizes, linear, gains or [1.0] * len(sizes), strict=True):
            rows = range(at[is_linear], at[is_linear] + size)
            gain[rows] = factor
            order += rows
            at[is_linear] += size
        self.order: Tensor
        self.register_buffer("order", torch.tensor(order), persistent=False)
        with torch.no_grad():
            if self.deep is not None:
                last = self.deep[-1]
                assert isinstance(last, nn.Linear)
                last.weight.mul_(gain[:n_deep, None])
            if self.straight is not None:
                self.straight.weight.mul_(gain[n_deep:, None])

    def forward(self, h: Tensor) -> Tensor:
        """Q's outputs (n, Σ sizes)."""
        outputs = [head(h) for head in (self.deep, self.straight) if head is not None]
        return torch.cat(outputs, 1).index_select(1, self.order) if len(outputs) > 1 else outputs[0]


def _deep(net: NetConfig, features: int, n: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(features, net.q_hidden)]
    if net.q_norm:
        layers.append(nn.BatchNorm1d(net.q_hidden))
    return nn.Sequential(*layers, nn.LeakyReLU(net.slope), nn.Linear(net.q_hidden, n))
