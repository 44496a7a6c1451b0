"""`generate` gives what the model's own `generate` gives, in batches."""

import copy
import csv

import numpy as np
import pytest
import torch

from infogan import InfoGAN, InfoganError
from infogan.generate import BATCH, generate, write
from infogan.groups import Groups


@pytest.fixture(scope="module")
def model():
    model = InfoGAN("z4 + kind:cat3 + u2", shape=(3, 8, 8))
    model.G(torch.randn(64, model.prior.width))
    return model.eval()


def whole(batches):
    images, codes = zip(*batches)
    return torch.cat(images), {name: torch.cat([c[name] for c in codes]) for name in codes[0]}


def test_images_are_g_of_the_codes(model):
    z, c = model.prior.sample(BATCH, torch.Generator().manual_seed(3))
    images, codes = next(generate(model, BATCH, seed=3))
    assert torch.equal(codes["kind"], c["kind"])
    expected = 255 * model.decode(z, c)
    assert images.dtype == torch.uint8
    assert (images - expected).abs().max() <= 0.51  # half a step of rounding, and float32's


def test_given_codes_are_held_and_the_rest_is_drawn(model):
    n = BATCH + 9
    images, codes = whole(generate(model, n, {"kind": 2}, seed=1))
    assert images.shape == (n, 3, 8, 8)
    assert (codes["kind"] == 2).all()
    assert codes["u"].shape == (n, 2)
    assert codes["u"].std() > 0.4
    assert torch.equal(images, whole(generate(model, n, {"kind": 2}, seed=1))[0])
    with pytest.raises(InfoganError, match="integers 0 to 2"):
        generate(model, 1, {"kind": 3})  # before any work
    with pytest.raises(InfoganError, match="shape"):
        generate(model, 1, {"shape": 3})


def test_what_categories_are_called_stands_beside_them(model, tmp_path):
    named = copy.deepcopy(model)
    named.groups["kind"] = Groups((0, 1, 1))
    named.names = {"kind=2": "ring", "kind_group=1": "round", "u[0]": "size"}
    write(tmp_path / "fakes", named, 40, generate(named, 40, seed=5))
    with (tmp_path / "fakes" / "codes.csv").open() as f:
        rows = [*csv.DictReader(f)]
    assert [*rows[0]] == ["kind", "kind.name", "kind_group", "kind_group.name", "u[0]", "u[1]"]
    for row in rows:
        assert row["kind.name"] == ("ring" if row["kind"] == "2" else "")
        assert row["kind_group.name"] == ("" if row["kind"] == "0" else "round")


def test_write_makes_a_folder_that_is_whole_or_not_there(model, tmp_path):
    folder = tmp_path / "fakes"
    write(folder, model, 300, generate(model, 300, seed=5))
    images, codes = whole(generate(model, 300, seed=5))
    np.testing.assert_array_equal(np.load(folder / "images.npy"), images)
    with (folder / "codes.csv").open() as f:
        head, *rows = csv.reader(f)
    assert head == ["kind", "u[0]", "u[1]"]
    np.testing.assert_allclose(np.array(rows, float)[:, 2], codes["u"][:, 1], rtol=1e-6)
    with pytest.raises(InfoganError, match="exists already"):
        write(folder, model, 3, generate(model, 3))

    def breaks_off():
        yield from generate(model, 3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "bad", model, 300, breaks_off())
    assert [p.name for p in tmp_path.iterdir()] == ["fakes"]
