"""Residual blocks, for images of 64 pixels and more, where strided convolutions alone grow weak."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.networks.base import ARCHITECTURES, Networks
from infogan.networks.layers import Flat, Square
from infogan.networks.norms import norms
from infogan.networks.spectral import spectral


@ARCHITECTURES.register("resnet")
def resnet(net: NetConfig, latent: int, shape: tuple[int, int, int]) -> Networks:
    """One residual block for each halving of the image in the trunk, as many back in G.

    Trunk: block w_1 … w_L, mean of 2×2 pixels after each · leaky ReLU · FC fc, leaky ReLU.
    G: FC h·w·w_L · block w_{L-1} … w_1, nearest neighbour twice the size before each · a last block
    at w_1 · bn · ReLU · conv C. Miyato et al. 2018, Tables 3 and 4; activations come before
    convolutions (He et al. 2016), in G after batch norm.

    Args:
        net: `widths` are w_1 … w_L; empty: 64, 128, … up to 512, until the image is 4 to 7 pixels.
        latent: Inputs of G.
        shape: (C, H, W), any size of at least 2^L.

    Raises:
        InfoganError: the image is too small for that many blocks.
    """
    channels, *size = shape
    depth = len(net.widths) or max(1, int(math.log2(min(size) / 4)))
    widths = net.widths or tuple(min(64 * 2**i, 512) for i in range(depth))
    sizes = [(size[0] // 2**i, size[1] // 2**i) for i in range(depth + 1)]
    if min(sizes[-1]) < 1:
        raise InfoganError(
            f"{depth} blocks that halve the image need at least {2**depth} pixels, got "
            f"{size[0]}×{size[1]}; give fewer net.widths"
        )
    bottom = widths[-1] * sizes[-1][0] * sizes[-1][1]

    trunk: list[nn.Module] = [
        Down(net, n_in, n_out, first=i == 0)
        for i, (n_in, n_out) in enumerate(zip((channels, *widths), widths))
    ]
    trunk += [nn.LeakyReLU(net.slope), Flat()]
    if net.fc:
        trunk.append(spectral(nn.Linear(bottom, net.fc), net.norm == "spectral"))
        trunk.append(nn.LeakyReLU(net.slope))

    body: list[nn.Module] = [nn.Linear(latent, bottom), Square((widths[-1], *sizes[-1]))]
    for i in reversed(range(depth)):
        body.append(Up(net, widths[i], widths[max(i - 1, 0)], sizes[i]))
    body += [_g_norm(net, widths[0]), nn.ReLU(inplace=True)]
    body.append(nn.Conv2d(widths[0], channels, 3, padding=1))
    return Networks(nn.Sequential(*body), nn.Sequential(*trunk), net.fc or bottom)


class Up(nn.Module):
    """x ↦ conv(up(x)) + conv · ReLU · bn · conv · up · ReLU · bn (x), 3×3 (1×1 on the short way).

    Args:
        net: `g_norm`.
        n_in: Channels of x.
        n_out: Channels that come out.
        size: (H, W) that comes out.
    """

    def __init__(self, net: NetConfig, n_in: int, n_out: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.short = nn.Conv2d(n_in, n_out, 1)
        self.norm1, self.norm2 = _g_norm(net, n_in), _g_norm(net, n_out)
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        # a 1×1 convolution before doubling is the same as after, at a quarter of the pixels
        short = F.interpolate(self.short(x), self.size)
        h = self.conv1(F.interpolate(F.relu(self.norm1(x)), self.size))
        out: Tensor = short + self.conv2(F.relu(self.norm2(h)))
        return out


class Down(nn.Module):
    """x ↦ mean₂(conv(x)) + mean₂ · conv · act · conv · act (x), mean₂ over 2×2 pixels.

    Args:
        net: `norm`, `slope`.
        n_in: Channels of x.
        n_out: Channels that come out.
        first: x is the image: no activation before the first convolution.
    """

    def __init__(self, net: NetConfig, n_in: int, n_out: int, first: bool) -> None:
        super().__init__()
        self.first, self.slope = first, net.slope
        limited = net.norm == "spectral"
        self.short = spectral(nn.Conv2d(n_in, n_out, 1), limited)
        self.conv1 = spectral(nn.Conv2d(n_in, n_out, 3, padding=1), limited)
        self.conv2 = spectral(nn.Conv2d(n_out, n_out, 3, padding=1), limited)
        none = [nn.Identity()]
        self.norm1 = (none if first else norms(net, n_in) or none)[0]
        self.norm2 = (norms(net, n_out) or none)[0]

    def forward(self, x: Tensor) -> Tensor:
        short = self.short(F.avg_pool2d(x, 2))  # as above: the order does not matter
        h = self.norm1(x)
        h = self.conv1(h if self.first else F.leaky_relu(h, self.slope))
        h = self.norm2(h)
        h = self.conv2(F.leaky_relu(h, self.slope))
        out: Tensor = short + F.avg_pool2d(h, 2)
        return out


def _g_norm(net: NetConfig, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if net.g_norm == "batch" else nn.Identity()
