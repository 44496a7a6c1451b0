"""Strided convolutions, as in the paper's Tables 1–7: its nets are settings of this one."""

import math
from collections.abc import Sequence

from torch import nn

from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.networks.base import ARCHITECTURES, Networks
from infogan.networks.layers import Flat, Square
from infogan.networks.norms import norms
from infogan.networks.spectral import spectral
from infogan.networks.strided import Doubling, Halving
from infogan.networks.wide import Wide

Size = tuple[int, int]


@ARCHITECTURES.register("dcgan")
def dcgan(net: NetConfig, latent: int, shape: tuple[int, int, int]) -> Networks:
    """Trunk of 4×4 convolutions, mostly with stride 2, G of transposed ones.

    Trunk: conv w_1 · conv w_2 bn · … · FC fc bn, leaky ReLU after each.
    G: FC fc bn · FC h·w·v_1 bn · upconv v_2 bn · … · upconv C, ReLU after each but the last.
    G mirrors the trunk, v = w_L … w_1 and its strides, unless `net.g_widths` gives v.

    With widths (64, 128), fc 1024 and 28×28 grey images these are the paper's MNIST nets (Table 1),
    with widths (64, 128, 256), fc 0, g_widths (448, 256, 128, 64) and batch norm after the first
    two of those its SVHN nets (Table 2).

    Args:
        net: `widths` are w_1 … w_L; empty: 64, 128, … up to 512, until the image is 4 to 7 pixels.
        latent: Inputs of G.
        shape: (C, H, W), any size of at least 2^L.

    Raises:
        InfoganError: the image is too small for that many convolutions, or the settings' lengths
            do not agree.
    """
    channels, *size = shape
    depth = len(net.widths) or max(1, int(math.log2(min(size) / 4)))
    widths = net.widths or tuple(min(64 * 2**i, 512) for i in range(depth))
    strides = net.strides or (2,) * depth
    _same_length("strides", strides, "widths", widths)

    sizes = _shrinking((size[0], size[1]), strides)
    trunk: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(zip((channels, *widths), widths)):
        trunk += _conv(net, n_in, n_out, strides[i])
        trunk += norms(net, n_out) if i > 0 else []
        trunk.append(_leaky(net))
    features = widths[-1] * math.prod(sizes[-1])
    trunk.append(Flat())
    if net.fc:
        trunk.append(spectral(Wide(features, net.fc), net.norm == "spectral"))
        trunk += norms(net, net.fc, rows=True)
        trunk.append(_leaky(net))

    if net.g_widths:
        g_widths, g_strides = net.g_widths, (2,) * len(net.g_widths)
    else:
        g_widths, g_strides = tuple(reversed(widths)), tuple(reversed(strides))
    body = _generator(net, latent, shape, g_widths, g_strides)
    return Networks(body, nn.Sequential(*trunk), net.fc or features)


def _generator(
    net: NetConfig,
    latent: int,
    shape: tuple[int, int, int],
    widths: Sequence[int],
    strides: Sequence[int],
) -> nn.Sequential:
    """G's body: `widths` and `strides` in its own order, from the smallest image to the largest."""
    channels, *size = shape
    norms = net.g_norms or (net.g_norm == "batch",) * len(widths)
    _same_length("g_norms", norms, "g_widths", widths)
    sizes = _shrinking((size[0], size[1]), strides[::-1])[::-1]
    bottom = widths[0] * math.prod(sizes[0])

    body: list[nn.Module] = []
    if net.fc:
        body.append(nn.Linear(latent, net.fc))
        if net.g_norm == "batch":
            body.append(nn.BatchNorm1d(net.fc))
        body.append(nn.ReLU(inplace=True))
    body.append(Wide(net.fc or latent, bottom))
    if norms[0]:
        body.append(nn.BatchNorm1d(bottom))
    body += [nn.ReLU(inplace=True), Square((widths[0], *sizes[0]))]
    for i, (n_in, n_out) in enumerate(zip(widths, (*widths[1:], channels))):
        last = i + 1 == len(widths)
        if net.up == "nearest":
            body += _repeated(net, n_in, n_out, sizes[i + 1], last)
        else:
            (h, w), (to_h, to_w), stride = sizes[i], sizes[i + 1], strides[i]
            body += _upconv(n_in, n_out, stride, (to_h - stride * h, to_w - stride * w))
        if not last:
            body += [nn.BatchNorm2d(n_out)] if norms[i + 1] else []
            body.append(nn.ReLU(inplace=True))
    return nn.Sequential(*body)


def _conv(net: NetConfig, n_in: int, n_out: int, stride: int) -> list[nn.Module]:
    """A 4×4 convolution to 1/stride of the size."""
    plain = Halving(n_in, n_out, kernel_size=4, stride=stride, padding=1)
    conv = spectral(plain, net.norm == "spectral")
    # four pixels have no middle: with stride 1 one side has a row and a column more
    return [conv] if stride == 2 else [nn.ZeroPad2d((0, 1, 0, 1)), conv]


def _upconv(n_in: int, n_out: int, stride: int, odd: Size) -> list[nn.Module]:
    """A transposed 4×4 convolution to stride times the size, and `odd` pixels more."""
    conv = Doubling(n_in, n_out, 4, stride=stride, padding=1, output_padding=odd)
    return [conv] if stride == 2 else [conv, nn.ZeroPad2d((0, -1, 0, -1))]


def _repeated(net: NetConfig, n_in: int, n_out: int, to: Size, last: bool) -> list[nn.Module]:
    """Pixels repeated to the next size, and a 3×3 convolution: all pixels have the same weights, so
    there is no checkerboard (Odena et al. 2016). The full size has one more convolution."""
    half = -(-n_in // 2) if last else n_out
    layers: list[nn.Module] = [nn.Upsample(to), nn.Conv2d(n_in, half, 3, padding=1)]
    if last:
        layers += [nn.BatchNorm2d(half)] if net.g_norm == "batch" else []
        layers += [nn.ReLU(inplace=True), nn.Conv2d(half, n_out, 3, padding=1)]
    return layers


def _leaky(net: NetConfig) -> nn.Module:
    return nn.LeakyReLU(net.slope, inplace=True)  # what it overwrites, no gradient asks for


def _shrinking(size: Size, strides: Sequence[int]) -> list[Size]:
    """The image's size, and what is left of it after each convolution."""
    sizes = [size]
    for stride in strides:
        sizes.append((sizes[-1][0] // stride, sizes[-1][1] // stride))
    if min(sizes[-1]) < 1:
        halvings = sum(stride == 2 for stride in strides)
        raise InfoganError(
            f"{halvings} convolutions of stride 2 need images of at least {2**halvings} pixels, "
            f"got {size[0]}×{size[1]}; give fewer net.widths"
        )
    return sizes


def _same_length(name: str, a: Sequence[object], other: str, b: Sequence[object]) -> None:
    if len(a) != len(b):
        raise InfoganError(
            f"net.{name} has {len(a)} values and net.{other} {len(b)}; give one for each layer"
        )
