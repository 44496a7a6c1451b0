"""Every recipe trains, and the paper's are the paper's: REFERENCE.md, section 2, as data."""

import numpy as np
import pytest
import torch
from torch import nn

from infogan.cli import main
from infogan.config import recipe, recipes
from infogan.model import InfoGAN
from infogan.networks.layers import Square
from infogan.networks.ranges import Sigmoid, Tanh
from infogan.run import Run

# Chen et al. 2016, Appendix C, Tables 1 to 7. Kernels are 4×4; s2: stride 2, bn: batch norm
NETS = {
    "MNIST": (
        "conv 64 s2 · conv 128 s2 bn · FC 1024 bn",
        "FC 1024 bn · FC 7·7·128 bn · upconv 64 s2 bn · upconv 1 s2",
        "sigmoid",
    ),
    "SVHN, CelebA": (
        "conv 64 s2 · conv 128 s2 bn · conv 256 s2 bn",
        "FC 2·2·448 bn · upconv 256 s2 bn · upconv 128 s2 · upconv 64 s2 · upconv 3 s2",
        "tanh",
    ),
    "Faces": (
        "conv 64 s2 · conv 128 s2 bn · FC 1024 bn",
        "FC 1024 bn · FC 8·8·128 bn · upconv 64 s2 bn · upconv 1 s2",
        "sigmoid",
    ),
    "Chairs": (  # upconv 1 has s2: as printed, without it, the image has 32 pixels and not 64
        "conv 64 s2 · conv 128 s2 bn · conv 256 s2 bn · conv 256 bn · conv 256 bn · FC 1024 bn",
        "FC 1024 bn · FC 8·8·256 bn · upconv 256 bn · upconv 256 bn · upconv 128 s2 bn · "
        "upconv 64 s2 bn · upconv 1 s2",
        "sigmoid",
    ),
}

GREY, COLOUR, CHAIR = (1, 32, 32), (3, 32, 32), (1, 64, 64)
CAT1, CAT4, CAT10 = {"cat10": [1.0]}, {"cat10": [1.0] * 4}, {"cat10": [1.0] * 10}

# recipe: nets, image, z, categories and their λ, λ of each continuous code, G's input, rates of
# D and G, H(c) of the categories in nats
PAPER = {
    # section 6: λ is smaller for continuous codes, without a number
    "mnist-paper": ("MNIST", (1, 28, 28), 62, CAT1, [0.1] * 2, 74, 2e-4, 1e-3, 2.303),
    "svhn": ("SVHN, CelebA", COLOUR, 124, CAT4, [1.0] * 4, 168, 2e-4, 1e-3, 9.210),
    "celeba": ("SVHN, CelebA", COLOUR, 128, CAT10, [], 228, 2e-4, 1e-3, 23.026),
    "faces-azimuth": ("Faces", GREY, 128, {}, [0.2] * 5, 133, 2e-4, 5e-4, 0),
    "faces-elevation": ("Faces", GREY, 128, {}, [0.1] * 5, 133, 4e-4, 3e-4, 0),
    "faces-lighting": ("Faces", GREY, 128, {}, [0.1] * 5, 133, 8e-4, 3e-4, 0),
    "faces-width": ("Faces", GREY, 128, {}, [0.1] * 5, 133, 8e-4, 3e-4, 0),
    "chairs-rotation": ("Chairs", CHAIR, 128, {"cat20": [1.0] * 3}, [10], 189, 2e-4, 1e-3, 8.987),
    "chairs-width": ("Chairs", CHAIR, 128, {"cat20": [2.0] * 3}, [0.05], 189, 2e-4, 1e-3, 8.987),
}


def layers(network):
    """A network's layers in the table's words, and the activations between them."""
    words, activations, square = [], [], None
    for m in network.modules():
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d):
            assert m.kernel_size == (4, 4)
            assert m.stride in ((1, 1), (2, 2))
            kind = "upconv" if isinstance(m, nn.ConvTranspose2d) else "conv"
            words.append(f"{kind} {m.out_channels}" + " s2" * (m.stride == (2, 2)))
        elif isinstance(m, nn.Linear):
            words.append(f"FC {m.out_features}")
            square = len(words) - 1
        elif isinstance(m, Square):  # what came before is an image
            c, h, w = m.shape
            assert words[square].removesuffix(" bn") == f"FC {c * h * w}"
            words[square] = words[square].replace(str(c * h * w), f"{h}·{w}·{c}")
        elif isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            words[-1] += " bn"
        elif isinstance(m, nn.LeakyReLU):
            activations.append(f"leaky {m.negative_slope}")
        elif isinstance(m, nn.ReLU):
            activations.append("relu")
    return " · ".join(words), activations


