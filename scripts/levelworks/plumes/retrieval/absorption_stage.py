"""The stage `absorption`: ln T of each gas for the bands and the sun of one scene."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidOptions, InvalidReference, Outcome
from levelworks.plumes.readers.open_scene import open_scene
from levelworks.plumes.retrieval.absorption import (
    NODES,
    Absorption,
    Source,
    geometric_air_mass,
    library_source,
    scene_absorption,
    young_path,
)
from levelworks.plumes.retrieval.absorption_files import write_absorption
from levelworks.plumes.retrieval.absorption_tables import Atmosphere, read_cross_sections, read_lookup_table
from levelworks.plumes.retrieval.retrieval_options import Absorption as Options
from levelworks.plumes.scene import Scene, Spectral
from levelworks.plumes.tables import solar_irradiance
from levelworks.plumes.units import HYPERGAS_COLUMN, dry_column, standard_pressure

log = logging.getLogger("levelworks")

USUAL_WATER_VAPOUR = 1.3
"""g cm-2, HyperGas's for every scene."""
USUAL_MIXING_RATIOS = {"ch4": 1.92e-6, "co2": 422e-6, "co": 0.1e-6, "no2": 0.0}
"""Of the air above a scene without plumes, moles per mole (NOAA's global means of 2023; of CO roughly)."""
SEEN = 0.01
"""Of the brightest channel, from which on a channel counts as lit."""
HYPERGAS_CONCENTRATIONS = {
    "ch4": np.array([0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4]),
    "co2": np.array([0, 2.5, 5, 10, 20, 40, 80, 160]),
    "co": np.array([0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4]),
    "no2": np.array([0, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2, 6.4e-2]),
}
"""ppm (specs/plumes.md 1.6)."""


def tabulate_absorption(
    radiance: Path,
    observations: Path | None,
    tables: dict[str, Path | None],
    sections: dict[str, Path | None],
    absorption: Path,
    options: Options,
    *,
    dem: Path | None = None,
) -> Outcome:
    """Write the absorption of each gas asked for.

    Parameters
    ----------
    tables, sections : dict
        Look-up table and cross-sections by gas, None where there is none.
    dem : Path, optional
        Elevation model, of EnMAP and PRISMA.

    Raises
    ------
    InvalidReference
        Where a gas has no source: none is guessed.
    """
    with open_scene(radiance, observations, terrain=dem) as scene:
        spectral, notes = scene.spectral, list(scene.notes)
        found = []
        for gas in options.gases:
            source = _source(gas, scene, tables.get(gas), sections.get(gas), options)
            if options.compat == "hypergas":
                found.append(_hypergas_line(source, scene))
            else:
                found.append(_cached(source, spectral))
            covered = np.isfinite(found[-1].ln_transmittance[0, :, -1])
            if not covered.any():
                raise InvalidReference(f"{found[-1].source} covers no band of {scene.name}: {gas} can't be retrieved")
        attributes = {"scene": scene.name, "sensor": scene.sensor, "air_mass": _air_mass(scene)}
    write_absorption(absorption, found, spectral, attributes)
    quality = {f"source_{one.gas}": one.source for one in found}
    return Outcome(quality=quality, warnings=tuple(notes))


def _air_mass(scene: Scene) -> float:
    geometry = scene.geometry
    return float(np.nanmean(geometric_air_mass(geometry.sun_zenith, geometry.view_zenith)))


def _source(gas: str, scene: Scene, table: Path | None, sections: Path | None, options: Options) -> Source:
    elevation = scene.geometry.elevation
    height = float(np.nanmean(elevation)) if np.isfinite(elevation).any() else 0.0
    if table is not None:
        vapour = options.water_vapour
        atmosphere = Atmosphere(
            sun_zenith=float(np.nanmean(scene.geometry.sun_zenith)),
            sensor=options.sensor_height,
            ground=options.ground if options.ground is not None else height / 1000,
            water_vapour=vapour if vapour is not None else scene.attributes.get("water_vapour", USUAL_WATER_VAPOUR),
        )
        return read_lookup_table(table, gas, atmosphere, _air_mass(scene))
    if sections is not None:
        air = float(dry_column(standard_pressure(np.array(height)))) * _air_mass(scene)
        return read_cross_sections(sections, gas, USUAL_MIXING_RATIOS[gas] * air)
    if gas == "ch4":
        return library_source()
    raise InvalidOptions(
        f"plumes: nothing says how {gas} absorbs; name plumes.lookup-tables.{gas} or plumes.cross-sections.{gas}"
    )


_tables: dict[tuple[str, bytes], Absorption] = {}


def _cached(source: Source, spectral: Spectral) -> Absorption:
    """Return the absorption of a scene's bands, remembered for scenes with the same: warm workers see many."""
    if source.gas != "ch4" or not source.name.startswith("MODTRAN"):
        return scene_absorption(source, spectral, _nodes(source))
    key = (source.name, spectral.centres.tobytes() + spectral.widths.tobytes())
    if key not in _tables:
        _tables.clear()
        _tables[key] = scene_absorption(source, spectral, NODES)
    return _tables[key]


def _nodes(source: Source) -> np.ndarray:
    """Return nodes for a source: doubling up to where its strongest channel is all but black, or its own last one.

    Channels that the gas of the usual air has blackened don't count, as no band sees them.
    """
    if source.slant_columns.size > 2:
        return source.slant_columns
    seen = source.weights > SEEN * source.weights.max()
    strongest = float(source.optical_depth[1, seen].max()) / source.slant_columns[1]
    return np.concatenate([[0.0], 3.0 / strongest / 2.0 ** np.arange(8, -1, -1)])


def _hypergas_line(source: Source, scene: Scene) -> Absorption:
    """Return one slope of ln T over HyperGas's concentrations, as a table whose curve is a straight line.

    Bands are means of transmittance, not of radiance: what the air lets through without added gas weighs, sunlight does
    not. The path is Young's air mass at the scene's mean angles.
    """
    geometry = scene.geometry
    path = float(young_path(np.nanmean(geometry.sun_zenith), np.nanmean(geometry.view_zenith)))
    vertical = HYPERGAS_CONCENTRATIONS[source.gas] / HYPERGAS_COLUMN
    sun = solar_irradiance()
    weights = source.weights / np.interp(source.wavelengths, sun.wavelengths, sun.irradiance)
    found = scene_absorption(replace(source, weights=weights), scene.spectral, vertical * path)
    away = vertical - vertical.mean()
    slope = (found.ln_transmittance @ away) / (away @ away) / path
    nodes = np.array([0.0, found.slant_columns[-1]])
    return Absorption(source.gas, f"{source.name}, one slope", nodes, slope[..., None] * nodes)
