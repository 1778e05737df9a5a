"""What pictures and pages read of quantified plumes: the table, the outlines, and lists of places that people keep.

Columns are those of specs/plumes.md 1.14 and the project's own; a file that is absent gives nothing.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.plumes.drawing.picture_layers import FORMULAS
from levelworks.plumes.drawing.scene_summary import SummaryMarker, SummaryPlume, significant

TABLE, OUTLINES = "plumes.csv", "plumes.geojson"
LONGITUDES = ("plume_longitude", "longitude", "lon", "lng", "x")
LATITUDES = ("plume_latitude", "latitude", "lat", "y")
NAMES = ("plume_id", "name", "id", "label", "site")
MOST_MARKERS = 5000

Row = Mapping[str, str]


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file with a header.

    Raises
    ------
    InvalidInput
        Where it is no text in UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            return [{str(key).strip(): (value or "").strip() for key, value in row.items() if key} for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} can't be read as CSV in UTF-8 ({error})") from None


def number(row: Row, *names: str) -> float:
    """Return the first column of these names that holds a number; not a number without one."""
    for name in names:
        try:
            value = float(row.get(name) or "nan")
        except ValueError:
            continue
        if math.isfinite(value):
            return value
    return math.nan


def plume_number(row: Row) -> int | None:
    """Return the number at the end of a plume's id (``…-plumeN``); None without one."""
    found = re.search(r"plume_?(\d+)$", row.get("plume_id", ""))
    return int(found.group(1)) if found else None


def tonnes(row: Row, rate: str = "emission") -> str:
    """Write an emission rate with its standard uncertainty in t/h; empty where the row has none."""
    value, sigma = number(row, rate) / 1000, number(row, f"{rate}_uncertainty") / 1000
    if not math.isfinite(value):
        return ""
    if not math.isfinite(sigma):
        return f"{significant(value)} t/h"
    return f"{significant(value)} ± {significant(sigma, 2)} t/h"


def read_plumes(folder: Path) -> list[SummaryPlume]:
    """Return the plumes of a folder of `quantify` with outlines, sources and what people ask first.

    Raises
    ------
    InvalidInput
        Where the table or the outlines can't be read.
    """
    rows = read_table(folder / TABLE) if (folder / TABLE).is_file() else []
    features = read_features(folder / OUTLINES) if (folder / OUTLINES).is_file() else []
    taken: set[int] = set()
    plumes = []
    for row in rows:
        mine = [place for place, feature in enumerate(features) if _belongs(feature, row)]
        taken.update(mine)
        plumes.append(_summary(row, [features[place] for place in mine]))
    for place, feature in enumerate(features):
        if place not in taken and feature["geometry"]["type"] in ("Polygon", "MultiPolygon"):
            plumes.append(_summary(_as_row(feature), [feature]))
    return plumes