@pytest.mark.parametrize("name", PAPER)
def test_a_paper_recipe_is_the_papers(name):
    nets, shape, z, categories, lam, width, lr_d, lr_g, nats = PAPER[name]
    trunk, G, output = NETS[nets]
    config = recipe(name)
    model = InfoGAN.from_config(config, shape)

    assert layers(model.trunk) == (trunk, ["leaky 0.1"] * (trunk.count("·") + 1))
    assert layers(model.G)[0] == G
    assert layers(model.G)[1] == ["relu"] * (len(G.split(" · ")) - 1)
    assert isinstance(list(model.G.modules())[-1], {"sigmoid": Sigmoid, "tanh": Tanh}[output])
    assert layers(model.D) == ("FC 1", [])
    outputs = sum(code.n_params for code in model.prior)
    assert layers(model.Q) == (f"FC 128 bn · FC {outputs}", ["leaky 0.1"])
    assert model.generate(n=2, seed=0).shape == (2, *shape)

    prior = model.prior
    assert (prior.noise, prior.width) == (z, width)
    found = {}
    for code in prior.categorical:
        found.setdefault(f"cat{code.k}", []).append(code.lam)
    assert found == categories
    assert [code.lam for code in prior.continuous] == lam
    assert all((code.low, code.high) == (-1, 1) for code in prior.continuous)
    assert sum(code.entropy() for code in prior.categorical) == pytest.approx(nats, abs=5e-4)
    latent = prior.embed(*prior.sample(5000, torch.Generator().manual_seed(0)))[:, : prior.noise]
    assert latent.var() == pytest.approx(1 / 3, rel=0.01)  # U(-1, 1)
    assert -1 <= latent.min() < -0.999 < 0.999 < latent.max() <= 1

    t = config.train
    assert (t.lr_d, t.lr_g, t.beta1, t.batch, t.updates) == (lr_d, lr_g, 0.5, 128, 5000)


@pytest.mark.parametrize("name", PAPER)
def test_a_paper_recipe_has_nothing_beyond_the_paper(name):
    config, plain = recipe(name), recipe("mnist-paper")
    assert (config.loss, config.augment) == (plain.loss, plain.augment)
    assert config.loss.pairs == config.loss.alike == config.loss.lam_ramp == 0
    assert config.net.q_gain == config.train.restarts == 1
    assert not config.net.q_linear
    assert config.train.decay_from == 1
    if name != "mnist-paper":
        shape = PAPER[name][1]
        assert (config.data.channels, config.data.size, config.data.source) == (*shape[:2], "")


def folder_of(path, shape, n=24):
    """A folder of n PNG images of noise, (C, H, W) each."""
    from PIL import Image

    rng = np.random.default_rng(0)
    path.mkdir()
    for i in range(n):
        pixels = rng.integers(0, 256, (*shape[1:], shape[0]), dtype=np.uint8).squeeze()
        Image.fromarray(pixels).save(path / f"{i:03d}.png")
    return path


SMALL = ["--train.batch", "4", "--net.q-hidden", "8", "--train.threads", "1", "--no-report"]


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_trains(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("infogan.state.CALIBRATION", (2, 8))
    args = ["train", name, "--train.updates", "3", "--out", str(tmp_path / "run"), *SMALL]
    config = recipe(name)
    if config.net.fc:  # nearly all of the weights, which a checkpoint writes to the disk four times
        args += ["--net.fc", "8"]
    if not config.data.source:
        with pytest.raises(SystemExit) as done:
            main(args)
        assert done.value.code == 2
        said = capsys.readouterr().err.strip()
        assert "--data.source" in said
        assert "\n" not in said
        assert not (tmp_path / "run").exists()
        shape = (config.data.channels or 1, *[config.data.size or 16] * 2)
        own = tmp_path / "rows.npy" if name == "vectors" else folder_of(tmp_path / "folder", shape)
        if name == "vectors":
            np.save(own, np.eye(30))
        args += ["--data.source", str(own)]
    with pytest.raises(SystemExit) as done:
        main(args)
    assert done.value.code == 0, capsys.readouterr().err
    run = Run.open(tmp_path / "run")
    assert run.checkpoints()[-1] == 3
    assert (run.path / "model" / "model.safetensors").is_file()
