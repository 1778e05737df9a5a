"""From the products of a scene in sensor geometry to its Level-2 product on the map."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.plumes.layers import write_empty
from levelworks.plumes.mapping.level2 import write_level2
from levelworks.plumes.mapping.level2_cogs import write_cogs
from levelworks.plumes.mapping.level2_layers import (
    Columns,
    Placed,
    Sources,
    level2_layers,
    open_sources,
    surface_pressure,
    winds_on_map,
)
from levelworks.plumes.mapping.level2_stac import cog_asset, product_asset, scene_item
from levelworks.plumes.mapping.level2_unortho import write_colours, write_image, write_unortho
from levelworks.plumes.mapping.orthorectify import AreaWeights, area_weights
from levelworks.plumes.mapping.orthorectify_options import Orthorectify
from levelworks.plumes.mapping.placement import Placement, place_scene
from levelworks.plumes.names import level2_name


def orthorectify_scene(
    retrieval: Path,
    denoised: Path | None,
    labels: Path | None,
    wind: Path | None,
    dem: Path | None,
    points: Path | None,
    radiance: Path | None,
    *,
    reference: Path | None = None,
    geoid: Path | None = None,
    level2: Path,
    cogs: Path | None,
    unortho: Path | None = None,
    colours: Path | None = None,
    options: Orthorectify,
) -> Outcome:
    """Write the Level-2 product of a scene, and its GeoTIFFs with their STAC Item where asked for.

    Parameters
    ----------
    retrieval, denoised, labels, wind : Path
        Products of the stages before; all but the first may be absent, and what they hold is then left out.
    dem : Path or None
        Elevation model, for ``rpc``.
    points : Path or None
        Ground control points, for ``gcp``.
    radiance : Path or None
        The granule, for ``glt`` and ``rpc``; positions need none.
    reference : Path, optional
        Image of the surface, to which ``geolocation`` is shifted.
    geoid : Path, optional
        Raster of the geoid, in place of the number of the options.
    unortho, colours : Path, optional
        Written where given: enhancements, and an image, in the rows and columns of the granule.

    Raises
    ------
    InvalidOptions
        Where the method lacks an input.
    NothingToProduce
        Where the retrieval has no gas.
    """
    with ExitStack() as stack:
        sources = open_sources(stack, retrieval, denoised, labels, wind)
        if not sources.gases:
            reason = str(sources.retrieval.attributes.get("reason", "")) or "the retrieval has no gas"
            raise NothingToProduce(reason)
        placement = place_scene(sources.retrieval, dem, points, radiance, reference, geoid, options)
        pixel_map = placement.pixel_map
        if not pixel_map.shown.any():
            raise InvalidInput("no cell of the map shows a pixel: the positions of the scene are damaged")
        if sources.winds is None or not sources.winds.sources:
            placement.notes.append("no wind: u10, v10 and sp are left out")
        weights = None
        if options.weighting == "area":
            weights = area_weights(pixel_map, placement.longitude, placement.latitude)
        placed = Placed(pixel_map, weights, placement.origin, winds_on_map(sources.winds, pixel_map))
        pressure, pressure_source = surface_pressure(sources, placed)
        attributes = _attributes(sources, placement, pressure_source, options)
        placed = replace(placed, common=_common(attributes))
        columns = Columns(options.units, options.compat, pressure)
        write_level2(
            level2,
            pixel_map.grid,
            level2_layers(sources, placed, columns),
            attributes,
            sensor=str(attributes["sensor"]),
            sources=sources.winds.sources if sources.winds else (),
        )
        quality = _quality(sources, placement, weights)
        if cogs is not None:
            _write_folder(cogs, level2, sources, placement, attributes, options)
    if unortho is not None:
        write_unortho(retrieval, unortho, units=options.units, compat=options.compat)
    if colours is not None:
        write_colours(retrieval, colours)
    return Outcome(quality=quality, warnings=tuple(placement.notes))


def write_empty_level2(path: Path, outcome: Outcome) -> None:
    """Write the valid, empty product of a scene without one: a file, or a folder whose Item is none."""
    if path.suffix == ".nc":
        write_empty(path, outcome)
        return
    if path.suffix == ".tif":
        tags = {"OUTCOME": outcome.status.value, "REASON": outcome.reason}
        write_image(path, np.zeros((3, 1, 1), np.uint8), tags)
        return
    path.mkdir()
    content = {"outcome": outcome.status.value, "reason": outcome.reason}
    (path / "outcome.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _attributes(sources: Sources, placement: Placement, pressure_source: str, options: Orthorectify) -> dict[str, Any]:
    """Return the attributes of the file: HyperGas' version, filename and angles, and where things are from."""
    of_scene = sources.retrieval.attributes
    kept = ("scene", "sensor", "platform", "instrument", "start_time", "end_time", "gases", "sza", "vza")
    settings = json.dumps(options.model_dump(mode="json"), sort_keys=True)
    source_file = next((of_scene[name] for name in ("filename", "source_file") if name in of_scene), "")
    return {
        "title": f"Level-2 trace-gas enhancements of {of_scene.get('scene', '')}",
        **{name: of_scene[name] for name in kept if name in of_scene},
        "filename": source_file or str(of_scene.get("scene", "")),
        "version": f"levelworks_{version('levelworks')}",
        "orthorectification": placement.origin,
        "surface_pressure": pressure_source,
        "options_sha256": hashlib.sha256(settings.encode()).hexdigest(),
        **({"notes": "\n".join(placement.notes)} if placement.notes else {}),
    }