def read_features(path: Path) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON file that have a geometry.

    Raises
    ------
    InvalidInput
        Where it is no feature collection.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["features"]
        return [one for one in found if isinstance(one.get("geometry"), dict)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{path} is no GeoJSON feature collection ({error})") from None


def _as_row(feature: Mapping[str, Any]) -> dict[str, str]:
    properties = feature.get("properties") or {}
    row = {str(key): "" if value is None else str(value) for key, value in properties.items()}
    if not row.get("plume_id"):
        row["plume_id"] = next((row[name] for name in (*NAMES, "plume", "label") if row.get(name)), "plume")
    return row


def _belongs(feature: Mapping[str, Any], row: Row) -> bool:
    return bool(row.get("plume_id")) and (feature.get("properties") or {}).get("plume_id") == row["plume_id"]


def _summary(row: Row, features: Sequence[Mapping[str, Any]]) -> SummaryPlume:
    place = _place(row)
    rings: list[list[list[list[float]]]] = []
    for feature in features:
        geometry = feature["geometry"]
        polygons = {"Polygon": [geometry.get("coordinates")], "MultiPolygon": geometry.get("coordinates")}
        rings += [
            [[[round(y, 6), round(x, 6)] for x, y, *_ in ring] for ring in polygon]
            for polygon in polygons.get(geometry["type"], [])
        ]
    rate = number(row, "emission") / 1000
    label = row.get("plume_id") or "plume"
    text = tonnes(row)
    return SummaryPlume(
        f"{label}: {text}" if text else label,
        row.get("gas", "").lower(),
        place,
        rings,
        _facts(row),
        rate if math.isfinite(rate) else None,
    )


def _place(row: Row) -> list[float] | None:
    lowered = {key.lower(): value for key, value in row.items()}
    latitude, longitude = number(lowered, *LATITUDES), number(lowered, *LONGITUDES)
    if not (math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 360):
        return None
    return [latitude, longitude]


def _facts(row: Row) -> list[list[str]]:
    """Return what the popup of a plume says: names and values, without those that are not known."""
    gas = row.get("gas", "").lower()
    facts = [
        ["plume", row.get("plume_id", "")],
        ["gas", FORMULAS.get(gas, gas)],
        ["time", row.get("datetime", "")],
        ["rate (IME)", tonnes(row)],
        ["rate (CSF)", tonnes(row, "emission_csf")],
        ["rate (IME fetch)", tonnes(row, "emission_fetch")],
        ["5th to 95th percentile", _range(row)],
        ["wind", _wind(row)],
        ["signal to noise", _figure(row, "signal_to_noise", "snr", "peak_snr")],
        ["false-positive score", _figure(row, "false_positive_score", "fp_score")],
        ["why it may be false", _listed(row.get("fp_reasons", ""))],
        ["confidence of the source", _figure(row, "source_confidence")],
        ["IME", _with_unit(row, "ime", "kg")],
        ["effective length", _with_unit(row, "leff_ime", "m")],
        ["sector", row.get("ipcc_sector", "")],
        [
            "place",
            ", ".join(one for one in (row.get(name, "") for name in ("name", "city", "state", "country")) if one),
        ],
    ]
    return [fact for fact in facts if fact[1]]


def _listed(text: str) -> str:
    """Write a JSON list of texts as people do; another text as it is."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return ", ".join(str(one) for one in found) if isinstance(found, list) else text


def _figure(row: Row, *names: str) -> str:
    value = number(row, *names)
    return significant(value) if math.isfinite(value) else ""


def _with_unit(row: Row, name: str, unit: str) -> str:
    text = _figure(row, name)
    return f"{text} {unit}" if text else ""


def _range(row: Row) -> str:
    low, high = (number(row, f"emission_{one}", one) / 1000 for one in ("p5", "p95"))
    return f"{significant(low)} to {significant(high)} t/h" if math.isfinite(low) and math.isfinite(high) else ""


def _wind(row: Row) -> str:
    speed, direction = number(row, "wind_speed"), number(row, "wind_direction")
    if not math.isfinite(speed):
        return ""
    text = f"{significant(speed, 2)} m/s"
    if math.isfinite(direction):
        text += f" from {direction:.0f}°"
    return f"{text} ({row['wind_source']})" if row.get("wind_source") else text


def read_markers(path: Path) -> list[SummaryMarker]:
    """Return the places of a CSV file with columns of latitude and longitude, each with all its other columns.

    Raises
    ------
    InvalidReference
        Where it has no such columns, or more rows than a page carries.
    """
    try:
        rows = read_table(path)
    except InvalidInput as error:
        raise InvalidReference(str(error)) from None
    if not rows:
        return []
    known = {key.lower() for key in rows[0]}
    if not (known & set(LATITUDES) and known & set(LONGITUDES)):
        raise InvalidReference(f"{path} has no columns latitude and longitude (or plume_latitude and plume_longitude)")
    if len(rows) > MOST_MARKERS:
        raise InvalidReference(f"{path} has {len(rows)} rows; a page carries {MOST_MARKERS} markers")
    markers = []
    for line, row in enumerate(rows, start=1):
        place = _place(row)
        if place is not None:
            lowered = {key.lower(): value for key, value in row.items()}
            label = next((lowered[name] for name in NAMES if lowered.get(name)), f"row {line}")
            markers.append(SummaryMarker(label, place, [[key, value] for key, value in row.items() if value]))
    return markers
