"""Scouts: before the game, many small categories are found on real images and joined to K kinds.

Which image belongs to which kind is a question with many wrong answers that hold: two kinds share a
category while the halves of another have one each, and gradients, which move one image over the
border at a time, do not leave that. Many small categories are pure sooner, and how to join them can
be searched through. Beyond the paper; no label is looked at.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from infogan import memory, processes
from infogan.batches import fetch, picked
from infogan.codes import Categorical
from infogan.components import ends, levels, principal
from infogan.config import AugmentConfig, Config, TrainConfig
from infogan.data import augment, batch_indices, look_alikes, look_alikes_outside
from infogan.joining import best_grouping, joined, joint_information, margins
from infogan.networks.layers import Flat, apart, folded
from infogan.objective import NONE
from infogan.pairs import joint, pair_information
from infogan.progress import Progress
from infogan.restarts import STRIDE
from infogan.run import STARTS, Run
from infogan.state import State, parameters_in
from infogan.step import MOST
from infogan.votes import read, shared
from infogan.workers import each_on_one_thread

M_PARTS = 1.5  # m for these, which are about equally frequent only where kinds are
M_FREE = 0.9  # m for kinds of unknown frequency: below 1 an uneven grouping is not held against it
BATCH = 256  # images of an update: five of each of 50 small categories
RATE = 1e-3  # Adam's
PAIRS = 8_192  # pairs of images that P is measured on
WARPED = 2.0  # times the run's own warps: the copies that say which small categories are one kind
DOUBTFUL = 0.2  # of the small categories: those whose kind is least sure
AGREED = 10  # look-alikes that must all be of one kind where an image's category is in doubt
EVEN = 0.05  # total variation of the kinds' frequencies and equal ones that is none
SAMPLE = 4_096  # images that principal components are found from
FLATTENS = (Flat, nn.Flatten)  # where a trunk's convolutions, if it has any, end
READ_AT_ONCE = 256  # images a thread has under way
UNLIKE = 0.15  # total variation of the kinds' frequencies and P(c) that is worth a warning


@dataclass(frozen=True)
class Kinds:
    """What a scout found.

    Args:
        groups: The kind of each small category, (M,).
        rivals: The kind that each would go to next, (M,).
        told: Of which of them Q is told, (M,): not of those whose kind is in doubt.
        score: I_m(P^g), in nats.
        stand: Whether no two kinds share a sort of image.
        tv: Total variation between P(c) and how frequent the kinds are where no frequency is
            supposed; 0 where those do not stand.
        shares: These frequencies, in order.
    """

    groups: Tensor
    rivals: Tensor
    told: Tensor
    score: float
    stand: bool
    tv: float
    shares: tuple[float, ...]


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
    the greatest I_m(P^g): with the run's m, or, where P(c) is learned and the groups so found stand
    apart and are not equally frequent, with one that hardly supposes how frequent kinds are. The
    first scout whose kinds stand apart, by copies without warps, is believed, else the one with the
    greatest I_m.

    In the first `train.scout_followed` updates of the game Q learns its kinds as votes, but for the
    fifth of the small categories whose kind is least sure (`joining.margins`): those are mixtures
    of two kinds more often than others. Of their images those are told whose ten look-alikes from
    other small categories are all of the kind, or all of the next best one, as which they are told;
    the rest is left to the game. Until that is over Q's continuous codes learn the principal
    components within its kinds (`Scout.components`). Weights, batches and augmentations are each
    scout's own; nothing else of the run's state changes.

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
    voted, told = scout.categories(kinds, which.flatten())
    state.learn_prior({scout.code.name: voted})
    voted[~told] = NONE
    state.votes = {scout.code.name: voted.view_as(which)}
    if config.loss.components and state.model.prior.continuous:
        game = min(t.updates, config.loss.over_from)
        which = picked(range(game), len(images), t)
        state.components = {
            name: u.reshape(*which.shape, -1)
            for name, u in scout.components(kinds, which.flatten()).items()
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


def small_categories(t: TrainConfig, k: int) -> int:
    """How many a scout looks for, for a code of k categories."""
    return min(t.scout_parts * k, MOST)


class Scout:
    """A trunk, and a layer that reads small categories from its features.

    Args:
        config: The run's settings, with the scout's own seed.
        first: The run's first state: shape and device.
        images: (N, C, H, W) bytes.
        dtype: Of convolutions and products.
    """

    def __init__(self, config: Config, first: State, images: Tensor, dtype: torch.dtype) -> None:
        self.config, self.images, self.dtype = config, images, dtype
        t, device = config.train, first.G_ema[0].device
        self.state = State.start(config, first.model.shape, device, images)
        self.code = self.state.model.prior.categorical[0]
        self.M = small_categories(t, self.code.k)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(t.seed)
            self.layer = nn.Linear(self.state.model.D.in_features, self.M).to(device)
        adam = self.state.adam_D
        adam.add_param_group({"params": list(self.layer.parameters())})
        for group in adam.param_groups:
            group["lr"] = RATE
        self.r_bar = torch.full((self.M,), 1 / self.M, device=device)
        size = max(t.batch, min(BATCH, len(images) // 2))
        self.batch = size - size % processes.size()

    def explore(self) -> Iterator[float]:
        """Find the small categories; after each update yields I_m."""
        state, loss = self.state, self.config.loss
        for _ in range(self.config.train.scout_updates):
            p, p_copy = self._small(self.config.augment.at(0, voted=False))
            r = torch.cat([p, p_copy]).detach().mean(0)
            self.r_bar.lerp_(r, 1 - loss.pairs_memory)
            information = pair_information(p, p_copy, M_PARTS, self.r_bar)
            state.adam_D.zero_grad(set_to_none=True)
            (-loss.pairs * information).backward()  # type: ignore[no-untyped-call]
            processes.average_gradients(parameters_in(state.adam_D))
            state.adam_D.step()
            state.update += 1
            yield information.item()

    @torch.no_grad()
    def join(self) -> Kinds:
        """Measure the joint of the small categories, and group them."""
        as_learnt = self.config.augment.at(0, voted=False)
        warped = replace(as_learnt, warp=WARPED * self.config.augment.warp)
        P, P_warped = torch.zeros(2, self.M, self.M, dtype=torch.float64)
        for _ in range(max(1, PAIRS // self.batch)):
            p, p_copy, p_warped = self._small(as_learnt, warped)
            P += joint(p, p_copy).double().cpu()
            P_warped += joint(p, p_warped).double().cpu()
            self.state.update += 1
        plain, measured = (P / P.sum()).numpy(), (P_warped / P_warped.sum()).numpy()
        K, usual = self.code.k, self.config.loss.pairs_m
        free = best_grouping(measured, K, M_FREE, self.config.train.seed)
        unsupposed = joined(plain, free, K)
        shares = np.sort(unsupposed.sum(1))
        tv = np.abs(shares - np.sort(self.code.probabilities.numpy())).sum() / 2
        known = not shared(torch.from_numpy(unsupposed))
        uneven = known and np.abs(shares - 1 / K).sum() / 2 > EVEN
        m = M_FREE if self.code.learned and uneven else usual
        groups = free if m == M_FREE else best_grouping(measured, K, m, self.config.train.seed)
        together, (sure, rivals) = joined(plain, groups, K), margins(measured, groups, K, m)
        doubtful = sure.argsort(kind="stable")[: round(DOUBTFUL * self.M)]
        # a group of one has no other to go to, and is told
        told = ~np.isin(np.arange(self.M), doubtful) | np.isinf(sure)
        return Kinds(
            torch.from_numpy(groups),
            torch.from_numpy(rivals),
            torch.from_numpy(told),
            joint_information(together, M_FREE if self.code.learned else usual),
            not shared(torch.from_numpy(together)),
            float(tv) if known else 0.0,
            tuple(shares.tolist()),
        )

    @torch.no_grad()
    def categories(self, kinds: Kinds, which: Tensor) -> tuple[Tensor, Tensor]:
        """The kind of some of the images, (n,), and whether it is told, (n,).

        argmax_k Σ_{i in k} p_i(x). Where the likeliest small category is in doubt, the kind of x's
        ten look-alikes outside it, and told, if they have one kind and it is this or the rival; not
        the rival where most images of the kind are in that category, so that few are outside.
        """
        t = self.config.train
        model = self.state.reader(self.images, t.seed)
        members, place = which.unique(return_inverse=True)  # type: ignore[no-untyped-call]
        h, _ = read(model, self.images, members, self.dtype)
        kind, small = self._likeliest(kinds, h)
        told = kinds.told[small]
        if self.config.augment.neighbours_until and len(members) > AGREED:
            asked = (~told).nonzero()[:, 0]
            near = look_alikes_outside(
                self.images, members, small, asked, AGREED, t.seed, self.r_bar.device
            )
            theirs, own = kind[near], small[asked]  # (k, 10), (k,)
            size = small.bincount(minlength=self.M)  # (M,)
            whole = size.new_zeros(self.code.k).index_add_(0, kinds.groups, size)[kinds.groups]
            one, shares = theirs[:, 0], 2 * size <= whole
            possible = (one == kinds.groups[own]) | (one == kinds.rivals[own]) & shares[own]
            agreed = possible & (theirs == one[:, None]).all(1)
            kind[asked[agreed]], told[asked[agreed]] = one[agreed], True
        return kind[place], told[place]

    @torch.no_grad()
    def components(self, kinds: Kinds, which: Tensor) -> dict[str, Tensor]:
        """What Q's continuous codes are told of some of the images, by code (n, d).

        Each coordinate, in the codes' order, takes the next principal component of what the last
        convolution gives, within kinds; an image has the value that as large a part of P(c) is
        below as of its kind's images are.
        """
        t = self.config.train
        model = self.state.reader(self.images, t.seed)
        codes, device = self.state.model.prior.continuous, self.r_bar.device
        members, place = which.unique(return_inverse=True)  # type: ignore[no-untyped-call]
        trunk = [*folded(model.trunk).children()]
        flat = 1 + next(i for i, layer in enumerate(trunk) if isinstance(layer, FLATTENS))
        convolutions, rest = nn.Sequential(*trunk[:flat]), nn.Sequential(*trunk[flat:])

        @torch.inference_mode()
        def along(part: Tensor) -> tuple[Tensor, Tensor]:
            h = convolutions(fetch(self.images, part, device))
            return (h @ W).cpu(), self._likeliest(kinds, rest(h))[0]

        generator = torch.Generator().manual_seed(t.seed)
        sample = members[torch.randperm(len(members), generator=generator)[:SAMPLE]]
        pieces = sample.split(READ_AT_ONCE)
        h = torch.cat([convolutions(fetch(self.images, part, device)) for part in pieces])
        of_sample = self._likeliest(kinds, rest(h))[0].to(device)
        W = principal(h, of_sample, sum(code.d for code in codes), t.seed)
        W *= ends(h @ W, self.images[sample], of_sample)
        del h
        parts = [*each_on_one_thread(along, members.split(READ_AT_ONCE), device)]
        v, kind = (torch.cat(column) for column in zip(*parts, strict=True))
        columns = torch.split(levels(v, kind)[place], [code.d for code in codes], 1)
        return {code.name: code.quantile(level) for code, level in zip(codes, columns, strict=True)}

    def _likeliest(self, kinds: Kinds, h: Tensor) -> tuple[Tensor, Tensor]:
        """The kind and the small category of features (n, F), (n,) each."""
        p = self.layer(h).softmax(1).cpu()  # (n, M)
        of_kinds = p.new_zeros(len(p), self.code.k).index_add_(1, kinds.groups, p)
        return of_kinds.argmax(1), p.argmax(1)

    def _small(self, *settings: AugmentConfig) -> tuple[Tensor, ...]:
        """The small categories (n, M) of the next batch, and of its copies by each of the settings,
        half of which are of look-alikes where the run has those; of all processes."""
        t, generator = self.config.train, self.state.generators["augment"]
        pick = batch_indices(len(self.images), self.batch, self.state.update, t.seed)
        device = self.r_bar.device
        x = copied = fetch(self.images, processes.mine(pick), device)
        if self.config.augment.neighbours_until:
            near = look_alikes(self.images, pick[: len(pick) // 2], t.seed, generator, device)
            x_near = fetch(self.images, processes.mine(near), device)
            copied = torch.cat([x_near, x[len(x_near) :]])
        batches = [x, *(augment(copied, ranges, generator) for ranges in settings)]
        with torch.autocast(device.type, self.dtype, enabled=self.dtype != torch.float32):
            outputs = [self.layer(h) for h in apart(self.state.model.trunk, batches)]
        return tuple(processes.gathered(output.float().softmax(1)) for output in outputs)
