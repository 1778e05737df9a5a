"""Tables of the box tools from many captures: captures, excluded ones, boxes, distances from centres, and counts.

Columns are those of OCO3-data-transformer's box tools, which can go on from them. A box across the antimeridian
has ``min_lon > max_lon``, and two polygons. Where the peer writes a workbook of four sheets, there are four files.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.atomic import atomic_outputs
from levelworks.xco2.captures import MODES
from levelworks.xco2.geography import Box
from levelworks.xco2.target_codes import TYPE_CODES, target_type
from levelworks.xco2.target_rows import METHODS, CaptureRow, ExcludedRow
from levelworks.xco2.target_tools import Distances, summarise, union_boxes
from levelworks.xco2.targets import Target

DEGREE_DECIMALS = 6
KM_DECIMALS = 3
TYPE_NAMES = {code: name for name, code in TYPE_CODES.items()}
OTHER_TYPES, ALL_TYPES = "other", "all"

BOX_COLUMNS = (*Box._fields, "Bounding Box WKT")
ROW_COLUMNS = (
    "Granule",
    "Target ID",
    "Target Name",
    "Region Start Index",
    "Region End Index",
    "Operation Mode",
)
COUNT_COLUMNS = (
    "Soundings",
    "Good Soundings",
    *(f"{which}Soundings {where} Bounds" for which in ("", "Good ") for where in ("in", "on", "out of")),
)
MODE_CODES: dict[str, int] = {name: int(code) for code, name in MODES.items()}


def captures_csv(rows: Iterable[CaptureRow]) -> str:
    """Return the table of captures, sorted by granule and first sounding; modes by the codes of LtCO2 files."""
    return _csv(
        (*ROW_COLUMNS, *BOX_COLUMNS, "Capture ID"),
        ((*_head(one), *_box_cells(one.box), one.capture_id) for one in _ordered(rows)),
    )


def excluded_csv(rows: Iterable[ExcludedRow]) -> str:
    """Return the table of what is in no capture, with the reason; box cells are empty where no footprint is known."""
    ordered = sorted(rows, key=lambda one: (one.granule, one.start, one.stop, one.mode))
    return _csv(
        (*ROW_COLUMNS, *BOX_COLUMNS, "Reason"), ((*_head(one), *_box_cells(one.box), one.reason) for one in ordered)
    )


def bounds_csv(rows: Iterable[CaptureRow]) -> str:
    """Return for each target the union of its captures' boxes, sorted by id."""
    return _csv(
        ("Target ID", "Target Name", "Captures", *BOX_COLUMNS),
        ((name, title, number, *_box_cells(box)) for name, title, number, box in _bounds(rows)),
    )


def bounds_geojson(rows: Iterable[CaptureRow]) -> dict[str, Any]:
    """Return what `bounds_csv` says as a GeoJSON FeatureCollection (RFC 7946), boxes cut at the antimeridian."""
    features = [
        {
            "type": "Feature",
            "id": name,
            "bbox": [_rounded(edge, DEGREE_DECIMALS) for edge in box],
            "geometry": box_geometry(box),
            "properties": {"target_id": name, "target_name": title, "type": _type_name(name), "captures": number},
        }
        for name, title, number, box in _bounds(rows)
    ]
    return {"type": "FeatureCollection", "features": features}


def _bounds(rows: Iterable[CaptureRow]) -> list[tuple[str, str, int, Box]]:
    by_target = _grouped(rows, lambda one: one.target_id)
    boxes = union_boxes((one.target_id, one.box) for found in by_target.values() for one in found)
    return [(name, by_target[name][0].target_name, len(by_target[name]), box) for name, box in boxes.items()]


def distance_statistics(rows: Iterable[CaptureRow]) -> dict[str, Any]:
    """Summarise how far soundings lie from the centres of their targets.

    Returns
    -------
    dict
        ``targets`` and ``types`` by name, and ``all``; in each by mode, by method (`distances_from_centre`) and by
        unit (``km``, ``degrees``) the figures of `summarise`, which are those of all soundings pooled.
    """
    ordered = _ordered(rows)
    return {
        "targets": {name: _pooled(found) for name, found in _grouped(ordered, lambda one: one.target_id).items()},
        "types": {
            name: _pooled(found) for name, found in _grouped(ordered, lambda one: _type_name(one.target_id)).items()
        },
        "all": _pooled(ordered),
    }


