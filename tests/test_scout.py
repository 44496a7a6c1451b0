"""A scout finds small categories on real images and joins them to kinds."""

import math
from dataclasses import replace

import pytest
import torch
from four_kinds import CPU, KINDS, SCOUTS, four_kinds

from infogan import lessons
from infogan import scout as scouts
from infogan.config import Config, from_yaml
from infogan.data import to_float
from infogan.networks.layers import apart
from infogan.scout import Scout
from infogan.state import State


@pytest.fixture
def config(tiny):
    return from_yaml(SCOUTS, "test", tiny)


def test_learned_frequencies_that_are_even_are_joined_as_if_known(monkeypatch):
    """By the run's m, 3, where the kinds are equally frequent, by 0.9 where they are not."""
    even, labels = four_kinds(720)
    uneven = torch.cat([(labels == k).nonzero()[: 36 * n, 0] for k, n in enumerate((1, 2, 4, 5))])
    learned = "codes: 'z4 + kind:cat4(learned) + 2u@0.1'"
    config = from_yaml(learned, "it", from_yaml(KINDS, "test", Config()))
    used, real = [], scouts.margins

    def watched(P, groups, K, m, pi):
        used.append(m)
        return real(P, groups, K, m, pi)

    monkeypatch.setattr(scouts, "margins", watched)
    for images in (even, even[uneven]):
        scout = Scout(config, State.start(config, (1, 8, 8), CPU), images, torch.float32)
        [*scout.explore()]
        scout.join()
    assert used == [3, scouts.M_FREE]


def test_kinds_are_joined_by_copies_that_are_warped_twice_as_much(config, digits, monkeypatch):
    config = from_yaml("augment: {warp: 0.1, warp_from: 1000}", "test", config)
    scout = Scout(config, State.start(config, (1, 28, 28), CPU), digits, torch.float32)
    warps, real = [], scouts.augment

    def watched(x, settings, generator):
        warps.append(settings.warp)
        return real(x, settings, generator)

    monkeypatch.setattr(scouts, "augment", watched)
    [*scout.explore()]
    assert set(warps) == {0.0}
    warps.clear()
    scout.join()
    assert set(warps) == {0.0, 0.2}


@pytest.mark.parametrize(("parts", "M"), [(1, 10), (3, 30), (20, 100)])
def test_a_scout_looks_for_as_many_small_categories_as_said(config, digits, parts, M):
    config = replace(config, train=replace(config.train, scout_parts=parts))
    scout = Scout(config, State.start(config, (1, 28, 28), CPU), digits, torch.float32)
    assert scout.M == M
    kinds = scout.join()
    assert sorted(set(kinds.groups.tolist())) == list(range(10))
    voted, told, _ = lessons.categories(scout, kinds, torch.arange(20))
    assert voted.shape == (20,)
    if parts == 1:  # each is a kind, and none is in doubt
        assert kinds.told.all()
        assert told.all()


def test_few_images_make_small_batches(config):
    images = torch.randint(0, 256, (9, 1, 28, 28), dtype=torch.uint8)
    first = State.start(config, (1, 28, 28), CPU)
    scout = Scout(config, first, images, torch.float32)
    assert all(map(math.isfinite, scout.explore()))
    assert lessons.categories(scout, scout.join(), torch.arange(9))[0].shape == (9,)


def test_where_light_is_not_to_count_a_scout_reads_patterns_alone(config, digits):
    """A digit and the same one in another light are one to it, and it learns and joins as ever."""
    coloured = digits[:64].expand(-1, 3, -1, -1).clone()
    in_red = coloured // torch.tensor([1, 2, 4]).view(3, 1, 1)
    for colour, same in ((0.0, False), (0.5, True)):
        light = replace(config, augment=replace(config.augment, colour=colour))
        first = State.start(light, (3, 28, 28), CPU)
        scout = Scout(light, first, coloured, torch.float32)
        with torch.no_grad():
            a, b = apart(scout.state.model.trunk, [to_float(coloured), to_float(in_red)])
        assert ((a - b).abs().max() < 0.1) == same  # bytes are rounded
        assert all(map(math.isfinite, scout.explore()))
        kinds = scout.join()
        assert lessons.categories(scout, kinds, torch.arange(64))[0].shape == (64,)
        read = lessons.components(scout, kinds, torch.arange(64))
        assert {name: u.shape for name, u in read.items()} == {"u1": (64, 1), "u2": (64, 1)}
        assert first.model.trunk is not scout.state.model.trunk
        assert len(scout.state.model.trunk) == len(first.model.trunk) + same


@pytest.mark.parametrize("norm", ["none", "layer", "spectral"])
def test_a_scout_has_batch_norm_whatever_the_run_has(config, digits, norm):
    config = replace(config, net=replace(config.net, norm=norm))
    first = State.start(config, (1, 28, 28), CPU)
    scout = Scout(config, first, digits, torch.float32)
    usual = replace(config, net=replace(config.net, norm="batch"))
    layers = State.start(usual, (1, 28, 28), CPU).model.trunk.state_dict().keys()
    assert scout.state.model.trunk.state_dict().keys() == layers
    assert first.model.trunk.state_dict().keys() != layers
    assert all(map(math.isfinite, scout.explore()))
