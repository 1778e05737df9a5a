"""Level 1 with known truth: a scene is described, and put together for a sensor. It is a function of its description.

Scenes of each sensor and their files: simulated_scenes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sun import sun_position
from levelworks.plumes.scene import Geometry, Sensor, Spectral
from levelworks.plumes.simulation.simulated_clouds import make_clouds
from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.simulation.simulated_scene import Instrument, SimulatedScene
from levelworks.plumes.simulation.simulated_surfaces import SurfaceKind, make_surface
from levelworks.plumes.simulation.transport import Plume, Wind, gaussian_plume, transport_speed
from levelworks.plumes.simulation.turbulent_transport import turbulent_plume
from levelworks.plumes.tables import NoiseModel, earth_sun_distance, emit_noise
from levelworks.plumes.units import GASES

PLACES: dict[str, tuple[float, float]] = {
    "desert": (54.20, 38.50),
    "cropland": (-101.40, 37.90),
    "urban": (77.10, 28.60),
    "coast": (50.30, 25.90),
    "flat": (54.20, 38.50),
}
"""Longitude and latitude of each kind of surface."""
LOCAL_HOUR = 10.5
"""Local solar time of scenes whose time isn't given."""
FIRST_DAY = datetime(2023, 6, 21, tzinfo=UTC)
LONGEST_RELEASE = 10_800.0
"""Seconds that a source has emitted for at most; older gas counts as gone."""
LINE_SECONDS = 1 / 110


@dataclass(frozen=True)
class SceneDescription:
    """What a scene is asked to be; the rest follows from it.

    Parameters
    ----------
    surface : {"desert", "cropland", "urban", "coast", "flat"}
    plumes : sequence of Plume
    wind : Wind
    start : datetime, optional
        UTC; by default at half past ten local solar time.
    place : (longitude, latitude), optional
        Of the middle, degrees; by default one of the surface's kind.
    sun_zenith : float, optional
        Degrees, for the whole scene; by default where the sun stands.
    heading : float
        Of the flight, degrees.
    clouds : float
        Share of pixels under clouds.
    flares : int
        Number of flares; the first burn at the sources of plumes.
    noise : bool
        Whether the instrument is noisy.
    stripes, dead_elements
        See `Instrument`.
    seed : int
        Of all draws.
    """

    surface: SurfaceKind = "desert"
    plumes: Sequence[Plume] = ()
    wind: Wind = field(default_factory=lambda: Wind(4.0, 250.0))
    start: datetime | None = None
    place: tuple[float, float] | None = None
    sun_zenith: float | None = None
    heading: float = 40.0
    clouds: float = 0.0
    flares: int = 0
    noise: bool = True
    stripes: float = 0.003
    dead_elements: int = 0
    seed: int = 0


def place_of(description: SceneDescription) -> tuple[float, float]:
    """Return longitude and latitude of the middle of a scene.

    Raises
    ------
    InvalidOptions
        Where there is no such kind of surface.
    """
    if description.surface not in PLACES:
        raise InvalidOptions(f"surface: {description.surface!r} is none of {', '.join(PLACES)}")
    return description.place or PLACES[description.surface]


def start_of(description: SceneDescription) -> datetime:
    """Return when a scene is seen, to the second."""
    if description.start is not None:
        return description.start.astimezone(UTC).replace(microsecond=0)
    longitude, _ = place_of(description)
    noon = FIRST_DAY + timedelta(days=description.seed % 365, hours=LOCAL_HOUR - longitude / 15)
    return noon.replace(microsecond=0)


