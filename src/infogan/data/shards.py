"""Tar shards of images, as webdataset and img2dataset write them."""

import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from infogan.data.place import File, Place
from infogan.errors import InfoganError
from infogan.pictures import SUFFIXES, Item, Refusal

TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Shards(Place):
    """See `open_shards`."""

    archives: list[Path] = field(default_factory=list, repr=False)

    def items(self, start: int = 0) -> Iterator[Item]:
        number = 0
        for archive in self.archives:
            for name, member, tar in _members(archive):
                number += 1
                if number <= start:
                    continue
                if isinstance(member, str):
                    yield Item(name, Refusal(member))
                    continue
                try:
                    file = tar.extractfile(member)
                    assert file
                    content = file.read()
                    whole = len(content) == member.size
                    cut = Refusal("truncated: its archive ends before it")
                    yield Item(name, content if whole else cut)
                except (tarfile.TarError, OSError, EOFError) as e:
                    yield Item(name, Refusal(f"damaged archive: {e}"))


def open_shards(source: str) -> Shards:
    """The images in a tar file, or in all tar files of a folder, read one after another.

    Members with other suffixes, such as the .json and .txt beside each image, are passed over.

    Raises:
        InfoganError: there is none.
    """
    root = Path(source)
    archives = [root] if root.is_file() else sorted(p for p in root.rglob("*") if is_tar(p))
    if not archives:
        raise InfoganError(f"{source} holds no tar file; expected .tar files of images")
    files = [File.at(a) for a in archives]
    title = root.resolve().name.partition(".")[0] or source
    others: Counter[str] = Counter()
    for archive in archives[:1]:  # reading all of them twice would take as long as packing
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    suffix = PurePosixPath(member.name).suffix.lower()
                    others[suffix] += member.isreg() and suffix not in SUFFIXES
        except (tarfile.TarError, OSError, EOFError):
            continue  # `items` says so
    beside = [(f"*{s}", f"{n:,} of them in the first shard") for s, n in others.items() if n]
    return Shards(source, title, files, None, beside, (), archives)


def is_tar(path: Path) -> bool:
    return path.name.lower().endswith(TAR) and not path.name.startswith(".")


def _members(
    archive: Path,
) -> Iterator[tuple[str, tarfile.TarInfo | str, tarfile.TarFile]]:
    """(name, member, archive) of each image; where the archive ends too soon, (name, reason, …)."""
    tar = None
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                tar.members = []  # type: ignore[attr-defined]  # it would keep all of them, a kilobyte each
                path = PurePosixPath(member.name)
                hidden = path.name.startswith(".")
                if member.isreg() and path.suffix.lower() in SUFFIXES and not hidden:
                    yield f"{archive.name}/{member.name}", member, tar
    except (tarfile.TarError, OSError, EOFError) as e:
        yield archive.name, f"truncated or damaged archive: {e}", tar  # type: ignore[misc]
