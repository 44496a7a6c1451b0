"""Short starts: the best goes on, and an interruption changes nothing."""

import io
import json
import signal

import pytest
import torch

from infogan import restarts
from infogan.config import from_yaml
from infogan.data import batch_indices, to_float
from infogan.prior import Prior
from infogan.progress import Progress
from infogan.run import Run
from infogan.state import State
from infogan.training import Interrupted, train
from infogan.update import train_step


@pytest.fixture
def config(tiny):
    """Three starts of three updates, in a run of six."""
    return from_yaml("train: {restarts: 3, restart_updates: 3, checkpoint_every: 4}", "test", tiny)


def go(config, digits, path):
    run = Run.open(path) if Run.exists(path) else Run.create(path, config, "test")
    said = io.StringIO()
    return run, train(config, digits, run, Progress(Prior.parse(config.codes), said)), said


def score_of(seed, config, digits):
    """The mean of I_m over the first three updates of a state with that seed."""
    seeded = from_yaml(f"train: {{seed: {seed}}}", "test", config)
    state = State.start(seeded, (1, 28, 28), torch.device("cpu"))
    scores = []
    for update in range(3):
        pick = batch_indices(len(digits), config.train.batch, update, config.train.seed)
        x = to_float(digits[pick]).contiguous(memory_format=torch.channels_last)
        scores.append(train_step(state, x, config, torch.float32)["I_pairs.digit"].item())
    return sum(scores) / 3


def test_the_start_with_most_information_goes_on(config, digits, tmp_path):
    config = from_yaml("train: {precision: float32}", "test", config)
    run, _, said = go(config, digits, tmp_path / "run")
    facts = json.loads((run.path / "starts.json").read_text())
    by_hand = [score_of(restarts.STRIDE * k, config, digits) for k in range(3)]
    assert facts["I_pairs"] == pytest.approx(by_hand, abs=1e-4)
    assert facts["kept"] == by_hand.index(max(by_hand))
    assert len(set(by_hand)) == 3
    assert f"going on with start {facts['kept'] + 1}" in said.getvalue()
    updates = [record["update"] for record in run.history()]
    assert updates == sorted(set(updates))
    assert updates[-1] == config.train.updates
    assert run.seconds() > sum(record["seconds"] for record in run.history())


def test_the_first_start_whose_categories_stand_is_taken_at_once(
    config, digits, tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr(restarts, "unsettled", lambda *_: asked.append(1) or len(asked) < 2)
    run, _, said = go(config, digits, tmp_path / "run")
    facts = json.loads((run.path / "starts.json").read_text())
    assert len(facts["I_pairs"]) == 2
    assert facts["kept"] == 1
    assert "going on with start 2, whose categories stand" in said.getvalue()
    assert [record["update"] for record in run.history()][-1] == config.train.updates


def test_the_kept_start_goes_on_as_if_it_were_alone(config, digits, tmp_path):
    """The first start has the run's own seed: where it is kept, the run ends like one without."""
    for seed in range(6):
        seeded = from_yaml(f"train: {{seed: {seed}}}", "test", config)
        run, model, _ = go(seeded, digits, tmp_path / str(seed))
        if json.loads((run.path / "starts.json").read_text())["kept"] == 0:
            break
    alone = from_yaml("train: {restarts: 1}", "test", seeded)
    _, other, _ = go(alone, digits, tmp_path / "alone")
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), other.parameters()))


def test_stopped_among_the_starts_it_begins_anew_and_ends_the_same(
    config, digits, tmp_path, monkeypatch
):
    whole, _, _ = go(config, digits, tmp_path / "whole")
    real, calls = restarts.advance, 0

    def stop_once(*args):
        nonlocal calls
        calls += 1
        if calls == 5:
            signal.raise_signal(signal.SIGINT)
        return real(*args)

    monkeypatch.setattr(restarts, "advance", stop_once)
    with pytest.raises(Interrupted) as stopped:
        go(config, digits, tmp_path / "torn")
    assert stopped.value.update == 0
    torn, _, _ = go(config, digits, tmp_path / "torn")
    weights = "model/model.safetensors"
    assert (whole.path / weights).read_bytes() == (torn.path / weights).read_bytes()


@pytest.mark.parametrize("text", ["loss: {pairs: 0}", "objective: gan", "codes: z4 + 2u@0.5"])
def test_without_pairs_the_value_of_the_game_tells_them_apart(config, digits, tmp_path, text):
    """−V_I = loss_D + Σ λ L_I: what D and Q minimize, with its sign turned for L_I."""
    config = from_yaml(text, "test", config)
    config = from_yaml("{train: {precision: float32}, loss: {lam_ramp: 0}}", "test", config)
    run, _, said = go(config, digits, tmp_path / "run")
    facts = json.loads((run.path / "starts.json").read_text())
    assert len(set(facts["game"])) == 3
    assert facts["kept"] == facts["game"].index(max(facts["game"]))
    kept = [r for r in run.history() if r["update"] <= 3]
    steps = [b["update"] - a for a, b in zip([0, *(r["update"] for r in kept)], kept)]
    value = 0.0
    for record, n in zip(kept, steps, strict=True):
        value += n * record["loss_D"]
        for code in Prior.parse(config.codes):
            lam = 0 if config.objective == "gan" else code.lam
            value += n * lam * record[f"L_I.{code.name}"]
    assert facts["game"][facts["kept"]] == pytest.approx(value / 3, abs=1e-5)
    assert "−V_I of the game" in said.getvalue()


def test_starts_have_no_votes_that_would_take_the_place_of_their_score(
    config, digits, tmp_path, monkeypatch
):
    """Asked for from the first update on, with nothing that they wait for, they begin after the
    start."""
    monkeypatch.setattr("infogan.step.unsettled", lambda *_: False)
    voting = from_yaml("loss: {votes: 5, votes_from: 1, votes_every: 1}", "test", config)
    scores = []
    for name, each in (("voting", voting), ("without", config)):
        run, _, _ = go(each, digits, tmp_path / name)
        scores.append(json.loads((run.path / "starts.json").read_text())["I_pairs"])
        assert ("votes.digit" in list(run.history())[-1]) == (name == "voting")
    assert scores[0] == scores[1]
    assert len(scores[0]) == 3


def test_a_short_run_has_no_starts(config, digits, tmp_path):
    short = from_yaml("train: {updates: 3}", "test", config)
    run, _, _ = go(short, digits, tmp_path / "run")
    assert not (run.path / "starts.json").exists()


def test_tensorboard_holds_the_kept_start_too(config, digits, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run, _, _ = go(
        from_yaml("train: {tensorboard: true}", "test", config), digits, tmp_path / "run"
    )
    events = EventAccumulator(str(run.path / "tensorboard"))
    events.Reload()
    logged = [record["update"] for record in run.history()]
    assert [e.step for e in events.Scalars("L_I.digit")] == logged
    assert logged[0] <= config.train.restart_updates
