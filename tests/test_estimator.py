"""The scikit-learn face."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from infogan import Estimator, InfoGAN, InfoganError, estimator
from infogan.cli import main
from infogan.config import from_yaml, leaves, recipe
from infogan.run import Run
from infogan.training import Interrupted

QUICK = {
    "train.updates": 4,
    "train.batch": 16,
    "train.scout_updates": 0,
    "train.precision": "float32",
    "net.widths": (4, 8),
    "net.fc": 16,
    "net.q_hidden": 8,
    "loss.votes": 0,
}


@pytest.fixture(scope="module")
def fit(digits):
    X = digits[:64].numpy()
    return Estimator(n_clusters=4, settings=QUICK, random_state=3).fit(X), X


def test_what_it_says_is_what_the_model_says(fit):
    found, X = fit
    q = found.model_.infer(X)
    np.testing.assert_allclose(found.predict_proba(X), q["kind"].probs, atol=1e-5)
    np.testing.assert_array_equal(found.predict(X), found.predict_proba(X).argmax(1))
    np.testing.assert_array_equal(found.predict(X), found.labels_)
    assert found.get_feature_names_out().tolist() == ["u1", "u2"]
    np.testing.assert_allclose(found.transform(X)[:, [1]], q["u2"].mean, atol=1e-5)
    x = found.sample(3, seed=5, kind=2)
    np.testing.assert_array_equal(x, found.model_.generate(3, seed=5, kind=2).numpy())


def test_the_same_images_in_any_form_are_the_same(fit):
    found, X = fit
    forms = [X[:, 0], X.transpose(0, 2, 3, 1), X / 255, X[:, 0].astype(np.float32) / 255]
    for form in forms:
        np.testing.assert_array_equal(found.transform(form), found.transform(X))
    rows = clone(found).set_params(shape=(28, 28)).fit(X.reshape(64, -1) / 255)
    np.testing.assert_array_equal(rows.labels_, found.labels_)
    for a, b in zip(rows.model_.parameters(), found.model_.parameters(), strict=True):
        assert torch.equal(a, b)


def test_its_settings_are_those_of_the_command_line(digits, tmp_path, capsys):
    X = digits[:200, 0].numpy()
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(SystemExit):
        main(["train", str(tmp_path / "x.npy"), "--dry-run", "--train.updates", "900"])
    said = capsys.readouterr().out
    text = "\n".join(line for line in said.splitlines() if not line.startswith("#"))
    theirs = leaves(from_yaml(text, "", recipe("images")))
    images = Estimator()._images(X[:180])  # a tenth is held out there
    ours = leaves(Estimator(9, settings={"train.updates": 900})._config(images))
    differing = {k for k, v in ours.items() if v != theirs[k] and not k.startswith("data.")}
    # codes are said in their long form there, or not
    assert differing <= {"codes"}
    assert InfoGAN(ours["codes"]).prior == InfoGAN(theirs["codes"]).prior


def test_it_is_an_estimator(fit, digits):
    found, X = fit
    again = clone(found)
    assert again.get_params() == found.get_params()
    assert not hasattr(again, "model_")
    np.testing.assert_array_equal(again.fit_predict(X), found.labels_)
    piped = make_pipeline(Estimator(3, 1, settings=QUICK))
    assert piped.fit_transform(X).shape == (64, 1)
    assert Estimator(3, 0, settings=QUICK).fit(X).transform(X).shape == (64, 0)
    with pytest.raises(Exception, match="not fitted"):
        Estimator().predict(X)


def test_rows_of_numbers_are_vectors():
    X = np.random.default_rng(0).normal(5, 3, (50, 4))
    few = {"train.updates": 3, "net.widths": (8, 8), "train.batch": 16}
    found = Estimator(2, settings=few).fit(X)
    assert found.model_.shape == (4, 1, 1)
    assert found.sample(6).shape == (6, 4)
    assert found.predict(X).shape == (50,)
    only = Estimator(settings={"codes": "3u", **few}).fit(X)
    assert only.transform(X).shape == (50, 3)
    assert not hasattr(only, "labels_")
    with pytest.raises(InfoganError, match="no categorical one"):
        only.predict(X)


def test_a_run_is_kept_where_it_is_asked_for(digits, tmp_path, capsys):
    X, place = digits[:32].numpy(), tmp_path / "kept"
    found = Estimator(3, settings=QUICK, run=place, verbose=True).fit(X)
    assert "32 images 1×28×28" in capsys.readouterr().out
    kept = InfoGAN.from_pretrained(place)
    assert str(kept.prior) == str(found.model_.prior)
    assert yaml.safe_load((place / "config.yaml").read_text())["train"]["updates"] == 4
    assert json.loads((place / "log.jsonl").read_text().splitlines()[-1])["update"] == 4
    with pytest.raises(InfoganError, match="is there already"):
        found.fit(X)
    assert len(list(Path(tmp_path).iterdir())) == 1


@pytest.mark.parametrize(
    ("X", "given", "rule"),
    [
        (np.ones((9, 8, 8)), {}, "holds 9; at least 20"),
        (np.full((30, 8, 8), 16.0), {}, r"floats in \[0, 1\] or bytes .* got 16 to 16; rescale"),
        (np.full((30, 8, 8), np.nan), {}, r"floats in \[0, 1\]"),
        (np.ones((30, 8, 8), np.int64), {}, "got int64"),
        (np.ones((30, 8, 8, 4), np.uint8), {}, "1 or 3 channels, got 4"),
        (np.ones(30), {}, r"expected images .* got \(30,\)"),
        (np.ones((30, 65)), {"shape": (8, 8)}, "has 64 numbers, rows of X have 65"),
        (np.full((30, 3), np.inf), {}, "must be finite, row 0"),
        (np.full((30, 3), 1e300), {}, "must be finite, row 0"),
        (np.ones((0, 8, 8)), {}, "holds nothing"),
        (np.ones((30, 64)), {"shape": 64}, r"shape 64: expected \(H, W\)"),
        (np.ones((30, 64)), {"shape": (8.0, 8.0)}, "expected .H, W"),
        (np.ones((30, 64)), {"shape": (-8, -8)}, "expected .H, W"),
        ([[1.0, 2.0], [1.0]], {}, "several lengths"),
        (np.ones((30, 8, 8)), {"n_clusters": 1}, "cat1"),
        (np.ones((30, 8, 8)), {"settings": {"train.update": 3}}, "train.update"),
        (np.ones((30, 8, 8)), {"settings": {"train.updates": 0}}, "train.updates"),
        (np.ones((30, 8, 8)), {"settings": {"train.updates": -4}}, "train.updates"),
        (np.ones((30, 8, 8)), {"settings": {"train.updates": float("nan")}}, "train.updates"),
        (np.ones((30, 8, 8)), {"settings": {"train.updates.x": 1}}, "updates"),
        (np.ones((30, 8, 8)), {"settings": {"train": 5, "train.updates": 4}}, "is a group"),
        (np.ones((30, 8, 8)), {"settings": {"train.updates": 4, "train": 5}}, "is a group"),
        (np.ones((30, 8, 8)), {"random_state": -1}, "seed"),
        (np.ones((30, 8, 8)), {"random_state": 2**63 - 1}, "seed"),
    ],
)
def test_mistakes_are_one_sentence(X, given, rule):
    with pytest.raises(InfoganError, match=rule):
        Estimator(**given).fit(X)


def test_other_images_than_those_of_fit_are_refused(fit):
    with pytest.raises(InfoganError, match=r"expected images \(1, 28, 28\), as those of fit"):
        fit[0].predict(np.ones((5, 8, 8)))


def test_what_training_warns_of_is_a_warning(digits, monkeypatch):
    monkeypatch.setattr(Run, "warnings", lambda run: {"stuck": "G ignores u2"})
    with pytest.warns(UserWarning, match="G ignores u2"):
        Estimator(settings=QUICK).fit(digits[:20].numpy())


def test_an_interrupted_fit_is_no_fit(digits, monkeypatch):
    def train(*given):
        raise Interrupted(3)

    monkeypatch.setattr(estimator, "train", train)
    found = Estimator(settings=QUICK)
    with pytest.raises(KeyboardInterrupt):
        found.fit(digits[:20].numpy())
    assert not hasattr(found, "model_")


def test_settings_are_said_by_dots_or_in_groups_and_stay_as_they_are(digits):
    X = Estimator()._images(digits[:40].numpy())
    flat = {"train.updates": 300, "train.lr_g": 0.5, "net.widths": (4, 8)}
    given = {"train.lr_g": np.float64(0.5), "train": {"updates": np.int64(300)},
             "net": {"widths": np.array([4, 8])}}  # fmt: skip
    before = repr(given)
    config = Estimator(settings=given)._config(X)
    assert config == Estimator(settings=flat)._config(X)
    assert (config.train.lr_g, config.loss.lam_ramp) == (0.5, 50)  # in proportion
    assert repr(given) == before


def test_a_fit_that_fails_leaves_what_was_there(digits, tmp_path):
    X = digits[:30].numpy()
    found = Estimator(3, settings=QUICK, run=tmp_path / "kept").fit(X)
    model, labels = found.model_, found.labels_
    with pytest.raises(InfoganError, match="is there already; give a new folder, or None"):
        found.fit(X)
    place = tmp_path / "new"
    for wrong in ({"codes": "kaputt!!"}, {"net.kind": "nope"}, {"net.widths": (4,) * 9}):
        with pytest.raises(InfoganError):
            found.set_params(run=place, settings=QUICK | wrong).fit(X)
        assert not place.exists()
    assert found.model_ is model
    assert found.labels_ is labels
    found.set_params(settings=QUICK | {"codes": "z4 + 2u"}).fit(X)
    assert (place / "config.yaml").exists()
    assert not hasattr(found, "labels_")
    with pytest.raises(InfoganError, match="no categorical one"):
        Estimator(settings=QUICK | {"codes": "z4 + 2u"}).fit_predict(X)
    assert Estimator(3, 1, settings=QUICK).fit(X).sample(2, u1=0).shape == (2, 1, 28, 28)


def test_fits_in_any_thread(digits):
    X = digits[:30].numpy()
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(lambda: Estimator(3, settings=QUICK).fit(X)).result()
    np.testing.assert_array_equal(there.labels_, Estimator(3, settings=QUICK).fit(X).labels_)


def test_scaled_pixels_may_be_rounded(digits):
    rows = digits[:30].reshape(30, -1).numpy().astype(float)
    piped = make_pipeline(MinMaxScaler(), Estimator(3, shape=(28, 28), settings=QUICK))
    assert piped.fit_predict(rows).shape == (30,)
    tall = Estimator(3, shape=(196, 4), settings=QUICK | {"net.widths": (4,)})
    assert tall.fit(rows / 255).model_.shape == (1, 196, 4)


def test_a_shape_is_that_of_the_images(digits):
    X = digits[:30].numpy()
    same = Estimator(3, shape=X.shape[1:], settings=QUICK).fit(X)
    np.testing.assert_array_equal(same.labels_, Estimator(3, settings=QUICK).fit(X).labels_)
    with pytest.raises(InfoganError, match=r"shape \(56, 14\), but X holds images .*leave shape"):
        Estimator(3, shape=(56, 14), settings=QUICK).fit(X)
    for wrong in (28, "28", (28, -28), (28, 27)):
        with pytest.raises(InfoganError, match="shape"):
            Estimator(3, shape=wrong, settings=QUICK).fit(X)


def test_what_is_kept_of_an_array_has_no_images(digits, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where commands write if nothing is said
    place = tmp_path / "kept"
    Estimator(3, settings=QUICK, run=place).fit(digits[:30].numpy())
    for command in ("evaluate", "report", "merge", "encode", "sort"):
        with pytest.raises(SystemExit) as done:
            main([command, str(place)])
        assert done.value.code == 2
        assert "learnt from an array" in capsys.readouterr().err
