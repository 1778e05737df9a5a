"""How a job ended, from the record beside its product, as a ledger keeps it."""

from __future__ import annotations

import json
import os
from typing import Any

from levelworks.core.jobs import peak_memory_of
from levelworks.core.outcome import Status
from levelworks.core.record import FORMAT

SUFFIX = ".json"


def read_outcome(product: str) -> dict[str, Any]:
    """Return outcome, reason, warnings and what the job took; `done` alone where its rule writes no record.

    Parameters
    ----------
    product : str
        The rule's first output: a product, or the record of a product that is a folder.
    """
    for path in (product + SUFFIX, product) if product.endswith(SUFFIX) else (product + SUFFIX,):
        found = read_record_row(path)
        if found is not None:
            return found
    return {"outcome": Status.DONE.value}


def read_record_row(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return what a ledger keeps of a record; None where there is none that can be read as one."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
            changed = os.fstat(file.fileno()).st_mtime_ns
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("levelworks_record") != FORMAT:
        return None
    try:
        return {
            "outcome": Status(content["outcome"]).value,
            "reason": str(content["reason"]),
            "warnings": len(content["warnings"]),
            "wall_s": float(content["wall_s"]),
            "cpu_s": float(content["cpu_s"]),
            "peak_memory_mb": peak_memory_of(content),
            "record": os.fspath(path),
            "record_ns": changed,
        }
    except (KeyError, TypeError, ValueError):
        return None
