"""Impulse noise of 8-bit sensors: where one visible band scatters far more than the others (specs/ard.md 6).

So do edges of fields: soil and crops differ in red far more than in blue. Noise of the scanner is an error of single
counts along the line, so that by default the window must also hold a count that stands out from the lines above and
below it, which edges don't.
"""

from __future__ import annotations

import numpy as np
from numba import njit

THRESHOLD = 15.0
"""Counts that the largest standard deviation is above the second largest, and that a spike is beyond its neighbours."""
HALO = 2
"""Rows on either side of a block that its result depends on."""


def impulse_noise(
    blue: np.ndarray, green: np.ndarray, red: np.ndarray, valid: np.ndarray, *, spikes: bool = True
) -> np.ndarray:
    """Return where the 3 x 3 window scatters in one visible band alone, bool.

    Rows on the edge of the block see part of their window: hand over `HALO` rows more on either side, and leave them
    out.

    Parameters
    ----------
    blue, green, red : ndarray, shape (rows, columns)
        Counts.
    valid : ndarray of bool, shape (rows, columns)
        Pixels that count; where False, the result is False.
    spikes : bool
        Whether the window must hold a spike of that band; FORCE doesn't ask for it.
    """
    bands = np.stack([blue, green, red])
    standing_out = _spikes(bands, valid, int(THRESHOLD)) if spikes else np.ones(bands.shape, np.bool_)
    return np.asarray(_flag(bands, valid, standing_out, THRESHOLD))


@njit(cache=True, nogil=True)
def _spikes(bands: np.ndarray, valid: np.ndarray, threshold: int) -> np.ndarray:
    """Return which counts are above all six, or below all six, of the lines above and below, by more than that.

    Where another band stands out too, by a third of it, the ground is seen. The first and last line are never said to
    have spikes.
    """
    _, rows, columns = bands.shape
    found = np.zeros(bands.shape, np.bool_)
    beyond = np.zeros(3, np.int64)
    for row in range(1, rows - 1):
        for column in range(columns):
            if not valid[row, column]:
                continue
            for band in range(3):
                lowest, highest = 255, 0
                for y in (row - 1, row + 1):
                    for x in range(max(column - 1, 0), min(column + 2, columns)):
                        if valid[y, x]:
                            lowest = min(lowest, int(bands[band, y, x]))
                            highest = max(highest, int(bands[band, y, x]))
                here = int(bands[band, row, column])
                beyond[band] = max(here - highest, lowest - here) if lowest <= highest else 0
            others = 0
            for band in range(3):
                others += 3 * beyond[band] > threshold
            for band in range(3):
                found[band, row, column] = beyond[band] > threshold and others == 1
    return found


@njit(cache=True, nogil=True)
def _flag(bands: np.ndarray, valid: np.ndarray, spikes: np.ndarray, threshold: float) -> np.ndarray:
    rows, columns = valid.shape
    found = np.zeros((rows, columns), np.bool_)
    for row in range(rows):
        for column in range(columns):
            if not valid[row, column]:
                continue
            count = 0
            sums = (0, 0, 0)
            squares = (0, 0, 0)
            spiked = (False, False, False)
            for y in range(max(row - 1, 0), min(row + 2, rows)):
                for x in range(max(column - 1, 0), min(column + 2, columns)):
                    if valid[y, x]:
                        b, g, r = int(bands[0, y, x]), int(bands[1, y, x]), int(bands[2, y, x])
                        count += 1
                        sums = (sums[0] + b, sums[1] + g, sums[2] + r)
                        squares = (squares[0] + b * b, squares[1] + g * g, squares[2] + r * r)
                        spiked = (
                            spiked[0] or spikes[0, y, x],
                            spiked[1] or spikes[1, y, x],
                            spiked[2] or spikes[2, y, x],
                        )
            if count < 2:
                continue
            # Sums of whole numbers are exact, so that the result does not depend on their order.
            scale = 1.0 / (count * (count - 1))
            largest, second, widest = 0.0, 0.0, 0
            for band in range(3):
                deviation = np.sqrt((count * squares[band] - sums[band] * sums[band]) * scale)
                if deviation > largest:
                    largest, second, widest = deviation, largest, band
                elif deviation > second:
                    second = deviation
            found[row, column] = spiked[widest] and largest - second > threshold
    return found
