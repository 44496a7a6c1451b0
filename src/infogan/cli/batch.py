"""Batch jobs with a trained model: `infogan encode`, `generate`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from infogan.cli.arguments import parse
from infogan.cli.images import check_there, splits
from infogan.cli.source import check_out, note_namesake, same_images
from infogan.errors import InfoganError

if TYPE_CHECKING:
    import torch

    from infogan.data import Dataset, Split
    from infogan.model import InfoGAN


def encode(argv: list[str]) -> int:
    """Write what Q says of each image to a table."""
    import tyro

    @dataclass(frozen=True)
    class Encode:
        """Images to codes: a table with a row for each image, in their order. A categorical code
        has columns NAME and NAME.p (its probability), a continuous one NAME and NAME.sd."""

        model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
        """Run directory, or a saved model's folder."""
        source: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[SOURCE]")] = (
            None
        )
        """A folder, a file or hf:OWNER/NAME of images of any size, a table of the columns of its
        vectors, or mnist; the run's own where nothing is said."""
        out: Path = Path("codes.parquet")
        """Table to write: .parquet, .csv or .npz."""
        split: Literal["train", "test", "all"] | None = None
        """Which images: train, test or all; all of a place of your own, test of a built-in set
        where nothing is said."""
        precision: Literal["auto", "bfloat16", "float32"] = "auto"
        """Number format of the trunk; auto: bfloat16 where the processor has it."""

    args = parse(Encode, argv, "encode")
    import numpy as np

    from infogan import table
    from infogan.encode import encode as to_codes
    from infogan.model import InfoGAN

    table.check(args.out)
    model = InfoGAN.from_pretrained(args.model)
    source = _source(args.model, args.source)
    check_out(args.out, source)
    data = _data(args.model, source, args.split, model)
    dtype = _format(model, len(data.images), args.precision)
    names = {} if data.names is None else {"name": np.array(list(data.names))}
    table.write(args.out, names | to_codes(model, data.images, dtype))
    print(args.out)
    return 0


def generate(argv: list[str]) -> int:
    """Write many images and their codes."""
    import tyro
    from tyro.conf import UseAppendAction, arg

    @dataclass(frozen=True)
    class Generate:
        """Codes to images: FOLDER/images.npy, (N, C, H, W) bytes (of a model of vectors
        FOLDER/vectors.csv), and FOLDER/codes.csv, the codes of each."""

        model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
        """Run directory, or a saved model's folder."""
        out: Annotated[Path, arg(metavar="FOLDER")]
        """Folder to make."""
        n: int = 1000
        """How many images."""
        set: UseAppendAction[Annotated[tuple[tuple[str, ...], ...], arg(metavar="CODE=VALUE")]] = ()
        """Values for all images: --set digit=3 u1=-1; what is not set is drawn from the prior."""
        seed: int = 0
        """Of z and the codes that are drawn."""
        precision: Literal["auto", "bfloat16", "float32"] = "auto"
        """Number format of G; auto: bfloat16 where the processor has it."""

    args = parse(Generate, argv, "generate")
    if args.n < 1:
        raise InfoganError(f"--n {args.n}: give at least 1 image")
    given = _assignments([text for some in args.set for text in some])
    from infogan.generate import generate as to_images
    from infogan.generate import write
    from infogan.model import InfoGAN

    model = InfoGAN.from_pretrained(args.model)
    dtype = _format(model, args.n, args.precision)
    images = to_images(model, args.n, given, args.seed, dtype)
    write(args.out, model, args.n, images, _columns(args.model))
    print(args.out)
    return 0


def _assignments(texts: Sequence[str]) -> dict[str, float]:
    given: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        name = name.strip()
        if name in given:
            raise InfoganError(f"--set {text!r}: {name} is set already; give it one value")
        try:
            given[name] = float(value)
        except ValueError:
            raise InfoganError(f"--set {text!r}: expected CODE=NUMBER, e.g. digit=3") from None
    return given


def _columns(path: Path) -> list[str]:
    """What the coordinates of a run's vectors are called."""
    from infogan.run import Run

    return Run.open(path).columns() if Run.exists(path) else []


def _in_order(data: "Dataset", columns: Sequence[str], source: str) -> "Dataset":
    """Vectors with their columns as the model knows them, by name where both have names."""
    ours, theirs = list(columns), list(data.columns or ())
    unnamed = any(names == [f"x{i}" for i in range(len(names))] for names in (ours, theirs))
    if ours == theirs or (unnamed and sorted(ours) != sorted(theirs)):
        return data  # without names, or of images, they are what lies there in order
    missing = [name for name in ours if name not in theirs]
    if missing:
        raise InfoganError(
            f"{source} has no column {missing[0]!r}, which the model was trained on; it has "
            f"{', '.join(theirs)}"
        )
    order = [theirs.index(name) for name in ours]
    return replace(data, images=data.images[:, order], columns=tuple(ours))


def _source(path: Path, named: str | None) -> str:
    """Which images are meant: those that are named, or else the run's own."""
    from infogan.data import is_built_in
    from infogan.run import Run

    if named is not None:
        note_namesake(named, "built-in set", is_built_in(named))
        return named
    if not Run.exists(path):
        raise InfoganError(f"{path} is no run, so its images are not known; name a SOURCE")
    return Run.open(path).config.data.source


def _data(path: Path, source: str, split: "Split | None", model: "InfoGAN") -> "Dataset":
    """A source's images, its own pictures in the model's form, whatever theirs was."""
    from infogan.config import DataConfig, is_place
    from infogan.data import is_built_in, load
    from infogan.run import Run

    run = Run.open(path) if Run.exists(path) else None
    settings = run.config.data if run else DataConfig()
    if run and same_images(source, settings.source):
        check_there(run)
        if split in ("train", "test"):
            splits(run)  # what is said to be held out is
    else:
        settings = replace(settings, limit=0)
    settings = replace(settings, source=source)
    own = is_place(source) and not is_built_in(source)
    c, h, w = model.shape
    if own and not model.vectors and h == w and c in (1, 3):
        settings = replace(settings, size=h, channels=1 if c == 1 else 3)
    data = load(settings, split or ("all" if own else "test"))
    data = _in_order(data, _columns(path), source)
    if data.shape != model.shape:
        theirs, ours = (
            f"{x[0]} columns" if vectors else f"images {x}"
            for x, vectors in ((data.shape, bool(data.columns)), (model.shape, model.vectors))
        )
        raise InfoganError(f"{source} has {theirs}, the model was trained on {ours}")
    return data


def _format(model: "InfoGAN", n: int, wanted: str) -> "torch.dtype":
    """The number format of n images or vectors, said."""
    from infogan import precision

    if model.vectors:  # in bfloat16 they would be rounded
        print(f"{n:,} vectors · float32")
        return precision.choose("float32", precision.device("cpu"))[0]
    dtype, why = precision.choose(wanted, precision.device("cpu"))
    print(f"{n:,} images · {why}")
    return dtype
