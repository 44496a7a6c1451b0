"""One row of the table in docs/results.md from several runs of one recipe.

    python benchmarks/table.py runs/m0 runs/m1 runs/m2

Mean ± standard deviation over the runs, of what `infogan evaluate` wrote into each.
"""

import argparse
import json
import statistics
from pathlib import Path

from infogan.run import Run


def spread(values: list[float], digits: int) -> str:
    """`0.9823 ± 0.0005 (0.9817 to 0.9827)`."""
    sd = statistics.stdev(values) if len(values) > 1 else 0.0
    mean, sd, low, high = (
        f"{v:.{digits}f}" for v in (statistics.mean(values), sd, min(values), max(values))
    )
    return f"{mean} ± {sd} ({low} to {high})"


def best_slider(metrics: dict[str, float]) -> tuple[str, float, float]:
    """(`u1 slant`, mean |ρ|, signed mean ρ) of the strongest continuous code of a run."""
    strengths = {k: v for k, v in metrics.items() if k.startswith("meaning") and k.endswith(".abs")}
    key = max(strengths, key=lambda k: strengths[k])
    _, code, factor, _ = key.split(".")
    return f"{code} {factor}", strengths[key], metrics[key.removesuffix("abs") + "rho"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    runs = [Run.open(path) for path in parser.parse_args().runs]
    metrics = [json.loads((run.path / "metrics.json").read_text()) for run in runs]
    minutes = [run.seconds() / 60 for run in runs]
    config = runs[0].config
    seeds = ", ".join(str(run.config.train.seed) for run in runs)
    print(f"{config.recipe}, seeds {seeds}, {config.train.updates:,} updates")
    for key, digits in (
        ("clustering.accuracy", 4),
        ("clustering.accuracy_many", 4),
        ("clustering.nmi", 3),
        ("clustering.ari", 3),
        ("information.digit.L_I", 3),
    ):
        print(f"  {key:26s} {spread([m[key] for m in metrics], digits)}")
    print(f"  {'minutes of training':26s} {spread(minutes, 1)}")
    for run, m in zip(runs, metrics):
        what, strength, signed = best_slider(m)
        accuracy = m["clustering.accuracy"]
        print(f"  {run.path}: {accuracy:.4f}, {what} |ρ| {strength:.2f}, signed {signed:+.2f}")


if __name__ == "__main__":
    main()
