"""Removes what jobs have made of granules that are put aside or released, so that the next run makes it again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from levelworks.campaign.standing import Cell
from levelworks.core.atomic import remove
from levelworks.core.quarantine import put_aside
from levelworks.core.record import record_path


def remove_products_of(cells: Iterable[Cell], granules: Sequence[str], folder: Path) -> list[Cell]:
    """Remove the products, with their records, of jobs that read these Level-1 granules; returns those jobs.

    What was made of their products in turn is older then, and made again too.
    """
    reasons = dict.fromkeys(granules, "asked")
    removed = []
    for cell in cells:
        if not cell.record:
            continue
        content = _read(folder / cell.record)
        inputs = (Path(entry["path"]) for group in content.get("inputs", {}).values() for entry in group)
        if not any(put_aside(folder / path, reasons) for path in inputs):
            continue
        for output in content.get("outputs", {}).values():
            product = folder / output["path"]
            remove(product)
            remove(record_path(product))
        remove(folder / cell.record)
        removed.append(cell)
    return removed


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
