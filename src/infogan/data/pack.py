"""Pictures decoded once into one memory-mapped array, in the cache.

    images.bin    (N, C, S, S) bytes        card.json      what it is; written last: it is whole
    names.bin     of the N pictures         journal.jsonl  a line a batch: how far it is, refusals
    labels.bin    (N,) int32, -1: none      seen.bin       (N, 2) uint32, widths and heights

While it is made the files only grow, and a line of the journal follows what it counts: what a crash
leaves is cut back to the last line, and packing goes on from there. One process makes it, others
wait; the lock is the operating system's, which frees it when its owner dies.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np
import torch
from filelock import Timeout
from numpy.typing import NDArray
from torch import Tensor

from infogan.config import DataConfig
from infogan.data import cache
from infogan.data.packing_bar import Bar
from infogan.data.place import Place
from infogan.errors import InfoganError
from infogan.pictures import Batch, Crew, Form, in_batches
from infogan.pictures.crew import BATCH

FORMAT = 1
CARD, JOURNAL = "card.json", "journal.jsonl"
GROWING = ("images.bin", "names.bin", "labels.bin", "seen.bin")


class Names(Sequence[str]):
    """What the pictures are called, read from the pack when they are asked for."""

    def __init__(self, file: Path, picks: NDArray[np.int64]) -> None:
        self.file, self.picks = file, picks

    def __len__(self) -> int:
        return len(self.picks)

    @cached_property
    def _read(self) -> tuple[bytes, NDArray[np.int64]]:
        """All names, each ended by a zero byte, and where they end."""
        joined = self.file.read_bytes()
        return joined, np.flatnonzero(np.frombuffer(joined, np.uint8) == 0)

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> "Names": ...
    def __getitem__(self, i: int | slice) -> "str | Names":
        if isinstance(i, slice):
            return Names(self.file, self.picks[i])
        joined, ends = self._read
        k = self.picks[i]
        start = ends[k - 1] + 1 if k else 0
        return joined[start : ends[k]].decode("utf-8", "replace")


@dataclass(frozen=True)
class Pack:
    """A packed set that is whole.

    Args:
        folder: Where it is.
        card: What it is: source, n, size, channels, items, refused, formats, modes, classes.
    """

    folder: Path
    card: dict[str, Any]

    def images(self) -> Tensor:
        """(N, C, S, S) bytes, memory-mapped; what is written to them stays in memory."""
        shape = (self.card["n"], self.card["channels"], self.card["size"], self.card["size"])
        return torch.from_numpy(np.memmap(self.folder / "images.bin", np.uint8, "c", 0, shape))

    def names(self, picks: NDArray[np.int64]) -> Names:
        """What the pictures `picks` are called."""
        return Names(self.folder / "names.bin", picks)

    def labels(self) -> NDArray[np.int64] | None:
        """(N,), or None where not every picture has one."""
        found = np.fromfile(self.folder / "labels.bin", np.int32).astype(np.int64)
        return found if len(found) and found.min() >= 0 else None

    def sizes(self) -> NDArray[np.uint32]:
        """Widths and heights of the pictures before they were packed, (N, 2)."""
        return np.fromfile(self.folder / "seen.bin", np.uint32).reshape(-1, 2)

    def refused(self) -> list[tuple[str, str]]:
        """(name, reason) of all that could not be read."""
        return [(name, why) for line in _lines(self.folder) for name, why in line["refused"]]


def pack(place: Place, form: Form, data: DataConfig) -> Pack:
    """The packed pictures of a place: those in the cache, or made now.

    Raises:
        InfoganError: no picture can be read, too many cannot, or the cache cannot be written.
    """
    folder = cache.root() / cache.PACKS / _key(place, form)
    found = _whole(folder) or _make(folder, place, form, data)
    bad, items = found.card["refused"], found.card["items"]
    if data.on_bad == "stop" and bad:
        raise InfoganError(_stopped(place, *found.refused()[0]))
    if not found.card["n"]:
        name, why = found.refused()[0] if bad else (place.source, "there is nothing in it")
        raise InfoganError(
            f"none of the {items:,} pictures in {place.source} can be read; the first, {name}: "
            f"{why}"
        )
    _few_enough(place, bad, items, data)
    return found


def _make(folder: Path, place: Place, form: Form, data: DataConfig) -> Pack:
    needed = (place.count or 0) * form.channels * form.size**2
    with cache.writing(needed), _alone(place, folder.name):
        whole = _whole(folder)
        if whole:  # made while we waited
            return whole
        folder.mkdir(parents=True, exist_ok=True)
        _room(folder, needed)
        state = _State(folder, form)
        try:
            made = _fill(state, place, form, data)
        finally:
            state.close()
        _forget_older(made)
    return made


def _fill(state: "_State", place: Place, form: Form, data: DataConfig) -> Pack:
    began, start = time.perf_counter(), state.items
    left = (place.count or BATCH * 1000) - start
    workers = min(_processors(), -(-left // BATCH)) if left > BATCH else 0
    bar = Bar(place.title, place.count, start)
    with Crew(form, workers) as crew, bar.watching():
        for batch in crew.decode(in_batches(place.items(start))):
            if batch.refused and data.on_bad == "stop":
                item, why = batch.refused[0]
                raise InfoganError(_stopped(place, _shown(item.name), why))
            state.add(batch)
            bar.show(state.items, state.refused)
            if place.count:
                _few_enough(place, state.refused, place.count, data)
    card = {
        "format": FORMAT,
        "source": str(Path(place.source).absolute()),
        "title": place.title,
        "form": {**asdict(form), "background": list(form.background)},  # as JSON gives it back
        "size": form.size,
        "channels": form.channels,
        "items": state.items,
        "n": state.items - state.refused,
        "refused": state.refused,
        "formats": dict(state.formats.most_common()),
        "modes": dict(state.modes.most_common()),
        "classes": list(place.classes),
    }
    state.close()
    _write_whole(state.folder / CARD, json.dumps(card))
    made = Pack(state.folder, card)
    room, seconds = cache.in_bytes(cache.size(made.folder)), time.perf_counter() - began
    bar.say(
        f"packed {card['n']:,} of {card['items']:,} pictures as {form.channels}×{form.size}×"
        f"{form.size} in {seconds:.1f} s: {room} in {cache.root()}"
    )
    return made


class _State:
    """A pack that grows: after `__init__` it stands where the last whole batch left it."""

    def __init__(self, folder: Path, form: Form) -> None:
        self.folder = folder
        self.items = self.refused = 0
        self.formats: Counter[str] = Counter()
        self.modes: Counter[str] = Counter()
        lines = list(_lines(folder))
        n = sum(line["items"] - len(line["refused"]) for line in lines)
        names = sum(line["name_bytes"] for line in lines)
        ends = dict(zip(GROWING, (n * form.channels * form.size**2, names, n * 4, n * 8)))
        if any(_length(folder / name) < end for name, end in ends.items()):
            lines, ends = [], dict.fromkeys(ends, 0)  # the whole machine went down: begin anew
        for line in lines:
            self._count(line)
        ends[JOURNAL] = sum(line["length"] for line in lines)
        self.files: dict[str, BinaryIO] = {}
        for name, end in ends.items():
            file = (folder / name).open("ab")
            file.truncate(end)
            self.files[name] = file

    def add(self, batch: Batch) -> None:
        names = b"".join(
            item.name.encode("utf-8", "surrogateescape").replace(b"\0", b"?") + b"\0"
            for item in batch.good
        )
        labels = np.array([item.label for item in batch.good], np.int32)
        sizes = np.array([(was.width, was.height) for was in batch.seen], np.uint32)
        bodies = (batch.pixels.tobytes(), names, labels.tobytes(), sizes.tobytes())
        for name, body in zip(GROWING, bodies):
            self.files[name].write(body)
            self.files[name].flush()
        line: dict[str, Any] = {
            "items": len(batch.items),
            "refused": [(_shown(item.name), why) for item, why in batch.refused],
            "formats": Counter(was.format for was in batch.seen),
            "modes": Counter(was.mode for was in batch.seen),
            "name_bytes": len(names),
        }
        self.files[JOURNAL].write(json.dumps(line).encode("ascii") + b"\n")
        self.files[JOURNAL].flush()
        self._count(line)

    def _count(self, line: dict[str, Any]) -> None:
        self.items += line["items"]
        self.refused += len(line["refused"])
        self.formats.update(line["formats"])
        self.modes.update(line["modes"])

    def close(self) -> None:
        for file in self.files.values():
            if not file.closed:
                os.fsync(file.fileno())
                file.close()


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of the journal, each with its own length in bytes."""
    file = folder / JOURNAL
    if not file.is_file():
        return
    with file.open("rb") as f:
        for text in f:
            try:
                line = json.loads(text) if text.endswith(b"\n") else None
            except ValueError:
                line = None
            if line is None:  # cut off by a crash
                return
            yield {**line, "length": len(text)}


