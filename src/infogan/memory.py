"""What the process has freed stays with it."""

import ctypes
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # <malloc.h>
KEPT = 256 << 20  # bytes at the end of the heap that stay: what a step of wide nets frees
LARGE = 32 << 20  # bytes from which memory is the system's own business; glibc takes no more


@cache
def keep() -> bool:
    """Ask glibc not to give back what the next step or batch will want again.

    Each page that went back is faulted in anew, 4 µs for 4 KB on a virtual machine: 2,600 to 12,600
    of them a step of the paper's nets. Elsewhere than with glibc nothing is asked.

    Returns:
        Whether it will.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # musl, macOS, Windows
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGE)) and bool(mallopt(TRIM_THRESHOLD, KEPT))
