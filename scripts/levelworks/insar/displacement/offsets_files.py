"""Dense offsets of a pair as files: on their own radar grid (HDF5), and on the geographic grid (GeoTIFF)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.displacement.patch_grid import PatchGrid
from levelworks.insar.frames.frame import FrameGrid
from levelworks.insar.geocoding.geotiffs import write_raster
from levelworks.insar.geocoding.interpolation import geocode_values
from levelworks.insar.mosaic.mosaic import Mosaic

FILE_NAME = "offsets.h5"
LAYERS = {
    "rng": "m, along slant range, positive away from the sensor",
    "azi": "m, along the ground track, positive along the flight",
    "rng_sigma": "m",
    "azi_sigma": "m",
    "tracking_corr": "1, normalised correlation of amplitudes",
    "ratio": "1, squared height of the peak above the mean away from it, over the variance there",
}
GEOCODED = ("rng", "azi", "rng_sigma", "azi_sigma", "tracking_corr")
LIMITS = {"rng_sigma": (0.0, np.inf), "azi_sigma": (0.0, np.inf), "tracking_corr": (0.0, 1.0)}


@dataclass(frozen=True)
class PairOffsetMap:
    """Offsets of a pair on its grid of patches, (rows, columns) float32 each by the names of ``LAYERS``.

    ``constant`` is what coregistration took out of them all: metres along range and along track.
    """

    pair: str
    layers: dict[str, np.ndarray]
    grid: PatchGrid
    constant: tuple[float, float]


def write_offsets(folder: Path, offsets: PairOffsetMap) -> None:
    """Write the offsets on their radar grid; the same ones give the same bytes."""
    with h5py.File(folder / FILE_NAME, "w", track_order=True) as file:
        file.attrs["pair"] = offsets.pair
        file.attrs["window"], file.attrs["steps"] = offsets.grid.layout.window, offsets.grid.layout.steps
        file.attrs["first_middle"] = [float(offsets.grid.middles(axis, np.zeros(()))) for axis in (0, 1)]
        file.attrs["taken_out_by_coregistration"] = offsets.constant
        for name, meaning in LAYERS.items():
            layer = file.create_dataset(
                name, data=offsets.layers[name], shuffle=True, compression="gzip", compression_opts=1
            )
            layer.attrs["units"] = meaning


def read_offsets(folder: Path) -> dict[str, np.ndarray]:
    """Read the layers of offsets on their radar grid.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    try:
        with h5py.File(folder / FILE_NAME) as file:
            return {name: np.asarray(file[name][()]) for name in LAYERS}
    except (OSError, KeyError) as error:
        raise InvalidInput(
            f"{folder / FILE_NAME} holds no offsets ({error}): run estimate-azimuth-offsets again"
        ) from None


def geocode_offsets(folder: Path, offsets: PairOffsetMap, lookup: np.ndarray, mosaic: Mosaic, grid: FrameGrid) -> float:
    """Write the offsets on a frame's grid, ``<pair>.geo.{rng,azi,rng_sigma,azi_sigma,tracking_corr}.tif``.

    Parameters
    ----------
    folder : Path
    offsets : PairOffsetMap
    lookup : ndarray, shape (2, rows, columns), float32
        Rows and columns of radar cells.
    mosaic : Mosaic
        Whose cells they are.
    grid : FrameGrid

    Returns
    -------
    float
        Share of the cells that the frame sees that have offsets.
    """
    places = np.stack(
        [
            offsets.grid.numbers(axis, (axis_lookup + 0.5) * mosaic.looks[axis] - 0.5)
            for axis, axis_lookup in enumerate(lookup.astype(np.float64))
        ]
    ).astype(np.float32)
    coverage = 0.0
    for name in GEOCODED:
        values = geocode_values(offsets.layers[name], places, LIMITS.get(name, (-np.inf, np.inf)))
        tags = {"PAIR": offsets.pair, "MEANING": LAYERS[name]}
        if name in ("rng", "azi"):
            coverage = float(np.isfinite(values).sum() / max(np.isfinite(lookup[0]).sum(), 1))
            constant = offsets.constant[("rng", "azi").index(name)]
            tags["TAKEN_OUT_BY_COREGISTRATION_M"] = f"{constant:.6f}"
        path = folder / f"{offsets.pair}.geo.{name}.tif"
        write_raster(path, [values], grid, nodata=np.nan, units=LAYERS[name].split(",")[0], tags=tags)
    return coverage
