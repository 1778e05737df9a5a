"""Interferometric baselines at places on the ground (specs/insar.md 3 and 4.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.insar.geometry.ellipsoid import local_axes, to_geodetic
from levelworks.insar.geometry.geo2rdr import locate
from levelworks.insar.orbits.state_vectors import OrbitArc


@dataclass(frozen=True)
class Baseline:
    """Baselines of a pair at places, float64.

    ``perpendicular`` and ``parallel`` to the reference's line of sight in m, ``range_difference`` (secondary less
    reference) in m, ``height_of_ambiguity`` in m per cycle, signed as the perpendicular baseline.
    """

    perpendicular: np.ndarray
    parallel: np.ndarray
    range_difference: np.ndarray
    height_of_ambiguity: np.ndarray


def baseline(reference: OrbitArc, secondary: OrbitArc, points: np.ndarray, wavelength: float) -> Baseline:
    """Compute the baseline between the places from which two satellites see points abeam.

    Parameters
    ----------
    reference, secondary : OrbitArc
    points : ndarray, shape (..., 3)
        Earth-fixed, m.
    wavelength : float
        m.

    Returns
    -------
    Baseline
        With ``B = S_sec - S_ref``, look ``l`` from the reference to the ground and velocity ``v``: parallel ``B . l``
        (positive where the secondary is nearer), perpendicular ``B . (l x v) / |l x v|``.
    """
    times, ranges = locate(reference, points)
    other_times, other_ranges = locate(secondary, points)
    position, velocity, _ = reference.at(times)
    look = (points - position) / ranges[..., None]
    across = np.cross(look, velocity)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    between = secondary.at(other_times)[0] - position
    perpendicular = np.einsum("...k,...k", between, across)
    latitude, longitude, _ = to_geodetic(points)
    up = np.einsum("...k,...k", -look, local_axes(latitude, longitude)[2])
    with np.errstate(divide="ignore"):
        ambiguity = wavelength * ranges * np.sqrt(1 - up**2) / (2 * perpendicular)
    return Baseline(perpendicular, np.einsum("...k,...k", between, look), other_ranges - ranges, ambiguity)
