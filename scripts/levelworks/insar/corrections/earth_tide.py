"""Displacement of the solid Earth by the tides of Moon and Sun (IERS Conventions 2010, section 7.1.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

EARTH_RADIUS = 6378136.6
"""m, at the equator (IERS 2010, table 1.1)."""
DAYS_PER_CENTURY = 36525.0
J2000 = dt.datetime(2000, 1, 1, 12, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Body:
    """A body that raises tides: its name, its mass over that of the Earth, and whether degree 3 counts."""

    name: str
    mass: float
    near: bool


BODIES = (Body("moon", 0.0123000371, True), Body("sun", 332946.0482, False))
"""Mass ratios of IERS 2010, table 1.1."""
LAG_H, LAG_L = (-0.0025, -0.0022), -0.0007
"""Imaginary parts of h2, diurnal and semidiurnal, and of l2 (section 7.1.1)."""
SHIDA_1 = 0.0012, 0.0024
"""l(1), diurnal and semidiurnal (table 7.2)."""
DIURNAL = (
    ((1, -1, 0, 0, 0, 0), (-0.51, 0.00, -0.02, 0.03)),  # O1
    ((1, 1, -2, 0, 0, 0), (-1.23, -0.07, 0.06, 0.01)),  # P1
    ((1, 1, 0, 0, -1, 0), (-0.22, 0.01, 0.01, 0.00)),
    ((1, 1, 0, 0, 0, 0), (12.00, -0.78, -0.67, -0.03)),  # K1
    ((1, 1, 0, 0, 1, 0), (1.73, -0.12, -0.10, 0.00)),
    ((1, 1, 1, 0, 0, -1), (-0.50, -0.01, 0.03, 0.00)),  # psi1
)
"""Tides that the Earth's core resonates with (table 7.3a, those above 0.2 mm): multiples of tau, s, h, p, N', ps, and
radial and transverse amplitudes, in phase and out of phase, mm."""


def earth_tide(places: np.ndarray, time: dt.datetime, bodies: Sequence[np.ndarray] = ()) -> np.ndarray:
    """Return the displacement of places by the solid Earth's tide.

    Parameters
    ----------
    places : ndarray, shape (..., 3)
        m, fixed to the Earth.
    time : datetime
        UTC.
    bodies : sequence of ndarray, optional
        Where Moon and Sun stand then, m, fixed to the Earth; computed where they aren't given.

    Returns
    -------
    ndarray, shape (..., 3)
        m, fixed to the Earth. The permanent part is in it.

    Notes
    -----
    IERS Conventions 2010, equations 7.5 and 7.6 with h2 and l2 by latitude, the parts of degree 2 that lag behind or go
    with latitude (7.8 to 7.11), and the frequency-dependent part of diurnal tides (7.12).
    """
    axes = _Axes(places)
    total = _resonance(axes, time)
    for body, place in zip(BODIES, bodies or positions_of([one.name for one in BODIES], time), strict=True):
        total += _in_phase(axes.up, body, place) + _lagging(axes, body, place)
    return total


class _Axes:
    """Up, east and north at places, unit vectors from the Earth's centre: (..., 3); with latitude and longitude."""

    def __init__(self, places: np.ndarray) -> None:
        self.up = places / np.linalg.norm(places, axis=-1, keepdims=True)
        self.longitude = np.arctan2(self.up[..., 1], self.up[..., 0])
        self.sine, self.cosine = self.up[..., 2], np.hypot(self.up[..., 0], self.up[..., 1])
        level = np.zeros_like(self.longitude)
        self.east = np.stack((-np.sin(self.longitude), np.cos(self.longitude), level), axis=-1)
        self.north = np.cross(self.up, self.east)

    def join(self, up: np.ndarray, east: np.ndarray, north: np.ndarray) -> np.ndarray:
        """Return a vector of its parts."""
        return np.asarray(up[..., None] * self.up + east[..., None] * self.east + north[..., None] * self.north)


def _in_phase(up: np.ndarray, body: Body, place: np.ndarray) -> np.ndarray:
    """Return the part of degrees 2 and 3 that a body raises."""
    distance = float(np.linalg.norm(place))
    towards = place / distance
    cosine = (up @ towards)[..., None]
    latitude_term = (3 * up[..., 2:] ** 2 - 1) / 2
    vertical, horizontal = 0.6078 - 0.0006 * latitude_term, 0.0847 + 0.0002 * latitude_term
    across = towards - cosine * up
    scale = body.mass * EARTH_RADIUS * (EARTH_RADIUS / distance) ** 3
    found = scale * (vertical * up * (1.5 * cosine**2 - 0.5) + 3 * horizontal * cosine * across)
    if body.near:
        cubic = 0.292 * up * (2.5 * cosine**3 - 1.5 * cosine) + 0.015 * (7.5 * cosine**2 - 1.5) * across
        found = found + scale * EARTH_RADIUS / distance * cubic
    return np.asarray(found)


