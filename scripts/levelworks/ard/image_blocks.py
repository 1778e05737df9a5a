"""The layers of an image, made and written by blocks of rows: reflectance, quality bits and what else is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.ard.area import AreaOfInterest
from levelworks.ard.fields import rows_of
from levelworks.ard.image_atmosphere import Air
from levelworks.ard.image_layers import LayerWriter, layers_of
from levelworks.ard.image_options import ProcessImage
from levelworks.ard.image_quality import quality_bits
from levelworks.ard.level1 import Level1
from levelworks.ard.masks.settings import Masks
from levelworks.ard.scene import ImageGrid
from levelworks.ard.surface.correct import correct_block
from levelworks.ard.terrain.illumination import Illumination, Terrain
from levelworks.core import mpi

HAZE = (1.0, -0.5, -0.08)
"""Weights of blue, red and one in the haze-optimized transform (Zhu and Woodcock 2012)."""
OPAQUE, CLOUD_STATE = 2 << 1, 3 << 1
"""Of quality bits: opaque cloud, and the bits that say so."""


def write_layers(
    level1: Level1,
    terrain: Terrain,
    masks: Masks,
    air: Air,
    area: AreaOfInterest,
    grid: ImageGrid,
    product: Path,
    options: ProcessImage,
) -> None:
    """Write the layers that the options ask for; ranks share the blocks.

    Parameters
    ----------
    area : AreaOfInterest
        On `grid`.
    grid : ImageGrid
        Where the image is written to lie.
    product : Path
        Folder of a GeoTIFF a layer.
    """
    layers = layers_of(options)
    writer = LayerWriter(product, grid, level1.metadata.sensor, layers, level1.folder, level1.communicator)
    names = {one.name for one in layers}
    with mpi.together(level1.communicator):
        for rows in level1.blocks(options.block_rows):
            writer.write(rows.start, _block(level1, terrain, masks, air, area, rows, names, options))
    writer.close(options.block_rows)


def _block(
    level1: Level1,
    terrain: Terrain,
    masks: Masks,
    air: Air,
    area: AreaOfInterest,
    rows: range,
    names: set[str],
    options: ProcessImage,
) -> dict[str, np.ndarray]:
    """Return the layers of a block of rows, each of shape (bands, rows, columns)."""
    start, stop = rows.start, rows.stop
    grid, angles = level1.grid, level1.angles
    toa = level1.stack(level1.metadata.sensor.product, start, stop)
    toa[:, ~area.inside(start, stop)] = np.nan
    light: Illumination = terrain.block(start, stop)
    topographic = options.topographic_correction and options.atmospheric_correction and not terrain.level
    corrected = correct_block(air.field, toa, start, light, topographic=topographic, uncertainty="UNC" in names)
    quality = quality_bits(
        masks.flags.read(start, stop),
        corrected.flags,
        start,
        grid,
        sun_zenith=angles.sun_zenith,
        aerosol=air.aerosol_state,
        vapour_filled=air.vapour_filled,
    )
    off = quality == 1
    reflectance = corrected.reflectance
    reflectance[:, off] = -9999
    found = {"BOA" if options.atmospheric_correction else "TOA": reflectance, "QAI": quality[np.newaxis]}
    if corrected.uncertainty is not None:
        corrected.uncertainty[:, off] = -9999
        found["UNC"] = corrected.uncertainty
    if options.erase_clouds:
        for layer in (reflectance, corrected.uncertainty):
            if layer is not None:
                layer[:, (quality & CLOUD_STATE) == OPAQUE] = -9999
    if "CPR" in names:
        found["CPR"] = np.where(off, np.uint8(255), masks.probability.read(start, stop))[np.newaxis]
    if "HOT" in names:
        product = level1.metadata.sensor.product
        haze = HAZE[0] * toa[product.index("BLUE")] + HAZE[1] * toa[product.index("RED")] + HAZE[2]
        found["HOT"] = _stored(haze, 1e4, off)
    fields = {
        "AOD": (air.aod_green, 1e3),
        "WVP": (air.water_vapour, 1e3),
        "VZN": (angles.view_zenith, 1e2),
        "SZA": (angles.sun_zenith, 1e2),
        "VZA": (angles.view_zenith, 1e2),
    }
    for name, (field, scale) in fields.items():
        if name in names and field is not None:
            found[name] = _stored(rows_of(field, grid, start, stop), scale, off)
    for name, azimuth in (("SAA", angles.sun_azimuth), ("VAA", angles.view_azimuth)):
        if name in names:
            # Azimuths wrap: their sines and cosines are interpolated.
            east, north = (rows_of(part(np.radians(azimuth)), grid, start, stop) for part in (np.sin, np.cos))
            found[name] = _stored(np.degrees(np.arctan2(east, north)), 1e2, off)
    return found


def _stored(values: np.ndarray, scale: float, off: np.ndarray) -> np.ndarray:
    """Return values as whole numbers, rounded to even, -9999 where off and only there; shape (1, rows, columns), int16.

    Western azimuths pass through what stands for no data: -99.99 degrees becomes -99.98.
    """
    whole = np.rint(np.clip(np.nan_to_num(values * scale), -32768.0, 32767.0)).astype(np.int16)
    whole[whole == -9999] = -9998
    whole[off | ~np.isfinite(values)] = -9999
    return whole[np.newaxis]
