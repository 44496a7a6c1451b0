"""Label-free augmentation: a copy of an image that is supposed to show the same thing."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.config import AugmentConfig
from infogan.processes import rand

NODES = 5  # of the warping's grid, in each direction


def augment(x: Tensor, settings: AugmentConfig, generator: torch.Generator) -> Tensor:
    """One random warped affine copy of each image, bilinear, black outside.

    The copy at p shows the image at A p + t + w(p), A = zoom · R(rotation) · [[1, shear], [0, 1]],
    with rotation, shear, zoom and shift drawn evenly from their ranges, each image its own; w is a
    smooth field, even draws at the nodes of a 5×5 grid with cubic interpolation between them.

    Args:
        x: (n, C, H, W).
        settings: The ranges; all 0 gives x back.
        generator: On the CPU.

    Returns:
        (n, C, H, W), same type and device.
    """
    n = len(x)

    def draw(reach: float) -> Tensor:
        return reach * (2 * rand(n, generator=generator) - 1)

    angle = draw(math.radians(settings.rotation))
    shear = draw(settings.shear)
    zoom = 1 + draw(settings.scale)
    cos, sin = angle.cos(), angle.sin()
    # affine_grid's coordinates run from -1 to 1 over the image, so a shift of one side is 2
    shift_x, shift_y = draw(2 * settings.shift), draw(2 * settings.shift)
    rows = [
        torch.stack([zoom * cos, zoom * (shear * cos - sin), shift_x], dim=1),
        torch.stack([zoom * sin, zoom * (shear * sin + cos), shift_y], dim=1),
    ]
    theta = torch.stack(rows, dim=1).to(x)  # (n, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    if settings.warp:
        nodes = settings.warp * (2 * rand(n, 2, NODES, NODES, generator=generator) - 1)
        size = (x.shape[2], x.shape[3])
        field = F.interpolate(nodes.to(x), size, mode="bicubic", align_corners=True)  # (n, 2, H, W)
        grid = grid + field.permute(0, 2, 3, 1)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
