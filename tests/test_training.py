"""The loop's promises, its warnings, and a toy on which I(c; x) is known."""

import io
import math
import signal

import pytest
import torch

from infogan.config import Config, from_yaml
from infogan.descent import NonFinite
from infogan.errors import InfoganError
from infogan.metrics.information import information
from infogan.progress import Progress
from infogan.run import Run
from infogan.training import Interrupted, train
from infogan.update import train_step


def with_(config, text):
    return from_yaml(text, "test", config)


def test_labels_cannot_reach_training():
    """`train` takes images only; nothing in it or below it has a name for labels."""
    import inspect

    from infogan import objective, state, training

    assert list(inspect.signature(train).parameters)[1] == "images"
    for module in (training, objective, state):
        code = inspect.getsource(module)
        assert ".labels" not in code
        assert "load(" not in code.replace("def load(", "").replace("state.load(", "")


def test_a_code_that_would_set_in_after_the_end_is_warned_of(tiny, digits, tmp_path):
    said = io.StringIO()
    config = with_(tiny, "{loss: {lam_starts: [0, 9]}, train: {updates: 2}}")
    go(config, digits, tmp_path / "run", said)
    assert "λ of u2 sets in at update 9, after the last (2)" in said.getvalue()
    assert "λ of u1" not in said.getvalue()


def go(config, digits, path, stream=None):
    run = Run.open(path) if Run.exists(path) else Run.create(path, config, "test")
    from infogan.prior import Prior

    return run, train(config, digits, run, Progress(Prior.parse(config.codes), stream))


def test_a_run_that_goes_on_ends_bit_for_bit_like_one_that_never_stopped(
    tiny, digits, tmp_path, monkeypatch
):
    whole, _ = go(tiny, digits, tmp_path / "whole")

    real_step, count = train_step, 0

    def stop_in_the_fifth(*args):
        nonlocal count
        count += 1
        if count == 5:
            raise RuntimeError("the machine goes down")
        return real_step(*args)

    monkeypatch.setattr("infogan.step.train_step", stop_in_the_fifth)
    with pytest.raises(RuntimeError, match="goes down"):
        go(tiny, digits, tmp_path / "torn")
    monkeypatch.setattr("infogan.step.train_step", real_step)
    assert Run.open(tmp_path / "torn").checkpoints() == [2, 4]
    torn, _ = go(tiny, digits, tmp_path / "torn")
    weights = "model/model.safetensors"
    assert (whole.path / weights).read_bytes() == (torn.path / weights).read_bytes()
    strip = [
        {k: v for k, v in r.items() if k not in ("seconds", "images_per_s")}
        for r in whole.history()
    ]
    again = [
        {k: v for k, v in r.items() if k not in ("seconds", "images_per_s")} for r in torn.history()
    ]
    assert strip == again


def test_ctrl_c_saves_and_the_run_goes_on(tiny, digits, tmp_path, monkeypatch):
    real_step = train_step

    def press(state, *args):
        terms = real_step(state, *args)
        if state.update == 3:
            signal.raise_signal(signal.SIGINT)
        return terms

    monkeypatch.setattr("infogan.step.train_step", press)
    with pytest.raises(Interrupted) as stopped:
        go(tiny, digits, tmp_path / "run")
    assert stopped.value.update == 3
    assert Run.open(tmp_path / "run").checkpoints()[-1] == 3
    monkeypatch.setattr("infogan.step.train_step", real_step)
    torn, _ = go(tiny, digits, tmp_path / "run")
    whole, _ = go(tiny, digits, tmp_path / "whole")
    weights = "model/model.safetensors"
    assert (whole.path / weights).read_bytes() == (torn.path / weights).read_bytes()


def test_fewer_updates_than_are_done_is_refused(tiny, digits, tmp_path):
    run, _ = go(tiny, digits, tmp_path / "run")
    with pytest.raises(InfoganError, match="at update 6 already, beyond train.updates 4"):
        go(with_(tiny, "train: {updates: 4}"), digits, run.path)


