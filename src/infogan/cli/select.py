"""Choose among runs without labels: `infogan select`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from infogan.cli.arguments import parse
from infogan.cli.runs import opened, trained_model


def select(argv: list[str]) -> int:
    """Say which of several runs to keep."""
    import tyro

    @dataclass(frozen=True)
    class Select:
        """Which of three or more runs on the same images to keep, without a label: the one whose
        codes the others read best, and which reads theirs best (ModelCentrality, Lin et al.
        2020)."""

        runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN …")]
        """Run directories: the same settings with several seeds, or several settings."""
        seed: int = 0
        """Of the samples."""
        json: tyro.conf.FlagCreatePairsOff[bool] = False
        """Print JSON instead of a table."""

    args = parse(Select, argv, "select")
    from infogan.selection import agreement, centrality

    paths = list(dict.fromkeys(args.runs))
    models = [trained_model(opened(path)) for path in paths]
    A = agreement(models, args.seed)
    s = centrality(A)
    best = int(s.argmax())
    if args.json:
        found: dict[str, Any] = {
            "runs": [str(path) for path in paths],
            "centrality": s.tolist(),
            "agreement": A.tolist(),
            "best": str(paths[best]),
        }
        print(json.dumps(found, indent=1))
        return 0
    scores = [_score(path) for path in paths]
    wide = max(3, *(len(str(path)) for path in paths))
    print(f"{'run':<{wide}}  centrality  score")
    for i in sorted(range(len(paths)), key=lambda i: -s[i]):
        score = "–" if scores[i] is None else f"{scores[i]:.4f}"
        print(f"{paths[i]!s:<{wide}}  {s[i]:10.4f}  {score:>6}")
    print(f"{paths[best]}: nearest to the others")
    return 0


def _score(path: Path) -> float | None:
    """The label-free score that `infogan evaluate` measured of a run, if it did."""
    try:
        metrics = json.loads((path / "metrics.json").read_text("utf-8"))
    except (OSError, ValueError):  # not measured, or damaged
        return None
    keys = [key for key in metrics if key.startswith("pairs.") and key.endswith(".score")]
    return float(metrics[keys[0]]) if keys else None  # of the first code
