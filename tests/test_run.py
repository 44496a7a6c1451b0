import json
import os

import pytest
import torch

from infogan.config import Config
from infogan.errors import InfoganError
from infogan.run import Run

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(3)}


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "deep" / "run", Config(), "infogan train mnist")


def test_a_run_holds_its_settings_and_command(run):
    assert run.config == Config()
    assert run.command == "infogan train mnist"
    assert Run.open(run.path).history() == []


def test_an_existing_run_is_kept_unless_told(run):
    run.log({"update": 1})
    with pytest.raises(InfoganError, match="holds a run already.*--resume.*--overwrite"):
        Run.create(run.path, Config(), "other")
    assert run.history() == [{"update": 1}]
    assert Run.create(run.path, Config(), "other", overwrite=True).history() == []


def test_a_crash_while_a_run_is_made_leaves_none(tmp_path, monkeypatch):
    def crash(path):
        raise SystemError("power cut")

    monkeypatch.setattr("infogan.run._sync", crash)  # written, not yet renamed
    with pytest.raises(SystemError):
        Run.create(tmp_path / "run", Config(), "x")
    monkeypatch.undo()
    assert not Run.exists(tmp_path / "run")
    assert Run.create(tmp_path / "run", Config(), "x").config == Config()


def test_a_crash_while_a_run_is_removed_leaves_what_overwrite_knows(run, monkeypatch):
    run.checkpoint(10, TENSORS, keep=1)

    def crash(path):
        raise SystemError("power cut")

    monkeypatch.setattr("infogan.run.shutil.rmtree", crash)
    with pytest.raises(SystemError):
        Run.create(run.path, Config(), "x", overwrite=True)
    monkeypatch.undo()
    assert Run.create(run.path, Config(), "x", overwrite=True).checkpoints() == []


def test_a_run_may_lie_behind_a_link_or_in_this_very_folder(tmp_path, monkeypatch):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    for _ in range(2):
        Run.create(tmp_path / "link", Config(), "x", overwrite=True)
    assert Run.exists(tmp_path / "disk")
    monkeypatch.chdir(tmp_path / "disk")
    from pathlib import Path

    Run.create(Path("."), Config(), "x", overwrite=True).log({"update": 1})
    assert Run.open(tmp_path / "disk").history() == [{"update": 1}]


def test_a_folder_that_is_no_run_is_never_removed(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InfoganError, match="is no run"):
        Run.create(tmp_path, Config(), "x", overwrite=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_no_run(tmp_path):
    with pytest.raises(InfoganError, match="is no run"):
        Run.open(tmp_path)


def test_checkpoints_come_back_and_only_the_last_are_kept(run):
    assert run.restore() is None
    for update in (10, 20, 30):
        run.checkpoint(update, {**TENSORS, "u": torch.tensor(update)}, keep=2)
    assert run.checkpoints() == [20, 30]
    update, flat = run.restore()
    assert update == 30
    assert flat["u"] == 30
    assert torch.equal(flat["a"], TENSORS["a"])
    assert not list(run.path.rglob("*.partial"))


def test_a_checkpoint_that_was_never_finished_does_not_count(run):
    run.checkpoint(10, TENSORS, keep=2)
    partial = run.path / "checkpoints" / ".000020.partial"
    partial.mkdir()
    (partial / "state.safetensors").write_bytes(b"half")
    assert run.restore()[0] == 10
    run.checkpoint(20, TENSORS, keep=2)
    assert run.restore()[0] == 20


@pytest.mark.parametrize("damage", ["truncated", "one bit", "no card", "empty card"])
def test_a_damaged_checkpoint_is_said_and_kept(run, damage):
    run.checkpoint(10, TENSORS, keep=2)
    run.checkpoint(20, TENSORS, keep=2)
    state = run.path / "checkpoints" / "000020" / "state.safetensors"
    card = state.with_name("state.json")
    content = bytearray(state.read_bytes())
    if damage == "truncated":
        state.write_bytes(content[:-5])
    elif damage == "one bit":
        content[-3] ^= 1
        state.write_bytes(content)
    elif damage == "no card":
        card.unlink()
    else:
        card.write_text("")
    with pytest.raises(InfoganError, match="000020 is damaged.*go on from update 10"):
        run.restore()
    assert run.checkpoints() == [10, 20]


def test_the_log_is_rewound_and_a_torn_line_is_left_out(run):
    for update in (10, 20, 30):
        run.log({"update": update, "L_I.digit": 0.5})
    with (run.path / "log.jsonl").open("a") as f:
        f.write('{"update": 40, "L_I')
    assert [r["update"] for r in run.history()] == [10, 20, 30]
    run.rewind(20)
    run.log({"update": 25})
    assert [r["update"] for r in run.history()] == [10, 20, 25]
    lines = (run.path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["update"] for line in lines] == [10, 20, 25]


def test_an_unwritable_place_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InfoganError, match="cannot write .*choose another --out"):
        Run.create(tmp_path / "file" / "run", Config(), "x")


def test_a_full_disk_is_one_clear_error_and_the_old_checkpoint_stays(run, monkeypatch):
    run.checkpoint(10, TENSORS, keep=1)

    def full(*args):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("infogan.run.save_file", full)
    with pytest.raises(InfoganError, match="No space left"):
        run.checkpoint(20, TENSORS, keep=1)
    assert run.restore()[0] == 10


def test_a_folder_is_replaced_only_when_it_is_whole(run):
    with run.replacing("model") as folder:
        (folder / "a").write_text("old")
    with pytest.raises(InfoganError), run.replacing("model") as folder:
        (folder / "no" / "a").write_text("new")
    assert (run.path / "model" / "a").read_text() == "old"
    with run.replacing("model") as folder:
        (folder / "b").write_text("new")
    assert [p.name for p in (run.path / "model").iterdir()] == ["b"]


def test_warnings_are_lines_of_the_log_and_stay_when_it_is_rewound(run):
    run.log({"update": 10})
    run.warn(20, "D wins", "D wins at update 20: …")
    run.log({"update": 20})
    run.rewind(10)
    assert run.history() == [{"update": 10}]
    assert run.warnings() == {"D wins": "D wins at update 20: …"}
