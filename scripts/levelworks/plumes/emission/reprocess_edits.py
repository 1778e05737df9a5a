"""What people say of plumes: which to keep, what they are, and which wind to take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.plumes.emission.emission_table import SOURCES, read_rows
from levelworks.plumes.emission.quantify_options import SECTORS

PLUME_ID = re.compile(r"[a-z]+-(?P<time>\d{8}t\d{6})-\S+")
TRUE, FALSE = ("yes", "true", "1", "keep", "kept"), ("no", "false", "0", "reject", "rejected")


@dataclass(frozen=True)
class Edit:
    """What is said of one plume; None where nothing is."""

    keep: bool = True
    name: str | None = None
    ipcc_sector: str | None = None
    wind_source: str | None = None
    wind_speed_manual: float | None = None
    pressure_manual: float | None = None


def read_edits(path: Path, known: Mapping[str, object], scene: str = "") -> dict[str, Edit]:
    """Read edits by plume from CSV: ``plume_id`` and any of keep, reject, name, ipcc_sector, wind_source, ….

    One table serves a whole campaign: plumes of other scenes are passed over.

    Parameters
    ----------
    known : mapping
        Plumes of the scene by their ids.
    scene : str
        When the scene was seen, as in the ids of its plumes, e.g. 20230601t093706; empty where that is unknown.

    Raises
    ------
    InvalidReference
        Where it names a plume that the scene doesn't have, what is no plume's id, a column that is none, or a value
        that is not allowed.
    """
    try:
        rows = read_rows(path, ["plume_id"])
    except InvalidInput as error:
        raise InvalidReference(str(error)) from None
    found = {}
    for line, row in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        unknown = sorted(set(row) - COLUMNS)
        if unknown:
            raise InvalidReference(f"{where}: no column {', '.join(unknown)}; there are {', '.join(sorted(COLUMNS))}")
        plume = row["plume_id"]
        seen = PLUME_ID.fullmatch(plume)
        if seen is None:
            raise InvalidReference(f"{where}: {plume!r} is no plume's id, such as emi-20230601t093706-plume0")
        if plume not in known:
            if seen["time"] != scene:
                continue
            raise InvalidReference(f"{where}: there is no plume {plume!r}; there are {', '.join(known) or 'none'}")
        if row.get("ipcc_sector") and row["ipcc_sector"] not in SECTORS:
            raise InvalidReference(f"{where}: {row['ipcc_sector']!r} is no sector; there are {', '.join(SECTORS[1:])}")
        if row.get("wind_source") and row["wind_source"] not in SOURCES:
            raise InvalidReference(f"{where}: {row['wind_source']!r} is no wind source; there are {', '.join(SOURCES)}")
        found[plume] = Edit(
            _switch(row, "keep", where, default=True) and not _switch(row, "reject", where, default=False),
            row.get("name") or None,
            row.get("ipcc_sector") or None,
            row.get("wind_source") or None,
            _number(row, "wind_speed_manual", where, 0.0),
            _number(row, "pressure_manual", where, 10000.0),
        )
    return found


COLUMNS = {
    "plume_id",
    "keep",
    "reject",
    "name",
    "ipcc_sector",
    "wind_source",
    "wind_speed_manual",
    "pressure_manual",
}


def _switch(row: Mapping[str, str], name: str, where: str, *, default: bool) -> bool:
    text = row.get(name, "").lower()
    if text in TRUE or text in FALSE:
        return text in TRUE
    if text:
        raise InvalidReference(f"{where}: {name} is {text!r}, neither yes nor no")
    return default


def _number(row: Mapping[str, str], name: str, where: str, least: float) -> float | None:
    text = row.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise InvalidReference(f"{where}: {name} is {text!r}, no number") from None
    if not least <= value < float("inf"):
        raise InvalidReference(f"{where}: {name} is {text}, it must be at least {least:g}")
    return value
