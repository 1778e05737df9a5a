"""From captures to tables of targets, and from a list of sites to a targets file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from levelworks.core.outcome import NothingToProduce, Outcome, Status
from levelworks.core.record import status_of
from levelworks.xco2.capture_files import CutGranule, read_captures
from levelworks.xco2.captures import Capture, Dropped
from levelworks.xco2.options import MakeTargets, TabulateTargets
from levelworks.xco2.target_inference import infer_target
from levelworks.xco2.target_rows import CaptureRow, ExcludedRow
from levelworks.xco2.target_rows import tabulate as rows_of
from levelworks.xco2.target_tables import write_tables
from levelworks.xco2.target_tools import read_centres, targets_from_centres
from levelworks.xco2.targets import Target, read_targets, write_targets

INFERRED_COLUMNS = ("Granule", "Region Start Index", "Mode", "Target ID", "Inferred Target ID")
Row = TypeVar("Row", CaptureRow, ExcludedRow)


def tabulate(captures: list[Path], targets_file: Path, folder: Path, options: TabulateTargets) -> Outcome:
    """Tabulate the captures of many granules; quarantined ones are passed over."""
    targets = read_targets(targets_file)
    rows: list[CaptureRow] = []
    excluded: list[ExcludedRow] = []
    inferred: list[tuple[str, ...]] = []
    passed_over = []
    for path in sorted(captures, key=lambda path: (path.name, path)):
        if status_of(path) is Status.QUARANTINED:
            passed_over.append(path.name)
            continue
        cut = read_captures(path)
        used = [cut.usable[capture.indices] for capture in cut.captures]
        found, left_out = rows_of(cut.granule, cut.captures, cut.dropped, targets, used)
        rows += [_in_file(one, cut.positions) for one in found]
        excluded += [_in_file(one, cut.positions) for one in left_out]
        inferred += _inferred(cut, targets, options)
    folder.mkdir()
    write_tables(rows, excluded, targets, folder)
    if options.inference != "none":
        text = "".join(f"{','.join(row)}\n" for row in (INFERRED_COLUMNS, *inferred))
        (folder / "inferred.csv").write_text(text, encoding="utf-8")
    quality = {"captures": len(rows), "excluded": len(excluded), "granules": len(captures) - len(passed_over)}
    return Outcome(
        quality=quality, warnings=tuple(f"{name} is quarantined and not in the tables" for name in passed_over)
    )


def _inferred(cut: CutGranule, targets: Mapping[str, Target], options: TabulateTargets) -> list[tuple[str, ...]]:
    """Return rows of what each run of soundings seems to be of; targets are empty where there is none."""
    rows: list[tuple[str, ...]] = []
    runs: list[Capture | Dropped] = [*cut.captures, *cut.dropped]
    for one in runs:
        if options.inference == "none":
            break
        found = infer_target(cut.granule, one.indices, targets, options.inference, options.outlier)
        first = str(int(cut.positions[one.indices[0]]))
        rows.append((cut.granule.path_name, first, one.mode, one.target_id, found.id if found else ""))
    return rows


def _in_file(row: Row, positions: np.ndarray) -> Row:
    """Return a row whose first and last sounding are positions in the granule."""
    return replace(row, start=int(positions[row.start]), stop=int(positions[row.stop - 1]) + 1)


def make_targets(centres: Path, targets: Path, options: MakeTargets) -> Outcome:
    """Make targets whose boxes lie about the centres of a list.

    Raises
    ------
    NothingToProduce
        Where the list has no site.
    """
    sites = read_centres(centres)
    if not sites:
        raise NothingToProduce(f"{centres.name} lists no site")
    write_targets(targets_from_centres(sites, options.offset, options.unit), targets)
    return Outcome(quality={"targets": len(sites)})
