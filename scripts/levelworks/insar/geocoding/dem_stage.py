"""The stage `prepare-dem`: elevation models to ellipsoidal heights around a frame."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import InvalidOptions, InvalidReference, Outcome, Status
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geocoding.dem_options import PrepareDem
from levelworks.insar.geocoding.frame_heights import frame_window, read_heights
from levelworks.insar.geocoding.geotiffs import write_geotiff

TAKEN = {"sea-level": "0 m is taken there", "interpolate": "heights are interpolated there"}


def prepare_dem(frame: Path, elevation: Path, geoid: Path | None, *, heights: Path, options: PrepareDem) -> Outcome:
    """Bring an elevation model to ellipsoidal heights in EPSG:4326 around a frame.

    Parameters
    ----------
    frame : Path
    elevation : Path
        File or folder of tiles in any projection; of several tiles the first that has a height is taken.
    geoid : Path or None
        Raster of the geoid's height above the ellipsoid (m), added; None where heights are ellipsoidal already.
    heights : Path
        GeoTIFF (float32, m) that is written.

    Raises
    ------
    InvalidOptions
        Where the geoid is named twice.
    InvalidReference
        Where the model can't be read or has no heights of most of the frame.
    """
    if geoid is not None and options.geoid_height:
        raise InvalidOptions(f"geoid-height is {options.geoid_height:g} m, and {geoid} is named too: leave one of them")
    grid = read_frame(frame).grid
    window = frame_window(elevation, grid, options.margin, options.step)
    found = read_heights(elevation, geoid or options.geoid_height, grid, window, options.void)
    if found.void_share > options.most_void:
        raise InvalidReference(
            f"{elevation} has no height in {found.void_share:.0%} of the frame: stage one that covers it"
        )
    from rasterio.transform import Affine

    west, north = window.west - window.step_east / 2, window.north + window.step_south / 2
    transform = Affine(window.step_east, 0.0, west, 0.0, -window.step_south, north)
    write_geotiff(heights, [found.heights], transform, nodata=float("nan"), units="m")
    quality = {
        "height_min_m": float(found.heights.min()),
        "height_max_m": float(found.heights.max()),
        "step_deg": window.step_south,
        "void_share": found.void_share,
        "geoid": geoid.name if geoid is not None else options.geoid_height,
    }
    warnings = []
    if found.void_share > 0:
        warnings.append(f"{elevation.name} has no height in {found.void_share:.2%} of the frame: {TAKEN[options.void]}")
    if geoid is None and options.geoid_height == 0:
        warnings.append("heights are taken as ellipsoidal: name a geoid where the model counts from the sea")
    return Outcome(Status.DONE, quality=quality, warnings=tuple(warnings))
