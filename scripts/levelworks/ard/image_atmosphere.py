"""The atmosphere over an image: water vapour, ozone, aerosol, light of the surroundings."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from levelworks.ard.aerosol.coarse import CLEAR_BIT, LAND_BIT, WATER_BIT, CoarseScene, accumulate, aerosol_bands
from levelworks.ard.aerosol.optical_depth import GLOBAL_MEDIAN, aerosol_coefficients_at, optical_depth
from levelworks.ard.aerosol.retrieve import AerosolMap, AerosolOptions, Prior, fixed_aerosol, retrieve_aerosol
from levelworks.ard.atmosphere.ozone import ozone_column
from levelworks.ard.atmosphere.tables import Tables, load_tables
from levelworks.ard.fields import fill_missing
from levelworks.ard.geometry.places import coordinates, to_geographic
from levelworks.ard.geometry.sun import standard_sun_zenith
from levelworks.ard.image_options import ProcessImage
from levelworks.ard.level1 import Level1
from levelworks.ard.masks.quality import BY_NAME, NO_DATA
from levelworks.ard.masks.settings import Masks
from levelworks.ard.scene import field_step
from levelworks.ard.surface.adjacency import ClearCells, background_reflectance
from levelworks.ard.surface.field import AtmosphereField, build_field, top_of_atmosphere_field
from levelworks.ard.surface.topographic import SlopeSums, diffuse_of_terrain
from levelworks.ard.terrain.illumination import Terrain
from levelworks.ard.water_vapour.tables import water_vapour_at
from levelworks.core import mpi
from levelworks.core.outcome import InvalidOptions

if TYPE_CHECKING:
    from levelworks.ard.image_stage import Ancillary

USUAL_WATER_VAPOUR = 2.0
"""g cm-2 of Landsat scenes of which nothing is known, and its standard error."""
UNKNOWN_WATER_VAPOUR_ERROR, GIVEN_WATER_VAPOUR_ERROR = 1.0, 0.3
TABLE_SPREAD, MEDIAN_SPREAD = 0.5, 0.8
"""Standard deviations of the logarithm of AOD: about the tables of climatology, about the median of all places."""
OBSCURED = NO_DATA | BY_NAME["cloud"].mask | BY_NAME["shadow"].mask
WATER, SNOW = BY_NAME["water"].mask, BY_NAME["snow"].mask


@dataclass(frozen=True)
class Air:
    """What the layers of an image need of the atmosphere; arrays on the field, None where nothing was corrected.

    Parameters
    ----------
    field : AtmosphereField
    aod_green, water_vapour : ndarray or None
        Aerosol optical depth of the green band; g cm-2.
    aerosol_state : ndarray or None
        State of the quality bits.
    vapour_filled : ndarray or None
        Where water vapour was filled from neighbours, bool.
    """

    field: AtmosphereField
    aod_green: np.ndarray | None = None
    water_vapour: np.ndarray | None = None
    aerosol_state: np.ndarray | None = None
    vapour_filled: np.ndarray | None = None
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vapour:
    """Water vapour (g cm-2) on the field or of the whole scene, its error, where it was filled, where it is from."""

    amount: np.ndarray | float
    error: float
    filled: np.ndarray | None
    source: str
    warning: str = ""


def find_air(level1: Level1, terrain: Terrain, masks: Masks, ancillary: Ancillary, options: ProcessImage) -> Air:
    """Find the atmosphere over an image; ranks sum up their rows, the first one solves.

    Raises
    ------
    InvalidReference
        Where tables of water vapour or aerosol are named and can't be used.
    InvalidOptions
        Where the tables of the atmosphere don't have the aerosol model.
    NothingToProduce
        Where the day's water vapour is missing and `strict_water_vapour` forbids the climatology.
    """
    sensor, communicator = level1.metadata.sensor, level1.communicator
    if not options.atmospheric_correction:
        return Air(top_of_atmosphere_field(level1.grid, sensor.product))
    longitude, latitude = _middle(level1)
    ozone = float(ozone_column(latitude, longitude, level1.metadata.time.timetuple().tm_yday))
    tables = load_tables(sensor.id)
    vapour = _water_vapour(level1, masks, terrain, tables, ozone, ancillary.water_vapour_tables, options)
    coarse, clear = _accumulated(level1, terrain, masks)
    found = None
    with mpi.together(communicator):
        if communicator.rank == 0:
            aerosol = _aerosol(level1, terrain, coarse, tables, vapour, ozone, ancillary.aerosol_tables, options)
            whole = _field(level1, terrain, aerosol, tables, vapour, ozone, options)
            if options.adjacency_correction:
                whole = whole.with_background(background_reflectance(whole, clear))
            found = (aerosol, whole)
    aerosol, whole = communicator.broadcast(found)
    if options.topographic_correction and not terrain.level:
        whole = _with_terrain(level1, terrain, masks, whole, options)
    amount = np.broadcast_to(np.asarray(vapour.amount, np.float32), aerosol.aod.shape)
    green = (aerosol.aod * aerosol.green_ratio).astype(np.float32)
    return Air(
        whole,
        green,
        amount,
        aerosol.flags,
        vapour.filled,
        _figures(green, amount, aerosol, vapour, ozone),
        (vapour.warning,) if vapour.warning else (),
    )


def _middle(level1: Level1) -> tuple[float, float]:
    west, south, east, north = level1.grid.bounds
    longitude, latitude = to_geographic(level1.grid.crs, (west + east) / 2, (south + north) / 2)
    return float(longitude), float(latitude)


def _water_vapour(
    level1: Level1,
    masks: Masks,
    terrain: Terrain,
    tables: Tables,
    ozone: float,
    folder: Path | None,
    options: ProcessImage,
) -> Vapour:
    if level1.metadata.sensor.has("VAPOR"):
        from levelworks.ard.water_vapour.image import image_water_vapour

        found = image_water_vapour(level1, masks.flags, terrain.field, tables, ozone)
        return Vapour(found.amount, float(found.sigma.mean()), found.filled, "image")
    if folder is not None:
        longitude, latitude = _middle(level1)
        column = water_vapour_at(
            folder, longitude, latitude, level1.metadata.time.date(), strict=options.strict_water_vapour
        )
        return Vapour(column.value, column.sigma, None, column.source)
    if options.water_vapour is not None:
        return Vapour(options.water_vapour, GIVEN_WATER_VAPOUR_ERROR, None, "option")
    note = f"water vapour is unknown: {USUAL_WATER_VAPOUR:g} g cm-2 is taken"
    return Vapour(USUAL_WATER_VAPOUR, UNKNOWN_WATER_VAPOUR_ERROR, None, "default", note)


def _accumulated(level1: Level1, terrain: Terrain, masks: Masks) -> tuple[CoarseScene, ClearCells]:
    """Sum up dark targets and clear pixels of all ranks' rows."""
    sensor, step = level1.metadata.sensor, field_step(level1.grid)
    bands = aerosol_bands(level1.bands)
    shape = level1.grid.coarser(step).shape
    coarse = CoarseScene.empty(bands, shape, step, None if terrain.level else terrain.field)
    clear = ClearCells(level1.grid, len(sensor.product))
    with mpi.together(level1.communicator):
        for rows in level1.blocks(512):
            flags = masks.flags.read(rows.start, rows.stop)
            seen = (flags & OBSCURED) == 0
            water = (flags & WATER) != 0
            bits = np.where(water, WATER_BIT, LAND_BIT).astype(np.uint8)
            bits[seen & ((flags & SNOW) == 0)] |= CLEAR_BIT
            slope = None
            if not terrain.level:
                slope = np.degrees(np.arcsin(terrain.block(rows.start, rows.stop).tilt))
            names = tuple(dict.fromkeys((*bands, *sensor.product)))
            toa = level1.stack(names, rows.start, rows.stop)
            accumulate(coarse, rows.start, toa[: len(bands)], bits, slope)
            clear.add(toa[[names.index(name) for name in sensor.product]], seen, rows.start)
    for other in (level1.communicator.gather((coarse, clear)) or [])[1:]:
        coarse.merge(other[0])
        clear.merge(other[1])
    return coarse, clear


