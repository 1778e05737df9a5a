"""Which orbit an acquisition is processed with: precise, else restituted, else the annotation's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from levelworks.insar.orbits.orbit_files import read_orbit_file
from levelworks.insar.orbits.orbit_names import OrbitFile, OrbitKind, covering_files
from levelworks.insar.orbits.state_vectors import Orbit, StateVectors
from levelworks.insar.times import time_at

MARGIN = 95.0
"""s before and after the acquisition from which vectors are kept."""


def choose_orbit(
    files: Sequence[OrbitFile], mission: str, epoch: dt.date, start: float, stop: float, annotated: StateVectors
) -> tuple[Orbit, dict[str, Any]]:
    """Take the best orbit there is for an acquisition (specs/insar.md 4.3).

    The precise file made last among those that cover the acquisition with 60 s on either side; else the restituted
    one; else two restituted ones that cover it together; else the state vectors of the annotation.

    Parameters
    ----------
    files : sequence of OrbitFile
        Of any mission and time.
    mission : str
        ``S1A``, ...
    start, stop : float
        Of the acquisition, s since the epoch's midnight.
    annotated : StateVectors
        Of the annotation, times since the same midnight.

    Returns
    -------
    orbit : Orbit
    facts : dict
        ``orbit_kind``, ``orbit_files``, ``orbit_vectors``, ``orbit_degraded_vectors``,
        ``orbit_annotation_difference_m`` (greatest distance from the annotated vectors during the acquisition) and
        ``orbit_left_out_error_m`` (greatest error at a vector that interpolation was not shown).

    Raises
    ------
    InvalidReference
        Where the orbit file that is to be used is damaged.
    InvalidInput
        Where no file covers the acquisition and the annotation has too few state vectors.
    """
    chosen = covering_files(files, mission, time_at(epoch, start), time_at(epoch, stop))
    read = [read_orbit_file(file.path, epoch, start - MARGIN, stop + MARGIN) for file in chosen]
    vectors = _relayed([vectors for vectors, _ in read], start, stop) if read else annotated
    degraded = sum(marked for _, marked in read)
    kind: OrbitKind = chosen[0].kind if chosen else "annotated"
    names = tuple(file.path.name for file in chosen) or ("state vectors of the annotation",)
    orbit = Orbit(epoch, vectors.within(start - MARGIN, stop + MARGIN), kind, names)
    return orbit, {
        "orbit_kind": kind,
        "orbit_files": [file.path.name for file in chosen],
        "orbit_vectors": int(orbit.vectors.times.size),
        "orbit_degraded_vectors": degraded,
        "orbit_annotation_difference_m": _difference(orbit, annotated, start, stop),
        "orbit_left_out_error_m": left_out_error(orbit, start, stop),
    }


def left_out_error(orbit: Orbit, start: float, stop: float) -> float:
    """Return the greatest error (m) of interpolation at vectors near an acquisition that are left out one by one.

    The gap then is twice as wide, so that the error between vectors is some hundred times smaller.
    """
    vectors, worst = orbit.vectors, 0.0
    for k in range(2, vectors.times.size - 2):
        if start - 10 <= vectors.times[k] <= stop + 10:
            keep = np.arange(vectors.times.size) != k
            rest = StateVectors(vectors.times[keep], vectors.positions[keep], vectors.velocities[keep])
            position, _ = Orbit(orbit.epoch, rest, orbit.kind, orbit.sources).at(vectors.times[k])
            worst = max(worst, float(np.linalg.norm(position - vectors.positions[k])))
    return worst


def _relayed(found: Sequence[StateVectors], start: float, stop: float) -> StateVectors:
    """Return vectors of the first file up to a time and of the second from then on.

    Two restituted orbits differ by centimetres and their vectors stand at different times: mixed, they would give
    velocities off by decimetres per second. The change lies as far from the acquisition as the overlap allows.
    """
    if len(found) == 1:
        return found[0]
    one, other = found
    middle = (start + stop) / 2
    change = max(float(other.times[2]), float(one.times[-3]), key=lambda time: abs(time - middle))
    before, after = one.within(-np.inf, change), other.within(change, np.inf)
    return before.joined(after)


def _difference(orbit: Orbit, annotated: StateVectors, start: float, stop: float) -> float | None:
    """Return the greatest distance (m) of the annotated vectors of the acquisition from an orbit, None without any."""
    first, last = orbit.vectors.times[[0, -1]]
    own = annotated.within(max(start - 10, float(first)), min(stop + 10, float(last)))
    if own.times.size == 0:
        return None
    return float(np.linalg.norm(orbit.at(own.times)[0] - own.positions, axis=1).max())
