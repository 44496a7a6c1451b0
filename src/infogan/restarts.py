"""Short starts, of which the best goes on. They are told apart without labels."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from infogan import processes
from infogan.config import Config
from infogan.progress import Means, Progress
from infogan.run import STARTS, Run
from infogan.state import State
from infogan.step import advance, has_pairs

STRIDE = 1_000_003  # between the seeds of two starts: start 1 of seed 0 is no start of seed 1
WINDOW = 100  # updates at the end of a start over which its score is averaged


def best_start(
    first: State,
    images: Tensor,
    config: Config,
    dtype: torch.dtype,
    run: Run,
    progress: Progress,
    interrupted: Callable[[], bool],
) -> State:
    """Make `train.restarts` starts of `train.restart_updates` updates; give the best to go on with.

    Score: I_m, the information of Q's categories between real images and their augmented copies
    (`pairs.pair_information`), summed over the categorical codes, the mean of a start's last
    100 updates. A start whose categories form late, or of which two share a kind of image, has
    less. Every start sees the same images in the same order; weights, z, c and augmentations are
    its own. The log of the best goes to the run's; `starts.json` has every score.

    Args:
        first: The state before the first update.
        images: (N, C, H, W) bytes.
        config: The run's settings.
        dtype: Of convolutions and products.
        run: Where log and scores go.
        progress: Where a person sees it.
        interrupted: Whether to stop; then `first` is made anew, as if nothing had been.

    Returns:
        The best state; an untrained one after an interruption, or where a run has no I_m.
    """
    t = config.train
    keys = [f"I_pairs.{code.name}" for code in first.model.prior.categorical]
    if not has_pairs(config, first.model.prior):
        progress.say("one start only: without information on real pairs nothing tells two apart")
        return first
    device = first.G_ema[0].device
    best: tuple[State, list[dict[str, Any]]] = (first, [])
    scores: list[float] = []
    seconds = 0.0
    for k in range(t.restarts):
        seeded = replace(config, train=replace(t, seed=t.seed + STRIDE * k))
        state = State.start(seeded, first.model.shape, device)
        means, window, log = Means(), Means(), []
        with progress.watching(state, t.restart_updates):
            while state.update < t.restart_updates:
                terms = advance(state, images, config, dtype)
                means.add(terms)
                if state.update > t.restart_updates - WINDOW:
                    window.add(terms)
                if state.update % t.log_every == 0 or state.update == t.restart_updates:
                    log.append(means.take(state.update, t.batch * t.d_steps))
                    progress.show(log[-1])
                if interrupted():
                    return State.start(config, first.model.shape, device)
        last = window.take(state.update, t.batch)
        scores.append(sum(last[key] for key in keys))
        seconds += sum(record["seconds"] for record in log)
        progress.say(f"start {k + 1} of {t.restarts}: information on real pairs {scores[-1]:.2f}")
        if scores[-1] == max(scores):
            best = (state, log)
    kept = scores.index(max(scores))
    progress.say(f"going on with start {kept + 1}, which has most")
    state, log = best
    if processes.rank():
        return state
    for record in log:
        run.log(record)
    seconds -= sum(record["seconds"] for record in log)
    facts = {"updates": t.restart_updates, "I_pairs": scores, "kept": kept, "lost_seconds": seconds}
    run.write(STARTS, json.dumps(facts, indent=2) + "\n")
    return state
