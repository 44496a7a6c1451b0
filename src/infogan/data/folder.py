"""A folder of images, flat or nested."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infogan.data.place import File, Place
from infogan.errors import InfoganError
from infogan.pictures import SUFFIXES, Item, Refusal, looks_like_picture

MOST_CLASSES = 1000
MADE = b"infogan train "  # in the first line of a run's settings
# folders that part a set, and say nothing of what is in its images
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "images"}


@dataclass(frozen=True)
class Folder(Place):
    """See `open_folder`."""

    found: list[Item] = field(default_factory=list, repr=False)

    def items(self, start: int = 0) -> Iterator[Item]:
        return iter(self.found[start:])

    def some(self, n: int) -> Iterator[Item]:
        """Evenly spread, since a folder is often sorted by what its images show."""
        step = max(1, len(self.found) / n)
        return (self.found[int(i * step)] for i in range(min(n, len(self.found))))


def open_folder(source: str) -> Folder:
    """A folder's images: files with an image's suffix, or with none and an image's first bytes.

    Links are followed, each folder is read once. Hidden files, files with other suffixes and runs
    of infogan are no images, and are listed as such. Where every image lies in one of 2 to 1,000
    subfolders, these are its labels.

    Raises:
        InfoganError: it holds no image.
    """
    root = Path(source)
    items: list[Item] = []
    files: list[File] = []
    others: list[tuple[str, str]] = []
    for name, path, problem in [(root.name, root, "")] if root.is_file() else _walk(root):
        if problem == "other":
            others.append((name, _why_not(name, path)))
        elif problem:
            items.append(Item(name, Refusal(problem)))
        else:
            items.append(Item(name, path))
            files.append(File.at(path, name))
    if not items:
        there = f"{len(others):,} other files" if others else "empty"
        raise InfoganError(
            f"{source} holds no image ({there}); expected files such as .png, .jpg, .webp, .gif, "
            ".tif or .bmp, in it or in its subfolders"
        )
    labels, classes = _labels([item.name for item in items])
    if classes:
        items = [Item(i.name, i.content, k) for i, k in zip(items, labels)]
    title = root.resolve().name or source
    return Folder(source, title, files, len(items), others, classes, items)


def _walk(root: Path) -> Iterator[tuple[str, Path, str]]:
    """(name, path, problem) of every file below a folder, in the order of their names.

    The problem is "" for an image, "other" for what is none, and a reason for an image, or a
    folder, that cannot be read.
    """
    visited = set()

    def visit(folder: Path, prefix: str) -> Iterator[tuple[str, Path, str]]:
        try:
            s = folder.stat()
            if (s.st_dev, s.st_ino) in visited:  # a link back, or a second link
                yield prefix.rstrip("/"), folder, "other"
                return
            visited.add((s.st_dev, s.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as e:
            yield prefix or str(folder), folder, f"folder cannot be read: {e.strerror}"
            return
        for entry in entries:
            name, path = prefix + entry.name, Path(entry.path)
            if entry.is_dir():
                if entry.name.startswith(".") or is_run(path):
                    yield name, path, "other"
                else:
                    yield from visit(path, f"{name}/")
            else:
                yield name, path, _problem(path)

    yield from visit(root, "")


def is_run(folder: Path) -> bool:
    """Whether it is what `infogan train` made: its samples and figures are no pictures to learn."""
    try:
        with (folder / "config.yaml").open("rb") as f:
            first = f.readline(1000)
        return first.startswith(b"#") and MADE in first
    except OSError:
        return False


def _problem(path: Path) -> str:
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return "other"
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            return "other"
        if suffix in SUFFIXES:
            return ""
        with path.open("rb") as f:
            return "" if looks_like_picture(f.read(16)) else "other"
    except OSError as e:
        if suffix not in SUFFIXES:
            return "other"
        return "link to nothing" if path.is_symlink() else e.strerror or str(e)


def _why_not(name: str, path: Path) -> str:
    if is_run(path):
        return "a run of infogan"
    if name.rpartition("/")[2].startswith("."):
        return "hidden file"
    return "not an image"


def _labels(names: list[str]) -> tuple[list[int], tuple[str, ...]]:
    """Each name's topmost folder as a number, where these can be classes."""
    tops = [name.partition("/")[0] if "/" in name else "" for name in names]
    classes = sorted(set(tops))
    if "" in classes or not 2 <= len(classes) <= MOST_CLASSES:
        return [], ()
    if {top.lower() for top in classes} <= PARTS:
        return [], ()
    number = {top: k for k, top in enumerate(classes)}
    return [number[top] for top in tops], tuple(classes)
