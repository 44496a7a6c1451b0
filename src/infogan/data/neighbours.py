"""Images that look alike, found without labels: near each other by their principal components."""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.components import leading
from infogan.data.colour import pattern as of_light
from infogan.data.source import to_float

DIMENSIONS = 50  # principal components that are compared
SIDE = 32  # pixels; a larger image is averaged down, so that the components stay few numbers
POOL = 65_536  # images that are looked through at most
BLOCK = 32_768  # of them in one call, so that it costs less than a tenth of an update
SAMPLE = 8_192  # images that the components are found from
CHUNK = 2_048  # images turned to floats at once
PART = 1_024  # the same where they are larger
FEW = 128  # images that are compared with all others at once
CPU = torch.device("cpu")


def look_alikes(
    images: Tensor,
    pick: Tensor,
    seed: int,
    generator: torch.Generator,
    device: torch.device = CPU,
    pattern: bool = False,
) -> Tensor:
    """For some images of a set, others of it that look like them.

    argmin_j ‖Wᵀ(x_i/‖x_i‖ − x_j/‖x_j‖)‖,   W the first 50 principal components of x/‖x‖,

    over a block of at most half of the set that is drawn for each call, so that an image gets
    another neighbour each time. In MNIST 97 in 100 show the same digit. Where neither light nor
    colour is to count, x is the mean over colours, less its own mean over the pixels.

    Args:
        images: (N, C, H, W) bytes, N ≥ 2.
        pick: (n,) which of them.
        seed: Of the images that are looked through, where there are more than 65,536.
        generator: Draws the block.
        device: Where they are compared.
        pattern: Whether by their pattern of light and dark alone.

    Returns:
        (n,) which image looks like each; never the image itself.
    """
    pool = _pool(images, seed, device, pattern)
    block = max(2, min(BLOCK, len(pool.members) // 2))
    start = int(torch.randint(len(pool.members) - block + 1, (), generator=generator))
    features, squares = pool.features[start : start + block], pool.squares[start : start + block]
    x = pool.project(images, pick)  # (n, d)
    # ‖a − b‖² without ‖a‖², which is the same for all b
    distance = torch.addmm(squares, x, features.T, alpha=-2)  # (n, block)
    itself = pool.place[pick] - start
    inside = ((itself >= 0) & (itself < block)).nonzero()[:, 0]
    distance[inside.to(device), itself[inside].to(device)] = torch.inf
    return pool.members[start + distance.argmin(1).cpu()]


def look_alikes_outside(
    images: Tensor,
    members: Tensor,
    group: Tensor,
    asked: Tensor,
    most: int,
    seed: int,
    device: torch.device = CPU,
    pattern: bool = False,
) -> Tensor:
    """For some of a few images of a set, those of other groups that look most like them.

    Args:
        images: (N, C, H, W) bytes.
        members: (n,) which of them are looked through, n ≥ most.
        group: To which group each of these belongs, (n,).
        asked: (k,) places in `members`: which of these are asked about.
        most: How many for each.
        seed: As in `look_alikes`.
        device: As there.
        pattern: As there.

    Returns:
        (k, most) places in `members`, the nearest first.
    """
    pool = _pool(images, seed, device, pattern)
    features = pool.project(images, members)
    squares, group, asked = features.square().sum(1), group.to(device), asked.to(device)
    # made once: what stays of each turn would else lie where the next one's distances were
    near = asked.new_empty(len(asked), most)
    distances = features.new_empty(min(FEW, len(asked)), len(features))
    same = torch.empty_like(distances, dtype=torch.bool)  # whether of the same group
    for part, found in zip(torch.split(asked, FEW), torch.split(near, FEW), strict=True):
        distance, own = distances[: len(part)], same[: len(part)]
        torch.addmm(squares, features[part], features.T, alpha=-2, out=distance)
        torch.eq(group[part][:, None], group, out=own)
        distance.masked_fill_(own, torch.inf)
        found.copy_(distance.topk(most, dim=1, largest=False).indices)
    return near.cpu()


def look_again(
    images: Tensor,
    which: Tensor,
    seed: int,
    device: torch.device = CPU,
    pattern: bool = False,
) -> None:
    """See that some images of a set have become others; the components stay.

    Args:
        images: (N, C, H, W) bytes, changed in place since `look_alikes` saw them.
        which: (n,) which of them.
        seed: As there.
        device: As there.
        pattern: As there.
    """
    pool = _pool(images, seed, device, pattern)
    rows = torch.isin(pool.members, which).nonzero()[:, 0]
    pool.features[rows] = pool.project(images, pool.members[rows])
    pool.squares[rows] = pool.features[rows].square().sum(1)


@dataclass(frozen=True)
class _Pool:
    """The images that are looked through, in random order.

    Args:
        members: (M,) which they are.
        place: Where each image of the set is in `members`, (N,), -1 where it is not.
        features: Their principal components (M, d).
        squares: ‖features‖², (M,).
        mean: (C·H·W,) of the images, small and of length 1.
        W: (C·H·W, d), orthonormal columns. These four are on one device.
        pattern: Whether the images are their patterns of light and dark alone, of one channel.
    """

    members: Tensor
    place: Tensor
    features: Tensor
    squares: Tensor
    mean: Tensor
    W: Tensor
    pattern: bool

    def project(self, images: Tensor, which: Tensor) -> Tensor:
        """Of some of the images, (n, d)."""
        device = self.W.device
        parts = [
            (_small(images[part].to(device), self.pattern) - self.mean) @ self.W
            for part in torch.split(which, CHUNK)
        ]
        return torch.cat(parts)


@lru_cache(maxsize=2)
def _pool(images: Tensor, seed: int, device: torch.device, pattern: bool) -> _Pool:
    """Made once for a set: half a second for MNIST."""
    generator = torch.Generator().manual_seed(seed)
    members = torch.randperm(len(images), generator=generator)[:POOL]
    sample = _small(images[members[:SAMPLE]].to(device), pattern)
    mean = sample.mean(0)
    W = leading(sample.sub_(mean), DIMENSIONS, seed)
    del sample
    place = torch.full((len(images),), -1)
    place[members] = torch.arange(len(members))
    pool = _Pool(members, place, W.new_empty(0), W.new_empty(0), mean, W, pattern)
    features = pool.project(images, members)
    return replace(pool, features=features, squares=features.square().sum(1))


def _small(images: Tensor, pattern: bool) -> Tensor:
    """Bytes (n, C, H, W) as rows of length 1; sides of more than 32 pixels averaged down to it."""
    if images.shape[1:].numel() > SIDE * SIDE and len(images) > PART:  # floats are much
        return torch.cat([_small(part, pattern) for part in torch.split(images, PART)])
    x = to_float(images)
    if max(x.shape[2:]) > SIDE:
        x = F.interpolate(x, size=[min(SIDE, s) for s in x.shape[2:]], mode="area")
    return F.normalize((of_light(x) if pattern else x).flatten(1))
