"""Codes to images as a batch job: what `InfoGAN.generate` gives, faster, batch after batch."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Sequential

from infogan import names, outputs
from infogan.codes import Categorical, Code
from infogan.groups import SUFFIX
from infogan.inputs import checked_seed
from infogan.model import InfoGAN
from infogan.networks.layers import folded
from infogan.workers import each_on_one_thread

BATCH = 256  # images a thread has under way


def generate(
    model: InfoGAN,
    n: int,
    given: Mapping[str, float] | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """n images and the codes they were made from, in batches.

    The same seed draws the same z and c whatever the number of threads; batch norm is folded.

    Args:
        model: Trained.
        n: How many images.
        given: One value for all images, by code (or NAME_group, where categories were merged); the
            other codes are drawn from the prior.
        seed: Of z and c.
        dtype: Of G; `precision.choose` gives the fastest. Pixels are formed in float32.

    Returns:
        Batches: images (≤ 256, C, H, W), bytes, or vectors (≤ 256, d), float32; and each code's
        values as in `prior.sample`.

    Raises:
        InfoganError: an unknown code, or a value that it cannot have.
    """
    fixed = model.values(given or {})
    dtype = torch.float32 if model.vectors else dtype
    G = folded(model.G).to(dtype)
    assert isinstance(G, Sequential)
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(checked_seed(seed))

    def draws() -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        for at in range(0, n, BATCH):
            yield model.draw(min(BATCH, n - at), generator, fixed)

    @torch.inference_mode()
    def images(drawn: tuple[Tensor, dict[str, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        z, c = drawn
        x = G(model.prior.embed(z, c).to(device, dtype))
        if model.vectors:
            return x.flatten(1).cpu(), c
        return (255 * x).round().to(torch.uint8).cpu(), c

    return each_on_one_thread(images, draws(), device)


def write(
    folder: Path,
    model: InfoGAN,
    n: int,
    batches: Iterable[tuple[Tensor, dict[str, Tensor]]],
    columns: Sequence[str] = (),
) -> None:
    """Write what `generate` yields to `images.npy`, (n, C, H, W) bytes, or `vectors.csv`, and
    `codes.csv`.

    Batch after batch, so that memory stays bounded. The folder appears only when it is whole.

    Args:
        folder: To make.
        model: That made the batches.
        n: Images in all of them.
        batches: What `generate` yields.
        columns: Names of the coordinates of vectors; x0, x1, … where nothing is said.

    Raises:
        InfoganError: something is there already, or the disk refuses.
    """
    with outputs.folder(folder) as place:
        sink = _table(place, model, columns) if model.vectors else _array(place, model, n)
        with sink as keep, (place / "codes.csv").open("w", newline="", encoding="utf-8") as f:
            rows = csv.writer(f)
            one = model.prior.sample(1, torch.Generator())[1]
            rows.writerow(n for code in model.prior for n in _columns(model, code, one[code.name]))
            for x, c in batches:
                keep(x)
                made = [_columns(model, code, c[code.name]) for code in model.prior]
                rows.writerows(zip(*(values for each in made for values in each.values())))


def _columns(model: InfoGAN, code: Code, c: Tensor) -> dict[str, list[Any]]:
    """A code's columns for its values (n, …): of categories what they are called too, where any
    is, and the same of their groups, where they were merged."""
    columns: dict[str, list[Any]] = dict(zip(code.coordinates, c.reshape(len(c), -1).T.tolist()))
    if not isinstance(code, Categorical):
        return columns
    sizes = {code.name: code.k}
    if groups := model.groups.get(code.name):
        columns[code.name + SUFFIX] = [groups.of[k] for k in c.tolist()]
        sizes[code.name + SUFFIX] = groups.n
    found: dict[str, list[Any]] = {}
    for name, values in columns.items():
        called = names.of_categories(model.names, name, sizes[name])
        found[name] = values
        if any(called):
            found[f"{name}.name"] = [called[k] for k in values]
    return found


@contextmanager
def _array(folder: Path, model: InfoGAN, n: int) -> Iterator[Callable[[Tensor], None]]:
    """Takes images, batch after batch."""
    images = np.lib.format.open_memmap(
        folder / "images.npy", mode="w+", dtype=np.uint8, shape=(n, *model.shape)
    )
    at = 0

    def keep(x: Tensor) -> None:
        nonlocal at
        images[at : at + len(x)] = x.numpy()
        at += len(x)

    yield keep
    images.flush()


@contextmanager
def _table(
    folder: Path, model: InfoGAN, columns: Sequence[str]
) -> Iterator[Callable[[Tensor], None]]:
    """Takes vectors, batch after batch."""
    with (folder / "vectors.csv").open("w", newline="", encoding="utf-8") as f:
        rows = csv.writer(f)
        rows.writerow(columns or [f"x{i}" for i in range(model.shape[0])])
        yield lambda x: rows.writerows(x.tolist())
