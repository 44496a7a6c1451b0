"""What `infogan data` tells of a source: facts, words, and of pictures a contact sheet."""

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from infogan.config import DataConfig
from infogan.data import cache
from infogan.data.array import Array
from infogan.data.choose import choose
from infogan.data.pack import Pack, pack
from infogan.data.places import READERS, parted
from infogan.data.source import Dataset, kind, load
from infogan.errors import InfoganError

SHOWN, FEW = 20, 5  # refused files, or columns, on the terminal, and files that were passed over
SIDE = 10  # pictures in a row and in a column of the sheet
SMALL = 32  # pixels; smaller pictures are shown at twice their size


def facts(data: DataConfig) -> tuple[dict[str, Any], Tensor]:
    """What a source holds, as JSON can say it, and its images (N, C, H, W).

    Raises:
        InfoganError: it cannot be read.
    """
    entry = kind(data.source)
    if data.stream:
        raise InfoganError(
            "infogan data looks at all of a set, which needs a copy on the disk: leave "
            "--data.stream out"
        )
    if entry not in READERS:
        both = [load(data, "train"), load(data, "test")]
        return _built_in(entry, both), both[0].images
    place = READERS[entry](data.source)
    form, chosen = choose(place, data)
    found: dict[str, Any] = {
        "source": data.source,
        "kind": entry,
        "shape": [form.channels, form.size, form.size],
        "chosen": chosen,
        "classes": list(place.classes),
        "others": [list(other) for other in place.others],
        "refused": [],
    }
    if isinstance(place, Array) and place.fits(form):
        images = place.mapped()
        found |= {"pictures": len(images), "formats": {"array": len(images)}, "modes": {}}
        found |= {"bytes": images.numel(), "packed": ""}
    else:
        packed = pack(place, form, data)
        images = packed.images()
        found |= _packed(packed)
    if len(images) > 1:
        found["held_out"] = len(parted(images, "test")[1])
    found["cache"] = {"folder": str(cache.root()), "bytes": cache.size()}
    return found, images


def _packed(packed: Pack) -> dict[str, Any]:
    card, sizes = packed.card, packed.sizes()
    quantiles = np.quantile(sizes, (0, 0.5, 1), axis=0, method="nearest").astype(int)
    return {
        "pictures": card["n"],
        "formats": card["formats"],
        "modes": card["modes"],
        "widths": quantiles[:, 0].tolist(),
        "heights": quantiles[:, 1].tolist(),
        "refused": [list(bad) for bad in packed.refused()],
        "bytes": packed.images().numel(),
        "packed": str(packed.folder),
    }


def _built_in(entry: str, both: list[Dataset]) -> dict[str, Any]:
    train, test = both
    images = [part.images for part in both]
    labels = [] if train.labels is None else torch.unique(train.labels).tolist()
    values = torch.cat(images).flatten(1) if train.columns else None
    ranges = {} if values is None else _ranges(train.columns or (), values)
    return ranges | {
        "source": train.name,
        "kind": entry,
        "shape": list(train.shape),
        "chosen": "",
        "pictures" if values is None else "vectors": sum(map(len, images)),
        "held_out": len(test.images),
        "classes": [str(label) for label in labels],
        "factors": list(train.factors.names) if train.factors else [],
        "bytes": sum(part.numel() * part.element_size() for part in images),
        "refused": [],
        "others": [],
    }


def _ranges(columns: Sequence[str], values: Tensor) -> dict[str, Any]:
    """The least, median and greatest of each column of vectors (N, d)."""
    rows = torch.stack([values.min(0).values, values.median(0).values, values.max(0).values], 1)
    return {"columns": dict(zip(columns, rows.tolist(), strict=True))}


