"""Unwrap with SNAPHU, where a person has installed it.

SNAPHU (Chen and Zebker 2001, doi:10.1364/JOSAA.18.000338) is free for non-commercial use only. levelworks neither
needs nor ships it: the solver of `minimum_cost_flow` is the default.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np

from levelworks.core.outcome import InvalidOptions

CYCLE = 2 * np.pi


def require_snaphu() -> ModuleType:
    """Return the package `snaphu`.

    Raises
    ------
    InvalidOptions
        Where it is not installed.
    """
    try:
        return importlib.import_module("snaphu")
    except ImportError as error:
        raise InvalidOptions(
            "the solver is snaphu, but the package snaphu is not installed; it is free for non-commercial use only "
            "and is not part of levelworks: install it with `pip install snaphu` if its licence covers your use, "
            "or choose the solver flow"
        ) from error


def snaphu_cycles(
    phase: np.ndarray,
    coherence: np.ndarray,
    valid: np.ndarray,
    looks: float,
    *,
    cost: Literal["smooth", "defo"] = "smooth",
    init: Literal["mst", "mcf"] = "mst",
    scratch: Path | None = None,
) -> np.ndarray:
    """Find the whole cycles to add to each pixel of a wrapped phase with SNAPHU.

    Parameters
    ----------
    phase : ndarray, shape (rows, columns), float32
        Wrapped, rad.
    coherence : ndarray, shape (rows, columns), float32
    valid : ndarray, shape (rows, columns), bool
        Passed on as SNAPHU's mask; no phase is put in.
    looks : float
        Equivalent number of independent looks.
    cost, init : str
        SNAPHU's statistics and first solution; the defaults are the fastest of equal error (specs/insar.md 4.13).
    scratch : Path, optional
        Folder of its temporary files.

    Returns
    -------
    ndarray, shape (rows, columns), int32
        0 where there is no data.

    Raises
    ------
    InvalidOptions
        Where the package `snaphu` is not installed.
    """
    snaphu = require_snaphu()
    valid = np.asarray(valid, np.bool_)
    interferogram = np.where(valid, np.exp(1j * np.where(valid, phase, 0)), 0).astype(np.complex64)
    unwrapped, _ = snaphu.unwrap(
        interferogram,
        np.where(valid, np.nan_to_num(coherence), 0).astype(np.float32),
        max(float(looks), 1.0),
        cost=cost,
        init=init,
        mask=valid,
        scratchdir=scratch,
    )
    cycles = np.zeros(valid.shape, np.int32)
    cycles[valid] = np.round((unwrapped[valid].astype(np.float64) - phase[valid]) / CYCLE)
    return cycles
