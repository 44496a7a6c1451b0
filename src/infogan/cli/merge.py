"""Accept which categories are one thing: `infogan merge`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from infogan.cli.arguments import parse
from infogan.cli.images import splits
from infogan.cli.runs import opened, trained_model, write_report
from infogan.errors import InfoganError

if TYPE_CHECKING:
    from infogan.data import Dataset
    from infogan.model import InfoGAN
    from infogan.run import Run


def merge(argv: list[str]) -> int:
    """Take categories that are one thing together."""
    import tyro

    @dataclass(frozen=True)
    class Merge:
        """Accept the groups that the report proposes, or those of its tree that are N. They are
        written into the run: encode, evaluate, report and generate then speak of CODE_group beside
        CODE, whose categories stay."""

        run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
        """Run directory."""
        groups: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
        """How many groups; found without labels where nothing is said."""
        code: str | None = None
        """Which categorical code; all of them where nothing is said."""
        undo: tyro.conf.FlagCreatePairsOff[bool] = False
        """Take the groups back."""

    args = parse(Merge, argv, "merge")
    if args.undo and args.groups is not None:
        raise InfoganError("--undo takes groups back and --groups makes some; give one of the two")
    from infogan.metrics.groups import held, proposal
    from infogan.names import regrouped

    run = opened(args.run)
    model = trained_model(run)
    names = _names(run, model, args.code, args.groups)
    train, test = splits(run)  # before anything is changed
    trees = None if args.undo else _trees(run, model, train, test, names)
    before = dict(model.groups)
    for name in names:
        old = model.groups.pop(name, None)
        if trees is not None and (found := proposal(trees, name, args.groups)).n < len(found.of):
            model.groups[name] = found
        model.names = regrouped(model.names, name, old, model.groups.get(name))
    if model.groups != before:
        with run.replacing("model") as folder:
            model.save_pretrained(folder)
    for name in names:
        n = held(trees, name, model.groups[name]) if trees and name in model.groups else 0
        print(_said(run, name, name in before, n))
    if args.undo and model.groups == before:
        return 0
    _measure(run, model, test, trees)
    return 0


def _said(run: "Run", name: str, before: bool, n: int) -> str:
    if n:
        return (
            f"{name}: {n} groups accepted; encode, evaluate, report and generate know "
            f"{name}_group now; infogan merge {run.path} --undo takes them back"
        )
    return f"{name}: its categories stand apart {'again' if before else 'as before'}"


def _names(run: "Run", model: "InfoGAN", code: str | None, n: int | None) -> list[str]:
    """The codes that are meant, after what can be known to be wrong before any work."""
    from infogan.groups import SUFFIX

    codes = {each.name: each.k for each in model.prior.categorical}
    if not codes:
        raise InfoganError(
            f"{run.path} has no categorical code, so there is nothing to merge: its codes are "
            f"{model.prior}"
        )
    if code is not None and code not in codes:
        raise InfoganError(f"--code {code}: the categorical codes are {', '.join(codes)}")
    names = [code] if code else list(codes)
    if n is not None and len(names) > 1:
        raise InfoganError(
            f"--groups {n}: of which code? give --code with one of {', '.join(names)}"
        )
    if n is not None and not 2 <= n <= codes[names[0]]:
        raise InfoganError(
            f"--groups {n}: {names[0]} has {codes[names[0]]} categories; give 2 to "
            f"{codes[names[0]]}"
        )
    taken = {each.name for each in model.prior}
    for name in names:
        if name + SUFFIX in taken:
            raise InfoganError(
                f"groups of {name} would be called {name}{SUFFIX}, as another code is; train with "
                "another name for it"
            )
    return names


def _trees(
    run: "Run", model: "InfoGAN", train: "Dataset", test: "Dataset", names: list[str]
) -> dict[str, Any]:
    """What can be merged, found afresh: the model may be newer than what was measured."""
    from infogan.metrics import groups
    from infogan.metrics.evaluation import Budget
    from infogan.metrics.groups import in_words

    trees = groups(model, test.images, run.config.augment, Budget().seed, train.images)
    for sentence in in_words({k: v for k, v in trees.items() if k.split(".")[1] in names}):
        print(sentence)
    return trees


def _measure(run: "Run", model: "InfoGAN", test: "Dataset", trees: dict[str, Any] | None) -> None:
    """Say the groups in the run's numbers and report, where it has these."""
    from infogan.metrics import grouped, headline

    try:
        old: dict[str, Any] = json.loads((run.path / "metrics.json").read_text("utf-8"))
    except (OSError, ValueError):  # not measured yet, or damaged: evaluate and report do it anew
        return
    if trees is None:
        trees = {k: v for k, v in old.items() if k.startswith("groups.") and k.count(".") == 2}
        trees = {k: v for k, v in trees.items() if not k.endswith(".accepted")}
    if not trees:
        return
    new = trees | grouped(model, test, trees)
    metrics: dict[str, Any] = {}
    for key, value in old.items():  # in the order in which `evaluate` writes them
        if key.startswith("groups.") or key == "protocol.groups":
            metrics |= new
        else:
            metrics[key] = value
    metrics = json.loads(json.dumps(metrics | new))
    run.write("metrics.json", json.dumps(metrics, indent=1) + "\n")
    print(headline(metrics))
    if (run.path / "report.html").is_file():
        print(write_report(run, metrics))
