"""Each guard is provoked by a training, or a model, that has its fault, and silent without it."""

import io
import math
import shutil
from dataclasses import replace

import pytest
import torch

from infogan import guards
from infogan.codes import Gaussian, Uniform
from infogan.config import Config, from_yaml
from infogan.guards import Guards, explained
from infogan.model import InfoGAN
from infogan.prior import Prior
from infogan.progress import Means, Progress
from infogan.report import report
from infogan.run import Run
from infogan.state import State
from infogan.step import advance
from infogan.training import train

BRIGHT = (230 + 20 * torch.rand(256, 1, 8, 8, generator=torch.Generator().manual_seed(0))).byte()


@pytest.fixture
def soon(monkeypatch):
    """Toys show in fifty updates what takes hundreds elsewhere."""
    monkeypatch.setattr(guards, "WARM_UP", 50)
    monkeypatch.setattr(guards, "WINDOW", 20)


def trained(text, updates):
    """What was warned of in so many updates on bright 8×8 images, and the model at the end."""
    config = from_yaml(text, "test", Config())
    state = State.start(config, (1, 8, 8), torch.device("cpu"))
    guard, means, found = Guards(config), Means(), {}
    for _ in range(updates):
        means.add(advance(state, BRIGHT, config, torch.float32))
        if state.update % 10 == 0:
            found |= guard.of_log(means.take(state.update, config.train.batch), state.model.prior)
    model = state.trained(BRIGHT, 0, config.loss)
    return found | guard.of_model(model, state.update), model


def test_D_wins_and_codes_without_weight_are_ignored(soon):
    text = """
    codes: z4 + kind:cat4@1.0e-6 + u@1.0e-6 + bern2@1.0e-6
    net: {kind: mlp, widths: [64], norm: none, q_hidden: 8}
    train: {lr_d: 1.0e-2, lr_g: 1.0e-9, batch: 32}
    """
    found, _ = trained(text, 170)
    assert found.keys() == {"D wins", "ignored kind", "ignored u", "ignored bern"}
    assert "try --loss.r1 1 or --train.lr-d 0.0025" in found["D wins"]
    assert "e.g. kind:cat4@2e-06" in found["ignored kind"]
    assert "R² below 0.1" in found["ignored u"]


def test_a_continuous_code_with_a_tiny_floor_runs_away(soon):
    text = """
    codes: u(floor=0.01)@100
    net: {kind: mlp, widths: [32], norm: none, g_norm: none, q_hidden: 32}
    train: {lr_d: 5.0e-3, lr_g: 5.0e-3, beta1: 0.9, batch: 64, updates: 230, decay_from: 0.3}
    """
    found, _ = trained(text, 230)
    assert found.keys() == {"runaway u"}
    assert "raise the floor of σ and lower λ, e.g. u:u1@50" in found["runaway u"]


def test_many_numbers_that_each_cost_little_are_loud_together():
    """λ L_I of the code is what swamps V: five numbers of 0.34 nats each."""
    of = {"update": 3000, "L_I.u": 5 * 2.3}
    loud = Config(codes="z4 + cat3 + u5@0.15")
    assert guards.runaway(of, loud).keys() == {"runaway u"}
    assert not guards.runaway(of, Config(codes="z4 + cat3 + u5@0.02"))


@pytest.mark.parametrize(("lam", "keys"), [(0.05, set()), (0.5, {"runaway u"})])
def test_what_weighs_little_swamps_nothing(lam, keys):
    """The swiss roll's codes are read to 1/39 of their range, at λ 0.05: as it should be."""
    config = from_yaml(f"codes: u(floor=0.05)@{lam}", "test", Config())
    assert guards.runaway({"update": 3000, "L_I.u": 2.3}, config).keys() == keys


def test_batch_norm_that_only_works_on_batches_is_seen(soon):
    """Real images are bright and G's are not: statistics of both are right for neither."""
    text = """
    codes: z4 + kind:cat4 + u
    net: {kind: mlp, widths: [32, 32], norm: batch, q_hidden: 8}
    train: {lr_d: 3.0e-3, lr_g: 1.0e-4, batch: 32}
    """
    found, model = trained(text, 150)
    assert "batch statistics" in found
    assert "train D without batch norm (--net.norm)" in found["batch statistics"]
    early = Guards(from_yaml(text, "test", Config()))
    assert early.of_model(model, 150, last=False) == {}  # it may come right
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert guards.misleading_statistics(model, 150, seed=1)
    assert not model.training
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    free, _ = trained(text.replace("norm: batch", "norm: none, g_norm: none"), 60)
    assert "batch statistics" not in free


def test_a_G_that_does_not_look_at_z_is_seen(soon):
    model = InfoGAN("z4 + kind:cat4", (1, 8, 8)).eval()
    config = from_yaml("codes: z4 + kind:cat4", "test", Config())
    assert "ignored z" not in Guards(config).of_model(model, 50)
    with torch.no_grad():
        first = next(m for m in model.G.modules() if isinstance(m, torch.nn.Linear))
        first.weight[:, :4] = 0
    guard = Guards(config)
    assert guard.of_model(model, 49) == {}  # still warming up
    assert "fewer or smaller codes" in guard.of_model(model, 50)["ignored z"]
    assert guard.of_model(model, 60) == {}  # said once
    assert guards.z_share(model, torch.Generator().manual_seed(1)) < 1e-6
    without = InfoGAN("kind:cat4", (1, 8, 8)).eval()
    assert guards.ignored_z(without, 50, seed=0) == {}


