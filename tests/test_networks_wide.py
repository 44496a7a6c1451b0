"""Wide products piece by piece: the same as torch's, with both derivatives."""

import pytest
import torch
from as_torch import same_values_and_gradients
from torch import nn

from infogan.networks import wide
from infogan.networks.wide import Wide, _Linear


@pytest.fixture
def small(monkeypatch):
    """The processor has AVX2 only, and a layer of 200 weights is large."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    monkeypatch.setattr(wide, "WEIGHTS", 200)
    monkeypatch.setattr(wide, "PIECE", 16)


@pytest.mark.parametrize(("d", "m"), [(7, 50), (50, 7)])
def test_values_and_gradients_are_torchs(d, m, small):
    torch.manual_seed(0)
    ours, theirs = Wide(d, m), nn.Linear(d, m)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(5, d, requires_grad=True)
    y, gradients = same_values_and_gradients(ours, theirs, x)
    assert type(y.grad_fn).__name__ == "_LinearBackward"
    assert all(gradient.is_contiguous() for gradient in gradients)


@pytest.mark.parametrize(("d", "m"), [(3, 9), (9, 3)])
def test_first_and_second_derivatives_are_those_of_finite_differences(d, m, small, monkeypatch):
    monkeypatch.setattr(wide, "PIECE", 4)
    generator = torch.Generator().manual_seed(1)
    arguments = [
        torch.randn(*shape, dtype=torch.float64, generator=generator, requires_grad=True)
        for shape in ((2, d), (m, d), (m,))
    ]
    assert torch.autograd.gradcheck(_Linear.apply, arguments)
    assert torch.autograd.gradgradcheck(_Linear.apply, arguments)


def test_a_wide_result_is_made_in_pieces(small, monkeypatch):
    sizes = []
    addmm = torch.addmm

    def noted(b, x, W, out):
        sizes.append(W.shape[1])
        return addmm(b, x, W, out=out)

    monkeypatch.setattr(torch, "addmm", noted)
    Wide(7, 50)(torch.randn(5, 7))
    assert sizes == [16, 16, 16, 2]


@pytest.mark.parametrize(
    ("layer", "x", "capability"),
    [
        (Wide(7, 20), torch.randn(5, 7), "AVX2"),  # few weights
        (Wide(7, 50), torch.randn(2, 5, 7), "AVX2"),
        (Wide(7, 50, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64), "AVX2"),
        (Wide(7, 50), torch.randn(5, 7), "AVX512"),
    ],
)
def test_all_else_is_left_to_torch(layer, x, capability, small, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert type(layer(x).grad_fn).__name__ != "_LinearBackward"


def test_bfloat16_is_left_to_torch(small):
    with torch.autocast("cpu", torch.bfloat16):
        y = Wide(7, 50)(torch.randn(5, 7))
    assert y.dtype == torch.bfloat16
