"""Pictures as arrays, and as PNG bytes: traversals, grids, curves, confusion matrices."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan.codes import Code
from infogan.errors import InfoganError, MissingExtraError
from infogan.merging import Merge
from infogan.model import InfoGAN
from infogan.prior import Prior

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Picture = NDArray[np.uint8]  # (H, W) grey or (H, W, 3)

STEPS = 10  # columns of a traversal
MOST = 20  # rows and columns of a traversal at most
COLOURS = 10  # of curves, before they come again dashed
WHOLE, LITTLE = 2.0, 0.002  # the ends of a tree's axis; what mixes less is drawn at the last


def grid(images: Tensor, columns: int, gap: int = 1) -> Picture:
    """Images side by side, row by row, with a thin line between them.

    Args:
        images: (n, C, H, W) in [0, 1]; C is 1 or 3.
        columns: Images in a row.
        gap: Pixels between them.
    """
    n, channels, h, w = images.shape
    rows = -(-n // columns)
    canvas = torch.full((channels, rows * (h + gap) - gap, columns * (w + gap) - gap), 0.35)
    for i, image in enumerate(images):
        top, left = i // columns * (h + gap), i % columns * (w + gap)
        canvas[:, top : top + h, left : left + w] = image
    pixels = (canvas * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    return pixels[:, :, 0] if channels == 1 else pixels


def values(code: Code, steps: int = STEPS) -> Tensor:
    """The columns of a code's traversal."""
    return code.traversal(steps)[:MOST]


def traversal(
    model: InfoGAN, name: str, coordinate: int = 0, seed: int = 0, steps: int = STEPS
) -> Tensor:
    """The paper's Figure 2: one code runs along the columns, everything else of a row is fixed.

    For a categorical code a row is one draw of z and the other codes, a column a category (2a). For
    the others a row is a category of the first categorical code (or a draw, where there is none),
    a column a value, uniform codes from −2 to 2 (2c, 2d); z is the same in all rows.

    Args:
        model: Makes the images.
        name: The code.
        coordinate: Which of its dimensions.
        seed: Of z and the codes that do not run.
        steps: Columns for a continuous code.

    Returns:
        (rows, columns, C, H, W).
    """
    first = model.prior.categorical[:1]
    by = first[0] if first and first[0].name != name else None
    rows = min(by.k, MOST) if by else 10
    z, c = model.prior.sample(rows, torch.Generator().manual_seed(seed))
    if by:
        z = z[:1].expand(rows, -1)
        c = {key: value[:1].expand(rows, *value.shape[1:]) for key, value in c.items()}
        for other in model.prior.continuous:  # the middle, so that only one thing moves
            c[other.name] = other.traversal(3)[1].expand(rows, other.d)
        c[by.name] = torch.arange(rows)
    columns = []
    for value in values(model.prior[name], steps):
        moved = c[name].clone()
        if moved.dim() == 1:
            moved[:] = value
        else:
            moved[:, coordinate] = value
        columns.append(model.decode(z, c | {name: moved}))
    return torch.stack(columns, dim=1)


def traversals(model: InfoGAN, seed: int = 0) -> dict[str, Picture]:
    """The traversal of every coordinate of every code, by its name."""
    pictures: dict[str, Picture] = {}
    for code in model.prior:
        for i, coordinate in enumerate(code.coordinates):
            images = traversal(model, code.name, i, seed)
            pictures[coordinate] = grid(images.flatten(0, 1), images.shape[1])
    return pictures


def samples(model: InfoGAN, n: int = 100, seed: int = 0) -> Picture:
    """n images from the prior, in a square."""
    return grid(model.generate(n=n, seed=seed), max(1, round(n**0.5)))


