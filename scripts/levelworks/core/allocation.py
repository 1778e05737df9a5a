"""Memory that a process keeps for its next image.

Large arrays otherwise go back to the kernel when they are freed, and every new one is paged in and cleared again:
half of the CPU time of a stage that touches each pixel a few times.
"""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
KEEP_BELOW = 32 << 20


def keep_freed_memory() -> None:
    """Let the C library keep freed blocks of up to 32 MB in the process; without effect where it isn't glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(M_MMAP_THRESHOLD, KEEP_BELOW)
    mallopt(M_TRIM_THRESHOLD, 8 * KEEP_BELOW)
