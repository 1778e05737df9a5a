"""Light from the surroundings of a pixel: what clear ground reflects, seen through the environment functions of 6S."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from levelworks.ard.atmosphere.forward import environment_fraction
from levelworks.ard.scene import ImageGrid, field_step
from levelworks.ard.surface.adjacency_kernels import UNITS, add_clear
from levelworks.ard.surface.field import AtmosphereField
from levelworks.ard.surface.field_kernels import ALBEDO, ALBEDO_RISE, GAIN, GAIN_RISE, OFFSET, OFFSET_RISE

REACH = 40.0
"""Kilometres from which light comes; the 4 % of what molecules scatter from beyond is taken to be alike."""
NEAR, PARTS = 3, 9
"""Cells to either side whose weight is the sum over their parts, and parts along a side; others are taken at once."""
FEW = 1e-3
"""Weight of the scene's mean among what fills a cloud: it decides where nothing clear is in reach."""
ITERATIONS = 3
"""Of inversion and surroundings: each is known from the other."""
ROWS = 64
"""Of the field whose coefficients are made at a time."""


class ClearCells:
    """Sums over the clear pixels in the cells of an image's field; blocks of rows are added in any order.

    Parameters
    ----------
    grid : ImageGrid
    bands : int
        Number of bands, those of the field.
    """

    def __init__(self, grid: ImageGrid, bands: int) -> None:
        self.step = field_step(grid)
        shape = grid.coarser(self.step).shape
        self.sums = np.zeros((bands, *shape), np.int32)
        self.counts = np.zeros((2, *shape), np.int32)

    def add(self, toa: np.ndarray, clear: np.ndarray, start: int) -> None:
        """Add the rows that begin at `start`: shape (bands, rows, columns), NaN where off, and where they are clear."""
        add_clear(
            np.ascontiguousarray(toa, np.float32), clear.astype(np.bool_), start, self.step, self.sums, self.counts
        )

    def merge(self, others: ClearCells) -> None:
        """Add the sums of another rank."""
        self.sums += others.sums
        self.counts += others.counts

    @property
    def toa(self) -> np.ndarray:
        """Return the mean of each cell's clear pixels, shape (bands, rows, columns), NaN where there is none."""
        scale = 1.0 / (float(UNITS) * np.where(self.counts[0] > 0, self.counts[0], np.nan))
        return (self.sums * scale).astype(np.float32)

    @property
    def clear_share(self) -> np.ndarray:
        """Return the clear part of what a cell has data of, shape (rows, columns), float64; 0 without any."""
        return np.asarray(self.counts[0] / np.maximum(self.counts[1], 1))


def environment_weights(spacing: float, molecules: float, aerosol: float, reach: float = REACH) -> np.ndarray:
    """Return the share of each cell in what is scattered into the view of the middle one.

    The ring at r has ``dF(r)``, spread evenly over ``2 pi r dr`` (Vermote et al. 1997; spec section 11).

    Parameters
    ----------
    spacing : float
        Metres between cells.
    molecules, aerosol : float
        Optical depths.
    reach : float
        Kilometres.

    Returns
    -------
    ndarray, shape (2 n + 1, 2 n + 1), float64
        Sum 1.
    """
    many, size = max(1, int(np.ceil(1000.0 * reach / spacing))), spacing / 1000.0
    places = size * np.arange(-many, many + 1)
    radius = np.hypot(places[:, None], places[None, :])
    weights = _density(radius, molecules, aerosol) * size**2
    weights[radius > reach] = 0.0
    near = min(NEAR, many)
    fine = size / PARTS * (np.arange((2 * near + 1) * PARTS) - ((2 * near + 1) * PARTS - 1) / 2)
    radius = np.hypot(fine[:, None], fine[None, :])
    parts = _density(radius, molecules, aerosol) * (size / PARTS) ** 2
    parts[radius.shape[0] // 2, radius.shape[0] // 2] = environment_fraction(
        size / PARTS / np.sqrt(np.pi), molecules, aerosol
    )
    about = slice(many - near, many + near + 1)
    weights[about, about] = parts.reshape(2 * near + 1, PARTS, 2 * near + 1, PARTS).sum(axis=(1, 3))
    return np.asarray(weights / weights.sum())


def _density(radius: np.ndarray, molecules: float, aerosol: float) -> np.ndarray:
    """Return the weight of a square kilometre at a radius (km): the slope of F over the ring's length."""
    width = 1e-3
    further, nearer = (environment_fraction(radius + side, molecules, aerosol) for side in (width, -width))
    return np.asarray((further - nearer) / (2 * width) / (2 * np.pi * np.maximum(radius, width)))


