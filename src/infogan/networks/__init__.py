"""Generator bodies and discriminator trunks. One architecture is one function that builds both."""

from infogan.networks.base import ARCHITECTURES, Networks
from infogan.networks.dcgan import dcgan
from infogan.networks.heads import QHead
from infogan.networks.mlp import mlp
from infogan.networks.ranges import measure, ranged, spread
from infogan.networks.resnet import resnet
from infogan.networks.spectral import spectral

__all__ = [
    "ARCHITECTURES",
    "Networks",
    "QHead",
    "dcgan",
    "measure",
    "mlp",
    "ranged",
    "resnet",
    "spectral",
    "spread",
]
