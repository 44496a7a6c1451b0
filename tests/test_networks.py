"""The contract of every architecture, and the paper's nets layer for layer."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from infogan.config import NetConfig, recipe
from infogan.errors import InfoganError
from infogan.model import InfoGAN
from infogan.networks import ARCHITECTURES, QHead

SHAPES = [(1, 28, 28), (3, 32, 32), (1, 8, 8), (2, 17, 30), (1, 64, 48)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_contract(kind, shape):
    nets = ARCHITECTURES[kind](NetConfig(kind=kind, fc=16), 7, shape)
    x = nets.generator(torch.randn(3, 7))
    assert x.shape == (3, *shape)
    assert nets.trunk(x).shape == (3, nets.features)


def layers(module):
    """`conv 1-64 s2`, `bn 128`, … of a network in order."""
    words = []
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d):
            assert m.kernel_size == (4, 4)
            name = "upconv" if isinstance(m, nn.ConvTranspose2d) else "conv"
            words.append(f"{name} {m.in_channels}-{m.out_channels} s{m.stride[0]}")
        elif isinstance(m, nn.Linear):
            words.append(f"fc {m.in_features}-{m.out_features}")
        elif isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            words.append(f"bn {m.num_features}")
        elif isinstance(m, nn.LeakyReLU):
            words.append(f"lrelu {m.negative_slope}")
        elif isinstance(m, nn.ReLU):
            words.append("relu")
    return words


def size(module):
    return sum(p.numel() for p in module.parameters())


def test_paper_mnist_layer_for_layer():
    """Chen et al. 2016, Appendix C.1, Table 1."""
    config = recipe("mnist-paper")
    model = InfoGAN.from_config(config, (1, 28, 28))
    act = "lrelu 0.1"
    assert layers(model.trunk) == [
        "conv 1-64 s2", act, "conv 64-128 s2", "bn 128", act, "fc 6272-1024", "bn 1024", act,
    ]  # fmt: skip
    assert layers(model.D) == ["fc 1024-1"]
    assert layers(model.Q) == ["fc 1024-128", "bn 128", act, "fc 128-14"]
    assert layers(model.G) == [
        "fc 74-1024", "bn 1024", "relu", "fc 1024-6272", "bn 6272", "relu",
        "upconv 128-64 s2", "bn 64", "relu", "upconv 64-1 s2",
    ]  # fmt: skip
    # parameters, calculated by hand from the table
    assert size(model.G) == 6_652_481
    assert size(model.D) == 1_025
    assert size(model.Q) == 133_262
    assert size(model.trunk) == 6_558_144
    assert (config.train.lr_d, config.train.lr_g, config.train.beta1) == (2e-4, 1e-3, 0.5)
    assert (config.train.batch, config.train.updates) == (128, 5000)
    assert [code.lam for code in model.prior] == [1, 0.1, 0.1]  # section 6: smaller for continuous
    assert config.loss.pairs == config.loss.lam_ramp == 0
    assert config.loss.lam_d_continuous == config.loss.lam_d_categorical == 1
    assert config.loss.lam_rest == config.train.restarts == config.net.q_gain == 1
    assert not config.loss.lam_starts
    assert not config.net.q_linear
    assert config.objective == "infogan"


def test_mlp_mirrors_its_widths():
    nets = ARCHITECTURES["mlp"](NetConfig(kind="mlp", widths=(30, 20)), 5, (1, 4, 4))
    assert layers(nets.trunk) == [
        "fc 16-30", "lrelu 0.1", "fc 30-20", "bn 20", "lrelu 0.1",
    ]  # fmt: skip
    assert layers(nets.generator) == [
        "fc 5-20", "bn 20", "relu", "fc 20-30", "bn 30", "relu", "fc 30-16",
    ]  # fmt: skip


def test_without_norm_the_trunk_knows_no_batch():
    nets = ARCHITECTURES["dcgan"](NetConfig(norm="none", fc=8), 5, (1, 16, 16))
    assert not any(word.startswith("bn") for word in layers(nets.trunk))


@pytest.mark.parametrize("kind", ["dcgan", "resnet", "mlp"])
def test_without_norms_there_is_no_batch_norm_anywhere(kind):
    """Several processes, and penalties on an image's own gradient, rely on it."""
    net = NetConfig(kind=kind, widths=(8, 8), fc=16, norm="none", g_norm="none", q_norm=False)
    model = InfoGAN("z4 + cat3", (1, 16, 16), net)
    assert not any(isinstance(part, _BatchNorm) for part in model.modules())
    assert model.generate(n=2).shape == (2, 1, 16, 16)


