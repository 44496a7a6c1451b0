"""The command line as a user meets it: every mistake is one line, exit code 2, nothing lost."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml
from command import infogan

from infogan.run import Run


def refused(capsys, *args):
    """The one line of a refusal."""
    assert infogan(*args) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("infogan: ")
    assert "\n" not in said
    assert "Traceback" not in said
    return said


def test_help_names_the_commands_and_recipes(capsys):
    assert infogan("--help") == 0
    said = capsys.readouterr().out
    for word in ("train", "evaluate", "report", "figure1", "mnist-paper"):
        assert word in said
    assert infogan() == 2
    assert infogan("--version") == 0


def test_help_is_quick_and_torch_stays_out():
    """Half a second on a quiet machine; the median of five runs, with room for a busy one."""
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "infogan", "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    assert sorted(seconds)[2] < 1.5
    check = (
        "import sys, infogan, infogan.cli; assert not {'torch', 'numpy', 'tyro'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
    help_of_one = (
        "import sys, infogan.cli as cli\n"
        "for command in cli.COMMANDS:\n"
        "    try:\n"
        "        cli.main([command, '--help'])\n"
        "    except SystemExit as done:\n"
        "        assert not done.code\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", help_of_one], check=True, capture_output=True)
    check = "import sys, infogan; infogan.InfoGAN; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_command_imports_torch_without_a_search_for_cycles():
    """What it brings is set aside for good, and the collector works again afterwards."""
    check = (
        "import gc, sys; from infogan.cli import arguments; "
        "calls = []; gc.callbacks.append(lambda when, info: calls.append('torch' in sys.modules)); "
        "parsed = arguments.parse(int, ['3'], 'count'); assert parsed == 3; "
        "assert 'torch' in sys.modules and gc.isenabled() and not any(calls), sum(calls); "
        "assert gc.get_freeze_count() > 50_000; gc.collect(); assert calls[-1]"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_dry_run_prints_the_settings_and_writes_nothing(capsys, tmp_path):
    out = tmp_path / "run"
    args = ["--out", out, "--dry-run", "--train.seed", "7", "--train.lr-g", "2e-3", "--net.widths"]
    assert infogan("train", "mnist-paper", *args, "8", "16") == 0
    settings = yaml.safe_load(capsys.readouterr().out)
    assert settings["train"]["seed"] == 7
    assert settings["train"]["lr_g"] == 2e-3
    assert settings["net"]["widths"] == [8, 16]
    assert settings["recipe"] == "mnist-paper"
    assert not out.exists()


def test_restarts_has_a_short_name(capsys):
    assert infogan("train", "mnist", "--dry-run", "--restarts", "4") == 0
    assert "restarts: 4" in capsys.readouterr().out


def test_a_file_of_settings_lies_over_the_recipe_and_flags_over_both(capsys, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("train: {updates: 77, batch: 32}\n")
    assert infogan("train", "--config", file, "--train.batch", "64", "--dry-run") == 0
    settings = yaml.safe_load(capsys.readouterr().out)
    assert (settings["train"]["updates"], settings["train"]["batch"]) == (77, 64)
    assert settings["loss"]["pairs"] == 3  # the mnist recipe's


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["trian"], "unknown command 'trian' (did you mean 'train'?)"),
        (["train", "mnits"], "unknown recipe 'mnits' (did you mean 'mnist'?)"),
        (["train", "--train.lr", "1"], "no argument --train.lr"),
        (["train", "--train.updates", "many"], "--train.updates"),
        (["train", "--train.updates", "0"], "greater than or equal to 1"),
        (["train", "--objective", "vae"], "objective"),
        (["train", "--codes", "z62 + dog3"], "unknown kind of code 'dog'"),
        (["train", "--codes", "z62 + digit:cat1"], "K >= 2"),
        (["train", "--codes", "cat10 +"], "cannot read ''"),
        (["train", "--codes", "cat2(0.5, 0.6)"], "sum to 1"),
        (["train", "mnist-paper", "--codes", "cat3(learned)"], "give --loss.votes 4 and --loss.pa"),
        (["train", "--codes", "cat3(learned)", "--objective", "gan"], "none: leave (learned) out"),
        (["train", "--loss.adversarial", "kl"], "unknown adversarial loss 'kl'"),
        (["train", "--net.kind", "vgg"], "unknown architecture 'vgg'"),
        (["train", "--net.widths", "1", "1", "1", "1", "1"], "at least 32 pixels"),
        (["train", "--data.source", "mnits"], "unknown data source"),
        (["train", "--train.device", "cuda:9"], "train.device 'cuda:9' cannot be used"),
        (["train", "--config", "no.yaml"], "cannot read settings"),
        (["train", "--resume", "--overwrite"], "give one of the two"),
        (["evaluate"], "Missing from infogan evaluate: RUN"),
        (["evaluate", "nowhere"], "nowhere is no run"),
        (["report", "nowhere"], "nowhere is no run"),
        (["figure1", "nowhere", "elsewhere"], "nowhere is no run"),
    ],
)
def test_mistakes_are_one_line(capsys, tmp_path, monkeypatch, args, rule):
    monkeypatch.chdir(tmp_path)
    assert rule in refused(capsys, *args)
    assert not list(tmp_path.iterdir())  # nothing was begun


def test_a_run_that_is_there_is_kept(capsys, finished, tiny_yaml):
    before = sorted((p, p.stat().st_mtime_ns) for p in finished.path.rglob("*"))
    said = refused(capsys, "train", "--config", tiny_yaml, "--out", finished.path)
    assert "--overwrite" in said
    # a mistake beside --overwrite costs nothing either
    refused(capsys, "train", "--out", finished.path, "--overwrite", "--codes", "cat1")
    refused(capsys, "train", "--out", finished.path, "--overwrite", "--net.widths", *"11111")
    assert before == sorted((p, p.stat().st_mtime_ns) for p in finished.path.rglob("*"))


def test_an_unwritable_place(capsys, tmp_path, tiny_yaml):
    (tmp_path / "file").write_text("")
    said = refused(capsys, "train", "--config", tiny_yaml, "--out", tmp_path / "file" / "run")
    assert "cannot write" in said


def test_a_finished_run_has_all_its_parts(finished):
    names = {str(p.relative_to(finished.path)) for p in finished.path.rglob("*") if p.is_file()}
    assert names >= {
        "config.yaml",
        "log.jsonl",
        "metrics.json",
        "report.html",
        "model/config.json",
        "model/model.safetensors",
        "checkpoints/000006/state.safetensors",
        "checkpoints/000006/state.json",
        "samples/000003.png",
        "samples/000006.png",
        "figures/traversal-digit.png",
        "figures/traversal-u1.png",
        "figures/confusion.png",
    }
    assert finished.checkpoints() == [4, 6]
    assert [r["update"] for r in finished.history()] == [2, 4, 6]


def test_evaluate_prints_json_and_a_table(capsys, finished):
    assert infogan("evaluate", finished.path, "--json") == 0
    metrics = json.loads(capsys.readouterr().out)
    assert 0.1 <= metrics["clustering.accuracy"] <= metrics["clustering.accuracy_many"] <= 1
    assert sum(map(sum, metrics["clustering.confusion"])) == 10_000
    assert metrics == json.loads((finished.path / "metrics.json").read_text())
    assert infogan("evaluate", finished.path) == 0
    table = capsys.readouterr().out
    assert "MNIST test, n = 10,000 real images" in table
    assert "clustering.accuracy " in table


def test_the_command_of_a_run_makes_it_again(finished, tmp_path, capsys):
    command = finished.command.replace(str(finished.path), str(tmp_path / "again"))
    import shlex

    words = shlex.split(command)
    assert words[0] == "infogan"
    assert infogan(*words[1:], "--no-report") == 0
    again = Run.open(tmp_path / "again")
    assert again.config == finished.config
    weights = "model/model.safetensors"
    assert (again.path / weights).read_bytes() == (finished.path / weights).read_bytes()
    assert not (again.path / "report.html").exists()


def test_a_taken_out_is_said_before_the_images_are_read(capsys, finished, tmp_path):
    said = refused(capsys, "train", tmp_path / "no-such-folder", "--out", finished.path)
    assert "holds a run already" in said


def test_figure1(capsys, finished, tmp_path, tiny_yaml):
    gan, picture = tmp_path / "gan", tmp_path / "figure1.png"
    args = ["--config", tiny_yaml, "--out", gan, "--no-report", "--objective", "gan"]
    assert infogan("train", *args) == 0
    assert infogan("figure1", finished.path, gan, "--out", picture) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert "expected infogan" in refused(capsys, "figure1", gan, finished.path)
    assert "unknown code" in refused(capsys, "figure1", finished.path, gan, "--code", "x")
    nowhere = tmp_path / "no" / "figure1.png"
    assert "cannot write" in refused(capsys, "figure1", finished.path, gan, "--out", nowhere)


def test_without_the_optional_packages_a_training_is_whole_and_says_so(
    capsys, tmp_path, tiny_yaml, monkeypatch
):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    out = tmp_path / "run"
    assert infogan("train", "--config", tiny_yaml, "--out", out) == 0
    said = capsys.readouterr().out
    assert "not measured" in said
    assert "pip install 'infogan[metrics]'" in said
    assert (out / "model" / "model.safetensors").exists()
    assert "pip install" in refused(capsys, "evaluate", out)


def test_images_of_ones_own_get_settings_with_reasons_and_flags_go_before(capsys, tmp_path):
    """`infogan train FILE`: what is chosen is said; what the user says is not argued with."""
    file, out = tmp_path / "mine.npy", tmp_path / "run"
    np.save(file, np.random.default_rng(0).integers(0, 256, (60, 12, 12), dtype=np.uint8))
    assert infogan("train", file, "--dry-run", "--codes", "z4 + cat3", "--train.updates", "40") == 0
    said = capsys.readouterr().out
    assert "# 54 images 1×12×12 from mine.npy" in said
    assert "# --loss.diffaugment 1: " in said
    assert "# --train.batch 16: " in said
    assert "--codes" not in said  # the user's own
    settings = yaml.safe_load(said)
    assert settings["codes"] == "z4 + cat3"
    assert settings["loss"]["lam_starts"] == [0, 4]  # of 300 in 3,000
    assert settings["train"]["updates"] == 40

    args = ["--train.updates", "2", "--train.threads", "1", "--net.fc", "16", "--no-report"]
    assert infogan("train", file, "--out", out, *args) == 0
    first = Run.open(out)
    assert "DiffAugment at strength 1" in capsys.readouterr().out
    import shlex

    words = shlex.split(first.command.replace(str(out), str(tmp_path / "again")))
    assert infogan(*words[1:], "--no-report") == 0
    assert Run.open(tmp_path / "again").config == first.config
    assert infogan("train", "--out", out, "--resume", "--train.updates", "3", "--no-report") == 0
    assert Run.open(out).config.loss.diffaugment == 1


def test_the_files_settings_lie_over_the_fitted_ones(capsys, tmp_path):
    file, mine = tmp_path / "mine.npy", tmp_path / "mine.yaml"
    np.save(file, np.zeros((60, 12, 12), np.uint8))
    mine.write_text("loss: {diffaugment: 0.2}\n")
    assert infogan("train", file, "--config", mine, "--net.fc", "9", "--dry-run") == 0
    said = capsys.readouterr().out
    settings = yaml.safe_load(said)
    assert (settings["loss"]["diffaugment"], settings["net"]["fc"]) == (0.2, 9)
    assert settings["net"]["widths"] == [64]
    assert "--loss.diffaugment" not in said


def test_evaluate_says_whether_D_knows_its_images_by_heart(capsys, finished):
    assert infogan("evaluate", finished.path) == 0
    said = capsys.readouterr().out
    assert "overfitting.gap" in said
    assert "as real as those it learnt from" in said


def test_train_asks_for_a_source(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert infogan("train") == 2
    assert "train needs a SOURCE: a recipe (mnist" in capsys.readouterr().err
    assert infogan("train", "--out", "runs/typo", "--resume") == 2
    assert "runs/typo holds no run to go on with" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
