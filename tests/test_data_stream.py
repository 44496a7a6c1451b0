"""Sets of the Hub that are read as they come, without a copy on the disk."""

from dataclasses import replace

import pytest
import torch
from command import infogan
from pictures_of_all_kinds import folder_of, saved
from PIL import Image

from infogan import processes
from infogan.batches import picks
from infogan.config import DataConfig, TrainConfig
from infogan.data import cache, hub, load, look_again, look_alikes
from infogan.data.neighbours import CPU, _pool
from infogan.errors import InfoganError
from infogan.run import Run

datasets = pytest.importorskip("datasets")
SETTINGS = DataConfig(source="hf:some/set", stream=True, buffer=40)


def picture(i):
    """A picture from whose grey value its number can be read."""
    return saved(Image.new("L", (8, 8), i), "PNG")


def numbers(images):
    return images[:, 0, 0, 0].tolist()


def rows(numbers, bad=(), shards=4):
    table = {
        "image": [{"bytes": b"" if i in bad else picture(i), "path": None} for i in numbers],
        "label": [i % 2 for i in numbers],
    }
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    return datasets.Dataset.from_dict(table, features).to_iterable_dataset(num_shards=shards)


@pytest.fixture
def hold(monkeypatch):
    """Let the Hub hold these splits."""

    def hold(**splits):
        monkeypatch.setattr(hub, "load_splits", lambda source, streaming: splits)
        monkeypatch.setattr(hub, "HELD_OUT", 10)

    return hold


def ten_updates():
    """What they see, and the set."""
    data, seen = load(SETTINGS, "train"), []
    for update in range(10):
        which = torch.cat(picks(update, 40, TrainConfig(batch=8, d_steps=2)))
        seen += numbers(data.images[which])
        data.stream.renew(data.images, which)
    data.stream.close()
    return seen, data


def test_each_picture_is_seen_once_in_a_pass_and_then_again(hold):
    hold(train=rows(range(80)), test=rows(range(100, 120)))
    packed = cache.packs() if cache.root().is_dir() else []  # by other tests
    seen, data = ten_updates()
    assert seen == ten_updates()[0]  # however fast the reading thread was
    assert sorted(seen[:40]) == list(range(40))
    assert seen[:40] != list(range(40))
    assert sorted(seen[40:80]) == list(range(40, 80))
    assert sorted(seen[80:120]) == list(range(40))
    assert data.labels is None
    assert (cache.packs() if cache.root().is_dir() else []) == packed
    test = load(SETTINGS, "test")
    assert numbers(test.images) == list(range(100, 110))
    assert test.labels.tolist() == [0, 1] * 5


@pytest.mark.parametrize("apart", [True, False])
def test_processes_have_rows_of_their_own_and_none_that_is_held_out(hold, apart, monkeypatch):
    hold(train=rows(range(80)), **({"test": rows(range(100, 120))} if apart else {}))
    monkeypatch.setattr(processes, "size", lambda: 2)
    settings = replace(SETTINGS, buffer=35)
    found = []
    for rank in range(2):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        data = load(settings, "train")
        data.stream.close()
        found.append(set(numbers(data.images)))
        assert data.images.shape == (35, 1, 8, 8)
    held = set(numbers(load(settings, "test").images))
    assert len(found[0] | found[1]) == 70
    assert not held & (found[0] | found[1])
    assert apart or held == set(range(10))


@pytest.mark.parametrize("pattern", [False, True])
def test_look_alikes_are_found_among_what_the_set_has_become(pattern):
    images = torch.randint(256, (60, 1, 8, 8), generator=g(), dtype=torch.uint8)
    look_alikes(images, torch.arange(4), 0, g(), pattern=pattern)
    which = torch.tensor([3, 50, 7])
    images[which] = torch.randint(256, (3, 1, 8, 8), generator=g(1), dtype=torch.uint8)
    pool = _pool(images, 0, CPU, pattern)
    right = pool.project(images, pool.members)
    assert (pool.features - right).abs().max() > 0.01
    look_again(images, which, 0, pattern=pattern)
    torch.testing.assert_close(pool.features, right)
    torch.testing.assert_close(pool.squares, right.square().sum(1))


