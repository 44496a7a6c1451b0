"""The `infogan` command: one short function per command, each calling one function elsewhere."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from infogan.arguments import parse
from infogan.errors import InfoganError, MissingExtraError
from infogan.registry import unknown

if TYPE_CHECKING:
    from torch import Tensor

    from infogan.config import Config
    from infogan.run import Run

USAGE = """\
usage: infogan COMMAND [ARGUMENTS]

InfoGAN: interpretable latent codes from unlabelled images (Chen et al. 2016).

  train [RECIPE] --out RUN      train, measure, and write a report; recipes: {recipes}
  evaluate RUN [--json]         measure a run on the held-out split
  report RUN                    write the run's report.html and figures/
  figure1 RUN_INFOGAN RUN_GAN   draw the paper's Figure 1 from two runs

infogan COMMAND --help tells more; infogan --version prints the version.
"""

# what may change when a run goes on: nothing that the weights so far depend on
FREE = {
    f"train.{name}"
    for name in [
        "updates",
        "log_every",
        "sample_every",
        "checkpoint_every",
        "keep",
        "tensorboard",
        "threads",
        "device",
        "precision",
    ]
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; a user's mistake is one line on standard error and exit code 2."""
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        sys.exit(_dispatch(args))
    except InfoganError as e:
        print(f"infogan: {' '.join(str(e).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except PermissionError as e:
        print(f"infogan: no permission for {e.filename}; choose another place", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # `infogan … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _dispatch(args: list[str]) -> int:
    if not args or args[0] in ("-h", "--help", "help"):
        from importlib import resources

        files = resources.files("infogan").joinpath("recipes").iterdir()
        names = sorted(f.name.removesuffix(".yaml") for f in files)
        print(USAGE.format(recipes=", ".join(names)), end="")
        return 0 if args else 2
    if args[0] == "--version":
        from infogan import __version__

        print(__version__)
        return 0
    if args[0] not in COMMANDS:
        raise InfoganError(unknown("command", args[0], list(COMMANDS)))
    return COMMANDS[args[0]](args[1:])


def train(argv: list[str]) -> int:
    """Train a recipe, then measure it and write its report."""
    import tyro
    from tyro.conf import FlagCreatePairsOff, arg

    from infogan.config import Config, flags, read_yaml, recipe, to_yaml

    @dataclass(frozen=True)
    class Train:
        """Train, then measure and write a report. Any setting is a flag; a recipe's own values are
        the defaults."""

        recipe: Annotated[str | None, tyro.conf.Positional, arg(metavar="[RECIPE]")] = None
        """Recipe to start from (mnist where nothing is said)."""
        config: Annotated[Path | None, arg(metavar="FILE.yaml")] = None
        """YAML file of settings, on top of the recipe."""
        out: Annotated[Path | None, arg(metavar="RUN")] = None
        """Run directory to make; runs/RECIPE where nothing is said."""
        overwrite: FlagCreatePairsOff[bool] = False
        """Replace a run that is there."""
        resume: FlagCreatePairsOff[bool] = False
        """Go on from the run's last checkpoint, bit for bit."""
        dry_run: FlagCreatePairsOff[bool] = False
        """Print the settings and stop."""
        report: FlagCreatePairsOff[bool] = True
        """Leave out the measuring and the report at the end."""
        settings: Annotated[Config, arg(name="")] = field(default_factory=Config)

    first = parse(Train, argv, "train", Train(), helping=False)  # which recipe, which file
    name = first.recipe or "mnist"
    out = first.out or Path("runs") / name
    if first.resume and first.overwrite:
        raise InfoganError("--resume goes on and --overwrite starts anew; give one of the two")
    resume = first.resume and _run_exists(out)
    if resume:
        base = _open(out).config
        if first.recipe and first.recipe != base.recipe:
            raise InfoganError(
                f"{out} was started from recipe {base.recipe!r}, not {first.recipe!r}; leave the "
                "recipe out to go on, or choose another --out"
            )
        if first.config:
            raise InfoganError("--resume takes the run's own settings; leave --config out")
    else:
        base = recipe(name)
        base = read_yaml(first.config, base) if first.config else base
    given = parse(Train, argv, "train", Train(settings=base))
    config = given.settings
    images = _checked(config)
    if given.dry_run:
        print(to_yaml(config), end="")
        return 0
    if resume:
        _check_resumable(base, config)
        run = _open(out)
    else:
        own = recipe(config.recipe or name)
        parts = ["infogan", "train", own.recipe, "--out", str(out), *flags(config, own)]
        run = _create(out, config, shlex.join(parts), given.overwrite)
        if first.resume:
            print(f"{out} holds no run yet: starting one")
    return _train(config, images, run, given.report)


def _train(config: "Config", images: "Tensor", run: "Run", report: bool) -> int:
    from infogan import figures
    from infogan.model import InfoGAN
    from infogan.prior import Prior
    from infogan.progress import Progress
    from infogan.training import Interrupted
    from infogan.training import train as train_run

    def on_sample(model: InfoGAN, update: int) -> None:
        run.write(f"samples/{update:06d}.png", figures.png(figures.samples(model), scale=2))

    progress = Progress(Prior.parse(config.codes))
    try:
        train_run(config, images, run, progress, on_sample)
    except Interrupted as e:
        print(f"{e}; go on with:\n  infogan train --out {shlex.quote(str(run.path))} --resume")
        return 130
    print(f"trained in {run.seconds() / 60:.1f} min; model: {run.path / 'model'}")
    if report:
        from infogan.metrics import as_text, headline

        try:
            metrics = _evaluate(run)
            print(as_text(metrics))
            page = _report(run, metrics)
        except MissingExtraError as e:  # the training itself is whole
            print(f"not measured: {e}; then  infogan report {run.path}")
            return 0
        print(f"\n{headline(metrics)}\nreport: {page}")
    return 0


def evaluate(argv: list[str]) -> int:
    """Measure a run on the held-out split."""
    import tyro

    @dataclass(frozen=True)
    class Evaluate:
        """Measure a run on the held-out split; also written to its metrics.json."""

        run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
        """Run directory."""
        json: tyro.conf.FlagCreatePairsOff[bool] = False
        """Print JSON instead of a table."""

    args = parse(Evaluate, argv, "evaluate")
    from infogan.metrics import as_text

    metrics = _evaluate(_open(args.run))
    print(json.dumps(metrics, indent=1) if args.json else as_text(metrics))
    return 0


def report(argv: list[str]) -> int:
    """Write a run's report."""
    import tyro

    @dataclass(frozen=True)
    class Report:
        """Write a run's report.html and figures/, measuring first where that was not done."""

        run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
        """Run directory."""

    run = _open(parse(Report, argv, "report").run)
    try:
        metrics = json.loads((run.path / "metrics.json").read_text("utf-8"))
    except (OSError, ValueError):  # not measured yet, or damaged
        metrics = _evaluate(run)
    print(_report(run, metrics))
    return 0


def figure1(argv: list[str]) -> int:
    """Draw the paper's Figure 1 from two runs."""
    import tyro

    @dataclass(frozen=True)
    class Figure1:
        """Draw the paper's Figure 1: L_I of one code over the updates of two runs."""

        run_infogan: Annotated[Path, tyro.conf.Positional]
        """A run with --objective infogan."""
        run_gan: Annotated[Path, tyro.conf.Positional]
        """The same with --objective gan."""
        out: Path = Path("figure1.png")
        """PNG file to write."""
        code: str | None = None
        """Which code; the first categorical one where nothing is said."""

    from infogan import figures
    from infogan.prior import Prior

    args = parse(Figure1, argv, "figure1")
    infogan, gan = _open(args.run_infogan), _open(args.run_gan)
    for run, wanted in ((infogan, "infogan"), (gan, "gan")):
        if run.config.objective != wanted:
            raise InfoganError(
                f"{run.path} was trained with --objective {run.config.objective}, expected "
                f"{wanted}; give the InfoGAN's run first, the plain GAN's second"
            )
    prior = Prior.parse(infogan.config.codes)
    code = prior[args.code] if args.code else (*prior.categorical, *prior)[0]
    picture = figures.figure1(infogan.history(), gan.history(), code.name, code.entropy())
    try:
        args.out.write_bytes(picture)
    except OSError as e:
        raise InfoganError(f"cannot write {args.out}: {e.strerror}; choose another --out") from None
    print(args.out)
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "train": train,
    "evaluate": evaluate,
    "report": report,
    "figure1": figure1,
}


def _evaluate(run: "Run") -> dict[str, Any]:
    """Measure a run and keep the numbers in its metrics.json."""
    from infogan.data import load
    from infogan.metrics import evaluate as measure

    metrics = measure(_model(run), load(run.config.data.source, "test"))
    text = json.dumps(metrics, indent=1)
    run.write("metrics.json", text + "\n")
    plain: dict[str, Any] = json.loads(text)
    return plain


def _report(run: "Run", metrics: dict[str, Any]) -> Path:
    from infogan.report import report as write

    return write(run, _model(run), metrics)


def _model(run: "Run") -> Any:
    from infogan.model import InfoGAN

    if not (run.path / "model" / "config.json").is_file():
        raise InfoganError(
            f"{run.path} has no finished model yet; finish it with  infogan train --out {run.path} "
            "--resume"
        )
    return InfoGAN.from_pretrained(run.path)


def _checked(config: "Config") -> "Tensor":
    """The training images, after all that can be known to be wrong before anything is written."""
    from infogan.adversarial import ADVERSARIAL
    from infogan.data import load
    from infogan.model import InfoGAN
    from infogan.precision import device

    _ = ADVERSARIAL[config.loss.adversarial], device(config.train.device)
    data = load(config.data.source, "train")
    InfoGAN.from_config(config, data.shape)  # the codes, the networks, and that they fit
    return data.images


def _check_resumable(before: "Config", now: "Config") -> None:
    from infogan.config import leaves

    old = leaves(before)
    changed = [k for k, v in leaves(now).items() if v != old[k] and k not in FREE]
    if changed:
        key = changed[0]
        raise InfoganError(
            f"--resume cannot change {key} from {old[key]!r} to {leaves(now)[key]!r}: the run so "
            f"far depends on it; start a new --out (what may change: {', '.join(sorted(FREE))})"
        )


def _run_exists(path: Path) -> bool:
    from infogan.run import Run

    return Run.exists(path)


def _open(path: Path) -> "Run":
    from infogan.run import Run

    return Run.open(path)


def _create(path: Path, config: "Config", command: str, overwrite: bool) -> "Run":
    from infogan.run import Run

    return Run.create(path, config, command, overwrite)
