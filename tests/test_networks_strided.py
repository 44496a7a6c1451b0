"""Convolutions put together otherwise: the same as torch's, with both derivatives."""

import pytest
import torch
from as_torch import same_values_and_gradients
from torch import nn

from infogan.config import recipe
from infogan.model import InfoGAN
from infogan.networks import strided
from infogan.networks.strided import Doubling, Halving

bf16, f64 = torch.bfloat16, torch.float64
PLAIN = {Halving: nn.Conv2d, Doubling: nn.ConvTranspose2d}
GREY, MANY = [(Halving, (1, 5)), (Doubling, (5, 1))], [(Halving, (5, 6)), (Doubling, (6, 5))]
ENOUGH = [(Halving, (1, 64)), (Doubling, (64, 1))]  # one channel, and enough to train with


def twins(kind, channels, dtype):
    """Ours and torch's layer with the same weights."""
    torch.manual_seed(0)
    ours, theirs = (k(*channels, 4, 2, 1, dtype=dtype) for k in (kind, PLAIN[kind]))
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def inputs(n, channels, height, width, dtype, last=True):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, channels, height, width, dtype=dtype, generator=generator)
    layout = torch.channels_last if last else torch.contiguous_format
    return x.contiguous(memory_format=layout).requires_grad_()


def ours_made(y):
    return type(y.grad_fn).__name__ in ("_HalvingBackward", "_DoublingBackward")


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(("kind", "channels"), GREY)
def test_of_one_channel_values_and_gradients_are_torchs(kind, channels, last):
    ours, theirs = twins(kind, channels, f64)
    y, _ = same_values_and_gradients(ours, theirs, inputs(3, channels[0], 8, 12, f64, last))
    assert ours_made(y)


@pytest.fixture
def small(monkeypatch):
    """A layer of 200 weights has many channels."""
    monkeypatch.setattr(strided, "WEIGHTS", 200)


@pytest.fixture(autouse=True)
def without_tiles(monkeypatch):
    """What is tested here is what a processor without AMX does."""
    monkeypatch.setattr(strided.precision, "has_tiles", lambda: False)


def gradients(layer, x, g):
    """y, and its gradients in bfloat16 of x and all weights."""
    with torch.autocast("cpu", bf16):
        y = layer(x)
    return y, torch.autograd.grad(y, [x, *layer.parameters()], g)


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(("kind", "channels"), MANY + ENOUGH)
def test_in_bfloat16_values_and_gradients_are_as_near_the_truth(kind, channels, last, small):
    ours, theirs = twins(kind, channels, torch.float32)
    x = inputs(9, channels[0], 8, 12, torch.float32, last)
    g = torch.randn_like(theirs(x), dtype=bf16)
    y, found = gradients(ours, x, g)
    right, wanted = gradients(theirs, x, g)
    assert ours_made(y)
    assert y.dtype == bf16
    assert 1 in channels or torch.equal(y, right)
    W, b = (p.detach().to(bf16).to(f64).requires_grad_() for p in theirs.parameters())
    x64 = x.detach().to(bf16).to(f64).requires_grad_()
    exact = torch.func.functional_call(theirs.to(f64), {"weight": W, "bias": b}, (x64,))
    truth = torch.autograd.grad(exact, [x64, W, b], g.to(f64))
    for a, t, true in zip((y, *found), (right, *wanted), (exact, *truth), strict=True):
        assert (a - true).norm() <= 1.2 * (t - true).norm() + 2e-3 * true.norm()
    assert all(a.dtype == torch.float32 for a in found)


@pytest.mark.parametrize("last", [True, False])
def test_of_many_channels_in_float32_a_bias_added_apart_is_the_same(last, small, monkeypatch):
    ours, theirs = twins(*MANY[1], torch.float32)
    monkeypatch.setattr(strided, "_patches", None)  # products take longer there
    y, _ = same_values_and_gradients(ours, theirs, inputs(2, 6, 4, 4, torch.float32, last))
    assert ours_made(y)


@pytest.mark.parametrize(("kind", "channels"), GREY + ENOUGH)
def test_one_channel_in_bfloat16_out_of_autocast(kind, channels):
    """As `generate` asks, of any number of channels on the other side."""
    ours, theirs = twins(kind, channels, bf16)
    x = inputs(3, channels[0], 8, 12, bf16)
    y = ours(x)
    assert ours_made(y)
    assert y.dtype == bf16
    torch.testing.assert_close(y, theirs(x), rtol=2e-2, atol=2e-2)