def make_scene(
    description: SceneDescription,
    name: str,
    sensor: Sensor,
    spectral: Spectral,
    rows: int,
    columns: int,
    *,
    pixel: float,
    altitude: float,
    off_nadir: float = 0.0,
    noise: NoiseModel | None = None,
    full_columns: int | None = None,
    first_column: int = 0,
) -> SimulatedScene:
    """Put a scene together.

    Parameters
    ----------
    name : str
        The agency's id.
    spectral : Spectral
        Of these columns.
    pixel, altitude : float
        m.
    off_nadir : float
        Degrees that the sensor looks to its right.
    noise : NoiseModel, optional
        EMIT's at the nearest wavelengths by default.
    full_columns, first_column : int
        Of the whole detector, where the scene is a cut of it.

    Raises
    ------
    InvalidOptions
        Where the description is none: no such surface or gas, shares out of range.
    """
    _check(description, rows, columns)
    longitude, latitude = place_of(description)
    ground = Ground(rows, columns, pixel, longitude, latitude, description.heading)
    start = start_of(description)
    end = start + timedelta(seconds=rows * LINE_SECONDS)
    surface = make_surface(description.surface, rows, columns, description.seed)
    middle = ((full_columns or columns) - 1) / 2 - first_column
    geometry = _geometry(
        ground, surface.elevation, start + (end - start) / 2, description.sun_zenith, altitude, off_nadir, middle
    )
    columns_of = tuple(_lay(ground, plume, description, number) for number, plume in enumerate(description.plumes))
    gases = sorted({plume.gas for plume in description.plumes} | {"ch4"}, key=GASES.index)
    gas_columns = {
        gas: sum(
            (laid for laid, plume in zip(columns_of, description.plumes, strict=True) if plume.gas == gas),
            np.zeros((rows, columns)),
        )
        for gas in gases
    }
    sun = float(np.mean(geometry.sun_zenith)), float(np.mean(geometry.sun_azimuth))
    if sun[0] > 85:
        raise InvalidOptions(f"start: {start.isoformat()} is night there, the sun stands at {sun[0]:.0f} degrees")
    model = (noise or emit_noise().at(spectral.mean)) if description.noise else None
    return SimulatedScene(
        name=name,
        sensor=sensor,
        start=start,
        end=end,
        rows=rows,
        columns=columns,
        spectral=spectral,
        geometry=geometry,
        earth_sun=earth_sun_distance(start.timetuple().tm_yday),
        ground=ground,
        surface=surface,
        gas_columns=gas_columns,
        plumes=tuple(description.plumes),
        plume_columns=columns_of,
        wind=description.wind,
        instrument=Instrument(model, description.stripes, description.dead_elements),
        altitude=altitude,
        clouds=make_clouds(description.clouds, ground, *sun, description.seed) if description.clouds else None,
        flares=_place_flares(description, rows, columns),
        seed=description.seed,
    )


def _check(description: SceneDescription, rows: int, columns: int) -> None:
    if rows < 2 or columns < 1:
        raise InvalidOptions(f"rows and columns: {rows} and {columns}; at least 2 and 1")
    if not 0 <= description.clouds < 1:
        raise InvalidOptions(f"clouds: {description.clouds}; a share from 0 to 1")
    if description.wind.speed <= 0:
        raise InvalidOptions(f"wind: {description.wind.speed} m/s; above 0")
    for plume in description.plumes:
        if plume.gas not in GASES:
            raise InvalidOptions(f"plumes: {plume.gas!r} is none of {', '.join(GASES)}")
        if plume.rate < 0:
            raise InvalidOptions(f"plumes: a rate of {plume.rate} t/h; at least 0")


def _lay(ground: Ground, plume: Plume, description: SceneDescription, number: int) -> np.ndarray:
    if plume.kind == "gaussian":
        return gaussian_plume(ground, plume, description.wind)
    reach = float(np.hypot(ground.rows, ground.columns)) * ground.pixel
    seconds = min(1.5 * reach / transport_speed(description.wind, plume.stability), LONGEST_RELEASE)
    seed = description.seed * 1000 + number
    return turbulent_plume(ground, plume, description.wind, seconds=seconds, seed=seed)


def _geometry(
    ground: Ground,
    elevation: np.ndarray,
    time: datetime,
    sun_zenith: float | None,
    altitude: float,
    off_nadir: float,
    middle: float,
) -> Geometry:
    rows, columns = ground.grid()
    longitude, latitude = ground.to_geographic(*ground.to_plane(rows, columns))
    zenith, azimuth = sun_position(time, longitude, latitude)
    if sun_zenith is not None:
        zenith = np.full_like(zenith, sun_zenith)
    across = (columns - middle) * ground.pixel + altitude * np.tan(np.radians(off_nadir)) + 0.0 * rows
    view = np.degrees(np.arctan(np.abs(across) / altitude))
    towards = (ground.heading + np.where(across > 0, -90.0, 90.0)) % 360
    return Geometry(
        longitude,
        latitude,
        elevation,
        sun_zenith=zenith.astype(np.float32),
        sun_azimuth=azimuth.astype(np.float32),
        view_zenith=view.astype(np.float32),
        view_azimuth=towards.astype(np.float32),
    )


def _place_flares(description: SceneDescription, rows: int, columns: int) -> np.ndarray:
    random = np.random.default_rng([description.seed, 6])
    drawn = np.stack([random.integers(0, rows, description.flares), random.integers(0, columns, description.flares)], 1)
    for number, plume in enumerate(description.plumes[: description.flares]):
        drawn[number] = np.clip([round(plume.row), round(plume.column)], 0, [rows - 1, columns - 1])
    return drawn
