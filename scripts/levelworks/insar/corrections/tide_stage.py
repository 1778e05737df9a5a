"""The stage `geocode-tide`: the solid Earth's tide of a date along the line of sight (specs/insar.md 4.17)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import Outcome
from levelworks.core.record import described_product
from levelworks.insar.corrections.atmosphere_options import GeocodeTide
from levelworks.insar.corrections.earth_tide import earth_tide
from levelworks.insar.corrections.layers import read_layer
from levelworks.insar.frames.frame import FrameGrid, read_frame
from levelworks.insar.geocoding.geotiffs import write_raster
from levelworks.insar.geocoding.lookup import cell_centres
from levelworks.insar.geometry.ellipsoid import to_cartesian
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_files import read_acquisition_file

LATTICE = 0.1
"""Degrees between places at which the tide is computed: between them it is linear to a thousandth of a millimetre."""
DIRECTIONS = ("E", "N", "U")


def geocode_tide(
    frame: Path,
    acquisition: Path,
    geometry: Path,
    *,
    tide: Path,
    options: GeocodeTide,  # noqa: ARG001 - of the contract
) -> Outcome:
    """Write the displacement by the solid Earth's tide at the middle of a pass, in metres towards the satellite.

    What LiCSAR publishes as ``epochs/<date>/<date>.tide.geo.tif``: the phase of a pair has
    ``4 pi / wavelength * (tide of the first date - tide of the second)``.

    Parameters
    ----------
    frame : Path
    acquisition : Path
        Of the date: its time.
    geometry : Path
        Folder of `geocode-geometry`, or the record beside it.
    tide : Path
        GeoTIFF (float32, m, NaN where the frame sees nothing) that is written.
    """
    wanted, folder = read_frame(frame), described_product(geometry)
    for path in (acquisition, folder):
        refuse_flagged(path)
    found = read_acquisition_file(acquisition)
    time = middle_of(found)
    sight = [read_layer(folder / f"{wanted.frame}.geo.{name}.tif", wanted.grid) for name in DIRECTIONS]
    parts = tide_on_grid(wanted.grid, time)
    along = sum(part * direction for part, direction in zip(parts, sight, strict=True))
    write_raster(
        tide, [np.asarray(along, np.float32)], wanted.grid, nodata=float("nan"), units="m",
        tags={"DATE": found.date, "SIGN": "positive towards the satellite", "TIME": f"{time:%Y-%m-%dT%H:%M:%SZ}"},
    )  # fmt: skip
    known = np.isfinite(along)
    shown = along[known].astype(np.float64) if known.any() else np.array([np.nan])
    quality = {
        "time": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "mean_m": float(shown.mean()) if known.any() else None,
        "range_over_frame_m": float(np.ptp(shown)) if known.any() else None,
    }
    return Outcome(quality=quality)


def middle_of(acquisition: Acquisition) -> dt.datetime:
    """Return the middle of a pass, UTC."""
    midnight = dt.datetime.combine(acquisition.epoch, dt.time(), dt.UTC)
    return midnight + dt.timedelta(seconds=sum(acquisition.span) / 2)


def tide_on_grid(grid: FrameGrid, time: dt.datetime) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the tide's displacement on a frame's grid.

    Returns
    -------
    tuple of ndarray, shape (rows, columns)
        East, north, up, m.
    """
    latitudes, longitudes = cell_centres(grid)
    rows, columns = (_lattice(one) for one in (latitudes, longitudes))
    moved = earth_tide(to_cartesian(rows[:, None], columns[None, :], 0.0), time)
    phi, lam = np.radians(rows)[:, None], np.radians(columns)[None, :]
    east = -np.sin(lam) * moved[..., 0] + np.cos(lam) * moved[..., 1]
    outwards = np.cos(lam) * moved[..., 0] + np.sin(lam) * moved[..., 1]
    north = np.cos(phi) * moved[..., 2] - np.sin(phi) * outwards
    up = np.cos(phi) * outwards + np.sin(phi) * moved[..., 2]
    down, across = _weights(latitudes, rows), _weights(longitudes, columns)
    one, two, three = (down @ part @ across.T for part in (east, north, up))
    return one, two, three


def _lattice(centres: np.ndarray) -> np.ndarray:
    """Return places from the least to the greatest centre."""
    least, most = float(centres.min()), float(centres.max())
    return np.linspace(least, most, max(int(np.ceil((most - least) / LATTICE)), 1) + 1)


def _weights(at: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the matrix (len(at), len(places)) of linear interpolation."""
    identity = np.eye(len(places))
    return np.stack([np.interp(at, places, column) for column in identity], axis=1)
