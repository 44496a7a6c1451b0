"""What makes categories and sliders mean something: an ablation over seeds, into docs/meaning.md.

    python benchmarks/meaning.py [--rows NAME ...] [--seeds 0 1 2 3 4] [--threads N] [--write-only]

Each run is `infogan train` with one setting of the recipe changed; what was run before with the
same settings is kept, so that the command goes on where it stopped, and two of it, on a thread
each, may share the rows. Labels measure here; no run sees one.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rows import ROWS, Row

from infogan import InfoGAN
from infogan.codes import probs
from infogan.config import Config, recipe, to_yaml
from infogan.data import load, to_float
from infogan.fitting import in_proportion
from infogan.metrics import clustering, information, meaning
from infogan.metrics.evaluation import Budget
from infogan.metrics.meaning import spearman
from infogan.metrics.pairs import crossing, of_look_alikes, pairs, stuck
from infogan.precision import device
from infogan.run import Run

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "meaning.json"
PAGE = ROOT / "docs" / "meaning.md"
PICTURE = ROOT / "docs" / "images" / "meaning.png"
# settings younger than some of the numbers kept, as those runs had them: no part of a key
SINCE = {"shared_fakes: false", "graphs: true", "colour: 0.0", "alone: 0.0", "contrast: 0.0"}
SINCE |= {"contrast_from: 0", "alone_until: 0"}


def settings(row: Row) -> Config:
    """What `infogan train` makes of its recipe and flags."""
    start = in_proportion(recipe(row.recipe), row.updates)
    return tyro.cli(Config, args=row.flags, default=start)


def key(row: Row) -> str:
    """What a row's numbers belong to: its settings, not its name nor how they are said."""
    lines = [line for line in to_yaml(settings(row)).splitlines(True) if line.strip() not in SINCE]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def kept() -> dict[str, dict[str, dict[str, Any]]]:
    """What was measured: by row's key, by seed."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def measured(row: Row, seed: int, threads: int) -> dict[str, Any]:
    """Train and measure one run; 0 threads: as many as there are cores."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        train = [sys.executable, "-m", "infogan", "train", row.recipe, "--out", str(out)]
        train += ["--no-report", "--train.seed", str(seed), *row.flags]
        train += ["--train.checkpoint-every", "100000", "--train.threads", str(threads)]
        subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
        return numbers(out)


def numbers(out: Path) -> dict[str, Any]:
    """What the table needs of a run, as `infogan evaluate` measures it."""
    run, model = Run.open(out), InfoGAN.from_pretrained(out)
    where = device(run.config.train.device)
    model.to(where)
    test, budget, code = load(run.config.data, "test"), Budget(), model.prior.categorical[0]
    assert test.labels is not None
    k = probs(model.infer(test.images)[code.name]).argmax(1).cpu()
    agreement = clustering(test.labels.numpy(), k.numpy(), code.k)
    bound = information(model, budget.fakes, budget.seed)
    pair = pairs(model, test.images, run.config.augment, budget.seed)
    P, near = torch.tensor(pair[f"pairs.{code.name}.joint"]), of_look_alikes(pair, code.name)
    rho = meaning(model, budget.per_category, budget.seed)
    fakes = torch.cat([model.generate(n=500, seed=seed).cpu() for seed in range(10)])
    return {
        "accuracy": agreement["clustering.accuracy"],
        "nmi": agreement["clustering.nmi"],
        "L_I": bound[f"information.{code.name}.L_I"],
        "I_m": pair[f"pairs.{code.name}.I_m"] / code.entropy(),
        "score": pair[f"pairs.{code.name}.score"],
        "signs": len(stuck(code.name, P, alike=near, n=len(test.images))),
        "overlap": crossing(P, near).max().item(),
        "least": least(agreement),
        "distance": frechet(to_float(test.images), fakes),
        "minutes": round(run.seconds() / 60, 2),
        "device": where.type,
    } | {
        name.removeprefix("meaning.").removesuffix(".rho"): value
        for name, value in rho.items()
        if name.endswith(".rho")
    }


def least(agreement: dict[str, Any]) -> float:
    """Of which class the smallest share is in its category, one-to-one: how large that is."""
    confusion = np.array(agreement["clustering.confusion"])
    matched = agreement["clustering.matching"].items()
    return min(float(confusion[label, int(k)] / confusion[label].sum()) for k, label in matched)


def frechet(x: torch.Tensor, y: torch.Tensor) -> float:
    """‖μ_x − μ_y‖² + tr(C_x + C_y − 2 (C_x^½ C_y C_x^½)^½) of two sets of images' pixels: the
    Fréchet distance of Gaussians, as in Heusel et al. 2017, but of no network's features."""
    (m_x, C_x), (m_y, C_y) = (
        (h.mean(0), h.T.cov()) for h in (x.flatten(1).double(), y.flatten(1).double())
    )
    values, vectors = torch.linalg.eigh(C_x)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    between = torch.linalg.eigvalsh(root @ C_y @ root).clamp_min(0).sqrt().sum()
    return float((m_x - m_y).square().sum() + C_x.trace() + C_y.trace() - 2 * between)


