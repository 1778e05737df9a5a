"""Which axis of a PRISMA cube is across the track.

Public readers disagree: (across, band, along) in specs/plumes.md 4.5, (along, band, across) in others. Both are
understood: sizes tell where they differ; in square cubes the places do, as the orbit is inclined by 97.85 degrees and
runs within 30 degrees of north-south below 70 degrees of latitude.
"""

from __future__ import annotations

import numpy as np

CLEAR = 1.1
"""Ratio of northward steps along both axes from which on they tell the track."""


def across_axis(shape: tuple[int, int], latitude: np.ndarray, matrix_columns: int | None, notes: list[str]) -> int:
    """Return 0 or 1: the axis across the track of arrays of a shape.

    Parameters
    ----------
    latitude : ndarray
        Degrees, of that shape.
    matrix_columns : int or None
        How many detector columns the matrices of centres have.
    notes : list of str
        Gets a sentence where the answer is a guess.
    """
    if shape[0] != shape[1] and matrix_columns in shape:
        return shape.index(matrix_columns)
    first, second = (_step(latitude, axis) for axis in (0, 1))
    if first > CLEAR * second:
        return 1
    if second > CLEAR * first:
        return 0
    notes.append("Neither sizes nor places tell which axis is across the track; the first is taken for it.")
    return 0


def _step(latitude: np.ndarray, axis: int) -> float:
    steps = np.abs(np.diff(latitude, axis=axis))
    known = steps[np.isfinite(steps)]
    return float(known.mean()) if known.size else 0.0
