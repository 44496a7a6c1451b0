"""One update: the maths of training. `step` says on which images; `training` is the loop."""

from collections.abc import Mapping

import torch
from torch import Tensor

from infogan.adversarial import ADVERSARIAL
from infogan.config import Config
from infogan.data import augment, erased
from infogan.moves import Moves, noisy
from infogan.prior import Prior
from infogan.state import State
from infogan.vat import adversarial, log_q


def train_step(
    state: State,
    x: Tensor,
    config: Config,
    dtype: torch.dtype,
    x_near: Tensor | None = None,
    strength: float = 0.0,
    voted: Mapping[str, Tensor] | None = None,
    read: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """One update of (trunk, D, Q), then `train.g_steps` of G, each with fresh z and c (or the first
    two with the same, where `train.shared_fakes`); before them one of H, where the contrast counts.

    λ L_I is in both: the first moves the trunk and Q's head, the second moves G (section 3 of
    docs/maths.md).

    Args:
        state: Changed in place.
        x: Real images (n, C, H, W) in [0, 1].
        config: The run's settings.
        dtype: Of convolutions and products.
        x_near: Look-alikes of the first m of x (m, C, H, W), where they have a part.
        strength: Of DiffAugment.
        voted: The category that the images nearest to each of x have, by code (n,).
        read: What a scout read from each of x, by continuous code (n, d).

    Returns:
        The terms of the objective by name, detached, before the update.

    Raises:
        NonFinite: a loss is infinite or NaN; it was not followed.
    """
    now = Moves(state, config, dtype, strength, bool(voted))
    x_aug = _copies(state, x, x_near, config, bool(voted))
    terms = now.move_H(len(x)) if now.w.contrast else {}
    latent_D, c_D = state.latent(len(x))
    if config.train.shared_fakes:
        (rows, which), c_G = now.for_G(latent_D), c_D
        (fake_G,) = now.fakes(rows)
        fake_D = fake_G[: len(x)]
    else:
        latent_G, c_G = state.latent(len(x))
        rows, which = now.for_G(latent_G)
        # both now: D's update does not change G, and G's weights are cast once for the two
        fake_D, fake_G = now.fakes(latent_D, rows)
    noise, noise_D, noise_G = now.noise(len(x), 3)
    x = noisy(x, noise)
    terms |= now.move_D(x, x_aug, (fake_D.detach(), noise_D), c_D, x_near, voted, read)

    seen = x if ADVERSARIAL[now.w.loss.adversarial].needs_real else None
    for step in range(config.train.g_steps):
        if step:
            latent_G, c_G = state.latent(len(x))
            rows, which = now.for_G(latent_G)
            (fake_G,), (noise_G,) = now.fakes(rows), now.noise(len(x), 1)
        terms |= now.move_G((fake_G, noise_G), c_G, seen, which)

    state.average(config.train)
    state.update += 1
    return terms


def d_step(
    state: State,
    x: Tensor,
    config: Config,
    dtype: torch.dtype,
    x_near: Tensor | None = None,
    strength: float = 0.0,
    voted: Mapping[str, Tensor] | None = None,
    read: Mapping[str, Tensor] | None = None,
) -> None:
    """An update of (trunk, D, Q) alone, before that of `train_step`; args as there."""
    now = Moves(state, config, dtype, strength, bool(voted))
    x_aug = _copies(state, x, x_near, config, bool(voted))
    latent, c = state.latent(len(x))
    with torch.no_grad():
        (fake,), (noise, noise_D) = now.fakes(latent), now.noise(len(x), 2)
    now.move_D(noisy(x, noise), x_aug, (fake, noise_D), c, x_near, voted, read)


def q_step(
    state: State, x: Tensor, config: Config, dtype: torch.dtype, voted: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """An update of trunk and Q alone: the game is over, and G is its moving average from now on.

    Args and errors as those of `train_step`, whose terms these are some of.
    """
    now = Moves(state, config, dtype, voted=True)
    x_aug = _augmented(state, x, config, bool(voted))
    latent, c = state.latent(state.fakes(len(x), config.loss))
    state.rest()
    with torch.no_grad():
        (fake,), (noise,) = now.fakes(latent), now.noise(len(latent), 1)
    terms = now.move_Q(x_aug, (fake, noise), c, voted)
    state.average(config.train)
    state.update += 1
    return terms


def _copies(
    state: State, x: Tensor, x_near: Tensor | None, config: Config, voted: bool
) -> Tensor | None:
    """An augmented copy of each image, or of its look-alike; None where Q learns from no pairs."""
    if not has_pairs(config, state.model.prior):
        return None
    if x_near is not None and state.update < config.augment.neighbours_until:
        x = torch.cat([x_near, x[len(x_near) :]])
    return _augmented(state, x, config, voted)


def _augmented(state: State, x: Tensor, config: Config, voted: bool) -> Tensor:
    """A copy of each image; if the run asks for that, some erased in part, and all changed where it
    moves Q most."""
    ranges, generator = config.augment.at(state.update, voted), state.generators["augment"]
    x, reach = augment(x, ranges, generator), ranges.adversarial
    if ranges.erase:
        x = erased(x, ranges.erase, generator)
    return adversarial(log_q(state.model), x, reach, generator) if reach else x


def has_pairs(config: Config, prior: Prior) -> bool:
    """Whether Q also learns from pairs of real images."""
    return bool(config.loss.pairs and prior.categorical and config.objective == "infogan")