@pytest.mark.parametrize("kind", ["dcgan", "resnet", "mlp"])
@pytest.mark.parametrize(("norm", "alone"), [("layer", True), ("batch", False)])
def test_with_layer_norm_an_image_is_read_alone(kind, norm, alone):
    net = NetConfig(kind=kind, widths=(4, 8), norm=norm, fc=8)
    trunk = ARCHITECTURES[kind](net, 5, (1, 16, 16)).trunk.double()
    x = torch.rand(6, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(trunk(x)[:3], trunk(x[:3])) == alone


def test_too_small_an_image_is_refused():
    with pytest.raises(InfoganError, match="at least 8 pixels, got 4×4"):
        ARCHITECTURES["dcgan"](NetConfig(widths=(4, 4, 4)), 5, (1, 4, 4))


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 17, 30)])
def test_strides_and_a_generator_of_its_own(shape):
    """Stride 1 keeps the size; G need not mirror the trunk; odd sizes come out whole."""
    mirror = NetConfig(widths=(4, 6, 6), strides=(2, 2, 1), fc=8)
    own = NetConfig(widths=(4,), fc=0, g_widths=(5, 4, 3), g_norms=(False, True, False))
    for net in (mirror, own):
        nets = ARCHITECTURES["dcgan"](net, 7, shape)
        x = nets.generator(torch.randn(3, 7))
        assert x.shape == (3, *shape)
        assert nets.trunk(x).shape == (3, nets.features)
    assert [word for word in layers(nets.generator) if word[0] in "ub"] == [
        "upconv 5-4 s2", "bn 4", "upconv 4-3 s2", f"upconv 3-{shape[0]} s2",
    ]  # fmt: skip


def test_lists_of_layers_that_do_not_agree_are_refused():
    for net in (
        NetConfig(widths=(4, 4), strides=(2,)),
        NetConfig(g_widths=(4, 4), g_norms=(True,)),
        NetConfig(g_norms=(True,)),
    ):
        with pytest.raises(InfoganError, match="give one for each layer"):
            ARCHITECTURES["dcgan"](net, 5, (1, 16, 16))


@pytest.mark.parametrize("linear", [(False,) * 3, (True,) * 3, (True, False, True)])
def test_q_head_reads_each_code_by_its_own_way(linear):
    """A linear code's outputs are linear in the features, another's are not; in order."""
    torch.manual_seed(0)
    sizes = (2, 3, 1)
    head = QHead(NetConfig(q_hidden=5), 7, sizes, linear)
    a, b = torch.randn(2, 4, 7)
    bent = (head(a) + head(b) - 2 * head((a + b) / 2)).abs().amax(0)
    assert bent.shape == (sum(sizes),)
    for part, is_linear in zip(bent.split(sizes), linear):
        assert (part < 1e-6).all() == is_linear
        assert (part > 1e-4).all() != is_linear
    deep = sum(size for size, is_linear in zip(sizes, linear) if not is_linear)
    assert size(head) == (7 * 5 + 5 + 5 * deep + deep) * bool(deep) + 8 * (sum(sizes) - deep)


