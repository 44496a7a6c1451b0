"""A place with pictures: what every reader of folders, shards, tables, arrays and hubs gives."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from infogan.pictures import Item


@dataclass(frozen=True)
class File:
    """A file as it was found: whether it changed is seen by size and time."""

    name: str
    size: int
    time: int

    @classmethod
    def at(cls, path: Path, name: str | None = None) -> "File":
        stat = path.stat()
        return cls(name or str(path), stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True)
class Place(ABC):
    """Pictures in an order that stays the same as long as the files do.

    Args:
        source: What the user called it.
        title: What it is called where numbers are shown.
        files: All that its pictures are read from.
        count: How many items it has; None: that is known only when it has been read.
        others: (name, reason) of what lies there and was never meant to be a picture.
        classes: Names of the labels that the items carry; () where they carry none.
    """

    source: str
    title: str
    files: list[File] = field(repr=False)
    count: int | None = None
    others: list[tuple[str, str]] = field(default_factory=list, repr=False)
    classes: tuple[str, ...] = ()

    @abstractmethod
    def items(self, start: int = 0) -> Iterator[Item]:
        """The items from number `start` on, in order."""

    def some(self, n: int) -> Iterator[Item]:
        """At most n items to judge the rest by: the first ones, where reading others costs."""
        return islice(self.items(), n)
