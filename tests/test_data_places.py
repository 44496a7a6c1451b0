"""Folders, arrays, tables and shards of one's own pictures, packed, looked at, encoded."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from command import infogan
from pictures_of_all_kinds import folder_of, halves, saved

from infogan.config import DataConfig
from infogan.data import cache, kind, load, pack
from infogan.errors import InfoganError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INFOGAN_CACHE", str(tmp_path / "cache"))


def everything(source, **settings):
    return load(DataConfig(source=str(source), **settings), "all")


def test_a_folder_is_all_of_its_images_in_order_with_their_names(tmp_path):
    pixels = folder_of(tmp_path / "a", 20)
    data = everything(tmp_path / "a")
    assert data.shape == (3, 16, 16)
    assert (data.images.numpy() == pixels.transpose(0, 3, 1, 2)).all()
    assert list(data.names) == [f"{i:03d}.png" for i in range(20)]
    assert data.labels is None


def test_the_held_out_part_is_a_part_and_always_the_same(tmp_path):
    folder_of(tmp_path / "a", 50)
    whole = everything(tmp_path / "a")
    train, test = (load(DataConfig(source=str(tmp_path / "a")), s) for s in ("train", "test"))
    assert (len(train.images), len(test.images)) == (45, 5)
    assert sorted([*train.names, *test.names]) == list(whole.names)
    by_name = dict(zip(whole.names, whole.images))
    for part in (train, test):
        assert all(torch.equal(x, by_name[n]) for n, x in zip(part.names, part.images))
    again = load(DataConfig(source=str(tmp_path / "a")), "test")
    assert list(again.names) == list(test.names)
    assert torch.equal(everything(tmp_path / "a").images, whole.images)  # the file is as it was


def test_subfolders_are_labels_for_metrics_where_they_can_be(tmp_path):
    for name in ("cat", "dog"):
        folder_of(tmp_path / "a" / name, 5)
    assert everything(tmp_path / "a").labels.tolist() == [0] * 5 + [1] * 5
    assert everything(tmp_path / "a").classes == ("cat", "dog")
    folder_of(tmp_path / "a", 1)
    assert everything(tmp_path / "a").labels is everything(tmp_path / "a").classes is None
    for name in ("train", "test"):
        folder_of(tmp_path / "b" / name, 5)
    assert everything(tmp_path / "b").labels is None


def test_links_hidden_files_odd_names_and_pipes(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    folder_of(a, 3)
    folder_of(b, 2, seed=1)
    (a / "linked").symlink_to(b)
    (a / "back").symlink_to(a)
    (a / "._000.png").write_bytes(b"\0")
    os.mkfifo(a / "pipe.png")
    (a / "new\nline ü.png").write_bytes(saved(halves(), "PNG"))
    (a / "without suffix").write_bytes(saved(halves(), "PNG"))
    (Path(os.fsdecode(os.fsencode(a) + b"/\xff.png"))).write_bytes(saved(halves(), "PNG"))
    names = list(everything(a, size=16).names)
    assert len(names) == 8
    assert {"linked/000.png", "new\nline ü.png", "without suffix", "\ufffd.png"} <= set(names)


@pytest.mark.parametrize("layout", ["NHW", "NHWC", "NCHW"])
def test_arrays_of_the_right_size_are_mapped_without_a_copy(tmp_path, layout):
    x = np.random.default_rng(0).integers(0, 256, (30, 3, 16, 16), np.uint8)
    x = x[:, :1] if layout == "NHW" else x
    stored = {"NHW": x[:, 0], "NHWC": x.transpose(0, 2, 3, 1), "NCHW": x}[layout]
    np.save(tmp_path / "x.npy", np.ascontiguousarray(stored))
    data = everything(tmp_path / "x.npy")
    assert (data.images.numpy() == x).all()
    load(DataConfig(source=str(tmp_path / "x.npy")), "train")
    assert (np.load(tmp_path / "x.npy") == stored).all()
    assert not cache.root().exists()
    small = everything(tmp_path / "x.npy", size=8)
    assert small.images.shape[2:] == (8, 8)
    np.save(tmp_path / "f.npy", stored / 255)
    assert (everything(tmp_path / "f.npy").images.numpy() == x).all()


def test_an_npz_file_gives_its_images_and_labels(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (30, 16, 16), np.uint8)
    np.savez(tmp_path / "x.npz", x_train=x, y_train=np.arange(30) % 3, x_test=x[:4])
    data = everything(tmp_path / "x.npz")
    assert (data.images[:, 0].numpy() == x).all()
    assert data.labels.tolist() == [i % 3 for i in range(30)]


@pytest.mark.parametrize("kinds", ["struct", "bytes"])
def test_parquet_and_tar_shards(tmp_path, kinds):
    pixels = folder_of(tmp_path / "a", 150)
    files = sorted((tmp_path / "a").iterdir())
    content = [file.read_bytes() for file in files]
    rows = [{"bytes": c, "path": f.name} for c, f in zip(content, files)]
    columns = {
        "image": rows if kinds == "struct" else content,
        "label": [i % 2 for i in range(150)],
    }
    (tmp_path / "p").mkdir()
    table = pyarrow.table(columns)
    for i in range(2):
        part = table.slice(75 * i, 75)
        pyarrow.parquet.write_table(part, tmp_path / "p" / f"{i}.parquet", row_group_size=40)
    data = everything(tmp_path / "p")
    assert (data.images.numpy() == pixels.transpose(0, 3, 1, 2)).all()
    assert data.labels.tolist() == columns["label"]
    (tmp_path / "t").mkdir()
    for i in range(2):
        with tarfile.open(tmp_path / "t" / f"{i}.tar", "w") as tar:
            for file in files[75 * i : 75 * (i + 1)]:
                tar.add(file, file.name)
                note = tarfile.TarInfo(f"{file.stem}.json")
                note.size = 2
                tar.addfile(note, io.BytesIO(b"{}"))
    data = everything(tmp_path / "t")
    assert (data.images.numpy() == pixels.transpose(0, 3, 1, 2)).all()
    assert data.names[80] == "1.tar/080.png"
    whole = (tmp_path / "t" / "1.tar").read_bytes()
    (tmp_path / "t" / "1.tar").write_bytes(whole[: len(whole) // 2])
    assert 75 < len(everything(tmp_path / "t").images) < 150


def test_where_each_place_goes(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((5, 7)))
    np.savez(tmp_path / "d.npz", imgs=np.zeros((2, 8, 8)), latents_classes=np.zeros((2, 6)))
    pyarrow.parquet.write_table(pyarrow.table({"a": [1.0]}), tmp_path / "n.parquet")
    for name, entry in (("v.npy", "vectors"), ("d.npz", "dsprites"), ("n.parquet", "vectors")):
        assert kind(str(tmp_path / name)) == entry
    for name in ("t.csv", "s.h5"):
        (tmp_path / name).write_text("")
    assert kind(str(tmp_path / "t.csv")) == "vectors"
    assert kind(str(tmp_path / "s.h5")) == "shapes3d"
    assert kind("hf:a/b") == "hub"
    assert kind("mnist") == "mnist"
    for source, why in (("x.zip", "no such file"), ("mnits", "unknown data source")):
        with pytest.raises(InfoganError, match=why):
            kind(source)


def test_bad_files_are_skipped_listed_and_too_many_stop(tmp_path):
    a = tmp_path / "a"
    folder_of(a, 30)
    (a / "bad.png").write_bytes(b"")
    assert len(everything(a).images) == 30
    with pytest.raises(InfoganError, match=r"bad.png in .* cannot be read: empty file"):
        everything(a, on_bad="stop")
    for i in range(4):
        (a / f"text{i}.jpg").write_bytes(b"words")
    with pytest.raises(InfoganError, match="5 of 35 pictures.*--data.max-bad 1 goes on"):
        everything(a)
    assert len(everything(a, max_bad=0.5).images) == 30


def test_a_changed_folder_is_packed_anew_and_the_old_pack_goes(tmp_path):
    a = tmp_path / "a"
    folder_of(a, 20)
    everything(a)
    everything(a)
    assert len(cache.packs()) == 1
    first = cache.packs()[0]
    (a / "000.png").write_bytes(saved(halves(16, 16, left=(1, 2, 3)), "PNG"))
    assert everything(a).images[0, :, 0, 0].tolist() == [1, 2, 3]
    assert len(cache.packs()) == 1
    assert cache.packs()[0] != first


PACK = """
import sys, time
from infogan.config import DataConfig
from infogan.data import load, pack
if len(sys.argv) > 2:
    add = pack._State.add
    def slow(self, batch):
        add(self, batch)
        time.sleep(float(sys.argv[2]))
    pack._State.add = slow
