"""The fast layers equal the plain ones, values and gradients, in float64."""

import copy

import pytest
import torch
from torch import nn

from infogan.config import NetConfig
from infogan.networks import ARCHITECTURES
from infogan.networks.layers import Flat, Square, Waves, apart, folded


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def gradients(loss, *tensors):
    return torch.autograd.grad(loss.square().sum(), tensors)


def test_flat_and_square_are_inverse_and_copy_nothing():
    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    flat = Flat()(x)
    assert flat.shape == (2, 60)
    assert flat.data_ptr() == x.data_ptr()
    back = Square((3, 4, 5))(flat)
    assert torch.equal(back, x)
    assert back.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_apart_is_one_pass_for_each(kind):
    """Outputs, gradients, and the statistics that batch norm keeps; batches of unequal size."""
    trunk = ARCHITECTURES[kind](NetConfig(kind=kind, fc=8, widths=(4, 6)), 5, (1, 8, 8)).trunk
    each = copy.deepcopy(trunk)
    batches = [torch.rand(n, 1, 8, 8) ** k for k, n in enumerate((3, 5, 4), start=1)]
    outputs, plain = apart(trunk, batches), tuple(each(x) for x in batches)
    torch.testing.assert_close(outputs, plain)
    torch.testing.assert_close(
        gradients(torch.cat(outputs), *trunk.parameters()),
        gradients(torch.cat(plain), *each.parameters()),
    )
    torch.testing.assert_close(trunk.state_dict(), each.state_dict())


def test_apart_of_another_module_is_a_call_for_each():
    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

    assert [len(h) for h in apart(Double(), [torch.ones(2, 1), torch.ones(3, 1)])] == [2, 3]


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_folded_is_the_same_function_without_batch_norm(kind):
    net = NetConfig(kind=kind, fc=8, widths=(4, 6))
    networks = ARCHITECTURES[kind](net, 5, (1, 8, 8))
    for network, x in (
        (networks.trunk, torch.rand(7, 1, 8, 8)),
        (networks.generator, torch.rand(7, 5)),
    ):
        for _ in range(3):
            network(x)  # statistics that are not 0 and 1
        was = copy.deepcopy(network.state_dict())
        for layer in network:
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                nn.init.uniform_(layer.weight, 0.5, 2)
                nn.init.uniform_(layer.bias)
        fast = folded(network)
        # those before an activation, as residual blocks have them, have no layer to go into
        left = [isinstance(m, nn.modules.batchnorm._BatchNorm) for m in fast.modules()]
        assert kind == "resnet" or not any(left)
        assert network.training
        network.eval()
        torch.testing.assert_close(fast(x), network(x))
        assert was.keys() == network.state_dict().keys()


def test_waves_are_cosines_and_sines_of_fixed_directions():
    waves = Waves(3, 5, 2.0).double()
    x = torch.randn(4, 3, dtype=torch.float64)
    Bx = x @ waves.B.T
    torch.testing.assert_close(waves(x), torch.cat([x, Bx.cos(), Bx.sin()], 1))
    assert not list(waves.parameters())
    assert "B" in waves.state_dict()  # a saved model has the same waves
    with torch.autocast("cpu", torch.bfloat16):
        assert waves.float()(x.float()).dtype == torch.float32
    many = Waves(10, 1000, 2.0).B
    assert many.std().item() == pytest.approx(2, abs=0.06)  # 4 standard errors


def test_waves_can_be_differentiated_twice_as_R1_needs():
    waves = Waves(2, 3, 1.5).double()
    x = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(waves, (x,))
    assert torch.autograd.gradgradcheck(waves, (x,))
