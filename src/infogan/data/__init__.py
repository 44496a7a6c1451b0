"""Images to learn from: one contract, one registry of sources."""

from infogan.data import mnist as _mnist
from infogan.data import places as _places
from infogan.data import published as _published
from infogan.data import rooms as _rooms
from infogan.data import sprites as _sprites
from infogan.data import swissroll as _swissroll
from infogan.data import vectors as _vectors
from infogan.data.augment import augment, erased
from infogan.data.choose import form
from infogan.data.neighbours import look_again, look_alikes, look_alikes_outside
from infogan.data.source import (
    SOURCES,
    Dataset,
    Factors,
    Split,
    batch_indices,
    is_built_in,
    kind,
    load,
    to_float,
)

__all__ = [
    "SOURCES",
    "Dataset",
    "Factors",
    "Split",
    "augment",
    "batch_indices",
    "erased",
    "form",
    "is_built_in",
    "kind",
    "load",
    "look_again",
    "look_alikes",
    "look_alikes_outside",
    "to_float",
]
del _mnist, _places, _published, _rooms, _sprites, _swissroll, _vectors
