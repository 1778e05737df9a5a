"""Angles of a PRISMA Level-1 file: the file's own fields, else from its attributes and the satellite's positions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np

from levelworks.core.sun import sun_position
from levelworks.plumes.readers import prisma_layout as layout
from levelworks.plumes.readers.satellite_view import view_angles

FARTHEST = 40.0
"""Degrees of view zenith that the satellite can't pass: positions that say so are wrong."""
DAY = 86400.0

Plane = Callable[[str], np.ndarray | None]
"""Reads a field by name as (rows, columns); None where the file lacks it."""


def sun_angles(
    file: Any, plane: Plane, time: datetime, longitude: np.ndarray, latitude: np.ndarray, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth of the sun (degrees, float32) for all pixels.

    Parameters
    ----------
    time : datetime
        Of the middle of the scene, for files without angles.
    """
    named = [_number(file, f"Sun_{name}_angle") for name in ("zenith", "azimuth")]
    if None in named:
        notes.append("The file has no angles of the sun; they were computed.")
        zenith, azimuth = sun_position(time, longitude, latitude)
    else:
        zenith, azimuth = (np.full(longitude.shape, value, dtype=float) for value in named)
    own = plane(f"{layout.ANGLES}/Solar_Zenith_Angle")
    return (zenith if own is None else own).astype(np.float32), azimuth.astype(np.float32)


def satellite_angles(
    file: Any,
    plane: Plane,
    times: tuple[datetime, datetime],
    places: tuple[np.ndarray, np.ndarray],
    sun_azimuth: np.ndarray,
    notes: list[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth of the satellite (degrees, float32) for all pixels.

    Parameters
    ----------
    times : tuple of datetime
        Of the first and the last row.
    places : tuple of (rows, columns)
        Longitude and latitude.
    """
    zenith, relative = (plane(f"{layout.ANGLES}/{name}") for name in ("Observing_Angle", "Rel_Azimuth_Angle"))
    if zenith is not None:
        azimuth = sun_azimuth + (0.0 if relative is None else relative)
        return np.abs(zenith).astype(np.float32), (azimuth % 360).astype(np.float32)
    orbit = _orbit(file, times, places[0].shape[0])
    if orbit is not None:
        zenith, azimuth = view_angles(*places, orbit)
        known = zenith[np.isfinite(zenith)]
        if known.size and known.max() < FARTHEST:
            return zenith.astype(np.float32), azimuth.astype(np.float32)
    notes.append("The file has neither angles of view nor the satellite's positions; the view is taken as nadir.")
    return np.zeros(sun_azimuth.shape, np.float32), np.zeros(sun_azimuth.shape, np.float32)


def _orbit(file: Any, times: tuple[datetime, datetime], rows: int) -> np.ndarray | None:
    """Return the satellite's position at each row, (rows, 3) m, or None where the file doesn't tell."""
    names = (*layout.ORBIT_POSITIONS, layout.ORBIT_TIMES)
    if not all(name in file for name in names):
        return None
    fields = [np.ravel(np.asarray(file[name][...], dtype=float)) for name in names]
    if len({values.size for values in fields}) != 1:
        return None
    good = np.isfinite(fields).all(axis=0) & (np.linalg.norm(fields[:3], axis=0) > 6.4e6)
    if good.sum() < 2:
        return None
    seconds = [value.hour * 3600 + value.minute * 60 + value.second + value.microsecond * 1e-6 for value in times]
    lines = seconds[0] + layout.GPS_AHEAD + np.linspace(0, (times[1] - times[0]).total_seconds(), rows)
    # counted from the first row, so that midnight is nothing special
    offsets = (fields[3][good] - lines[0] + DAY / 2) % DAY - DAY / 2
    order = np.argsort(offsets, kind="stable")
    known = offsets[order]
    if known[0] > 0.5 or known[-1] < lines[-1] - lines[0] - 0.5:
        return None
    return np.stack([np.interp(lines - lines[0], known, values[good][order]) for values in fields[:3]], axis=-1)


def _number(file: Any, name: str) -> float | None:
    value = np.ravel(file.attrs.get(name, np.nan))
    try:
        number = float(value[0])
    except (IndexError, ValueError):
        return None
    return number if np.isfinite(number) else None
