import json

import numpy as np
import pytest
import torch

from infogan.config import NetConfig
from infogan.errors import InfoganError
from infogan.groups import Groups
from infogan.model import InfoGAN
from infogan.recalibration import recalibrate

SMALL = NetConfig(widths=(4, 8), fc=8, q_hidden=8, q_norm=True)


@pytest.fixture
def model():
    """With running statistics that differ from those of any one batch."""
    model = InfoGAN("z3 + digit:cat4 + u + pose:u2 + bern2", (1, 8, 8), SMALL, seed=2)
    g = torch.Generator().manual_seed(0)
    latents = [model.prior.embed(*model.prior.sample(32, g)) for _ in range(3)]
    recalibrate(model, [torch.rand(32, 1, 8, 8, generator=g) for _ in range(3)], latents)
    return model


def test_initial_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    a, b, c = (InfoGAN("cat3", (1, 8, 8), SMALL, seed=s).state_dict() for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert not all(torch.equal(a[k], c[k]) for k in a)


def test_generate_sets_codes_by_name(model):
    x = model.generate(n=5, digit=3, u=0.5, seed=1)
    assert x.shape == (5, 1, 8, 8)
    assert 0 <= x.min() <= x.max() <= 1
    z, c = model.prior.sample(5, torch.Generator().manual_seed(1))
    c["digit"] = torch.full((5,), 3)
    c["u"] = torch.full((5, 1), 0.5)
    assert torch.equal(x, model.decode(z, c))
    assert torch.equal(x, model.generate(n=5, digit=3, u=0.5, seed=1))
    assert not torch.equal(model.generate(n=5), model.generate(n=5))  # no seed: fresh each time


def test_generate_takes_sequences_arrays_and_noise(model):
    x = model.generate(digit=[0, 1, 2, 3], u=np.linspace(-2, 2, 4), z=np.zeros(3), seed=0)
    assert x.shape[0] == 4
    y = model.generate(digit=torch.tensor([1]), u=-2 + 4 / 3, z=np.zeros((1, 3)), seed=0, n=4)
    # pose and bern come from the same seed, the rest from what was given
    assert torch.allclose(x[1], y[1], atol=1e-6)
    assert model.generate(pose=(0.1, -0.4), n=2).shape[0] == 2
    assert model.generate(pose=[[0.1, -0.4], [0, 0], [1, 1]]).shape[0] == 3
    assert model.generate(n=0).shape == (0, 1, 8, 8)
    assert model.generate().shape[0] == 1


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"digit": 4}, "integers 0 to 3, got 4"),
        ({"digit": -1}, "integers 0 to 3"),
        ({"digit": 1.5}, "integers 0 to 3"),
        ({"tilt": 1}, "unknown code 'tilt'"),
        ({"n": 3, "digit": [0, 1]}, "n = 3 images"),
        ({"u": [0, 1], "digit": [0, 1, 2]}, "images"),
        ({"pose": [1, 2, 3]}, "numbers"),
        ({"n": -1}, "n = -1"),
        ({"u": "left"}, "u: expected"),
        ({"z": [0.0] * 5, "n": 1}, "z: expected"),
    ],
)
def test_generate_refuses(model, arguments, rule):
    with pytest.raises(InfoganError, match=rule):
        model.generate(**arguments)


def test_infer_gives_a_distribution_per_code(model):
    q = model.infer(torch.rand(7, 1, 8, 8))
    assert list(q) == ["digit", "u", "pose", "bern"]
    assert q["digit"].probs.shape == (7, 4)
    assert torch.allclose(q["digit"].probs.sum(1), torch.ones(7))
    assert q["pose"].mean.shape == (7, 2)
    assert all(d.batch_shape == (7,) for d in q.values())


