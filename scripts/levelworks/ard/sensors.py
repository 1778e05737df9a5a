"""Sensors of the line: their bands under the names of the cube, as the agencies number them, and what they count in.

Centres, solar irradiances and optical depths are in the tables of `atmosphere`, computed from the agencies' spectral
responses; here stands what planning and reading need. Nothing here imports NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """A band of a sensor.

    Parameters
    ----------
    name : str
        Name in the cube (BLUE, NIR, ...); TEMP is the thermal band.
    key : str
        The agency's number: ``1`` to ``11``, ``6_VCID_1``, ``01`` to ``12`` and ``8A``.
    resolution : int
        Metres a pixel of the Level-1 file.
    wavelength : float
        Centre, micrometres.
    """

    name: str
    key: str
    resolution: int
    wavelength: float


@dataclass(frozen=True)
class Sensor:
    """A sensor: `product` names the bands of its Level-2 reflectance, in the order of the cube."""

    id: str
    platform: str
    instrument: str
    bands: tuple[Band, ...]
    product: tuple[str, ...]
    saturation: int
    resolution: int
    altitude: float
    """Metres above ground, for the parallax of clouds."""

    def band(self, name: str) -> Band:
        """Return the band of a name; KeyError where the sensor has none."""
        for one in self.bands:
            if one.name == name:
                return one
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """Tell whether the sensor has a band of this name."""
        return any(one.name == name for one in self.bands)

    @property
    def reflective(self) -> tuple[Band, ...]:
        """Return the bands that measure reflected sunlight."""
        return tuple(one for one in self.bands if one.name != "TEMP")

    @property
    def is_landsat(self) -> bool:
        """Tell whether this is one of the Landsat satellites."""
        return self.id.startswith("LND")


LANDSAT_PRODUCT = ("BLUE", "GREEN", "RED", "NIR", "SWIR1", "SWIR2")
SENTINEL2_PRODUCT = (
    "BLUE",
    "GREEN",
    "RED",
    "REDEDGE1",
    "REDEDGE2",
    "REDEDGE3",
    "BROADNIR",
    "NIR",
    "SWIR1",
    "SWIR2",
)


def _thematic_mapper(number: int, instrument: str, centres: tuple[float, ...], thermal: str) -> Sensor:
    keys = ("1", "2", "3", "4", "5", "7")
    bands = [Band(name, key, 30, centre) for name, key, centre in zip(LANDSAT_PRODUCT, keys, centres, strict=True)]
    bands.append(Band("TEMP", thermal, 30, 11.45))
    return Sensor(
        f"LND{number:02d}", f"Landsat-{number}", instrument, tuple(bands), LANDSAT_PRODUCT, 255, 30, 705_000.0
    )


def _operational_land_imager(number: int, instrument: str) -> Sensor:
    bands = (
        Band("ULTRABLUE", "1", 30, 0.4425),
        Band("BLUE", "2", 30, 0.4821),
        Band("GREEN", "3", 30, 0.5609),
        Band("RED", "4", 30, 0.6542),
        Band("NIR", "5", 30, 0.8641),
        Band("CIRRUS", "9", 30, 1.3730),
        Band("SWIR1", "6", 30, 1.6086),
        Band("SWIR2", "7", 30, 2.2008),
        Band("TEMP", "10", 30, 10.9),
    )
    return Sensor(f"LND{number:02d}", f"Landsat-{number}", instrument, bands, LANDSAT_PRODUCT, 65535, 30, 705_000.0)


SENTINEL2_BANDS = (
    ("ULTRABLUE", "01", 60),
    ("BLUE", "02", 10),
    ("GREEN", "03", 10),
    ("RED", "04", 10),
    ("REDEDGE1", "05", 20),
    ("REDEDGE2", "06", 20),
    ("REDEDGE3", "07", 20),
    ("BROADNIR", "08", 10),
    ("NIR", "8A", 20),
    ("VAPOR", "09", 60),
    ("CIRRUS", "10", 60),
    ("SWIR1", "11", 20),
    ("SWIR2", "12", 20),
)
_A = (0.4427, 0.4924, 0.5598, 0.6646, 0.7041, 0.7405, 0.7828, 0.8328, 0.8647, 0.9451, 1.3735, 1.6137, 2.2024)
_B = (0.4423, 0.4921, 0.5590, 0.6649, 0.7038, 0.7391, 0.7797, 0.8329, 0.8640, 0.9432, 1.3769, 1.6104, 2.1857)
_C = (0.4442, 0.4891, 0.5606, 0.6665, 0.7071, 0.7411, 0.7847, 0.8346, 0.8656, 0.9472, 1.3722, 1.6120, 2.1913)
SENTINEL2_CENTRES = {"A": _A, "B": _B, "C": _C, "D": _C}
"""Micrometres, means over the responses. Sentinel-2D's responses are not published; those of 2C stand for them."""


def _sentinel2(letter: str) -> Sensor:
    bands = tuple(Band(*band, centre) for band, centre in zip(SENTINEL2_BANDS, SENTINEL2_CENTRES[letter], strict=True))
    return Sensor(f"SEN2{letter}", f"Sentinel-2{letter}", "MSI", bands, SENTINEL2_PRODUCT, 65535, 10, 786_000.0)


SENSORS = {
    one.id: one
    for one in (
        _thematic_mapper(4, "TM", (0.4855, 0.5708, 0.6594, 0.8389, 1.6794, 2.2165), "6"),
        _thematic_mapper(5, "TM", (0.4858, 0.5701, 0.6602, 0.8377, 1.6767, 2.2169), "6"),
        _thematic_mapper(7, "ETM+", (0.4783, 0.5606, 0.6610, 0.8341, 1.6498, 2.2077), "6_VCID_1"),
        _operational_land_imager(8, "OLI/TIRS"),
        _operational_land_imager(9, "OLI-2/TIRS-2"),
        *(_sentinel2(letter) for letter in "ABCD"),
    )
}
