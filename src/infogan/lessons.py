"""What Q is told first of some images, by what a scout found: categories and components."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from infogan.batches import fetch
from infogan.components import ends, levels, principal
from infogan.data import look_alikes_outside
from infogan.joining import reconsidered
from infogan.networks.layers import Flat, folded
from infogan.scout import Kinds, Scout
from infogan.votes import read
from infogan.workers import each_on_one_thread

AGREED = 10  # look-alikes that must all be of one kind where an image's category is in doubt
SAMPLE = 4_096  # images that principal components are found from
FLATTENS = (Flat, nn.Flatten)  # where a trunk's convolutions, if it has any, end
READ_AT_ONCE = 256  # images a thread has under way


@torch.no_grad()
def categories(scout: Scout, kinds: Kinds, which: Tensor) -> tuple[Tensor, Tensor, Kinds]:
    """The kind of some of the images, (n,), and whether it is told, (n,); and the kinds as they are
    then.

    argmax_k Σ_{i in k} p_i(x). Where the likeliest small category is in doubt, x's ten look-alikes
    outside it are asked. First, all of them together, whether the small category belongs to the
    other kind (`joining.reconsidered`). Then x is told as what its ten are, if they have one kind
    and it is this or the rival; not the rival where most images of the kind are in that category,
    so that few are outside.
    """
    t = scout.config.train
    model = scout.state.reader(scout.images, t.seed)
    members, place = which.unique(return_inverse=True)  # type: ignore[no-untyped-call]
    h, _ = read(model, scout.images, members, scout.dtype)
    kind, small = scout.likeliest(kinds, h)
    told = kinds.told[small]
    if scout.config.augment.neighbours_until and len(members) > AGREED:
        asked = (~told).nonzero()[:, 0]
        device, pattern = scout.r_bar.device, scout.config.augment.patterns
        near = look_alikes_outside(
            scout.images, members, small, asked, AGREED, t.seed, device, pattern
        )
        own, size = small[asked], small.bincount(minlength=scout.M)  # (k,), (M,)
        kinds = _reconsidered(kinds, own, small[near], size)
        kind, _ = scout.likeliest(kinds, h)
        theirs = kind[near]  # (k, 10)
        whole = size.new_zeros(scout.code.k).index_add_(0, kinds.groups, size)[kinds.groups]
        one, shares = theirs[:, 0], 2 * size <= whole
        possible = (one == kinds.groups[own]) | (one == kinds.rivals[own]) & shares[own]
        agreed = possible & (theirs == one[:, None]).all(1)
        kind[asked[agreed]], told[asked[agreed]] = one[agreed], True
    return kind[place], told[place], kinds


def _reconsidered(kinds: Kinds, own: Tensor, near: Tensor, size: Tensor) -> Kinds:
    """By the small categories of images in doubt, (k,), and of their look-alikes, (k, 10)."""
    M = len(kinds.groups)
    alike = (own[:, None] * M + near).flatten().bincount(minlength=M * M).view(M, M)
    doubtful = (~kinds.told).nonzero()[:, 0]
    groups, rivals = reconsidered(
        *(part.numpy() for part in (kinds.groups, kinds.rivals, doubtful, alike.double(), size))
    )
    return replace(kinds, groups=torch.from_numpy(groups), rivals=torch.from_numpy(rivals))


@torch.no_grad()
def components(scout: Scout, kinds: Kinds, which: Tensor) -> dict[str, Tensor]:
    """What Q's continuous codes are told of some of the images, by code (n, d).

    Each coordinate, in the codes' order, takes the next principal component of what the last
    convolution gives, within kinds; an image has the value that as large a part of P(c) is
    below as of its kind's images are.
    """
    t = scout.config.train
    model = scout.state.reader(scout.images, t.seed)
    codes, device = scout.state.model.prior.continuous, scout.r_bar.device
    members, place = which.unique(return_inverse=True)  # type: ignore[no-untyped-call]
    trunk = [*folded(model.trunk).children()]
    flat = 1 + next(i for i, layer in enumerate(trunk) if isinstance(layer, FLATTENS))
    convolutions, rest = nn.Sequential(*trunk[:flat]), nn.Sequential(*trunk[flat:])

    @torch.inference_mode()
    def along(part: Tensor) -> tuple[Tensor, Tensor]:
        h = convolutions(fetch(scout.images, part, device))
        return (h @ W).cpu(), scout.likeliest(kinds, rest(h))[0]

    generator = torch.Generator().manual_seed(t.seed)
    sample = members[torch.randperm(len(members), generator=generator)[:SAMPLE]]
    pieces = sample.split(READ_AT_ONCE)
    h = torch.cat([convolutions(fetch(scout.images, part, device)) for part in pieces])
    of_sample = scout.likeliest(kinds, rest(h))[0].to(device)
    W = principal(h, of_sample, sum(code.d for code in codes), t.seed)
    W *= ends(h @ W, scout.images[sample], of_sample)
    del h
    parts = [*each_on_one_thread(along, members.split(READ_AT_ONCE), device)]
    v, kind = (torch.cat(column) for column in zip(*parts, strict=True))
    columns = torch.split(levels(v, kind)[place], [code.d for code in codes], 1)
    return {code.name: code.quantile(level) for code, level in zip(codes, columns, strict=True)}
