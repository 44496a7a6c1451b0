"""A run is a directory of plain files: config, log, checkpoints, model, samples, metrics, report.

    config.yaml      every setting, under the command that makes the run again
    log.jsonl        a line every few updates,
                     and warnings              samples/       pictures while training
    checkpoints/N/   state after N updates         model/         what `from_pretrained` loads
    metrics.json     `infogan evaluate`            report.html, figures/   `infogan report`
    starts.json      the scores of several short starts, where the run had them
    columns.json     the names of a table's columns, where it learns from one
    data.json        the fingerprint of what it learns from, and which images these are

Whatever must be whole is written to a temporary name, synced, and renamed.
"""

import hashlib
import itertools
import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from infogan import processes
from infogan.config import Config, flags, read_yaml, to_yaml
from infogan.errors import InfoganError

CONFIG, LOG, STARTS = "config.yaml", "log.jsonl", "starts.json"
COLUMNS, DATA = "columns.json", "data.json"


class Run:
    """One run directory, made with `create` or found with `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def exists(cls, path: Path) -> bool:
        return (path / CONFIG).is_file()

    @classmethod
    def create(cls, path: Path, config: Config, command: str, overwrite: bool = False) -> "Run":
        """A new run directory; an old run there is removed only with `overwrite`.

        Raises:
            InfoganError: something is there already, or the place cannot be written.
        """
        there = cls.check_free(path, overwrite)
        with _writing(path):
            # the settings go last, so that a half-removed run is still known for one
            for old in sorted(there, key=lambda p: p.name == CONFIG):
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            path.mkdir(parents=True, exist_ok=True)
            _write(path / CONFIG, f"# {command}\n{to_yaml(config)}")
        return cls(path)

    @classmethod
    def check_free(cls, path: Path, overwrite: bool) -> list[Path]:
        """That a new run may be made at `path`.

        Returns:
            What would be removed.

        Raises:
            InfoganError: something is there that is no run, or a run and no `overwrite`.
        """
        with _writing(path):
            there = [p for p in path.iterdir() if not _partial(p)] if path.is_dir() else []
        if there and not cls.exists(path):
            raise InfoganError(f"{path} is not empty and is no run; choose another --out")
        if there and not overwrite:
            raise InfoganError(
                f"{path} holds a run already; choose another --out, go on with --resume, "
                "or replace it with --overwrite"
            )
        return there

    @classmethod
    def open(cls, path: Path) -> "Run":
        """A run that exists.

        Raises:
            InfoganError: there is none.
        """
        if not cls.exists(path):
            raise InfoganError(
                f"{path} is no run: it holds no config.yaml; make one with infogan train"
            )
        return cls(path)

    @property
    def config(self) -> Config:
        return read_yaml(self.path / CONFIG, Config())

    @property
    def command(self) -> str:
        """What made the run, the comment above its settings: a command, and a line for each that it
        went on by with other settings."""
        lines = (self.path / CONFIG).read_text("utf-8").splitlines()
        above = itertools.takewhile(lambda line: line.startswith("#"), lines)
        return "\n".join(line.removeprefix("#").strip() for line in above)

    def goes_on_with(self, config: Config, update: int) -> None:
        """Write down the settings that are others from an update on, and the command for them."""
        if changed := flags(config, self.config):
            words = [*processes.command(), "train", "--out", str(self.path), "--resume", *changed]
            commands = f"{self.command}\n{shlex.join(words)}  # from update {update}"
            text = "".join(f"# {line}\n" for line in commands.strip().splitlines())
            with _writing(self.path):
                _write(self.path / CONFIG, text + to_yaml(config))

    def log(self, record: Mapping[str, Any]) -> None:
        """Append one line to the log."""
        with _writing(self.path), (self.path / LOG).open("a", encoding="utf-8") as f:
            f.write(json.dumps(record) + "\n")

    def warn(self, update: int, name: str, text: str) -> None:
        """Append a warning to the log."""
        self.log({"update": update, "warning": name, "text": text})

    def history(self) -> list[dict[str, Any]]:
        """What was measured while training: the log's lines but for the warnings."""
        return [line for line in self._lines() if "warning" not in line]

    def warnings(self) -> dict[str, str]:
        """What was warned of, by name, each with its sentence."""
        return {line["warning"]: line["text"] for line in self._lines() if "warning" in line}

    def _lines(self) -> list[dict[str, Any]]:
        """The log's whole lines."""
        file = self.path / LOG
        lines = file.read_text("utf-8").splitlines() if file.is_file() else []
        records = []
        for line in lines:
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:  # the last line of a run that was killed
                continue
        return records

    def starts(self) -> dict[str, Any]:
        """What `restarts.best_start` wrote of its choice; empty where there was none."""
        file = self.path / STARTS
        found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
        return found

    def columns(self) -> list[str]:
        """The names of the coordinates of the vectors that it learns from; empty for images."""
        file = self.path / COLUMNS
        found: list[str] = json.loads(file.read_text("utf-8")) if file.is_file() else []
        return found

    def data(self) -> dict[str, str]:
        """What `Dataset.fingerprint` and `Dataset.members` said of the images that it began with,
        as "sha256" and "members"; what was not kept is not there."""
        file = self.path / DATA
        found: dict[str, str] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
        return found

    def seconds(self) -> float:
        """Time spent in training, that of the starts that did not go on included."""
        lost: float = self.starts().get("lost_seconds", 0.0)
        kept: float = sum(record["seconds"] for record in self.history())
        return lost + kept

    def rewind(self, update: int) -> None:
        """Drop the log's lines after `update`: a run that goes on writes them again. What was
        warned of stays, so that it is not said twice."""
        kept = [r for r in self._lines() if r["update"] <= update or "warning" in r]
        with _writing(self.path):
            _write(self.path / LOG, "".join(json.dumps(record) + "\n" for record in kept))

    def checkpoints(self) -> list[int]:
        """The updates after which there is a checkpoint, in order."""
        folder = self.path / "checkpoints"
        names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if name.isdigit())

    def checkpoint(self, update: int, tensors: Mapping[str, Tensor], keep: int) -> None:
        """Keep the state after `update` updates, and only the last `keep` of them."""
        with self.replacing(f"checkpoints/{update:06d}") as folder:
            save_file(dict(tensors), folder / "state.safetensors")
            card = {"update": update, "sha256": _sha256(folder / "state.safetensors")}
            (folder / "state.json").write_text(json.dumps(card) + "\n", "utf-8")
        for old in self.checkpoints()[:-keep]:
            shutil.rmtree(self.path / "checkpoints" / f"{old:06d}", ignore_errors=True)

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """An empty folder to fill, which takes the place of `name` only when it is whole."""
        folder = self.path / name
        partial = folder.with_name(f".{folder.name}.partial")
        with _writing(self.path):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            yield partial
            for file in (*partial.iterdir(), partial):
                _sync(file)
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
            _sync(folder.parent)

    def restore(self) -> tuple[int, dict[str, Tensor]] | None:
        """The last checkpoint's update and state, or None where there is none yet.

        Raises:
            InfoganError: the checkpoint is damaged.
        """
        updates = self.checkpoints()
        if not updates:
            return None
        folder = self.path / "checkpoints" / f"{updates[-1]:06d}"
        try:
            card = json.loads((folder / "state.json").read_text("utf-8"))
            if card["sha256"] != _sha256(folder / "state.safetensors"):
                raise ValueError("its SHA-256 is not the one that was written")
            return card["update"], load_file(folder / "state.safetensors")
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as e:
            earlier = (
                f"go on from update {updates[-2]}" if updates[1:] else "start from the beginning"
            )
            raise InfoganError(
                f"checkpoint {folder} is damaged ({e}); remove that folder to {earlier}"
            ) from None

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a whole file of the run, making its folder."""
        file = self.path / name
        with _writing(self.path):
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, content)
        return file


def _write(file: Path, content: str | bytes) -> None:
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(content if isinstance(content, bytes) else content.encode())
    _sync(partial)
    partial.rename(file)


def _partial(path: Path) -> bool:
    """Whether it is what a crash left of an unfinished write."""
    return path.name.startswith(".") and path.name.endswith(".partial")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(file: Path) -> str:
    with file.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn a failure of the disk into the error for the user."""
    try:
        yield
    except (OSError, SafetensorError) as e:
        reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        raise InfoganError(
            f"cannot write {path}: {reason}; choose another --out or free it"
        ) from None