def _pooled(rows: Sequence[CaptureRow]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mode, ones in _grouped(rows, lambda one: one.mode).items():
        found[mode] = {}
        for method in METHODS:
            units = zip(Distances._fields, (KM_DECIMALS, DEGREE_DECIMALS), strict=True)
            found[mode][method] = {
                unit: {
                    name: _rounded(value, decimals) if name != "n" else value
                    for name, value in summarise(
                        np.concatenate([getattr(one.distances[method], unit) for one in ones])
                    ).items()
                }
                for unit, decimals in units
            }
    return found


def counts_by_capture_csv(rows: Iterable[CaptureRow]) -> str:
    """Return numbers of soundings inside, on and outside the target's box, a line for each capture."""
    return _csv((*ROW_COLUMNS, *COUNT_COLUMNS), ((*_head(one), *one.numbers) for one in _ordered(rows)))


def counts_by_target_csv(rows: Iterable[CaptureRow]) -> str:
    """Return numbers of soundings inside, on and outside, summed for each target, sorted by id."""
    by_target = _grouped(rows, lambda one: one.target_id)
    return _csv(
        ("Target ID", "Target Name", *COUNT_COLUMNS),
        ((name, found[0].target_name, *_totals(found)) for name, found in by_target.items()),
    )


def counts_by_type_csv(rows: Iterable[CaptureRow]) -> str:
    """Return numbers of soundings inside, on and outside, summed for each type of target, and for all of them."""
    ordered = _ordered(rows)
    by_type = _grouped(ordered, lambda one: _type_name(one.target_id)) | {ALL_TYPES: ordered}
    return _csv(("Target Type", *COUNT_COLUMNS), ((name, *_totals(found)) for name, found in by_type.items()))


def boxes_csv(targets: Mapping[str, Target]) -> str:
    """Return the boxes and centres that soundings were counted against, sorted by id."""
    return _csv(
        ("Target ID", "Target Name", "Centroid WKT", *BOX_COLUMNS),
        (
            (one.id, one.name, f"POINT ({_degrees(one.centre[0])} {_degrees(one.centre[1])})", *_box_cells(one.box))
            for one in sorted(targets.values(), key=lambda one: one.id)
        ),
    )


def write_tables(
    rows: Iterable[CaptureRow], excluded: Iterable[ExcludedRow], targets: Mapping[str, Target], folder: Path
) -> list[Path]:
    """Write all tables into a folder, whole or not at all, whatever the order of the rows, and return their paths."""
    rows = list(rows)
    texts = {
        "captures.csv": captures_csv(rows),
        "captures.excluded.csv": excluded_csv(excluded),
        "bounds.csv": bounds_csv(rows),
        "bounds.geojson": _json(bounds_geojson(rows)),
        "distances.json": _json(distance_statistics(rows)),
        "counts_by_capture.csv": counts_by_capture_csv(rows),
        "counts_by_target.csv": counts_by_target_csv(rows),
        "counts_by_type.csv": counts_by_type_csv(rows),
        "boxes.csv": boxes_csv(targets),
    }
    paths = {name: folder / name for name in texts}
    with atomic_outputs(paths) as temporary:
        for name, text in texts.items():
            temporary[name].write_text(text, encoding="utf-8")
    return list(paths.values())


def box_geometry(box: Box) -> dict[str, Any]:
    """Return a box as GeoJSON, exterior rings anticlockwise: two polygons where it crosses the antimeridian.

    RFC 7946 sections 3.1.6 and 3.1.9; degrees to six decimals.
    """
    polygons = [
        [[[_rounded(x, DEGREE_DECIMALS), _rounded(y, DEGREE_DECIMALS)] for x, y in ring]] for ring in _rings(box)
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def box_wkt(box: Box) -> str:
    """Return a box as WKT, a MULTIPOLYGON where it crosses the antimeridian; degrees to six decimals."""
    rings = [f"(({', '.join(f'{_degrees(x)} {_degrees(y)}' for x, y in ring)}))" for ring in _rings(box)]
    return f"POLYGON {rings[0]}" if len(rings) == 1 else f"MULTIPOLYGON ({', '.join(rings)})"


def _rings(box: Box) -> list[list[tuple[float, float]]]:
    west, south, east, north = box
    parts = [(west, east)]
    if west > east:
        # A part that only touches the antimeridian has no area.
        parts = [(start, end) for start, end in ((west, 180.0), (-180.0, east)) if start < end]
    return [[(start, south), (end, south), (end, north), (start, north), (start, south)] for start, end in parts]


def _head(one: CaptureRow | ExcludedRow) -> tuple[Any, ...]:
    return one.granule, one.target_id, one.target_name, one.start, one.stop, MODE_CODES[one.mode]


def _box_cells(box: Box | None) -> tuple[str, ...]:
    return ("",) * len(BOX_COLUMNS) if box is None else (*map(_degrees, box), box_wkt(box))


def _ordered(rows: Iterable[CaptureRow]) -> list[CaptureRow]:
    return sorted(rows, key=lambda one: (one.granule, one.start, one.capture_id))


def _grouped(rows: Iterable[CaptureRow], key: Callable[[CaptureRow], str]) -> dict[str, list[CaptureRow]]:
    """Return rows by a key, keys and rows in order."""
    found: dict[str, list[CaptureRow]] = {}
    for one in _ordered(rows):
        found.setdefault(key(one), []).append(one)
    return dict(sorted(found.items()))


def _totals(rows: Iterable[CaptureRow]) -> list[int]:
    return [sum(column) for column in zip((0,) * len(COUNT_COLUMNS), *(one.numbers for one in rows), strict=True)]


def _type_name(target_id: str) -> str:
    return TYPE_NAMES.get(target_type(target_id), OTHER_TYPES)


def _rounded(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0  # no negative zero


def _degrees(value: float) -> str:
    return np.format_float_positional(_rounded(value, DEGREE_DECIMALS), trim="0")


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
