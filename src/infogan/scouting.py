"""Scouts go out before the game; what the best of them found is Q's first lesson.

Which image belongs to which kind is a question with many wrong answers that hold: two kinds share a
category while the halves of another have one each, and gradients, which move one image over the
border at a time, do not leave that. Beyond the paper; no label is looked at.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from infogan import lessons, memory, processes
from infogan.batches import picked
from infogan.codes import Categorical
from infogan.config import Config
from infogan.objective import NONE
from infogan.progress import Progress
from infogan.restarts import STRIDE
from infogan.run import STARTS, Run
from infogan.scout import Kinds, Scout
from infogan.state import State

UNLIKE = 0.15  # total variation of the kinds' frequencies and P(c) that is worth a warning


def scouted(
    state: State,
    images: Tensor,
    config: Config,
    dtype: torch.dtype,
    run: Run,
    progress: Progress,
    interrupted: Callable[[], bool],
) -> None:
    """Send scouts, up to `train.restarts`; what the best found is Q's first lesson.

    Each makes `train.scout_updates` updates of a trunk of its own, on real pairs alone: a layer
    reads M small categories, `train.scout_parts` for each of the K, from the features and maximizes
    their I_m, m = 1.5. P, their joint, is then measured on 8,192 pairs whose copies are warped
    besides, twice as much as those of the run, and that grouping g of the M into K found which has
    the greatest I_m(P^g): with the run's m and P(c), or, where that is learned and the groups so
    found stand apart and are not equally frequent, with an m that hardly supposes how frequent
    kinds are. The first scout whose kinds stand apart, by copies without warps, is believed, else
    the one with the greatest I_m.

    In the first `train.scout_followed` updates of the game Q learns its kinds as votes, but for the
    fifth of the small categories whose kind is least sure (`joining.margins`): those are mixtures
    of two kinds more often than others. One of them goes to the next best kind if its images'
    look-alikes from other small categories clearly are of that. Of their images those are told
    whose ten look-alikes are all of the kind, or all of the next best one, as which they are told;
    the rest is left to the game. Until that is over Q's continuous codes learn the principal
    components within its kinds (`lessons.components`). Weights, batches and augmentations are each
    scout's own, drawn from its seed, the first one's the run's; nothing else of the state changes.

    Args:
        state: Before the first update: `votes`, `components`, and a learned P(c), are set.
        images: (N, C, H, W) bytes.
        config: The run's settings.
        dtype: Of convolutions and products.
        run: Where scores and warnings go.
        progress: Where a person sees it.
        interrupted: Whether to stop; then the state stays as it was.
    """
    began, t = time.perf_counter(), config.train
    found: list[tuple[Scout, Kinds]] = []
    for k in range(t.restarts):
        seeded = replace(config, train=replace(t, seed=t.seed + STRIDE * k, ema_d=0.0))
        scout = Scout(seeded, state, images, dtype)
        with progress.watching(scout.state, t.scout_updates):
            for information in scout.explore():
                if scout.state.update % t.log_every == 0:
                    words = f"scout: I_m {information:.2f}"
                    progress.draw(scout.state.update, t.scout_updates, words)
                if interrupted():
                    return
        memory.give_back()  # to read all images takes memory of other sizes
        kinds = scout.join()
        found.append((scout, kinds))
        progress.say(
            f"scout {k + 1} of at most {t.restarts}: {scout.M} small categories joined to "
            f"{scout.code.k} kinds, which {'stand apart' if kinds.stand else 'run into each other'}"
            f" (I_m {kinds.score:.3f})"
        )
        if kinds.stand:
            break
    scores = [kinds.score for _, kinds in found]
    kept = len(found) - 1 if found[-1][1].stand else scores.index(max(scores))
    scout, kinds = found[kept]
    progress.say(
        f"following scout {kept + 1}, {'whose kinds stand' if kinds.stand else 'which has most'}"
    )
    followed = min(t.scout_followed, config.loss.votes_from)
    which = picked(range(followed), len(images), t)
    voted, told, kinds = lessons.categories(scout, kinds, which.flatten())
    state.learn_prior({scout.code.name: voted})
    voted[~told] = NONE
    state.votes = {scout.code.name: voted.view_as(which)}
    if config.loss.components and state.model.prior.continuous:
        game = min(t.updates, config.loss.over_from)
        which = picked(range(game), len(images), t)
        state.components = {
            name: u.reshape(*which.shape, -1)
            for name, u in lessons.components(scout, kinds, which.flatten()).items()
        }
    if processes.rank() == 0:
        facts = {
            "updates": t.scout_updates,
            "I_groups": scores,
            "kept": kept,
            "stands": kinds.stand,
            "lost_seconds": time.perf_counter() - began,
        }
        run.write(STARTS, json.dumps(facts, indent=2) + "\n")
        if not scout.code.learned and kinds.tv > UNLIKE:
            text = _unlike(scout.code, kinds)
            run.warn(0, f"prior {scout.code.name}", text)
            progress.say(f"warning: {text}")


def _unlike(code: Categorical, kinds: Kinds) -> str:
    shares = ", ".join(f"{share:.1%}" for share in kinds.shares)
    return (
        f"{code.name}: P(c) may not be what the images are: joined without regard to it, the kinds "
        f"hold {shares} of them (total variation {kinds.tv:.2f}); if some are rarer than others, "
        f"train with {code.name}:cat{code.k}(learned)"
    )