def _common(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that HyperGas gives to every layer."""
    named = {
        "start_time": "start_time",
        "sensor": "instrument",
        "platform_name": "platform",
        "sza": "sza",
        "vza": "vza",
    }
    return {name: attributes[key] for name, key in named.items() if key in attributes}


def _quality(sources: Sources, placement: Placement, weights: AreaWeights | None) -> dict[str, Any]:
    """Return figures: the grid, the share of its area that shows the scene, and each plume mass kept by resampling."""
    pixel_map, retrieval = placement.pixel_map, sources.retrieval
    grid = pixel_map.grid
    quality: dict[str, Any] = {
        "method": placement.method,
        "epsg": grid.epsg,
        "rows": grid.rows,
        "columns": grid.columns,
        "resolution_m": grid.resolution,
        "shown": float(pixel_map.shown.mean()),
        **placement.quality,
    }
    if "pixel_area" not in retrieval:
        return quality
    area = retrieval.read("pixel_area")
    times = (weights.cells_of_pixels() if weights else pixel_map.cells_of_pixels()).reshape(area.shape)
    cell = grid.resolution**2 / float(grid.area_scale().mean())
    placed = np.isfinite(area)
    quality["area_ratio"] = float(times[placed].sum() * cell / area[placed].sum(dtype=np.float64))
    for gas in sources.gases:
        mask = sources.holder(f"{gas}_mask")
        if mask is None:
            continue
        column = retrieval.read(gas)
        plume = (mask.read(f"{gas}_mask") > 0) & np.isfinite(column) & placed
        mass = float((column[plume] * area[plume]).sum(dtype=np.float64))
        if mass > 0:
            quality[f"{gas}_plume_mass_ratio"] = float((column[plume] * times[plume]).sum() * cell / mass)
    return quality


def _write_folder(
    folder: Path,
    level2: Path,
    sources: Sources,
    placement: Placement,
    attributes: dict[str, Any],
    options: Orthorectify,
) -> None:
    folder.mkdir()
    stem = level2_name(str(attributes.get("scene", "scene")))
    written = write_cogs(level2, folder, stem, placement.pixel_map.grid, sources.gases, options.cog_layers)
    assets = {name: cog_asset(path, f"./{path.name}", name) for name, path in written.items()}
    assets["level2"] = product_asset(level2, f"../{stem}.nc")
    item = scene_item(stem, attributes, placement.longitude, placement.latitude, assets)
    text = json.dumps(item, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / f"{stem}.json").write_text(text, encoding="utf-8")
