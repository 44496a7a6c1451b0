"""A recording gives what computing gives, whatever changes under it; the rest is computed.

Where there is no GPU a stand-in records: like a CUDA graph it computes nothing while recording, and
launches the same at each playing.
"""

import inspect
import io

import pytest
import torch

from infogan import recording
from infogan.config import from_yaml
from infogan.recording import WARM_UP, Recorder
from infogan.scout import Scout
from infogan.state import State
from infogan.step import advance

CPU = torch.device("cpu")


class Launches:
    """In place of CUDA's graphs: the objective again, on the tensors that it was recorded with, its
    results in the memory of the first time."""

    def __init__(self, monkeypatch):
        self.recorded = self.played = 0
        monkeypatch.setattr(recording, "_pool", lambda: "a pool")
        monkeypatch.setattr(recording, "_recorded", self.record)

    def record(self, launch, pool):
        assert pool == "a pool"
        self.recorded += 1
        made = inspect.getclosurevars(launch).nonlocals["self"]
        first = []

        def play():
            self.played += 1
            launch()
            results = [made.values, *made.gradients]
            first[:] = first or results
            for old, new in zip(first, results, strict=True):
                if new is not None:
                    old.copy_(new)
            made.values, *made.gradients = first
            for p in made.parameters:
                p.grad = None

        return play


@pytest.fixture
def launches(monkeypatch):
    return Launches(monkeypatch)


def line(given):
    """(a x)², of which a learns."""
    loss = (given["a"] * given["x"]).square().sum()
    return loss, {"half": loss / 2}


def test_a_recording_is_made_after_some_computations_and_played_from_then_on(launches):
    recorder, a = Recorder(), torch.tensor(3.0, requires_grad=True)
    for i in range(WARM_UP + 4):
        given = {"x": torch.tensor([1.0, float(i)])}
        a.grad = None
        found = recorder.recording("line", lambda of: line({**of, "a": a}), given, [a])
        assert (found is None) == (i < WARM_UP)
        if found:
            loss, terms = found.play(given)
            assert loss.item() == 9 * (1 + i * i)
            assert terms["half"].item() == loss.item() / 2
            assert a.grad.item() == 6 * (1 + i * i)
            assert not loss.requires_grad
    assert (launches.recorded, launches.played) == (1, 4)


def test_what_it_gave_stays_when_it_is_played_again(launches):
    recorder, a = Recorder(), torch.tensor(3.0, requires_grad=True)
    kept = []
    for i in range(WARM_UP + 3):
        given = {"x": torch.tensor([float(i)])}
        a.grad = None
        found = recorder.recording("line", lambda of: line({**of, "a": a}), given, [a])
        if found:
            kept.append(found.play(given))
    assert [terms["half"].item() for _, terms in kept] == [9 * i * i / 2 for i in (3, 4, 5)]


def test_another_key_shape_name_or_type_is_another_recording(launches):
    recorder, a = Recorder(), torch.tensor(3.0, requires_grad=True)

    def objective(of):
        return line({"a": a, "x": next(recording._tensors(of)).float()})

    one = torch.ones(2)
    others = [("k", {"x": one}), ("l", {"x": one}), ("k", {"y": one}), ("k", {"x": one.repeat(2)})]
    others += [("k", {"x": one.long()}), ("k", {"x": one, "z": None}), ("k", {"w": {"x": one}})]
    for n, (key, given) in enumerate(others, 1):
        for _ in range(WARM_UP + 2):
            recorder.recording(key, objective, given, [a])
        assert launches.recorded == n


def test_the_oldest_goes_where_there_are_too_many(launches, monkeypatch):
    monkeypatch.setattr(recording, "MOST", 2)
    recorder, a = Recorder(), torch.tensor(3.0, requires_grad=True)
    given = {"x": torch.ones(2)}

    def ask(key, times=1):
        for _ in range(times):
            found = recorder.recording(key, lambda of: line({**of, "a": a}), given, [a])
        return found

    ask("a", WARM_UP + 1), ask("b", WARM_UP + 1), ask("a"), ask("c", WARM_UP + 1)
    assert launches.recorded == 3
    ask("a"), ask("c")
    assert launches.recorded == 3
    assert ask("b") is not None  # made anew, at once
    assert launches.recorded == 4


