"""Settings for images of one's own: codes, networks and budget from their number and size."""

import math
from dataclasses import replace
from math import prod

import torch
from torch import nn

from infogan.config import Config
from infogan.data.colour import COLOURS
from infogan.diffaugment import strength_for
from infogan.model import InfoGAN
from infogan.scout import BATCH, PAIRS
from infogan.votes import BANK

EACH = 20  # images of a category at least
LIGHT = 0.5  # of colour images: how much copies change it (`augment.colour`)
GAME = 2_000  # updates of colour images before G rests
LOOK_ALIKE = 100  # images from which on the nearest of half of them says something
# operations a second of training on two cores, from minutes of the mnist recipe: bfloat16 (an
# earlier one, AVX512-BF16), float32 (AVX2 only)
SPEEDS = (170e9, 39e9)

Shape = tuple[int, int, int]
Choice = tuple[Config, dict[str, str]]


def fitted(
    config: Config, count: int, shape: Shape, updates: int | None = None, stream: bool = False
) -> Choice:
    """The settings that a set of images asks for, and why.

    Nothing here looks at a picture: the numbers are all it takes. Vectors stay with the settings
    that they have.

    Args:
        config: Where they start, the recipe `images`.
        count: Images to learn from.
        shape: (C, H, W).
        updates: How many there will be, where a user says so: what begins and ends at some update
            of the recipe does so in proportion.
        stream: Whether only a part of them is at hand at a time.

    Returns:
        The settings, and for each that was chosen, by its dotted name, the reason.
    """
    why: dict[str, str] = {}
    if shape[1:] == (1, 1):
        return config, why
    for choice in (_codes, _networks, _batch, _real_images, _colours):
        config, reasons = choice(config, count, shape)
        why |= reasons
    if stream:
        config, reasons = _without_votes(config, "votes ask all of a set, and a stream has a part")
        why |= reasons
    return in_proportion(config, updates or config.train.updates), why


