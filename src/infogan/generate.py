"""Codes to images as a batch job: what `InfoGAN.generate` gives, faster, batch after batch."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import Sequential

from infogan import outputs
from infogan.codes import Code
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
            rows.writerow([name for code in model.prior for name in _names(model, code)])
            for x, c in batches:
                keep(x)
                values = [_values(model, code, c[code.name]) for code in model.prior]
                rows.writerows(zip(*(column for code in values for column in code)))


def _names(model: InfoGAN, code: Code) -> list[str]:
    """A code's columns; where its categories were merged the group beside the category."""
    return code.coordinates + [code.name + SUFFIX] * (code.name in model.groups)


def _values(model: InfoGAN, code: Code, c: Tensor) -> list[list[float]]:
    """The values (n, …) of one code in these columns."""
    columns = c.reshape(len(c), -1).T.tolist()
    groups = model.groups.get(code.name)
    return [*columns, [groups.of[k] for k in c.tolist()]] if groups else columns


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
