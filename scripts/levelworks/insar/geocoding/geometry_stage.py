"""The stage `geocode-geometry`: lookup, line of sight, heights and land on the geographic grid of a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.mpi import split, together, world
from levelworks.core.outcome import InvalidReference, Outcome, Status
from levelworks.insar.frames.frame import FrameGrid, read_frame
from levelworks.insar.geocoding.geometry_options import GeocodeGeometry
from levelworks.insar.geocoding.geotiffs import write_raster
from levelworks.insar.geocoding.lookup import NAMES, GeoGeometry, locate_rows, write_lookup
from levelworks.insar.geocoding.terrain_mask import flag_ground, ground_lines, mask_grid
from levelworks.insar.geocoding.terrain_mask_kernels import BOTH, LAYOVER, SHADOW
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.mosaic.geometry_stage import read_reference
from levelworks.insar.safe.acquisition_orbits import acquisition_arc

LICSAR_NAMES = {"E": "east", "N": "north", "U": "up", "inc": "incidence", "hgt": "height"}
UNITS = {"E": "1", "N": "1", "U": "1", "inc": "degrees", "hgt": "m above the ellipsoid"}
LAND = 1


def geocode_geometry(
    frame: Path,
    reference: Path,
    heights: Path,
    geometry: Path,
    land: Path | None,
    *,
    folder: Path,
    options: GeocodeGeometry,
) -> Outcome:
    """Locate the geographic grid of a frame in its reference's radar grid; rows and lines are shared among ranks.

    Parameters
    ----------
    frame : Path
    reference : Path
        Acquisition of the reference date.
    heights : Path
        GeoTIFF of ellipsoidal heights of `prepare-dem`.
    geometry : Path
        Of `reference-geometry`.
    land : Path or None
        Raster of land (not 0) in any projection.
    folder : Path
        That is written: ``lookup.tif`` and ``<frame>.geo.{E,N,U,inc,hgt,landmask,lsmask}.tif``; of ``lsmask``
        0 is no data, 1 is fine, 2 layover, 3 shadow, 4 both.

    Raises
    ------
    InvalidReference
        Where the frame's bursts see no cell of its grid, or the mask of land can't be read.
    """
    wanted = read_frame(frame)
    found = read_reference(wanted, reference)
    ranks = world()
    with together(ranks):
        mosaic, elevation, arc = read_mosaic(geometry), read_elevation(heights), acquisition_arc(found)
        mine = locate_rows(wanted.grid, split(wanted.grid.shape[0], ranks.size, ranks.rank), elevation, arc, mosaic)
        lines = ground_lines(mosaic, elevation, wanted.grid.step)
        flags = flag_ground(lines, split(lines.times.size, ranks.size, ranks.rank), elevation, arc)
    parts, all_flags = ranks.gather(mine), ranks.gather(flags)
    if parts is None or all_flags is None:
        return Outcome()
    whole = GeoGeometry(*(np.concatenate([getattr(part, name) for part in parts]) for name in NAMES))
    seen = np.isfinite(whole.row)
    if not seen.any():
        raise InvalidReference(f"the bursts of {wanted.frame} see no cell of its grid: see its bounds and {heights}")
    folder.mkdir()
    write_lookup(folder, whole, wanted.grid)
    for name, field in LICSAR_NAMES.items():
        path = folder / f"{wanted.frame}.geo.{name}.tif"
        write_raster(path, [getattr(whole, field)], wanted.grid, nodata=float("nan"), units=UNITS[name])
    dry = _land(land, whole, wanted.grid, options)
    path = folder / f"{wanted.frame}.geo.landmask.tif"
    write_raster(path, [np.where(seen & dry, LAND, 0).astype(np.uint8)], wanted.grid, nodata=0, units="1 land")
    mask = np.where(seen, mask_grid(lines, np.concatenate(all_flags), wanted.grid, arc), 0).astype(np.uint8)
    path = folder / f"{wanted.frame}.geo.lsmask.tif"
    write_raster(path, [mask], wanted.grid, nodata=0, units="1 fine, 2 layover, 3 shadow, 4 both")
    quality = {
        "coverage": float(seen.mean()),
        "land": float(dry[seen].mean()),
        "layover": float(np.isin(mask[seen], (LAYOVER, BOTH)).mean()),
        "shadow": float(np.isin(mask[seen], (SHADOW, BOTH)).mean()),
        "incidence_mean_deg": float(np.nanmean(whole.incidence.astype(np.float64))),
    }
    nothing = land is None and options.sea_level is None
    return Outcome(Status.DONE, quality=quality, warnings=("no mask of land: all is land",) if nothing else ())


def _land(path: Path | None, geometry: GeoGeometry, grid: FrameGrid, options: GeocodeGeometry) -> np.ndarray:
    """Return where there is land."""
    if path is None:
        if options.sea_level is None:
            return np.isfinite(geometry.height)
        with np.errstate(invalid="ignore"):
            return np.asarray(geometry.height > options.sea_level)
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.transform import Affine
    from rasterio.warp import Resampling, reproject

    result = np.zeros(grid.shape, np.uint8)
    try:
        with rasterio.open(path) as file:
            reproject(
                (file.read(1) != 0).astype(np.uint8),
                result,
                src_transform=file.transform,
                src_crs=file.crs,
                dst_transform=Affine(grid.step, 0.0, grid.west, 0.0, -grid.step, grid.north),
                dst_crs="EPSG:4326",
                resampling=Resampling.nearest,
            )
    except RasterioError as error:
        raise InvalidReference(f"{path} can't be read as a mask of land ({error})") from None
    return result == 1
