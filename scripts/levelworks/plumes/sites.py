"""Sites that people know, from a table of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.plumes.emission.emission_table import number, read_rows


@dataclass(frozen=True)
class NamedSite:
    """A place that people know: name, longitude, latitude (degrees)."""

    name: str
    longitude: float
    latitude: float


def read_sites(path: Path) -> list[NamedSite]:
    """Read named sites from a CSV table with the columns name, latitude and longitude.

    Raises
    ------
    InvalidReference
        Where a column or a number is missing, or a number is out of range.
    """
    try:
        rows = read_rows(path, ["name", "latitude", "longitude"])
    except InvalidInput as error:
        raise InvalidReference(str(error)) from None
    found = []
    for line, row in enumerate(rows, start=2):
        longitude, latitude = number(row, "longitude"), number(row, "latitude")
        if not (abs(latitude) <= 90 and abs(longitude) <= 360):
            raise InvalidReference(f"{path}, line {line}: {row['name']!r} has no valid latitude and longitude")
        found.append(NamedSite(row["name"], longitude, latitude))
    return found
