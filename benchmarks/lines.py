"""A line of the benchmarks' table."""

import math
import statistics
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Args:
        what: In words.
        rate: Images (or GFLOP, or seconds) a second: `unit`.
        low, high: A quarter and three quarters of the rounds.
        ratio: To what `to` names.
        share: Of the ceiling, 0 … 1.
        memory: Resident at most in a process that does nothing else, MB; of a GPU its own memory.
    """

    what: str
    rate: float
    low: float
    high: float
    unit: str = "images/s"
    ratio: float | None = None
    to: str = ""
    share: float | None = None
    memory: float | None = None

    def __str__(self) -> str:
        ratio = f"{self.ratio:6.2f} × {self.to}" if self.ratio is not None else ""
        share = f"{self.share:6.2f} of the ceiling" if self.share is not None else ""
        rate = f"{_short(self.rate):>9s} ({_short(self.low)} to {_short(self.high)}) {self.unit}"
        memory = f"{self.memory:,.0f} MB" if self.memory is not None else ""
        parts = (f"{self.what:44s}{rate}", ratio, share, memory)
        return "  ".join(part for part in parts if part)


def _short(x: float) -> str:
    """Four digits that count: `1,032`, `3.141`, `0.9994`."""
    return f"{x:,.{max(0, 3 - math.floor(math.log10(x)))}f}" if x > 0 else f"{x:.3f}"


def line(what: str, amount: float, seconds: list[float], **more: Any) -> Line:
    """amount / seconds: median and quartiles."""
    q1, median, q3 = statistics.quantiles(seconds, n=4)
    return Line(what, amount / median, amount / q3, amount / q1, **more)
