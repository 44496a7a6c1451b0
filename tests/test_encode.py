"""`encode` says what `infer` says."""

import numpy as np
import pytest
import torch

from infogan import InfoGAN
from infogan.encode import BATCH, encode
from infogan.groups import Groups

CODES = "z4 + kind:cat5 + u2 + g + bern2"


@pytest.fixture
def model():
    model = InfoGAN(CODES, shape=(1, 8, 8))
    model.trunk(torch.rand(64, 1, 8, 8))  # statistics that are not 0 and 1
    return model.eval()


@pytest.fixture
def images():
    return torch.randint(
        256, (BATCH + 37, 1, 8, 8), generator=torch.Generator().manual_seed(0)
    ).byte()


def test_columns_are_q(model, images):
    table, q = encode(model, images), model.infer(images)
    assert list(table) == [
        "kind", "kind.p", "u[0]", "u[0].sd", "u[1]", "u[1].sd", "g", "g.sd", "bern[0]", "bern[1]",
    ]  # fmt: skip
    p, k = q["kind"].probs.max(1)
    np.testing.assert_array_equal(table["kind"], k)
    # float32 sums in another order
    np.testing.assert_allclose(table["kind.p"], p, rtol=1e-4)
    np.testing.assert_allclose(table["u[1]"], q["u"].mean[:, 1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(table["u[0].sd"], q["u"].stddev[:, 0], rtol=1e-4)
    np.testing.assert_allclose(table["g.sd"], q["g"].stddev[:, 0], rtol=1e-4)
    np.testing.assert_allclose(table["bern[0]"], q["bern"].mean[:, 0], rtol=1e-4)


def test_floats_are_bytes_over_255(model, images):
    from_bytes, from_floats = encode(model, images), encode(model, images.float() / 255)
    np.testing.assert_array_equal(from_bytes["g"], from_floats["g"])


def test_the_model_stays_as_it_is_and_no_image_is_no_row(model, images):
    model.train()
    was = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    encode(model, images, torch.bfloat16)
    assert model.training
    assert all(torch.equal(was[name], tensor) for name, tensor in model.state_dict().items())
    assert {len(column) for column in encode(model, images[:0]).values()} == {0}


def test_low_precision_keeps_the_categories(model, images):
    """All but those whose two likeliest differ by less than bfloat16's rounding."""
    with torch.no_grad():
        model.Q.deep[-1].weight.mul_(100)  # a model that is sure of most images, as a trained one
    low, full = encode(model, images, torch.bfloat16), encode(model, images)
    margin = model.infer(images)["kind"].probs.sort(1).values
    sure = (margin[:, -1] > 2 * margin[:, -2]).numpy()
    assert sure.mean() > 0.3
    assert (low["kind"] == full["kind"])[sure].all()
    assert not np.array_equal(low["kind.p"], full["kind.p"])  # it did run in bfloat16


def test_groups_are_columns_beside_their_code(model, images):
    model.groups = {"kind": Groups((0, 1, 0, 2, 1))}
    table, q = encode(model, images), model.infer(images)
    assert list(table)[:5] == ["kind", "kind.p", "kind_group", "kind_group.p", "u[0]"]
    p, group = model.groups["kind"].probs(q["kind"]).max(1)
    np.testing.assert_array_equal(table["kind_group"], group)
    np.testing.assert_allclose(table["kind_group.p"], p, rtol=1e-4)
