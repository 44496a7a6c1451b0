"""Which images an update sees, and how they get there."""

import torch

from infogan.batches import fetch, picked, picks
from infogan.config import TrainConfig


def test_what_many_updates_see_is_what_each_of_them_does():
    """Also across the border of an epoch: 40 images, 16 in an update."""
    t = TrainConfig(batch=8, d_steps=2, seed=5)
    which = picked(range(1, 7), 40, t)
    assert which.shape == (6, 2, 8)
    for row, update in enumerate(range(1, 7)):
        assert torch.equal(which[row], torch.stack(picks(update, 40, t)))
    first = torch.cat([*picks(0, 40, t), *picks(1, 40, t), picks(2, 40, t)[0]])
    assert sorted(first.tolist()) == list(range(40))


def test_bytes_go_to_a_gpu_from_pinned_memory_and_nothing_is_pinned_on_a_processor(
    digits, monkeypatch
):
    """No GPU here: where the copies would go is recorded, and the pictures stay."""
    went = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda x: went.append(("pin", x.dtype)) or x)
    real_to = torch.Tensor.to

    def to(x, *args, **kwargs):
        if args and isinstance(args[0], torch.device) and args[0].type == "cuda":
            went.append((x.dtype, kwargs))
            return x
        return real_to(x, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "to", to)
    which = torch.tensor([3, 1])
    here = fetch(digits, which, torch.device("cpu"))
    assert not went
    there = fetch(digits, which, torch.device("cuda"))
    assert went[:2] == [("pin", torch.uint8), (torch.uint8, {"non_blocking": True})]
    assert torch.equal(here, there)
    assert torch.equal(here, digits[which] / 255)