def slant_apart(run: dict[str, float]) -> bool:
    """Whether one code is slant and the other width or thickness: |signed mean ρ| ≥ 0.8 and ≥ 0.6,
    each ≤ 0.4 with the other's factor."""
    for one, other in (("u1", "u2"), ("u2", "u1")):
        for factor in ("width", "thickness"):
            own = abs(run.get(f"{one}.slant", 0)), abs(run.get(f"{other}.{factor}", 0))
            cross = abs(run.get(f"{one}.{factor}", 1)), abs(run.get(f"{other}.slant", 1))
            if own[0] >= 0.8 and own[1] >= 0.6 and max(cross) <= 0.4:
                return True
    return False


def line(row: Row, runs: Sequence[dict[str, Any]]) -> str:
    """The row of the table: mean ± sd, worst, best, sliders, I_m, images, minutes."""
    accuracy = [run["accuracy"] for run in runs]
    sd = f" ± {statistics.stdev(accuracy):.4f}" if len(accuracy) > 1 else ""
    slant = statistics.mean(max(abs(run.get(f"u{i}.slant", 0)) for i in (1, 2)) for run in runs)
    apart = sum(map(slant_apart, runs))
    I_m = statistics.mean(run["I_m"] for run in runs)
    distance = statistics.mean(run["distance"] for run in runs)
    minutes: dict[str, list[float]] = {}
    for run in runs:
        minutes.setdefault(run["device"], []).append(run["minutes"])
    took = ", ".join(f"{statistics.mean(minutes[d]):.1f} ({d})" for d in sorted(minutes))
    return (
        f"| {row.name} | {row.updates:,} | {len(runs)} | "
        f"{statistics.mean(accuracy):.4f}{sd} | {min(accuracy):.4f} | "
        f"{max(accuracy):.4f} | {slant:.2f} | {apart}/{len(runs)} | "
        f"{I_m:.3f} | {distance:.1f} | {took} |"
    )


def write(results: dict[str, dict[str, dict[str, Any]]]) -> None:
    """docs/meaning.md and its picture, of the rows that have numbers."""
    done = [(row, list(results[key(row)].values())) for row in ROWS if results.get(key(row))]
    if not done:
        raise SystemExit(f"{RESULTS} has no numbers of any row: {PAGE} is left as it is")
    table = [line(row, runs) for row, runs in done]
    said = [
        f"- **{row.name}** (`infogan train {' '.join((row.recipe, *row.flags))}`). "
        f"Predicted: {row.predicted} Came out: {row.came_out or 'see the table.'}"
        for row, _ in done
    ]
    PAGE.write_text(
        (ROOT / "benchmarks" / "meaning-page.md")
        .read_text("utf-8")
        .replace("{table}", "\n".join(table))
        .replace("{rows}", "\n".join(said))
        .replace("{I_m}", I_m_in_words([run for _, runs in done for run in runs])),
        "utf-8",
    )
    draw(done)


def I_m_in_words(runs: Sequence[dict[str, float]]) -> str:
    """How the information on real pairs, without labels, ranks all runs."""
    accuracy, I_m = (np.array([run[name] for run in runs]) for name in ("accuracy", "I_m"))
    return (
        f"Over all {len(runs)} runs, whatever was changed, Spearman's ρ between I_m and accuracy "
        f"is {spearman(I_m, accuracy):.2f}. Q is less sure of what votes tell it, and right more "
        "often: the score that `infogan evaluate` gives is of the likeliest categories therefore; "
        "`benchmarks/score.py` has how it ranks runs, and whether stuck ones are told."
    )


def draw(done: Sequence[tuple[Row, Sequence[dict[str, float]]]]) -> None:
    """Error of every run, a line for each row, on an axis of equal ratios."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(7.5, 0.6 + 0.32 * len(done)), layout="constrained")
    axes = figure.subplots()
    for y, (_, runs) in enumerate(done):
        values = [1 - run["accuracy"] for run in runs]
        axes.plot(values, [y] * len(values), "o", color="tab:blue", alpha=0.6)
        axes.plot(statistics.median(values), y, "|", color="black", markersize=14)
    axes.set_yticks(range(len(done)), [row.name for row, _ in done])
    axes.set_ylim(len(done) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.set_xticks([0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.minorticks_off()
    axes.set_xlabel("error on the test split; | median")
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--threads", type=int, default=0, help="of each run; 0: all cores")
    parser.add_argument("--write-only", action="store_true", help="no run, only the page")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    for row in ROWS:
        if args.write_only or (args.rows and row.name not in args.rows):
            continue
        for seed in args.seeds:
            if str(seed) not in kept().get(key(row), {}):
                run = measured(row, seed, args.threads)
                results = kept()  # another command may have added to it
                results.setdefault(key(row), {})[str(seed)] = run
                RESULTS.write_text(json.dumps(results, indent=1) + "\n")
                print(f"{row.name}, seed {seed}: {run['accuracy']:.4f}", flush=True)
    write(kept())


if __name__ == "__main__":
    main()
