"""The layers of a Level-2 product: what their values mean, how they are resampled and merged (spec sections 16 and 17).

Nothing here imports NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from levelworks.ard.sensors import SENSORS

Merge = Literal["mean", "strongest", "least", "quality"]


@dataclass(frozen=True)
class Layer:
    """A layer of a product.

    Parameters
    ----------
    name : str
        As in file names.
    title : str
    scale : float
        Stored values are the values times this.
    dtype : str
    nodata : int
    unit : str
        Of the values; empty for reflectance.
    measured : bool
        Whether values may be interpolated; bits, classes and azimuths are taken from the nearest pixel.
    merge : str
        Where images overlap: the weighted ``mean``, the value of the ``strongest`` image, the ``least`` value, or the
        rules of ``quality`` bits.
    spectral : bool
        Whether it has the bands of the sensor's product, or one.
    """

    name: str
    title: str
    scale: float = 1.0
    dtype: str = "int16"
    nodata: int = -9999
    unit: str = ""
    measured: bool = True
    merge: Merge = "mean"
    spectral: bool = False

    def bands(self, sensor: str) -> tuple[str, ...]:
        """Return the names of the bands of a sensor's product."""
        return SENSORS[sensor].product if self.spectral else (self.name,)


LAYERS = {
    one.name: one
    for one in (
        Layer("BOA", "Bottom-of-atmosphere reflectance", 10000.0, spectral=True),
        Layer("TOA", "Top-of-atmosphere reflectance", 10000.0, spectral=True),
        Layer("QAI", "Quality assurance information", nodata=1, measured=False, merge="quality"),
        Layer("UNC", "Uncertainty of reflectance, 1 sigma", 10000.0, spectral=True),
        Layer("CPR", "Cloud probability", dtype="uint8", nodata=255, unit="%"),
        Layer("DST", "Distance to the next cloud, shadow or snow", unit="m", measured=False, merge="least"),
        Layer("AOD", "Aerosol optical depth of the green band", 1000.0),
        Layer("WVP", "Water vapour", 1000.0, unit="g cm-2"),
        Layer("VZN", "View zenith angle", 100.0, unit="deg"),
        Layer("HOT", "Haze-optimized transformation", 10000.0),
        Layer("SZA", "Sun zenith angle", 100.0, unit="deg"),
        Layer("SAA", "Sun azimuth angle", 100.0, unit="deg", measured=False, merge="strongest"),
        Layer("VZA", "View zenith angle", 100.0, unit="deg"),
        Layer("VAA", "View azimuth angle", 100.0, unit="deg", measured=False, merge="strongest"),
    )
}
"""In the order in which they are written."""

EDGE = Layer("EDG", "Weight of an image by the distance to its edge", dtype="uint8", nodata=0, measured=False)
"""Of the tiles of one image only: the cube has no such layer."""

REFLECTANCE = ("BOA", "TOA")
