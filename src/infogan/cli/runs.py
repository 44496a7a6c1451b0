"""Commands on a run that is there: `infogan evaluate`, `report`, `figure1`, `sheet`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from infogan.cli.arguments import parse
from infogan.cli.images import check_there, images_for, source_of, splits
from infogan.cli.source import same_images
from infogan.errors import InfoganError

if TYPE_CHECKING:
    from infogan.data import Dataset, Split
    from infogan.model import InfoGAN
    from infogan.run import Run


def evaluate(argv: list[str]) -> int:
    """Measure a run on the held-out split."""
    import tyro

    @dataclass(frozen=True)
    class Evaluate:
        """Measure a run on the held-out split; also written to its metrics.json. Or on other
        images, which is only printed."""

        run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
        """Run directory."""
        source: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[SOURCE]")] = (
            None
        )
        """Other images to measure on, brought to the model's size: a place of your own, all of it
        (labels as in training: folders' names, an array's y), or a built-in set's test split."""
        json: tyro.conf.FlagCreatePairsOff[bool] = False
        """Print JSON instead of a table."""

    args = parse(Evaluate, argv, "evaluate")
    from infogan.metrics import as_text

    run = opened(args.run)
    metrics = measured(run) if args.source is None else measured_on(run, args.source)
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

    run = opened(parse(Report, argv, "report").run)
    try:
        metrics = json.loads((run.path / "metrics.json").read_text("utf-8"))
    except (OSError, ValueError):  # not measured yet, or damaged
        metrics = None
    if not isinstance(metrics, dict) or "protocol.information" not in metrics:
        metrics = measured(run)
    elif any(key.startswith("groups.") for key in metrics):
        splits(run)  # the pictures of its trees are those that were held out
    print(write_report(run, metrics))
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

    args = parse(Figure1, argv, "figure1")
    from infogan import figures
    from infogan.prior import Prior

    infogan, gan = opened(args.run_infogan), opened(args.run_gan)
    for run, wanted in ((infogan, "infogan"), (gan, "gan")):
        if run.config.objective != wanted:
            raise InfoganError(
                f"{run.path} was trained with --objective {run.config.objective}, expected "
                f"{wanted}; give the InfoGAN's run first, the plain GAN's second"
            )
    prior = Prior.parse(infogan.config.codes)
    code = prior[args.code] if args.code else (*prior.categorical, *prior)[0]
    for run in (infogan, gan):
        if not any(f"L_I.{code.name}" in record for record in run.history()):
            raise InfoganError(f"the log of {run.path} holds no L_I of {code.name}; train both so")
    picture = figures.figure1(infogan.history(), gan.history(), code.name, code.entropy())
    return _written(args.out, picture)


def sheet(argv: list[str]) -> int:
    """Draw what the codes of runs read, over two true factors."""
    import tyro

    @dataclass(frozen=True)
    class Sheet:
        """Draw held-out points where they lie by their first two continuous true factors, coloured
        by what each continuous code of each run reads: the unrolled swiss roll."""

        runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN …")]
        """Runs on the same data; an InfoGAN's and a plain GAN's."""
        out: Path = Path("sheet.png")
        """PNG file to write."""

    args = parse(Sheet, argv, "sheet")
    if not args.runs:
        raise InfoganError("sheet needs at least one RUN; see infogan sheet --help")
    from infogan import scatter
    from infogan.data import load
    from infogan.metrics import continuous_factors

    found = [opened(path) for path in args.runs]
    if len({run.config.data for run in found}) > 1:
        raise InfoganError("the runs of a sheet must have the same data; leave one of them out")
    test = load(found[0].config.data, "test")
    sides = continuous_factors(test)
    if test.factors is None or len(sides) < 2:
        raise InfoganError(f"{test.name} has no two continuous true factors; swissroll has")
    over = test.factors.values[:, list(sides.values())[:2]].numpy()
    titles = {"infogan": "InfoGAN", "gan": "plain GAN"}
    models = {f"{titles[r.config.objective]} ({r.path.name})": trained_model(r) for r in found}
    return _written(args.out, scatter.side_by_side(models, test.images, over, list(sides)))


def _written(file: Path, picture: bytes) -> int:
    check_png(file)
    try:
        file.write_bytes(picture)
    except OSError as e:
        raise InfoganError(f"cannot write {file}: {e.strerror}; choose another --out") from None
    print(file)
    return 0


def check_png(file: Path) -> None:
    """That a picture is written under a name that says what it is."""
    if file.suffix.lower() != ".png":
        raise InfoganError(f"--out {file}: a PNG picture is written; give a name that ends in .png")


def exists(path: Path) -> bool:
    """Whether there is a run at a path."""
    from infogan.run import Run

    return Run.exists(path)


def opened(path: Path) -> "Run":
    """The run at a path."""
    from infogan.run import Run

    return Run.open(path)


def measured(run: "Run", train: "Dataset | None" = None) -> dict[str, Any]:
    """Measure a run and keep the numbers in its metrics.json.

    Args:
        run: Finished.
        train: What it learnt from, where that is at hand as it was at first.
    """
    from infogan.data import load
    from infogan.metrics import evaluate as measure

    if train is None:
        train, test = splits(run)
    else:
        test = load(run.config.data, "test")
    metrics = measure(trained_model(run), test, None, run.config.augment, train.images)
    text = json.dumps(metrics, indent=1)
    run.write("metrics.json", text + "\n")
    plain: dict[str, Any] = json.loads(text)
    return plain


def measured_on(run: "Run", source: str) -> dict[str, Any]:
    """Measure a run on other images than its own; nothing is kept."""
    from infogan.metrics import evaluate as measure

    model, source = trained_model(run), source_of(run.path, source)
    split: Split | None = "test" if same_images(source, run.config.data.source) else None
    images = images_for(run.path, source, split, model)
    return measure(model, images, None, run.config.augment)


def write_report(run: "Run", metrics: dict[str, Any]) -> Path:
    """Write the run's page; its path."""
    from infogan.report import report as write

    try:
        return write(run, trained_model(run), metrics)
    except InfoganError:
        check_there(run)  # that may be why
        raise


def trained_model(run: "Run") -> "InfoGAN":
    """The run's finished model."""
    from infogan.model import InfoGAN

    if not (run.path / "model" / "config.json").is_file():
        raise InfoganError(
            f"{run.path} has no finished model yet; finish it with  infogan train --out {run.path} "
            "--resume"
        )
    return InfoGAN.from_pretrained(run.path)
