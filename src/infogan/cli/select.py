"""Choose among runs without labels: `infogan select`."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from infogan.cli.arguments import parse
from infogan.cli.images import splits
from infogan.cli.runs import opened, trained_model
from infogan.cli.source import same_images
from infogan.errors import InfoganError

if TYPE_CHECKING:
    from torch import Tensor

    from infogan.run import Run


def select(argv: list[str]) -> int:
    """Say which of several runs to keep."""
    import tyro

    @dataclass(frozen=True)
    class Select:
        """Which of three or more runs on the same images to keep, without a label: the one that
        reads from held-out images what the others read. Good runs are alike; each bad one is bad
        in its own way."""

        runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN …")]
        """Run directories: the same settings with several seeds, or several settings."""
        by: Literal["images", "samples"] = "images"
        """What they are to agree on: held-out images, or, where there are none, each other's
        samples (ModelCentrality, Lin et al. 2020)."""
        seed: int = 0
        """Of the samples."""
        json: tyro.conf.FlagCreatePairsOff[bool] = False
        """Print JSON instead of a table."""

    args = parse(Select, argv, "select")
    from infogan.inputs import checked_seed
    from infogan.selection import centrality, check, on_images, on_samples

    runs = [opened(path) for path in {path.resolve(): path for path in args.runs}.values()]
    models = [trained_model(run) for run in runs]
    check(models)
    names = [str(run.path) for run in runs]

    def done(i: int) -> None:
        print(f"{names[i - 1]}: {i} of {len(names)}", file=sys.stderr)

    if args.by == "images":
        A = on_images(models, _held_out(runs), done)
    else:
        A = on_samples(models, checked_seed(args.seed), done)
    s = centrality(A)
    best = names[int(s.argmax())]
    if args.json:
        told = {"runs": names, "agreement": A.tolist(), "centrality": s.tolist(), "best": best}
        print(json.dumps(told, indent=1))
        return 0
    scores = [_score(run.path) for run in runs]
    wide = max(3, *map(len, names))
    print(f"{'run':<{wide}}  agreement  score")
    for i in sorted(range(len(runs)), key=lambda i: -s[i]):
        score = "–" if scores[i] is None else f"{scores[i]:.4f}"
        print(f"{names[i]:<{wide}}  {s[i]:9.4f}  {score:>6}")
    print(f"{best}: nearest to the others")
    return 0


def _held_out(runs: "list[Run]") -> "Tensor":
    """The images that all runs were measured on."""
    first, *others = (run.config.data for run in runs)
    if not all(
        same_images(data.source, first.source) and replace(data, source=first.source) == first
        for data in others
    ):
        raise InfoganError(
            "the runs learnt from other images, or had others held out; leave some out, or compare "
            "them  --by samples"
        )
    return splits(runs[0])[1].images


def _score(path: Path) -> float | None:
    """The label-free score that `infogan evaluate` measured of a run, if it did."""
    try:
        metrics = json.loads((path / "metrics.json").read_text("utf-8"))
    except (OSError, ValueError):  # not measured, or damaged
        return None
    items = metrics.items() if isinstance(metrics, dict) else ()
    found = [v for k, v in items if k.startswith("pairs.") and k.endswith(".score")]
    return found[0] if found and isinstance(found[0], float) else None  # of the first code