def _lagging(axes: _Axes, body: Body, place: np.ndarray) -> np.ndarray:
    """Return the parts of degree 2 that are out of phase, and those that the Shida number has with latitude."""
    distance = float(np.linalg.norm(place))
    scale = body.mass * EARTH_RADIUS * (EARTH_RADIUS / distance) ** 3
    height, level = float(place[2]) / distance, float(np.hypot(place[0], place[1])) / distance
    apart = axes.longitude - float(np.arctan2(place[1], place[0]))
    sine, cosine = axes.sine, axes.cosine
    diurnal, semidiurnal = 3 * height * level, 3 * level**2  # P21, P22
    turned = cosine**2 - sine**2
    # Out of phase (7.10, 7.11).
    up = -LAG_H[0] * diurnal * sine * cosine * np.sin(apart) - LAG_H[1] / 4 * semidiurnal * cosine**2 * np.sin(
        2 * apart
    )
    north = LAG_L / 2 * semidiurnal * sine * cosine * np.sin(2 * apart) - LAG_L * diurnal * turned * np.sin(apart)
    east = -LAG_L * (diurnal * sine * np.cos(apart) + semidiurnal / 2 * cosine * np.cos(2 * apart))
    # With latitude (7.8, 7.9).
    by_latitude = SHIDA_1[0] * diurnal, SHIDA_1[1] / 2 * semidiurnal
    north -= sine * (by_latitude[0] * sine * np.cos(apart) + by_latitude[1] * cosine * np.cos(2 * apart))
    east += sine * (by_latitude[0] * turned * np.sin(apart) - by_latitude[1] * sine * cosine * np.sin(2 * apart))
    return scale * axes.join(up, east, north)


def _resonance(axes: _Axes, time: dt.datetime) -> np.ndarray:
    """Return the frequency-dependent part of diurnal tides (equation 7.12)."""
    longitude, sine, cosine = axes.longitude, axes.sine, axes.cosine
    arguments = doodson_arguments(time)
    radial, eastward, northward = (np.zeros_like(sine) for _ in range(3))
    for multiples, (radial_in, radial_out, transverse_in, transverse_out) in DIURNAL:
        phase = np.radians(float(np.dot(multiples, arguments))) + longitude
        radial += (radial_in * np.sin(phase) + radial_out * np.cos(phase)) * 2 * sine * cosine
        eastward += (transverse_in * np.cos(phase) - transverse_out * np.sin(phase)) * sine
        northward += (transverse_in * np.sin(phase) + transverse_out * np.cos(phase)) * (cosine**2 - sine**2)
    return 1e-3 * axes.join(radial, eastward, northward)


def doodson_arguments(time: dt.datetime) -> np.ndarray:
    """Return tau, s, h, p, N' and ps, degrees (IERS 2010, chapter 7; linear terms suffice for millimetres)."""
    days = (time - J2000) / dt.timedelta(days=1)
    century = days / DAYS_PER_CENTURY
    s = 218.31664563 + 481267.88119575 * century
    h = 280.46645 + 36000.76974890 * century
    p = 83.35324312 + 4069.01363525 * century
    n = 234.95544499 + 1934.13626197 * century
    ps = 282.93734098 + 1.71945766667 * century
    turned = 360.0 * ((days + 0.5) % 1.0)
    return np.array((turned + h - s, s, h, p, n, ps))


def positions_of(bodies: Sequence[str], time: dt.datetime) -> list[np.ndarray]:
    """Return where bodies stand, m, fixed to the Earth.

    The Earth's rotation is taken from what is installed; for later times a mean rotation does, wrong by arc seconds.
    """
    import warnings

    from astropy import units
    from astropy.coordinates import ITRS, get_body, solar_system_ephemeris
    from astropy.time import Time
    from astropy.utils import iers

    settings = {"auto_download": False, "auto_max_age": None, "iers_degraded_accuracy": "ignore"}
    with ExitStack() as stack:
        for name, value in settings.items():
            stack.enter_context(iers.conf.set_temp(name, value))
        stack.enter_context(solar_system_ephemeris.set("builtin"))
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        at = Time(time.replace(tzinfo=None), scale="utc")
        frame = ITRS(obstime=at)
        return [get_body(name, at).transform_to(frame).cartesian.xyz.to_value(units.m) for name in bodies]
