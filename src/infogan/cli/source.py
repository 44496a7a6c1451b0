"""SOURCE on a command line: which images it names, and what settings a run on them starts from."""

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


def note_namesake(source: str, what: str) -> None:
    """Say that a built-in name is not taken for the folder of that name that lies here."""
    if Path(source).is_dir():
        print(f"{source} is the {what}; for the folder here say ./{source}", file=sys.stderr)


def check_not_over(out: Path, source: str | None) -> None:
    """That what is written takes no image's place."""
    if source and out.exists() and Path(source).exists() and out.samefile(source):
        raise InfoganError(f"--out {out} is what is read; choose another")


def check_not_among(out: Path, source: str) -> None:
    """That a picture that is written becomes none of a folder's."""
    if Path(source).is_dir() and Path(source).resolve() in out.resolve().parents:
        elsewhere = Path(source).resolve().parent / out.name
        raise InfoganError(
            f"{out} would be one of the pictures in {source}; give --out another folder, e.g. "
            f"--out {elsewhere}"
        )


def starting(source: str) -> "Config":
    """The settings that a SOURCE starts from: a recipe's, or those for data of one's own."""
    from infogan.config import recipe, recipes
    from infogan.registry import unknown

    if source in recipes():
        note_namesake(source, "recipe")
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


def one_source(source: str, asked: "Config") -> None:
    """That no flag asks for other images than a SOURCE of one's own."""
    if is_own(source) and asked.data.source != source:
        raise InfoganError(
            f"two sources, {source} and --data.source {asked.data.source}; give one of them"
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
