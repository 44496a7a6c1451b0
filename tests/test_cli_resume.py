"""`infogan train --resume` as a user meets it: a run goes on, or says why it cannot."""

import os
import shlex
import shutil
import subprocess
import sys
import time

import numpy as np
from command import infogan

from infogan.groups import Groups
from infogan.model import InfoGAN
from infogan.run import Run


def refused(capsys, *args):
    """The one line of a refusal."""
    assert infogan(*args) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("infogan: ")
    assert "\n" not in said
    assert "Traceback" not in said
    return said


def test_resume(capsys, finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    weights = (run / "model/model.safetensors").read_bytes()
    for name in ("000006",):
        shutil.rmtree(run / "checkpoints" / name)
    shutil.rmtree(run / "model")
    assert "no finished model yet" in refused(capsys, "evaluate", run)
    assert "not 'mnist-paper'" in refused(capsys, "train", "mnist-paper", "--out", run, "--resume")
    said = refused(capsys, "train", "--out", run, "--resume", "--train.lr-d", "1")
    assert "--resume cannot change train.lr_d" in said
    assert "leave --config out" in refused(
        capsys, "train", "--out", run, "--resume", "--config", run / "config.yaml"
    )
    assert infogan("train", "mnist", "--out", run, "--resume", "--no-report") == 0
    assert "going on from update 4 of 6" in capsys.readouterr().out
    assert (run / "model/model.safetensors").read_bytes() == weights


def test_a_run_goes_on_with_the_same_images_alone(capsys, tmp_path, tiny_yaml):
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
    np.save(tmp_path / "a.npy", images)
    args = ("train", "--config", tiny_yaml, "--data.source", tmp_path / "a.npy", "--no-report")
    args += ("--train.updates", "2", "--out", tmp_path / "run")
    assert infogan(*args) == 0
    capsys.readouterr()
    np.save(tmp_path / "a.npy", np.concatenate([images[:7], images[8:]]))
    said = refused(capsys, "train", "--out", tmp_path / "run", "--resume", "--train.updates", "3")
    assert "no longer what" in said
    np.save(tmp_path / "a.npy", images)
    resumed = ("train", "--out", tmp_path / "run", "--resume", "--train.updates", "3")
    assert infogan(*resumed, "--no-report") == 0


def test_a_run_that_goes_on_further_is_written_down(capsys, finished, tmp_path):
    """Its settings are those it ended with, groups and names are kept, and the commands above
    them make the same run."""
    out = tmp_path / "run"
    shutil.copytree(finished.path, out)
    model = InfoGAN.from_pretrained(out)
    name = model.prior.categorical[0].name
    of = tuple(k // 2 for k in range(model.prior.categorical[0].k))
    model.groups = {name: Groups(of)}
    model.names = {f"{name}=3": "seven", f"{name}_group=1": "some"}
    model.save_pretrained(out / "model")
    said = refused(capsys, "train", "--out", out, "--resume", "--train.updates", "5")
    assert "beyond train.updates 5" in said
    assert Run.open(out).config == finished.config
    more = ("train", "--out", out, "--resume", "--no-report")
    assert infogan(*more, "--train.updates", "8", "--train.keep", "3") == 0
    run = Run.open(out)
    assert (run.config.train.updates, run.config.train.keep) == (8, 3)
    again = InfoGAN.from_pretrained(out)
    assert (again.groups, again.names) == (model.groups, model.names)
    weights = (out / "model/model.safetensors").read_bytes()
    assert infogan(*more) == 0  # at its end already, by its own settings
    assert "going on from update 8 of 8" in capsys.readouterr().out
    assert (out / "model/model.safetensors").read_bytes() == weights

    first, second = run.command.splitlines()
    assert first == finished.command
    assert second.endswith("# from update 6")
    for command in (first, second):
        words = shlex.split(command.partition("#")[0])
        words = [word.replace(str(finished.path), str(tmp_path / "again")) for word in words]
        words = [word.replace(str(out), str(tmp_path / "again")) for word in words]
        assert infogan(*words[1:], "--no-report") == 0
    assert (tmp_path / "again/model/model.safetensors").read_bytes() == weights


def test_resume_where_nothing_is_yet_starts(capsys, tmp_path, tiny_yaml):
    out = tmp_path / "run"
    args = ["--config", tiny_yaml, "--out", out, "--no-report", "--train.updates", "2"]
    assert infogan("train", *args, "--resume") == 0
    assert "starting one" in capsys.readouterr().out
    assert Run.open(out).checkpoints() == [2]


def test_a_truncated_checkpoint_is_said_and_nothing_is_lost(capsys, finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    state = run / "checkpoints" / "000006" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    said = refused(capsys, "train", "--out", run, "--resume")
    assert "000006 is damaged" in said
    assert "go on from update 4" in said
    assert (run / "report.html").exists()
    assert [r["update"] for r in Run.open(run).history()] == [2, 4, 6]


def test_ctrl_c_ends_with_the_command_that_goes_on(tmp_path, tiny_yaml):
    out = tmp_path / "run"
    args = [
        "train",
        "--config",
        tiny_yaml,
        "--out",
        out,
        "--no-report",
        "--train.updates",
        "100000",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "infogan", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    while not (out / "log.jsonl").is_file() or not (out / "log.jsonl").stat().st_size:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(2)
    said, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"infogan train --out {out} --resume" in said
    assert err == ""
    assert Run.open(out).checkpoints()
