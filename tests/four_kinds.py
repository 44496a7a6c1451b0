"""Images of four kinds, and what goes out before a run on them."""

import io

import torch

from infogan.prior import Prior
from infogan.progress import Progress
from infogan.run import Run
from infogan.scouting import scouted
from infogan.state import State
from infogan.training import train

CPU = torch.device("cpu")
SCOUTS = """
train: {restarts: 2, scout_updates: 3, scout_followed: 2, updates: 4}
loss: {votes: 5, votes_from: 3}
augment: {neighbours_until: 2}
"""  # two of three updates at most, before a run of four; none of them finds kinds that stand
KINDS = """
codes: z4 + kind:cat4 + 2u@0.1
net: {widths: [16], fc: 64}
loss: {pairs: 8, pairs_m: 3, votes: 10, votes_from: 100}
augment: {neighbours_until: 1000, shift: 0.0}
train: {batch: 32, restarts: 3, scout_updates: 80, scout_followed: 20, precision: float32}
"""


def four_kinds(n=240):
    """8×8 images of four kinds, two to a shape: a bar or a ring, each bright above or below."""
    generator = torch.Generator().manual_seed(0)
    x = 40 * torch.rand(n, 1, 8, 8, generator=generator)
    labels = torch.arange(n) % 4
    for i, kind in enumerate(labels.tolist()):
        top = 0 if kind % 2 else 4
        if kind < 2:
            x[i, 0, top + 1 : top + 3, 1:7] += 200
        else:
            x[i, 0, top : top + 4, 2] += 200
            x[i, 0, top : top + 4, 5] += 200
    return x.clamp(0, 255).to(torch.uint8), labels


def sent(config, images, path):
    """The first state after scouts, and one that none were sent for."""
    first, same = (State.start(config, tuple(images.shape[1:]), CPU) for _ in range(2))
    run = Run.create(path, config, "test")
    progress = Progress(first.model.prior, io.StringIO())
    scouted(first, images, config, torch.float32, run, progress, lambda: False)
    return first, same, run


def go(config, images, path):
    """A run, begun or gone on with, its model, and what it said."""
    run = Run.open(path) if Run.exists(path) else Run.create(path, config, "test")
    said = io.StringIO()
    return run, train(config, images, run, Progress(Prior.parse(config.codes), said)), said
