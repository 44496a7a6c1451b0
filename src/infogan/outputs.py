"""What a command writes appears only when it is whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infogan.errors import InfoganError


def check_folder(place: Path) -> None:
    """That a folder can be made there, as far as it can be known before the work.

    Raises:
        InfoganError: something is there already.
    """
    if os.path.exists(place):  # "." and "/", which have no name, among them
        raise InfoganError(f"{place} exists already; choose another --out")


@contextmanager
def folder(place: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `place` at the end, if all went well.

    Raises:
        InfoganError: something is there already, or the disk refuses.
    """
    check_folder(place)
    partial = place.with_name(f".{place.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(place)
    except OSError as e:
        raise InfoganError(_refused(place, e)) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_file(place: Path) -> None:
    """That a file can be written there, as far as it can be known before the work.

    Raises:
        InfoganError: it is a folder.
    """
    if os.path.isdir(place):
        raise InfoganError(f"{place} is a folder; choose another --out")


def file(place: Path, text: str) -> None:
    """Write a file, in the place of one that may be there.

    Raises:
        InfoganError: it is a folder, or the disk refuses.
    """
    check_file(place)
    partial = place.with_name(f".{place.name}.partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, "utf-8")
        partial.rename(place)
    except OSError as e:
        raise InfoganError(_refused(place, e)) from None
    finally:
        with suppress(OSError):  # where it could not even be begun
            partial.unlink(missing_ok=True)


def _refused(place: Path, e: OSError) -> str:
    return f"cannot write {place}: {e.strerror or e}; choose another --out"