def test_what_cannot_be_recorded_is_computed_and_says_why(monkeypatch):
    def refuse(launch, pool):
        launch()
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(recording, "_pool", lambda: "a pool")
    monkeypatch.setattr(recording, "_recorded", refuse)
    recorder, a = Recorder(), torch.tensor(3.0, requires_grad=True)
    given = {"x": torch.ones(2)}
    for _ in range(WARM_UP + 3):
        a.grad = None
        found = recorder.recording("line", lambda of: line({**of, "a": a}), given, [a])
        assert found is None
        assert a.grad is None  # what was left of the attempt would be added to
    assert recorder.refused == "operation not permitted when stream is capturing"


PHASES = """
net: {q_linear: true}
loss:
  lam_ramp: 12
  lam_starts: [0, 5]
  pairs: 3
  alike: 0.01
  alike_until: 9
  lam_d_categorical: 0.5
  lam_d_continuous: 0.2
  r1: 0.1
  r1_every: 2
  votes: 4
  votes_from: 16
  votes_every: 8
  votes_alone_from: 26
  votes_alone_fakes: 0.25
augment: {neighbours_until: 14, erase: 0.5, erase_from: 20, warp: 0.1, warp_from: 20}
train: {d_steps: 1, g_steps: 1, ema_d: 0.9, decay_from: 0.5, updates: 40}
"""


@pytest.mark.parametrize(
    ("text", "recorded_at_all"),
    [
        ("train: {updates: 40}", True),
        ("train: {d_steps: 2, g_steps: 2}", True),
        ("loss: {diffaugment: 0.5}", True),
        ("loss: {adversarial: relativistic, r2: 0.1, diffaugment: 0.5}", True),
        ("net: {norm: spectral, q_norm: true}", True),
        ("objective: gan", True),
        ("codes: 'z4 + digit:cat10(learned) + 2u@0.1'", True),
        ("loss: {instance_noise: 0.4, instance_noise_until: 30}", True),
        ("loss: {adversarial: wasserstein, gp: 1}", True),
        ("loss: {alone: 3, instance_noise: 0.1}", True),
        ("loss: {contrast: 2, contrast_from: 12, alone: 1, diffaugment: 0.5}", True),
        ("{codes: 'z4 + cat3(0.2, 0.3, 0.5) + 2u', loss: {votes: 0}}", False),  # P(c) lies there
    ],
)
def test_a_run_that_is_recorded_is_the_run_that_is_computed(
    tiny, digits, launches, monkeypatch, text, recorded_at_all
):
    """Through a ramp, look-alikes, R1 in every second update, votes, and Q alone, to the bit."""
    monkeypatch.setattr("infogan.step.unsettled", lambda *_: False)
    config = from_yaml(text, "test", from_yaml(PHASES, "test", tiny))
    plain, recorded = (State.start(config, (1, 28, 28), CPU) for _ in range(2))
    recorded.recorder = Recorder()
    for _ in range(40):
        ours = advance(plain, digits, config, torch.float32)
        theirs = advance(recorded, digits, config, torch.float32)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (launches.played > 10) == (launches.recorded > 1) == recorded_at_all
    flat, other = plain.tensors(), recorded.tensors()
    assert all(torch.equal(flat[name], other[name]) for name in flat)


def test_another_P_of_c_is_recorded_anew(tiny, digits, launches):
    """H(c) is a number in the recording."""
    learned = "{codes: 'z4 + digit:cat10(learned) + 2u@0.1', loss: {pairs: 0}}"
    config = from_yaml(learned, "test", tiny)
    state = State.start(config, (1, 28, 28), CPU)
    state.recorder = Recorder()
    for _ in range(WARM_UP + 3):
        advance(state, digits, config, torch.float32)
    assert launches.played == 3 * 2
    state.learn_prior({"digit": torch.arange(5)})
    advance(state, digits, config, torch.float32)
    assert launches.played == 3 * 2


