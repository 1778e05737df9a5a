"""Detected plumes as quantification takes them: numbers, sources, outlines and what detection says of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from levelworks.core.outcome import InvalidInput

NUMBERS = ("label", "number", "plume", "id")
LONGITUDES = ("source_longitude", "plume_longitude", "longitude")
LATITUDES = ("source_latitude", "plume_latitude", "latitude")
SCORES = ("fp_score", "false_positive_score")
REASONS = ("rejected_reason", "fp_reasons", "reasons")
SIGNALS = ("signal_to_noise", "peak_snr", "snr")

AT_SITE = 1500.0
"""m from the nearest known site within which a plume takes its name, as in tables of sites."""


@dataclass(frozen=True)
class DetectedPlume:
    """One feature of the detection's GeoJSON.

    Parameters
    ----------
    number : int
        Its label in the mask.
    source : tuple of float, optional
        Longitude and latitude, degrees.
    rejected : bool
        By the false-positive checks or by a person.
    geometry : dict, optional
        Outline, EPSG:4326.
    """

    gas: str
    number: int
    source: tuple[float, float] | None
    rejected: bool = False
    geometry: dict[str, Any] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    def figure(self, *names: str) -> float:
        """Return the first property of these names that is a number; else not a number."""
        return first_number(self.properties, names)

    @property
    def plume_id(self) -> str:
        """Return the id that detection gave; empty where it gave none."""
        return str(self.properties.get("plume_id") or "")

    @property
    def label(self) -> str:
        """Return what names its files: the number at the end of its id, which counts over all gases of a scene."""
        found = re.search(r"plume_?(\d+)$", self.plume_id)
        if found:
            return f"plume{found.group(1)}"
        return f"plume{self.number}" if self.gas == "ch4" else f"{self.gas}_plume{self.number}"

    @property
    def site(self) -> str:
        """Return the name of the known site that it lies at; empty where the nearest is farther than `AT_SITE`."""
        if self.figure("site_distance_m") > AT_SITE:
            return ""
        return str(self.properties.get("site") or "")

    @property
    def reasons(self) -> str:
        """Return the reasons of detection, separated by semicolons."""
        found: list[str] = []
        for name in REASONS:
            said = self.properties.get(name) or []
            found += [said] if isinstance(said, str) else [str(one) for one in said]
        return "; ".join(found)


def first_number(properties: Mapping[str, Any], names: tuple[str, ...]) -> float:
    """Return the first of some properties that is a number; else not a number."""
    for name in names:
        value = properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return float("nan")


def read_detected(path: Path, default_gas: str = "ch4") -> list[DetectedPlume]:
    """Read detected plumes from GeoJSON; features without a number are passed over, as people's own drawings are.

    Raises
    ------
    InvalidInput
        Where it is no feature collection.
    """
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return [found for feature in features if (found := _detected(feature, default_gas)) is not None]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{path} is no GeoJSON of detect-plumes ({error})") from None


def _detected(feature: Mapping[str, Any], default_gas: str) -> DetectedPlume | None:
    properties = feature.get("properties") or {}
    number = first_number(properties, NUMBERS)
    if number != number:
        found = re.search(r"(\d+)$", str(properties.get("plume_id", "")))
        if found is None:
            return None
        number = float(found.group(1))
    longitude, latitude = first_number(properties, LONGITUDES), first_number(properties, LATITUDES)
    known = longitude == longitude and latitude == latitude
    geometry = feature.get("geometry")
    if not known and geometry and geometry.get("type") == "Point":
        longitude, latitude = (float(one) for one in geometry["coordinates"][:2])
        known = True
    rejected = bool(properties.get("rejected")) or properties.get("status") == "rejected"
    return DetectedPlume(
        str(properties.get("gas") or default_gas).lower(),
        int(number),
        (longitude, latitude) if known else None,
        rejected or properties.get("keep") is False,
        geometry,
        properties,
    )
