"""Where packed sets are kept: `INFOGAN_CACHE`, or ~/.cache/infogan."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from infogan.errors import InfoganError

PACKS, LOCKS = "packs", "locks"


def root() -> Path:
    """The cache's folder; it may not exist yet."""
    return Path(os.environ.get("INFOGAN_CACHE") or Path.home() / ".cache" / "infogan")


def packs() -> list[Path]:
    """The folders of packed sets, whole or begun."""
    folder = root() / PACKS
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def lock(key: str) -> BaseFileLock:
    """The lock of one pack. The operating system frees it when its owner dies. It lies outside of
    the pack, so that the pack can be removed while others wait for it."""
    folder = root() / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / key)


def size(folder: Path | None = None) -> int:
    """Bytes on the disk, of all or of one folder."""
    total = 0
    for file in (folder or root()).rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:  # another process has just removed it
            continue
    return total


def clear() -> tuple[int, int]:
    """Remove every pack but those that a process is making: (bytes that were freed, packs left)."""
    freed = left = 0
    for folder in packs():
        freed += remove(folder)
        left += folder.exists()
    return freed, left


def remove(folder: Path) -> int:
    """Remove a pack unless a process is making it; the bytes that were freed."""
    try:
        with writing(), lock(folder.name).acquire(timeout=0):
            freed = size(folder)
            shutil.rmtree(folder, ignore_errors=True)
            return freed
    except Timeout:
        return 0


@contextmanager
def writing(needed: int = 0) -> Iterator[None]:
    """Turn a failure of the disk into one line.

    Args:
        needed: Bytes, for the message.

    Raises:
        InfoganError: the disk is full, or refuses.
    """
    try:
        yield
    except OSError as e:
        need = f" ({in_bytes(needed)} are needed)" if needed else ""
        raise InfoganError(
            f"cannot write the cache {root()}: {e.strerror or e}{need}; free some space, empty it "
            "with infogan data --clear, or set INFOGAN_CACHE to another folder"
        ) from None


def in_bytes(n: float) -> str:
    """1234567 → '1.2 MB'."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "bytes" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} TB"