def test_only_continuous_codes_are_read_linearly():
    model = InfoGAN("z4 + u + kind:cat3 + g", (1, 8, 8), NetConfig(fc=16, q_linear=True))
    h = model.trunk(torch.rand(6, 1, 8, 8))
    q = model.Q(h)
    straight = torch.nn.functional.linear(h, model.Q.straight.weight, model.Q.straight.bias)
    torch.testing.assert_close(q[:, :2], straight[:, :2])
    torch.testing.assert_close(q[:, 2:5], model.Q.deep(h))
    torch.testing.assert_close(q[:, 5:], straight[:, 2:])


def test_only_categories_start_with_a_gain():
    codes = "z4 + u + kind:cat3 + g"
    for linear in (True, False):
        plain, gained = (
            InfoGAN(codes, (1, 8, 8), NetConfig(fc=16, q_linear=linear, q_gain=gain), seed=3)
            for gain in (1, 5)
        )
        for q in (plain.Q, gained.Q):  # biases are not scaled, weights are
            torch.nn.init.zeros_(q.deep[-1].bias)
        h = torch.randn(6, 16)
        a, b = plain.Q(h), gained.Q(h)
        torch.testing.assert_close(b[:, 2:5], 5 * a[:, 2:5])
        torch.testing.assert_close(b[:, [0, 1, 5, 6]], a[:, [0, 1, 5, 6]])


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "linear"])
def test_what_G_makes_the_trunk_reads_on_the_same_range(output):
    """G and trunk meet in [0, 1] for images, in the user's units for vectors; the networks' own
    ranges are the paper's: logits, tanh in -1 … 1, standardized numbers."""
    net = NetConfig(kind="mlp", widths=(8,), norm="none", output=output)
    model = InfoGAN("z2 + u", (3, 1, 1), net, seed=1).double().eval()
    same = InfoGAN("z2 + u", (3, 1, 1), NetConfig(kind="mlp", widths=(8,), norm="none"), seed=1)
    same = same.double().eval()
    data = torch.randn(500, 3, 1, 1).double() * torch.tensor([1e-2, 1, 300])[:, None, None] + 7
    model.measure(data)
    latent = torch.randn(5, 3).double()
    a = same.G[0](latent)  # the same weights, before any output layer
    x = model.G(latent)
    mean, spread = data.mean(0), data.std(0, correction=0)
    makes = {"sigmoid": torch.sigmoid(a), "tanh": (torch.tanh(a) + 1) / 2}
    reads = {"sigmoid": x, "tanh": torch.tanh(a), "linear": a}
    torch.testing.assert_close(x, makes.get(output, mean + spread * a), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(model.trunk(x), same.trunk(reads[output]), rtol=1e-4, atol=1e-5)


def test_a_column_that_never_changes_is_left_as_it_is():
    model = InfoGAN("u", (2, 1, 1), NetConfig(kind="mlp", widths=(4,), output="linear"))
    model.measure(torch.tensor([[1.1, 0.0], [1.1, 2.0], [1.1, 4.0]])[:, :, None, None])
    spread = model.trunk[0].spread.flatten()
    torch.testing.assert_close(spread, torch.tensor([1.0, (8 / 3) ** 0.5]))


def test_linear_output_is_for_vectors():
    with pytest.raises(InfoganError, match="net.output linear is for vectors, got images"):
        InfoGAN("z2 + u", (1, 8, 8), NetConfig(output="linear"))


@pytest.mark.parametrize("kind", ["dcgan", "mlp"])
def test_a_generator_may_be_free_of_batch_norm(kind):
    from torch.nn.modules.batchnorm import _BatchNorm

    net = NetConfig(kind=kind, widths=(4, 8), fc=16, norm="none", g_norm="none")
    networks = ARCHITECTURES[kind](net, 6, (1, 8, 8))
    assert not any(isinstance(m, _BatchNorm) for part in networks[:2] for m in part.modules())
    assert networks.generator(torch.zeros(1, 6)).shape == (1, 1, 8, 8)
