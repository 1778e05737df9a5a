"""The methane library that ships with the project: radiance at 0.02 nm for seven enhancements of one atmosphere.

MODTRAN spectra of mag1c (Foote et al. 2020, doi:10.1109/TGRS.2020.2976888; BSD-3, see data/README.md). The geometry is
not recorded there. `REFERENCE_AIR_MASS` comes from the official target of EMIT scene emit20220815t042838: seen at a sun
zenith of 58.2 degrees (air mass 2.90), its slopes over 0 to 64,000 ppm m equal those of the library for 1.23 times the
library's own path (r = 0.9998; a test derives it again).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from levelworks.plumes.tables import DATA
from levelworks.plumes.units import PPM_M

REFERENCE_AIR_MASS = 2.37


@dataclass(frozen=True)
class MethaneLibrary:
    """Spectra by added column of methane.

    Parameters
    ----------
    wavelengths : (n,) float64
        nm, ascending.
    columns : (7,) float64
        Added vertical column, mol m-2; the first is 0.
    radiance : (7, n) float32
        At the sensor, over a surface of constant reflectance.
    reference_air_mass : float
        Of the path down and up that the spectra were computed for.
    """

    wavelengths: np.ndarray
    columns: np.ndarray
    radiance: np.ndarray
    reference_air_mass: float

    @property
    def slant_columns(self) -> np.ndarray:
        """Return the added column along the path down and up (mol m-2)."""
        return self.columns * self.reference_air_mass

    @property
    def optical_depth(self) -> np.ndarray:
        """Return the optical depth of the added methane, (7, n); 0 in the first row."""
        # one channel in a thousand brightens by rounding in the source
        ratio = self.radiance[1:].astype(float) / self.radiance[:1]
        return np.concatenate([np.zeros((1, ratio.shape[1])), -np.log(np.minimum(ratio, 1.0))])


@cache
def load_library() -> MethaneLibrary:
    """Load the library."""
    with np.load(DATA / "methane.npz") as file:
        columns = file["enhancement"] * PPM_M
        return MethaneLibrary(file["wavelength"], columns, file["radiance"], REFERENCE_AIR_MASS)
