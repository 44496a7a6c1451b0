"""MNIST with its digits in unequal numbers, 1 : 2 : … : 10, for a prior that is learned or given.

    python benchmarks/thinned.py DIR [--seed 0]
    infogan train mnist --data.source DIR/thinned.npz \\
        --codes "z62 + digit:cat10(learned) + 2u(floor=0.3)@0.5"
    infogan train mnist --data.source DIR/thinned.npz
    infogan train mnist --data.source DIR/thinned.npz --codes "z62 + digit:cat10(0.018182, \\
        0.036364, 0.054545, 0.072727, 0.090909, 0.109091, 0.127273, 0.145455, 0.163636, 0.181818) \\
        + 2u(floor=0.3)@0.5"

Makes DIR/thinned.npz: images (N, 28, 28) and labels to measure with, zeros the rarest (1 in 55) and
nines the most frequent (10 in 55), as many as there are. `--measure RUN ...` compares P(c) of runs
with the true frequencies, and says how good their categories are on all the images.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from infogan.codes import probs
from infogan.data import load
from infogan.metrics import clustering
from infogan.model import InfoGAN

DIGITS = 10


def thinned(images: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What is kept, in an order of its own: of digit d a number that is proportional to d + 1."""
    rng, counts = np.random.default_rng(seed), np.bincount(labels, minlength=DIGITS)
    unit = min(counts[d] / (d + 1) for d in range(DIGITS))
    kept = [
        rng.permutation(np.flatnonzero(labels == d))[: int(unit * (d + 1))] for d in range(DIGITS)
    ]
    order = rng.permutation(np.concatenate(kept))
    return images[order], labels[order]


def measure(run: str, file: Path) -> str:
    """Accuracy and NMI on all images, and the total variation between the model's P(c) and the true
    frequencies, categories matched one-to-one."""
    model = InfoGAN.from_pretrained(run)
    with np.load(file) as stored:
        images, labels = stored["images"], stored["labels"]
    code = model.prior.categorical[0]
    k = probs(model.infer(torch.from_numpy(images)[:, None])[code.name]).argmax(1).numpy()
    found = clustering(labels, k, code.k)
    true = np.bincount(labels, minlength=DIGITS) / len(labels)
    p = code.probabilities.numpy()
    tv = sum(abs(p[k] - true[d]) for k, d in found["clustering.matching"].items()) / 2
    return (
        f"{run}: accuracy {found['clustering.accuracy']:.4f}, NMI {found['clustering.nmi']:.4f}, "
        f"total variation of P(c) and the true frequencies {tv:.4f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure", nargs="+", metavar="RUN", help="only say how good these are")
    args = parser.parse_args()
    file = args.dir / "thinned.npz"
    if args.measure:
        for run in args.measure:
            print(measure(run, file))
        return
    data = load("mnist", "all")
    assert data.labels is not None
    images, labels = thinned(data.images.numpy()[:, 0], data.labels.numpy(), args.seed)
    args.dir.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, images=images, labels=labels)
    counts = np.bincount(labels, minlength=DIGITS)
    print(
        f"{file}: {len(labels):,} images, {', '.join(f'{d}: {n:,}' for d, n in enumerate(counts))}"
    )


if __name__ == "__main__":
    main()
