"""Gradients of many channels' weights as one product: torch's, with both derivatives."""

import pytest
import torch
from torch import nn

from infogan.config import recipe
from infogan.model import InfoGAN
from infogan.networks import strided
from infogan.networks.strided import Doubling, Halving, _Doubling, _Halving

bf16, f64 = torch.bfloat16, torch.float64
KINDS = [(Halving, nn.Conv2d, (5, 6)), (Doubling, nn.ConvTranspose2d, (6, 5))]


@pytest.fixture
def small(monkeypatch):
    """A layer of 200 weights has many channels."""
    monkeypatch.setattr(strided, "WEIGHTS", 200)


def twins(kind, plain, channels):
    torch.manual_seed(0)
    ours, theirs = kind(*channels, 4, 2, 1), plain(*channels, 4, 2, 1)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def gradients(layer, x, g):
    """y's gradients in bfloat16, of x and all weights, and y."""
    with torch.autocast("cpu", bf16):
        y = layer(x)
    return y, torch.autograd.grad(y, [x, *layer.parameters()], g)


@pytest.mark.parametrize(("kind", "plain", "channels"), KINDS)
@pytest.mark.parametrize("last", [True, False])
def test_values_are_torchs_and_gradients_as_near_the_truth(kind, plain, channels, last, small):
    ours, theirs = twins(kind, plain, channels)
    layout = torch.channels_last if last else torch.contiguous_format
    x = torch.randn(9, channels[0], 8, 12).to(memory_format=layout).requires_grad_()
    g = torch.randn_like(theirs(x), dtype=bf16)
    y, found = gradients(ours, x, g)
    right, wanted = gradients(theirs, x, g)
    assert type(y.grad_fn).__name__ == f"_{kind.__name__}Backward"
    assert torch.equal(y, right)
    W, b = (p.detach().to(bf16).to(f64).requires_grad_() for p in theirs.parameters())
    x64 = x.detach().to(bf16).to(f64).requires_grad_()
    exact = torch.func.functional_call(theirs.to(f64), {"weight": W, "bias": b}, (x64,))
    truth = torch.autograd.grad(exact, [x64, W, b], g.to(f64))
    for a, t, true in zip(found, wanted, truth, strict=True):
        assert a.dtype == torch.float32
        assert (a - true).norm() <= 1.2 * (t - true).norm() + 1e-3 * true.norm()


@pytest.mark.parametrize(("f", "shape"), [(_Halving, (2, 3, 4, 6)), (_Doubling, (2, 2, 2, 3))])
def test_first_and_second_derivatives_are_those_of_finite_differences(f, shape):
    generator = torch.Generator().manual_seed(1)
    out = 2 if f is _Halving else 3
    arguments = [
        torch.randn(*size, dtype=f64, generator=generator, requires_grad=True)
        for size in (shape, (2, 3, 4, 4), (out,))
    ]
    assert torch.autograd.gradcheck(f.apply, arguments)
    assert torch.autograd.gradgradcheck(f.apply, arguments)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Halving(2, 3, 4, 2, 1), torch.randn(2, 2, 8, 8)),  # few weights
        (Halving(4, 5, 4, 2, 1), torch.randn(2, 4, 9, 8)),  # an odd side
        (Halving(4, 5, 4, 2, 1), torch.randn(600, 4, 8, 8)),  # many patches
        (Halving(4, 5, 4, 1, 1), torch.randn(2, 4, 8, 8)),
        (Halving(5, 9, 3, 2, 1), torch.randn(2, 5, 8, 8)),
        (Doubling(2, 3, 4, 2, 1), torch.randn(2, 2, 4, 4)),
        (Doubling(5, 4, 4, 2, 1, output_padding=1), torch.randn(2, 5, 4, 4)),
        (Doubling(5, 4, 4, 2, 1), torch.randn(600, 5, 4, 4)),
    ],
)
def test_all_else_is_left_to_torch(layer, x, small, monkeypatch):
    monkeypatch.setattr(strided, "PATCHES", 600 * 16 * 64)
    with torch.autocast("cpu", bf16):
        y = layer(x)
    assert y.dtype == bf16
    assert "Convolution" in type(y.grad_fn).__name__


def test_float32_is_left_to_torch(small):
    y = Halving(4, 5, 4, 2, 1)(torch.randn(2, 4, 8, 8))
    assert "Convolution" in type(y.grad_fn).__name__


def test_frozen_weights_have_no_product(small, monkeypatch):
    monkeypatch.setattr(strided, "of_weights", None)
    layer = Halving(4, 5, 4, 2, 1).requires_grad_(False)
    x = torch.randn(2, 4, 8, 8, requires_grad=True)
    with torch.autocast("cpu", bf16):
        y = layer(x)
    y.sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(("name", "many"), [("mnist-paper", True), ("mnist", False)])
def test_the_papers_nets_have_enough_channels_and_mnists_have_not(name, many):
    model = InfoGAN.from_config(recipe(name), (1, 28, 28))
    kinds = [m for m in model.modules() if isinstance(m, (Halving, Doubling))]
    assert len(kinds) == 2
    assert all((m.weight.numel() >= strided.WEIGHTS) == many for m in kinds)
