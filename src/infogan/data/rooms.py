"""`rooms`: the factors of 3D Shapes (Burgess & Kim 2018), drawn here by a small ray caster.

A camera looks into the corner of a room at one object, and walks around it by up to 30°. A pixel's
colour is linear in the three hues, so that each of the 480 views (scale × shape × orientation) is
cast once, as four maps, and an image is a sum of these maps: a thousand images cost next to
nothing.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.config import DataConfig
from infogan.data.combinations import count, factors, hues, in_channels, sample, side
from infogan.data.source import SOURCES, Dataset, Split

NAMES = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
SIZES = (10, 10, 10, 8, 4, 15)
SIZE, TRAIN, TEST = 64, 20_000, 2_000

CORNER = -2.0  # the walls are x = CORNER and y = CORNER, the floor z = 0
EYE, TARGET, ZOOM = (5.4, 2.7), 0.66, 3.5  # the camera's distance and height; where it looks
LIGHT, SPREAD = (0.6, 1.15, 1.5), 0.22  # towards the light; half its width, for soft shadows
AMBIENT, DIFFUSE, SHINE = 0.5, 0.62, 0.22
FAR = 1e4

Interval = tuple[Tensor, Tensor]  # where a ray enters and leaves a convex body; empty if in > out


@SOURCES.register("rooms")
def rooms(data: DataConfig, split: Split) -> Dataset:
    """A fixed sample of the 480,000 combinations of 10 floor, 10 wall and 10 object hues, 8 scales,
    4 shapes (cube, cylinder, sphere, capsule) and 15 orientations from −30° to 30°: colour images
    of any size, 20,000 to learn from and 2,000 others held out.

    `data.limit` gives more (up to 478,000) or fewer; `data.size` their side, 64 where nothing is
    said. Factors have the order of the published set, whose files `shapes3d` reads.
    """
    size = side(data, SIZE)
    numbers = sample(count(SIZES), TRAIN, TEST, split, data.limit)
    truth = factors(NAMES, SIZES, numbers)
    images = in_channels(draw(truth.values, size), data.channels)
    return Dataset("rooms", split, images, factors=truth)


def draw(values: Tensor, size: int) -> Tensor:
    """Rooms with these values of the six factors.

    Args:
        values: (N, 6) integers in the order of NAMES.
        size: Side in pixels.

    Returns:
        (N, 3, size, size) bytes.
    """
    floor, wall, body = hues(10, 0.62, 0.86), hues(10, 0.5, 0.95), hues(10, 0.88, 0.92)
    images = torch.empty(len(values), 3, size, size, dtype=torch.uint8)
    views, of = torch.unique(values[:, 3:], dim=0, return_inverse=True)
    order = of.argsort(stable=True)
    together = torch.split(order, torch.bincount(of, minlength=len(views)).tolist())
    for view, numbers in zip(views, together):
        maps = cast(int(view[1]), int(view[0]), int(view[2]), size)  # (4, H·W)
        which = values[numbers]
        albedo = torch.stack([floor[which[:, 0]], wall[which[:, 1]], body[which[:, 2]]], 2)
        pixels = albedo @ maps[:3] + maps[3]  # (n, 3 colours, H·W)
        images[numbers] = (255 * pixels.clamp(0, 1)).round().byte().reshape(-1, 3, size, size)
    return images


def cast(shape: int, scale: int, orientation: int, size: int) -> Tensor:
    """One view as maps: brightness of floor, walls and object at each pixel, and the gloss.

    Several rays a pixel, on a grid; each looks for the light in a place of its own, so that the
    rays of a pixel together see a light of some width.

    Returns:
        (4, size·size); colour = floor · maps[0] + walls · maps[1] + object · maps[2] + maps[3].
    """
    rays = 4 if size <= 64 else 3  # on a side of a pixel
    factor = 0.75 + 0.5 * scale / 7
    angle = math.radians(45 - 30 + 60 * orientation / 14)
    eye = torch.tensor([EYE[0] * math.cos(angle), EYE[0] * math.sin(angle), EYE[1]])
    d = _directions(eye, size * rays)  # (P, 3)

    enter, leave = _body(shape, factor, eye, d)
    hit = enter < leave
    floor, wall_x, wall_y = -eye[2] / d[:, 2], *((CORNER - eye[:2]) / d[:, :2]).unbind(1)
    surfaces = torch.stack([torch.where(t > 0, t, FAR) for t in (floor, wall_x, wall_y)])
    t, which = surfaces.min(0)
    p = eye + torch.where(hit, enter, t)[:, None] * d  # what the ray meets
    normal = torch.eye(3)[[2, 0, 1]][which]
    normal = torch.where(hit[:, None], _normal(shape, factor, p), normal)

    light = _lights(rays, size)  # (P, 3)
    start, end = _body(shape, factor, p + 1e-3 * normal, light)
    lit = ((start >= end) | (end < 0)) | hit  # a convex body casts no shadow on its own lit side
    facing = (normal * light).sum(1)
    brightness = AMBIENT + DIFFUSE * facing.clamp_min(0) * lit
    half = F.normalize(light - d, dim=1)  # Blinn's half vector
    gloss = SHINE * (normal * half).sum(1).clamp_min(0) ** 40 * (facing > 0)
    parts = (~hit & (which == 0), ~hit & (which != 0), hit)
    maps = torch.stack([brightness * part for part in parts] + [gloss * hit])  # (4, P)
    return F.avg_pool2d(maps.reshape(1, 4, size * rays, size * rays), rays).reshape(4, -1)


def _directions(eye: Tensor, n: int) -> Tensor:
    """Unit directions of the camera's rays, n rows of n from the top left: (n², 3)."""
    ahead = F.normalize(torch.tensor([0.0, 0.0, TARGET]) - eye, dim=0)
    right = F.normalize(torch.linalg.cross(ahead, torch.tensor([0.0, 0.0, 1.0])), dim=0)
    up = torch.linalg.cross(right, ahead)
    at = (torch.arange(n) + 0.5) * 2 / n - 1
    y, x = torch.meshgrid(-at, at, indexing="ij")
    d = ZOOM * ahead + x.reshape(-1, 1) * right + y.reshape(-1, 1) * up
    return F.normalize(d, dim=1)


