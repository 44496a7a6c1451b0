"""The images of a run: where they are, and whether they are those that it learnt from."""

from pathlib import Path
from typing import TYPE_CHECKING

from infogan.errors import InfoganError

if TYPE_CHECKING:
    from infogan.data import Dataset
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
    elsewhere = not source or is_built_in(source) or source.startswith("hf:")
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


def _same(run: "Run", train: "Dataset") -> bool:
    """Whether the same images are learnt from, and so the same ones held out, as far as a run of
    its age knows: by their names, however they are decoded, or by what is in them."""
    from infogan.data import is_built_in

    known = run.data()
    if train.stream or not known or is_built_in(run.config.data.source):
        return True
    named = train.names is not None and known.get("members") == train.members()
    return named or known["sha256"] == train.fingerprint()
