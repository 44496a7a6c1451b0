"""Whether D knows the training images by heart."""

from typing import Any

import torch
from torch import Tensor

from infogan.model import InfoGAN

APART, BY_HEART = 0.5, 1.5  # standard deviations: below the first nothing is wrong


def overfitting(model: InfoGAN, train: Tensor, test: Tensor, n: int, seed: int) -> dict[str, Any]:
    """How much more real D finds the images that it learnt from than others of the same kind.

    overfitting.gap = (mean D(x), x learnt from − mean D(x), x held out) / sd D(x), x learnt from

    on D's logits. 0: D judges what an image looks like; above 1 or so it judges whether it has seen
    it, and G is drawn to copies of what it has seen.

    Args:
        model: Trained.
        train: Images that it learnt from, (N, C, H, W), N ≥ 2.
        test: Images that it did not, (M, C, H, W), M ≥ 1.
        n: At most so many of each are looked at.
        seed: Of which.

    Returns:
        overfitting.gap, and .train, .test (the means) and .sd, in units of D's logit.
    """
    generator = torch.Generator().manual_seed(seed)
    learnt, held = (
        model.discriminate(x[torch.randperm(len(x), generator=generator)[:n]])
        for x in (train, test)
    )
    sd = learnt.std().clamp_min(torch.finfo(learnt.dtype).tiny)
    return {
        "overfitting.gap": ((learnt.mean() - held.mean()) / sd).item(),
        "overfitting.train": learnt.mean().item(),
        "overfitting.test": held.mean().item(),
        "overfitting.sd": sd.item(),
    }


def in_words(gap: float) -> str:
    """One sentence on the gap."""
    if gap < APART:
        return f"D takes held-out images for as real as those it learnt from (gap {gap:.2f})"
    if gap < BY_HEART:
        return (
            f"D begins to know its images by heart: held-out ones look less real to it (gap "
            f"{gap:.2f} standard deviations)"
        )
    return (
        f"D knows its images by heart (gap {gap:.2f} standard deviations): give more images, raise "
        "--loss.diffaugment, or stop sooner"
    )
