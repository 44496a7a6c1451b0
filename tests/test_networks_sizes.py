"""Every architecture at every size, with every norm; spectral norm against singular values."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.model import InfoGAN
from infogan.networks import ARCHITECTURES
from infogan.networks.layers import apart, folded
from infogan.networks.resnet import Down
from infogan.networks.spectral import spectral

# tiny widths, as many as each size has by itself
DEPTHS = {8: 1, 28: 2, 30: 2, 32: 3, 64: 4, 100: 4, 256: 6}


@pytest.mark.parametrize("size", sorted(DEPTHS))
@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_any_size_and_channels(kind, size):
    for channels, norm in ((1, "spectral"), (3, "none"), (3, "layer"), (3, "batch")):
        shape = (channels, size, size)
        net = NetConfig(kind=kind, widths=(5,) * DEPTHS[size], fc=6, q_hidden=4, norm=norm)
        model = InfoGAN("z5 + cat3 + u", shape, net)
        latent = model.prior.embed(*model.prior.sample(3, torch.Generator().manual_seed(0)))
        x = model.G(latent)
        assert x.shape == (3, *shape)
        h = model.trunk(x)
        outputs = torch.cat([model.D(h), model.Q(h)], 1)
        # a sum of all would be the same whatever the layer before a batch norm said
        outputs.square().sum().backward()
        for name, p in model.named_parameters():
            assert p.grad is not None, name
            assert p.grad.isfinite().all(), name
            # a bias right before a batch norm moves nothing, by its nature
            assert p.dim() == 1 or p.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", ["dcgan", "resnet"])
@pytest.mark.parametrize("size", sorted(DEPTHS))
def test_depth_comes_from_the_size(kind, size):
    with torch.device("meta"):
        nets = ARCHITECTURES[kind](NetConfig(kind=kind, fc=8), 3, (1, size, size))
    halvings = [m for m in nets.trunk if isinstance(m, nn.Conv2d | Down)]
    assert len(halvings) == DEPTHS[size]
    assert 4 <= size // 2 ** len(halvings) <= 7


def test_resnet_refuses_an_image_that_it_would_halve_to_nothing():
    with pytest.raises(InfoganError, match="at least 16 pixels, got 8×8"):
        ARCHITECTURES["resnet"](NetConfig(widths=(4,) * 4), 5, (1, 8, 8))


def test_resnet_halves_and_doubles_as_plain_layers_do():
    """A block's short way does its 1×1 convolution where there are fewer pixels: the same."""
    torch.manual_seed(0)
    nets = ARCHITECTURES["resnet"](NetConfig(widths=(4,), fc=0, norm="none"), 5, (3, 10, 10))
    down, up = nets.trunk[0].double(), nets.generator[2].double()
    for conv in (down.conv2, up.conv2):
        nn.init.zeros_(conv.weight)
        nn.init.zeros_(conv.bias)
    x = torch.randn(2, 3, 10, 10).double()
    torch.testing.assert_close(down(x), nn.functional.avg_pool2d(down.short(x), 2))
    h = torch.randn(2, 4, 5, 5).double()
    twice = h.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(up(h), up.short(twice))


def pair(layer):
    """The same layer under our spectral norm and under torch's."""
    ours, theirs = spectral(copy.deepcopy(layer)), spectral_norm(copy.deepcopy(layer))
    a, b = ours.parametrizations.weight[0], theirs.parametrizations.weight[0]
    b._u.copy_(a.u)
    b._v.copy_(a.v)
    return ours, theirs


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 5, 4, 2), nn.Linear(7, 4), nn.Linear(9, 1)])
def test_spectral_norm_is_torchs(layer):
    ours, theirs = pair(layer.double())
    g = torch.Generator().manual_seed(0)
    x = torch.randn(4, *((3, 8, 8) if isinstance(layer, nn.Conv2d) else (layer.in_features,)))
    for _ in range(3):
        a, b = ours(x.double()), theirs(x.double())
        torch.testing.assert_close(a, b)
        w = torch.randn(a.shape, generator=g).double()
        torch.testing.assert_close(
            torch.autograd.grad((w * a).sum(), ours.parameters()),
            torch.autograd.grad((w * b).sum(), theirs.parameters()),
        )
    u = ours.parametrizations.weight[0].u.clone()
    ours.eval()
    assert torch.equal(ours(x.double()), ours(x.double()))
    assert torch.equal(u, ours.parametrizations.weight[0].u)  # evaluation leaves it alone


