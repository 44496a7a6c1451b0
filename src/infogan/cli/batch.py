"""Batch jobs with a trained model: `infogan encode`, `sort`, `generate`."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from infogan.cli.arguments import parse
from infogan.cli.images import columns_of, images_for, source_of
from infogan.cli.source import check_out
from infogan.errors import InfoganError

if TYPE_CHECKING:
    import torch

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
    source = source_of(args.model, args.source)
    check_out(args.out, source)
    data = images_for(args.model, source, args.split, model)
    dtype = _format(model, len(data.images), args.precision)
    names = {} if data.names is None else {"name": np.array(list(data.names))}
    table.write(args.out, names | to_codes(model, data.images, dtype))
    print(args.out)
    return 0


def sort(argv: list[str]) -> int:
    """Put pictures into folders by their categories."""
    from tyro.conf import FlagCreatePairsOff, Positional, arg

    @dataclass(frozen=True)
    class Sort:
        """Pictures into folders, one for each category (or group, where they were merged), called
        by its number and its name, and codes.csv. Files of a folder are copied as they are; images
        of anything else are written as PNG files."""

        model: Annotated[Path, Positional, arg(metavar="RUN")]
        """Run directory, or a saved model's folder."""
        source: Annotated[str | None, Positional, arg(metavar="[SOURCE]")] = None
        """Pictures to sort: a folder, a file or hf:OWNER/NAME, or mnist; the run's own where
        nothing is said."""
        out: Annotated[Path, arg(metavar="FOLDER")] = Path("sorted")
        """Folder to make."""
        by: Annotated[str | None, arg(metavar="CODE")] = None
        """The code whose categories count; the first one where nothing is said."""
        least: float = 0.0
        """Probability below which a picture goes to the folder unsure."""
        link: FlagCreatePairsOff[bool] = False
        """Make symbolic links to the files of a folder instead of copies."""
        precision: Literal["auto", "bfloat16", "float32"] = "auto"
        """Number format of the trunk; auto: bfloat16 where the processor has it."""

    args = parse(Sort, argv, "sort")
    if not 0 <= args.least <= 1:
        raise InfoganError(f"--least {args.least}: a probability is 0 to 1")
    from infogan import outputs, sorting
    from infogan.data import kind
    from infogan.encode import encode as to_codes
    from infogan.model import InfoGAN

    outputs.check_folder(args.out)
    model = InfoGAN.from_pretrained(args.model)
    by = sorting.sortable(model, args.by)
    if model.vectors:
        raise InfoganError(f"sort is for pictures, {args.model} reads vectors; take infogan encode")
    source = source_of(args.model, args.source)
    place = Path(source).resolve()
    if place.is_dir() and place in Path(os.path.abspath(args.out)).resolve().parents:
        raise InfoganError(
            f"{args.out} would be part of {source}, which is sorted; give --out another folder, "
            f"e.g. --out {place.parent / args.out.name}"
        )
    data = images_for(args.model, source, None, model)
    files = kind(source) == "folder"  # or a single picture
    root = (Path(source) if place.is_dir() else place.parent) if files else None
    if args.link and root is None:
        raise InfoganError(f"--link is for the files of a folder, {source} is none; leave it out")
    codes = to_codes(model, data.images, _format(model, len(data.images), args.precision))
    where = sorting.folders(model, codes, by, args.least)
    sorting.write(args.out, where, data.images, codes, root, data.names, args.link)
    for folder, count in sorted(Counter(where).items()):
        print(f"{args.out / folder}  {count:,}")
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
        """Values for all images: --set digit=3 u1=-1; a category's name, where it has one, may
        stand for its number; what is not set is drawn from the prior."""
        seed: int = 0
        """Of z and the codes that are drawn."""
        precision: Literal["auto", "bfloat16", "float32"] = "auto"
        """Number format of G; auto: bfloat16 where the processor has it."""

    args = parse(Generate, argv, "generate")
    if args.n < 1:
        raise InfoganError(f"--n {args.n}: give at least 1 image")
    texts = [text for some in args.set for text in some]
    from infogan.generate import generate as to_images
    from infogan.generate import write
    from infogan.model import InfoGAN

    model = InfoGAN.from_pretrained(args.model)
    given = _assignments(texts, model.names)
    dtype = _format(model, args.n, args.precision)
    images = to_images(model, args.n, given, args.seed, dtype)
    write(args.out, model, args.n, images, columns_of(args.model))
    print(args.out)
    return 0


def _assignments(texts: Sequence[str], names: Mapping[str, str]) -> dict[str, float]:
    from infogan.names import category

    given: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        name = name.strip()
        if name in given:
            raise InfoganError(f"--set {text!r}: {name} is set already; give it one value")
        try:
            given[name] = float(value)
        except ValueError:
            if (named := category(names, name, value.strip())) is None:
                raise InfoganError(
                    f"--set {text!r}: expected CODE=NUMBER, e.g. digit=3"
                    + f"; {value!r} is none of {_called(names, name)}" * bool(_called(names, name))
                ) from None
            given[name] = named
    return given


def _called(names: Mapping[str, str], code: str) -> str:
    """The names that a code's categories have, in a sentence."""
    return ", ".join(text for key, text in names.items() if key.startswith(f"{code}="))


def _format(model: "InfoGAN", n: int, wanted: str) -> "torch.dtype":
    """The number format of n images or vectors, said."""
    from infogan import precision

    if model.vectors:  # in bfloat16 they would be rounded
        print(f"{n:,} vectors · float32")
        return precision.choose("float32", precision.device("cpu"))[0]
    dtype, why = precision.choose(wanted, precision.device("cpu"))
    print(f"{n:,} images · {why}")
    return dtype
