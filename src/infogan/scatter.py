"""Pictures of what the codes do to vectors, as PNG: scatter plots and lines."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan.codes import Categorical, Uniform, probs
from infogan.figures import Plot
from infogan.model import InfoGAN
from infogan.networks.ranges import Standard

COORDINATES = 3  # the first few, of which every pair is drawn
LINES = 12  # coordinates of a traversal at most
POINTS = 3_000  # of a scatter plot at most
DRAWS = 200  # of the rest, over which a traversal is averaged
STEPS = 41


def readings(model: InfoGAN, x: Tensor) -> Iterator[tuple[str, bool, NDArray[np.float64]]]:
    """What Q reads of vectors: (coordinate, whether it is a category, values (n,))."""
    q = model.infer(x)
    for code in model.prior:
        if isinstance(code, Categorical):
            yield code.name, True, probs(q[code.name]).argmax(1).double().cpu().numpy()
        else:
            mean = q[code.name].mean.double().cpu().numpy()
            yield from ((name, False, mean[:, i]) for i, name in enumerate(code.coordinates))


def coloured(model: InfoGAN, x: Tensor, columns: Sequence[str]) -> dict[str, bytes]:
    """Real vectors coloured by what Q reads of them, a picture for each coordinate of the codes.

    Args:
        model: Trained.
        x: (N, d, 1, 1).
        columns: Names of the d coordinates.
    """
    x = x[:POINTS]
    rows = x.flatten(1).numpy()
    pictures = {}
    for name, discrete, value in readings(model, x):
        with _panels(len(columns)) as plot:
            for axes, (i, j) in zip(plot.panels, _pairs(len(columns))):
                dots = axes.scatter(
                    rows[:, i], rows[:, j], c=value, s=4, cmap="tab10" if discrete else "turbo"
                )
                axes.set(xlabel=columns[i], ylabel=columns[j])
            plot.figure.colorbar(dots, ax=plot.panels[-1], label=name)
        pictures[name] = plot.png
    return pictures


def samples(model: InfoGAN, x: Tensor, columns: Sequence[str], seed: int = 0) -> bytes:
    """Real vectors and as many generated ones. Args as `coloured`."""
    real = x[:POINTS].flatten(1).numpy()
    fake = model.generate(n=len(real), seed=seed).cpu().numpy()
    with _panels(len(columns)) as plot:
        for axes, (i, j) in zip(plot.panels, _pairs(len(columns))):
            for rows, label in ((real, "real"), (fake, "generated")):
                axes.scatter(rows[:, i], rows[:, j], s=3, alpha=0.5, label=label)
            axes.set(xlabel=columns[i], ylabel=columns[j])
        plot.axes.legend(fontsize=8, markerscale=3)
    return plot.png


def traversals(model: InfoGAN, columns: Sequence[str], seed: int = 0) -> dict[str, bytes]:
    """What each code does: a line for each coordinate of x, in its standard deviations, over the
    code's values, the mean over 200 draws of everything else.

    Args:
        model: Trained.
        columns: Names of the coordinates of x.
        seed: Of what is drawn.
    """
    z, c = model.prior.sample(DRAWS, torch.Generator().manual_seed(seed))
    standard = next(m for m in model.trunk.modules() if isinstance(m, Standard))
    pictures = {}
    for code in model.prior:
        discrete = isinstance(code, Categorical)
        values = code.traversal(STEPS, 1.0) if isinstance(code, Uniform) else code.traversal(STEPS)
        for i, name in enumerate(code.coordinates):
            points = []
            for value in values:
                moved = c[code.name].clone()
                moved[... if discrete else (slice(None), i)] = value
                x = model.decode(z, c | {code.name: moved})
                points.append(standard(x).flatten(1).mean(0)[:LINES])
            lines = torch.stack(points).T.tolist()
            with Plot(6, 3.2) as plot:
                for column, line in zip(columns, lines):
                    plot.axes.plot(values.tolist(), line, "o" if discrete else "-", label=column)
                plot.axes.set(xlabel=name, ylabel="standard deviations")
                plot.axes.legend(fontsize=7, ncols=2)
            pictures[name] = plot.png
    return pictures


def side_by_side(
    models: dict[str, InfoGAN], x: Tensor, over: NDArray[np.float64], names: Sequence[str]
) -> bytes:
    """The sheet that made data comes from, coloured by each continuous code of each model.

    Args:
        models: By their titles.
        x: Vectors (N, d, 1, 1).
        over: Where each lies on the sheet (N, 2).
        names: Of the two sides.
    """
    read = [
        (f"{title}: {name}", value)
        for title, model in models.items()
        for name, discrete, value in readings(model, x)
        if not discrete
    ]
    with Plot(3.1 * len(read), 2.6, len(read)) as plot:
        for axes, (title, value) in zip(plot.panels, read):
            axes.scatter(over[:, 0], over[:, 1], c=value, s=5, cmap="turbo")
            axes.set(title=title, xlabel=names[0], ylabel=names[1])
    return plot.png


def _pairs(d: int) -> list[tuple[int, int]]:
    """Which coordinates are drawn over which."""
    return [*combinations(range(min(d, COORDINATES)), 2)] or [(0, 0)]


def _panels(d: int) -> Plot:
    n = len(_pairs(d))
    return Plot(3.6 * n + 0.8, 3.2, n)