def test_a_code_is_given_time_and_a_plain_gan_is_left_alone():
    config = from_yaml("{codes: z4 + digit:cat10 + u, loss: {lam_ramp: 100}}", "test", Config())
    mean, prior = {"update": 600, "L_I.digit": 0.9, "L_I.u": 0.3}, Prior.parse(config.codes)
    found = guards.ignored_codes(mean, config, prior)
    assert "raise its λ, e.g. digit:cat10@2" in found["ignored digit"]
    assert not guards.ignored_codes(mean | {"L_I.digit": 1.2}, config, prior)
    assert not guards.ignored_codes(mean | {"update": 590}, config, prior)  # still warming up
    assert not guards.ignored_codes(mean, replace(config, objective="gan"), prior)  # nobody asked
    late = replace(config, loss=replace(config.loss, lam_starts=(300,)))
    flat = mean | {"L_I.digit": 2.0, "L_I.u": -0.17}
    assert guards.ignored_codes(flat, config, prior).keys() == {"ignored u"}
    assert not guards.ignored_codes(flat, late, prior)  # its λ set in 300 updates ago


def test_a_learned_prior_of_little_entropy_is_read_by_that_entropy():
    """Two kinds that stand 92 : 8 have 0.279 nats: a Q that reads them all is no fault."""
    config = from_yaml("codes: 'z4 + kind:cat2(learned)'", "test", Config())
    prior = Prior.parse(config.codes).moved({"kind": torch.tensor([0.92, 0.08]).double()})
    line = {"update": 900, "loss_D": 1.0, "L_I.kind": 0.27}
    assert not Guards(config).of_log(line, prior)
    assert Guards(config).of_log(line | {"L_I.kind": 0.13}, prior).keys() == {"ignored kind"}


def test_votes_that_wait_beyond_their_time_are_told():
    text = "loss: {pairs: 3, votes: 4, votes_from: 200, votes_every: 100, votes_alone_from: 250}"
    config = from_yaml(text, "test", Config())
    prior = Prior.parse(config.codes)
    read = {"L_I.digit": 2.2, "L_I.u1": 0.5, "L_I.u2": 0.5, "loss_D": 1.0}
    waiting, counting = read | {"I_pairs.digit": 9.0}, read | {"votes.digit": -0.1}
    late = Guards(config).of_log(waiting | {"update": 410}, prior)["votes wait"]
    assert "votes wait at update 410, though asked for from 200 on" in late
    assert not Guards(config).of_log(waiting | {"update": 400}, prior)  # asked again at 300
    assert not Guards(config).of_log(counting | {"update": 410}, prior)
    without = replace(config, loss=replace(config.loss, votes=0.0))
    assert not Guards(without).of_log(waiting | {"update": 410}, prior)


@pytest.mark.parametrize("sigma", [None, 0.3, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_R2_that_a_bound_stands_for(sigma, share):
    """A Q whose mean explains a share of c, its errors Gaussian, its σ right where it may be."""
    for code, variance in (
        (Uniform("u", 1.0, 2, 0.1, sigma, -1.0, 3.0), 16 / 12),
        (Gaussian("g", 1.0, 3, 0.1, sigma), 1.0),
    ):
        mse = (1 - share) * variance
        s = sigma or math.sqrt(mse)
        nats = code.entropy() - code.d * (0.5 * math.log(2 * math.pi * s * s) + mse / (2 * s * s))
        assert explained(code, nats) == pytest.approx(share)


def test_a_warning_is_said_once_and_is_in_log_terminal_and_report(
    tiny, digits, tmp_path, monkeypatch
):
    monkeypatch.setattr(guards, "WARM_UP", 1)
    tiny = replace(tiny, loss=replace(tiny.loss, lam_starts=()))
    run, said = Run.create(tmp_path / "run", tiny, "test"), io.StringIO()
    shown = Progress(Prior.parse(tiny.codes), said)
    train(tiny, digits, run, shown)
    assert said.getvalue().count("warning: G ignores 'digit' at update 4") == 1
    assert len(run.history()) == 3
    assert all("warning" not in record for record in run.history())
    found = run.warnings()
    assert found["ignored digit"].startswith("G ignores 'digit' at update 4")
    shutil.rmtree(run.path / "checkpoints" / "000006")
    longer = replace(tiny, train=replace(tiny.train, updates=8))
    again = io.StringIO()
    model = train(longer, digits, run, Progress(Prior.parse(tiny.codes), again))
    assert run.checkpoints() == [6, 8]  # it went back to 4
    assert "'digit'" not in again.getvalue()
    assert run.warnings()["ignored digit"] == found["ignored digit"]
    metrics = {"protocol.information": "", **_information(model)}
    page = report(run, model, metrics).read_text()
    assert page.index("Warnings") < page.index("G ignores &#x27;digit&#x27; at update 4")


def _information(model):
    keys = [f"information.{c.name}.{k}" for c in model.prior for k in ("L_I", "se", "H")]
    return dict.fromkeys(keys, 0.0)


def test_a_run_without_warnings_has_none_in_its_report(finished):
    assert finished.warnings() == {}
    assert "Warnings" not in (finished.path / "report.html").read_text()
