"""Fully connected networks, for small images and for vectors seen as images of one pixel."""

import math

from torch import nn

from infogan.config import NetConfig
from infogan.networks.base import ARCHITECTURES, Networks
from infogan.networks.layers import Waves
from infogan.networks.norms import norms
from infogan.networks.spectral import spectral


@ARCHITECTURES.register("mlp")
def mlp(net: NetConfig, latent: int, shape: tuple[int, int, int]) -> Networks:
    """Hidden layers `net.widths` in the trunk, the same in reverse in G; empty: (512, 256).

    Trunk: leaky ReLU after each layer, batch norm after each but the first. G: ReLU and batch norm
    (`net.g_norm`) after each but the last. With `net.fourier` the trunk sees random waves too.

    Args:
        net: `fc` is not used.
        latent: Inputs of G.
        shape: (C, H, W), any.
    """
    pixels = math.prod(shape)
    widths = net.widths or (512, 256)

    trunk: list[nn.Module] = [nn.Flatten()]
    if net.fourier:
        trunk.append(Waves(pixels, net.fourier, net.fourier_scale))
    seen = pixels + 2 * net.fourier
    for i, (n_in, n_out) in enumerate(zip((seen, *widths), widths)):
        trunk.append(spectral(nn.Linear(n_in, n_out), net.norm == "spectral"))
        trunk += norms(net, n_out, rows=True) if i > 0 else []
        trunk.append(nn.LeakyReLU(net.slope))

    body: list[nn.Module] = []
    for n_in, n_out in zip((latent, *reversed(widths)), reversed(widths)):
        body.append(nn.Linear(n_in, n_out))
        if net.g_norm == "batch":
            body.append(nn.BatchNorm1d(n_out))
        body.append(nn.ReLU())
    body += [nn.Linear(widths[0], pixels), nn.Unflatten(1, shape)]
    return Networks(nn.Sequential(*body), nn.Sequential(*trunk), widths[-1])