def test_a_scout_that_is_recorded_finds_the_same(tiny, digits, launches):
    config = from_yaml("train: {scout_updates: 8}", "test", tiny)
    first = State.start(config, (1, 28, 28), CPU)
    plain, recorded = (Scout(config, first, digits, torch.float32) for _ in range(2))
    recorded.state.recorder = Recorder()
    assert [*plain.explore()] == [*recorded.explore()]
    assert launches.played == 8 - WARM_UP
    assert torch.equal(plain.layer.weight, recorded.layer.weight)


def test_nothing_is_recorded_where_there_is_no_gpu(tiny):
    assert State.start(tiny, (1, 28, 28), CPU).recorder is None


def test_a_run_whose_steps_cannot_be_recorded_says_so_once(tiny, digits, tmp_path, monkeypatch):
    from test_training import go

    def refuse(launch, pool):
        raise RuntimeError("not while capturing")

    monkeypatch.setattr(recording, "_pool", lambda: None)
    monkeypatch.setattr(recording, "_recorded", refuse)
    real = State.start

    def started(*args):
        state = real(*args)
        state.recorder = Recorder()
        return state

    monkeypatch.setattr(State, "start", started)
    said = io.StringIO()
    go(tiny, digits, tmp_path / "run", said)
    assert said.getvalue().count("steps are launched one by one: not while capturing") == 1


def means(state, adam):
    """Of all gradients, as one vector."""
    moments = getattr(state, adam).state.values()
    return torch.cat([moment["exp_avg"].flatten() for moment in moments])


TOLERANCE = {torch.float32: 2e-3, torch.bfloat16: 3e-2}
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
GPU = torch.device("cuda")


@needs_gpu
@pytest.mark.parametrize(
    "text", ["{}", "loss: {diffaugment: 0.5}", "net: {norm: spectral}", "net: {kind: resnet}",
             "train: {shared_fakes: true, g_steps: 2}", "objective: gan",
             "loss: {instance_noise: 0.4, instance_noise_until: 30, gp: 1}", "loss: {alone: 3}",
             "{train: {g_steps: 2}, loss: {contrast: 2, contrast_from: 12}}"]
)  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_a_gpu_a_recorded_step_is_the_computed_one(tiny, digits, monkeypatch, text, dtype):
    """From the same state, in every phase: to rounding, since some sums there have no order. What
    is compared are gradients, as Adam's means have them: a bias before batch norm has none but
    rounding, which Adam's steps make as large as any."""
    monkeypatch.setattr("infogan.step.unsettled", lambda *_: False)
    config = from_yaml(text, "test", from_yaml(PHASES, "test", tiny))
    plain, recorded = (State.start(config, (1, 28, 28), GPU) for _ in range(2))
    plain.recorder = None
    for _ in range(40):
        plain.load(recorded.update, recorded.tensors())
        ours = advance(plain, digits, config, dtype)
        theirs = advance(recorded, digits, config, dtype)
        for name, value in ours.items():
            torch.testing.assert_close(theirs[name], value, rtol=2e-2, atol=2e-2, msg=name)
        for adam in ("adam_D", "adam_G"):
            ours, theirs = (means(state, adam) for state in (plain, recorded))
            assert (ours - theirs).abs().max() <= TOLERANCE[dtype] * ours.abs().max()
    assert recorded.recorder.refused == ""
    assert len(recorded.recorder._kept) > 2


@needs_gpu
def test_on_a_gpu_a_network_that_looks_at_a_number_is_computed(tiny, digits):
    state = State.start(tiny, (1, 28, 28), GPU)
    body = state.model.trunk.forward
    state.model.trunk.forward = lambda x: body(x) * (1.0 if x.sum().item() > -1 else 2.0)
    for _ in range(WARM_UP + 3):
        terms = advance(state, digits, tiny, torch.float32)
    assert all(term.isfinite() for term in terms.values())
    assert state.recorder.refused
