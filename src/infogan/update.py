"""One update: the maths of training. `step` says on which images; `training` is the loop."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from infogan import processes
from infogan.adversarial import ADVERSARIAL
from infogan.config import Config
from infogan.data import augment, erased
from infogan.diffaugment import diffaugment
from infogan.errors import InfoganError
from infogan.objective import objective_D, objective_G, objective_Q
from infogan.prior import Prior
from infogan.processes import randn
from infogan.state import State, parameters_in
from infogan.vat import adversarial, log_q
from infogan.weights import noise_at, weights_at


class NonFinite(InfoganError):
    """A term of the objective, or a weight, became infinite or NaN."""


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
    two with the same, where `train.shared_fakes`).

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
    model, prior, generator = state.model, state.model.prior, state.generators["penalty"]
    w = weights_at(state.update, prior, config.loss, plain=config.objective == "gan")
    autocast = torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32)
    x_aug = _copies(state, x, x_near, config, bool(voted))

    shared = config.train.shared_fakes
    latent_D, c_D = state.latent(len(x))
    latent_G, c_G = (latent_D, c_D) if shared else state.latent(len(x))
    with autocast:
        # both now: D's update does not change G, and G's weights are cast once for the two
        fake_D = model.G(latent_D)
        fake_G = fake_D if shared else model.G(latent_G)
    fake_D = fake_D.detach()
    sigma = noise_at(state.update, config.loss)
    x, fake_D, fake_G = _noisy(state, [x, fake_D, fake_G], sigma)
    T = _judged(strength, state) if strength else None
    with autocast:
        loss_D, terms = objective_D(
            model, x, x_aug, fake_D, c_D, w, generator, state.r_bar, x_near, T, voted, read
        )
    terms = _update(state.adam_D, loss_D, terms, state.update)

    seen = x if ADVERSARIAL[w.loss.adversarial].needs_real else None
    for step in range(config.train.g_steps):
        if step:
            latent_G, c_G = state.latent(len(x))
            with autocast:
                fake_G = model.G(latent_G)
            (fake_G,) = _noisy(state, [fake_G], sigma)
        with autocast, _frozen(state.adam_D):
            loss_G, terms_G = objective_G(model, fake_G, c_G, w, seen, T)
        terms |= _update(state.adam_G, loss_G, terms_G, state.update)  # out of autocast

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
    model, generator = state.model, state.generators["penalty"]
    w = weights_at(state.update, model.prior, config.loss, plain=config.objective == "gan")
    x_aug = _copies(state, x, x_near, config, bool(voted))
    latent, c = state.latent(len(x))
    T = _judged(strength, state) if strength else None
    autocast = torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32)
    with autocast, torch.no_grad():
        fake = model.G(latent)
    x, fake = _noisy(state, [x, fake], noise_at(state.update, config.loss))
    with autocast:
        loss, terms = objective_D(
            model, x, x_aug, fake, c, w, generator, state.r_bar, x_near, T, voted, read
        )
    _update(state.adam_D, loss, terms, state.update)


def q_step(
    state: State, x: Tensor, config: Config, dtype: torch.dtype, voted: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """An update of trunk and Q alone: the game is over, and G is its moving average from now on.

    Args and errors as those of `train_step`, whose terms these are some of.
    """
    model, prior = state.model, state.model.prior
    w = weights_at(state.update, prior, config.loss)
    x_aug = _augmented(state, x, config, bool(voted))
    latent, c = state.latent(state.fakes(len(x), config.loss))
    state.rest()
    with torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32):
        with torch.no_grad():
            fake = model.G(latent)
        (fake,) = _noisy(state, [fake], noise_at(state.update, config.loss))
        loss, terms = objective_Q(model, x_aug, fake, c, w, voted)
    terms = _update(state.adam_D, loss, terms, state.update)
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


def _judged(strength: float, state: State) -> Callable[[Tensor], Tensor]:
    """T of DiffAugment, a fresh draw at each call."""

    def T(x: Tensor) -> Tensor:
        seen = diffaugment(x, strength, state.generators["diffaugment"])
        return seen.contiguous(memory_format=torch.channels_last)

    return T


def has_pairs(config: Config, prior: Prior) -> bool:
    """Whether Q also learns from pairs of real images."""
    return bool(config.loss.pairs and prior.categorical and config.objective == "infogan")


def _noisy(state: State, batches: list[Tensor], sigma: float) -> list[Tensor]:
    """x + σ s ε, ε ~ N(0, 1), s the model's unit of x; the batches as they are where σ is 0."""
    if not sigma:
        return batches
    generator, scale = state.generators["noise"], sigma * state.model.unit
    return [x + scale * randn(len(x), *x.shape[1:], generator=generator).to(x) for x in batches]


def _update(
    adam: torch.optim.Adam, loss: Tensor, terms: Mapping[str, Tensor], update: int
) -> dict[str, Tensor]:
    """Follow a loss; its terms, detached, the means over processes."""
    means = processes.average({**terms, "the sum": loss})
    if not torch.isfinite(means.pop("the sum")):
        bad = [name for name, term in means.items() if not torch.isfinite(term)] or ["the sum"]
        raise NonFinite(_not_finite(bad[0], update))
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    processes.average_gradients(parameters_in(adam))
    adam.step()
    return means


def check_finite(flat: Mapping[str, Tensor], update: int) -> None:
    """A gradient can spoil the weights where the loss was still finite: never save that."""
    for name, tensor in flat.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise NonFinite(_not_finite(name, update))


def _not_finite(what: str, update: int) -> str:
    return (
        f"{what} is infinite or NaN at update {update}: training stopped and the last checkpoint "
        "is kept; lower --train.lr-d and --train.lr-g, or the weight of that term"
    )


@contextmanager
def _frozen(adam: torch.optim.Adam) -> Iterator[None]:
    """No gradients for these parameters: G's step does not need them."""
    parameters = parameters_in(adam)
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)