print(len(load(DataConfig(source=sys.argv[1]), 'all').images))
"""


def packing(source, *args):
    return subprocess.Popen(
        [sys.executable, "-c", PACK, str(source), *args], stdout=-1, stderr=-1, text=True
    )


def test_packing_that_was_killed_goes_on(tmp_path, capfd):
    pixels = folder_of(tmp_path / "a", 300)
    process = packing(tmp_path / "a", "5")
    journals = []
    while not journals or not journals[0].stat().st_size:
        journals = list((tmp_path / "cache").glob("packs/*/journal.jsonl"))
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with (journals[0].parent / "images.bin").open("ab") as f:
        f.write(b"torn")  # as a crash leaves it
    with journals[0].open("ab") as f:
        f.write(b'{"items": 64, "refu')
    data = everything(tmp_path / "a")
    assert "goes on after 64 pictures" in capfd.readouterr().err
    assert (data.images.numpy() == pixels.transpose(0, 3, 1, 2)).all()
    assert list(data.names) == [f"{i:03d}.png" for i in range(300)]


def test_two_processes_pack_once(tmp_path):
    folder_of(tmp_path / "a", 200)
    both = [packing(tmp_path / "a", "0.5") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [out.strip() for out, _ in said] == ["200", "200"]
    assert sum("packed 200" in err for _, err in said) == 1
    assert len(cache.packs()) == 1


def test_a_full_or_unwritable_cache_is_one_line(tmp_path, monkeypatch, capsys):
    folder_of(tmp_path / "a", 20)
    add = pack._State.add

    def full(self, batch):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pack._State, "add", full)
    args = ["train", tmp_path / "a", "--out", tmp_path / "run"]
    assert infogan(*args) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "cannot write the cache" in said
    assert "No space left" in said
    assert "INFOGAN_CACHE" in said
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(pack._State, "add", add)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INFOGAN_CACHE", str(tmp_path / "file" / "cache"))
    assert infogan(*args) == 2
    assert "cannot write the cache" in capsys.readouterr().err


def test_nothing_to_learn_from_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    folder_of(tmp_path / "one", 1)
    (tmp_path / "bad").mkdir()
    for i in range(3):
        (tmp_path / "bad" / f"{i}.png").write_bytes(b"")
    monkeypatch.setattr("infogan.data.hub.reachable", lambda: False)
    cases = [("empty", "holds no image"), ("one", "at least 3"), ("bad", "can be read")]
    cases += [("gone", "no such file or folder")]
    for name, why in cases:
        assert infogan("train", tmp_path / name, "--out", tmp_path / "run") == 2
        assert why in capsys.readouterr().err.splitlines()[-1]
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert infogan("train", "hf:some/set", "--out", tmp_path / "run") == 2
    assert "pip install 'infogan[hub]'" in capsys.readouterr().err
    assert infogan("data") == 2
    assert infogan("train", tmp_path / "one", "--data.stream", "--out", tmp_path / "run") == 2
    assert "data.stream reads sets of the Hub" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_hub_without_network_is_one_line_and_quick(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setattr("datasets.load_dataset", unreachable)
    began = time.perf_counter()
    assert infogan("train", "hf:some/set", "--out", tmp_path / "run") == 2
    assert time.perf_counter() - began < 10
    assert "the Hub cannot be reached" in capsys.readouterr().err


def unreachable(*args, **kwargs):
    raise ConnectionError("no network")


def test_data_looks_and_clear_empties(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / "a", 20)
    (tmp_path / "a" / "bad.png").write_bytes(b"")
    (tmp_path / "a" / "README.txt").write_text("")
    assert infogan("data", "a") == 0
    said = capsys.readouterr().out
    for words in ("20 pictures", "PNG 20", "3×16×16", "bad.png: empty file", "README.txt: not an"):
        assert words in said
    assert Path("sheet.png").read_bytes().startswith(b"\x89PNG")
    assert infogan("data", "a", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["refused"] == [["bad.png", "empty file (0 bytes)"]]
    assert infogan("data", "mnist") == 0
    assert "70,000 pictures" in capsys.readouterr().out
    assert infogan("data", "--clear") == 0
    assert "freed" in capsys.readouterr().out
    assert not cache.packs()


def test_a_model_reads_pictures_of_any_size_with_their_names(finished, tmp_path):
    folder_of(tmp_path / "a", 25, size=40)
    out = tmp_path / "codes.csv"
    assert infogan("encode", finished.path, tmp_path / "a", "--out", out) == 0
    with out.open(newline="") as f:
        rows = list(csv.DictReader(f))
    assert [row["name"] for row in rows] == [f"{i:03d}.png" for i in range(25)]


def test_a_run_on_a_folder_trains_and_keeps_its_form(tmp_path, tiny_yaml):
    for name in ("cat", "dog"):
        folder_of(tmp_path / "a" / name, 20, seed=len(name))
    run = tmp_path / "run"
    args = ["--config", tiny_yaml, "--out", run, "--data.size", 16, "--no-report"]
    assert infogan("train", tmp_path / "a", *args) == 0
    from infogan.run import Run

    settings = Run.open(run).config.data
    assert (settings.size, settings.channels) == (16, 3)
    assert infogan("evaluate", run) == 0
    assert "clustering.accuracy" in json.loads((run / "metrics.json").read_text())