def _whole(folder: Path) -> Pack | None:
    """The pack in a folder if it is whole."""
    try:
        card = json.loads((folder / CARD).read_text("utf-8"))
        length = card["n"] * card["channels"] * card["size"] ** 2
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Pack(folder, card) if _length(folder / "images.bin") == length else None


def _key(place: Place, form: Form) -> str:
    """Changes with the place, with every file's name, size and time, and with the form."""
    digest = hashlib.sha256(json.dumps([FORMAT, asdict(form), type(place).__name__]).encode())
    digest.update(os.fsencode(Path(place.source).absolute()))
    for file in place.files:
        digest.update(os.fsencode(f"\0{file.name}\0{file.size} {file.time}"))
    return digest.hexdigest()[:24]


@contextmanager
def _alone(place: Place, key: str) -> Iterator[None]:
    """While inside, no other process makes this pack; waits for one that does, and says so."""
    lock = cache.lock(key)
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        print(f"another process is packing {place.source}: waiting for it", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _forget_older(made: Pack) -> None:
    """Remove packs of the same place in the same form, of before it was changed."""
    for folder in cache.packs():
        old = _whole(folder)
        same = old and all(old.card[k] == made.card[k] for k in ("source", "form"))
        if same and folder != made.folder:
            cache.remove(folder)


def _room(folder: Path, needed: int) -> None:
    there = sum(_length(folder / name) for name in GROWING)
    free = shutil.disk_usage(folder).free
    if needed - there > free:
        raise OSError(28, f"only {cache.in_bytes(free)} are free")


def _few_enough(place: Place, bad: int, items: int, data: DataConfig) -> None:
    if bad > data.max_bad * items:
        raise InfoganError(
            f"{bad:,} of {items:,} pictures in {place.source} cannot be read, more than "
            f"{data.max_bad:.0%}: infogan data {place.source} lists them; --data.max-bad 1 goes on "
            "without them"
        )


def _stopped(place: Place, name: str, why: str) -> str:
    return (
        f"{name} in {place.source} cannot be read: {why}; mend or remove it, or leave such files "
        "out with --data.on-bad skip"
    )


def _shown(name: str) -> str:
    """A name that can be printed and written as UTF-8 whatever its bytes are."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _length(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _write_whole(file: Path, text: str) -> None:
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text, "utf-8")
    partial.rename(file)


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
