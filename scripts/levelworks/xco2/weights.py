"""Area-weighted averages of soundings in the cells of a grid, with their number, spread and uncertainty.

Every variable and both quality sets share the weights of one capture: a set is a selection of soundings. Averages over
overlapping footprints are the oversampling of Zhu et al. 2014 (doi:10.1002/2014GL060250) and, with one vote for each
footprint, the physical oversampling of Sun et al. 2018 (doi:10.5194/amt-11-6679-2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.xco2 import weights_kernels
from levelworks.xco2.overlap import Overlap, place_on_grid, rows_to_csr

SMALLEST_RESULTANT = 1e-6
"""Length of a mean unit vector below which directions cancel and have no mean."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of soundings in the cells that they touch.

    Attributes
    ----------
    overlap : Overlap
        Cells and soundings.
    values : ndarray, shape (overlaps,), float64
        Weight of each overlap; a sounding of weight 0 does not count.
    """

    overlap: Overlap
    values: np.ndarray

    def on_grid(self, values: np.ndarray, fill: float = np.nan) -> np.ndarray:
        """Place values of the touched cells, shape (..., cells), on the grid, shape (..., rows, columns)."""
        return place_on_grid(self.overlap.cells, self.overlap.shape, values, fill)

    def to_csr(self) -> csr_array:
        """Return weights as a sparse matrix: rows all cells of the flattened grid, columns the soundings.

        Its transpose takes a field on the grid to the footprints.
        """
        rows = self.overlap
        return rows_to_csr(rows.cells, rows.starts, rows.soundings, self.values, rows.shape, rows.footprint_areas.size)


@dataclass(frozen=True)
class CellStatistics:
    """One variable in the touched cells, every array of shape (cells,), NaN where no sounding counts.

    Attributes
    ----------
    mean : ndarray, float64
        Weighted mean.
    number : ndarray, int32
        Number of soundings that count.
    effective_number : ndarray, float64
        (sum w)^2 / sum w^2.
    spread : ndarray, float64
        Weighted standard deviation of the soundings about the mean; 0 for one sounding.
    random_uncertainty : ndarray, float64
        Standard error of the mean where errors of soundings are independent.
    uncertainty : ndarray, float64
        Standard error of the mean where errors of any two soundings have the given correlation.
    """

    mean: np.ndarray
    number: np.ndarray
    effective_number: np.ndarray
    spread: np.ndarray
    random_uncertainty: np.ndarray
    uncertainty: np.ndarray


def area_weights(
    overlap: Overlap, *, area_power: float = 0.0, error_power: float = 0.0, errors: np.ndarray | None = None
) -> Weights:
    """Compute the weights A_cf / (A_f^p s_f^q) of footprints f in cells c.

    Parameters
    ----------
    overlap : Overlap
        Overlap areas A_cf and areas A_f of whole footprints, km^2.
    area_power : float
        p: 0 averages over the area of the cell, 1 gives every footprint the same vote.
    error_power : float
        q: 0 leaves errors aside, 2 weights by inverse variance.
    errors : ndarray, shape (soundings,), optional
        Standard errors s_f; a sounding whose error is not above 0 gets weight 0 where ``error_power`` is not 0.

    Returns
    -------
    Weights

    Raises
    ------
    InvalidOptions
        Where an error power comes without errors.
    """
    factors = np.ones(overlap.footprint_areas.size)
    if area_power != 0.0:
        usable = overlap.footprint_areas > 0.0
        factors[usable] = overlap.footprint_areas[usable] ** -area_power
    if error_power != 0.0:
        if errors is None:
            raise InvalidOptions(f"error_power is {error_power}, but the soundings have no errors; it must be 0")
        sigmas = _as_values(errors, factors.size)
        usable = (sigmas > 0.0) & np.isfinite(sigmas)
        factors[usable] *= sigmas[usable] ** -error_power
        factors[~usable] = 0.0
    return Weights(overlap, overlap.areas * factors[overlap.soundings])


def weighted_means(weights: Weights, values: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
    """Average many variables in one pass.

    Parameters
    ----------
    weights : Weights
        Weights of the capture.
    values : ndarray, shape (variables, soundings)
        NaN values are left out of their own variable.
    keep : ndarray of bool, shape (soundings,), optional
        Soundings that count; all without it.

    Returns
    -------
    ndarray, shape (variables, cells), float64
        NaN where nothing counts. Equal values give exactly themselves.
    """
    rows = weights.overlap
    values = np.atleast_2d(values)
    table = np.ascontiguousarray(values.T, dtype=np.float64)
    if values.ndim != 2 or table.shape[0] != rows.footprint_areas.size:
        raise InvalidInput(f"values have shape {values.shape}; there are {rows.footprint_areas.size} soundings")
    result = np.empty((rows.cells.size, table.shape[1]))
    weights_kernels.means(rows.starts, rows.soundings, weights.values, table, rows.selection(keep), result)
    return np.ascontiguousarray(result.T)


def cell_statistics(
    weights: Weights,
    values: np.ndarray,
    errors: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    *,
    correlation: float = 0.0,
) -> CellStatistics:
    """Compute mean, number, spread and uncertainty of one variable.

    With w the weights and s the standard errors of the soundings in a cell, the variance of the mean is
    ((1 - r) sum w^2 s^2 + r (sum w s)^2) / (sum w)^2 for a correlation r of any two. Soundings without an error are
    left out of it, which makes it greater rather than smaller.

    Parameters
    ----------
    weights : Weights
        Weights of the capture.
    values : ndarray, shape (soundings,)
        NaN values don't count.
    errors : ndarray, shape (soundings,), optional
        Standard errors in the unit of the values; without them uncertainties are NaN.
    keep : ndarray of bool, shape (soundings,), optional
        Soundings that count; all without it.
    correlation : float
        r, 0..1: common part of the errors of one capture.

    Returns
    -------
    CellStatistics

    Raises
    ------
    InvalidOptions
        Where the correlation is not in 0..1.
    """
    if not 0.0 <= correlation <= 1.0:
        raise InvalidOptions(f"correlation is {correlation}; it must lie in 0..1")
    rows = weights.overlap
    number = rows.footprint_areas.size
    values = _as_values(values, number)
    errors = np.full(number, np.nan) if errors is None else _as_values(errors, number)
    result = np.empty((6, rows.cells.size))
    selection = rows.selection(keep)
    weights_kernels.statistics(
        rows.starts, rows.soundings, weights.values, values, errors, selection, correlation, result
    )
    mean, effective, spread, random, total, count = result
    return CellStatistics(mean, count.astype(np.int32), effective, spread, random, total)


def dominant_class(
    overlap: Overlap, codes: np.ndarray, keep: np.ndarray | None = None, *, fill: int, missing: tuple[int, ...] = ()
) -> np.ndarray:
    """Return the class of each touched cell that has the greatest area, for flags and other integers.

    Parameters
    ----------
    overlap : Overlap
        Areas.
    codes : ndarray of integers, shape (soundings,)
        Classes of the soundings.
    keep : ndarray of bool, shape (soundings,), optional
        Soundings that count; all without it.
    fill : int
        Class of cells in which nothing counts.
    missing : tuple of int
        Codes that don't count.

    Returns
    -------
    ndarray, shape (cells,), dtype of codes
        Of classes with equal areas the least.

    Raises
    ------
    InvalidInput
        Where the codes aren't integers, one for each sounding.
    """
    codes = np.asarray(codes)
    if codes.shape != (overlap.footprint_areas.size,) or codes.dtype.kind not in "iu":
        raise InvalidInput(f"classes have shape {codes.shape} and type {codes.dtype}; they must be integers, one each")
    selection = overlap.selection(keep) & ~np.isin(codes, np.array(missing, dtype=codes.dtype))
    result = np.full(overlap.cells.size, fill, dtype=np.int64)
    wide = codes.astype(np.int64)
    weights_kernels.dominant(overlap.starts, overlap.soundings, overlap.areas, wide, selection, result)
    return result.astype(codes.dtype.newbyteorder("="))


def mean_direction(
    weights: Weights, degrees: np.ndarray, keep: np.ndarray | None = None, *, signed: bool = False
) -> np.ndarray:
    """Average directions as unit vectors, for azimuths.

    Parameters
    ----------
    weights : Weights
        Weights of the capture.
    degrees : ndarray, shape (soundings,)
        Directions of any turn; NaN directions don't count.
    keep : ndarray of bool, shape (soundings,), optional
        Soundings that count; all without it.
    signed : bool
        Return -180..180 rather than 0..360.

    Returns
    -------
    ndarray, shape (cells,), float64
        Degrees; NaN where nothing counts or directions cancel.
    """
    angles = np.deg2rad(_as_values(degrees, weights.overlap.footprint_areas.size))
    east, north = weighted_means(weights, np.stack([np.sin(angles), np.cos(angles)]), keep)
    direction = np.rad2deg(np.arctan2(east, north))
    if not signed:
        # A tiny negative angle would round to a full turn.
        direction = np.where(direction < 0.0, np.where(direction > -1e-12, 0.0, direction + 360.0), direction)
    return np.where(np.hypot(east, north) < SMALLEST_RESULTANT, np.nan, direction)


def _as_values(values: np.ndarray, number: int) -> np.ndarray:
    values = np.ascontiguousarray(values, dtype=np.float64)
    if values.shape != (number,):
        raise InvalidInput(f"values have shape {values.shape}; there are {number} soundings")
    return values
