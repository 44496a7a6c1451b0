"""`infogan train`."""

import json
import shlex
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from infogan.cli.arguments import parse
from infogan.cli.images import check_there, other_images
from infogan.cli.runs import exists, measured, opened, write_report
from infogan.cli.source import (
    check_asked,
    fitted,
    note_namesake,
    same_images,
    say,
    starting,
    with_file,
)
from infogan.errors import InfoganError, MissingExtraError

if TYPE_CHECKING:
    from infogan.config import Config
    from infogan.data import Dataset
    from infogan.run import Run

# what may change when a run goes on; another number of updates moves its end, and where the rates
# fall, but no phase, which is at the update where it was
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
        "graphs",
    ]
} | {"data.on_bad", "data.max_bad"}


def train(argv: list[str]) -> int:
    """Train a recipe, then measure it and write its report."""
    import tyro
    from tyro.conf import FlagCreatePairsOff, arg

    from infogan.config import Config, flags, recipes, to_yaml

    @dataclass(frozen=True)
    class Train:
        """Train, then measure and write a report. Any setting is a flag; a recipe's own values are
        the defaults."""

        source: Annotated[str | None, tyro.conf.Positional, arg(metavar="[SOURCE]")] = None
        """Recipe to start from (mnist is the main job), or your own images: a folder, a file or
        hf:OWNER/NAME."""
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
    helped = bool({"-h", "--help"} & set(argv))
    source = first.source or "mnist"
    out = first.out or Path("runs") / (Path(source).name or Path(source).resolve().name)
    if first.resume and first.overwrite:
        raise InfoganError("--resume goes on and --overwrite starts anew; give one of the two")
    resume = first.resume and exists(out)
    data, why = None, dict[str, str]()
    if resume:
        base = start = _resumed(out, first.source)
        if first.config:
            raise InfoganError("--resume takes the run's own settings; leave --config out")
    else:
        if not (first.source or first.config or helped or first.settings != Config()):
            nothing = f"{out} holds no run to go on with; " if first.resume and first.out else ""
            raise InfoganError(
                f"{nothing}train needs a SOURCE: a recipe (mnist, rooms, …), a folder of images, a "
                "file, or hf:OWNER/NAME"
            )
        _free(out, first.overwrite or first.dry_run or helped)
        start = starting(source)
        if first.source:
            note_namesake(source, "recipe", source in recipes())
        base = with_file(first.config, start)
        if not helped:
            asked = parse(Train, argv, "train", Train(settings=base))
            check_asked(source, asked.settings)
            start, data, why = fitted(start, asked.settings, asked.dry_run)
            base = with_file(first.config, start)
    given = parse(Train, argv, "train", Train(settings=base))
    config = given.settings
    from infogan import precision, processes

    if not given.dry_run:
        processes.begin(precision.device(config.train.device))
        processes.check(config.train.batch)
    with processes.first_goes_ahead():
        config, data = _checked(config, data)
    if processes.rank() == 0:
        say(why, config, start, data, "# " if given.dry_run else "")
    if given.dry_run:
        print(to_yaml(config), end="")
        return 0
    if resume:
        run = _going_on(out, base, config, data)
    else:
        parts = [*processes.command(), "train", source, "--out", str(out), *flags(config, start)]
        run = _made(out, config, data, shlex.join(parts), given.overwrite, first.resume)
    return _train(config, data, run, given.report)


def _free(out: Path, whatever: bool) -> None:
    """That a run may be made at `out`: said before the images are read, which may take long."""
    if not whatever:
        from infogan.run import Run

        Run.check_free(out, overwrite=False)


def _resumed(out: Path, source: str | None) -> "Config":
    """The settings of a run that goes on, begun from the SOURCE that is given, if one is."""
    run = opened(out)
    check_there(run)
    config = run.config
    if source and source != config.recipe and not same_images(source, config.data.source):
        raise InfoganError(
            f"{out} was started from {config.recipe!r} on {config.data.source!r}, not "
            f"{source!r}; leave it out to go on, or choose another --out"
        )
    return config


def _made(
    out: Path, config: "Config", data: "Dataset", command: str, overwrite: bool, resuming: bool
) -> "Run":
    """A new run; of many processes the first makes it."""
    from infogan import processes
    from infogan.run import COLUMNS, DATA, Run

    with processes.first_goes_ahead():
        if processes.rank() == 0:
            run = Run.create(out, config, command, overwrite)
            if data.columns:
                run.write(COLUMNS, json.dumps(list(data.columns)) + "\n")
            if not data.stream:
                of_data = {"sha256": data.fingerprint(), "members": data.members()}
                run.write(DATA, json.dumps(of_data) + "\n")
            if resuming:
                print(f"{out} holds no run yet: starting one")
        return Run.open(out)


