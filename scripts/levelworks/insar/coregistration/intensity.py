"""The mean intensity of a date on the radar cells of a frame (HDF5)."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.mosaic.mosaic import Mosaic

FILE_NAME = "mli.h5"


def sum_intensity(pixels: np.ndarray, looks: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Sum the power of whole cells.

    Parameters
    ----------
    pixels : ndarray, shape (lines, samples), complex64
        0 where there is none; a whole number of cells.
    looks : tuple of int
        Lines and samples of a cell.

    Returns
    -------
    power : ndarray, shape (rows, columns), float32
        Sums of squared amplitudes.
    count : ndarray, shape (rows, columns), int32
        Of pixels.
    """
    rows, columns = pixels.shape[0] // looks[0], pixels.shape[1] // looks[1]
    square = (pixels.real**2 + pixels.imag**2).reshape(rows, looks[0], columns, looks[1])
    return square.sum((1, 3), dtype=np.float32), np.count_nonzero(square, (1, 3)).astype(np.int32)


def write_intensity(
    folder: Path, mosaic: Mosaic, parts: dict[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[float, float]:
    """Write the mean intensity of all bursts by the parts that the mosaic takes of them.

    Parameters
    ----------
    folder : Path
        Of a date's bursts.
    mosaic : Mosaic
    parts : dict of str to (ndarray, ndarray)
        By burst: sums of power and counts (`sum_intensity`).

    Returns
    -------
    mean, coverage : float
        Of the cells with pixels; their share.
    """
    power, count = np.zeros(mosaic.shape, np.float32), np.zeros(mosaic.shape, np.int32)
    for place in mosaic.placements:
        if place.key in parts:
            cells = place.cells(mosaic.looks)
            power[cells], count[cells] = parts[place.key]
    there = count > 0
    mean = np.where(there, power / np.maximum(count, 1), np.nan).astype(np.float32)
    with h5py.File(folder / FILE_NAME, "w", track_order=True) as file:
        for name, values in (("power", mean), ("count", count)):
            file.create_dataset(name, data=values, shuffle=True, compression="gzip", compression_opts=1)
        file["power"].attrs["units"] = "squared digital numbers"
    return float(mean[there].mean()) if there.any() else 0.0, float(there.mean())


def read_intensity(folder: Path) -> np.ndarray:
    """Read the mean intensity of a date (rows, columns), float32, NaN without data.

    Raises
    ------
    InvalidInput
        Where the file is damaged.
    """
    try:
        with h5py.File(folder / FILE_NAME) as file:
            return np.asarray(file["power"][()])
    except (OSError, KeyError) as error:
        raise InvalidInput(f"{folder / FILE_NAME} is no intensity ({error}): run coregister again") from None
