import numpy as np
import pytest
import torch

from infogan import InfoGAN
from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.inputs import checked_seed, images, numbers, vectors


def test_images_keep_bytes_as_bytes_and_floats_as_floats():
    x = torch.arange(2 * 9, dtype=torch.uint8).reshape(2, 1, 3, 3)
    assert images(x, (1, 3, 3)).dtype == torch.uint8
    for given in (x[:, 0], x.numpy(), x):
        assert torch.equal(images(given, (1, 3, 3)), x)
    assert torch.equal(images(x[0], (1, 3, 3)), x[:1])
    assert images(x.double() / 255, (1, 3, 3)).dtype == torch.float32


@pytest.mark.parametrize(
    ("x", "rule"),
    [
        (np.zeros((2, 3, 4, 4)), r"expected images \(n, 1, 3, 3\), got \(2, 3, 4, 4\)"),
        (np.zeros((0, 1, 3, 3)), "n ≥ 1, got none"),
        (np.zeros((2, 1, 3, 3), np.int64), "bytes"),
        (np.full((2, 1, 3, 3), 1.5), "got 1.5 to 1.5"),
        (np.full((2, 1, 3, 3), np.nan), r"expected floats in \[0, 1\]"),
        ("a photo", "expected images as numbers"),
    ],
)
def test_images_that_are_refused(x, rule):
    with pytest.raises(InfoganError, match=rule):
        images(x, (1, 3, 3))


def test_a_grey_image_is_none_of_a_colour_model():
    with pytest.raises(InfoganError, match=r"got \(3, 3\)"):
        images(np.zeros((3, 3), np.uint8), (3, 3, 3))
    assert images(np.zeros((3, 3), np.uint8), (1, 3, 3)).shape == (1, 1, 3, 3)


def test_a_seed_is_one_that_a_generator_takes():
    assert checked_seed(np.int64(7)) == 7
    for bad in (-1, 2**63, 1.5):
        with pytest.raises(InfoganError, match="from 0 to 2⁶³ − 1"):
            checked_seed(bad)


def test_vectors_come_as_rows_or_one():
    assert vectors([[1, 2], [3, 4]], (2, 1, 1)).shape == (2, 2, 1, 1)
    assert vectors([1.5, 2], (2, 1, 1)).flatten().tolist() == [1.5, 2]
    with pytest.raises(InfoganError, match="row 1 is not"):
        vectors([[1, 2], [np.inf, 4]], (2, 1, 1))
    with pytest.raises(InfoganError, match=r"expected vectors \(n, 2\)"):
        vectors([[1, 2, 3]], (2, 1, 1))


def test_numbers_are_for_one_image_or_for_n():
    assert numbers("u", 0.5, 2).tolist() == [[0.5, 0.5]]
    assert numbers("u", [0.5, 1], 1).tolist() == [[0.5], [1]]
    assert numbers("u", [0.5, 1], 2).tolist() == [[0.5, 1]]
    assert numbers("u", torch.tensor([0.5, 1], requires_grad=True), 2).tolist() == [[0.5, 1]]
    assert numbers("u", np.array([0.5, 1], np.float16), 2).tolist() == [[0.5, 1]]
    bad = ([1, 2, 3], np.array([np.inf, 1], np.float16), [1e300, 1], [np.nan, 1])
    for value in bad:
        with pytest.raises(InfoganError, match="u: expected a number"):
            numbers("u", value, 2)


@pytest.mark.parametrize("ragged", [[1, [2]], [[1, 2], [3]]])
def test_rows_of_several_lengths_are_refused_in_a_sentence(ragged):
    model = InfoGAN("z3 + kind:cat4 + u2", (1, 8, 8), NetConfig(widths=(4, 8), fc=8)).eval()
    for given in ({"u": ragged}, {"kind": ragged}, {"z": ragged}):
        with pytest.raises(InfoganError, match="rows of several lengths"):
            model.generate(**given)
    with pytest.raises(InfoganError, match="rows of several lengths"):
        model.infer(ragged)
