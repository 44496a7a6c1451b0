import numpy as np
import pytest
import torch

from infogan.config import NetConfig
from infogan.data import load
from infogan.model import InfoGAN
from infogan.scatter import coloured, readings, samples, side_by_side, traversals

PNG = b"\x89PNG"


@pytest.fixture
def model():
    net = NetConfig(kind="mlp", widths=(8,), norm="none", output="linear")
    model = InfoGAN("z2 + kind:cat3 + u + pose:u2 + bern1", (3, 1, 1), net, seed=0).eval()
    model.measure(load("swissroll", "test").images)
    return model


def test_readings_are_what_Q_says(model):
    x = load("swissroll", "test").images[:50]
    read = {name: (discrete, value) for name, discrete, value in readings(model, x)}
    assert list(read) == ["kind", "u", "pose[0]", "pose[1]", "bern"]
    q = model.infer(x)
    assert read["kind"][0]
    assert not read["u"][0]
    np.testing.assert_array_equal(read["kind"][1], q["kind"].probs.argmax(1))
    np.testing.assert_allclose(read["pose[1]"][1], q["pose"].mean[:, 1])


def test_every_coordinate_of_the_codes_has_its_pictures(model):
    data = load("swissroll", "test")
    for pictures in (
        coloured(model, data.images[:40], data.columns),
        traversals(model, data.columns),
    ):
        assert list(pictures) == ["kind", "u", "pose[0]", "pose[1]", "bern"]
        assert all(picture[:4] == PNG for picture in pictures.values())
    assert samples(model, data.images[:40], data.columns)[:4] == PNG


def test_one_column_is_drawn_over_itself():
    net = NetConfig(kind="mlp", widths=(8,), norm="none", output="linear")
    model = InfoGAN("u", (1, 1, 1), net).eval()
    assert samples(model, torch.randn(20, 1, 1, 1), ["a"])[:4] == PNG


def test_two_models_side_by_side(model):
    data = load("swissroll", "test")
    over = data.factors.values.numpy()[:30]
    picture = side_by_side({"a": model, "b": model}, data.images[:30], over, data.factors.names)
    assert picture[:4] == PNG
