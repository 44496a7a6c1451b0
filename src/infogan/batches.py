"""Which images an update sees, and how they get there."""

import torch
from torch import Tensor

from infogan.config import TrainConfig
from infogan.data import batch_indices, to_float


def picks(update: int, n: int, t: TrainConfig) -> list[Tensor]:
    """Which of n images an update sees, a batch for each of D's steps, of all processes."""
    return [
        batch_indices(n, t.batch, update * t.d_steps + step, t.seed) for step in range(t.d_steps)
    ]


def picked(updates: range, n: int, t: TrainConfig) -> Tensor:
    """The same of many updates, (updates, d_steps, batch)."""
    return torch.stack([torch.stack(picks(update, n, t)) for update in updates])


def fetch(images: Tensor, which: Tensor, device: torch.device) -> Tensor:
    """The images of these numbers as floats on the device, pixel by pixel.

    To a GPU they go as bytes, from memory that it can read by itself, while this goes on.
    """
    rows = images[which]
    if device.type == "cuda":
        rows = rows.pin_memory().to(device, non_blocking=True)
    return to_float(rows).to(device).contiguous(memory_format=torch.channels_last)
