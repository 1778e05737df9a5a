"""The master dark of one gain and exposure time from noise maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidReference
from levelworks.coronagraph.dq import DQ


@dataclass(frozen=True)
class MasterDark:
    """A dark in photoelectrons at the register's input, e-/px/frame.

    Attributes
    ----------
    dark : ndarray, float64
        F / G + t D + C.
    register : ndarray, float32
        t D + C, the part that passed the register.
    variance : ndarray, float32
        Squared error from the errors of the maps.
    dq : ndarray, uint16
        `DQ.UNRELIABLE` where a map is not finite; the dark is 0 there.
    invalid_share : float
        Share of such pixels.
    """

    dark: np.ndarray
    register: np.ndarray
    variance: np.ndarray
    dq: np.ndarray
    invalid_share: float


@dataclass(frozen=True)
class NoiseMap:
    """One map and its error, shape (rows, columns), float64; the error may be 0."""

    value: np.ndarray
    error: np.ndarray | float = 0.0


def master_dark(
    fixed_pattern: NoiseMap, dark_current: NoiseMap, clock_induced: NoiseMap, gain: float, exposure_time: float
) -> MasterDark:
    """Build the master dark M = F / G + t D + C.

    Parameters
    ----------
    fixed_pattern : NoiseMap
        F in e-, measured after the register; any sign.
    dark_current : NoiseMap
        D in e-/px/s, not negative.
    clock_induced : NoiseMap
        C in e-/px/frame, not negative.
    gain : float
        G, at least 1.
    exposure_time : float
        t in seconds.

    Raises
    ------
    InvalidReference
        Where shapes differ or D or C is negative anywhere.
    """
    shapes = {fixed_pattern.value.shape, dark_current.value.shape, clock_induced.value.shape}
    if len(shapes) > 1:
        raise InvalidReference(f"the noise maps have different shapes: {sorted(shapes)}")
    for name, found in (("dark_current", dark_current), ("clock_induced_charge", clock_induced)):
        negative = int((found.value < 0).sum())
        if negative:
            raise InvalidReference(
                f"references.{name}: {negative} pixels are negative, the lowest {np.nanmin(found.value):g}"
            )
    dark = fixed_pattern.value / gain + exposure_time * dark_current.value + clock_induced.value
    register = exposure_time * dark_current.value + clock_induced.value
    variance = (
        (fixed_pattern.error / gain) ** 2 + (exposure_time * dark_current.error) ** 2 + np.square(clock_induced.error)
    )
    wrong = ~np.isfinite(dark)
    dq = np.where(wrong, np.uint16(DQ.UNRELIABLE), np.uint16(0))
    full = np.broadcast_to(variance, dark.shape)
    return MasterDark(
        dark=np.where(wrong, 0.0, dark),
        register=np.where(wrong, 0.0, register).astype(np.float32),
        variance=np.where(wrong | ~np.isfinite(full), 0.0, full).astype(np.float32),
        dq=dq,
        invalid_share=float(wrong.mean()),
    )
