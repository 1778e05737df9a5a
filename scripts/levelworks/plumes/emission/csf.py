"""Cross-sectional flux: the mass on lines across a plume times the wind through them.

Profiles are sampled bilinearly at even steps, whatever the direction of a line, above a background that is linear
between the two flanks. Each integral is linear in the pixels, so that its weights are an image that can be moved over
the background like a mask. Source: specs/plumes.md 1.12, 6.7, D8; Varon et al. (2018), doi:10.5194/amt-11-5673-2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.plumes.emission.csf_lines import Lines
from levelworks.plumes.emission.quantify_plane import Plane

STEP = 0.25
"""Of samples along a line, pixels."""
OUTER = 3.0
"""Where the flanks begin, in half widths of the mask: three sigma of a plume whose mask ends at one."""
FLANK = 5.0
"""Shortest flank, pixels."""
FEWEST = 4
"""Samples that make a flank."""
LEAST_VALID = 0.9
"""Share of a line's samples within the plume that must be valid."""


@dataclass(frozen=True)
class Sections:
    """Line integrals across a plume.

    Parameters
    ----------
    integrals : ndarray, shape (lines,)
        mol m-1; not a number where a line has too few valid samples.
    ends : ndarray, shape (lines, 2, 2)
        East and north (m) of where each integral begins and ends.
    weights : ndarray, shape (rows, columns)
        m of each pixel in the mean of the integrals.
    """

    integrals: np.ndarray
    ends: np.ndarray
    weights: np.ndarray

    @property
    def mean(self) -> float:
        """Return the mean line integral, mol m-1."""
        known = self.integrals[np.isfinite(self.integrals)]
        return float(known.mean()) if known.size else np.nan

    @property
    def spread(self) -> float:
        """Return the standard deviation over the lines, mol m-1."""
        known = self.integrals[np.isfinite(self.integrals)]
        return float(known.std()) if known.size else np.nan


def sections(enhancement: np.ndarray, valid: np.ndarray, mask: np.ndarray, lines: Lines, plane: Plane) -> Sections:
    """Integrate an enhancement along lines, above the local background.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        mol m-2.
    valid : ndarray of bool
        Pixels that count: known, and of no other plume.
    mask : ndarray of bool
        Of this plume; its pixels are no background.
    """
    found = [_section(index, enhancement, valid, mask, lines, plane) for index in range(lines.east.size)]
    integrals = np.full(len(found), np.nan)
    ends = np.full((len(found), 2, 2), np.nan)
    weights = np.zeros(enhancement.size)
    # A background from both sides is the better one: lines with one flank count where no line has two.
    flanks = max((section.flanks for section in found if section), default=0)
    used = [(index, section) for index, section in enumerate(found) if section and section.flanks == flanks]
    for index, section in used:
        integrals[index], ends[index] = section.integral, section.ends
        np.add.at(weights, section.pixels, section.weights / len(used))
    return Sections(integrals, ends, weights.reshape(enhancement.shape))


@dataclass(frozen=True)
class _Section:
    integral: float
    ends: np.ndarray
    pixels: np.ndarray
    weights: np.ndarray
    flanks: int


def _section(
    index: int, enhancement: np.ndarray, valid: np.ndarray, mask: np.ndarray, lines: Lines, plane: Plane
) -> _Section | None:
    """Integrate along one line; None where too few of its samples are valid."""
    step, half = STEP * plane.pixel_size, float(lines.half_width[index])
    outer = OUTER * half
    steps = int(np.ceil((outer + max(FLANK * plane.pixel_size, half)) / step))
    along = step * np.arange(-steps, steps + 1)
    across = lines.across[index]
    centre = np.array([lines.east[index], lines.north[index]])
    row, column = plane.pixels(centre[0] + along * across[0], centre[1] + along * across[1])
    pixels, shares = bilinear(row, column, enhancement.shape)
    counted = shares > 0
    known = counted.any(axis=0) & ~(counted & ~valid.ravel()[pixels]).any(axis=0)
    off_plume = known & ~(counted & mask.ravel()[pixels]).any(axis=0)
    values = enhancement.ravel()[pixels]
    profile = np.where(known, np.sum(np.where(counted & known, shares * np.nan_to_num(values), 0.0), axis=0), 0.0)
    background, flanks = _background(along, off_plume, outer)
    low, high = _width(profile - background @ profile, along, half, outer)
    inside = (along >= low) & (along <= high)
    if (known & inside).sum() < LEAST_VALID * inside.sum():
        return None
    trapezoid = np.where(inside, step, 0.0)
    trapezoid[np.flatnonzero(inside)[[0, -1]]] /= 2
    trapezoid *= known * inside.sum() / (known & inside).sum()
    linear = trapezoid - trapezoid @ background
    ends = centre + np.array([[low], [high]]) * across
    return _Section(float(linear @ profile), ends, pixels.ravel(), (shares * linear).ravel(), flanks)


