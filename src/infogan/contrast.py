"""InfoGAN-CR's contrast (Lin et al. 2020): two images share one code; which one? Beyond the paper.

A small network H says which, and G is paid for images of which it can: a code then changes what no
other code changes. Noise is shared too, so that what codes do is all that tells two images apart.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan.config import Config, NetConfig
from infogan.errors import InfoganError
from infogan.networks import ARCHITECTURES, measure, ranged
from infogan.prior import Prior


class Contrast(nn.Module):
    """H(i|x, x'): which code two images share, by a trunk as D's of their channels together.

    Args:
        net: The networks' settings.
        shape: (C, H, W) of an image.
        prior: Whose codes it tells apart.
        seed: Of its weights, which do not touch torch's global generator.

    Raises:
        InfoganError: there are no two codes to tell apart.
    """

    def __init__(
        self, net: NetConfig, shape: tuple[int, int, int], prior: Prior, seed: int = 0
    ) -> None:
        super().__init__()
        if len(prior.codes) < 2:
            raise InfoganError(
                f"loss.contrast asks which of several codes two images share, {prior} has "
                f"{len(prior.codes)}; give more codes, e.g. z5 + 5u, or leave loss.contrast out"
            )
        pair = (2 * shape[0], *shape[1:])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            _, trunk, features = ARCHITECTURES[net.kind](net, prior.width, pair)
            self.trunk = ranged(net, nn.Identity(), trunk, pair)[1]
            self.head = nn.Linear(features, len(prior.codes))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_config(
        cls, config: Config, prior: Prior, shape: tuple[int, int, int]
    ) -> "Contrast | None":
        """The untrained H of a run's settings; None where they ask for none."""
        if not config.loss.contrast or config.objective == "gan":
            return None
        return cls(config.net, shape, prior, config.train.seed)

    def measure(self, x: Tensor) -> None:
        """Take mean and spread of vectors (N, d, 1, 1), as `InfoGAN.measure`."""
        measure(self, torch.cat([x, x], 1))

    def forward(self, x: Tensor, x_shared: Tensor) -> Tensor:
        """Logits (n, codes) of pairs of images (n, C, H, W), in at least float32."""
        pair = torch.cat([x, x_shared], 1).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.head(self.trunk(pair))
        return logits if logits.dtype == torch.float64 else logits.float()


def sharing(prior: Prior, latent: Tensor, other: Tensor, which: Tensor) -> Tensor:
    """G's inputs (n, width) that share with each of `latent` its noise and one code.

    Args:
        prior: Whose inputs they are.
        latent: (z, c), (n, width).
        other: Others, of which the codes are taken that are not shared, (n, width).
        which: The number of the shared code in `prior.codes` (n,).
    """
    shared = prior.masks(prior.codes)[which]
    shared[:, : prior.noise] = True
    return torch.where(shared.to(latent.device), latent, other)


def L_C(logits: Tensor, which: Tensor) -> Tensor:
    """E[ln H(i|x, x')] + ln n ≤ I(i; x, x') ≤ ln n, in nats: which of n codes is shared.

    The same bound as L_I's, of i ~ uniform on n codes; 0 where H knows nothing.

    Args:
        logits: Of pairs, (m, n).
        which: The codes that they share (m,).
    """
    return math.log(logits.shape[1]) - F.cross_entropy(logits, which)