def _aerosol(
    level1: Level1,
    terrain: Terrain,
    coarse: CoarseScene,
    tables: Tables,
    vapour: Vapour,
    ozone: float,
    folder: Path | None,
    options: ProcessImage,
) -> AerosolMap:
    sensor = level1.metadata.sensor.id
    known = None
    if folder is not None:
        longitude, latitude = _middle(level1)
        known = optical_depth(aerosol_coefficients_at(folder, longitude, latitude, level1.metadata.time.date()))
    models = () if options.aerosol_model == "auto" else (options.aerosol_model,)
    if models and options.aerosol_model not in tables.models:
        names = ", ".join(("auto", *tables.models))
        raise InvalidOptions(f"aerosol-model {options.aerosol_model}: the tables of {sensor} have {names} alone")
    if not options.aerosol_retrieval:
        aod, spread = (known, TABLE_SPREAD) if known is not None else (optical_depth(GLOBAL_MEDIAN), MEDIAN_SPREAD)
        model = (models or ("continental",))[0]
        return fixed_aerosol(aod, tables, terrain.field, sensor=sensor, model=model, sigma=spread * aod)
    return retrieve_aerosol(
        coarse,
        tables,
        level1.angles,
        terrain.field,
        vapour.amount,
        ozone,
        sensor=sensor,
        options=AerosolOptions(adjacency=options.adjacency_correction, models=models),
        prior=None if known is None else Prior(known, TABLE_SPREAD),
    )


