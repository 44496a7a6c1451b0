"""Pictures of any kind as bytes of one size. Nothing here imports torch: it runs in workers."""

from infogan.pictures.crew import Batch, Crew, Item, in_batches
from infogan.pictures.decode import SUFFIXES, Form, Refusal, Seen, decode, look, looks_like_picture

__all__ = [
    "SUFFIXES",
    "Batch",
    "Crew",
    "Form",
    "Item",
    "Refusal",
    "Seen",
    "decode",
    "in_batches",
    "look",
    "looks_like_picture",
]
