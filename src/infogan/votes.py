"""The category that the images nearest to one have: what Q tells itself, beyond the paper.

Q's mistakes are scattered: where the trunk has drawn an image among others of its kind, these know
better. No label is looked at.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.codes import probs
from infogan.components import leading
from infogan.config import AugmentConfig
from infogan.data import augment, look_alikes, to_float
from infogan.model import InfoGAN
from infogan.networks.layers import folded
from infogan.pairs import joint, overlap
from infogan.processes import by_itself
from infogan.workers import each_on_one_thread

VOTING = 5  # images that vote
BANK = 65_536  # images that are looked through at most, beside those that are asked about
DIMENSIONS = 64  # principal components of the trunk's features that are compared
SAMPLE = 8_192  # images that these are found from
BATCH = 256  # images a thread has under way
ASKED = 4_096  # images that tell whether categories stand,
COPIED = 1_024  # and of those so many at once
SHARED = 0.1  # of the smaller category's images, whose copy goes to the other: up to 0.03 in whole
# runs that went well, 0.09 in short ones, 0.13 to 0.27 in stuck ones; with look-alikes up to 0.09
# in short ones of which 0.9 is right, 0.104 to 0.15 in the others
CHUNK = 512  # images compared with all others at once, or fewer,
GATHERED = 1 << 23  # so that no more numbers of the blocks looked at in full are held
BLOCK = 32  # of those, whose largest product is found first
TILE = 64  # blocks in one product


@torch.no_grad()
def votes(
    model: InfoGAN, images: Tensor, which: Tensor, seed: int, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """For some images of a set, the category that their nearest have, by each categorical code.

    k(x) = argmax_k Σ_{j ∈ N(x)} Q(k | x_j),

    N(x) the five images, itself left out, whose trunk features have the largest cosine with those
    of x: centred, and projected onto their first 64 principal components.

    Args:
        model: As it stands; it is used in evaluation mode.
        images: (N, C, H, W) bytes, N ≥ 2.
        which: (n,) which images are asked about; one may come more than once.
        seed: Of the images that are looked through, where there are more than 65,536.
        dtype: Of the trunk and of the comparison.

    Returns:
        {code: (n,) categories}.
    """
    generator = torch.Generator().manual_seed(seed)
    bank = torch.randperm(len(images), generator=generator)[:BANK]
    members: Tensor = torch.cat([bank, which]).unique()  # type: ignore[no-untyped-call]
    sample = members[torch.linspace(0, len(members) - 1, min(SAMPLE, len(members))).long()]
    mean, W = _components(read(model, images, sample, dtype)[0], seed)
    features, outputs = read(model, images, members, dtype, mean, W)
    rows = torch.searchsorted(members, which).to(features.device)
    near = neighbours(features.to(dtype), rows, VOTING)
    q = model.prior.q(outputs)
    return {
        code.name: probs(q[code.name])[near].mean(1).argmax(1) for code in model.prior.categorical
    }


@torch.no_grad()
def unsettled(
    model: InfoGAN, images: Tensor, settings: AugmentConfig, seed: int, alike: bool = False
) -> bool:
    """Whether the categories of a code do not stand yet: of one of them less than half of the
    augmented copies stay in it, or more than a tenth go to one other, so that the two share a kind
    of image. Votes would then hold what is wrong.

    Args:
        model: As it stands; it is used in evaluation mode.
        images: (N, C, H, W) bytes, of which up to 4,096 are looked at.
        settings: Of the copies.
        seed: Of the images and the copies.
        alike: Whether the same must hold where half of the copies are look-alikes: these show a
            kind that is spread over many categories.
    """
    generator = torch.Generator().manual_seed(seed)
    outputs = []
    some = torch.randperm(len(images), generator=generator)[:ASKED]
    for which in torch.split(some, COPIED):
        x, every = to_float(images[which]), torch.arange(len(which))
        with by_itself():
            parts = [x, augment(x, settings, generator)]
        if alike:
            device = next(model.parameters()).device
            near = look_alikes(images, which, seed, generator, device, settings.patterns)
            parts.append(to_float(images[near]))
        outputs.append(torch.stack([read(model, part, every, torch.float32)[1] for part in parts]))
    readings = [*map(model.prior.q, torch.cat(outputs, 1))]
    for code in model.prior.categorical:
        p, *others = (probs(q[code.name]) for q in readings)
        P, *alikes = (joint(p, other) for other in others)
        if shared(P) or any(shared((P + A) / 2) for A in alikes):
            return True
    return False


def shared(P: Tensor) -> bool:
    """Whether two categories share a kind of image, as `unsettled` says, by their joint (K, K)."""
    return bool((P.diagonal() < P.sum(1) / 2).any() or (overlap(P) > SHARED).any())


def read(
    model: InfoGAN,
    images: Tensor,
    which: Tensor,
    dtype: torch.dtype,
    mean: Tensor | None = None,
    W: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The trunk's features of some of the images, or where these lie on given components, scaled to
    length 1, and Q's outputs, in the order of `which` (n,)."""
    first = next(model.parameters())
    own, device = first.dtype, first.device
    dtype = own if dtype == torch.float32 else dtype
    trunk, head = folded(model.trunk).to(dtype), folded(model.Q)

    @torch.inference_mode()
    def read(part: Tensor) -> tuple[Tensor, Tensor]:
        x = images[part].to(device, dtype)
        x = x / 255 if images.dtype == torch.uint8 else x
        h = trunk(x.contiguous(memory_format=torch.channels_last)).to(own)
        outputs = head(h)
        if mean is not None and W is not None:
            h = F.normalize((h - mean) @ W)
        return h, outputs

    parts = [*each_on_one_thread(read, torch.split(which, BATCH), device)]
    return torch.cat([h for h, _ in parts]), torch.cat([outputs for _, outputs in parts])


