"""Two processes under torchrun are one run, and one that dies is said. A launch takes seconds."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from command import infogan
from safetensors.torch import load_file

from infogan import processes
from infogan.errors import InfoganError
from infogan.run import Run

# every term there is, D and G free of batch norm, rows that do not divide evenly among look-alikes
EVERYTHING = """
codes: z4 + digit:cat10 + kind:cat3 + 2u@0.1 + g2(sigma=0.5) + bern2
net: {widths: [4, 8], fc: 16, q_hidden: 8, norm: none, g_norm: none, q_linear: true}
loss: {lam_starts: [0], lam_ramp: 2, pairs: 8, alike: 0.1, r1: 0.1, r2: 0.1, gp: 0.1, contrast: 1,
       contrast_from: 5, votes: 2, votes_from: 12, votes_every: 5}
augment: {neighbours_until: 10, warp: 0.02}
train: {updates: 20, batch: 18, log_every: 5, checkpoint_every: 10, sample_every: 50, threads: 1,
        d_steps: 2, g_steps: 2, ema_d: 0.9, precision: float32}
"""
IN_DOUBLE = "import torch; torch.set_default_dtype(torch.float64); from infogan.cli import main; "
SLOW_TO_SAY = """
import time
from infogan import processes
from infogan.cli import main
speaks = processes.speaks
processes.speaks = lambda: [time.sleep(1), speaks()][1]
main()
"""
ENV = os.environ | {"OMP_NUM_THREADS": "1"}


def launch(*args):
    """Two processes of a module or a script."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", *args]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([str(arg) for arg in command], env=ENV, **pipe)


@pytest.fixture
def doubles():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_two_processes_are_one_run_and_one_goes_on_with_it(tmp_path, doubles, monkeypatch):
    """All terms, 20 updates: 1e-9, since Adam makes a gradient of 1e-17 a step of 1e-12."""
    settings, script = tmp_path / "all.yaml", tmp_path / "double.py"
    settings.write_text(EVERYTHING)
    monkeypatch.setattr("infogan.step.unsettled", lambda *_: False)  # votes come early
    early = "import infogan.step; infogan.step.unsettled = lambda *_: False; "
    script.write_text(IN_DOUBLE + early + "main()")
    args = ["train", "--config", settings, "--no-report", "--out"]
    two = launch(script, *args, tmp_path / "two")
    assert infogan(*args, tmp_path / "one") == 0
    said, _ = two.communicate(timeout=120)
    assert two.returncode == 0, said
    assert said.count("trained in") == 1  # the first process alone speaks

    seen = [set(record) for record in Run.open(tmp_path / "one").history()]
    assert "I_pairs.digit" in seen[0]
    assert "votes.kind" in seen[-1]

    def difference(update):
        flats = []
        for name in ("one", "two"):
            run = Run.open(tmp_path / name)
            for later in [u for u in run.checkpoints() if u > update]:
                shutil.rmtree(run.path / "checkpoints" / f"{later:06d}")
            flats.append(run.restore()[1])
        one, two = flats
        assert one.keys() == two.keys()
        assert one["model.D.weight"].dtype == torch.float64
        return max(float((one[k].double() - two[k].double()).abs().max()) for k in one)

    assert difference(20) < 1e-9
    logs = [Run.open(tmp_path / name).history() for name in ("one", "two")]
    for a, b in zip(*logs, strict=True):
        for key in a.keys() - {"seconds", "images_per_s"}:
            assert a[key] == pytest.approx(b[key], abs=1e-8), key
    assert difference(10) < 1e-9
    assert infogan("train", "--out", tmp_path / "two", "--resume", "--no-report") == 0
    weights = (load_file(tmp_path / name / "model/model.safetensors") for name in ("one", "two"))
    for a, b in zip(*(w.values() for w in weights), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def test_one_that_dies_ends_the_other_and_the_run_goes_on(tmp_path, tiny_yaml):
    """torchrun sees a death within a tenth of a second and ends the other, too, which here takes a
    second to say why."""
    out, script = tmp_path / "run", tmp_path / "slow.py"
    script.write_text(SLOW_TO_SAY)
    args = ["train", "--config", tiny_yaml, "--no-report", "--out", out]
    job = launch(script, *args, "--train.updates", "100000")
    while len(list(out.glob("checkpoints/[0-9]*"))) < 2:
        assert job.poll() is None, job.communicate()[0]
        time.sleep(0.05)
    os.kill(rank_of(job.pid, 1), signal.SIGKILL)
    began = time.monotonic()
    said, _ = job.communicate(timeout=60)
    assert time.monotonic() - began < 60
    assert job.returncode
    assert said.count("infogan: another process of the run died") == 1
    assert 'File "' not in said.partition("infogan: another")[0]  # no traceback of ours
    last, _ = Run.open(out).restore()
    assert (
        infogan("train", "--out", out, "--resume", "--no-report", "--train.updates", last + 2) == 0
    )
    assert Run.open(out).checkpoints()[-1] == last + 2


def rank_of(launcher, rank):
    """The process of a rank below torchrun's."""
    for task in Path(f"/proc/{launcher}/task").iterdir():
        for pid in (task / "children").read_text().split():
            if f"\0RANK={rank}\0" in Path(f"/proc/{pid}/environ").read_text():
                return int(pid)
    raise AssertionError("no such process")


def test_a_mistake_is_said_once(tmp_path):
    mistakes = (["evaluate", str(tmp_path)], 0), (["train", "--bogus", "3"], 0), (["train", "?"], 1)
    jobs = []
    for args, rank in mistakes:
        env = ENV | {"WORLD_SIZE": "2", "RANK": str(rank)}
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "infogan", *args]
        jobs.append((rank, subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True)))
    for rank, job in jobs:
        out, err = job.communicate(timeout=60)
        assert (job.returncode, out) == (2, "")
        assert err.count("\n") == 1 - rank, err


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    processes.check(7)  # alone
    monkeypatch.setattr(processes, "size", lambda: 3)
    processes.check(12)
    for batch, instead in ((10, 12), (9, 12), (128, 129)):
        with pytest.raises(InfoganError, match=f"cannot be shared by 3 .* --train.batch {instead}"):
            processes.check(batch)


def test_alone_everything_is_as_it_was():
    x = torch.arange(6.0)
    assert processes.mine(x) is x
    assert processes.gathered(x) is x
    assert (processes.rank(), processes.size(), processes.total(3)) == (0, 1, 3)
    assert processes.anyone(True)
    assert not processes.differs(3)
    draws = [torch.Generator().manual_seed(0) for _ in range(2)]
    assert torch.equal(
        processes.rand(3, 2, generator=draws[0]), torch.rand(3, 2, generator=draws[1])
    )


def test_by_itself_a_process_draws_as_one_alone(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(processes, "_world", processes._World(1, 2, None, cpu))

    def drawn():
        return processes.rand(3, generator=torch.Generator().manual_seed(0))

    everyone = torch.rand(6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(drawn(), everyone[1::2])
    with processes.by_itself():
        alone = drawn()
    assert torch.equal(alone, torch.rand(3, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(drawn(), everyone[1::2])


def test_the_command_that_makes_a_run_again_begins_as_many(monkeypatch):
    assert processes.command() == ["infogan"]
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes.command() == ["torchrun", "--nproc-per-node", "2", "-m", "infogan"]
