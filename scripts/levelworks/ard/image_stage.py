"""The stage `process-image`: a Level-1 image to surface reflectance with quality bits, in blocks of rows on ranks."""

from __future__ import annotations

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
from levelworks.ard.image_atmosphere import find_air
from levelworks.ard.image_blocks import write_layers
from levelworks.ard.image_facts import cover_figures, write_facts
from levelworks.ard.image_options import ProcessImage
from levelworks.ard.level1 import Level1
from levelworks.ard.masks.find_masks import find_masks
from levelworks.ard.masks.settings import MaskOptions, Masks
from levelworks.ard.names import identify, is_archive
from levelworks.ard.readers.archives import unpack
from levelworks.ard.readers.open_image import open_image
from levelworks.ard.registration.coregister import find_shift, moved
from levelworks.ard.resolution.block_merge import merge_resolutions
from levelworks.ard.scene import ImageGrid
from levelworks.ard.scratch import Scratch
from levelworks.ard.terrain.elevation import find_elevation_model, warp_elevation
from levelworks.ard.terrain.illumination import Terrain
from levelworks.core import mpi
from levelworks.core.mpi import Communicator
from levelworks.core.outcome import NothingToProduce, Outcome

log = logging.getLogger("levelworks")

CLOUDED = 0b1110
"""Quality bits of cloud of any state, and of shadow."""


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
        figures = cover_figures(level1, identity, masks)
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
                write_facts(product / FACTS, level1, identity, figures, options)
        # Polygons are laid over the grid that co-registration found.
        write_layers(level1, terrain, masks, air, replace(area, grid=grid), grid, product, options)
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
        None if terrain.level else terrain.elevation,
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


def _say(figures: dict[str, Any]) -> None:
    """Write the line that reports on FORCE's logs look for (specification section 1)."""
    cover = (figures["data_percent"], figures["water_percent"], figures["snow_percent"], figures["cloud_percent"])
    text = "dc: {:6.2f}%. wc: {:6.2f}%. sc: {:6.2f}%. cc: {:6.2f}%. ".format(*cover)
    if "aod_green" in figures:
        targets = f"{figures['water_targets']}/{figures['vegetation_targets']}"
        text += f"AOD: {figures['aod_green']:06.4f}. # of targets: {targets}. "
    log.info("%sSuccess!", text)
