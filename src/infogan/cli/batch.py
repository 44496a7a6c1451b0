"""Batch jobs with a trained model: `infogan encode`, `generate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from infogan.cli.arguments import parse
from infogan.errors import InfoganError

if TYPE_CHECKING:
    from torch import Tensor

    from infogan.config import DataConfig
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
        """mnist, a .npy file of images of the model's size, or a table of the columns of its
        vectors, of which every row is read; the run's own where nothing is said."""
        out: Path = Path("codes.parquet")
        """Table to write: .parquet, .csv or .npz."""
        split: Literal["train", "test"] = "test"
        """Which images of a source that has two splits."""
        precision: Literal["auto", "bfloat16", "float32"] = "auto"
        """Number format of the trunk; auto: bfloat16 where the processor has it."""

    args = parse(Encode, argv, "encode")
    from infogan import precision, table
    from infogan.encode import encode as to_codes
    from infogan.model import InfoGAN

    table.check(args.out)
    model = InfoGAN.from_pretrained(args.model)
    images = _images(args.source or _own_data(args.model), args.split, model)
    dtype, why = precision.choose(args.precision, precision.device("cpu"))
    print(f"{len(images):,} images · {why}")
    table.write(args.out, to_codes(model, images, dtype))
    print(args.out)
    return 0


def generate(argv: list[str]) -> int:
    """Write many images and their codes."""
    import tyro

    @dataclass(frozen=True)
    class Generate:
        """Codes to images: FOLDER/images.npy, (N, C, H, W) bytes (of a model of vectors
        FOLDER/vectors.csv), and FOLDER/codes.csv, the codes of each."""

        model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
        """Run directory, or a saved model's folder."""
        out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
        """Folder to make."""
        n: int = 1000
        """How many images."""
        set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="CODE=VALUE")] = ()
        """Values for all images: --set digit=3 u1=-1; what is not set is drawn from the prior."""
        seed: int = 0
        """Of z and the codes that are drawn."""
        precision: Literal["auto", "bfloat16", "float32"] = "auto"
        """Number format of G; auto: bfloat16 where the processor has it."""

    args = parse(Generate, argv, "generate")
    if args.n < 1:
        raise InfoganError(f"--n {args.n}: give at least 1 image")
    given = dict(_assignment(text) for text in args.set)
    from infogan import precision
    from infogan.generate import generate as to_images
    from infogan.generate import write
    from infogan.model import InfoGAN

    model = InfoGAN.from_pretrained(args.model)
    dtype, why = precision.choose(args.precision, precision.device("cpu"))
    print(f"{args.n:,} images · {why}")
    images = to_images(model, args.n, given, args.seed, dtype)
    write(args.out, model, args.n, images, _columns(args.model))
    print(args.out)
    return 0


def _assignment(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise InfoganError(f"--set {text!r}: expected CODE=NUMBER, e.g. digit=3") from None


def _own_data(path: Path) -> "DataConfig":
    from infogan.run import Run

    if not Run.exists(path):
        raise InfoganError(f"{path} is no run, so its images are not known; name a SOURCE")
    return Run.open(path).config.data


def _columns(path: Path) -> list[str]:
    """What the coordinates of a run's vectors are called."""
    from infogan.run import Run

    return Run.open(path).columns() if Run.exists(path) else []


def _images(
    source: "DataConfig | str", split: Literal["train", "test"], model: "InfoGAN"
) -> "Tensor":
    from infogan.data import as_images, kind, load, read_array, read_table

    if isinstance(source, str) and model.vectors and kind(source) == "vectors":
        table = read_table(Path(source))  # all rows, in their order
        if len(table.columns) != model.shape[0]:
            raise InfoganError(
                f"{source} has {len(table.columns)} columns, the model was trained on "
                f"{model.shape[0]}"
            )
        return as_images(table.rows)
    if isinstance(source, str) and source.endswith(".npy"):
        return read_array(Path(source), model.shape)
    data = load(source, split)
    if data.shape != model.shape:
        raise InfoganError(f"{data.name} has images {data.shape}, the model {model.shape}")
    return data.images
