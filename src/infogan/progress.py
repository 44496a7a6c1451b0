"""What a person sees of a training: a bar in a terminal, plain lines elsewhere."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Column
from torch import Tensor

from infogan.prior import Prior

LINE_EVERY = 100  # updates between two plain lines


class HasUpdate(Protocol):
    """Whatever counts its updates."""

    update: int


class Progress:
    """Shows update, images/s, time left, L_I of each code beside H(c), and both losses.

    Args:
        prior: For the entropies that L_I is measured against.
        stream: Where to write; standard output by default.
    """

    def __init__(self, prior: Prior, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.follow(prior)
        self.bar: RichProgress | None = None
        self.updates = 0
        self.began = (0, 0.0)

    def follow(self, prior: Prior) -> None:
        """Take over what may have been learned of P(c)."""
        self.entropy = {code.name: code.entropy() for code in prior}

    def say(self, text: str) -> None:
        """One line."""
        if self.bar:
            self.bar.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=self.stream, flush=True)

    @contextmanager
    def watching(self, state: HasUpdate, updates: int) -> Iterator[None]:
        """While inside, `show` draws."""
        self.updates, self.began = updates, (state.update, time.perf_counter())
        if not self.stream.isatty():
            yield
            return
        # in a narrow terminal the words are cut, never the numbers before them
        count = Column(no_wrap=True, min_width=2 * len(str(updates)) + 1)
        left = Column(no_wrap=True, min_width=7)
        words = Column(no_wrap=True, overflow="ellipsis")
        self.bar = RichProgress(
            MofNCompleteColumn(table_column=count),
            BarColumn(bar_width=10),
            TimeRemainingColumn(table_column=left),
            TextColumn("{task.description}", table_column=words),
            console=Console(file=self.stream),
        )
        self.task = self.bar.add_task("", total=updates, completed=state.update)
        try:
            with self.bar:
                yield
        finally:
            self.bar = None

    def show(self, record: Mapping[str, Any]) -> None:
        """The newest line of the log."""
        self.draw(record["update"], self.updates, self.words(record))

    def draw(self, update: int, updates: int, words: str) -> None:
        """How far it has come, and what there is to say of it."""
        if self.bar:
            self.bar.update(self.task, completed=update, total=updates, description=words)
        elif update % LINE_EVERY == 0 or update == updates:
            done, since = update - self.began[0], time.perf_counter() - self.began[1]
            left = since / max(done, 1) * (updates - update)
            self.say(f"update {update}/{updates} · {left:.0f} s left · {words}")

    def words(self, record: Mapping[str, Any]) -> str:
        """`2,400/s · L_I digit 2.29/2.30 u 0.61/0.69 · D 1.32 G 0.81`: images/s, L_I/H(c), nats."""
        codes = []
        for name, h in self.entropy.items():
            codes.append(f"{name} {record[f'L_I.{name}']:.2f}/{h:.2f}")
        losses = " ".join(f"{n} {record[f'loss_{n}']:.2f}" for n in "DG" if f"loss_{n}" in record)
        return f"{record['images_per_s']:,.0f}/s · L_I {' '.join(codes)} · {losses or 'G rests'}"


class Means:
    """The means of the terms since the last line of the log."""

    def __init__(self) -> None:
        self.terms: list[Mapping[str, Tensor]] = []
        self.began = time.perf_counter()

    def add(self, terms: Mapping[str, Tensor]) -> None:
        self.terms.append(terms)  # as tensors: to read a number would wait for a GPU

    def take(self, update: int, batch: int) -> dict[str, Any]:
        """One line of the log; the means start anew."""
        seconds = time.perf_counter() - self.began
        record: dict[str, Any] = {"update": update}
        values: dict[str, list[float]] = defaultdict(list)
        for terms in self.terms:
            for name, value in zip(terms, torch.stack(list(terms.values())).tolist()):
                values[name].append(value)
        steps = len(self.terms)
        # a term that only some updates have is averaged over those
        record |= {name: sum(of) / len(of) for name, of in values.items()}
        record |= {"seconds": round(seconds, 4)}
        record |= {"images_per_s": round(steps * batch / seconds, 1)}
        self.terms.clear()
        self.began = time.perf_counter()
        return record