def _lights(rays: int, size: int) -> Tensor:
    """Towards one point of the light for each ray: the rays of a pixel see all its points."""
    towards = F.normalize(torch.tensor(LIGHT), dim=0)
    a = F.normalize(torch.linalg.cross(towards, torch.tensor([0.0, 0.0, 1.0])), dim=0)
    b = torch.linalg.cross(towards, a)
    at = SPREAD * ((torch.arange(rays) + 0.5) * 2 / rays - 1)
    # in each pixel the ray of row i, column j looks at the point of row j, column i of the light
    points = towards + at[:, None, None] * a + at[None, :, None] * b  # (rays, rays, 3)
    return F.normalize(points, dim=2).repeat(size, size, 1).reshape(-1, 3)


def _body(shape: int, s: float, o: Tensor, d: Tensor) -> Interval:
    """Where rays o + t d are inside the object of scale s: o (3,) or (P, 3), d (P, 3)."""
    if shape == 0:
        h = 0.56 * s
        return _all(_slab(o, d, 0, -h, h), _slab(o, d, 1, -h, h), _slab(o, d, 2, 0, 2 * h))
    if shape == 1:
        return _all(_tube(o, d, 0.58 * s), _slab(o, d, 2, 0, 1.16 * s))
    if shape == 2:
        return _ball(o, d, 0.68 * s, 0.68 * s)
    low, high, r = _capsule(s)
    side = _all(_tube(o, d, r), _slab(o, d, 2, low, high))
    parts = (side, _ball(o, d, r, low), _ball(o, d, r, high))
    # their union is convex, so it is one interval
    starts = torch.stack([torch.where(a < b, a, FAR) for a, b in parts])
    ends = torch.stack([torch.where(a < b, b, -FAR) for a, b in parts])
    return starts.amin(0), ends.amax(0)


def _normal(shape: int, s: float, p: Tensor) -> Tensor:
    """Outwards at points p (P, 3) of the object's surface; anything elsewhere."""
    x, y, z = p.unbind(1)
    if shape == 0:
        q = p - torch.tensor([0, 0, 0.56 * s])
        return F.one_hot(q.abs().argmax(1), 3) * q.sign()
    if shape == 1:
        flat = torch.stack([x, y, torch.zeros_like(z)], 1)
        top = (z > 1.16 * s - 1e-3)[:, None]
        return torch.where(top, torch.tensor([0.0, 0.0, 1.0]), F.normalize(flat, dim=1))
    low, high, _ = (0.68 * s, 0.68 * s, 0) if shape == 2 else _capsule(s)
    return F.normalize(torch.stack([x, y, z - z.clamp(low, high)], 1), dim=1)


def _capsule(s: float) -> tuple[float, float, float]:
    """The heights of the centres of its two ends, and its radius."""
    return 0.42 * s, 1.32 * s, 0.42 * s


def _slab(o: Tensor, d: Tensor, axis: int, low: float, high: float) -> Interval:
    """low ≤ coordinate ≤ high."""
    a, b = (low - o[..., axis]) / d[:, axis], (high - o[..., axis]) / d[:, axis]
    return torch.minimum(a, b), torch.maximum(a, b)


def _tube(o: Tensor, d: Tensor, r: float) -> Interval:
    """x² + y² ≤ r²."""
    return _roots(o[..., :2], d[:, :2], r)


def _ball(o: Tensor, d: Tensor, r: float, height: float) -> Interval:
    """A sphere of radius r around (0, 0, height)."""
    return _roots(o - torch.tensor([0.0, 0.0, height]), d, r)


def _roots(o: Tensor, d: Tensor, r: float) -> Interval:
    """|o + t d| ≤ r: a t² + 2 b t + c ≤ 0."""
    a, b, c = d.square().sum(-1), (o * d).sum(-1), o.square().sum(-1) - r * r
    inside = b * b - a * c
    root = inside.clamp_min(0).sqrt()
    return torch.where(inside > 0, (-b - root) / a, FAR), (-b + root) / a


def _all(*intervals: Interval) -> Interval:
    """Where a ray is inside all of several bodies."""
    starts, ends = zip(*intervals)
    return torch.stack(starts).amax(0), torch.stack(ends).amin(0)