def png(picture: Picture, scale: int = 1) -> bytes:
    """A picture as a PNG file, each pixel `scale` × `scale`."""
    from PIL import Image

    image = Image.fromarray(picture)
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def information_curves(history: Sequence[Mapping[str, Any]], prior: Prior) -> bytes:
    """L_I of each code over the updates, with H(c) dashed: PNG."""
    with Plot(7, 3.2) as plot:
        for i, code in enumerate(prior):
            updates, values = series(history, f"L_I.{code.name}")
            plot.axes.plot(updates, values, color=f"C{i}", lw=1.2, label=f"L_I({code.name})")
            plot.axes.axhline(
                code.entropy(), color=f"C{i}", ls="--", lw=0.8, label=f"H({code.name})"
            )
        low = min(-0.2, *(np.quantile(series(history, f"L_I.{c.name}")[1], 0.1) for c in prior))
        plot.axes.set_ylim(bottom=max(low, -2.0))
        plot.axes.set(xlabel="update", ylabel="nats")
        plot.axes.legend(fontsize=8, ncols=2, loc="lower right")
    return plot.png


def loss_curves(history: Sequence[Mapping[str, Any]]) -> bytes:
    """The losses of D and G, and the information on real images where there is one: PNG."""
    kinds = ("loss_", "I_pairs.", "I_alike.", "components.", "r1", "r2", "gp")
    names = dict.fromkeys(n for record in history for n in record if n.startswith(kinds))
    many = len(names) > COLOURS
    with Plot(9 if many else 7, max(2.6, 0.17 * len(names) + 0.5)) as plot:
        for i, name in enumerate(names):
            updates, values = series(history, name)
            dashed, alone = "--" if i >= COLOURS else "-", "." if len(values) == 1 else ""
            plot.axes.plot(updates, values, dashed, marker=alone, lw=1, label=name)
        plot.axes.set(xlabel="update", ylabel="nats")
        if many:
            plot.figure.legend(loc="outside right center", fontsize=7)
        else:
            plot.axes.legend(fontsize=8)
    return plot.png


def confusion_matrix(
    table: Sequence[Sequence[int]], matching: Mapping[int, int], named: Sequence[str]
) -> bytes:
    """Classes (rows) by categories (columns, ordered by the class they are matched to): PNG.

    Args:
        table: How many images of each class got each category.
        matching: The class of each category that has one.
        named: What each class is called.
    """
    counts = np.asarray(table)
    classes, k = counts.shape
    order = sorted(range(k), key=lambda j: matching.get(j, classes + j))
    shown = counts[:, order]
    wide = 0.08 * (max(map(len, named)) - 1)
    with Plot(0.45 * k + 1.2 + wide, 0.4 * classes + 1) as plot:
        plot.axes.imshow(np.sqrt(shown), cmap="Blues", aspect="auto")
        for i, j in np.ndindex(*shown.shape):
            colour = "white" if shown[i, j] > 0.3 * shown.max() else "black"
            plot.axes.text(
                j, i, str(shown[i, j]), ha="center", va="center", fontsize=6, color=colour
            )
        plot.axes.set_xticks(range(k), [str(j) for j in order])
        plot.axes.set_yticks(range(classes), named)
        plot.axes.set(xlabel="category", ylabel="class")
    return plot.png