def g(seed=0):
    return torch.Generator().manual_seed(seed)


def test_what_cannot_be_streamed_is_one_line(hold, tmp_path, monkeypatch):
    folder_of(tmp_path / "a", 3)
    for source in ("mnist", str(tmp_path / "a")):
        with pytest.raises(InfoganError, match="reads sets of the Hub"):
            load(DataConfig(source=source, stream=True), "train")
    hold(train=rows(range(80)))
    with pytest.raises(InfoganError, match="holds only 70 pictures .* fewer than data.buffer 71"):
        load(replace(SETTINGS, buffer=71), "train")
    with pytest.raises(InfoganError, match="give --split test"):
        load(SETTINGS, "all")
    monkeypatch.chdir(tmp_path)
    assert infogan("data", "hf:some/set", "--data.stream") == 2
    assert not (tmp_path / "sheet.png").exists()


def test_bad_rows_are_left_out_and_counted_and_too_many_stop(hold):
    hold(train=rows(range(80), bad=(20, 33)))
    data = load(SETTINGS, "train")
    data.stream.close()
    assert numbers(data.images)[:12] == [*range(10, 20), 21, 22]
    assert "2 of " in data.stream.skipped()
    assert "first, row 20: empty file" in data.stream.skipped()
    for changes, why in (({"max_bad": 0.0}, "more than 0%"), ({"on_bad": "stop"}, "row 20: empty")):
        with pytest.raises(InfoganError, match=why):
            load(replace(SETTINGS, buffer=70, **changes), "train")
    hold(train=rows(range(80), bad=range(80)))
    with pytest.raises(InfoganError, match="none of the pictures"):
        load(SETTINGS, "train")


class Cut:
    """Rows of a network that goes down."""

    def __init__(self, inner, after):
        self.inner, self.after = inner, after

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def select_columns(self, names):
        return Cut(self.inner.select_columns(names), self.after)

    def cast_column(self, *args):
        return Cut(self.inner.cast_column(*args), self.after)

    def __iter__(self):
        for i, row in enumerate(self.inner):
            if i == self.after:
                raise ConnectionError("the network is gone\nand more")
            yield row


def test_a_run_whose_network_goes_down_keeps_its_state_and_goes_on(
    hold, tmp_path, tiny_yaml, capsys
):
    """And that it cannot be resumed exactly is said each time."""
    small = ["--config", tiny_yaml, "--data.stream", "--data.buffer", 40, "--no-report"]
    form = ["--data.size", 8, "--data.channels", 1]  # nothing is looked at to choose
    args = ["train", "hf:some/set", *small, *form, "--out"]
    held = {"test": rows(range(100, 120))}
    hold(train=Cut(rows(range(80)), 75), **held)
    assert infogan(*args, tmp_path / "a") == 2
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == (
        "infogan: hf:some/set broke off at row 75: the network is gone; the state after update 3 "
        "is saved: go on with --resume"
    )
    assert said.out.count("cannot be resumed exactly") == 1
    assert Run.open(tmp_path / "a").restore()[0] == 3
    hold(train=rows(range(80)), **held)
    assert infogan("train", "--out", tmp_path / "a", "--resume", "--no-report") == 0
    said = capsys.readouterr().out
    assert "cannot be resumed exactly" in said
    assert "going on from update 3" in said


def test_a_folder_through_datasets_from_data_to_metrics(tmp_path, tiny_yaml, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "HELD_OUT", 10)
    folder_of(tmp_path / "set", 60)
    args = ["--config", tiny_yaml, "--data.stream", "--data.buffer", 40, "--train.updates", 3]
    run = tmp_path / "run"
    assert infogan("train", f"hf:{tmp_path / 'set'}", *args, "--no-report", "--out", run) == 0
    assert "40 images at a time 3×16×16" in capsys.readouterr().out
    assert infogan("evaluate", run) == 0
    assert "n = 10 real images" in capsys.readouterr().out
    assert infogan("encode", run, "--split", "test", "--out", tmp_path / "codes.csv") == 0
    assert len((tmp_path / "codes.csv").read_text().splitlines()) == 11
