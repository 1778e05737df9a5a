"""Where and when a scene is seen: its grid, its time, the sun over it, and how the satellite looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np

from levelworks.ard.scene import ImageGrid
from levelworks.ard.simulation.cloud_kernels import Look
from levelworks.ard.simulation.orbits import Orbit, orbit_of, stagger
from levelworks.ard.simulation.scene_description import SceneDescription
from levelworks.ard.simulation.smooth_noise import Window
from levelworks.ard.simulation.utm import SQUARE, Zone, tile_corner, tile_name, zone_of
from levelworks.core.outcome import InvalidOptions
from levelworks.core.sun import sun_position

FRAME = (7661, 7821)
"""Rows and columns of a whole Landsat frame."""
TILE = 10980
"""Rows and columns of a whole Sentinel-2 tile."""
NODE = 3000.0
"""Metres between the nodes at which the sun and the air are worked out."""


@dataclass(frozen=True)
class Nodes:
    """A lattice of nodes over the scene, from its upper-left corner, rows going south.

    Parameters
    ----------
    x, y : (columns,), (rows,) float64
        Eastings and northings.
    sun_zenith, sun_azimuth : (rows, columns) float64
        Degrees, azimuth from true north.
    convergence : (rows, columns) float64
        Degrees from true north to the grid's north.
    """

    x: np.ndarray
    y: np.ndarray
    sun_zenith: np.ndarray
    sun_azimuth: np.ndarray
    convergence: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return self.y.size, self.x.size

    @property
    def sun_tangent(self) -> np.ndarray:
        """Return the tangent of the sun's zenith angle towards the sun, (2, rows, columns): east and north."""
        tangent = np.tan(np.radians(self.sun_zenith))
        azimuth = np.radians(self.sun_azimuth - self.convergence)
        return np.stack([tangent * np.sin(azimuth), tangent * np.cos(azimuth)])