def tree(
    merges: Sequence[Merge],
    line: float | None,
    named: Sequence[str],
    groups: Sequence[int],
    rows: Tensor | None = None,
) -> bytes:
    """A tree of things, and beside each leaf some images: PNG.

    Args:
        merges: As `merging.tree` gives them; drawn at their mixing, the least so far on the way up.
        line: The mixing at which it is cut; None where it is not.
        named: What each leaf is called, (L,).
        groups: The group of each, (L,), which gives the colour.
        rows: Images of each (L, m, C, H, W) in [0, 1]; None for vectors.
    """
    k, order = len(merges) + 1, leaves(merges)
    at = {leaf: float(y) for y, leaf in enumerate(order)}
    group = dict(enumerate(groups))  # of a node; -1 where it holds several
    start, so_far = dict.fromkeys(range(k), WHOLE), WHOLE
    with Plot(4.5 + 4 * (rows is not None), 0.28 * k + 0.8, 1 + (rows is not None)) as plot:
        axes = plot.axes
        for node, merge in enumerate(merges, k):
            so_far = max(min(so_far, merge.s), LITTLE)
            for part in (merge.a, merge.b):
                colour = _colour(group[part])
                axes.plot([start[part], so_far], [at[part]] * 2, color=colour, lw=1.5)
            group[node] = group[merge.a] if group[merge.a] == group[merge.b] else -1
            at[node], start[node] = (at[merge.a] + at[merge.b]) / 2, so_far
            sides = [at[merge.a], at[merge.b]]
            axes.plot([so_far] * 2, sides, color=_colour(group[node]), lw=1.5)
        if line is not None:
            axes.axvline(line, color="black", ls="--", lw=0.8)
        axes.set_xscale("log")
        axes.set(xlim=(LITTLE / 1.2, WHOLE), ylim=(k - 0.5, -0.5), xlabel="mixing")
        axes.set_yticks(range(k), [named[leaf] for leaf in order])
        axes.tick_params("y", left=False, labelleft=False, labelright=True, labelsize=7)
        for side in ("top", "left"):
            axes.spines[side].set_visible(False)
        if rows is not None:
            strip, m = plot.panels[1], rows.shape[1]
            picture = grid(rows[order].flatten(0, 1), m)
            strip.imshow(picture, cmap="gray", extent=(0, m, k - 0.5, -0.5), aspect="auto")
            strip.set(ylim=(k - 0.5, -0.5))
            strip.axis("off")
    return plot.png


def _colour(group: int) -> str:
    return f"C{group % 10}" if group >= 0 else "black"


def leaves(merges: Sequence[Merge]) -> list[int]:
    """The leaves in an order in which no two branches of the tree cross."""
    k = len(merges) + 1
    below = {node: [node] for node in range(k)}
    for i, merge in enumerate(merges):
        below[k + i] = below.pop(merge.a) + below.pop(merge.b)
    return below[2 * k - 2]


def figure1(
    infogan: Sequence[Mapping[str, Any]],
    gan: Sequence[Mapping[str, Any]],
    name: str,
    entropy: float,
) -> bytes:
    """The paper's Figure 1: L_I of one code over the updates, InfoGAN against a plain GAN: PNG.

    Args:
        infogan: The log of a run with `objective: infogan`.
        gan: The log of one with `objective: gan`.
        name: The code.
        entropy: Its H(c), in nats.
    """
    with Plot(5.5, 3.4) as plot:
        for history, label, colour in ((infogan, "InfoGAN", "C2"), (gan, "GAN", "C0")):
            plot.axes.plot(*series(history, f"L_I.{name}"), color=colour, label=label)
        plot.axes.axhline(entropy, color="grey", ls="--", lw=0.8, label=f"H({name})")
        # the first updates can lie far below zero; the bound is of interest above it
        plot.axes.set_ylim(-0.5, entropy * 1.1)
        plot.axes.set(xlabel="update", ylabel="L_I, nats")
        plot.axes.legend()
    return plot.png


def series(history: Sequence[Mapping[str, Any]], name: str) -> tuple[list[int], list[float]]:
    """(updates, values) of one quantity of a log.

    Raises:
        InfoganError: the log does not hold it.
    """
    pairs = [(record["update"], record[name]) for record in history if name in record]
    if not pairs:
        raise InfoganError(f"the run's log holds no {name}; train it first, with that code")
    return [u for u, _ in pairs], [v for _, v in pairs]


class Plot:
    """A matplotlib figure that ends as PNG bytes, made without touching pyplot's global state.

    Args:
        inches_wide: Of the whole.
        inches_high: Of the whole.
        panels: Axes side by side; `axes` is the first of them.
    """

    def __init__(self, inches_wide: float, inches_high: float, panels: int = 1) -> None:
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError:
            raise MissingExtraError("matplotlib", "report") from None
        self.figure = Figure(figsize=(inches_wide, inches_high), layout="constrained")
        FigureCanvasAgg(self.figure)
        self.panels: list[Axes] = [*self.figure.subplots(1, panels, squeeze=False)[0]]
        self.axes = self.panels[0]
        self.png = b""

    def __enter__(self) -> "Plot":
        return self

    def __exit__(self, *exc: object) -> None:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=110)
        self.png = buffer.getvalue()
