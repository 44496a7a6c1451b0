import io

import numpy as np
import pytest
import torch
from PIL import Image

from infogan import figures
from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.model import InfoGAN
from infogan.prior import Prior


@pytest.fixture(scope="module")
def model():
    net = NetConfig(widths=(4, 8), fc=8)
    return InfoGAN("z3 + kind:cat4 + u + pose:u2 + bern", (1, 8, 8), net).eval()


def size(png):
    return Image.open(io.BytesIO(png)).size


def test_grid_puts_images_row_by_row():
    images = torch.arange(6).float().reshape(6, 1, 1, 1).expand(6, 1, 2, 2) / 5
    picture = figures.grid(images, columns=3, gap=0)
    assert picture.shape == (4, 6)
    assert picture[::2, ::2].tolist() == [[0, 51, 102], [153, 204, 255]]
    colour = figures.grid(torch.zeros(2, 3, 4, 4), columns=2)
    assert colour.shape == (4, 9, 3)


def test_traversal_of_a_category_keeps_the_rest_of_a_row(model):
    t = figures.traversal(model, "kind", seed=1)
    assert t.shape == (10, 4, 1, 8, 8)
    z, c = model.prior.sample(10, torch.Generator().manual_seed(1))
    assert torch.equal(t[:, 2], model.decode(z, c | {"kind": torch.full((10,), 2)}))


def test_traversal_of_a_continuous_code_has_a_row_per_category(model):
    t = figures.traversal(model, "pose", coordinate=1, seed=1, steps=5)
    assert t.shape == (4, 5, 1, 8, 8)
    z, c = model.prior.sample(4, torch.Generator().manual_seed(1))
    one = {"kind": torch.tensor([3]), "u": torch.zeros(1, 1), "bern": c["bern"][:1]}
    pose = torch.tensor([[0.0, -2.0]])  # the other dimension stays in the middle
    assert torch.allclose(t[3, 0], model.decode(z[:1], one | {"pose": pose})[0], atol=1e-6)


def test_every_coordinate_has_its_picture(model):
    assert list(figures.traversals(model)) == ["kind", "u", "pose[0]", "pose[1]", "bern"]


def test_without_a_categorical_code_rows_are_draws():
    model = InfoGAN("z3 + 2u", (1, 8, 8), NetConfig(widths=(4, 8), fc=8)).eval()
    t = figures.traversal(model, "u1")
    assert t.shape == (10, 10, 1, 8, 8)
    assert not torch.allclose(t[0], t[1])


def test_png_scales_by_whole_pixels():
    picture = np.array([[0, 255]], np.uint8)
    assert size(figures.png(picture, scale=3)) == (6, 3)
    back = np.asarray(Image.open(io.BytesIO(figures.png(picture, scale=3))))
    assert back.tolist() == [[0, 0, 0, 255, 255, 255]] * 3


def test_plots_are_png_files(model):
    history = [
        {"update": u, "L_I.kind": u / 10, "L_I.u": -1.0, "loss_D": 1.3, "loss_G": 0.7}
        for u in (1, 2)
    ]
    prior = Prior.parse("kind:cat4 + u")
    for content in (
        figures.information_curves(history, prior),
        figures.loss_curves(history),
        figures.confusion_matrix([[3, 0], [1, 5]], {0: 0, 1: 1}, ["cats", "dogs"]),
        figures.figure1(history, history, "kind", 1.386),
    ):
        assert min(size(content)) > 100


def test_series_of_what_was_never_logged():
    history = [{"update": 1, "a": 2.0}, {"update": 2}]
    assert figures.series(history, "a") == ([1], [2.0])
    with pytest.raises(InfoganError, match="holds no b"):
        figures.series(history, "b")