def test_images_may_come_in_several_forms(model):
    x = torch.randint(256, (6, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
    forms = [x, x.float() / 255, x.numpy(), x.squeeze(1), x.double().numpy() / 255]
    logits = [model.discriminate(form) for form in forms]
    assert logits[0].shape == (6,)
    assert all(torch.allclose(logits[0], other, atol=1e-5) for other in logits)
    assert torch.allclose(model.discriminate(x[0])[0], logits[0][0], atol=1e-5)
    assert torch.allclose(model.discriminate(x[0, 0])[0], logits[0][0], atol=1e-5)


@pytest.mark.parametrize(
    ("x", "rule"),
    [
        (torch.rand(2, 1, 9, 9), r"expected images \(n, 1, 8, 8\), got \(2, 1, 9, 9\)"),
        (torch.rand(2, 3, 8, 8), "expected images"),
        (torch.rand(0, 1, 8, 8), "expected images"),
        (torch.rand(2, 1, 8, 8) * 255, "floats in \\[0, 1\\]"),
        (torch.rand(2, 1, 8, 8) - 1, "floats in \\[0, 1\\]"),
        (torch.full((1, 1, 8, 8), float("nan")), "floats in \\[0, 1\\]"),
        (torch.ones(2, 1, 8, 8, dtype=torch.long), "bytes"),
    ],
)
def test_infer_refuses(model, x, rule):
    with pytest.raises(InfoganError, match=rule):
        model.infer(x)


@pytest.mark.parametrize("training", [False, True])
def test_one_image_never_depends_on_its_batch(model, training):
    model.train(training)  # also when a user forgot eval()
    x = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([model.infer(x[i : i + 1])["digit"].logits for i in range(20)])
    assert torch.allclose(alone, model.infer(x)["digit"].logits, atol=1e-5)
    assert torch.allclose(
        torch.cat([model.discriminate(x[i : i + 1]) for i in range(20)]),
        model.discriminate(x),
        atol=1e-5,
    )
    z, c = model.prior.sample(20, torch.Generator().manual_seed(0))
    together = model.decode(z, c)
    one = model.decode(z[3:4], {name: value[3:4] for name, value in c.items()})
    assert torch.allclose(one, together[3:4], atol=1e-6)
    assert model.training == training


def test_many_images_go_through_in_chunks(model):
    assert model.infer(torch.rand(1203, 1, 8, 8))["digit"].probs.shape == (1203, 4)


def test_saved_model_comes_back(model, tmp_path):
    model.save_pretrained(tmp_path / "saved")
    other = InfoGAN.from_pretrained(tmp_path / "saved")
    x = torch.rand(3, 1, 8, 8)
    assert not other.training
    assert torch.equal(other.infer(x)["digit"].logits, model.infer(x)["digit"].logits)
    assert torch.equal(other.generate(n=3, seed=1), model.generate(n=3, seed=1))


def test_damaged_or_missing_models_are_one_clear_error(model, tmp_path):
    with pytest.raises(InfoganError, match="no model at"):
        InfoGAN.from_pretrained(tmp_path)
    model.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InfoganError, match="holds no whole model"):
        InfoGAN.from_pretrained(tmp_path)
    weights.write_bytes(whole)
    card = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(card | {"codes": "z3 + digit:cat5"}))
    with pytest.raises(InfoganError, match="holds no whole model"):
        InfoGAN.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InfoganError, match="holds no whole model"):
        InfoGAN.from_pretrained(tmp_path)


def test_a_name_of_the_hub_without_network_is_one_sentence(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InfoganError, match="no folder someone/something, and no model"):
        InfoGAN.from_pretrained("someone/something")


