"""What the metadata of a simulated Landsat scene are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import Sensor
from levelworks.ard.simulation.landsat_calibration import BandCalibration
from levelworks.ard.simulation.utm import Zone

INSTRUMENTS = {
    "LND04": ("T", "TM"),
    "LND05": ("T", "TM"),
    "LND07": ("E", "ETM"),
    "LND08": ("C", "OLI_TIRS"),
    "LND09": ("C", "OLI_TIRS"),
}
PROCESSING_DELAY = timedelta(days=7)


@dataclass(frozen=True)
class LandsatFacts:
    """What the metadata of a scene are made of.

    Parameters
    ----------
    sensor : Sensor
    time : datetime
        UTC, of the middle.
    path, row : int
    level, tier : str
    grid : ImageGrid
    zone : Zone
    sun_zenith, sun_azimuth : float
        Degrees, in the middle; azimuth from -180 to 180.
    earth_sun_distance : float
        Astronomical units.
    cloud_cover : float
        Percent.
    saturated : frozenset of str
        Numbers of bands with saturated pixels.
    calibrations : dict
        By the number of the band.
    angle_files : bool
        Whether angles come with the scene.
    """

    sensor: Sensor
    time: datetime
    path: int
    row: int
    level: str
    tier: str
    grid: ImageGrid
    zone: Zone
    sun_zenith: float
    sun_azimuth: float
    earth_sun_distance: float
    cloud_cover: float
    saturated: frozenset[str]
    calibrations: dict[str, BandCalibration]
    angle_files: bool = True

    @property
    def number(self) -> int:
        """Return the number of the satellite."""
        return int(self.sensor.id[-1])

    @property
    def id(self) -> str:
        """Return the product's identifier."""
        letter = INSTRUMENTS[self.sensor.id][0]
        done = self.time + PROCESSING_DELAY
        return (
            f"L{letter}{self.number:02d}_{self.level}_{self.path:03d}{self.row:03d}_{self.time:%Y%m%d}_{done:%Y%m%d}"
            f"_02_{self.tier}"
        )

    @property
    def scene_id(self) -> str:
        """Return the scene's identifier as before collections."""
        letter = INSTRUMENTS[self.sensor.id][0]
        return f"L{letter}{self.number}{self.path:03d}{self.row:03d}{self.time:%Y%j}LGN00"
