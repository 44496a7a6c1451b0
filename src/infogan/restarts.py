"""Short starts, of which the best goes on. They are told apart without labels."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from infogan import processes
from infogan.config import Config
from infogan.prior import Prior
from infogan.progress import Means, Progress
from infogan.run import STARTS, Run
from infogan.state import State
from infogan.step import advance
from infogan.update import has_pairs
from infogan.votes import unsettled

STRIDE = 1_000_003  # between the seeds of two starts: start 1 of seed 0 is no start of seed 1
WINDOW = 100  # updates at the end of a start over which its score is averaged,
GAME_WINDOW = 500  # or so many for the game's value, of which a batch says less


def best_start(
    first: State,
    images: Tensor,
    config: Config,
    dtype: torch.dtype,
    run: Run,
    progress: Progress,
    interrupted: Callable[[], bool],
) -> State:
    """Make up to `train.restarts` starts of `train.restart_updates` updates; give the best to go on
    with.

    Score, where Q learns from real pairs: I_m, the information of Q's categories between real
    images and their augmented copies (`pairs.pair_information`), summed over the categorical codes,
    the mean of a start's last 100 updates. A start whose categories form late, or of which two
    share a kind of image, has less. The first whose categories stand (`votes.unsettled` is false,
    of copies and, where Q learns from them, of look-alikes) is taken at once.

    Score elsewhere: −V_I(D, G, Q) = −V + Σ λ_i L_I(c_i), which G and Q maximize (eq. 6), as D and Q
    see it, the mean of the last 500 updates. It is 2 ln 2 + Σ λ_i L_I where G's images are the
    data's, and less where G leaves some out, draws others, or Q must guess. No label is looked at.

    Every start sees the same images in the same order; weights, z, c and augmentations are
    its own. None has votes, from whatever update on the run asks for them: they would take the
    place of I_m. The log of the best goes to the run's; `starts.json` has every score.

    Args:
        first: The state before the first update.
        images: (N, C, H, W) bytes.
        config: The run's settings.
        dtype: Of convolutions and products.
        run: Where log and scores go.
        progress: Where a person sees it.
        interrupted: Whether to stop; then `first` is made anew, as if nothing had been.

    Returns:
        The best state; an untrained one after an interruption.
    """
    t = config.train
    without_votes = replace(config, loss=replace(config.loss, votes=0.0))
    pairs = has_pairs(config, first.model.prior)
    score, what = (
        ("I_pairs", "information on real pairs") if pairs else ("game", "−V_I of the game")
    )
    length = WINDOW if pairs else min(GAME_WINDOW, t.restart_updates)
    device = first.G_ema[0].device
    best: tuple[State, list[dict[str, Any]]] = (first, [])
    scores: list[float] = []
    seconds, stands = 0.0, False
    for k in range(t.restarts):
        seeded = replace(config, train=replace(t, seed=t.seed + STRIDE * k))
        state = State.start(seeded, first.model.shape, device, images)
        means, window, log = Means(), Means(), []
        with progress.watching(state, t.restart_updates):
            while state.update < t.restart_updates:
                terms = advance(state, images, without_votes, dtype)
                means.add(terms)
                if state.update > t.restart_updates - length:
                    window.add(terms)
                if state.update % t.log_every == 0 or state.update == t.restart_updates:
                    log.append(means.take(state.update, t.batch * t.d_steps))
                    progress.show(log[-1])
                if interrupted():
                    return State.start(config, first.model.shape, device, images)
        last = window.take(state.update, t.batch)
        scores.append(pair_score(last, config) if pairs else game_score(last, config))
        seconds += sum(record["seconds"] for record in log)
        progress.say(f"start {k + 1} of {t.restarts}: {what} {scores[-1]:.3f}")
        if scores[-1] == max(scores):
            best = (state, log)
        stands = pairs and _stands(state, images, config)
        if stands:
            best = (state, log)
            break
    state, log = best
    kept = len(scores) - 1 if stands else scores.index(max(scores))
    why = "whose categories stand" if stands else "which has most"
    progress.say(f"going on with start {kept + 1}, {why}")
    if processes.rank():
        return state
    for record in log:
        run.log(record)
    seconds -= sum(record["seconds"] for record in log)
    facts = {
        "updates": t.restart_updates,
        score: scores,
        "kept": kept,
        "stands": stands,
        "lost_seconds": seconds,
    }
    run.write(STARTS, json.dumps(facts, indent=2) + "\n")
    return state


def _stands(state: State, images: Tensor, config: Config) -> bool:
    """Whether its categories stand, for all processes alike."""
    model = state.reader(images, config.train.seed)
    settings = config.augment.at(state.update, voted=False)
    alike = bool(settings.neighbours_until)
    return not processes.anyone(unsettled(model, images, settings, config.train.seed, alike))


def pair_score(means: Mapping[str, float], config: Config) -> float:
    """Σ I_m over the categorical codes."""
    return sum(means[f"I_pairs.{code.name}"] for code in Prior.parse(config.codes).categorical)


def game_score(means: Mapping[str, float], config: Config) -> float:
    """−V_I(D, G, Q) = −V + Σ λ_i L_I(c_i), −V being what D minimizes; a plain GAN's has no L_I."""
    prior, plain = Prior.parse(config.codes), config.objective == "gan"
    lam = {code.name: 0.0 if plain else code.lam for code in prior}
    return means["loss_D"] + sum(lam[name] * means[f"L_I.{name}"] for name in lam)
