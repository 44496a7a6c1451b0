"""Does D learn a small set by heart, with DiffAugment and without it?

    python benchmarks/diffaugment.py [--source FOLDER] [--images 300] [--updates 1000] [--seed 0]
                                     [--threads 1] [any setting, as in infogan train]

Trains twice on a few images, with the settings that `infogan train FOLDER` chooses for them, once
as they are and once with --loss.diffaugment 0, and prints over the updates how much more real D
finds images that it learnt from than held-out ones: the difference of the mean logits in standard
deviations of the former (`metrics.overfitting`), with its standard error. Without --source: digits
of MNIST, and the accuracy of their categories on its test split.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch
import tyro

from infogan import precision
from infogan.codes import probs
from infogan.config import Config, DataConfig, recipe
from infogan.data import Dataset, load
from infogan.fitting import fitted
from infogan.metrics import clustering, overfitting
from infogan.model import InfoGAN
from infogan.state import State
from infogan.step import advance

POINTS = 8  # measurements in a run
REALS = 2_000  # held-out images at most


def curve(config: Config, train: Dataset, test: Dataset) -> list[dict[str, float]]:
    """Update, gap, its standard error, accuracy where there are labels, over a run."""
    t = config.train
    dtype, _ = precision.choose(t.precision, torch.device("cpu"))
    state = State.start(config, train.shape, torch.device("cpu"))
    points, began = [], time.perf_counter()
    while state.update < t.updates:
        advance(state, train.images, config, dtype)
        if state.update % max(1, t.updates // POINTS) == 0 or state.update == t.updates:
            model = state.trained(train.images, t.seed, config.loss)
            points.append({"update": state.update} | measured(model, train, test))
            line = "  ".join(f"{name} {value:.2f}" for name, value in points[-1].items())
            print(f"  {line}  {time.perf_counter() - began:.0f} s", flush=True)
    return points


def measured(model: InfoGAN, train: Dataset, test: Dataset) -> dict[str, float]:
    """The gap, its standard error, and the accuracy of the categories where labels are known."""
    out = overfitting(model, train.images, test.images, REALS, 0)
    D_train, D_test = (model.discriminate(x[:REALS]) for x in (train.images, test.images))
    error = (D_train.var() / len(D_train) + D_test.var() / len(D_test)).sqrt() / D_train.std()
    found = {"gap": out["overfitting.gap"], "±": error.item()}
    if test.labels is not None and model.prior.categorical:
        code = model.prior.categorical[0]
        q = probs(model.infer(test.images)[code.name]).argmax(1)
        accuracy = clustering(test.labels.numpy(), q.numpy(), code.k)["clustering.accuracy"]
        found["accuracy"] = accuracy
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, help="a folder or file of images; MNIST without it")
    parser.add_argument("--images", type=int, default=300, help="that are learnt from, at most")
    parser.add_argument("--updates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args, rest = parser.parse_known_args()
    torch.set_num_threads(args.threads)

    data = DataConfig(source=str(args.source or "mnist"))
    train, test = (load(data, split) for split in ("train", "test"))
    train = replace(train, images=train.images[: args.images], labels=None)
    base, _ = fitted(recipe("images"), len(train.images), train.shape, args.updates)
    flags = ["--train.updates", str(args.updates), "--train.seed", str(args.seed), *rest]
    asked = tyro.cli(Config, args=flags, default=base)
    print(f"{len(train.images):,} images of {train.name}, {len(test.images):,} held out")
    last = {}
    for strength in (asked.loss.diffaugment, 0.0):
        print(f"DiffAugment {strength:g}")
        config = replace(asked, loss=replace(asked.loss, diffaugment=strength))
        last[strength] = curve(config, train, test)[-1]
    for strength, point in last.items():
        held = "within reach" if point["gap"] < 0.5 else "far below"
        print(
            f"DiffAugment {strength:g}: held-out images are {point['gap']:.2f} ± {point['±']:.2f} "
            f"standard deviations less real to D, {held}"
        )


if __name__ == "__main__":
    main()