@pytest.mark.parametrize("part", ["loss_D", "loss_G", "L_I.digit", "I_pairs.digit"])
def test_a_term_that_is_not_finite_stops_and_keeps_the_checkpoint(
    tiny, digits, tmp_path, monkeypatch, part
):
    from infogan import moves, step

    real_D, real_G = moves.objective_D, moves.objective_G
    calls = 0

    def spoil(real):
        def spoiled(*args):
            loss, terms = real(*args)
            if calls >= 4 and part in terms:
                terms[part] = terms[part] * math.nan
                loss = loss + terms[part]
            return loss, terms

        return spoiled

    def counted(*args):
        nonlocal calls
        calls += 1
        return real_step(*args)

    real_step = train_step
    monkeypatch.setattr(moves, "objective_D", spoil(real_D))
    monkeypatch.setattr(moves, "objective_G", spoil(real_G))
    monkeypatch.setattr(step, "train_step", counted)
    with pytest.raises(NonFinite, match=rf"{part} is infinite or NaN at update 3"):
        go(tiny, digits, tmp_path / "run")
    update, flat = Run.open(tmp_path / "run").restore()
    assert update == 2
    assert all(t.isfinite().all() for t in flat.values() if t.is_floating_point())


def test_a_weight_that_is_not_finite_is_never_saved(tiny, digits, tmp_path, monkeypatch):
    """A gradient can be NaN where the loss is finite."""
    real_step = train_step

    def spoil(state, *args):
        terms = real_step(state, *args)
        if state.update == 4:
            state.model.D.weight.data[0, 0] = math.nan
        return terms

    monkeypatch.setattr("infogan.step.train_step", spoil)
    with pytest.raises(NonFinite, match=r"model\.D\.weight"):
        go(tiny, digits, tmp_path / "run")
    assert Run.open(tmp_path / "run").checkpoints() == [2]


def test_tensorboard_is_optional_and_holds_the_log(tiny, digits, tmp_path):
    config = with_(tiny, "train: {tensorboard: true}")
    run, _ = go(config, digits, tmp_path / "run")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.path / "tensorboard"))
    events.Reload()
    assert [e.step for e in events.Scalars("L_I.digit")] == [2, 4, 6]


def test_learning_on_a_toy_whose_information_is_known(tmp_path):
    """Four kinds of 8×8 images: I(c; x) <= ln 4, and in seconds Q reads nearly all of it."""
    g = torch.Generator().manual_seed(0)
    quarter = torch.zeros(4, 1, 8, 8)
    for k in range(4):
        quarter[k, 0, 4 * (k // 2) : 4 * (k // 2) + 4, 4 * (k % 2) : 4 * (k % 2) + 4] = 200.0
    kinds = torch.randint(4, (2000,), generator=g)
    noise = 30 * torch.rand(2000, 1, 8, 8, generator=g)
    images = (quarter[kinds] + noise).byte()
    text = """
    codes: z4 + kind:cat4
    net: {kind: mlp, widths: [64, 32], norm: none, q_hidden: 16}
    loss: {pairs: 2, lam_ramp: 100}
    augment: {rotation: 0, shear: 0, scale: 0, shift: 0.05}
    train: {updates: 400, ema: 0.9, batch: 64, lr_d: 1.0e-3, lr_g: 2.0e-3, threads: 1}
    """
    _, model = go(with_(Config(), text), images, tmp_path / "run")
    measured = information(model, 2000, seed=5)
    # 3 standard errors above the truth would be a wrong bound
    assert measured["information.kind.L_I"] < math.log(4) + 3 * measured["information.kind.se"]
    assert measured["information.kind.L_I"] > 0.9 * math.log(4)
    categories = model.infer(images)["kind"].probs.argmax(1)
    pairs = {(a, b) for a, b in zip(kinds.tolist(), categories.tolist())}
    assert len(pairs) == 4  # each kind of real image is one category