def _components(h: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """The mean of features (n, F) and their first principal components (F, d)."""
    mean = h.mean(0)
    return mean, leading(h - mean, DIMENSIONS, seed)


def neighbours(features: Tensor, rows: Tensor, most: int) -> Tensor:
    """For some rows of features (N, d), the numbers of those with the largest product, (n, k), k of
    them as said, or all others where these are fewer; never the row itself."""
    N, d = features.shape
    k, blocks = min(most, N - 1), -(-N // BLOCK)
    tiles = -(-blocks // TILE)
    filling = features[-1:].expand(tiles * TILE * BLOCK - N, -1)
    split = torch.cat([features, filling]).view(tiles, TILE, BLOCK, d)
    # the products of a tile stay in the cache until the largest of each block is known
    columns = [tile.transpose(0, 1).reshape(BLOCK * TILE, d).T for tile in split]
    split, inside = split.flatten(0, 1), torch.arange(BLOCK, device=rows.device)
    chunk = max(1, min(CHUNK, GATHERED // ((k + 1) * BLOCK * d)))
    near = rows.new_empty(len(rows), k)  # made once, so that what a chunk needs fits again
    for part, found in zip(torch.split(rows, chunk), torch.split(near, chunk), strict=True):
        asked = features[part]
        largest = torch.cat([(asked @ W).view(-1, BLOCK, TILE).amax(1) for W in columns], 1)
        # the k + 1 largest, of which one may be itself, lie in as many blocks
        best = largest[:, :blocks].topk(min(k + 1, blocks), dim=1, sorted=False).indices
        product = (split[best].flatten(1, 2) @ asked[:, :, None]).squeeze(2)
        numbers = (best[:, :, None] * BLOCK + inside).flatten(1)  # (·, (k + 1) · BLOCK)
        product[(numbers >= N) | (numbers == part[:, None])] = -torch.inf
        found.copy_(numbers.gather(1, product.topk(k, dim=1, sorted=False).indices))
    return near
