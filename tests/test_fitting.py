"""Settings for a user's own images: each fits, each is said, each can be said otherwise."""

from dataclasses import replace

import pytest
import torch

from infogan.config import leaves, recipe
from infogan.fitting import fitted, in_proportion, minutes
from infogan.model import InfoGAN
from infogan.prior import Prior
from infogan.state import State
from infogan.step import advance

IMAGES = recipe("images")
SETS = [
    (2, (1, 8, 8)),
    (60, (3, 16, 16)),
    (300, (1, 28, 28)),
    (1_797, (1, 8, 8)),
    (9_000, (3, 33, 33)),
    (60_000, (1, 28, 28)),
    (5_000, (3, 64, 64)),
    (1_000_000, (3, 128, 128)),
    (5_000, (1, 256, 256)),
]


@pytest.mark.parametrize(("count", "shape"), SETS)
def test_whatever_the_set_the_settings_fit_it_and_are_said(count, shape):
    config, why = fitted(IMAGES, count, shape)
    with torch.device("meta"):
        InfoGAN.from_config(config, shape)  # refused where the nets do not fit
    before, after = leaves(IMAGES), leaves(config)
    silent = {"net.kind", "net.fc"}  # with net.widths
    changed = {name for name in after if after[name] != before[name]}
    assert changed - silent <= set(why)
    assert set(why) <= set(after)
    assert 8 <= config.train.batch <= 128
    assert config.train.batch <= max(8, count // 2)
    assert " min on two processor cores" in minutes(config, count, shape)


def test_the_digits_get_what_the_mnist_recipe_has_in_nets_with_room_for_more():
    config, _ = fitted(IMAGES, 60_000, (1, 28, 28))
    mnist = recipe("mnist")
    assert (config.loss, config.train) == (mnist.loss, mnist.train)
    wider = replace(mnist.net, widths=(32, 64), fc=384)
    assert config.net == wider
    assert all(a >= b for a, b in zip(wider.widths, mnist.net.widths, strict=True))


def test_few_images_make_few_kinds_no_neighbours_and_a_D_that_sees_them_changed():
    few, why = fitted(IMAGES, 60, (1, 28, 28))
    assert Prior.parse(few.codes).categorical[0].k == 3
    assert few.augment.neighbours_until == 0
    assert few.loss.alike == few.loss.votes == few.train.scout_updates == 0
    assert few.loss.diffaugment == 1
    assert few.train.batch == 16
    assert "loss.diffaugment" in why
    assert fitted(IMAGES, 300, (1, 28, 28))[0].augment.neighbours_until == 600
    many, why = fitted(IMAGES, 60_000, (1, 28, 28))
    assert many.loss.diffaugment == 0
    assert "loss.diffaugment" not in why
    assert many.augment.neighbours_until == 600


def test_of_a_stream_nobody_votes():
    config, why = fitted(IMAGES, 9_000, (1, 28, 28), stream=True)
    assert config.loss.votes == config.train.scout_updates == 0
    assert "stream" in why["loss.votes"]


def test_what_happens_at_some_update_follows_how_many_there_are():
    usual, _ = fitted(IMAGES, 9_000, (1, 28, 28))
    short, _ = fitted(IMAGES, 9_000, (1, 28, 28), updates=300)
    assert usual.loss.lam_starts == (0, 300)
    assert short.loss.lam_starts == (0, 30)
    for group, name in [
        ("loss", "lam_ramp"),
        ("loss", "lam_rest_from"),
        ("loss", "alike_until"),
        ("loss", "votes_from"),
        ("loss", "votes_alone_from"),
        ("train", "scout_followed"),
        ("augment", "neighbours_until"),
    ]:
        a, b = (getattr(getattr(config, group), name) for config in (usual, short))
        assert a == 10 * b > 0
    assert (usual.train.scout_updates, short.train.scout_updates) == (400, 150)


def test_a_recipe_of_any_name_can_be_run_short():
    config = recipe("mnist")
    assert in_proportion(config, config.train.updates) == config
    short = in_proportion(config, 1_500)
    assert short.loss.votes_alone_from == config.loss.votes_alone_from / 2
    assert short.train.scout_updates == config.train.scout_updates


def test_minutes_are_with_one_scout_and_with_all():
    config, _ = fitted(IMAGES, 60_000, (1, 28, 28))
    assert minutes(config, 60_000, (1, 28, 28)).endswith(" without")
    least, to, most = minutes(config, 60_000, (1, 28, 28)).split(", ")[1].split()[:3]
    assert to == "to"
    assert 4 < int(least) < int(most) < 2 * int(least)
    one = replace(config, train=replace(config.train, restarts=1))
    assert f", {least} without" in minutes(one, 60_000, (1, 28, 28))
    few = replace(config, loss=replace(config.loss, votes_alone_from=0))  # the game to the end
    longer = minutes(few, 60_000, (1, 28, 28)).split(", ")[1].split()[0]
    assert int(longer) > 1.5 * int(least)


def test_two_images_can_be_trained_on():
    images = torch.randint(0, 256, (2, 3, 12, 12), dtype=torch.uint8)
    config, _ = fitted(IMAGES, 2, (3, 12, 12))
    state = State.start(config, (3, 12, 12), torch.device("cpu"))
    for _ in range(2):
        terms = advance(state, images, config, torch.float32)
    assert all(term.isfinite() for term in terms.values())


def test_colours_are_not_kinds_and_G_has_longer_to_learn_them():
    grey, _ = fitted(IMAGES, 9_000, (1, 32, 32))
    colour, why = fitted(IMAGES, 9_000, (3, 32, 32))
    assert grey.augment.colour == 0
    assert colour.augment.patterns
    assert not grey.augment.patterns
    assert (grey.net.up, colour.net.up) == ("transposed", "nearest")
    assert (colour.loss.votes_alone_from, colour.train.updates) == (2_000, 4_000)
    assert colour.loss.votes_from == grey.loss.votes_from
    assert {"augment.colour", "net.up", "loss.votes_alone_from", "train.updates"} <= set(why)
    short, _ = fitted(IMAGES, 9_000, (3, 32, 32), updates=400)
    assert short.loss.votes_alone_from == 200
    few, why = fitted(IMAGES, 60, (3, 32, 32))
    assert few.augment.colour == colour.augment.colour
    assert few.loss.votes_alone_from == 0
    assert "train.updates" not in why
    assert not fitted(IMAGES, 9_000, (2, 32, 32))[0].augment.patterns
