"""What is known of the colour of vegetation before an image is seen: ratios of visible and shortwave infrared light.

Red follows from 2.1 um and blue from red by the relations of Levy et al. (2007, doi:10.1029/2006JD007811), which refine
Kaufman et al. (1997, doi:10.1109/36.628795; red = 0.5 and blue = 0.25 of 2.1 um). They hold for MODIS; `CONVERSIONS`
takes them to the bands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CONVERSIONS = {
    "TM": {"BLUE": 1.15, "RED": 0.97, "SWIR2": 0.96},
    "ETM+": {"BLUE": 1.10, "RED": 0.97, "SWIR2": 0.96},
    "OLI/TIRS": {"ULTRABLUE": 0.92, "BLUE": 1.09, "RED": 0.95, "SWIR2": 1.02},
    "OLI-2/TIRS-2": {"ULTRABLUE": 0.92, "BLUE": 1.09, "RED": 0.95, "SWIR2": 1.02},
    "MSI": {"ULTRABLUE": 0.92, "BLUE": 1.25, "RED": 0.92, "SWIR2": 1.02},
}
"""Reflectance of vegetation in a band over that in the MODIS band at 0.466, 0.646 or 2.12 um: geometric means over 3000
mixtures of canopies (PROSAIL, Jacquemoud et al. 2009, doi:10.1016/j.rse.2008.01.026) with up to 15 % soil and 15 %
litter."""

DARKEST = 0.006
"""Reflectance below which the expected value of a band is not taken, so that no target weighs without bounds."""


@dataclass(frozen=True)
class Spread:
    """Relative deviations from a relation: one that all vegetation of a scene shares, and one that each kind has."""

    shared: float
    own: float


SPREADS = {"RED": Spread(0.15, 0.30), "BLUE": Spread(0.08, 0.16), "ULTRABLUE": Spread(0.04, 0.09)}
"""Of red about 2.1 um, of blue about red, of 0.443 um about blue: what mixtures of canopies, soils and litter show
(0.36, 0.18 and 0.10), split between shared and own."""


def expected_red(surface: Mapping[str, np.ndarray], scattering_angle: np.ndarray, instrument: str) -> np.ndarray:
    """Return the red reflectance of vegetation by that at 2.1 um (Levy et al. 2007).

    Parameters
    ----------
    surface : mapping of ndarray
        Reflectance of NIR, SWIR1 and SWIR2 at the ground.
    scattering_angle : ndarray
        Degrees.

    Notes
    -----
    Reflectance at 1.24 um, which the index needs, is taken as NIR^0.75 SWIR1^0.25: within 5 % for canopies of PROSAIL.
    """
    factors = CONVERSIONS[instrument]
    near = np.maximum(surface["NIR"], 0.01) ** 0.75 * np.maximum(surface["SWIR1"], 0.01) ** 0.25
    far = np.maximum(surface["SWIR2"], 0.0) / factors["SWIR2"]
    index = (near - far) / (near + far)
    slope = np.clip(0.48 + 0.2 * (index - 0.25), 0.48, 0.58) + 0.002 * scattering_angle - 0.27
    return np.asarray(factors["RED"] * (slope * far - 0.00025 * scattering_angle + 0.033))


def departures(
    surface: Mapping[str, np.ndarray],
    reference: Mapping[str, np.ndarray],
    scattering_angle: np.ndarray,
    instrument: str,
) -> dict[str, np.ndarray]:
    """Return by what share vegetation departs from the relations between its bands.

    Parameters
    ----------
    surface : mapping of ndarray, shape (loads, targets)
        Reflectance at the ground for each aerosol load.
    reference : mapping of ndarray, shape (targets,)
        Reflectance at a likely load: shares are of what it makes expected, so that they are linear in `surface`.

    Returns
    -------
    dict of ndarray, shape (loads, targets)
        RED, BLUE, and ULTRABLUE where the sensor has it.
    """
    factors = CONVERSIONS[instrument]
    red = expected_red(surface, scattering_angle, instrument)
    red_scale = np.maximum(0.5 * (expected_red(reference, scattering_angle, instrument) + reference["RED"]), DARKEST)
    blue = factors["BLUE"] * (0.49 * surface["RED"] / factors["RED"] + 0.005)
    blue_scale = factors["BLUE"] * (0.49 * np.maximum(reference["RED"], DARKEST) / factors["RED"] + 0.005)
    found = {"RED": (surface["RED"] - red) / red_scale, "BLUE": (surface["BLUE"] - blue) / blue_scale}
    if "ULTRABLUE" in surface:
        ratio = factors["ULTRABLUE"] / factors["BLUE"]
        found["ULTRABLUE"] = (surface["ULTRABLUE"] - ratio * surface["BLUE"]) / (ratio * blue_scale)
    return found
