"""Images to learn from: one contract, one registry of sources."""

from infogan.data import mnist as _mnist
from infogan.data import swissroll as _swissroll
from infogan.data.array import read_array
from infogan.data.augment import augment
from infogan.data.neighbours import look_alikes
from infogan.data.source import SOURCES, Dataset, Factors, batch_indices, kind, load, to_float
from infogan.data.vectors import as_images, read_table

__all__ = [
    "SOURCES",
    "Dataset",
    "Factors",
    "as_images",
    "augment",
    "batch_indices",
    "kind",
    "load",
    "look_alikes",
    "read_array",
    "read_table",
    "to_float",
]
del _mnist, _swissroll
