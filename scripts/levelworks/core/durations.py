"""Times as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Say a time as people read it: ``0.4 s``, ``3 min 12 s``, ``5 h 04 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
