"""The stage `process-image`: a Level-1 image to surface reflectance with quality bits, in blocks of rows on ranks."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from levelworks.ard.area import AreaOfInterest
from levelworks.ard.cube.image_folder import FACTS
from levelworks.ard.fields import rows_of
from levelworks.ard.geometry.directions import to_angles, to_vectors
from levelworks.ard.image_atmosphere import Air, find_air
from levelworks.ard.image_layers import LayerWriter, layers_of
from levelworks.ard.image_options import ProcessImage
from levelworks.ard.image_quality import quality_bits
from levelworks.ard.level1 import Level1
from levelworks.ard.masks.find_masks import find_masks
from levelworks.ard.masks.settings import MaskOptions, Masks
from levelworks.ard.names import Identity, identify, is_archive
from levelworks.ard.readers.archives import unpack
from levelworks.ard.readers.open_image import open_image
from levelworks.ard.registration.coregister import find_shift, moved
from levelworks.ard.resolution.block_merge import merge_resolutions
from levelworks.ard.scene import Angles, ImageGrid
from levelworks.ard.scratch import Scratch
from levelworks.ard.surface.correct import correct_block
from levelworks.ard.terrain.elevation import find_elevation_model, warp_elevation
from levelworks.ard.terrain.illumination import Illumination, Terrain
from levelworks.core import mpi
from levelworks.core.mpi import Communicator
from levelworks.core.outcome import NothingToProduce, Outcome

log = logging.getLogger("levelworks")

HAZE = (1.0, -0.5, -0.08)
"""Weights of blue, red and one in the haze-optimized transform (Zhu and Woodcock 2012)."""
CLOUDED = 0b1110
"""Quality bits of cloud of any state, and of shadow."""
OPAQUE, CLOUD_STATE = 2 << 1, 3 << 1


@dataclass(frozen=True)
class Ancillary:
    """What goes with an image; None where there is none."""

    dem: Path | None = None
    area_of_interest: Path | None = None
    water_vapour_tables: Path | None = None
    aerosol_tables: Path | None = None
    coregistration_base: Path | None = None


def process(image: Path, ancillary: Ancillary, product: Path, options: ProcessImage) -> Outcome:
    """Process an image.

    Parameters
    ----------
    image : Path
        Folder or archive of Level 1.
    product : Path
        Folder that is written: a GeoTIFF a layer, and what is known of the image.

    Raises
    ------
    InvalidInput
        Where the image can't be used.
    NothingToProduce
        Where it has no data, or too much cloud.
    """
    communicator = mpi.world()
    with _workspace(product, communicator) as folder:
        with mpi.together(communicator):
            source = unpack(image, folder / "level1") if communicator.rank == 0 and is_archive(image) else image
        source = communicator.broadcast(source)
        with mpi.together(communicator):
            opened = open_image(source, max_tier=options.tier)
        level1 = Level1(opened, folder, communicator)
        identity = identify(image)
        area = AreaOfInterest.read(ancillary.area_of_interest, level1.grid)
        level1.unpack(
            find_impulse_noise=options.impulse_noise,
            buffer_nodata=options.buffer_nodata,
            spikes=options.compat != "force",
        )
        terrain, notes = _terrain(level1, ancillary.dem, options)
        masks = _masks(level1, terrain, options)
        warnings = [*level1.notes, *notes]
        figures = _cover(level1, identity, masks)
        grid, shift_figures, note = _registered(level1, masks, ancillary.coregistration_base, options)
        figures |= shift_figures
        warnings += [note] if note else []
        if level1.metadata.sensor.resolution == 10:
            merge_resolutions(level1, masks.flags, options.resolution_merge, options.block_rows)
        air = find_air(level1, terrain, masks, ancillary, options)
        figures |= air.figures
        warnings += air.warnings
        with mpi.together(communicator):
            if communicator.rank == 0:
                _write_facts(product / FACTS, level1, identity, figures, options)
        # Polygons are laid over the grid that co-registration found.
        _write_layers(level1, terrain, masks, air, replace(area, grid=grid), grid, product, options)
        level1.image.close()
        if communicator.rank == 0:
            _say(figures)
        return Outcome(quality=figures, warnings=tuple(warnings))


@contextmanager
def _workspace(product: Path, communicator: Communicator) -> Iterator[Path]:
    """Make the product's folder, and give one for scratch rasters: of this machine for one process, in it for ranks.

    Errors leave it there: the folder of a product that failed is removed whole, also after a crash.
    """
    with mpi.together(communicator):
        if communicator.rank == 0:
            product.mkdir()
    if communicator.size == 1:
        with TemporaryDirectory(prefix="levelworks-ard-") as folder:
            yield Path(folder)
        return
    shared = product / "scratch"
    with mpi.together(communicator):
        if communicator.rank == 0:
            shared.mkdir()
    yield shared
    communicator.allgather(None)
    if communicator.rank == 0:
        shutil.rmtree(shared)


def _terrain(level1: Level1, dem: Path | None, options: ProcessImage) -> tuple[Terrain, tuple[str, ...]]:
    elevation: Scratch | None = None
    notes: tuple[str, ...] = ()
    if dem is not None:
        path = find_elevation_model(dem, level1.metadata.reference) if options.dem_database else dem
        elevation = level1.scratch("elevation", np.float32)
        notes = warp_elevation(
            path,
            level1.grid,
            elevation,
            resampling=options.dem_resampling,
            nodata=options.dem_nodata,
            communicator=level1.communicator,
        )
    return Terrain(elevation, level1.grid, level1.map_angles, level1.folder, level1.communicator), notes


def _masks(level1: Level1, terrain: Terrain, options: ProcessImage) -> Masks:
    """Find clouds and what goes with them.

    Raises
    ------
    NothingToProduce
        Where there is no data, or more cloud than allowed.
    """
    settings = MaskOptions(
        options.compat,
        options.cloud_threshold,
        options.shadow_threshold,
        options.cloud_buffer,
        options.cirrus_buffer,
        options.shadow_buffer,
        options.snow_buffer,
        options.max_cloud_cover,
        options.block_rows,
    )
    masks = find_masks(
        level1.toa,
        frozenset(level1.bands),
        level1.grid,
        level1.metadata.sensor,
        level1.map_angles,
        None if terrain.level else lambda start, stop: terrain.block(start, stop).elevation,
        None if terrain.level else lambda start, stop: np.degrees(np.arcsin(terrain.block(start, stop).tilt)),
        lambda start, stop: level1.saturated.read(start, stop) > 0,
        level1.scratch,
        settings,
        level1.communicator,
    )
    if masks.statistics.valid == 0:
        raise NothingToProduce("the image has no data: 0 % of its pixels are valid")
    if masks.cancelled:
        raise NothingToProduce(
            f"cloud and shadow cover {masks.statistics.cloud_cover:.2f} % of the valid pixels, more than "
            f"max-cloud-cover {options.max_cloud_cover:g}"
        )
    return masks


def _cover(level1: Level1, identity: Identity, masks: Masks) -> dict[str, Any]:
    found, metadata = masks.statistics, level1.metadata
    return {
        "sensor": metadata.sensor.id,
        "date": f"{identity.date:%Y-%m-%d}",
        "reference": metadata.reference,
        "data_percent": round(found.data_cover, 4),
        "water_percent": round(found.water_cover, 4),
        "snow_percent": round(found.snow_cover, 4),
        "cloud_percent": round(found.cloud_cover, 4),
    }


def _registered(
    level1: Level1, masks: Masks, base: Path | None, options: ProcessImage
) -> tuple[ImageGrid, dict[str, Any], str]:
    """Return the grid on which the image lies as its base does, figures of the match, and what went wrong."""
    if base is None:
        return level1.grid, {}, ""
    band = "BROADNIR" if level1.metadata.sensor.has("BROADNIR") else "NIR"

    def clear(start: int, stop: int) -> np.ndarray:
        reflectance = level1.toa(band, start, stop)
        reflectance[(masks.flags.read(start, stop) & CLOUDED) != 0] = np.nan
        return reflectance

    shift, note = find_shift(
        base, level1.metadata.time.date(), level1.grid, clear, options.coregistration_nodata, level1.communicator
    )
    if shift is None:
        return level1.grid, {"tie_points": 0}, note
    metres = level1.grid.resolution
    figures = {
        "tie_points": shift.ties,
        "shift_east_m": round(-shift.right * metres, 3),
        "shift_north_m": round(shift.down * metres, 3),
        "coregistration_rmse_pixels": round(shift.rmse, 4),
    }
    return moved(level1.grid, shift), figures, note


def _write_facts(
    path: Path, level1: Level1, identity: Identity, figures: dict[str, Any], options: ProcessImage
) -> None:
    """Write what is known of the image; its day is that of its name, which its centre may be seen after (UTC)."""
    metadata = level1.metadata
    facts = {
        "id": metadata.id,
        "sensor": metadata.sensor.id,
        "date": f"{identity.date:%Y%m%d}",
        "time": metadata.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reference": metadata.reference,
        "tier": metadata.tier,
        **_mean_angles(level1.angles),
        "quality": figures,
        "options": options.model_dump(mode="json", by_alias=True),
    }
    path.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _mean_angles(angles: Angles) -> dict[str, float]:
    """Return the directions to sun and satellite, in the mean over the image where it was seen, degrees."""
    seen = np.isfinite(angles.view_zenith) & np.isfinite(angles.sun_zenith)
    found: dict[str, float] = {}
    for name in ("sun", "view"):
        zenith, azimuth = (getattr(angles, f"{name}_{part}")[seen] for part in ("zenith", "azimuth"))
        mean = to_angles(to_vectors(zenith, azimuth).mean(axis=0))
        found |= {f"{name}_zenith": round(float(mean[0]), 3), f"{name}_azimuth": round(float(mean[1]), 3)}
    return found


def _write_layers(
    level1: Level1,
    terrain: Terrain,
    masks: Masks,
    air: Air,
    area: AreaOfInterest,
    grid: ImageGrid,
    product: Path,
    options: ProcessImage,
) -> None:
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


def _say(figures: dict[str, Any]) -> None:
    """Write the line that reports on FORCE's logs look for (specification section 1)."""
    cover = (figures["data_percent"], figures["water_percent"], figures["snow_percent"], figures["cloud_percent"])
    text = "dc: {:6.2f}%. wc: {:6.2f}%. sc: {:6.2f}%. cc: {:6.2f}%. ".format(*cover)
    if "aod_green" in figures:
        targets = f"{figures['water_targets']}/{figures['vegetation_targets']}"
        text += f"AOD: {figures['aod_green']:06.4f}. # of targets: {targets}. "
    log.info("%sSuccess!", text)
