"""Does the label-free score rank runs as accuracy does, and tell a stuck run from a good one?

    python benchmarks/score.py [--seeds 0 1 2 3] [--updates 500]

Short runs of `mnist` of mixed quality: as it is; without a scout, where categories form late; and
with m = 1 besides, where two digits often come to share a category. The score and the signs are
`infogan evaluate`'s, of held-out images without a label; the labels measure accuracy, which they
are held against. Prints a row for each run and Spearman's ρ; kept in docs/score.json, run by run,
so that the command goes on where it stopped.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from meaning import GOOD

from infogan.metrics.meaning import spearman
from infogan.metrics.pairs import stuck
from infogan.run import Run

RESULTS = Path(__file__).parents[1] / "docs" / "score.json"
KINDS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "no scout": ("--train.scout-updates", "0"),
    "no scout, m = 1": ("--train.scout-updates", "0", "--loss.pairs-m", "1"),
}


def measured(flags: tuple[str, ...], updates: int, seed: int) -> dict[str, Any]:
    """Train and measure one run."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        command = [sys.executable, "-m", "infogan", "train", "mnist", "--out", out]
        command += ["--train.seed", str(seed), "--train.updates", str(updates), *flags]
        subprocess.run([*command, "--no-report"], check=True, stdout=subprocess.DEVNULL)
        evaluate = [sys.executable, "-m", "infogan", "evaluate", out]
        subprocess.run(evaluate, check=True, stdout=subprocess.DEVNULL)
        metrics = json.loads((Run.open(Path(out)).path / "metrics.json").read_text())
    return {
        "accuracy": metrics["clustering.accuracy"],
        "score": metrics["pairs.digit.score"],
        "signs": stuck("digit", torch.tensor(metrics["pairs.digit.joint"])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--updates", type=int, default=500)
    args = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for kind, flags in KINDS.items():
        for seed in args.seeds:
            name = f"{kind}, {args.updates} updates, seed {seed}"
            if name not in results:
                results[name] = measured(flags, args.updates, seed)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            run = results[name]
            print(
                f"{name:40s} accuracy {run['accuracy']:.4f}  score {run['score']:.4f}  "
                f"{len(run['signs'])} signs of being stuck",
                flush=True,
            )
    accuracy, score = (
        np.array([run[key] for run in results.values()]) for key in ("accuracy", "score")
    )
    told = sum((run["accuracy"] < GOOD) == bool(run["signs"]) for run in results.values())
    print(f"Spearman's ρ of score and accuracy over {len(results)} runs: ", end="")
    print(f"{spearman(score, accuracy):.3f} (goal: at least 0.7)")
    print(f"stuck or good told rightly in {told} of {len(results)} (accuracy below {GOOD}: stuck)")


if __name__ == "__main__":
    main()
