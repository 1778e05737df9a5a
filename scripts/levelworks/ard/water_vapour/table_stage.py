"""The stage `build-water-vapour-table`: tables by day and their climatology from a reanalysis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from levelworks.ard.water_vapour.reanalysis import build_tables
from levelworks.ard.water_vapour.tables import read_coordinates, wrs2_centres
from levelworks.core.outcome import Outcome


def build_water_vapour_table(reanalysis: Sequence[Path], points: Path | None, *, tables: Path) -> Outcome:
    """Write the tables of all days that files of a reanalysis cover.

    Parameters
    ----------
    points : Path or None
        Lines of longitude and latitude; the centres of WRS-2 without one.
    tables : Path
        Folder that is written.

    Raises
    ------
    InvalidReference
        Where a file can't be used.
    """
    coordinates = wrs2_centres() if points is None else read_coordinates(points)
    tables.mkdir()
    written = build_tables(sorted(reanalysis), coordinates, tables)
    return Outcome(quality={"tables": len(written), "places": len(coordinates)})


def write_empty_tables(path: Path, outcome: Outcome) -> None:
    """Write a folder whose note says why there are no tables."""
    path.mkdir()
    (path / "README.txt").write_text(f"{outcome.status.value}: {outcome.reason}\n", encoding="utf-8")
