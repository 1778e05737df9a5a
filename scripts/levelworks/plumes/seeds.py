"""Seeds of random draws that depend on what is drawn for alone."""

from __future__ import annotations

import hashlib


def seed_of(identifier: str) -> int:
    """Return a seed that depends on an id alone."""
    return int.from_bytes(hashlib.sha256(identifier.encode()).digest()[:8], "big")