def as_text(found: dict[str, Any]) -> str:
    """The facts for a terminal; of many refused files the first."""
    c, h, w = found["shape"]
    what = "vectors" if "columns" in found else "pictures"
    lines = [f"{found['source']}: {found[what]:,} {what}"]
    for key in ("formats", "modes"):
        if found.get(key):
            counts = ", ".join(f"{name} {n:,}" for name, n in found[key].items())
            lines.append(f"  {key:<9} {counts}")
    if "widths" in found:
        for key in ("widths", "heights"):
            low, middle, high = found[key]
            lines.append(f"  {key:<9} {low:,} to {high:,}, median {middle:,} pixels")
    if "columns" in found:
        lines += [
            f"  {name}: {low:.6g} to {high:.6g}, median {middle:.6g}"
            for name, (low, middle, high) in [*found["columns"].items()][:SHOWN]
        ]
        more = len(found["columns"]) - SHOWN
        lines += [f"  … {more:,} columns more; --json has all"] if more > 0 else []
    else:
        lines.append(f"  become    {c}×{h}×{w}" + (found["chosen"] and f"; {found['chosen']}"))
    if "held_out" in found:
        lines.append(f"  held out  {found['held_out']:,}, to measure on")
    if found.get("factors"):
        lines.append(f"  factors   {', '.join(found['factors'])}: for metrics only")
    if found["classes"]:
        shown = ", ".join(found["classes"][:8]) + ", …" * (len(found["classes"]) > 8)
        lines.append(f"  labels    {len(found['classes'])} ({shown}): for metrics only")
    lines += _room(found) + _refused(found)
    lines += [f"  sheet     {found['sheet']}"] if "sheet" in found else []
    return "\n".join(lines)


def _room(found: dict[str, Any]) -> list[str]:
    size = cache.in_bytes(found["bytes"])
    if "cache" not in found:
        return [f"  memory    {size}"]
    held = f"the whole cache {cache.in_bytes(found['cache']['bytes'])}"
    where = found["packed"] or "none: the array is read where it is"
    return [
        f"  disk      {size if found['packed'] else '0 bytes'} ({where}; {held})",
        f"  memory    mapped: what is in use of {size}, and none of it where memory is short",
    ]


def _refused(found: dict[str, Any]) -> list[str]:
    lines = []
    if found["others"]:
        why = Counter(reason for _, reason in found["others"])
        counts = ", ".join(f"{n:,} {reason}" for reason, n in why.items())
        lines.append(f"  passed over, and not counted as bad: {counts}")
        lines += _listed(found["others"], FEW, "--json has all")
    if found["refused"]:
        share = len(found["refused"]) / (len(found["refused"]) + found["pictures"])
        lines.append(f"  refused   {len(found['refused']):,}, {share:.1%}:")
        lines += _listed(found["refused"], SHOWN, "--json has all")
    return lines


def _listed(pairs: list[list[str]], most: int, where: str) -> list[str]:
    lines = [f"    {_one_line(name)}: {reason}" for name, reason in pairs[:most]]
    more = len(pairs) - most
    return [*lines, f"    … {more:,} more; {where}"] if more > 0 else lines


def _one_line(name: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def sheet(images: Tensor) -> bytes:
    """Up to a hundred of the images, evenly spread, side by side: PNG."""
    n = min(len(images), SIDE * SIDE)
    some = images[torch.linspace(0, len(images) - 1, n).round().long()]
    if some.dtype != torch.uint8:
        some = (some.clamp(0, 1) * 255).round().byte()
    _, channels, h, w = some.shape
    columns = min(SIDE, n)
    rows = -(-n // columns)
    canvas = torch.full((channels, rows * (h + 1) - 1, columns * (w + 1) - 1), 90).byte()
    for i, image in enumerate(some):
        top, left = i // columns * (h + 1), i % columns * (w + 1)
        canvas[:, top : top + h, left : left + w] = image
    pixels = canvas.permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels[:, :, 0] if channels == 1 else np.ascontiguousarray(pixels))
    if max(h, w) < SMALL:
        picture = picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
