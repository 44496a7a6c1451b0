"""The pictures of a run's report."""

from collections.abc import Mapping
from typing import Any

import torch

from infogan import figures, scatter
from infogan.data import load, to_float
from infogan.metrics.clustering import class_names
from infogan.metrics.groups import line, merges_of, names, shown
from infogan.metrics.matched import continuous_factors
from infogan.model import InfoGAN
from infogan.run import Run


def pictures(run: Run, model: InfoGAN, metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """PNG files by name, from what was logged, measured, and learnt."""
    history = run.history()
    made = _of_vectors(run, model) if model.vectors else _of_images(model)
    made["information"] = figures.information_curves(history, model.prior)
    made["losses"] = figures.loss_curves(history)
    if "clustering.confusion" in metrics:
        matching = {int(k): v for k, v in metrics["clustering.matching"].items()}
        table, named = metrics["clustering.confusion"], class_names(metrics)
        made["confusion"] = figures.confusion_matrix(table, matching, named)
    if "groups.confusion" in metrics:
        matching = {int(k): v for k, v in metrics["groups.matching"].items()}
        table, named = metrics["groups.confusion"], class_names(metrics, "groups")
        made["groups"] = figures.confusion_matrix(table, matching, named)
    return made | _trees(run, model, metrics)


def _of_images(model: InfoGAN) -> dict[str, bytes]:
    found = {
        f"traversal-{name}": figures.png(picture, scale=2)
        for name, picture in figures.traversals(model).items()
    }
    return found | {"samples": figures.png(figures.samples(model), scale=2)}


def _trees(run: Run, model: InfoGAN, metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """The tree of each categorical code, with real images of each leaf."""
    found, images = dict[str, bytes](), None
    if names(metrics) and not model.vectors:
        images = load(run.config.data, "test").images
    for name in names(metrics):
        of, _ = shown(metrics, name)
        leaves, examples = metrics[f"groups.{name}.leaves"], metrics[f"groups.{name}.examples"]
        rows = None
        if images is not None:
            rows = torch.zeros(len(leaves), max(map(len, examples)), *model.shape)
            for row, some in zip(rows, examples):
                row[: len(some)] = to_float(images[some])
        named = [f"{category} → {of.of[category]}" for category in leaves]
        found[f"tree-{name}"] = figures.tree(
            merges_of(metrics, name),
            line(metrics, name),
            named,
            [of.of[category] for category in leaves],
            rows,
        )
    return found


def _of_vectors(run: Run, model: InfoGAN) -> dict[str, bytes]:
    test = load(run.config.data, "test")
    columns = test.columns or [f"x{i}" for i in range(model.shape[0])]
    found = {
        f"{kind}-{name}": picture
        for kind, made in (
            ("coloured", scatter.coloured(model, test.images, columns)),
            ("traversal", scatter.traversals(model, columns)),
        )
        for name, picture in made.items()
    }
    sides = list(continuous_factors(test).items())[:2]
    if test.factors is not None and len(sides) == 2 and model.prior.continuous:
        names, at = zip(*sides)
        over = test.factors.values[:, list(at)].numpy()
        found["sheet"] = scatter.side_by_side({"Q": model}, test.images, over, names)
    return found | {"samples": scatter.samples(model, test.images, columns)}
