"""Removes what jobs have made of granules that are put aside or released, so that the next run makes it again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

from levelworks.campaign.standing import FINISHED, Cell
from levelworks.core.atomic import remove
from levelworks.core.check import number_of
from levelworks.core.quarantine import put_aside
from levelworks.core.record import record_path
from levelworks.core.status import OUTCOMES


def remove_products_of(cells: Iterable[Cell], granules: Sequence[str], folder: Path, results: Path) -> list[Cell]:
    """Remove the products, with their records, of jobs that read these Level-1 granules; returns those jobs.

    The tables of outcomes of their lines go too. They need a product of every granule: Snakemake would not miss one
    that no target names, where all that was made of it stands. What was made of it in turn is made again after it.

    Parameters
    ----------
    folder, results : Path
        Working folder of the campaign, and in it the folder of products.
    """
    reasons = dict.fromkeys(granules, "asked")
    records = ((cell, _read(folder / cell.record)) for cell in cells if cell.record)
    # All are found before any is removed: a product whose record is gone would pass for Level 1.
    found = [
        (cell, record) for cell, record in records if any(put_aside(folder / path, reasons) for path in _inputs(record))
    ]
    for cell, record in found:
        for output in record.get("outputs", {}).values():
            product = folder / output["path"]
            remove(product)
            remove(record_path(product))
        remove(folder / cell.record)
    for line in {cell.line for cell, _ in found}:
        remove(folder / results / line / OUTCOMES)
    return [cell for cell, _ in found]


def unknown_granules(cells: Sequence[Cell], granules: Sequence[str], folder: Path) -> list[str]:
    """Return the names that no input of a job has had so far, and no granule that is still to be worked on."""
    missing = list(granules)
    for cell in cells:
        if not missing:
            break
        if cell.record:
            inputs = list(_inputs(_read(folder / cell.record)))
            known = [name for name in missing if any(put_aside(folder / path, {name: ""}) for path in inputs)]
        else:
            stems = {part.split(".")[0] for part in PurePath(cell.granule).parts}
            known = [name for name in missing if name.split(".")[0] in stems]
        missing = [name for name in missing if name not in known]
    return missing


def unknown_words(cells: Sequence[Cell], unknown: Sequence[str]) -> str:
    """Say that no granule has these names, and what may still be the case."""
    open_jobs = sum(cell.state not in FINISHED for cell in cells)
    if not cells:
        since = "; nothing has run here yet that would tell"
    else:
        since = f"; {number_of(open_jobs, 'job')} to come may read it" if open_jobs else ""
    return (
        f"{', '.join(unknown)}: no granule of this campaign is named so{since}. It stays put aside, should it"
        " be to come; --release takes it back"
    )


def _inputs(content: dict[str, Any]) -> Iterator[Path]:
    """Yield the inputs that a record names."""
    return (Path(entry["path"]) for group in content.get("inputs", {}).values() for entry in group)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
