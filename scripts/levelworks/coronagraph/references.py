"""Calibration references as a warm process keeps them: read once, checked once, by file and setting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from astropy.io import fits

from levelworks.core.outcome import InvalidReference
from levelworks.coronagraph.calibrate import References
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.headers import round_setting
from levelworks.coronagraph.nonlinearity import NonlinearityCurve, curve_at_gain
from levelworks.coronagraph.readers import read_map, read_nonlinearity

FLAT_RANGE = (0.2, 5.0)
"""Responses further from 1 than these are flagged as unreliable."""


SENTINEL = 10.0
"""No detector is nonlinear by this factor: larger ones stand for something else."""


@dataclass(frozen=True)
class ReferenceFiles:
    """The reference files of one frame; None stands for what leaves the data as they are."""

    dark: Path | None = None
    flat: Path | None = None
    bad_pixels: Path | None = None
    nonlinearity: Path | None = None

    def items(self) -> list[tuple[str, Path]]:
        """Return role and path of the files that are there."""
        named = vars(self).items()
        return [(role, path) for role, path in named if path is not None]


Key = tuple[str, int, int]


def _key(path: Path | None) -> Key | None:
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError as error:
        raise InvalidReference(f"reference {path} can't be read ({error.strerror})") from None
    return str(path), status.st_size, status.st_mtime_ns


def load_references(
    files: ReferenceFiles, shape: tuple[int, int], gain: float, exposure_time: float, *, strict: bool = True
) -> tuple[References, tuple[str, ...]]:
    """Load the references of one setting.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image region.
    gain, exposure_time : float
        Of the frame; the master dark must be made for them.
    strict : bool
        Flag what the flat does badly, and refuse a nonlinearity table that holds sentinels in place of factors at
        this gain; the peer does neither.

    Returns
    -------
    References, tuple of str
        The arrays, and what a person should know about them.

    Raises
    ------
    InvalidReference
        Where a file can't be read, has another shape, or would make results wrong.
    """
    keys = (_key(files.dark), _key(files.flat), _key(files.bad_pixels), _key(files.nonlinearity))
    return _load(*keys, shape, gain, exposure_time, strict)


@lru_cache(maxsize=8)
def _load(
    dark: Key | None,
    flat: Key | None,
    bad_pixels: Key | None,
    nonlinearity: Key | None,
    shape: tuple[int, int],
    gain: float,
    exposure_time: float,
    strict: bool,
) -> tuple[References, tuple[str, ...]]:
    dq = np.zeros(shape, dtype=np.uint16)
    master = _read_dark(Path(dark[0]), shape, gain, exposure_time) if dark else _no_dark(shape)
    dq |= master[3]
    response, notes = (None, ()) if flat is None else _read_flat(Path(flat[0]), shape, dq, strict)
    if bad_pixels is not None:
        dq |= read_bad_pixels(Path(bad_pixels[0]), shape)
    curve, findings = (None, ()) if nonlinearity is None else _read_curve(Path(nonlinearity[0]), gain, strict)
    loaded = References(*master[:3], flat=response, dq=dq, curve=curve)
    return loaded, (*notes, *findings)


Dark = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _no_dark(shape: tuple[int, int]) -> Dark:
    return (
        np.zeros(shape),
        np.zeros(shape, dtype=np.float32),
        np.zeros(shape, dtype=np.float32),
        np.zeros(shape, dtype=np.uint16),
    )


def _read_dark(path: Path, shape: tuple[int, int], gain: float, exposure_time: float) -> Dark:
    try:
        with fits.open(path, memmap=False) as units:
            header = units[0].header
            planes = {unit.name: unit.data for unit in units[1:] if unit.is_image}
    except OSError as error:
        raise InvalidReference(f"master dark {path.name} can't be read ({error})") from None
    if any(planes.get(name) is None for name in ("DARK", "REGISTER", "VAR", "DQ")):
        raise InvalidReference(f"master dark {path.name} lacks a plane; it must come from make-dark")
    if (*map(round_setting, (header["GAIN"], header["EXPTIME"])),) != (*map(round_setting, (gain, exposure_time)),):
        raise InvalidReference(
            f"master dark {path.name} is for gain {header['GAIN']:g} and {header['EXPTIME']:g} s, "
            f"the frame has gain {gain:g} and {exposure_time:g} s"
        )
    if planes["DARK"].shape != shape:
        raise InvalidReference(
            f"master dark {path.name} has the shape {planes['DARK'].shape}, the image region {shape}"
        )
    return (
        planes["DARK"].astype(np.float64),
        planes["REGISTER"].astype(np.float32),
        planes["VAR"].astype(np.float32),
        planes["DQ"].astype(np.uint16),
    )


def _read_flat(path: Path, shape: tuple[int, int], dq: np.ndarray, strict: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    flat = read_map(path, shape, "references.flat")
    wrong = ~np.isfinite(flat)
    if wrong.mean() > 0.5 or not 0.5 < np.median(flat[~wrong]) < 2:
        raise InvalidReference(
            f"references.flat: {path.name} is no flat: its median is not near 1 or it is mostly empty"
        )
    flat[wrong] = 1.0
    if not strict:
        return flat, ()
    strange = (flat < FLAT_RANGE[0]) | (flat > FLAT_RANGE[1])
    dq[strange | wrong] |= np.uint16(DQ.UNRELIABLE)
    dq[flat == 0] |= np.uint16(DQ.DEAD)
    number = int((strange | wrong).sum())
    notes = (f"flat {path.name}: {number} pixels are not finite or far from 1; they are flagged",) if number else ()
    return flat, notes


def read_bad_pixels(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a fixed bad-pixel map as DQ bits (uint16).

    Raises
    ------
    InvalidReference
        Where it has another shape or holds values that are no bits.
    """
    values = read_map(path, shape, "references.bad_pixels")
    bits = values.astype(np.uint16)
    if not np.array_equal(bits, values):
        raise InvalidReference(f"references.bad_pixels: {path.name} must hold whole numbers: 0 good, else DQ bits")
    return bits


def _read_curve(path: Path, gain: float, strict: bool) -> tuple[NonlinearityCurve, tuple[str, ...]]:
    curve = curve_at_gain(read_nonlinearity(path), gain)
    if strict and (curve.factors.max() > SENTINEL or curve.factors.min() <= 0):
        raise InvalidReference(
            f"references.nonlinearity: {path.name} holds factors from {curve.factors.min():g} to "
            f"{curve.factors.max():g} at gain {gain:g}: sentinels in place of values that would multiply counts"
        )
    return curve, tuple(f"nonlinearity {path.name} at gain {gain:g}: {finding}" for finding in curve.findings)
