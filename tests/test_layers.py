"""The fast layers equal the plain ones, values and gradients, in float64."""

import copy

import pytest
import torch
from torch import nn

from infogan.config import NetConfig
from infogan.networks import ARCHITECTURES
from infogan.networks.layers import Flat, Square, apart, folded


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
