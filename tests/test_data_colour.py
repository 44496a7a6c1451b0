"""Light and colour changed: closed forms, right gradients, the stated ranges, unbiased."""

import math

import pytest
import torch

from infogan.config import AugmentConfig
from infogan.data import augment
from infogan.data.colour import in_other_light, pattern, recoloured

f64 = {"dtype": torch.float64}
NONE = AugmentConfig(rotation=0, shear=0, scale=0, shift=0)


def g(seed=0):
    return torch.Generator().manual_seed(seed)


def one(value):
    return torch.full((1, 1, 1, 1), value, **f64)


def seen(x, **change):
    """x of one image, with what is not said as it is."""
    usual = {"brightness": 0.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
    return recoloured(x, **{name: one(value) for name, value in (usual | change).items()})


def test_by_hand():
    x = torch.rand(1, 3, 4, 5, generator=g(), **f64)
    assert torch.allclose(seen(x), x)
    assert torch.allclose(seen(x, brightness=0.2), x + 0.2)
    assert torch.allclose(seen(x, contrast=0.5), (x + x.mean()) / 2)
    assert torch.allclose(seen(x, saturation=0.0), x.mean(1, keepdim=True).expand_as(x))
    # a third of a turn: red becomes green, green blue, blue red
    assert torch.allclose(seen(x, hue=2 * math.pi / 3), x.roll(1, 1))
    assert torch.allclose(seen(x, hue=-2 * math.pi / 3), x.roll(-1, 1))


def test_a_turn_of_hue_keeps_grey_and_the_distance_to_it_and_turns_add():
    x = torch.rand(1, 3, 6, 6, generator=g(), **f64)
    turned = seen(x, hue=0.7)
    assert torch.allclose(turned.mean(1), x.mean(1))
    apart = [(y - y.mean(1, keepdim=True)).square().sum(1) for y in (x, turned)]
    assert torch.allclose(*apart)
    assert torch.allclose(seen(turned, hue=0.5), seen(x, hue=1.2))


@pytest.mark.parametrize("channels", [1, 3])
def test_its_gradient_is_right(channels):
    x = torch.rand(2, channels, 3, 4, generator=g(), requires_grad=True, **f64)
    b, k, s, hue = (torch.rand(2, 1, 1, 1, generator=g(i), **f64) for i in range(1, 5))
    colours = (s, hue) if channels == 3 else (None, None)
    assert torch.autograd.gradcheck(lambda x: recoloured(x, b, k, *colours), (x,))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_each_image_has_its_own_light_within_range(channels):
    x = torch.rand(6, channels, 8, 8, generator=g())
    a = in_other_light(x, 0.5, g(1))
    assert a.shape == x.shape
    assert 0 <= a.min() <= a.max() <= 1
    assert torch.equal(a, in_other_light(x, 0.5, g(1)))
    assert not torch.equal(a, in_other_light(x, 0.5, g(2)))
    same = x[:1].expand(6, -1, -1, -1)
    assert len({image.sum().item() for image in in_other_light(same, 0.5, g(1))}) == 6


def hue(rgb):
    """(n, 3) → radians about the grey axis."""
    r, g_, b = rgb.unbind(1)
    return torch.atan2(math.sqrt(3) * (g_ - b), 2 * r - g_ - b)


def test_the_light_has_the_stated_ranges_and_is_unbiased():
    """Half the strength: b ±⅛, k ¾ … 1¼, s ½ … 1½, φ ±π/2, each even over its range."""
    n = 4_000
    flat = in_other_light(torch.full((n, 1, 1, 1), 0.5), 0.5, g())  # contrast has no say
    b = flat.flatten() - 0.5
    assert b.abs().max() <= 0.125
    assert b.abs().max() > 0.124
    assert abs(b.mean()) < 5 * b.std() / n**0.5
    step = torch.tensor([0.45, 0.55]).view(1, 1, 1, 2).expand(n, 1, 1, 2)
    k = in_other_light(step, 0.5, g()).diff(dim=3).flatten() / 0.1
    assert 0.75 <= k.min() < 0.76
    assert 1.24 < k.max() <= 1.2501
    colour = torch.tensor([0.6, 0.45, 0.45]).view(1, 3, 1, 1).expand(n, 3, 1, 1)
    seen = in_other_light(colour, 0.5, g())[:, :, 0, 0]
    turned = hue(seen)
    assert turned.abs().max() <= math.pi / 2 + 1e-3
    assert turned.abs().max() > math.pi / 2 - 0.01
    away = (seen - seen.mean(1, keepdim=True)).norm(dim=1)
    k = away / (colour[0, :, 0, 0] - 0.5).norm()  # s times the contrast
    assert 0.375 <= k.min() < 0.41
    assert 1.79 < k.max() <= 1.876


def test_only_colour_images_have_hue_and_each_channel_of_others_keeps_its_ranks():
    for channels in (1, 2, 4):
        x = 0.4 + 0.2 * torch.rand(20, channels, 3, 3, generator=g())
        seen = in_other_light(x, 0.5, g(1)).flatten(1)
        assert torch.equal(seen.argsort(1), x.flatten(1).argsort(1))


def test_a_pattern_knows_no_light_and_no_hue():
    x = 0.3 + 0.4 * torch.rand(5, 3, 6, 6, generator=g(), **f64)
    seen = pattern(x)
    assert seen.shape == (5, 1, 6, 6)
    assert torch.allclose(seen.mean((1, 2, 3)), torch.zeros(5, **f64))
    assert torch.allclose(seen.square().mean((1, 2, 3)), torch.ones(5, **f64))
    b, k, s, turn = (torch.rand(5, 1, 1, 1, generator=g(i), **f64) for i in range(1, 5))
    assert torch.allclose(pattern(recoloured(x, b, 0.1 + k, s, turn)), seen)
    assert pattern(torch.full((1, 3, 4, 4), 0.7)).abs().max() < 1e-3  # even: nothing, but rounding


def test_copies_are_in_another_light_where_the_settings_say_so():
    x = torch.rand(4, 3, 8, 8, generator=g())
    light = AugmentConfig(rotation=0, shear=0, scale=0, shift=0, colour=1)
    generator, same = g(3), g(3)
    plain = augment(x, NONE, generator)
    seen = augment(x, light, same)
    assert not torch.allclose(seen, plain, atol=0.05)
    # without it nothing more is drawn: runs of before go on as they were
    assert not torch.equal(generator.get_state(), same.get_state())