def test_many_channels_are_left_to_torch_where_it_is_as_fast(small):
    assert not ours_made(twins(*MANY[0], torch.float32)[0](inputs(2, 5, 8, 8, torch.float32)))
    for kind, channels in MANY:  # out of autocast
        ours, _ = twins(kind, channels, bf16)
        assert not ours_made(ours(inputs(2, channels[0], 8, 8, bf16)))


@pytest.mark.parametrize(("kind", "channels"), ENOUGH)
def test_with_amx_one_channel_in_bfloat16_is_left_to_torch(kind, channels, monkeypatch):
    monkeypatch.setattr(strided.precision, "has_tiles", lambda: True)
    ours, _ = twins(kind, channels, bf16)
    assert not ours_made(ours(inputs(3, channels[0], 8, 12, bf16)))


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("C", [1, 3])
def test_first_and_second_derivatives_are_those_of_finite_differences(kind, C):
    f = {Halving: strided._Halving, Doubling: strided._Doubling}[kind].apply
    n_in, n_out = (C, 2) if kind is Halving else (2, C)
    _, layer = twins(kind, (n_in, n_out), f64)
    arguments = (inputs(2, n_in, 4, 6, f64), layer.weight, layer.bias)
    assert torch.autograd.gradcheck(f, arguments)
    assert torch.autograd.gradgradcheck(f, arguments)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Halving(3, 4, 4, 2, 1), (2, 3, 8, 8)),  # colour, and many channels
        (Halving(1, 4, 4, 2, 1), (2, 1, 7, 8)),  # an odd side
        (Halving(1, 4, 4, 1, 1), (2, 1, 8, 8)),
        (Doubling(4, 3, 4, 2, 1), (2, 4, 4, 4)),
        (Doubling(4, 1, 4, 2, 1, output_padding=(1, 0)), (2, 4, 4, 4)),
    ],
)
def test_all_else_in_float32_is_left_to_torch(layer, shape):
    assert not ours_made(layer(torch.randn(shape)))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Halving(1, 20, 4, 2, 1), (2, 1, 8, 8)),  # one channel, and few to train with
        (Halving(2, 3, 4, 2, 1), (2, 2, 8, 8)),  # few weights
        (Halving(4, 5, 4, 2, 1), (2, 4, 9, 8)),  # an odd side
        (Halving(4, 5, 4, 2, 1), (600, 4, 8, 8)),  # many patches
        (Halving(4, 5, 4, 1, 1), (2, 4, 8, 8)),
        (Halving(5, 9, 3, 2, 1), (2, 5, 8, 8)),
        (Doubling(2, 3, 4, 2, 1), (2, 2, 4, 4)),
        (Doubling(5, 4, 4, 2, 1, output_padding=1), (2, 5, 4, 4)),
        (Doubling(5, 4, 4, 2, 1), (600, 5, 4, 4)),
    ],
)
def test_all_else_in_bfloat16_is_left_to_torch(layer, shape, monkeypatch):
    monkeypatch.setattr(strided, "WEIGHTS", 200)
    monkeypatch.setattr(strided, "PATCHES", 600 * 16 * 64)
    with torch.autocast("cpu", bf16):
        y = layer(torch.randn(shape))
    assert y.dtype == bf16
    assert not ours_made(y)


def test_only_what_is_asked_for_is_computed(monkeypatch):
    layer, x = Halving(1, 4, 4, 2, 1), torch.randn(2, 1, 8, 8)
    monkeypatch.setattr(strided, "_doubled", None)  # no gradient of images that need none
    layer(x).sum().backward()
    monkeypatch.undo()
    layer = Halving(1, 4, 4, 2, 1).requires_grad_(False)
    monkeypatch.setattr(strided, "_of_weights", None)  # nor of frozen weights
    layer(x.requires_grad_()).sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(("name", "many"), [("mnist-paper", True), ("mnist", False)])
def test_the_papers_nets_have_enough_channels_and_mnists_have_not(name, many):
    model = InfoGAN.from_config(recipe(name), (1, 28, 28))
    kinds = [m for m in model.modules() if isinstance(m, (Halving, Doubling))]
    between = [m for m in kinds if m.weight.shape[1] > 1]
    assert (len(kinds), len(between)) == (4, 2)
    assert all((m.weight.numel() >= strided.WEIGHTS) == many for m in between)
