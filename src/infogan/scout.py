"""A scout: a trunk that finds many small categories on real images, and joins them to K kinds.

Many small categories are pure sooner than K are, and how to join them can be searched through.
Beyond the paper; no label is looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from infogan import precision, processes
from infogan.batches import fetch
from infogan.config import AugmentConfig, Config, TrainConfig
from infogan.data import augment, batch_indices, look_alikes
from infogan.data.colour import pattern
from infogan.descent import follow
from infogan.joining import best_grouping, joined, joint_information, margins
from infogan.networks.layers import apart
from infogan.pairs import joint, pair_information
from infogan.recording import Given, Terms
from infogan.state import State
from infogan.step import MOST
from infogan.votes import shared

M_PARTS = 1.5  # m for these, which are about equally frequent only where kinds are
M_FREE = 0.9  # m for kinds of unknown frequency: below 1 an uneven grouping is not held against it
BATCH = 256  # images of an update: five of each of 50 small categories
RATE = 1e-3  # Adam's
CONTRAST = 0.2  # standard deviation of a pattern's pixels
PAIRS = 8_192  # pairs of images that P is measured on
WARPED = 2.0  # times the run's own warps: the copies that say which small categories are one kind
DOUBTFUL = 0.2  # of the small categories: those whose kind is least sure
EVEN = 0.05  # total variation of the kinds' frequencies and equal ones that is none


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


def small_categories(t: TrainConfig, k: int) -> int:
    """How many a scout looks for, for a code of k categories."""
    return min(t.scout_parts * k, MOST)


class Patterns(nn.Module):
    """Images as their patterns of light and dark alone, (n, C, H, W) again."""

    def forward(self, x: Tensor) -> Tensor:
        return (
            (0.5 + CONTRAST * pattern(x)).expand_as(x).contiguous(memory_format=torch.channels_last)
        )


class Scout:
    """A trunk, and a layer that reads small categories from its features.

    The trunk is the run's, but has batch norm in any case: without it a scout does not set out.
    Where the light is not to count (`augment.colour`), it sees the pattern of light and dark alone:
    what it would have to learn not to see keeps it from setting out too.

    Args:
        config: The run's settings, with the scout's own seed.
        first: The run's first state: shape and device.
        images: (N, C, H, W) bytes.
        dtype: Of convolutions and products.
    """

    def __init__(self, config: Config, first: State, images: Tensor, dtype: torch.dtype) -> None:
        config = replace(config, net=replace(config.net, norm="batch"))
        self.config, self.images, self.dtype = config, images, dtype
        t, device = config.train, first.G_ema[0].device
        self.state = State.start(config, first.model.shape, device, images)
        if config.augment.patterns:
            trunk = self.state.model.trunk
            assert isinstance(trunk, nn.Sequential)
            trunk.insert(0, Patterns())
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

        def objective(of: Given) -> tuple[Tensor, Terms]:
            p, p_copy = self._small([of["x"], of["copy"]])
            r = torch.cat([p, p_copy]).detach().mean(0)
            self.r_bar.lerp_(r, 1 - loss.pairs_memory)
            information = pair_information(p, p_copy, M_PARTS, self.r_bar)
            return -loss.pairs * information, {"I_m": information}

        for _ in range(self.config.train.scout_updates):
            x, copy = self._batches(self.config.augment.at(0, voted=False))
            terms = follow(state, state.adam_D, objective, {"x": x, "copy": copy}, key="scout")
            state.update += 1
            yield terms["I_m"].item()

    @torch.no_grad()
    def join(self) -> Kinds:
        """Measure the joint of the small categories, and group them."""
        as_learnt = self.config.augment.at(0, voted=False)
        warped = replace(as_learnt, warp=WARPED * self.config.augment.warp)
        P, P_warped = torch.zeros(2, self.M, self.M, dtype=torch.float64)
        for _ in range(max(1, PAIRS // self.batch)):
            p, p_copy, p_warped = self._small(self._batches(as_learnt, warped))
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
        given = self.code.p and not self.code.learned
        pi = self.code.probabilities.numpy() if given else None
        same = m == M_FREE and pi is None
        groups = free if same else best_grouping(measured, K, m, self.config.train.seed, pi)
        together, (sure, rivals) = joined(plain, groups, K), margins(measured, groups, K, m, pi)
        doubtful = sure.argsort(kind="stable")[: round(DOUBTFUL * self.M)]
        # a group of one has no other to go to, and is told
        told = ~np.isin(np.arange(self.M), doubtful) | np.isinf(sure)
        return Kinds(
            torch.from_numpy(groups),
            torch.from_numpy(rivals),
            torch.from_numpy(told),
            joint_information(together, M_FREE if self.code.learned else usual, pi),
            not shared(torch.from_numpy(together)),
            float(tv) if known else 0.0,
            tuple(shares.tolist()),
        )

    def likeliest(self, kinds: Kinds, h: Tensor) -> tuple[Tensor, Tensor]:
        """The kind and the small category of features (n, F), (n,) each."""
        p = self.layer(h).softmax(1).cpu()  # (n, M)
        of_kinds = p.new_zeros(len(p), self.code.k).index_add_(1, kinds.groups, p)
        return of_kinds.argmax(1), p.argmax(1)

    def _batches(self, *settings: AugmentConfig) -> list[Tensor]:
        """The next batch, and its copies by each of the settings, half of which are of look-alikes
        where the run has those."""
        t, generator = self.config.train, self.state.generators["augment"]
        pick = batch_indices(len(self.images), self.batch, self.state.update, t.seed)
        device = self.r_bar.device
        x = copied = fetch(self.images, processes.mine(pick), device)
        if self.config.augment.neighbours_until:
            half, patterns = pick[: len(pick) // 2], self.config.augment.patterns
            near = look_alikes(self.images, half, t.seed, generator, device, patterns)
            x_near = fetch(self.images, processes.mine(near), device)
            copied = torch.cat([x_near, x[len(x_near) :]])
        return [x, *(augment(copied, ranges, generator) for ranges in settings)]

    def _small(self, batches: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The small categories (n, M) of each batch, of all processes."""
        with precision.autocast(self.r_bar.device, self.dtype):
            outputs = [self.layer(h) for h in apart(self.state.model.trunk, batches)]
        return tuple(processes.gathered(output.float().softmax(1)) for output in outputs)