def test_vectors_come_and_go_in_their_own_units(tmp_path):
    net = NetConfig(kind="mlp", widths=(8,), output="linear")
    model = InfoGAN("z3 + kind:cat3 + u", (2, 1, 1), net, seed=2)
    data = torch.randn(100, 2, 1, 1) * torch.tensor([1.0, 50])[:, None, None] + 2000
    model.measure(data)
    x = model.generate(n=5, kind=1, seed=0)
    assert x.shape == (5, 2)
    assert (x - 2000).abs().max() < 500
    forms = [x, x.numpy(), x.tolist(), x[:, :, None, None]]
    means = [model.infer(form)["u"].mean for form in forms]
    assert all(torch.equal(means[0], other) for other in means)
    assert torch.allclose(model.infer(x[0])["u"].mean, means[0][:1], atol=1e-6)
    model.save_pretrained(tmp_path / "saved")
    other = InfoGAN.from_pretrained(tmp_path / "saved")
    assert torch.equal(other.generate(n=5, kind=1, seed=0), x)
    assert torch.equal(other.infer(x)["u"].mean, means[0])


@pytest.mark.parametrize(
    ("x", "rule"),
    [
        ([[1.0, 2, 3]], r"expected vectors \(n, 2\) of numbers, got float64 \(1, 3\)"),
        ([["a", "b"]], "expected vectors"),
        (np.zeros((0, 2)), "expected vectors"),
        ([[0.0, 1], [0, float("nan")]], "finite, row 1 is not"),
    ],
)
def test_vectors_that_are_refused(x, rule):
    model = InfoGAN("u", (2, 1, 1), NetConfig(kind="mlp", widths=(4,), output="linear"))
    with pytest.raises(InfoganError, match=rule):
        model.infer(x)


# -- groups of categories --------------------------------------------------------------------------


def test_groups_are_saved_and_a_model_without_them_loads_as_before(model, tmp_path):
    model.save_pretrained(tmp_path / "old")
    assert "groups" not in json.loads((tmp_path / "old" / "config.json").read_text())
    assert InfoGAN.from_pretrained(tmp_path / "old").groups == {}
    model.groups = {"digit": Groups((0, 1, 0, 1))}
    model.save_pretrained(tmp_path / "new")
    assert InfoGAN.from_pretrained(tmp_path / "new").groups == model.groups


def test_a_group_draws_among_its_categories_and_leaves_the_rest_alone(model):
    model.groups = {"digit": Groups((0, 1, 0, 1))}
    drawn = {}
    for name, value in (("digit_group", 1), ("digit", 1)):
        values = model.values({name: value})
        drawn[name] = model.draw(64, torch.Generator().manual_seed(3), values)
    (z, c), (z_, c_) = drawn["digit_group"], drawn["digit"]
    assert set(c["digit"].tolist()) == {1, 3}
    assert torch.equal(z, z_)
    assert torch.equal(c["pose"], c_["pose"])
    x = model.generate(digit_group=[0, 1], seed=0)
    assert x.shape == (2, 1, 8, 8)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"digit_group": 2}, "groups are the integers 0 to 1, got 2"),
        ({"digit_group": 0.5}, "groups are the integers"),
        ({"digit_group": 0, "digit": 1}, "not both"),
        ({"pose_group": 0}, "unknown code 'pose_group'"),
    ],
)
def test_groups_refuse(model, given, rule):
    model.groups = {"digit": Groups((0, 1, 0, 1))}
    with pytest.raises(InfoganError, match=rule):
        model.generate(n=2, **given)


@pytest.mark.parametrize("groups", [[0, 1], {"digit": [0, 2, 1, 1]}, {"digit": "abcd"}, {"u": [0]}])
def test_damaged_groups_are_one_sentence(model, tmp_path, groups):
    model.save_pretrained(tmp_path)
    card = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(card | {"groups": groups}))
    with pytest.raises(InfoganError, match="groups|no whole model"):
        InfoGAN.from_pretrained(tmp_path)


def test_features_are_what_D_and_Q_hear(model):
    x = torch.rand(3, 1, 8, 8)
    h = model.features(x)
    torch.testing.assert_close(model.D(h).squeeze(1), model.discriminate(x))
    heard, told = model.infer_from(h), model.infer(x)
    for name, q in told.items():
        torch.testing.assert_close(heard[name].entropy(), q.entropy())
        torch.testing.assert_close(heard[name].mean, q.mean, equal_nan=True)
