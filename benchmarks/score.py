"""Does the label-free score rank runs as accuracy does, and tell a stuck run from a good one?

    python benchmarks/score.py [--kinds NAME ...] [--seeds 0 1 2 3] [--updates 500] [--threads N]

Short runs of `mnist` of mixed quality: as it is; without a scout, where categories form late, with
up to three starts and with one; and with m = 1 besides, where two digits often come to share a
category. The score and the signs are `infogan evaluate`'s, of held-out images without a label; the
labels measure accuracy, which they are held against. Prints a row for each run, Spearman's ρ, and
the worst and the minutes of each kind; kept in docs/score.json, run by run and by settings, so that
the command goes on where it stopped.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from meaning import key, measured
from rows import Row

from infogan.metrics.meaning import spearman

STUCK = 0.75  # of some digit less is in its category: a run is stuck;
GOOD = 0.85  # of each digit as much is: it is good; between the two, neither
RESULTS = Path(__file__).parents[1] / "docs" / "score.json"
KINDS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "no scout": ("--train.scout-updates", "0"),
    "no scout, one start": ("--train.scout-updates", "0", "--restarts", "1"),
    "no scout, m = 1": ("--train.scout-updates", "0", "--loss.pairs-m", "1"),
}


def told(runs: Sequence[dict[str, Any]]) -> str:
    """Of how many runs that are stuck or good the signs say which."""
    plain = [run for run in runs if not STUCK <= run["least"] < GOOD]
    right = sum((run["least"] < STUCK) == bool(run["signs"]) for run in plain)
    between = f"; {len(runs) - len(plain)} are neither" if len(plain) < len(runs) else ""
    return f"{right} of {len(plain)}{between}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--updates", type=int, default=500)
    parser.add_argument("--threads", type=int, default=0, help="of each run; 0: all cores")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    runs, ends = [], []
    for kind in args.kinds:
        length = ("--train.updates", str(args.updates))
        row = Row(kind, KINDS[kind], "", length=length, base=())
        found = results.setdefault(key(row), {})
        for seed in args.seeds:
            if str(seed) not in found:
                found[str(seed)] = measured(row, seed, args.threads)
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            run = found[str(seed)]
            runs.append(run)
            print(
                f"{kind}, {args.updates} updates, seed {seed}: accuracy {run['accuracy']:.4f}  "
                f"score {run['score']:.4f}  least of a digit in its category {run['least']:.2f}  "
                f"greatest overlap {run['overlap']:.3f}  {run['signs']} signs of being stuck",
                flush=True,
            )
        mine = runs[-len(args.seeds) :]
        worst, minutes = min(run["accuracy"] for run in mine), [run["minutes"] for run in mine]
        ends.append(f"{kind}: worst of {len(mine)} {worst:.4f}, {mean(minutes):.1f} min")
    print("\n".join(ends))
    accuracy, score = (np.array([run[name] for run in runs]) for name in ("accuracy", "score"))
    print(f"Spearman's ρ of score and accuracy over {len(runs)} runs: ", end="")
    print(f"{spearman(score, accuracy):.3f} (goal: at least 0.7)")
    print(
        f"stuck (of a digit less than {STUCK} in its category) or good (of each at least {GOOD}) "
        f"told rightly in {told(runs)}"
    )


if __name__ == "__main__":
    main()
