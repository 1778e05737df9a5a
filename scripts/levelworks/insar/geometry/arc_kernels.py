"""Compiled evaluation of an orbit's arc: position, velocity and acceleration at a time."""

from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True, inline="always")
def state(coefficients, u, half):  # type: ignore[no-untyped-def]
    """Return position (m), velocity (m/s) and acceleration (m/s2), three axes each, at a normalised time."""
    px = py = pz = vx = vy = vz = ax = ay = az = 0.0
    for k in range(coefficients.shape[1] - 1, -1, -1):
        ax, ay, az = ax * u + vx, ay * u + vy, az * u + vz
        vx, vy, vz = vx * u + px, vy * u + py, vz * u + pz
        px, py, pz = px * u + coefficients[0, k], py * u + coefficients[1, k], pz * u + coefficients[2, k]
    rate = 1.0 / half
    twice = 2.0 * rate * rate
    return px, py, pz, vx * rate, vy * rate, vz * rate, ax * twice, ay * twice, az * twice
