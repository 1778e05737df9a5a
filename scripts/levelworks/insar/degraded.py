"""What records say of products that were written, but are worse than they should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from levelworks.core.record import read_record


def is_degraded(record: Mapping[str, Any]) -> bool:
    """Return whether a record's state is another than ``done``; of a stage that has no states, whether it warns."""
    state = (record.get("quality") or {}).get("state")
    return state != "done" if state else bool(record.get("warnings"))


def degraded_reasons(products: Iterable[Path]) -> list[str]:
    """Return a sentence for each product whose record says that it is degraded: the stage, and what it says."""
    records = [record for record in map(read_record, products) if record]
    return [f"{one['stage']}: {'; '.join(map(str, one['warnings']))}" for one in records if is_degraded(one)]
