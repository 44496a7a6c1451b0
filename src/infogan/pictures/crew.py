"""The workers of `worker.py` from their parent's side: batches go out, pixels come back."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from infogan.pictures.decode import Content, Form, Pixels, Refusal, Seen
from infogan.pictures.worker import decoded, packed, receive, send

BATCH = 64  # pictures in one job: its overhead is small, and little is lost when all is killed
AHEAD = 3  # jobs under way or waiting for each worker, so that memory stays bounded


@dataclass(frozen=True)
class Item:
    """One picture of a place.

    Args:
        name: What it is called there: its path, or its row.
        content: Where its pixels come from; a Refusal where it is known that they do not.
        label: Its class, which only metrics may read; -1: none.
    """

    name: str
    content: Content | Refusal
    label: int = -1


@dataclass(frozen=True)
class Batch:
    """What became of some items, in their order.

    Args:
        items: All of them.
        good: Those that are pictures.
        seen: What these were.
        pixels: (len(good), C, S, S).
        refused: The others, and why.
    """

    items: list[Item]
    good: list[Item]
    seen: list[Seen]
    pixels: Pixels
    refused: list[tuple[Item, str]]


def in_batches(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


class Crew:
    """Worker processes, as many as there are processors, started when they are first needed.

    Args:
        form: What every picture becomes.
        workers: 0: decode here, in this process.
    """

    def __init__(self, form: Form, workers: int) -> None:
        self.form = form
        self.workers = workers
        self.idle: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()
        for _ in range(workers):
            self.idle.put(None)
        self.all: list[subprocess.Popen[bytes]] = []
        self.threads = ThreadPoolExecutor(max(1, workers))

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind:
            for worker in self.all:  # a thread that waits for one then ends too
                worker.kill()
        self.threads.shutdown(cancel_futures=True)
        for worker in self.all:
            for stream in (worker.stdin, worker.stdout):
                if stream:
                    with suppress(OSError):  # what a killed one did not read any more
                        stream.close()
            worker.wait()

    def decode(self, batches: Iterable[list[Item]]) -> Iterator[Batch]:
        """What becomes of each batch, in their order."""
        if not self.workers:
            yield from map(self._here, batches)
            return
        waiting: list[Future[Batch]] = []
        left = iter(batches)
        while True:
            new = islice(left, self.workers * AHEAD - len(waiting))
            waiting += [self.threads.submit(self._there, batch) for batch in new]
            if not waiting:
                return
            yield waiting.pop(0).result()

    def _here(self, items: list[Item]) -> Batch:
        asked, contents = _asked(items)
        refused, seen, pixels = decoded(contents, self.form)
        return self._batch(items, asked, dict(refused), seen, pixels)

    def _there(self, items: list[Item]) -> Batch:
        asked, contents = _asked(items)
        worker = self.idle.get() or self._start()
        try:
            reply, pixels = self._ask(worker, contents)
            self.idle.put(worker)
        except (OSError, EOFError):
            self.idle.put(None)
            return self._survived(items)
        return self._batch(items, asked, dict(reply["refused"]), reply["seen"], pixels)

    def _survived(self, items: list[Item]) -> Batch:
        """A batch in which a decoder crashed its process: item by item, without that one."""
        if len(items) == 1:
            return self._batch(items, [0], {0: "crashes its decoder"}, [], b"")
        return _joined([self._there([item]) for item in items])

    def _ask(
        self, worker: "subprocess.Popen[bytes]", contents: list[Content]
    ) -> tuple[dict[str, Any], bytes]:
        assert worker.stdin
        assert worker.stdout
        described, bodies = zip(*map(packed, contents)) if contents else ((), ())
        send(worker.stdin, {"form": asdict(self.form), "items": described}, b"".join(bodies))  # type: ignore[arg-type]
        out: BinaryIO = worker.stdout  # type: ignore[assignment]
        reply = receive(out)
        if reply is None:
            raise EOFError
        size = len(reply["seen"]) * self.form.channels * self.form.size**2
        pixels = out.read(size)
        if len(pixels) < size:
            raise EOFError
        return reply, pixels

    def _start(self) -> "subprocess.Popen[bytes]":
        paths = json.dumps(sys.path)
        code = f"import sys; sys.path[:] = {paths}; from infogan.pictures import worker"
        worker = subprocess.Popen(
            [sys.executable, "-c", f"{code}; worker.main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        self.all.append(worker)
        return worker

    def _batch(
        self,
        items: list[Item],
        asked: list[int],
        reasons: dict[int, str],
        seen: list[Any],
        pixels: bytes,
    ) -> Batch:
        """Put together what was asked for and what was known to be refused."""
        why = {asked[i]: reason for i, reason in reasons.items()}
        why |= {
            i: str(item.content)
            for i, item in enumerate(items)
            if isinstance(item.content, Refusal)
        }
        good = [item for i, item in enumerate(items) if i not in why]
        shape = (len(good), self.form.channels, self.form.size, self.form.size)
        x = np.frombuffer(pixels, np.uint8).reshape(shape)
        refused = [(items[i], why[i]) for i in sorted(why)]
        return Batch(items, good, [Seen(*was) for was in seen], x, refused)


def _asked(items: list[Item]) -> tuple[list[int], list[Content]]:
    """Which items are to be decoded, and their contents."""
    contents = {
        i: item.content for i, item in enumerate(items) if not isinstance(item.content, Refusal)
    }
    return list(contents), list(contents.values())


def _joined(parts: list[Batch]) -> Batch:
    return Batch(
        [item for part in parts for item in part.items],
        [item for part in parts for item in part.good],
        [was for part in parts for was in part.seen],
        np.concatenate([part.pixels for part in parts]),
        [pair for part in parts for pair in part.refused],
    )
