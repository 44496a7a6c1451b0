"""What keeps the trunk's activations in bounds: `net.norm`."""

from torch import nn

from infogan.config import NetConfig


def norms(net: NetConfig, n: int, rows: bool = False) -> list[nn.Module]:
    """The layer of normalization over n channels, if there is one.

    Layer norm (Ba et al. 2016) takes mean and variance over all channels and pixels of an image:
    what is said of one does not hang on the others of its batch.

    Args:
        net: `norm`; spectral norm is one of weights, and no layer.
        n: Channels of images, or units.
        rows: Of units (n_images, n), not of images.
    """
    if net.norm == "batch":
        return [nn.BatchNorm1d(n) if rows else nn.BatchNorm2d(n)]
    return [nn.GroupNorm(1, n)] if net.norm == "layer" else []
