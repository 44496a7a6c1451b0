"""A run's next update: its rates, its images, and what is known of these by then."""

import torch
from torch import Tensor

from infogan import processes
from infogan.batches import fetch, picked, picks
from infogan.config import Config, TrainConfig
from infogan.data import look_alikes
from infogan.diffaugment import strength_for
from infogan.prior import Prior
from infogan.state import State
from infogan.update import d_step, has_pairs, q_step, train_step
from infogan.votes import unsettled, votes
from infogan.weights import weights_at

MOST = 100  # small categories of a scout: the search for a grouping takes M³ operations a step


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
            generator, patterns = state.generators["augment"], config.augment.patterns
            near = look_alikes(images, half, t.seed, generator, device, patterns)
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


def needs_look_alikes(config: Config, state: State) -> bool:
    """Whether images that look alike have a part in the next update."""
    prior, update = state.model.prior, state.update
    copied = has_pairs(config, prior) and update < config.augment.neighbours_until
    alike = weights_at(update, prior, config.loss).alike if config.objective == "infogan" else 0
    return copied or bool(alike and prior.continuous and not state.components)


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
    rates = [(state.adam_D, t.lr_d), (state.adam_G, t.lr_g)]
    rates += [(state.adam_H, t.lr_d)] if state.adam_H else []
    for adam, rate in rates:
        for group in adam.param_groups:
            group["lr"] = rate * factor