class Placement:
    """Where and when a described scene is seen.

    Parameters
    ----------
    description : SceneDescription

    Raises
    ------
    InvalidOptions
        Where the sun never stands as it is asked to, or is below the horizon.
    """

    def __init__(self, description: SceneDescription) -> None:
        self.description = description
        self.sensor = description.of
        longitude, latitude = description.place
        zone = description.zone or zone_of(longitude)
        self.zone = Zone(zone, not self.sensor.is_landsat and latitude < 0)
        self.grid = self._grid()
        self.orbit: Orbit = orbit_of(self.sensor)
        west, south, east, north = self.grid.bounds
        self.middle = (west + east) / 2, (south + north) / 2
        place = self.zone.geographic(np.array(self.middle[0]), np.array(self.middle[1]))
        self.longitude, self.latitude = float(place[0]), float(place[1])
        self.time = self._time()
        self.convergence = float(self.zone.convergence(*place))
        self.heading = self.orbit.heading(self.latitude) - self.convergence
        """Direction of flight on the grid, degrees."""
        if float(self.sun(self.time)[0]) > 88:
            raise InvalidOptions(f"time: {self.time:%Y-%m-%d %H:%M} UTC; the sun is too low over the scene")

    def _grid(self) -> ImageGrid:
        description, size = self.description, self.sensor.resolution
        whole = FRAME if self.sensor.is_landsat else (TILE, TILE)
        rows, columns = description.rows or whole[0], description.columns or whole[1]
        if description.corner is not None:
            west, north = description.corner
        else:
            x, y = self.zone.project(*description.place)
            if not self.sensor.is_landsat and (rows, columns) == whole:
                west, north = tile_corner(self.zone, x, y)
            else:
                # centres of Landsat pixels stand on multiples of 30 m, corners of Sentinel-2 pixels on those of 60 m
                step, shift = (30.0, 15.0) if self.sensor.is_landsat else (60.0, 0.0)
                west = np.round((x - columns * size / 2) / step) * step - shift
                north = np.round((y + rows * size / 2) / step) * step + shift
        return ImageGrid(self.zone.crs, float(west), float(north), float(size), rows, columns)

    @property
    def tile(self) -> str:
        """Return the name of the tile, of Sentinel-2."""
        if self.grid.rows == TILE:
            return tile_name(self.zone, self.grid.west + SQUARE / 2, self.grid.north - SQUARE / 2)
        return tile_name(self.zone, *self.middle)

    @property
    def extent(self) -> Window:
        """Return all pixels of the scene."""
        return Window.of(self.grid)

    def sun(
        self, time: datetime, longitude: np.ndarray | None = None, latitude: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return zenith and azimuth of the sun at places, by default in the middle."""
        if longitude is None or latitude is None:
            longitude, latitude = np.array(self.longitude), np.array(self.latitude)
        return sun_position(time, longitude, latitude)

    def _time(self) -> datetime:
        description = self.description
        if description.time is not None:
            time = description.time
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        start = datetime(description.day.year, description.day.month, description.day.day, tzinfo=UTC)
        longitude, latitude = self.longitude, self.latitude
        pass_time = start + timedelta(hours=self.orbit.solar_time(latitude) - longitude / 15)
        if description.sun_zenith is None:
            return pass_time.replace(microsecond=0)
        return self._time_of_zenith(pass_time, description.sun_zenith)

    def _time_of_zenith(self, near: datetime, zenith: float) -> datetime:
        """Return when in the morning the sun stands at a zenith, to the second."""
        noon = near + timedelta(hours=12 - self.orbit.solar_time(self.latitude))
        seconds = np.arange(-12 * 3600, 1800, 10.0)
        zeniths = sun_position(noon, np.array(self.longitude), np.array(self.latitude), seconds=seconds)[0]
        highest = int(zeniths.argmin())
        if not zeniths[highest] <= zenith <= zeniths[: highest + 1].max():
            raise InvalidOptions(
                f"sun_zenith: {zenith}; on {near:%Y-%m-%d} the sun over the scene comes to {zeniths.min():.1f} at best"
            )
        # the last crossing before noon
        before = int(np.flatnonzero(zeniths[: highest + 1] >= zenith)[-1])
        share = (zeniths[before] - zenith) / max(zeniths[before] - zeniths[before + 1], 1e-12)
        return noon + timedelta(seconds=round(float(seconds[before] + 10 * share)), microseconds=-noon.microsecond)

    @cached_property
    def nodes(self) -> Nodes:
        """Return the sun over the scene."""
        west, south, east, north = self.grid.bounds
        x = west + NODE * np.arange(int(np.ceil((east - west) / NODE)) + 1)
        y = north - NODE * np.arange(int(np.ceil((north - south) / NODE)) + 1)
        longitude, latitude = self.zone.geographic(*np.meshgrid(x, y))
        zenith, azimuth = self.sun(self.time, longitude, latitude)
        return Nodes(x, y, zenith, azimuth, self.zone.convergence(longitude, latitude))

    def look(self, key: str) -> Look:
        """Return how a band looks at the scene."""
        heading, orbit = np.radians(self.heading), self.orbit
        width = 2 * orbit.half_across / orbit.detectors if orbit.detectors > 1 else 0.0
        scale, staggered, fixed = orbit.scale, stagger(self.sensor, key), (0.0, 0.0)
        if self.description.view is not None:
            zenith, azimuth = self.description.view
            sun = float(self.sun(self.time)[1]) - self.convergence
            tangent = np.tan(np.radians(zenith))
            fixed = tangent * np.sin(np.radians(sun + azimuth)), tangent * np.cos(np.radians(sun + azimuth))
            scale, staggered = 0.0, 0.0
        return Look(
            self.middle[0],
            self.middle[1],
            float(self.description.across),
            0.0,
            float(np.sin(heading)),
            float(np.cos(heading)),
            scale,
            staggered,
            width,
            orbit.half_across,
            orbit.half_along,
            float(fixed[0]),
            float(fixed[1]),
        )
