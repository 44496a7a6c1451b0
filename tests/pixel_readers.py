"""A model whose Q is known: of two pixels it reads one as a category, the other as a number."""

import torch
from torch import nn

from infogan.config import NetConfig
from infogan.model import InfoGAN

LEVEL = 20  # bytes between a pixel's five values that are categories


def pixel_reader(
    codes: str = "z2 + kind:cat5 + u",
    category: int = 0,
    slider: int = 1,
    slope: float = -1.0,
    offset: float = 0.0,
) -> InfoGAN:
    """Reads `kind`, of five categories, from pixel `category`, and u = slope · pixel + offset from
    pixel `slider`, in [0, 1]; of further codes Q's outputs are 0."""
    model = InfoGAN(codes, (1, 1, 2), NetConfig(kind="mlp", widths=(3,)))
    model.trunk = nn.Flatten()
    head = nn.Linear(2, model.prior.n_params)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        level = torch.arange(5) * LEVEL / 255
        head.weight[:5, category], head.bias[:5] = 2e4 * level, -1e4 * level**2  # the nearest
        head.weight[5, slider], head.bias[5] = slope, offset
    model.Q = head
    return model.eval()
