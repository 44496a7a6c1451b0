"""SOURCE on a command line: which images it names, and what settings a run on them starts from."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from infogan.errors import InfoganError

if TYPE_CHECKING:
    from infogan.config import Config
    from infogan.data import Dataset

OWN = ("images", "vectors")  # the recipes that images and tables of one's own start from


def is_own(source: str) -> bool:
    """Whether it names images or vectors of one's own, and no recipe."""
    from infogan.config import is_place, recipes

    return is_place(source) and source not in recipes()


def same_images(source: str, other: str) -> bool:
    """Whether two names are of one place, however they are spelt, or of one built-in set."""
    if source == other:
        return True
    return is_own(source) and is_own(other) and Path(source).resolve() == Path(other).resolve()


def note_namesake(source: str, what: str, taken: bool) -> None:
    """Say that a name which is taken is not that of the folder that lies here."""
    if taken and Path(source).is_dir():
        from infogan.processes import rank

        if rank() == 0:
            print(f"{source} is the {what}; for the folder here say ./{source}", file=sys.stderr)


def check_out(out: Path, source: str) -> None:
    """That what is written takes the place of nothing that is read, and becomes none of it.

    Args:
        out: A picture, or a table.
        source: What is read: a place, or a built-in name.
    """
    from infogan.config import is_place
    from infogan.data import is_built_in, kind
    from infogan.pictures import SUFFIXES

    if not is_place(source) or is_built_in(source) or not os.path.exists(source):
        return
    if os.path.exists(out) and out.samefile(source):
        raise InfoganError(f"--out {out} is what is read; choose another")
    place = Path(source).resolve()
    if place.is_dir() and place in Path(os.path.abspath(out)).resolve().parents:
        held = {"folder": tuple(SUFFIXES), "parquet": (".parquet", ".pq")}.get(kind(source), ())
        if out.suffix.lower() in held:
            raise InfoganError(
                f"{out} would be one of those in {source}; give --out another folder, e.g. --out "
                f"{place.parent / out.name}"
            )


def starting(source: str) -> "Config":
    """The settings that a SOURCE starts from: a recipe's, or those for data of one's own."""
    from infogan.config import recipe, recipes
    from infogan.registry import unknown

    if source in recipes():
        return recipe(source)
    if not is_own(source):
        raise InfoganError(
            f"{unknown('recipe', source, recipes())}; nor is a file or folder of that name here"
        )

    from infogan.data import kind

    own = recipe("vectors" if kind(source) == "vectors" else "images")
    return replace(own, data=replace(own.data, source=source))


def with_file(file: Path | None, start: "Config") -> "Config":
    """A file's settings on top of those that the SOURCE starts from, of which the images stay,
    where it names any."""
    from infogan.config import read_yaml

    if file is None:
        return start
    config = read_yaml(file, start)
    own = start.recipe in OWN and start.data.source
    return replace(config, data=replace(config.data, source=own)) if own else config


def check_asked(source: str, asked: "Config") -> None:
    """That no flag asks for other images than a SOURCE of one's own, or for what they cannot be."""
    from infogan.config import is_place
    from infogan.data import is_built_in, kind

    data = asked.data
    if is_own(source) and asked.data.source != source:
        raise InfoganError(
            f"two sources, {source} and --data.source {asked.data.source}; give one of them"
        )
    if data.source == "mnist" and (data.size not in (0, 28) or data.channels == 3):
        raise InfoganError("MNIST has 28×28 grey pixels; leave data.size and data.channels out")
    place = is_place(data.source) and not is_built_in(data.source)
    if data.limit and place and kind(data.source) not in ("dsprites", "shapes3d"):
        raise InfoganError(
            "data.limit is of sets with exact factors; leave it out, or give fewer pictures"
        )


def fitted(
    start: "Config", asked: "Config", alone: bool
) -> "tuple[Config, Dataset | None, dict[str, str]]":
    """The settings that the images ask for, where they are read here, these, and why.

    Args:
        start: The recipe: of `images` nearly all follows from the images, of another one at most
            what happens at which update.
        asked: The same with all that the user set.
        alone: Not to wait for other processes.
    """
    from infogan import precision, processes
    from infogan.data import load
    from infogan.fitting import fitted as fit
    from infogan.fitting import in_proportion

    if start.recipe != "images":
        phased = bool(start.loss.votes)  # a recipe of phases is run short, or long, as a whole
        return in_proportion(start, asked.train.updates) if phased else start, None, {}
    if not alone:
        processes.begin(precision.device(asked.train.device))
    with processes.first_goes_ahead():  # packing is the first one's work
        data = load(asked.data, "train")
    updates = asked.train.updates
    said = None if updates == start.train.updates else updates
    config, why = fit(start, data.count, data.shape, said, asked.data.stream)
    return config, data, why


def say(
    why: "dict[str, str]", config: "Config", start: "Config", data: "Dataset", before: str
) -> None:
    """What was chosen for the images, and why, but for what the user chose otherwise."""
    from infogan.config import leaves
    from infogan.fitting import minutes

    if not why:
        return
    chosen, fitting = leaves(config), leaves(start)
    many = f"{len(data.images):,} images" + " at a time" * bool(data.stream)
    lines = [f"{many} {'×'.join(map(str, data.shape))} from {data.name}"]
    for name, reason in why.items():
        value = chosen[name]
        if value == fitting[name]:
            text = " ".join(map(str, value)) if isinstance(value, tuple) else f"{value!r}"
            lines.append(f"--{name.replace('_', '-')} {text.removesuffix('.0')}: {reason}")
    lines.append(f"{config.train.updates:,} updates: {minutes(config, data.count, data.shape)}")
    for line in lines:
        print(f"{before}{line}")