def bilinear(row: np.ndarray, column: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the four flat pixel indices and shares of bilinear samples, each (4, n); shares are 0 outside."""
    rows, columns = shape
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    down, right = row - top, column - left
    outside = (row < 0) | (column < 0) | (row > rows - 1) | (column > columns - 1)
    pixels, shares = [], []
    for r, row_share in ((top, 1 - down), (top + 1, down)):
        for c, column_share in ((left, 1 - right), (left + 1, right)):
            pixels.append(np.clip(r, 0, rows - 1) * columns + np.clip(c, 0, columns - 1))
            shares.append(np.where(outside, 0.0, row_share * column_share))
    return np.array(pixels), np.array(shares)


def _background(along: np.ndarray, off_plume: np.ndarray, outer: float) -> tuple[np.ndarray, int]:
    """Return the matrix that makes of a profile its background, and the number of flanks that it is made from.

    A line through both flanks, the level of one, or nothing where there is none.
    """
    sides = [off_plume & (along <= -outer), off_plume & (along >= outer)]
    flanks = [side for side in sides if side.sum() >= FEWEST]
    matrix = np.zeros((along.size, along.size))
    if flanks:
        chosen = np.flatnonzero(np.any(flanks, axis=0))
        both = len(flanks) == 2
        design = np.stack([np.ones(along.size), along], axis=1) if both else np.ones((along.size, 1))
        matrix[:, chosen] = design @ np.linalg.pinv(design[chosen])
    return matrix, len(flanks)


def _width(profile: np.ndarray, along: np.ndarray, half: float, outer: float) -> tuple[float, float]:
    """Return where a profile above its background begins and ends: its first zeros beyond the mask, or the flanks."""
    kernel = np.ones(round(1 / STEP) + 1)
    smooth = np.convolve(profile, kernel / kernel.size, mode="same")
    bounds = []
    for side in (-1.0, 1.0):
        beyond = np.flatnonzero((side * along >= half) & (side * along < outer) & (smooth <= 0))
        distances = np.abs(along[beyond])
        bounds.append(side * (float(distances.min()) if distances.size else outer))
    return bounds[0], bounds[1]


def touched_pixel_integral(
    enhancement: np.ndarray, mask: np.ndarray, start: tuple[float, float], end: tuple[float, float], pixel_size: float
) -> float:
    """Sum the pixels of a mask whose squares a line touches, times the pixel size, as HyperGas does (D8).

    It exceeds the line integral by the factor |cos| + |sin| of the line's direction.

    Parameters
    ----------
    enhancement : ndarray, shape (rows, columns)
        mol m-2.
    start, end : tuple of float
        Row and column.
    pixel_size : float
        m.
    """
    row, column = touched_pixels(mask & np.isfinite(enhancement), start, end)
    return float(enhancement[row, column].sum() * pixel_size)


def touched_pixels(
    mask: np.ndarray, start: tuple[float, float], end: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the pixels of a mask whose squares the line from ``start`` to ``end`` touches."""
    first, second = np.array(start), np.array(end)
    length = float(np.hypot(*(second - first)))
    row, column = np.nonzero(mask)
    if length == 0:
        return row[:0], column[:0]
    along = (second - first) / length
    low, high = np.minimum(first, second) - 0.5, np.maximum(first, second) + 0.5
    within = (row >= low[0]) & (row <= high[0]) & (column >= low[1]) & (column <= high[1])
    off = np.abs((row - first[0]) * along[1] - (column - first[1]) * along[0])
    touched = within & (off <= 0.5 * (abs(along[0]) + abs(along[1])))
    return row[touched], column[touched]
