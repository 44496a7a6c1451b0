"""One update: the maths of training. `training` is the loop around it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from infogan import processes
from infogan.adversarial import ADVERSARIAL
from infogan.batches import fetch, picked, picks
from infogan.config import Config, TrainConfig
from infogan.data import augment, erased, look_alikes
from infogan.diffaugment import diffaugment, strength_for
from infogan.errors import InfoganError
from infogan.objective import objective_D, objective_G, objective_Q
from infogan.prior import Prior
from infogan.processes import randn
from infogan.state import State, parameters_in
from infogan.vat import adversarial, log_q
from infogan.votes import unsettled, votes
from infogan.weights import noise_at, weights_at

MOST = 100  # small categories of a scout: the search for a grouping takes M³ operations a step


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


def advance(state: State, images: Tensor, config: Config, dtype: torch.dtype) -> dict[str, Tensor]:
    """A run's next update: its rates, its batches of `images` (N, C, H, W) bytes, the steps.

    Of many processes each takes its rows of the batch, and the first m of them are among the first
    half of the whole.
    """
    t = config.train
    _set_rates(state, t)
    device = state.G_ema[0].device
    strength = strength_for(config.loss.diffaugment, len(images), state.model.shape)
    votes_on = _voted(state, images, config, dtype)
    rests = bool(votes_on) and state.update >= config.loss.over_from
    components_on = {
        name: u[state.update] for name, u in state.components.items() if state.update < len(u)
    }
    for step, pick in enumerate(picks(state.update, len(images), t)):
        x, x_near = fetch(images, processes.mine(pick), device), None
        if needs_look_alikes(config, state):
            half = pick[: max(2, len(pick) // 2)]  # batch norm needs two
            near = look_alikes(images, half, t.seed, state.generators["augment"], device)
            x_near = fetch(images, processes.mine(near), device)
        voted = {name: processes.mine(k[step]).to(device) for name, k in votes_on.items()}
        read = {name: processes.mine(u[step]).to(device) for name, u in components_on.items()}
        if rests:
            return q_step(state, x, config, dtype, voted)
        if step < t.d_steps - 1:
            d_step(state, x, config, dtype, x_near, strength, voted, read)
    return train_step(state, x, config, dtype, x_near, strength, voted, read)


def _voted(state: State, images: Tensor, config: Config, dtype: torch.dtype) -> dict[str, Tensor]:
    """The votes on this update's images by code, (d_steps, batch); none while they do not count.

    First they are what a scout found, where one was sent. From `loss.votes_from` on they are
    counted for `votes_every` updates at once, by the averaged model, and for the first time, where
    no scout was sent, when no two of its categories share a kind: from then on Q learns what it
    says already. A learned P(c) follows them.
    """
    loss, t, update = config.loss, config.train, state.update
    followed = min(t.scout_followed, loss.votes_from)
    if update < followed:
        return {name: k[update] for name, k in state.votes.items()}
    if update == followed:
        state.votes = {}
    if not loss.votes or update < loss.votes_from or not has_pairs(config, state.model.prior):
        return {}
    turn = (update - loss.votes_from) % loss.votes_every
    if not turn:
        both = update >= loss.over_from  # then Q learns on both, as one batch
        model = state.trained(images, t.seed, loss) if both else state.reader(images, t.seed)
        told = bool(state.votes) or sends_scouts(config, state.model.prior)
        as_learnt = config.augment.at(update, voted=False)
        sharing = not told and unsettled(model, images, as_learnt, t.seed)
        if processes.anyone(sharing):
            return {}
        which = picked(range(update, update + loss.votes_every), len(images), t)
        found = votes(model, images, which.flatten(), t.seed, dtype)
        state.votes = {name: k.view_as(which) for name, k in found.items()}
        state.learn_prior(state.votes)
    return {name: k[turn] for name, k in state.votes.items()}


def _judged(strength: float, state: State) -> Callable[[Tensor], Tensor]:
    """T of DiffAugment, a fresh draw at each call."""

    def T(x: Tensor) -> Tensor:
        seen = diffaugment(x, strength, state.generators["diffaugment"])
        return seen.contiguous(memory_format=torch.channels_last)

    return T


def needs_look_alikes(config: Config, state: State) -> bool:
    """Whether images that look alike have a part in the next update."""
    prior, update = state.model.prior, state.update
    copied = has_pairs(config, prior) and update < config.augment.neighbours_until
    alike = weights_at(update, prior, config.loss).alike if config.objective == "infogan" else 0
    return copied or bool(alike and prior.continuous and not state.components)


def _noisy(state: State, batches: list[Tensor], sigma: float) -> list[Tensor]:
    """x + σ s ε, ε ~ N(0, 1), s the model's unit of x; the batches as they are where σ is 0."""
    if not sigma:
        return batches
    generator, scale = state.generators["noise"], sigma * state.model.unit
    return [x + scale * randn(len(x), *x.shape[1:], generator=generator).to(x) for x in batches]


def has_pairs(config: Config, prior: Prior) -> bool:
    """Whether Q also learns from pairs of real images."""
    return bool(config.loss.pairs and prior.categorical and config.objective == "infogan")


def sends_scouts(config: Config, prior: Prior) -> bool:
    """Whether there is something for scouts before the first update: real pairs, votes to tell Q
    what they found, and one categorical code of at most 50 categories."""
    return _asks_scouts(config, prior) and not lacks_scouts(config, prior)


def lacks_scouts(config: Config, prior: Prior) -> bool:
    """Whether scouts are asked for, and cannot find the kinds of these codes."""
    codes = prior.categorical
    return _asks_scouts(config, prior) and (len(codes) > 1 or 2 * codes[0].k > MOST)


def _asks_scouts(config: Config, prior: Prior) -> bool:
    asked = config.train.scout_updates and config.loss.votes and config.loss.votes_from
    return bool(asked) and has_pairs(config, prior)


def rate_at(update: int, t: TrainConfig) -> float:
    """The factor on both rates: 1, then falling linearly to `decay_to` at the end."""
    if t.decay_from >= 1:
        return 1.0
    part = (update / t.updates - t.decay_from) / (1 - t.decay_from)
    return 1 - (1 - t.decay_to) * min(1.0, max(0.0, part))


def _set_rates(state: State, t: TrainConfig) -> None:
    factor = rate_at(state.update, t)
    for adam, rate in ((state.adam_D, t.lr_d), (state.adam_G, t.lr_g)):
        for group in adam.param_groups:
            group["lr"] = rate * factor


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
