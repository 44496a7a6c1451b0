"""The weights of the objective's terms, and how they change over training."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, repeat

from torch import Tensor

from infogan.config import LossConfig
from infogan.prior import Prior


@dataclass(frozen=True)
class Weights:
    """The weights of the objective's terms at one update.

    Args:
        lam: λ of each code in the G step; a tensor where it may change under a recording.
        lam_D: λ of each code in the D step, where it moves trunk and Q; as lam.
        alike: Weight of the information on images that look alike.
        r1: Weight of R1.
        alone: Weight of what one code makes of each place by itself.
        contrast: Weight of the contrast.
        loss: The rest.
        plain: A plain GAN: Q's head learns what it can (λ 1) but moves neither trunk nor G.
    """

    lam: Mapping[str, float | Tensor]
    lam_D: Mapping[str, float | Tensor]
    alike: float
    r1: float
    alone: float
    contrast: float
    loss: LossConfig
    plain: bool = False


def weights_at(update: int, prior: Prior, loss: LossConfig, plain: bool = False) -> Weights:
    """The weights at one update: one code after another.

    λ of the categorical codes rises from 0 over the first `loss.lam_ramp` updates; λ of the
    continuous ones sets in at `loss.lam_starts`, falls to `loss.lam_rest` of its value at
    `loss.lam_rest_from`. Both have their share of λ in the D step. The information on look-alikes
    counts until `loss.alike_until`, `alone` until `loss.alone_until`, the contrast from
    `loss.contrast_from` on, R1 in every `loss.r1_every`-th update, that many times as much (Karras
    et al. 2020, appendix B).
    """
    rise = min(1.0, update / loss.lam_ramp) if loss.lam_ramp else 1.0
    lam = {code.name: code.lam for code in prior}
    lam |= {code.name: code.lam * rise for code in prior.categorical}
    rest = loss.lam_rest if update >= loss.lam_rest_from else 1.0
    for name, start in onsets(prior, loss).items():
        lam[name] *= rest if update >= start else 0.0
    share = {code.name: loss.lam_d_continuous for code in prior.continuous}
    share |= {code.name: loss.lam_d_categorical for code in prior.categorical}
    lam_D = {name: value * share.get(name, 1.0) for name, value in lam.items()}
    alike = loss.alike if update < loss.alike_until else 0.0
    r1 = 0.0 if update % loss.r1_every else loss.r1 * loss.r1_every
    counts = not plain and (not loss.alone_until or update < loss.alone_until)
    alone = loss.alone if counts else 0.0
    contrast = loss.contrast if update >= loss.contrast_from and not plain else 0.0
    return Weights(lam, lam_D, alike, r1, alone, contrast, loss, plain)


def noise_at(update: int, loss: LossConfig) -> float:
    """Standard deviation of the noise on what the trunk sees, in units of x: from
    `loss.instance_noise` evenly to `instance_noise_to` at update `instance_noise_until`."""
    until = loss.instance_noise_until
    part = min(1.0, update / until) if until else 0.0
    return loss.instance_noise + part * (loss.instance_noise_to - loss.instance_noise)


def onsets(prior: Prior, loss: LossConfig) -> dict[str, int]:
    """The update at which λ of each continuous code sets in."""
    rest = repeat(loss.lam_starts[-1] if loss.lam_starts else 0)
    return {code.name: n for code, n in zip(prior.continuous, chain(loss.lam_starts, rest))}
