"""How the satellites fly and look: direction of flight, swath, detectors, and the offsets between bands.

The offsets and the sides of the twelve detectors of MSI were measured on the angle grids of real Level-1C metadata
(shared/data/ard/meta/sentinel2_l1c: four products of baselines 02.06 to 03.01), and confirm the order by which the
focal plane sees a place: B02 B08 B03 B10 B04 B05 B11 B06 B07 B8A B12 B01 B09.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from levelworks.ard.sensors import Sensor

EARTH_RADIUS = 6_371_000.0
EARTH_SPEED = 465.1
"""Of the ground at the equator, m/s."""

BAND_OFFSETS = {
    "02": 0.00000,
    "08": 0.00248,
    "03": 0.00497,
    "10": 0.00815,
    "04": 0.00954,
    "05": 0.01203,
    "11": 0.01421,
    "06": 0.01453,
    "07": 0.01703,
    "8A": 0.01951,
    "12": 0.02015,
    "01": 0.02213,
    "09": 0.02465,
}
"""Tangent of the angle along track between each band of MSI and B02; odd detectors look back, even ones ahead."""
STAGGER = 0.0095
"""Tangent of the angle along track between B02 and the middle between odd and even detectors."""
DETECTORS = 12
DETECTOR_OVERLAP = 2000.0
"""Metres that neighbouring detectors both see."""


@dataclass(frozen=True)
class Orbit:
    """A sun-synchronous orbit and what the instrument sees from it.

    Parameters
    ----------
    inclination : float
        Degrees.
    altitude : float
        Metres.
    local_time : float
        Hours, where the satellite crosses the equator southward.
    half_across, half_along : float
        Half of the swath and of a frame, metres.
    detectors : int
        Side by side over the swath; 1 where they aren't told apart.
    """

    inclination: float
    altitude: float
    local_time: float
    half_across: float
    half_along: float
    detectors: int = 1

    @property
    def scale(self) -> float:
        """Return the tangent of the view's zenith angle for each metre across; the Earth is round."""
        return (1 + self.altitude / EARTH_RADIUS) / self.altitude

    def heading(self, latitude: float) -> float:
        """Return the direction of the ground track southward, degrees clockwise from north.

        The velocity of the satellite's foot less that of the turning ground.
        """
        cosine = max(math.cos(math.radians(latitude)), 0.15)
        ratio = max(-1.0, min(1.0, math.cos(math.radians(self.inclination)) / cosine))
        speed = math.sqrt(3.986004e14 / (EARTH_RADIUS + self.altitude)) * EARTH_RADIUS / (EARTH_RADIUS + self.altitude)
        east = speed * ratio - EARTH_SPEED * cosine
        south = speed * math.sqrt(1 - ratio * ratio)
        return math.degrees(math.atan2(east, -south)) % 360

    def solar_time(self, latitude: float) -> float:
        """Return the local solar time in hours at which the satellite passes a latitude southward."""
        ratio = -math.tan(math.radians(latitude)) / math.tan(math.radians(self.inclination))
        return self.local_time + math.degrees(math.asin(max(-1.0, min(1.0, ratio)))) / 15


LANDSAT = Orbit(98.2, 705_000.0, 10.18, 95_000.0, 97_000.0)
SENTINEL2 = Orbit(98.62, 786_000.0, 10.5, 145_200.0, 1e7, DETECTORS)


def orbit_of(sensor: Sensor) -> Orbit:
    """Return the orbit of a sensor."""
    return LANDSAT if sensor.is_landsat else SENTINEL2


def stagger(sensor: Sensor, key: str) -> float:
    """Return the tangent along track by which odd detectors of a band look back (0 of Landsat)."""
    return 0.0 if sensor.is_landsat else STAGGER + BAND_OFFSETS[key]
