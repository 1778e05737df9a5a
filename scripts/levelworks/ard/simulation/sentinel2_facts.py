"""What the metadata of a simulated Sentinel-2 product are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import Sensor
from levelworks.ard.simulation.sentinel2_angles import AngleGrids

ADD_OFFSET = -1000
"""Of counts, from baseline 04.00 on."""
PROCESSING_DELAY = timedelta(hours=3)


@dataclass(frozen=True)
class Sentinel2Facts:
    """What the metadata of a product are made of.

    Parameters
    ----------
    sensor : Sensor
    time : datetime
        UTC.
    tile : str
        Such as ``33UUT``.
    baseline : str
        Such as ``05.09``.
    grid : ImageGrid
        Of 10 m.
    zone_name : str
        Such as ``WGS84 / UTM zone 33N``.
    distance_factor : float
        The inverse square of the Earth-Sun distance.
    angles : AngleGrids
    cloud_cover : float
        Percent.
    masks : tuple of (str, str)
        Type and band number of the masks in ``QI_DATA``.
    """

    sensor: Sensor
    time: datetime
    tile: str
    baseline: str
    grid: ImageGrid
    zone_name: str
    distance_factor: float
    angles: AngleGrids
    cloud_cover: float
    masks: tuple[tuple[str, str], ...]

    @property
    def unit(self) -> str:
        """Return the satellite as in names."""
        return f"S2{self.sensor.id[-1]}"

    @property
    def offset(self) -> int:
        """Return what is added to counts before they are divided."""
        return ADD_OFFSET if float(self.baseline) >= 4 else 0

    @property
    def mask_ending(self) -> str:
        """Return the ending of masks' names."""
        return "jp2" if float(self.baseline) >= 4 else "gml"

    @property
    def orbit(self) -> tuple[int, int]:
        """Return the absolute and the relative orbit, made up from the time."""
        absolute = int((self.time.timestamp() - 1.4353e9) / 6042) % 100_000
        return absolute, absolute % 143 + 1

    @property
    def name(self) -> str:
        """Return the name of the product, without its ending."""
        made = self.time + PROCESSING_DELAY
        number = self.baseline.replace(".", "")
        return (
            f"{self.unit}_MSIL1C_{self.time:%Y%m%dT%H%M%S}_N{number}_R{self.orbit[1]:03d}_T{self.tile}"
            f"_{made:%Y%m%dT%H%M%S}"
        )

    @property
    def granule(self) -> str:
        """Return the name of the granule's folder."""
        return f"L1C_T{self.tile}_A{self.orbit[0]:06d}_{self.time:%Y%m%dT%H%M%S}"

    @property
    def stem(self) -> str:
        """Return how names of the bands' files begin."""
        return f"T{self.tile}_{self.time:%Y%m%dT%H%M%S}"

    @property
    def tile_id(self) -> str:
        """Return the identifier of the granule."""
        made = self.time + PROCESSING_DELAY
        return (
            f"{self.unit}_OPER_MSI_L1C_TL_SIMU_{made:%Y%m%dT%H%M%S}_A{self.orbit[0]:06d}_T{self.tile}_N{self.baseline}"
        )

    @property
    def strip_id(self) -> str:
        """Return the identifier of the data strip."""
        made = self.time + PROCESSING_DELAY
        return f"{self.unit}_OPER_MSI_L1C_DS_SIMU_{made:%Y%m%dT%H%M%S}_S{self.time:%Y%m%dT%H%M%S}_N{self.baseline}"
