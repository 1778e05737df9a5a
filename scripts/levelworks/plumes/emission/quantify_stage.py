"""Quantify the plumes of a scene: every method, every wind, and a Level-3 file of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import Outcome
from levelworks.plumes.detection.outlines import ground_outline, pixel_outline
from levelworks.plumes.emission.emission_measures import Measures, measure
from levelworks.plumes.emission.emission_places import Places, read_places
from levelworks.plumes.emission.emission_rates import SECONDS_PER_HOUR, PlumeWind
from levelworks.plumes.emission.emission_rows import (
    Estimate,
    choose,
    describe,
    estimate,
    surface_pressure,
    winds_over,
    with_manual,
)
from levelworks.plumes.emission.emission_table import plain, write_table
from levelworks.plumes.emission.quantify_crop import Crop, cut
from levelworks.plumes.emission.quantify_options import Quantify
from levelworks.plumes.emission.quantify_plumes import SCORES, SIGNALS, DetectedPlume, read_detected
from levelworks.plumes.emission.quantify_products import write_plume, write_sections
from levelworks.plumes.emission.quantify_scene import GasField, ViewedScene, describe_scene, read_field, what_was_seen
from levelworks.plumes.emission.wind_files import Winds, read_wind
from levelworks.plumes.layers import open_layers
from levelworks.plumes.scene import PLATFORMS

TABLE, REJECTED, OUTLINES = "plumes.csv", "rejected.csv", "plumes.geojson"
SCENE = "scene.json"
"""What was looked at: name, time and outline of the scene, for tables of sites that were overflown."""


def quantify(
    retrieval: Path,
    labels: Path,
    plumes: Path,
    wind: Path | None,
    boundaries: Path | None = None,
    effective_winds: Path | None = None,
    *,
    folder: Path,
    options: Quantify,
) -> Outcome:
    """Quantify the plumes of a scene that detection did not reject.

    Parameters
    ----------
    retrieval, labels, plumes : Path
        Products of ``retrieve-again`` (or ``retrieve``) and ``detect-plumes``.
    wind : Path, optional
        Product of the wind stage; without it, or without a source in it, rates are not a number.
    boundaries : Path, optional
        Outlines of countries, states and cities.
    effective_winds : Path, optional
        Table of ``calibrate-wind`` in place of the bundled ones.
    folder : Path
        Gets ``plumes.csv``, ``plumes.geojson``, ``rejected.csv`` and the files of each plume.
    """
    winds = read_wind(wind) if wind is not None else None
    places = read_places(boundaries) if boundaries is not None else None
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    geometries: list[dict[str, Any]] = []
    warnings = [] if winds is not None and winds.sources else ["there is no wind: emission rates are not a number"]
    with open_layers(retrieval) as layers, open_layers(labels) as masks:
        scene = describe_scene(layers, masks, options)
        (folder / SCENE).write_text(json.dumps(what_was_seen(layers, scene), indent=1) + "\n", encoding="utf-8")
        detected = read_detected(plumes) if any(f"{gas}_mask" in masks for gas in options.gas) else []
        for gas in options.gas:
            if f"{gas}_mask" not in masks or gas not in layers:
                continue
            field = read_field(layers, gas, masks.read(f"{gas}_mask"), retrieval)
            numbers = set(np.unique(field.labels).tolist()) - {0}
            # A rejected plume has no pixels of its own: its number may be another's.
            known = {one.number: one for one in sorted(detected, key=lambda one: not one.rejected) if one.gas == gas}
            for number in sorted(numbers):
                plume = known.get(number) or DetectedPlume(gas, number, None)
                if plume.rejected:
                    continue
                row, geometry, notes = _quantify_one(
                    plume, field, winds, scene, places, effective_winds, folder, options
                )
                rows.append(row)
                geometries.append(geometry)
                warnings += notes
            rejected += [
                _common(one, scene, options, places, None) | {"status": "rejected"}
                for one in detected
                if one.gas == gas and one.rejected
            ]
            lost = sorted(number for number in set(known) - numbers if not known[number].rejected)
            if lost:
                warnings.append(f"plumes {lost} of {gas} have an outline but no pixel in {labels.name}")
    write_products(folder, rows, geometries)
    if rejected:
        write_table(folder / REJECTED, rejected)
    total = [float(row["emission"]) for row in rows if np.isfinite(row["emission"])]
    quality = {
        "plumes": len(rows),
        "rejected": len(rejected),
        "largest_emission_kg_h": max(total, default=None),
        "total_emission_kg_h": float(np.sum(total)) if total else None,
    }
    return Outcome(quality=quality, warnings=tuple(dict.fromkeys(warnings)))


def write_products(folder: Path, rows: list[dict[str, Any]], geometries: list[dict[str, Any]]) -> None:
    """Write the table and the outlines of all plumes of a scene."""
    write_table(folder / TABLE, rows)
    features = [
        {"type": "Feature", "geometry": geometry, "properties": plain(row)}
        for row, geometry in zip(rows, geometries, strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    (folder / OUTLINES).write_text(json.dumps(collection, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_empty_quantified(folder: Path, outcome: Outcome) -> None:
    """Write the folder of a skipped or quarantined scene: headings, no outlines, and why."""
    folder.mkdir(parents=True, exist_ok=True)
    write_products(folder, [], [])
    said = {"outcome": outcome.status.value, "reason": outcome.reason}
    (folder / "outcome.json").write_text(json.dumps(said) + "\n", encoding="utf-8")


def _quantify_one(
    plume: DetectedPlume,
    field: GasField,
    winds: Winds | None,
    scene: ViewedScene,
    places: Places | None,
    effective_winds: Path | None,
    folder: Path,
    options: Quantify,
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Quantify one plume, write its files, and return its row, its outline and what a person should know."""
    gas = field.gas
    crop = cut(
        field.layers, field.labels, plume.number, plume.source, gas=gas, sensor=scene.sensor, margin=options.crop_margin
    )
    over_land = options.land_only and not bool(field.water[field.labels == plume.number].mean() > 0.5)
    common = _common(plume, scene, options, places, crop) | {"land_only": over_land}
    plume_id = str(common["plume_id"])
    own = with_manual(winds_over(crop, winds), options.wspd_manual)
    preferred = winds.preferred if winds is not None else ""
    chosen = choose(own, options.wind_source, preferred)
    notes = []
    if options.wind_source != "auto" and chosen is not None and chosen.source != options.wind_source:
        notes.append(f"{plume_id}: there is no wind of {options.wind_source}; rates are for that of {chosen.source}")
    pressure = surface_pressure(crop, own, chosen, options)
    hypergas = options.compat == "hypergas"
    measures = measure(crop, field.background(land=over_land), options.methods, hypergas=hypergas, pressure=pressure)
    found = estimate(crop, measures, own, chosen, plume_id, options.ipcc_sector, options, effective_winds)
    row = describe(crop, measures, own, found, pressure, common)
    stem = f"{scene.level3}_{plume.label}"
    attributes = {name: scene.attributes[name] for name in KEPT if name in scene.attributes}
    attributes |= {"version": row["version"], "filename": str(scene.attributes.get("source_file", scene.name))}
    attributes |= {"plume_id": plume_id, "compat": options.compat, "land_only": int(over_land)}
    write_files(folder, stem, crop, measures, found, own, pressure, row, attributes, hypergas=hypergas)
    outlined = plume.geometry is not None and plume.geometry.get("type") in ("Polygon", "MultiPolygon")
    return row, plume.geometry if outlined and plume.geometry else outline_of(crop), notes


