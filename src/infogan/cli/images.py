"""The images of a run, and others in its form: where they are, and whether they are those that it
learnt from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from infogan.cli.source import note_namesake, same_images
from infogan.errors import InfoganError

if TYPE_CHECKING:
    from infogan.data import Dataset, Split
    from infogan.model import InfoGAN
    from infogan.pictures import Form
    from infogan.run import Run


def splits(run: "Run") -> tuple["Dataset", "Dataset"]:
    """What a run learnt from, and what is held out.

    Raises:
        InfoganError: the images are not there, or others than they were.
    """
    from infogan.data import load

    check_there(run)
    train, test = load(run.config.data, "train"), load(run.config.data, "test")
    if train.stream:
        train.stream.close()  # its first images are enough
    if not _same(run, train):
        # which ones are held out follows from how many there are
        raise other_images(
            run, train, "what is held out now may be what it learnt from: put them back"
        )
    return train, test


def check_there(run: "Run") -> None:
    """That what a run learnt from is where its settings say, from here."""
    from infogan.data import is_built_in

    source = run.config.data.source
    if not source:
        raise _not_kept(run.path)
    elsewhere = is_built_in(source) or source.startswith("hf:")
    if not elsewhere and not Path(source).exists():
        raise InfoganError(
            f"{run.path} learnt from {source!r}, which is not there; put it back"
            + f", or go to the folder that the run was started in ({source!r} is a path from there)"
            * (not Path(source).is_absolute())
        )


def other_images(run: "Run", train: "Dataset", remedy: str) -> InfoganError:
    """That the images are no longer those which the run began with, and what to do."""
    return InfoganError(
        f"{train.name} is no longer what {run.path} was trained on: images were added, removed, "
        f"renamed or changed; {remedy}"
    )


def columns_of(path: Path) -> list[str]:
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


def source_of(path: Path, named: str | None) -> str:
    """Which images are meant: those that are named, or else the run's own."""
    from infogan.data import is_built_in
    from infogan.run import Run

    if named is not None:
        note_namesake(named, "built-in set", is_built_in(named))
        return named
    if not Run.exists(path):
        raise InfoganError(f"{path} is no run, so its images are not known; name a SOURCE")
    source = Run.open(path).config.data.source
    if not source:
        raise _not_kept(path)
    return source


def _not_kept(path: Path) -> InfoganError:
    return InfoganError(
        f"{path} learnt from an array (infogan.Estimator), which is not kept; evaluate, encode, "
        "sort and explore take another SOURCE"
    )


def images_for(path: Path, source: str, split: "Split | None", model: "InfoGAN") -> "Dataset":
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
        settings = replace(settings, limit=0, max_bad=1.0)  # bad ones are left out
    settings = replace(settings, source=source)
    own = is_place(source) and not is_built_in(source)
    c, h, w = model.shape
    if own and not model.vectors and h == w and c in (1, 3):
        settings = replace(settings, size=h, channels=1 if c == 1 else 3)
    data = load(settings, split or ("all" if own else "test"))
    data = _in_order(data, columns_of(path), source)
    if data.shape != model.shape:
        theirs, ours = (
            f"{x[0]} columns" if vectors else f"images {x}"
            for x, vectors in ((data.shape, bool(data.columns)), (model.shape, model.vectors))
        )
        raise InfoganError(f"{source} has {theirs}, the model was trained on {ours}")
    return data


def _same(run: "Run", train: "Dataset") -> bool:
    """Whether the same images are learnt from, and so the same ones held out, as far as a run of
    its age knows: by their names, however they are decoded, or by what is in them."""
    from infogan.data import is_built_in

    known = run.data()
    if train.stream or not known or is_built_in(run.config.data.source):
        return True
    named = train.names is not None and known.get("members") == train.members()
    return named or known["sha256"] == train.fingerprint()


def form_of(path: Path, model: "InfoGAN") -> "Form | None":
    """What becomes of a picture of any size, as of those that the run learnt from; None where its
    images are no squares."""
    from infogan.config import DataConfig
    from infogan.data import form
    from infogan.run import Run

    c, h, w = model.shape
    if h != w:
        return None
    data = Run.open(path).config.data if Run.exists(path) else DataConfig()
    return form(data, h, c)
