"""Cosmic rays in a simulated frame: where they hit, the charge they leave, and the tails behind bright ones.

The charge and shape model is that of emccd_detect 2.6.2 (coronagraph spec, section 10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.stats import landau

LANDAU_LOCATION = 1590.0
LANDAU_SCALE = 550.0
CHARGE_LIMIT = 1.0e4
"""Electrons at which the Landau distribution, which has no mean, is cut off; the mean is then 2350."""

DIFFUSION_WIDTH = 8.0 / 13.0
"""Standard deviation of the lateral width, pixels of 13 um."""

SECONDARY_SHARE = 1.0 - np.exp(-10.0 / 96.0)
"""Share of rays that free a secondary electron in 10 mm of tungsten-copper with a mean free path of 96 mm."""

SECONDARY_CHARGE = 795.0

TAIL_LENGTH = 40
TAIL_FULL_GAIN = 1000.0

_NARROWEST = 0.05
_MOST_GRAZING = 0.05
_OVERSAMPLING = 10


@dataclass(frozen=True)
class CosmicRayHits:
    """Hits of one exposure; all arrays of shape (n,), float64.

    Attributes
    ----------
    rows, columns : ndarray
        Position in the image region, pixels; whole numbers are pixel centres.
    charges : ndarray
        Electrons deposited.
    widths : ndarray
        Standard deviation across the track, pixels.
    stretches : ndarray
        Ratio of the standard deviation along the track to that across, 1 / cos(incidence).
    azimuths : ndarray
        Direction of the track, radians from the row direction towards the column direction.
    """

    rows: np.ndarray
    columns: np.ndarray
    charges: np.ndarray
    widths: np.ndarray
    stretches: np.ndarray
    azimuths: np.ndarray


def draw_charges(number: int, generator: np.random.Generator) -> np.ndarray:
    """Draw the charges of primary rays, in electrons: Landau, cut off at ``CHARGE_LIMIT``; shape (number,)."""
    law = landau(LANDAU_LOCATION, LANDAU_SCALE)
    return np.maximum(law.ppf(generator.random(number) * law.cdf(CHARGE_LIMIT)), 0.0)


def draw_hits(shape: tuple[int, int], mean_number: float, generator: np.random.Generator) -> CosmicRayHits:
    """Draw the hits of one exposure, secondaries included.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image region, over which hits are uniform.
    mean_number : float
        Primary rays expected: rate times area times exposure time.
    generator : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    CosmicRayHits
        Primaries first. The flux is isotropic, so that cos(incidence) is the root of a uniform number.
    """
    primaries = int(generator.poisson(mean_number))
    secondaries = int(generator.binomial(primaries, SECONDARY_SHARE))
    number = primaries + secondaries
    charges = np.concatenate(
        [draw_charges(primaries, generator), generator.poisson(SECONDARY_CHARGE, secondaries).astype(np.float64)]
    )
    return CosmicRayHits(
        rows=generator.random(number) * shape[0] - 0.5,
        columns=generator.random(number) * shape[1] - 0.5,
        charges=charges,
        widths=np.maximum(np.abs(generator.normal(0.0, DIFFUSION_WIDTH, number)), _NARROWEST),
        stretches=1.0 / np.maximum(np.sqrt(generator.random(number)), _MOST_GRAZING),
        azimuths=generator.random(number) * np.pi,
    )


def deposit(hits: CosmicRayHits, shape: tuple[int, int]) -> np.ndarray:
    """Spread the charge of hits over pixels as elliptical Gaussians, sampled ten times a pixel.

    Parameters
    ----------
    hits : CosmicRayHits
        Positions, charges and shapes.
    shape : tuple of int
        Rows and columns of the image region.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        Electrons; what falls outside the region is lost, the rest adds up to the hits' charge.
    """
    electrons = np.zeros(shape)
    _deposit(hits.rows, hits.columns, hits.charges, hits.widths, hits.stretches, hits.azimuths, electrons)
    return electrons


@njit(cache=True, nogil=True)
def _deposit(
    rows: np.ndarray,
    columns: np.ndarray,
    charges: np.ndarray,
    widths: np.ndarray,
    stretches: np.ndarray,
    azimuths: np.ndarray,
    electrons: np.ndarray,
) -> None:
    step = 1.0 / _OVERSAMPLING
    for hit in range(rows.size):
        across = widths[hit]
        along = across * stretches[hit]
        cosine, sine = np.cos(azimuths[hit]), np.sin(azimuths[hit])
        reach_row = 4.0 * np.hypot(along * cosine, across * sine)
        reach_column = 4.0 * np.hypot(along * sine, across * cosine)
        row, row_stop = int(np.floor(rows[hit] - reach_row + 0.5)), int(np.floor(rows[hit] + reach_row + 0.5)) + 1
        column = int(np.floor(columns[hit] - reach_column + 0.5))
        column_stop = int(np.floor(columns[hit] + reach_column + 0.5)) + 1
        patch = np.zeros((row_stop - row, column_stop - column))
        for i in range(patch.shape[0] * _OVERSAMPLING):
            down = row - 0.5 + (i + 0.5) * step - rows[hit]
            for j in range(patch.shape[1] * _OVERSAMPLING):
                right = column - 0.5 + (j + 0.5) * step - columns[hit]
                u = (down * cosine + right * sine) / along
                v = (right * cosine - down * sine) / across
                patch[i // _OVERSAMPLING, j // _OVERSAMPLING] += np.exp(-0.5 * (u * u + v * v))
        patch *= charges[hit] / patch.sum()
        for i in range(max(row, 0), min(row_stop, electrons.shape[0])):
            for j in range(max(column, 0), min(column_stop, electrons.shape[1])):
                electrons[i, j] += patch[i - row, j - column]


def tail_weights(gain: float) -> np.ndarray:
    """Return the shares of a register overflow that the following pixels receive.

    Pixel k behind the head receives a/(k + 1): 1/2, 1/3, ... normalised to 1, over 40 pixels from a gain of
    1000 and over proportionally fewer below, at least one (JATIS 9(1), 016003; coronagraph spec, section 10).

    Returns
    -------
    ndarray, shape (length,), float64
        Weights for `levelworks.coronagraph.emccd.overflow`, of sum 1.
    """
    length = max(1, round(TAIL_LENGTH * min(gain / TAIL_FULL_GAIN, 1.0)))
    weights = 1.0 / np.arange(2.0, length + 2.0)
    return weights / weights.sum()
