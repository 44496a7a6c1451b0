"""Images to learn from: one contract, one registry of sources."""

from infogan.data import mnist as _mnist
from infogan.data import published as _published
from infogan.data import rooms as _rooms
from infogan.data import sprites as _sprites
from infogan.data.array import read_array
from infogan.data.augment import augment
from infogan.data.neighbours import look_alikes
from infogan.data.source import SOURCES, Dataset, Factors, batch_indices, load, to_float

__all__ = [
    "SOURCES",
    "Dataset",
    "Factors",
    "augment",
    "batch_indices",
    "load",
    "look_alikes",
    "read_array",
    "to_float",
]
del _mnist, _published, _rooms, _sprites
