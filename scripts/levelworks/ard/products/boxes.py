"""Boxes of longitude and latitude around others, going round the Earth the short way."""

from __future__ import annotations

from collections.abc import Sequence

from levelworks.core.sphere import wrap_longitude


def box_around(boxes: Sequence[Sequence[float]]) -> list[float]:
    """Return the smallest box that holds others.

    Parameters
    ----------
    boxes : sequence of sequence of float
        One at least: west, south, east, north in degrees; west is greater than east across the antimeridian.

    Returns
    -------
    list of float
        The same four; it leaves out the widest gap between the others.
    """
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    spans = sorted((west % 360.0, _width(west, east)) for west, _, east, _ in boxes)
    reached = max(start + width for start, width in spans) - 360.0
    gap, west, east = 0.0, -180.0, 180.0
    for start, width in spans:
        if start - reached > gap:
            gap, west, east = start - reached, wrap_longitude(start), wrap_longitude(reached, east=True)
        reached = max(reached, start + width)
    return [round(west, 4), south, round(east, 4), north]


def _width(west: float, east: float) -> float:
    """Return how wide a box is; one from -180 to 180 is all around."""
    return 360.0 if east - west >= 360.0 else (east - west) % 360.0
