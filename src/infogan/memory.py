"""What the process has freed stays with it, until work of another kind begins."""

import ctypes
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # <malloc.h>
KEPT = 256 << 20  # bytes at the end of the heap that stay: what a step of wide nets frees
LARGE = 32 << 20  # bytes from which memory is the system's own business; glibc takes no more


def _libc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None


@cache
def keep() -> bool:
    """Ask glibc not to give back what the next step or batch will want again.

    Each page that went back is faulted in anew, 4 µs for 4 KB on a virtual machine: 2,600 to 12,600
    of them a step of the paper's nets. All threads share one heap: else each of those that read all
    images now and then may get its own, up to eight for each core, which keep what they were given.
    Elsewhere than with glibc nothing is asked.

    Returns:
        Whether it will.
    """
    libc = _libc()
    if libc is None:  # musl, macOS, Windows
        return False
    asked = {MMAP_THRESHOLD: LARGE, TRIM_THRESHOLD: KEPT, ARENA_MAX: 1}
    return all(libc.mallopt(what, value) for what, value in asked.items())


def give_back() -> bool:
    """Give all free memory back to the system, where glibc holds it: what follows wants other
    sizes, and finds little of use in what is there.

    Returns:
        Whether any went back.
    """
    libc = _libc()
    return libc is not None and bool(libc.malloc_trim(ctypes.c_size_t(0)))
