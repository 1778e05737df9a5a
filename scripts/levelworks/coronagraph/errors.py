"""Variances of calibrated frames by source, and their total.

var = (rn / G)^2 + ENF^2 (signal + dark - F / G) + (bias error K / G)^2 + dark error^2 + (e rel_err_flat)^2, the terms
before the flat divided by its square. Shot noise takes the expected signal of `expected_signal`, not the pixel's own
draw, and counts the electrons that smear and dark brought, which noise remembers after they are subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit


@dataclass(frozen=True)
class Variances:
    """Variance planes of a frame, shape (rows, columns), float32.

    Attributes
    ----------
    poisson : ndarray
        Shot noise of signal, smear and dark with the register's excess noise, (e-/px)^2.
    read_noise : ndarray
        Read noise referred to the register's input, (e-/px)^2.
    calibration : ndarray
        Errors of row bias, dark and flat, (e-/px)^2.
    error : ndarray
        Square root of their sum, e-/px.
    counts_error : ndarray
        Error of the linear counts, DN: read noise, shot noise and bias.
    """

    poisson: np.ndarray
    read_noise: np.ndarray
    calibration: np.ndarray
    error: np.ndarray
    counts_error: np.ndarray


# One row at a time, in single precision and in short loops, each of which vectorises.


@njit(cache=True, nogil=True)
def _shot(signal: np.ndarray, register_dark: np.ndarray, excess: Any, out: np.ndarray) -> None:
    for i in range(signal.size):
        out[i] = excess * max(np.float32(signal[i]) + register_dark[i], np.float32(0))


@njit(cache=True, nogil=True)
def _scaled_root(values: np.ndarray, offset: Any, scale: Any, out: np.ndarray) -> None:
    for i in range(values.size):
        out[i] = scale * np.sqrt(values[i] + offset)


@njit(cache=True, nogil=True)
def _desmear_row(shot: np.ndarray, of_sum: np.ndarray, smear_squared: Any, shrink: Any) -> None:
    """Propagate shot noise through one row of the desmearing recursion, in place."""
    for i in range(shot.size):
        value = shot[i]
        shot[i] = (value + of_sum[i]) * shrink
        of_sum[i] = (of_sum[i] + smear_squared * value) * shrink


@njit(cache=True, nogil=True)
def _calibration(dark_variance: np.ndarray, bias_variance: Any, out: np.ndarray) -> None:
    for i in range(dark_variance.size):
        out[i] = bias_variance + dark_variance[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _flatten(
    poisson: np.ndarray,
    read_noise: np.ndarray,
    calibration: np.ndarray,
    flat: np.ndarray,
    electrons: np.ndarray,
    flat_error: Any,
) -> None:
    """Divide the variances of a row by the squared flat and add the flat's own error, in place."""
    for i in range(flat.size):
        response = np.float32(flat[i])
        inverse = np.float32(1) / (response * response)
        inverse = inverse if response != np.float32(0) else np.float32(0)
        relative = np.float32(electrons[i]) * flat_error
        poisson[i] *= inverse
        read_noise[i] *= inverse
        calibration[i] = calibration[i] * inverse + relative * relative


@njit(cache=True, nogil=True)
def _root_of_sum(poisson: np.ndarray, read_noise: np.ndarray, calibration: np.ndarray, out: np.ndarray) -> None:
    for i in range(out.size):
        out[i] = np.sqrt(poisson[i] + read_noise[i] + calibration[i])


@njit(cache=True, nogil=True)
def _variances(
    signal: np.ndarray,
    register_dark: np.ndarray,
    dark_variance: np.ndarray,
    flat: np.ndarray,
    electrons: np.ndarray,
    bias_variance: np.ndarray,
    read_variance: Any,
    excess: Any,
    flat_error: Any,
    to_counts: Any,
    smear: Any,
    planes: tuple[np.ndarray, ...],
) -> None:
    poisson, read_noise, calibration, error, counts_error = planes
    shrink = 1.0 / ((1.0 + smear) * (1.0 + smear))
    of_sum = np.zeros(signal.shape[1], dtype=np.float32)
    read_of_sum = 0.0
    for row in range(signal.shape[0]):
        bias = np.float32(bias_variance[row])
        _shot(signal[row], register_dark[row], np.float32(excess), poisson[row])
        _scaled_root(poisson[row], np.float32(read_variance) + bias, np.float32(to_counts), counts_error[row])
        if smear > 0:
            _desmear_row(poisson[row], of_sum, np.float32(smear * smear), np.float32(shrink))
        read_noise[row] = np.float32((read_variance + read_of_sum) * shrink)
        read_of_sum = (read_of_sum + smear * smear * read_variance) * shrink
        _calibration(dark_variance[row], bias, calibration[row])
        if flat.size > 0:
            _flatten(poisson[row], read_noise[row], calibration[row], flat[row], electrons[row], np.float32(flat_error))
        _root_of_sum(poisson[row], read_noise[row], calibration[row], error[row])


def variances(
    signal: np.ndarray,
    electrons: np.ndarray,
    *,
    register_dark: np.ndarray,
    dark_variance: np.ndarray,
    flat: np.ndarray | None,
    bias_variance: np.ndarray,
    read_variance: float,
    excess: float,
    flat_error: float,
    to_counts: float,
    smear: float,
) -> Variances:
    """Propagate the errors of one frame.

    Parameters
    ----------
    signal : ndarray, shape (rows, columns)
        Expected electrons per pixel before desmearing, dark subtracted.
    electrons : ndarray, shape (rows, columns)
        The calibrated image, e-/px.
    register_dark : ndarray, shape (rows, columns), float32
        Dark electrons that passed the register (dark current and clock-induced charge), e-/px/frame.
    dark_variance : ndarray, shape (rows, columns), float32
        Squared error of the master dark, (e-/px)^2.
    flat : ndarray, shape (rows, columns), float32 or float64, or None for 1 everywhere
    bias_variance : ndarray, shape (rows,), float64
        Squared error of the row bias, (e-/px)^2.
    read_variance : float
        Squared read noise referred to the register's input, (e-/px)^2.
    excess : float
        Squared excess noise factor.
    flat_error : float
        Relative error of the flat.
    to_counts : float
        DN per electron at the register's input, G / K.
    smear : float
        Row-read over exposure time where the frame was desmeared, else 0; variances follow the recursion of
        `desmear_variance`.
    """
    planes = tuple(np.empty(signal.shape, dtype=np.float32) for _ in range(5))
    response = np.empty((0, 0), dtype=np.float32) if flat is None else flat
    _variances(
        signal, register_dark, dark_variance, response, electrons, bias_variance, read_variance, excess, flat_error,
        to_counts, smear, planes,
    )  # fmt: skip
    return Variances(*planes)
