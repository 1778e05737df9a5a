"""The table of plumes: HyperGas' columns in their order, then this line's own; the same bytes for the same numbers.

Source: specs/plumes.md 1.14, 6.10. Rates in kg h-1, winds in m s-1, directions that winds come from in degrees, masses
in kg, lengths in m, pressures in Pa.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidInput

HYPERGAS_COLUMNS = (
    "plume_id",
    "plume_latitude",
    "plume_longitude",
    "datetime",
    "country",
    "state",
    "city",
    "name",
    "ipcc_sector",
    "gas",
    "plume_bounds",
    "instrument",
    "platform",
    "provider",
    "emission",
    "emission_uncertainty",
    "emission_uncertainty_random",
    "emission_uncertainty_wind",
    "emission_uncertainty_calibration",
    "emission_cm",
    "emission_fetch",
    "emission_fetch_uncertainty",
    "emission_fetch_uncertainty_ime",
    "emission_fetch_uncertainty_wind",
    "emission_csf",
    "emission_csf_uncertainty",
    "emission_csf_uncertainty_random",
    "emission_csf_uncertainty_wind",
    "emission_csf_uncertainty_calibration",
    "surface_pressure",
    "wind_source",
    "wind_speed",
    "wind_direction",
    "ime",
    "l_ime",
    "ueff_ime",
    "leff_ime",
    "ime_cm",
    "l_cm",
    "ueff_csf",
    "n_csf",
    "l_csf",
    "alpha1",
    "alpha2",
    "alpha3",
    "beta1",
    "beta2",
    "wind_speed_all",
    "wind_direction_all",
    "wind_source_all",
    "azimuth_diff_max",
    "dist_max",
    "land_only",
    "land_mask_source",
    "version",
)
SOURCES = {"ERA5": "era5", "GEOS-FP": "geos_fp", "manual": "manual"}
"""Of winds, and how columns name them."""
TABLE_METHODS = ("ime", "csf", "fetch", "cm")
OWN_COLUMNS = (
    "scene",
    "emission_p5",
    "emission_p50",
    "emission_p95",
    "emission_csf_p5",
    "emission_csf_p50",
    "emission_csf_p95",
    "emission_uncertainty_noise",
    "emission_uncertainty_sources",
    "emission_csf_spread",
    "emission_cm_uncertainty",
    "ime_uncertainty",
    "background_places",
    "pixels",
    "area",
    "touches_edge",
    "ueff_table",
    "ueff_kind",
    *(f"wind_{part}_{source}" for source in SOURCES.values() for part in ("speed", "direction")),
    *(f"emission_{method}_{source}" for method in TABLE_METHODS for source in SOURCES.values()),
    "source_confidence",
    "fp_score",
    "fp_reasons",
    "signal_to_noise",
    "status",
    "compat",
    "notes",
)
COLUMNS = HYPERGAS_COLUMNS + OWN_COLUMNS
DIGITS = 6
"""Significant ones of numbers."""
DEGREE_COLUMNS = ("plume_latitude", "plume_longitude")
DECIMALS_OF_DEGREES = 6

Row = Mapping[str, Any]


def format_cell(name: str, value: Any) -> str:
    """Return a value as the table has it: 6 significant digits, empty where it is not a number or not known."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        if name in DEGREE_COLUMNS:
            return f"{value:.{DECIMALS_OF_DEGREES}f}"
        return f"{value + 0.0:.{DIGITS}g}"
    if isinstance(value, list | tuple):
        if all(isinstance(one, str) for one in value):
            return json.dumps(list(value))
        precise = name == "plume_bounds"
        texts = ["NaN" if not math.isfinite(one) else f"{one:.6f}" if precise else f"{one:.{DIGITS}g}" for one in value]
        return f"[{', '.join(texts)}]"
    return str(value)


def table_text(rows: Iterable[Row]) -> str:
    """Return rows as CSV with all columns, headings first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([format_cell(name, row.get(name)) for name in COLUMNS])
    return text.getvalue()


def write_table(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV."""
    path.write_text(table_text(rows), encoding="utf-8")


def read_rows(path: Path, required: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read a CSV file with headings.

    Raises
    ------
    InvalidInput
        Where it can't be read or lacks a required column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [{(key or "").strip(): (value or "").strip() for key, value in row.items() if key} for row in reader]
            names = [name.strip() for name in reader.fieldnames or ()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} can't be read as CSV ({error})") from None
    missing = [name for name in required if name not in names]
    if missing:
        raise InvalidInput(f"{path} has no column {', '.join(missing)}")
    return rows


def number(row: Mapping[str, str], name: str) -> float:
    """Return a cell as a number; not a number where it is empty or none."""
    try:
        return float(row.get(name) or "nan")
    except ValueError:
        return math.nan


def plain(row: Row) -> dict[str, Any]:
    """Return a row as JSON has it: numbers rounded as in the table, null where not known."""
    found: dict[str, Any] = {}
    for name in COLUMNS:
        value = row.get(name)
        if isinstance(value, float) and not isinstance(value, bool):
            text = format_cell(name, value)
            found[name] = float(text) if text else None
        elif isinstance(value, list | tuple) and not all(isinstance(one, str) for one in value):
            found[name] = [round(float(one), 6) if math.isfinite(one) else None for one in value]
        else:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found
