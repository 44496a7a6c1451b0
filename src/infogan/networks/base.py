"""What an architecture is: settings, G's inputs and the image's shape in, two networks out."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from infogan.config import NetConfig
from infogan.registry import Registry


class Networks(NamedTuple):
    """The two bodies of an InfoGAN.

    Args:
        generator: (n, latent) → what `net.output` turns into pixels, (n, C, H, W).
        trunk: images (n, C, H, W) → features (n, features), shared by D and Q.
        features: Width of the trunk's output.
    """

    generator: nn.Module
    trunk: nn.Module
    features: int


Architecture = Callable[[NetConfig, int, tuple[int, int, int]], Networks]

ARCHITECTURES: Registry[Architecture] = Registry("architecture")