def _train(config: "Config", data: "Dataset", run: "Run", report: bool) -> int:
    from infogan import figures, precision, processes, scatter
    from infogan.model import InfoGAN
    from infogan.prior import Prior
    from infogan.progress import Progress
    from infogan.training import Interrupted
    from infogan.training import train as train_run

    def on_sample(model: InfoGAN, update: int) -> None:
        if data.columns:
            picture = scatter.samples(model, data.images, data.columns)
        else:
            picture = figures.png(figures.samples(model), scale=2)
        run.write(f"samples/{update:06d}.png", picture)

    progress, stream = Progress(Prior.parse(config.codes)), data.stream
    if not processes.launched():
        where = precision.device(config.train.device)
        if busy := precision.crowded(where, config.train.threads):
            progress.say(busy)
    try:
        if stream:
            progress.say(stream.notice(data.images))
        renew = partial(stream.renew, data.images) if stream else None
        train_run(config, data.images, run, progress, on_sample, renew)
        if stream and stream.skipped():
            progress.say(stream.skipped())
    except Interrupted as e:
        again = shlex.join([*processes.command(), "train", "--out", str(run.path), "--resume"])
        print(f"{e}; go on with:\n  {again}")
        return 130
    finally:
        if stream:
            stream.close()
    if processes.rank():
        return 0
    print(f"trained in {run.seconds() / 60:.1f} min; model: {run.path / 'model'}")
    if report:
        from infogan.metrics import as_text, headline

        try:
            metrics = measured(run, None if stream else data)  # a stream's images change
            print(as_text(metrics))
            page = write_report(run, metrics)
        except MissingExtraError as e:  # the training itself is whole
            print(f"not measured: {e}; then  infogan report {run.path}")
            return 0
        print(f"\n{headline(metrics)}\nreport: {page}")
    return 0


def _checked(config: "Config", data: "Dataset | None") -> tuple["Config", "Dataset"]:
    """The settings, with what was chosen from the images, and the images to learn from, after all
    that can be known to be wrong before anything is written.

    Args:
        config: The settings.
        data: The images, where they were read already.
    """
    import torch

    from infogan.adversarial import ADVERSARIAL
    from infogan.config import is_place
    from infogan.contrast import Contrast
    from infogan.data import load
    from infogan.model import InfoGAN
    from infogan.precision import device

    _ = ADVERSARIAL[config.loss.adversarial], device(config.train.device)
    if config.train.tensorboard and not find_spec("tensorboard"):
        raise MissingExtraError("tensorboard", "train")
    data = data or load(config.data, "train")
    if is_place(config.data.source) and data.images.dtype == torch.uint8:
        c, h, _ = data.shape  # evaluate and encode then ask for the same, whatever comes
        config = replace(config, data=replace(config.data, size=h, channels=1 if c == 1 else 3))
    if bool(data.columns) != (config.net.output == "linear"):
        what, outputs = ("vectors", "linear") if data.columns else ("images", "sigmoid or tanh")
        raise InfoganError(
            f"{data.name} holds {what}, and net.output is {config.net.output}; give --net.output "
            f"{outputs}"
        )
    model = InfoGAN.from_config(config, data.shape)  # the codes, the networks, and that they fit
    Contrast.from_config(config, model.prior, data.shape)  # and those of the contrast
    if model.vectors and (config.loss.pairs or config.loss.alike):
        raise InfoganError(
            "loss.pairs and loss.alike compare images and their copies; vectors have none: give "
            "--loss.pairs 0 --loss.alike 0"
        )
    if data.stream and config.loss.votes:
        raise InfoganError(
            "loss.votes asks the images nearest to each, among all of the set, and a stream holds "
            "a part at a time: give --loss.votes 0"
        )
    learned = [code.name for code in model.prior.categorical if code.learned]
    on = config.loss.votes and config.loss.pairs and config.objective == "infogan"
    if learned and not on:
        possible = not (data.stream or model.vectors or config.objective == "gan")
        votes = "give --loss.votes 4 and --loss.pairs 3, or " if possible else ""
        raise InfoganError(
            f"code {learned[0]!r}: a learned P(c) is counted with the votes of real images, and "
            f"there are none: {votes}leave (learned) out"
        )
    return config, data


def _going_on(out: Path, before: "Config", now: "Config", data: "Dataset") -> "Run":
    """The run at `out`, which these settings and images go on with."""
    from infogan.config import leaves

    run = opened(out)
    old = leaves(before)
    changed = [k for k, v in leaves(now).items() if v != old[k] and k not in FREE]
    if changed:
        key = changed[0]
        raise InfoganError(
            f"--resume cannot change {key} from {old[key]!r} to {leaves(now)[key]!r}: the run so "
            f"far depends on it; start a new --out (what may change: {', '.join(sorted(FREE))})"
        )
    if not data.stream and run.data().get("sha256") not in (None, data.fingerprint()):
        alone = "--resume goes on with the same images alone: put them back, or start a new --out"
        raise other_images(run, data, alone)
    return run
