"""Pictures into folders, one for each category or group that Q finds in them."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from infogan import outputs, table
from infogan.errors import InfoganError
from infogan.groups import SUFFIX
from infogan.model import InfoGAN
from infogan.names import of_categories

UNSURE = "unsure"  # the folder of what Q finds in none with the probability that is asked for
CODES = "codes.csv"
NO_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f]')  # what file systems know another use for


def sortable(model: InfoGAN, by: str | None = None) -> str:
    """What pictures are sorted by: the code that is named, or the first that has categories; its
    groups, where they were merged.

    Raises:
        InfoganError: there is no such code, or it has no categories.
    """
    there = _counts(model)
    if not there:
        raise InfoganError(f"no code of {model.prior} has categories to sort by")
    if by is None:
        return next(iter(there))
    if by not in there:
        raise InfoganError(f"--by {by!r}: pictures are sorted by {' or '.join(there)}")
    return by


def _counts(model: InfoGAN) -> dict[str, int]:
    """What pictures can be sorted by, and into how many: groups come before their categories."""
    found: dict[str, int] = {}
    for code in model.prior.categorical:
        if code.name in model.groups:
            found[code.name + SUFFIX] = model.groups[code.name].n
        found[code.name] = code.k
    return found


def folders(model: InfoGAN, codes: Mapping[str, np.ndarray], by: str, least: float) -> list[str]:
    """The folder that each picture belongs in: the category's number and what it is called, or
    `unsure`.

    Args:
        model: Whose names they have.
        codes: As `encode` gives them, (N,) each.
        by: One of its columns of categories, or of groups.
        least: Probability below which a picture is not sorted in.
    """
    K = _counts(model)[by]
    called = of_categories(model.names, by, K)
    width = len(str(K - 1))
    each = [f"{k:0{width}d} {NO_NAME.sub('_', called[k])}".strip(" .") for k in range(K)]
    pairs = zip(codes[by].tolist(), codes[f"{by}.p"].tolist())
    return [each[k] if p >= least else UNSURE for k, p in pairs]


def write(
    out: Path,
    where: Sequence[str],
    images: Tensor,
    codes: Mapping[str, np.ndarray],
    root: Path | None = None,
    names: Sequence[str] | None = None,
    link: bool = False,
) -> None:
    """Make `out`, with a folder for each category in which there is any, and `codes.csv`, a row for
    each picture.

    Args:
        out: To make; it appears when it is whole.
        where: The folder of each picture, (N,).
        images: (N, C, H, W) bytes, which are written as PNG files where there is no `root`.
        codes: What `encode` says of each, for the table.
        root: The folder that the pictures lie in: their files are copied as they are.
        names: Their paths there.
        link: Make symbolic links to them instead.

    Raises:
        InfoganError: something is there already, or the disk refuses.
    """
    digits = len(str(len(where) - 1))
    files = names if root and names else [f"{i:0{digits}d}.png" for i in range(len(where))]
    with outputs.folder(out) as place:
        for i, (folder, file) in enumerate(zip(where, files, strict=True)):
            to = place / folder / file
            to.parent.mkdir(parents=True, exist_ok=True)
            if root is None:
                pixels = images[i].permute(1, 2, 0).numpy()
                Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(to)
            elif link:
                os.symlink((root / file).resolve(), to)
            else:
                shutil.copy2(root / file, to)
        paths = np.array([f"{folder}/{file}" for folder, file in zip(where, files)])
        table.write(place / CODES, {"name": paths} | dict(codes))
