"""Between the range of the networks and that of images, pixels in [0, 1], or of vectors, any."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from infogan.config import NetConfig


class Output(nn.Module, ABC):
    """G's last layer: its outputs a to images or vectors, in at least float32 whatever the networks
    run in."""

    def forward(self, a: Tensor) -> Tensor:
        return self.image(a if a.dtype == torch.float64 else a.float())

    @abstractmethod
    def image(self, a: Tensor) -> Tensor:
        """x for outputs a (n, C, H, W)."""


class Sigmoid(Output):
    """x = σ(a), pixels in [0, 1], which the trunk reads as they are."""

    def image(self, a: Tensor) -> Tensor:
        return torch.sigmoid(a)


class Tanh(Output):
    """x = (tanh a + 1) / 2, pixels in [0, 1]; the trunk reads tanh a (`Signed`)."""

    def image(self, a: Tensor) -> Tensor:
        return (torch.tanh(a) + 1) / 2


class Signed(nn.Module):
    """2 x − 1: pixels in [0, 1] as −1 to 1."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x - 1


class Linear(Output):
    """x = mean + spread · a, vectors in the user's own units; the trunk reads a (`Standard`).

    Args:
        shape: (d, 1, 1). Until `measure` was called mean is 0 and spread 1.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("spread", torch.ones(shape))

    def image(self, a: Tensor) -> Tensor:
        return self.mean + self.spread * a


class Standard(nn.Module):
    """(x − mean) / spread: vectors as the networks see them. Args as `Linear`."""

    mean: Tensor
    spread: Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("spread", torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.spread


def ranged(
    net: NetConfig, body: nn.Module, trunk: nn.Module, shape: tuple[int, int, int]
) -> tuple[nn.Sequential, nn.Module]:
    """G with its last layer, and the trunk with the layer that reads what G makes, by `net.output`.

    Args:
        net: `output`.
        body: G without its last layer.
        trunk: On the networks' own range.
        shape: (C, H, W).
    """
    if net.output == "sigmoid":
        return nn.Sequential(body, Sigmoid()), trunk
    layers = trunk if isinstance(trunk, nn.Sequential) else [trunk]  # `apart` goes layer by layer
    if net.output == "tanh":
        return nn.Sequential(body, Tanh()), nn.Sequential(Signed(), *layers)
    return nn.Sequential(body, Linear(shape)), nn.Sequential(Standard(shape), *layers)


@torch.no_grad()
def measure(network: nn.Module, x: Tensor) -> None:
    """Take mean and spread (standard deviation) of each coordinate from vectors x (N, d, 1, 1).

    A coordinate that does not vary has spread 1, and is then learnt as it is.

    Args:
        network: Whose `Linear` and `Standard` layers are set; one without any stays as it is.
        x: The training data.
    """
    layers = [m for m in network.modules() if isinstance(m, Linear | Standard)]
    if not layers:
        return
    exact = x.double()
    mean, spread = exact.mean(0), exact.std(0, correction=0)
    # rounding leaves a constant column a spread of its last digit
    steady = spread <= 1e-7 * exact.abs().amax(0)
    spread = torch.where(steady, torch.ones_like(spread), spread)
    for layer in layers:
        layer.mean.copy_(mean)
        layer.spread.copy_(spread)
