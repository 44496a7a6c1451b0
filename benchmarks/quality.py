"""How soon a recipe is good: seconds of training until the test accuracy first reaches 0.97.

    python benchmarks/quality.py [--seeds 0 1 2 3 4] [--every 50] [--to-the-end] [--json FILE] [...]

The clock runs through everything that training does, scouts and short starts included, and stands
still while a copy of the model is measured, with batch statistics of real images, as Q learns from
them during the game (a kept model has those of generated ones too: before update 1,000 of a game
that is broken off there they mislead it). Any setting of the recipe is a flag, as in `infogan
train`: with `--train.updates 700` all phases are shorter, and the last is over sooner.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import tyro
from torch import device

from infogan import precision
from infogan.codes import probs
from infogan.config import Config, recipe
from infogan.data import Dataset, load
from infogan.fitting import in_proportion
from infogan.metrics.clustering import clustering
from infogan.model import InfoGAN
from infogan.progress import Progress
from infogan.restarts import best_start
from infogan.run import Run
from infogan.scouting import scouted
from infogan.state import State
from infogan.step import advance, sends_scouts


def accuracy(model: InfoGAN, test: Dataset) -> float:
    """One-to-one accuracy of the first categorical code on the test images."""
    code = model.prior.categorical[0]
    q = probs(model.infer(test.images)[code.name]).argmax(1).numpy()
    return clustering(test.labels.numpy(), q, code.k)["clustering.accuracy"]


def curve(
    config: Config, data: Dataset, test: Dataset, every: int, until: float
) -> list[tuple[int, float, float]]:
    """(updates made in all, seconds of training, test accuracy), until it is at `until`."""
    t = config.train
    dtype, _ = precision.choose(t.precision, device("cpu"))
    clock = -time.perf_counter()
    state = State.start(config, data.shape, device("cpu"))
    lost = 0
    with tempfile.TemporaryDirectory() as folder, open("/dev/null", "w") as nowhere:
        run = Run.create(Path(folder) / "run", config, "")
        progress = Progress(state.model.prior, nowhere)
        how = (data.images, config, dtype, run, progress, lambda: False)
        if sends_scouts(config, state.model.prior):
            scouted(state, *how)
        elif t.restarts > 1:
            state = best_start(state, *how)
            made = len(next(v for v in run.starts().values() if isinstance(v, list)))
            lost = (made - 1) * t.restart_updates
    points: list[tuple[int, float, float]] = []
    while state.update < t.updates and not (points and points[-1][2] >= until):
        advance(state, data.images, config, dtype)
        if state.update % every == 0 or state.update == t.updates:
            clock += time.perf_counter()
            reached = accuracy(state.reader(data.images, t.seed), test)
            points.append((lost + state.update, clock, reached))
            clock -= time.perf_counter()
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="mnist")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--every", type=int, default=50, help="updates between two measurements")
    parser.add_argument("--goal", type=float, default=0.97)
    parser.add_argument("--to-the-end", action="store_true", help="do not stop at the goal")
    parser.add_argument("--json", type=Path, help="also write the curves here")
    args, rest = parser.parse_known_args()

    data, test = (load(recipe(args.recipe).data.source, split) for split in ("train", "test"))
    _, why = precision.choose("auto", device("cpu"))
    print(f"{args.recipe}, {why}: seconds of training until accuracy {args.goal}")
    curves, seconds, last = {}, [], []
    for seed in args.seeds:
        given = [*rest, "--train.seed", str(seed)]
        asked = tyro.cli(Config, args=given, default=recipe(args.recipe))
        start = in_proportion(recipe(args.recipe), asked.train.updates)
        config = tyro.cli(Config, args=given, default=start)
        until = 2.0 if args.to_the_end else args.goal
        curves[seed] = curve(config, data, test, args.every, until)
        there = next((p for p in curves[seed] if p[2] >= args.goal), None)
        seconds.append(there[1] if there else float("inf"))
        last.append(curves[seed][-1][2])
        updates = there[0] if there else "-"
        print(
            f"  seed {seed}: {seconds[-1]:.1f} s, {updates} updates; last {last[-1]:.4f}",
            flush=True,
        )
    print(f"  median {statistics.median(seconds):.1f} s; last {statistics.median(last):.4f}")
    if args.json:
        args.json.write_text(json.dumps(curves) + "\n")


if __name__ == "__main__":
    main()
