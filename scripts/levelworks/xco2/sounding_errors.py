"""Standard errors of soundings: which variable of a Lite file holds those of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from levelworks.xco2.granule import Granule


class ErrorSource(NamedTuple):
    """Where the standard errors of a variable stand, and what they are multiplied with; no factor where empty."""

    error: str
    factor: str = ""


SOURCES = {
    "/xco2": ErrorSource("/xco2_uncertainty"),
    "/xco2_x2019": ErrorSource("/xco2_uncertainty"),
    "/SIF_740nm": ErrorSource("/SIF_Uncertainty_740nm"),
    "/Science/SIF_757nm": ErrorSource("/Science/SIF_Uncertainty_757nm"),
    "/Science/SIF_771nm": ErrorSource("/Science/SIF_Uncertainty_771nm"),
    "/Daily_SIF_740nm": ErrorSource("/SIF_Uncertainty_740nm", "/Science/daily_correction_factor"),
    "/Daily_SIF_757nm": ErrorSource("/Science/SIF_Uncertainty_757nm", "/Science/daily_correction_factor"),
    "/Daily_SIF_771nm": ErrorSource("/Science/SIF_Uncertainty_771nm", "/Science/daily_correction_factor"),
}
"""Daily SIF is the instantaneous one times the daily correction factor, and so is its error (the factor's own error is
not known)."""

ERROR_NAMES = {"/xco2": "/xco2_uncertainty"}
"""Names of gridded errors where they are not the variable's with ``_uncertainty``."""


def error_name(variable: str) -> str:
    """Return the full path under which the gridded standard error of a variable stands."""
    return ERROR_NAMES.get(variable, f"{variable}_uncertainty")


def needed_for_errors(variables: Sequence[str]) -> list[str]:
    """Return the full paths of what the errors of some variables are made of."""
    sources = [SOURCES[name] for name in variables if name in SOURCES]
    return [path for path in dict.fromkeys(one for source in sources for one in source) if path]


def sounding_errors(granule: Granule, variable: str) -> np.ndarray | None:
    """Return the standard errors of a variable's soundings.

    Returns
    -------
    ndarray, shape (N,), float64, or None
        In the variable's unit, NaN where unknown or not above 0; None where the file has none.
    """
    source = SOURCES.get(variable)
    if source is None or not all(path in granule.variables for path in source if path):
        return None
    errors = np.array(granule.variables[source.error].values, np.float64)
    if source.factor:
        errors *= granule.variables[source.factor].values
    return np.where(errors > 0, errors, np.nan)
