"""Label-free augmentation: a copy of an image that is supposed to show the same thing."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.config import AugmentConfig
from infogan.data.colour import in_other_light
from infogan.processes import rand

NODES = 5  # of the warping's grid, in each direction
BAND = (1 / 7, 1 / 2)  # of the image's side: what is erased at least and at most


def augment(x: Tensor, settings: AugmentConfig, generator: torch.Generator) -> Tensor:
    """One random warped affine copy of each image, bilinear, black outside.

    The copy at p shows the image at A p + t + w(p), A = zoom · R(rotation) · [[1, shear], [0, 1]],
    with rotation, shear, zoom and shift drawn evenly from their ranges, each image its own; w is a
    smooth field, even draws at the nodes of a 5×5 grid with cubic interpolation between them. The
    copy is in another light (`colour.in_other_light`), where `settings.colour` says so.

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
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return in_other_light(x, settings.colour, generator) if settings.colour else x


def erased(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Images of which some lose a band along one side: it is black.

    Zhong et al. 2017, *Random Erasing*, with what reaches the border instead of a box inside.

    Args:
        x: (n, C, H, W).
        share: How likely each image is one of them. Which side, and how much, a seventh to half of
            the way across, is drawn evenly.
        generator: On the CPU.

    Returns:
        (n, C, H, W), same type and device.
    """
    n, _, *sides = x.shape
    some, reach, which = (rand(n, generator=generator) for _ in range(3))
    reach = torch.where(some < share, BAND[0] + (BAND[1] - BAND[0]) * reach, 0.0)
    side = (4 * which).long()  # top, bottom, left, right
    kept = x.new_ones(n, 1, 1, 1)
    for axis, length in enumerate(sides):
        place = (torch.arange(length) + 0.5) / length  # of each row, or column, from 0 to 1
        begin = torch.where(side == 2 * axis, reach, 0.0)[:, None]
        end = 1 - torch.where(side == 2 * axis + 1, reach, 0.0)[:, None]
        inside = ((place > begin) & (place < end)).to(x)  # (n, length)
        kept = kept * (inside[:, None, :, None] if axis == 0 else inside[:, None, None, :])
    return x * kept
