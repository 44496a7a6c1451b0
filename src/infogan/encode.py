"""Images to codes as a batch job: what `InfoGAN.infer` says, faster, as columns of a table."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent

from infogan import names
from infogan.codes import Categorical, Code, probs
from infogan.groups import SUFFIX
from infogan.model import InfoGAN
from infogan.networks.layers import folded
from infogan.workers import each_on_one_thread

BATCH = 256  # images a thread has under way: enough for the products, little enough for the cache


def encode(
    model: InfoGAN, images: Tensor, dtype: torch.dtype = torch.float32
) -> dict[str, np.ndarray]:
    """What Q says of each image, code by code.

    A categorical code gives its likeliest category (integers) and, as `NAME.p`, that category's
    probability, and where its categories were merged the same of its groups as `NAME_group` and
    `NAME_group.p`; where categories have names (`model.names`) `NAME.name` says it, "" of one
    without; a continuous one Q's mean and, as `NAME.sd`, its σ; a coin the probability of 1.
    A code of several dimensions has columns for each: `u[0]`, `u[0].sd`, `u[1]`, ….

    Batch norm is folded into the layers before it, and each processor thread takes batches of its
    own. The trunk runs in `dtype`, Q's head in float32: categories agree with `infer` but for the
    images whose two likeliest are next to equal.

    Args:
        model: Trained.
        images: (N, C, H, W), bytes, or floats in [0, 1]; vectors (N, d, 1, 1).
        dtype: Of the trunk, where it sees images; `precision.choose` gives the fastest.

    Returns:
        {column: (N,)}, int32, float32 or, of names, text.
    """
    rows = [*outputs(model, torch.split(images, BATCH), dtype)]
    return columns(model, torch.cat(rows) if rows else torch.empty(0, model.prior.n_params))


def outputs(
    model: InfoGAN, batches: Iterable[Tensor], dtype: torch.dtype = torch.float32
) -> Iterator[Tensor]:
    """Q's outputs (n, n_params) for each batch of n images, for `prior.q` or `columns`; the rest
    as `encode`."""
    if model.vectors:  # bfloat16 would round them before they are standardized
        dtype = torch.float32
    trunk, head = folded(model.trunk).to(dtype), folded(model.Q)
    device = next(model.parameters()).device

    @torch.inference_mode()
    def of_batch(part: Tensor) -> Tensor:
        x = part.to(device, dtype)
        x = x / 255 if part.dtype == torch.uint8 else x
        q: Tensor = head(trunk(x.contiguous(memory_format=torch.channels_last)).float())
        return q.cpu()

    return each_on_one_thread(of_batch, batches, device)


def columns(model: InfoGAN, outputs: Tensor) -> dict[str, np.ndarray]:
    """Q's outputs (N, Σ sizes) as the columns that `encode` gives."""
    table: dict[str, np.ndarray] = {}
    for name, q in model.prior.q(outputs).items():
        code = model.prior[name]
        if isinstance(code, Categorical):
            table |= _likeliest(name, probs(q), model)
        else:
            table |= _means(code, q)
        if name in model.groups:
            table |= _likeliest(name + SUFFIX, model.groups[name].probs(q), model)
    return table


def _means(code: Code, q: Distribution) -> dict[str, np.ndarray]:
    assert isinstance(q, Independent)
    mean, sd = q.mean.numpy(), q.stddev.numpy()  # (N, d)
    table: dict[str, np.ndarray] = {}
    for i, name in enumerate(code.coordinates):
        table[name] = mean[:, i]
        if not isinstance(q.base_dist, Bernoulli):
            table[f"{name}.sd"] = sd[:, i]
    return table


def _likeliest(name: str, p: Tensor, model: InfoGAN) -> dict[str, np.ndarray]:
    largest, k = p.max(1)
    table = {name: k.numpy().astype(np.int32), f"{name}.p": largest.numpy()}
    called = names.of_categories(model.names, name, p.shape[1])
    return table | ({f"{name}.name": np.array(called)[k.numpy()]} if any(called) else {})
