"""Beyond MNIST: k-means, the paper's objective and `infogan train SOURCE` on the same images.

    python benchmarks/beyond.py DIR [--sets digits letters] [--seeds 0 1 2] [--write-only]

`digits` are scikit-learn's load_digits (1,797 images, 8×8), measured on all of them; `letters` are
the ten capitals of `letters.py`, measured on the fonts whose families are held out, `colours` the
same in colour; `fashion` is Fashion-MNIST (`fashion.py`), measured on 10,000 images held out.
Nothing is said but the SOURCE: ten kinds are what `infogan train` takes then. The paper's
objective has the same nets, updates, batch and DiffAugment, one λ for each code throughout, and no
term on real images. k-means (scikit-learn, ten starts) sees the pixels of the images that the
others learn from.

One run at a time; DIR keeps the images, the runs and results.json, and the command goes on where it
stopped. Labels measure here; no run sees one. Accuracy is one-to-one.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fashion
import letters
import numpy as np
from rows import PAPER
from torch import Tensor

from infogan.codes import probs
from infogan.data import load
from infogan.metrics import clustering
from infogan.model import InfoGAN
from infogan.run import Run

METHODS = {"the paper's objective": PAPER, "infogan train SOURCE": ()}
# by what, in which folder, and what the files' names begin with
MADE = {
    "letters": (letters.main, "letters", ""),
    "colours": (letters.main, "letters", "colours-"),
    "fashion": (fashion.main, "fashion", ""),
}
KMEANS = "k-means"
KINDS = 10
AHEAD = 0.10  # of k-means and of the paper's objective, in the median

Results = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Set:
    """A set of images.

    Args:
        name: In the table.
        source: What is learnt from.
        measured: What is measured on, all of it.
    """

    name: str
    source: Path
    measured: Path


def made(folder: Path, name: str) -> Set:
    """The files of a set, written where they are not there."""
    if name in MADE:
        make, where, prefix = MADE[name]
        train, test = (folder / where / f"{prefix}{part}.npz" for part in ("train", "test"))
        if not test.exists():
            make([str(folder / where)])
        return Set(name, train, test)
    file = folder / "digits.npz"
    if not file.exists():
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.rint(digits.images * 255 / 16).astype(np.uint8)
        np.savez_compressed(file, images=images, labels=digits.target)
    return Set(name, file, file)


def k_means(data: Set, seed: int) -> dict[str, float]:
    """Accuracy of k-means with ten starts on the pixels in [0, 1]."""
    from sklearn.cluster import KMeans

    test = load(str(data.measured), "all")
    model = KMeans(KINDS, n_init=10, random_state=seed).fit(
        pixels(load(str(data.source), "train").images)
    )
    assert test.labels is not None
    return accuracies(test.labels, model.predict(pixels(test.images)))


def pixels(images: Tensor) -> np.ndarray:
    return images.flatten(1).numpy().astype(np.float32) / 255


def accuracies(labels: Tensor, categories: np.ndarray) -> dict[str, float]:
    found = clustering(labels.numpy(), categories, KINDS)
    return {name: found[f"clustering.{name}"] for name in ("accuracy", "nmi")}


def trained(data: Set, out: Path, command: Sequence[str]) -> dict[str, float]:
    """Train, or go on, and measure."""
    done = out / "model" / "config.json"
    if not done.exists():
        subprocess.run(
            [*command, "--out", str(out), "--resume"], check=True, stdout=subprocess.DEVNULL
        )
    model, test = InfoGAN.from_pretrained(out), load(str(data.measured), "all")
    code = model.prior.categorical[0]
    categories = probs(model.infer(test.images)[code.name]).argmax(1).numpy()
    assert test.labels is not None
    minutes = {"minutes": round(Run.open(out).seconds() / 60, 2)}
    return accuracies(test.labels, categories) | minutes


def key(command: Sequence[str]) -> str:
    """What a run's numbers belong to: all of its settings, the source's bytes aside."""
    text = subprocess.run(
        [*command, "--dry-run"], check=True, capture_output=True, text=True
    ).stdout
    settings = [line for line in text.splitlines() if not line.startswith("#")]
    return hashlib.sha256("\n".join(settings).encode()).hexdigest()[:12]


def table(results: Results, seeds: Sequence[int]) -> list[str]:
    """A line for each set and method, and whether it is far enough ahead."""
    lines = ["| set | method | median | seeds | minutes |", "|---|---|---|---|---|"]
    for name, methods in results.items():
        median = {}
        for method, runs in methods.items():
            mine = [runs[str(s)] for s in seeds if str(s) in runs]
            if not mine:
                continue
            accuracy = [run["accuracy"] for run in mine]
            median[method] = statistics.median(accuracy)
            minutes = [run["minutes"] for run in mine if "minutes" in run]
            took = f"{statistics.median(minutes):.1f}" if minutes else ""
            each = ", ".join(f"{a:.3f}" for a in accuracy)
            lines.append(f"| {name} | {method} | {median[method]:.3f} | {each} | {took} |")
        *others, ours = [median.get(m) for m in (KMEANS, *METHODS)]
        if ours is not None and None not in others:
            ahead = ours - max(o for o in others if o is not None)
            lines.append(f"| {name} | ahead by {ahead:+.3f} ({AHEAD:.2f} asked for) | | | |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=Path)
    parser.add_argument(
        "--sets", nargs="+", choices=["digits", *MADE], default=["digits", "letters"]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=0, help="0: torch's choice")
    parser.add_argument("--write-only", action="store_true", help="no run, only the table")
    args = parser.parse_args()
    args.dir.mkdir(parents=True, exist_ok=True)
    file = args.dir / "results.json"
    results: Results = json.loads(file.read_text()) if file.exists() else {}
    for name in [] if args.write_only else args.sets:
        data = made(args.dir, name)
        for method, flags in {KMEANS: None, **METHODS}.items():
            found = results.setdefault(name, {}).setdefault(method, {})
            for seed in args.seeds:
                if flags is None:
                    if str(seed) not in found:
                        found[str(seed)] = k_means(data, seed)
                else:
                    command = [sys.executable, "-m", "infogan", "train", str(data.source), *flags]
                    command += ["--train.seed", str(seed), "--train.threads", str(args.threads)]
                    mine = key(command)
                    if found.get(str(seed), {}).get("key") != mine:
                        run = trained(data, args.dir / "runs" / f"{name}-{mine}", command)
                        found[str(seed)] = run | {"key": mine}
                file.write_text(json.dumps(results, indent=1) + "\n")
                print(
                    f"{name}, {method}, seed {seed}: {found[str(seed)]['accuracy']:.4f}", flush=True
                )
    print("\n".join(table(results, args.seeds)))


if __name__ == "__main__":
    main()
