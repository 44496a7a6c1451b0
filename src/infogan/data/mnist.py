"""MNIST, inside the package: LeCun et al. 1998, 60,000 training and 10,000 test digits, 28×28 grey.

The four original IDX files, gzip-compressed; origin and licence in `mnist/LICENSE.txt`.
"""

import gzip
import hashlib
import struct
from importlib import resources

import numpy as np
import torch
from torch import Tensor

from infogan.config import DataConfig
from infogan.data.source import SOURCES, Dataset, Split
from infogan.errors import InfoganError

IMAGES, LABELS = "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"
SHA256 = {
    f"t10k-{IMAGES}": "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
    f"t10k-{LABELS}": "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
    f"train-{IMAGES}": "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
    f"train-{LABELS}": "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
}


@SOURCES.register("mnist")
def mnist(data: DataConfig, split: Split) -> Dataset:
    """The embedded MNIST: (N, 1, 28, 28) bytes, ink is 255.

    Raises:
        InfoganError: a file of the package is missing or damaged.
    """
    stem = "train" if split == "train" else "t10k"
    images = _read(f"{stem}-{IMAGES}")[:, None]
    return Dataset("MNIST", split, images, _read(f"{stem}-{LABELS}").long())


def _read(name: str) -> Tensor:
    """One IDX file: two zero bytes, a type (8: bytes), the number of axes, their lengths, data."""
    path = resources.files("infogan").joinpath(f"data/mnist/{name}")
    try:
        packed = path.read_bytes()
    except OSError as e:
        raise InfoganError(f"cannot read {path}: {e.strerror}; install infogan again") from None
    if hashlib.sha256(packed).hexdigest() != SHA256[name]:
        raise InfoganError(
            f"{path} is damaged: its SHA-256 is not that of the original MNIST file; "
            "install infogan again"
        )
    raw = gzip.decompress(packed)
    axes = raw[3]
    lengths = struct.unpack(f">{axes}I", raw[4 : 4 + 4 * axes])
    data = np.frombuffer(raw, np.uint8, offset=4 + 4 * axes)
    return torch.from_numpy(data.reshape(lengths).copy())
