"""Convolutions from and to one channel as products: the same as torch's, with both derivatives."""

import pytest
import torch
from as_torch import same_values_and_gradients
from torch import nn

from infogan.networks import grey
from infogan.networks.grey import FromGrey, ToGrey

f64 = torch.float64


def twins(kind, plain, *args, **settings):
    """Ours and torch's layer with the same weights."""
    torch.manual_seed(0)
    ours = kind(*args, 4, stride=2, padding=1, dtype=f64, **settings)
    theirs = plain(*args, 4, stride=2, padding=1, dtype=f64, **settings)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def inputs(channels, height, width, last):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, channels, height, width, dtype=f64, generator=generator)
    layout = torch.channels_last if last else torch.contiguous_format
    return x.contiguous(memory_format=layout).requires_grad_()


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(
    ("kind", "plain", "channels"),
    [(FromGrey, nn.Conv2d, (1, 5)), (ToGrey, nn.ConvTranspose2d, (5, 1))],
)
def test_values_and_gradients_are_torchs(kind, plain, channels, last, monkeypatch):
    ours, theirs = twins(kind, plain, *channels)
    x = inputs(channels[0], 8, 12, last)
    y, _ = same_values_and_gradients(ours, theirs, x)
    assert type(y.grad_fn).__name__ == f"_{kind.__name__}Backward"


@pytest.mark.parametrize(("kind", "channels"), [(FromGrey, (1, 3)), (ToGrey, (3, 1))])
def test_first_and_second_derivatives_are_those_of_finite_differences(kind, channels):
    layer, _ = twins(kind, {FromGrey: nn.Conv2d, ToGrey: nn.ConvTranspose2d}[kind], *channels)
    x = inputs(channels[0], 4, 6, True)

    def f(x, W, b):
        return torch.func.functional_call(layer, {"weight": W, "bias": b}, (x,))

    arguments = (x, layer.weight, layer.bias)
    assert torch.autograd.gradcheck(f, arguments)
    assert torch.autograd.gradgradcheck(f, arguments)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: FromGrey(3, 4, 4, stride=2, padding=1), (2, 3, 8, 8)),  # colour
        (lambda: FromGrey(1, 4, 4, stride=2, padding=1), (2, 1, 7, 8)),  # an odd side
        (lambda: FromGrey(1, 4, 4, stride=1, padding=1), (2, 1, 8, 8)),
        (lambda: ToGrey(4, 3, 4, stride=2, padding=1), (2, 4, 4, 4)),
        (lambda: ToGrey(4, 1, 4, stride=2, padding=1, output_padding=(1, 0)), (2, 4, 4, 4)),
    ],
)
def test_all_else_is_left_to_torch(make, shape, monkeypatch):
    layer, x = make(), torch.randn(shape)
    monkeypatch.setattr(grey, "of_weights", None)
    monkeypatch.setattr(grey, "_image", None)
    layer(x).sum().backward()
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16


def test_only_what_is_asked_for_is_computed(monkeypatch):
    layer, x = FromGrey(1, 4, 4, stride=2, padding=1), torch.randn(2, 1, 8, 8)
    monkeypatch.setattr(grey, "_image", None)  # no gradient of images that need none
    layer(x).sum().backward()
    layer = FromGrey(1, 4, 4, stride=2, padding=1).requires_grad_(False)
    monkeypatch.undo()
    monkeypatch.setattr(grey, "of_weights", None)  # nor of frozen weights
    layer(x.requires_grad_()).sum().backward()
    assert x.grad is not None
