"""How far packing is, on standard error: a bar in a terminal, now and then a line elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

EVERY = 20.0  # seconds between two plain lines


class Bar:
    """Shows how many of a place's pictures are packed and how many were refused.

    Args:
        title: Of the place.
        total: Of its pictures; None where that is not known.
        done: What an earlier process has packed.
    """

    def __init__(self, title: str, total: int | None, done: int) -> None:
        self.title, self.total, self.began_at = title, total, done
        self.bar: Progress | None = None
        self.spoke = time.monotonic()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While inside, `show` draws."""
        if self.began_at:
            self.say(f"packing of {self.title} goes on after {self.began_at:,} pictures")
        if not sys.stderr.isatty():
            yield
            return
        columns = (
            MofNCompleteColumn(),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task("packing", total=self.total, completed=self.began_at)
        try:
            with self.bar:
                yield
        finally:
            self.bar = None

    def show(self, done: int, refused: int) -> None:
        words = f"packing · {refused:,} refused" if refused else "packing"
        if self.bar:
            self.bar.update(self.task, completed=done, description=words)
        elif time.monotonic() - self.spoke > EVERY:
            self.spoke = time.monotonic()
            self.say(f"{words}: {done:,}" + (f" of {self.total:,}" if self.total else ""))

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