class _Surroundings:
    """Weighted means over the surroundings of all cells, by Fourier transforms over the image and a margin about it.

    Parameters
    ----------
    shape : tuple of int
        Of the field.
    spacing : float
        Metres between cells.
    """

    def __init__(self, shape: tuple[int, int], spacing: float) -> None:
        from scipy.fft import next_fast_len, rfft2

        self.shape = shape
        self._kernels = []
        for depths in ((1.0, 0.0), (0.0, 1.0)):
            weights = environment_weights(spacing, *depths)
            self.margin = weights.shape[0] // 2
            self.size = tuple(next_fast_len(one + 2 * self.margin, real=True) for one in shape)
            # What wraps round falls on the margin, whose own surroundings don't matter.
            whole = np.zeros(self.size)
            whole[: weights.shape[0], : weights.shape[1]] = weights
            self._kernels.append(rfft2(np.roll(whole, (-self.margin, -self.margin), axis=(0, 1))))
        self._image = tuple(slice(self.margin, self.margin + one) for one in shape)

    def _spread(self, values: np.ndarray, kinds: Sequence[int]) -> list[np.ndarray]:
        """Return weighted means of values of the whole size; kind 0 as molecules scatter, 1 as aerosol."""
        from scipy.fft import irfft2, rfft2

        spectrum = rfft2(values)
        return [np.asarray(irfft2(spectrum * self._kernels[kind], self.size)) for kind in kinds]

    def filled(self, values: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Return values with a margin; what is clear in part or not at all takes from the clear cells about it."""
        known, weight = np.zeros(self.size), np.zeros(self.size)
        known[self._image] = np.where(share > 0, values, 0.0)
        weight[self._image] = share
        mean = float((weight * known).sum() / weight.sum())
        (above,), (below,) = self._spread(weight * known, [1]), self._spread(weight, [1])
        around = (above + FEW * mean) / (np.maximum(below, 0.0) + FEW)
        whole = weight * known + (1 - weight) * around
        # Transforms are exact but for rounding: what is even stays even to the last bit.
        return np.clip(whole, values[share > 0].min(), values[share > 0].max())

    def mean(self, whole: np.ndarray, aerosol: np.ndarray) -> np.ndarray:
        """Return the weighted mean about the cells of the image; `aerosol` is its part in what scatters."""
        molecules, particles = (one[self._image] for one in self._spread(whole, [0, 1]))
        return np.clip(molecules + aerosol * (particles - molecules), whole.min(), whole.max())


def background_reflectance(field: AtmosphereField, cells: ClearCells) -> np.ndarray:
    """Return what the surroundings of each cell reflect.

    Cell means are inverted as if they were uniform; clouds, and what lies beyond the image, filled from clear cells
    about them; all averaged with the weights of each band's scattering by molecules and aerosol; and inverted again
    with these surroundings.

    Parameters
    ----------
    field : AtmosphereField
        Without a background.
    cells : ClearCells
        Of the field's bands.

    Returns
    -------
    ndarray, shape (bands, rows, columns), float32
        Of a uniform scene: exactly its reflectance. NaN in all bands where nothing is clear at all.
    """
    toa = cells.toa
    if not cells.counts[0].any():
        return np.full(toa.shape, np.nan, np.float32)
    surroundings = _Surroundings(field.shape, cells.step * field.grid.resolution)
    aerosol = field.aerosol_share()
    found = None
    for _ in range(ITERATIONS):
        surface = invert_cells(field.with_background(found), toa)
        found = np.empty_like(surface)
        for band in range(surface.shape[0]):
            whole = surroundings.filled(surface[band].astype(np.float64), cells.clear_share)
            found[band] = surroundings.mean(whole, aerosol[band])
    return np.asarray(found)


def invert_cells(field: AtmosphereField, toa: np.ndarray) -> np.ndarray:
    """Return the surface reflectance of the field's cells, shape (bands, rows, columns), from that at the top."""
    result = np.empty(toa.shape, np.float32)
    for first in range(0, toa.shape[1], ROWS):
        last = min(first + ROWS, toa.shape[1])
        found = field.coefficients(first, last, variance=False)
        height = field.cells[4, first:last]
        signal = toa[:, first:last] * (found[:, GAIN] + found[:, GAIN_RISE] * height)
        signal -= found[:, OFFSET] + found[:, OFFSET_RISE] * height
        albedo = found[:, ALBEDO] + found[:, ALBEDO_RISE] * height
        result[:, first:last] = signal / (1 + albedo * signal)
    return result