def minutes(config: Config, count: int, shape: Shape) -> str:
    """How long training on so many images will take, in words: with one scout, where any is sent,
    and up to `train.restarts` where none is believed."""
    t, loss = config.train, config.loss
    G, trunk = _operations(config, shape)
    game = min(loss.over_from, t.updates)
    # a gradient costs two passes more; in the game D's and G's steps see fakes, and copies are read
    together = 4 * G + 11.5 * trunk
    alone = 3 * trunk + loss.votes_alone_fakes * (G + 3 * trunk)
    each = game * together + (t.updates - game) * alone
    counts = max(0, t.updates - loss.votes_from) / loss.votes_every if loss.votes else 0
    run = t.batch * each + counts * min(count, BANK) * trunk
    learnt = t.scout_updates * 2 * max(t.batch, min(BATCH, count // 2)) * 3 * trunk
    scout = learnt + (3 * PAIRS + 2 * count) * trunk if t.scout_updates else 0
    quick, slow = (_span(run, scout, t.restarts, speed) for speed in SPEEDS)
    return f"about {quick} min on two processor cores with bfloat16, {slow} without"


def _span(run: float, scout: float, restarts: int, speed: float) -> str:
    """Minutes with one scout, and with all where that is another number."""
    least, most = (max(1, round((run + n * scout) / speed / 60)) for n in (1, restarts))
    return f"{least}" if least == most else f"{least} to {most}"


def _codes(config: Config, count: int, shape: Shape) -> Choice:
    K = max(2, min(10, count // EACH))
    noise = 62 if prod(shape) <= 32 * 32 else 128
    config = replace(config, codes=f"z{noise} + kind:cat{K} + 2u(floor=0.3)@0.5")
    few = f"{EACH} images of a kind at least, and so no more kinds"
    return config, {"codes": "how many kinds there are is yours to say" if K == 10 else few}


def _networks(config: Config, count: int, shape: Shape) -> Choice:
    side = min(shape[1:])
    depth = max(1, int(math.log2(side / 4)))
    first = 64 if depth == 1 else 32 if side < 96 else 16
    widths = tuple(min(first * 2**i, 256) for i in range(depth))
    net = replace(config.net, kind="dcgan", widths=widths, fc=384)
    reason = f"halves {side} pixels until 4 to 7 are left; narrow, for two processor cores"
    return replace(config, net=net), {"net.widths": reason}


def _batch(config: Config, count: int, shape: Shape) -> Choice:
    usual = 128 if min(shape[1:]) < 64 else 64
    batch = max(8, min(usual, 2 ** int(math.log2(max(1, count // 2)))))
    fewer = "half of the images at most" if 2 * batch <= count else "the least"
    reason = fewer if batch < usual else "as usual at this size"
    return replace(config, train=replace(config.train, batch=batch)), {"train.batch": reason}


def _real_images(config: Config, count: int, shape: Shape) -> Choice:
    """What Q learns from real images, and what keeps D from learning them by heart."""
    loss, augment = config.loss, config.augment
    why = {
        "loss.pairs": "a kind is what stays when an image is turned by up to "
        f"{augment.rotation:g}°, sheared, zoomed and moved a little; 0 where that changes the kind"
    }
    if count < LOOK_ALIKE:
        few = f"of fewer than {LOOK_ALIKE:,} images the nearest often shows something else"
        config, reasons = _without_votes(config, few)
        loss, augment = replace(config.loss, alike=0.0), replace(augment, neighbours_until=0)
        why |= reasons | {"loss.alike": few, "augment.neighbours_until": few}
    strength = round(strength_for(-1, count, shape), 2)
    loss = replace(loss, diffaugment=strength)
    if strength:
        why["loss.diffaugment"] = (
            f"D would learn {count:,} images by heart: it sees them, and G's, in changing "
            "light and place and with a square cut out"
        )
    return replace(config, loss=loss, augment=augment), why


def _colours(config: Config, count: int, shape: Shape) -> Choice:
    """What more colour images ask for: else kinds are colours, and G knows few of them."""
    if shape[0] != COLOURS:
        return config, {}
    augment = replace(config.augment, colour=LIGHT)
    net = replace(config.net, up="nearest")
    why = {
        "augment.colour": "a kind is what stays when light and hue change, and a scout sees the "
        "pattern of light and dark alone; 0 where colours tell kinds apart",
        "net.up": "transposed convolutions leave a checkerboard on even colours",
    }
    loss, train = config.loss, config.train
    if loss.votes_alone_from:
        more = GAME - loss.votes_alone_from
        loss = replace(loss, votes_alone_from=GAME)
        train = replace(train, updates=train.updates + more)
        why |= dict.fromkeys(("loss.votes_alone_from", "train.updates"), "G learns colours late")
    return replace(config, augment=augment, net=net, loss=loss, train=train), why


def _without_votes(config: Config, reason: str) -> Choice:
    loss = replace(config.loss, votes=0.0, votes_alone_from=0)
    train = replace(config.train, scout_updates=0, restarts=1)
    names = ("loss.votes", "loss.votes_alone_from", "train.scout_updates", "train.restarts")
    return replace(config, loss=loss, train=train), dict.fromkeys(names, reason)


def in_proportion(config: Config, updates: int) -> Config:
    """A recipe's settings where there will be another number of updates: what begins or ends at
    some update of it does so in proportion.

    Scouts, which are no part of the game, keep theirs, up to half as many as the run's.
    """
    share = updates / config.train.updates

    def at(update: int) -> int:
        return round(share * update)

    loss = replace(
        config.loss,
        lam_ramp=at(config.loss.lam_ramp),
        lam_starts=tuple(map(at, config.loss.lam_starts)),
        lam_rest_from=at(config.loss.lam_rest_from),
        alike_until=at(config.loss.alike_until),
        votes_from=at(config.loss.votes_from),
        votes_every=max(1, at(config.loss.votes_every)),
        votes_alone_from=at(config.loss.votes_alone_from),
    )
    augment = replace(
        config.augment,
        neighbours_until=at(config.augment.neighbours_until),
        warp_from=at(config.augment.warp_from),
        erase_from=at(config.augment.erase_from),
    )
    train = replace(
        config.train,
        scout_updates=min(config.train.scout_updates, updates // 2),
        scout_followed=max(1, at(config.train.scout_followed)),
    )
    return replace(config, loss=loss, augment=augment, train=train)


@torch.no_grad()
def _operations(config: Config, shape: Shape) -> list[float]:
    """Of one pass of G and of one of the trunk, for an image."""
    found: list[float] = []

    def count(layer: nn.Module, given: tuple[torch.Tensor], made: torch.Tensor) -> None:
        # each weight is used once at each place of the smaller side
        small = given[0] if isinstance(layer, nn.ConvTranspose2d) else made
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        found.append(2 * weight.numel() * prod(small.shape[2:]))

    each = []
    with torch.device("meta"):  # shapes alone: nothing is computed
        model = InfoGAN.from_config(config, shape).eval()
        for network, inputs in ((model.G, (model.prior.width,)), (model.trunk, shape)):
            for layer in network.modules():
                if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                    layer.register_forward_hook(count)
            network(torch.zeros(1, *inputs))
            each.append(sum(found))
            found.clear()
    return each
