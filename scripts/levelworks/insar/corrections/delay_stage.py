"""The stage `geocode-delay`: the tropospheric delay of a date along the line of sight (specs/insar.md 4.17)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import InvalidInput, Outcome
from levelworks.core.record import described_product
from levelworks.insar.corrections.atmosphere_options import GeocodeDelay
from levelworks.insar.corrections.layers import read_layer
from levelworks.insar.corrections.zenith_delay import ZenithDelay, read_zenith_delay
from levelworks.insar.frames.frame import FrameGrid, read_frame
from levelworks.insar.geocoding.geotiffs import write_raster
from levelworks.insar.geocoding.lookup import cell_centres
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_files import read_acquisition_file

NO_DELAY = 0.0
"""Where there is none: a delay itself is hundreds of radians."""
DAY = 24.0
HOUR = 3600.0


def geocode_delay(
    frame: Path, acquisition: Path, geometry: Path, zenith: list[Path], *, delay: Path, options: GeocodeDelay
) -> Outcome:
    """Write the slant delay of a date on the frame's grid, in radians of two-way phase.

    ``4 pi / wavelength * zenith delay / U``, U the vertical part of the unit vector to the satellite: what LiCSAR
    publishes as ``epochs/<date>/<date>.sltd.geo.tif`` and LiCSBAS 03 takes (positive; secondary less reference is
    taken off the phase).

    Parameters
    ----------
    frame : Path
    acquisition : Path
        Of the date: wavelength and time.
    geometry : Path
        Folder of `geocode-geometry`, or the record beside it.
    zenith : list of Path
        ``<date>.ztd`` and ``<date>.ztd.rsc``, or ``<date>.ztd.tif``.
    delay : Path
        GeoTIFF (float32, rad, 0 where the frame sees nothing or there is no delay) that is written: LiCSBAS 03 warps
        with 0 as no data, and spreads NaN to neighbours.

    Raises
    ------
    InvalidInput
        Where the files are damaged or don't span the frame.
    """
    wanted = read_frame(frame)
    for path in (acquisition, described_product(geometry)):
        refuse_flagged(path)
    found = read_acquisition_file(acquisition)
    up = read_layer(described_product(geometry) / f"{wanted.frame}.geo.U.tif", wanted.grid)
    vertical = read_zenith_delay(zenith)
    seen = np.isfinite(up) & (up > 0)
    values = _on_grid(vertical, wanted.grid, seen, zenith[0])
    slant = slant_delay(values, np.where(seen, up, np.nan), found.bursts[0].wavelength)
    apart = hours_apart(vertical.hour, found)
    late = apart is not None and apart > options.time_tolerance
    known = np.isfinite(slant)
    write_raster(
        delay, [np.where(known, slant, np.float32(NO_DELAY))], wanted.grid, nodata=NO_DELAY, units="rad",
        tags={"DATE": found.date, "PHASE_SIGN": "positive for a longer path"},
    )  # fmt: skip
    quality = {
        "state": "degraded" if late else "done",
        "coverage_of_frame": float(known.sum() / max(seen.sum(), 1)),
        "zenith_mean_m": float(values[known].mean()) if known.any() else None,
        "slant_mean_rad": float(slant[known].mean(dtype=np.float64)) if known.any() else None,
        "hours_from_pass": apart,
    }
    if not known.any():
        raise InvalidInput(f"{zenith[0]} holds no delay where the frame {wanted.frame} sees the ground")
    said = (f"{zenith[0].name} is of {vertical.hour:g} h UTC, {apart:.1f} h from the pass",) if late else ()
    return Outcome(quality=quality, warnings=said)


def slant_delay(zenith: np.ndarray, up: np.ndarray, wavelength: float) -> np.ndarray:
    """Return the two-way phase (rad, float32) of zenith delays (m) along lines of sight of vertical part ``up``."""
    return (4 * np.pi / wavelength * zenith / up).astype(np.float32)


def hours_apart(hour: float | None, acquisition: Acquisition) -> float | None:
    """Return the hours from a time of day (UTC) to the middle of a pass; None where the time is not known."""
    if hour is None:
        return None
    middle = sum(acquisition.span) / 2 / HOUR
    apart = abs(hour - middle) % DAY
    return min(apart, DAY - apart)


def _on_grid(vertical: ZenithDelay, grid: FrameGrid, seen: np.ndarray, path: Path) -> np.ndarray:
    """Return zenith delays (m) on a frame's grid; refuse those that end before the frame does."""
    latitudes, longitudes = cell_centres(grid)
    rows, columns = vertical.inside(latitudes, longitudes)
    missed = int(np.count_nonzero(seen & ~(rows[:, None] & columns[None, :])))
    if missed:
        raise InvalidInput(
            f"{path} ends before the frame does, {missed / np.count_nonzero(seen):.1%} of whose cells it misses: ask "
            f"GACOS for {grid.south:g} to {grid.north:g} north, {grid.west:g} to {grid.east:g} east"
        )
    return vertical.at(latitudes, longitudes)