def test_spectral_norm_makes_the_largest_singular_value_1():
    torch.manual_seed(0)
    layer = spectral(nn.Linear(30, 20).double())
    for _ in range(200):
        layer(torch.randn(2, 30).double())
    assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-6)


def test_spectral_norm_iterates_in_full_under_autocast():
    layer = nn.Linear(64, 32)
    ours, plain = spectral(copy.deepcopy(layer)), None
    plain = copy.deepcopy(ours)
    x = torch.randn(4, 64)
    with torch.autocast("cpu", torch.bfloat16):
        assert ours(x).dtype == torch.bfloat16
    plain(x)
    for name in ("u", "v"):
        a, b = (getattr(m.parametrizations.weight[0], name) for m in (ours, plain))
        assert a.dtype == torch.float32
        assert torch.equal(a, b)


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_folded_weights_are_divided_once_for_all(kind):
    torch.manual_seed(0)
    nets = ARCHITECTURES[kind](
        NetConfig(kind=kind, widths=(3, 4), fc=4, norm="spectral"), 3, (1, 8, 8)
    )
    x = torch.rand(2, 1, 8, 8)
    nets.trunk(x)
    fast = folded(nets.trunk)
    assert not any(is_parametrized(layer) for layer in fast.modules())
    assert nets.trunk.training
    assert any(is_parametrized(layer) for layer in nets.trunk.modules())
    nets.trunk.eval()
    torch.testing.assert_close(fast(x), nets.trunk(x))


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_spectral_norm_is_on_all_of_D_and_on_nothing_else(kind):
    """Q must be free to be sure: under the norm the codes set in hundreds of updates later."""
    net = NetConfig(kind=kind, widths=(3, 3), fc=4, norm="spectral", q_linear=True)
    model = InfoGAN("z3 + cat3 + u", (1, 16, 16), net)
    for part in (model.trunk, model.D):
        for layer in part.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                assert is_parametrized(layer, "weight")
            assert not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    for part in (model.G, model.Q):
        assert not any(is_parametrized(layer) for layer in part.modules())


def test_several_passes_before_one_backward():
    """The D step looks at real and generated images, and penalties look once more."""
    model = InfoGAN("z3 + u", (1, 8, 8), NetConfig(widths=(3,), fc=4, norm="spectral"))
    x = torch.rand(3, 1, 8, 8).requires_grad_(True)
    a, b = apart(model.trunk, [x, x])
    (slope,) = torch.autograd.grad(model.D(model.trunk(x)).sum(), x, create_graph=True)
    (model.D(a) + model.D(b)).sum().add(slope.square().sum()).backward()
    assert all(p.grad is not None for p in model.D.parameters())


def test_a_model_with_spectral_norm_is_saved_whole(tmp_path):
    for kind in ("dcgan", "resnet"):
        net = NetConfig(kind=kind, widths=(3, 4), fc=4, norm="spectral")
        model = InfoGAN("z3 + cat3 + u", (3, 16, 16), net, seed=3)
        x = torch.rand(5, 3, 16, 16)
        model.trunk(x)  # in training: u and v move
        model.save_pretrained(tmp_path)
        again = InfoGAN.from_pretrained(tmp_path)
        assert torch.equal(model.discriminate(x), again.discriminate(x))
        assert torch.equal(model.infer(x)["cat"].logits, again.infer(x)["cat"].logits)
