"""One writer at a time: a lock on a file beside what is written, let go by the system when its process ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from levelworks.core.outcome import TransientError

SUFFIX = ".lock"
PATIENCE_S = 600.0
PAUSE_S = 0.05


def lock_path(product: Path) -> Path:
    """Return the file that is locked while a product is changed."""
    return product.with_name(f".{product.name}{SUFFIX}")


@contextmanager
def exclusive(paths: list[Path], patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the locks of products for as long as they are changed, in order of name so that no two wait for each other.

    Parameters
    ----------
    paths : list of Path
        Products; the lock of ``folder/name`` is the empty file ``folder/.name.lock``, which stays.
    patience_s : float
        How long another writer is waited for.

    Raises
    ------
    TransientError
        Where another writer holds a lock for longer.
    """
    with ExitStack() as held:
        for path in sorted(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = held.enter_context(lock_path(path).open("a"))
            deadline = time.monotonic() + patience_s
            while True:
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except (BlockingIOError, PermissionError):
                    if time.monotonic() > deadline:
                        raise TransientError(f"{path}: another job has been changing it for {patience_s:g} s") from None
                    time.sleep(PAUSE_S)
        yield