def _field(
    level1: Level1,
    terrain: Terrain,
    aerosol: AerosolMap,
    tables: Tables,
    vapour: Vapour,
    ozone: float,
    options: ProcessImage,
) -> AtmosphereField:
    standard = None
    if options.brdf_correction:
        longitude, latitude = coordinates(level1.grid.coarser(field_step(level1.grid)))
        standard = standard_sun_zenith(latitude, longitude, level1.metadata.time.date())
    return build_field(
        tables,
        aerosol.model,
        level1.grid,
        level1.metadata.sensor.product,
        level1.angles,
        elevation=terrain.field,
        aod=aerosol.aod,
        aod_error=aerosol.sigma,
        water_vapour=vapour.amount,
        ozone=ozone,
        aod_scale_height=aerosol.scale_height,
        water_vapour_error=vapour.error,
        standard_sun_zenith=standard,
    )


def _with_terrain(
    level1: Level1, terrain: Terrain, masks: Masks, whole: AtmosphereField, options: ProcessImage
) -> AtmosphereField:
    """Return the field with what slopes show of diffuse light."""
    sums = SlopeSums(whole)
    with mpi.together(level1.communicator):
        for rows in level1.blocks(options.block_rows):
            flags = masks.flags.read(rows.start, rows.stop)
            land = (flags & (OBSCURED | WATER | SNOW)) == 0
            swir1, swir2 = (level1.toa(name, rows.start, rows.stop) for name in ("SWIR1", "SWIR2"))
            sums.add(swir1, swir2, land, rows.start, terrain.block(rows.start, rows.stop))
    parts = level1.communicator.allgather(sums)
    for other in parts[1:]:
        parts[0].merge(other)
    return whole.with_diffuse(diffuse_of_terrain(whole, parts[0]))


def _figures(
    green: np.ndarray, amount: np.ndarray, aerosol: AerosolMap, vapour: Vapour, ozone: float
) -> dict[str, Any]:
    figures = {name: round(float(value), 5) for name, value in aerosol.quality.items() if np.isfinite(value)}
    return figures | {
        "aod_green": round(float(np.mean(fill_missing(green))), 5),
        "aerosol_model": aerosol.model,
        "aerosol_scale_height_m": round(float(aerosol.scale_height), 1),
        "water_vapour_g_cm2": round(float(np.mean(fill_missing(amount))), 4),
        "water_vapour_source": vapour.source,
        "ozone_atm_cm": round(ozone, 5),
    }
