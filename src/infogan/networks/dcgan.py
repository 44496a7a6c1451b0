"""Strided convolutions, as in the paper's Tables 1–7: its nets are settings of this one."""

import math

from torch import nn

from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.networks.base import ARCHITECTURES, Networks
from infogan.networks.layers import Flat, Square


@ARCHITECTURES.register("dcgan")
def dcgan(net: NetConfig, latent: int, shape: tuple[int, int, int]) -> Networks:
    """Trunk of 4×4 convolutions with stride 2, G of as many transposed ones.

    Trunk: conv w_1 · conv w_2 bn · … · FC fc bn, leaky ReLU after each.
    G: FC fc bn · FC h·w·w_L bn · upconv w_{L-1} bn · … · upconv C, ReLU after each but the last.
    With widths (64, 128), fc 1024 and 28×28 grey images these are the paper's MNIST nets (Table 1).

    Args:
        net: `widths` are w_1 … w_L; empty: 64, 128, … up to 512, until the image is 4 to 7 pixels.
        latent: Inputs of G.
        shape: (C, H, W), any size of at least 2^L.

    Raises:
        InfoganError: the image is too small for that many convolutions.
    """
    channels, *size = shape
    depth = len(net.widths) or max(1, int(math.log2(min(size) / 4)))
    widths = net.widths or tuple(min(64 * 2**i, 512) for i in range(depth))
    sizes = [tuple(s // 2**i for s in size) for i in range(depth + 1)]
    if min(sizes[-1]) < 1:
        raise InfoganError(
            f"{depth} convolutions of stride 2 need images of at least {2**depth} pixels, got "
            f"{size[0]}×{size[1]}; give fewer net.widths"
        )
    bottom = widths[-1] * sizes[-1][0] * sizes[-1][1]

    def act() -> nn.Module:
        return nn.LeakyReLU(net.slope, inplace=True)  # what it overwrites, no gradient asks for

    trunk: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(zip((channels, *widths), widths)):
        trunk.append(nn.Conv2d(n_in, n_out, kernel_size=4, stride=2, padding=1))
        if i > 0 and net.norm == "batch":
            trunk.append(nn.BatchNorm2d(n_out))
        trunk.append(act())
    trunk.append(Flat())
    if net.fc:
        trunk.append(nn.Linear(bottom, net.fc))
        if net.norm == "batch":
            trunk.append(nn.BatchNorm1d(net.fc))
        trunk.append(act())

    body: list[nn.Module] = []
    for n_in, n_out in ((latent, net.fc), (net.fc, bottom)) if net.fc else ((latent, bottom),):
        body.append(nn.Linear(n_in, n_out))
        if net.g_norm == "batch":
            body.append(nn.BatchNorm1d(n_out))
        body.append(nn.ReLU(inplace=True))
    body.append(Square((widths[-1], sizes[-1][0], sizes[-1][1])))
    for i in reversed(range(depth)):
        n_in, n_out = widths[i], widths[i - 1] if i else channels
        odd = (sizes[i][0] - 2 * sizes[i + 1][0], sizes[i][1] - 2 * sizes[i + 1][1])
        body.append(nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1, output_padding=odd))
        if i:
            if net.g_norm == "batch":
                body.append(nn.BatchNorm2d(n_out))
            body.append(nn.ReLU(inplace=True))
    return Networks(nn.Sequential(*body), nn.Sequential(*trunk), net.fc or bottom)
