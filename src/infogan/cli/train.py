"""`infogan train`."""

import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from infogan.cli.arguments import parse
from infogan.cli.runs import exists, measured, opened, write_report
from infogan.errors import InfoganError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

    from infogan.config import Config
    from infogan.run import Run

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
        "compile",
    ]
}


def train(argv: list[str]) -> int:
    """Train a recipe, then measure it and write its report."""
    import tyro
    from tyro.conf import FlagCreatePairsOff, arg

    from infogan.config import Config, flags, read_yaml, to_yaml

    @dataclass(frozen=True)
    class Train:
        """Train, then measure and write a report. Any setting is a flag; a recipe's own values are
        the defaults."""

        source: Annotated[str | None, tyro.conf.Positional, arg(metavar="[SOURCE]")] = None
        """Recipe to start from (mnist where nothing is said), or your own images: a folder, a file
        or hf:OWNER/NAME."""
        config: Annotated[Path | None, arg(metavar="FILE.yaml")] = None
        """YAML file of settings, on top of the recipe."""
        out: Annotated[Path | None, arg(metavar="RUN")] = None
        """Run directory to make; runs/SOURCE where nothing is said."""
        overwrite: FlagCreatePairsOff[bool] = False
        """Replace a run that is there."""
        resume: FlagCreatePairsOff[bool] = False
        """Go on from the run's last checkpoint, bit for bit on as many threads as before."""
        dry_run: FlagCreatePairsOff[bool] = False
        """Print the settings and stop."""
        report: FlagCreatePairsOff[bool] = True
        """Leave out the measuring and the report at the end."""
        settings: Annotated[Config, arg(name="")] = field(default_factory=Config)

    first = parse(Train, argv, "train", Train(), helping=False)  # which recipe, which file
    source = first.source or "mnist"
    out = first.out or Path("runs") / Path(source).name
    if first.resume and first.overwrite:
        raise InfoganError("--resume goes on and --overwrite starts anew; give one of the two")
    resume = first.resume and exists(out)
    if resume:
        base = opened(out).config
        if first.source and first.source not in (base.recipe, base.data.source):
            raise InfoganError(
                f"{out} was started from {base.recipe!r} on {base.data.source!r}, not "
                f"{source!r}; leave it out to go on, or choose another --out"
            )
        if first.config:
            raise InfoganError("--resume takes the run's own settings; leave --config out")
    else:
        base = start = _start(source)
        base = read_yaml(first.config, base) if first.config else base
    given = parse(Train, argv, "train", Train(settings=base))
    config = given.settings
    from infogan import precision, processes

    if not given.dry_run:
        processes.begin(precision.device(config.train.device))
        processes.check(config.train.batch)
    with processes.first_goes_ahead():
        images = _checked(config)
    if given.dry_run:
        print(to_yaml(config), end="")
        return 0
    if resume:
        _check_resumable(base, config)
        run = opened(out)
    else:
        from infogan.run import Run

        parts = ["infogan", "train", source, "--out", str(out), *flags(config, start)]
        with processes.first_goes_ahead():
            if processes.rank() == 0:
                Run.create(out, config, shlex.join(parts), given.overwrite)
            run = Run.open(out)
        if first.resume:
            print(f"{out} holds no run yet: starting one")
    return _train(config, images, run, given.report)


def _train(config: "Config", images: "Tensor", run: "Run", report: bool) -> int:
    from infogan import figures, processes
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
    if processes.rank():
        return 0
    print(f"trained in {run.seconds() / 60:.1f} min; model: {run.path / 'model'}")
    if report:
        from infogan.metrics import as_text, headline

        try:
            metrics = measured(run)
            print(as_text(metrics))
            page = write_report(run, metrics)
        except MissingExtraError as e:  # the training itself is whole
            print(f"not measured: {e}; then  infogan report {run.path}")
            return 0
        print(f"\n{headline(metrics)}\nreport: {page}")
    return 0


def _start(source: str) -> "Config":
    """The settings that a SOURCE starts from: a recipe's, or those for images of one's own."""
    from infogan.config import DataConfig, is_place, recipe, recipes

    if source in recipes() or not is_place(source):
        return recipe(source)
    return replace(recipe("images"), data=DataConfig(source=source))


def _checked(config: "Config") -> "Tensor":
    """The training images, after all that can be known to be wrong before anything is written."""
    from infogan.adversarial import ADVERSARIAL
    from infogan.data import load
    from infogan.model import InfoGAN
    from infogan.precision import device

    _ = ADVERSARIAL[config.loss.adversarial], device(config.train.device)
    data = load(config.data, "train")
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
