"""Which reader a source is for: its own name, or the kind of place that it is."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from infogan.config import is_place
from infogan.data.array import Header, headers
from infogan.data.folder import is_run
from infogan.data.parquet import columns, is_parquet
from infogan.data.shards import is_tar
from infogan.errors import InfoganError
from infogan.pictures import SUFFIXES

DSPRITES = {"imgs", "latents_classes"}
LOOKED_AT = 2000  # files of a folder that decide what it is a folder of


def kind_of(source: str, names: list[str]) -> str:
    """The entry of SOURCES that reads it.

    Args:
        source: A built-in name, or a place.
        names: Those of the entries.

    Raises:
        InfoganError: there is no such name, nothing at that place, or nothing that can be read.
    """
    if not is_place(source) or (source in names and source not in PLACES):
        if source in PLACES or source not in names:
            raise InfoganError(_unknown(source, names))
        return source
    if source.startswith("hf:"):
        return "hub"
    path = Path(source)
    try:
        found = path.exists()
    except OSError as e:  # a name that is too long
        raise InfoganError(f"cannot read {source[:80]}: {e.strerror}") from None
    if not found:
        raise InfoganError(f"cannot read {source}: no such file or folder; check the path")
    return _folder(path) if path.is_dir() else _file(path)


PLACES = ("folder", "array", "parquet", "shards", "hub", "vectors", "shapes3d", "dsprites")


def _folder(path: Path) -> str:
    """Images, shards or tables: of what it holds most bytes among the first files."""
    bytes_of = {"folder": 0, "shards": 0, "parquet": 0}
    for file in islice(_files(path), LOOKED_AT):
        try:
            size = file.stat().st_size
        except OSError:
            continue
        if file.suffix.lower() in SUFFIXES:
            bytes_of["folder"] += size
        elif is_tar(file):
            bytes_of["shards"] += size
        elif is_parquet(file):
            bytes_of["parquet"] += size
    return max(bytes_of, key=lambda kind: bytes_of[kind])  # a tie, as of nothing: a folder


def _files(folder: Path) -> Iterator[Path]:
    """All but what is hidden, or of a run of infogan."""
    try:
        paths = [*folder.iterdir()]
    except OSError:  # `open_folder` says so
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and not path.is_symlink() and not is_run(path):
            yield from _files(path)


def _file(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        held = headers(path)
        return "dsprites" if set(held) >= DSPRITES else "vectors" if _is_vectors(held) else "array"
    if is_parquet(path):
        return "parquet" if columns(path)[0] else "vectors"
    if is_tar(path):
        return "shards"
    kinds = {".h5": "shapes3d", ".hdf5": "shapes3d", ".csv": "vectors"}
    kinds |= dict.fromkeys(SUFFIXES, "folder")
    if suffix not in kinds:
        raise InfoganError(
            f"{path} is no source: expected a folder of images, an image, .npy, .npz, .parquet, "
            ".csv, .tar or .h5" + "; unpack it first" * (suffix in (".zip", ".7z", ".rar", ".gz"))
        )
    return kinds[suffix]


def _is_vectors(held: dict[str, Header]) -> bool:
    """Whether there are rows or columns of numbers, and no images beside them."""
    rows = any(len(h.shape) in (1, 2) and h.dtype.kind in "iufb" for h in held.values())
    return rows and not any(h.is_images for h in held.values())


def _unknown(source: str, names: list[str]) -> str:
    from infogan.registry import unknown

    built_in = [name for name in names if name not in PLACES]
    return f"{unknown('data source', source, built_in)}; or a folder, a file, or hf:OWNER/NAME"