KEPT = ("scene", "start_time", "end_time", "sza", "vza", "platform", "instrument", "pixel_size")
"""Attributes of a scene that its plumes keep."""


def write_files(
    folder: Path,
    stem: str,
    crop: Crop,
    measures: Measures,
    found: Estimate,
    winds: list[PlumeWind],
    pressure: float,
    row: Mapping[str, Any],
    attributes: Mapping[str, Any],
    *,
    hypergas: bool,
) -> None:
    """Write the three files of a plume: Level 3, cross sections, and its row of the table."""
    write_plume(folder / f"{stem}.nc", crop, measures, winds, pressure, attributes, hypergas=hypergas)
    per_mass = found.rates.csf.effective_wind * SECONDS_PER_HOUR
    write_sections(folder / f"{stem}_csf.nc", crop, measures, per_mass, attributes, hypergas=hypergas)
    write_table(folder / f"{stem}.csv", [row])


def outline_of(crop: Crop) -> dict[str, Any]:
    """Return the outline of a plume's mask as a GeoJSON geometry."""
    return ground_outline(pixel_outline(crop.mask), crop.longitude, crop.latitude)


def _common(
    plume: DetectedPlume, scene: ViewedScene, options: Quantify, places: Places | None, crop: Crop | None
) -> dict[str, Any]:
    """Return what the row of a plume has beside measures."""
    instrument, platform, provider = PLATFORMS[scene.sensor]
    named = f"{plume.gas}-" if plume.gas != "ch4" else ""
    source = crop.source if crop is not None else plume.source
    row: dict[str, Any] = {
        "plume_id": plume.plume_id or f"{instrument}-{scene.start:%Y%m%dt%H%M%S}-{named}plume{plume.number}",
        "datetime": f"{scene.start:%Y-%m-%dT%H:%M:%SZ}",
        "country": "",
        "state": "",
        "city": "",
        "name": options.name or plume.site,
        "ipcc_sector": options.ipcc_sector,
        "gas": plume.gas.upper(),
        "instrument": instrument,
        "platform": platform,
        "provider": provider,
        "azimuth_diff_max": scene.attributes.get("azimuth_diff_max"),
        "dist_max": scene.attributes.get("dist_max"),
        "land_only": options.land_only,
        "land_mask_source": str(scene.attributes.get("land_mask_source", "radiance")),
        "scene": scene.name,
        "source_confidence": plume.figure("source_confidence", "confidence"),
        "fp_score": plume.figure(*SCORES),
        "fp_reasons": plume.reasons,
        "signal_to_noise": plume.figure(*SIGNALS),
        "status": "kept",
        "compat": options.compat,
    }
    if source is not None:
        row |= {"plume_longitude": source[0], "plume_latitude": source[1]}
        row |= places.at(*source) if places is not None else {}
    return row


def quantified_plumes(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and Level-3 file of every plume in a folder of `quantify`, by name."""
    for path in sorted(folder.glob("*_plume*.nc")):
        if not path.stem.endswith("_csf"):
            yield path.stem, path
