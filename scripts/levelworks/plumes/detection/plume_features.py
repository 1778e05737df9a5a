"""Plumes as a GeoJSON FeatureCollection: outline, source, mass and what speaks against each.

Source: specs/plumes.md 6.6 and 6.9; RFC 7946.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from levelworks.core.outcome import Outcome


@dataclass(frozen=True)
class PlumeProperties:
    """What is known of one plume; the names are those of the GeoJSON properties.

    ``label`` is the plume's number in the gas's mask; ``plume_id`` counts over all gases of a scene. Positions in
    degrees and in rows and columns, the bounding box in whole rows and columns (both ends included).
    """

    plume_id: str
    gas: str
    label: int
    scene: str
    datetime: str
    marker: str
    source_longitude: float
    source_latitude: float
    source_row: float
    source_column: float
    source_confidence: float
    source_origin: str
    elongation: float
    wind_source: str
    pixels: int
    area_m2: float
    mass_kg: float
    peak: float
    peak_ppm_m: float
    peak_snr: float
    row_min: int
    row_max: int
    column_min: int
    column_max: int
    touches_edge: bool
    site: str
    site_distance_m: float
    spectral_correlation: float
    fp_score: float
    fp_reasons: list[str]
    rejected: bool
    rejected_reason: str


def feature(properties: PlumeProperties, geometry: dict[str, Any]) -> dict[str, Any]:
    """Return a plume as a GeoJSON feature; numbers that are not known are null."""
    values = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(properties).items()
    }
    return {"type": "Feature", "id": properties.plume_id, "properties": values, "geometry": geometry}


def write_features(path: Path, features: list[dict[str, Any]], **members: Any) -> None:
    """Write features as a FeatureCollection; ``members`` are foreign members of the collection."""
    content = {"type": "FeatureCollection", **members, "features": features}
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_no_features(path: Path, outcome: Outcome) -> None:
    """Write the valid, empty collection of a skipped or quarantined granule."""
    write_features(path, [], outcome=outcome.status.value, reason=outcome.reason)
