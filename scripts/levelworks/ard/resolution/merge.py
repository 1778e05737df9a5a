"""The resolution merge: 20 m bands of a block of rows at 10 m (specification section 10)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from levelworks.ard.resolution.merge_kernels import WEIGHTS, improphe, keep_means, modulation, regression

Method = Literal["improphe", "regression", "starfm", "none"]

PREDICTORS = ("GREEN", "RED", "BROADNIR")
TARGETS = ("REDEDGE1", "REDEDGE2", "REDEDGE3", "NIR", "SWIR1", "SWIR2")
HALO = 4
"""Rows of 10 m above and below a block: two cells of 20 m, as the regression looks."""


def sharpen(
    fine: np.ndarray, coarse: np.ndarray, keep: np.ndarray, above: int, method: Method = "improphe"
) -> np.ndarray:
    """Return the 20 m bands at 10 m; the mean of each cell's four pixels is the 20 m value, but for rounding.

    Parameters
    ----------
    fine : ndarray, shape (3, rows + halo, columns), float32
        Reflectance of `PREDICTORS`, NaN where unknown.
    coarse : ndarray, shape (targets, (rows + halo) / 2, columns / 2), float32
        Reflectance of 20 m bands.
    keep : ndarray, shape (rows, columns), bool
        Pixels that keep the 20 m value.
    above : int
        Rows of halo above the block, an even number.

    Returns
    -------
    ndarray, shape (targets, rows, columns), float32
    """
    result = np.empty((coarse.shape[0], *keep.shape), np.float32)
    if method == "improphe":
        improphe(fine, coarse, keep, above, WEIGHTS, result)
    elif method == "regression":
        regression(fine, coarse, keep, above, result)
    elif method == "starfm":
        modulation(fine, coarse, keep, above, result)
    else:
        rows = np.repeat(np.repeat(coarse, 2, axis=1), 2, axis=2)
        return np.ascontiguousarray(rows[:, above : above + keep.shape[0], : keep.shape[1]])
    keep_means(coarse, above, result)
    return result
