"""A terminal that is lost: SIGHUP counts as SIGTERM, on which Snakemake hands over nothing more and ends in order."""

from __future__ import annotations

import signal
import threading
from types import FrameType


def take_hangup_for_termination() -> bool:
    """Have SIGHUP do what SIGTERM does; returns whether.

    Left alone where somebody ignores it, as nohup does, or takes it already, and outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGHUP) != signal.SIG_DFL:
        return False
    signal.signal(signal.SIGHUP, _terminate)
    return True


def _terminate(_number: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        # Snakemake's takes a lock that this thread may hold.
        threading.Thread(target=handler, args=(signal.SIGTERM, frame), name="hangup").start()
    else:
        signal.raise_signal(signal.SIGTERM)
