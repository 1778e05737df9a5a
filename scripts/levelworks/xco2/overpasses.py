"""Where the footprints of an overpass lie: area maps, target mode, and plain nadir and glint tracks.

Footprints are laid on a plane in kilometres about the overpass's centre and brought to the sphere by the azimuthal
equidistant projection, so that sites near the poles and the antimeridian are as good as any.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.granule import Mode

Mission = Literal["oco2", "oco3"]

EARTH_RADIUS = 6371.0072
"""Kilometres."""
FRAME_TIME = 0.333
"""Seconds from frame to frame."""
READOUT_TIME = 0.027
"""Seconds from footprint to footprint within a frame."""
SWING_TIME = {Mode.AREA_MAP: 12.0, Mode.TARGET: 25.0}
"""Seconds in which the pointing mirror, or the spacecraft, goes from one swath to the next."""
CENTRE_OFFSET = (0.140, 0.044)
"""Kilometres east and north by which the mean of the corners lies off the centre, as in a real OCO-2 track."""
ALONG = {"oco2": 2.277, "oco3": 2.2}
ACROSS = {"oco2": 1.097, "oco3": 1.6}
SPACING = {"oco2": 1.086, "oco3": 1.6}
"""Kilometres at nadir: edges of footprints along the track and along the slit, and their distance along the slit."""
HEADING = {"oco2": 346.3, "oco3": 52.0}
SLIT = {"oco2": (163.5, 171.0), "oco3": (84.0, 96.0)}
"""Degrees: bearing of the track, and angle from it to the slit at both ends of a track."""


@dataclass(frozen=True)
class Overpass:
    """One look at one place.

    Attributes
    ----------
    target_id, target_name : str
        Empty where no target is assigned.
    lon, lat : float
        Centre, degrees.
    mode : int
        `Mode`: nadir, glint, target or area map.
    orbit : int
        Orbit number.
    start_time : float
        Seconds since 1970-01-01 UTC of the first frame.
    frames : int
        In each swath, 0.333 s apart.
    swaths : int
        Adjacent swaths of an area map, repeated sweeps of target mode.
    footprints : int
        Of each frame, 1 to 8.
    bad_share : float, optional
        Share of soundings of bad quality, where it is not that of the day; 1 for a capture without a good one.
    unassigned : float
        Share of soundings that LtSIF assigns to no sequence, the first of the overpass among them.
    """

    target_id: str
    target_name: str
    lon: float
    lat: float
    mode: int
    orbit: int
    start_time: float
    frames: int = 40
    swaths: int = 5
    footprints: int = 8
    bad_share: float | None = None
    unassigned: float = 0.02

    def __post_init__(self) -> None:
        if self.mode not in (Mode.NADIR, Mode.GLINT, Mode.TARGET, Mode.AREA_MAP):
            raise InvalidOptions(f"mode of an overpass is {self.mode}: 0, 1, 2 or 4 is needed")
        if self.frames < 1 or self.swaths < 1 or not 1 <= self.footprints <= 8:
            raise InvalidOptions("an overpass needs at least one frame, one swath, and 1 to 8 footprints a frame")

    @property
    def stop_time(self) -> float:
        """Return when the last swath ends, seconds since 1970-01-01 UTC."""
        swings = (self.swaths - 1) * SWING_TIME.get(Mode(self.mode), 0.0)
        return self.start_time + self.swaths * self.frames * FRAME_TIME + swings


@dataclass(frozen=True, eq=False)
class Footprints:
    """Footprints in the order of their sounding ids; angles in degrees, times in seconds since 1970-01-01 UTC.

    ``frame`` is the middle of a frame in tenths of a second, as it stands in sounding ids; corners, shape (N, 4), go
    clockwise, the first edge along the track.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    vertex_latitude: np.ndarray
    vertex_longitude: np.ndarray
    time: np.ndarray
    frame: np.ndarray
    footprint: np.ndarray
    view_zenith: np.ndarray

    def __len__(self) -> int:
        return len(self.latitude)

    def take(self, index: np.ndarray) -> Footprints:
        """Return some of them."""
        return Footprints(**{one.name: getattr(self, one.name)[index] for one in fields(self)})

    @staticmethod
    def none() -> Footprints:
        """Return no footprints."""
        flat, corners = np.zeros(0), np.zeros((0, 4))
        whole = np.zeros(0, dtype=np.int64)
        return Footprints(flat, flat, corners, corners, flat, whole, whole.astype(np.int8), flat)

    @staticmethod
    def join(parts: list[Footprints]) -> Footprints:
        """Put several one after the other."""
        return Footprints(
            **{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Footprints)}
        )


@dataclass(frozen=True)
class _Swath:
    """One swath on the plane: kilometres, degrees, and growth of footprints over their size at nadir."""

    start_time: float
    frames: int
    east: float
    north: float
    heading: float
    slit: np.ndarray
    step: float
    along: float
    across: float
    view_zenith: float


def lay_footprints(overpass: Overpass, mission: Mission, random: np.random.Generator) -> Footprints:
    """Lay the footprints of an overpass, those of mirror swings included.

    Parameters
    ----------
    overpass : Overpass
        What is looked at, how and when.
    mission : {"oco2", "oco3"}
        Whose footprints.
    random : Generator
        For headings and for where the mirror looks between swaths.

    Returns
    -------
    Footprints
        All that the instrument sees: ``frames`` times ``swaths`` times ``footprints``, and one to three more in each
        swing of an area map.
    """
    mode = Mode(overpass.mode)
    plan = {Mode.AREA_MAP: _area_map, Mode.TARGET: _sweeps}.get(mode, _track)
    footprint = np.arange(1, overpass.footprints + 1)
    swaths = plan(overpass, mission, random)
    parts = []
    for number, swath in enumerate(swaths):
        parts.append(_lay(swath, footprint, mission, overpass))
        if mode == Mode.AREA_MAP and number + 1 < len(swaths):
            parts.append(_lay(*_swing(swath, overpass, random), mission, overpass))
    footprints = Footprints.join(parts)
    return footprints.take(np.lexsort((footprints.footprint, footprints.frame)))


def _area_map(overpass: Overpass, mission: Mission, random: np.random.Generator) -> list[_Swath]:
    """Plan adjacent, nearly parallel swaths; the later, the more slanted the view."""
    views = np.linspace(20.0, 38.0, overpass.swaths)
    growth = 1 / np.cos(np.radians(views))
    widths = 8 * SPACING[mission] * growth * 0.96
    middles = np.cumsum(widths) - widths / 2
    middles -= widths.sum() / 2
    side = np.radians(HEADING[mission] + 90)
    duration = overpass.frames * FRAME_TIME + SWING_TIME[Mode.AREA_MAP]
    return [
        _Swath(
            start_time=overpass.start_time + number * duration,
            frames=overpass.frames,
            east=middles[number] * np.sin(side),
            north=middles[number] * np.cos(side),
            heading=HEADING[mission] + random.uniform(-1.0, 1.0),
            slit=np.full(overpass.frames, 88.0),
            step=ALONG[mission],
            along=ALONG[mission] * growth[number] ** 0.5,
            across=growth[number],
            view_zenith=views[number],
        )
        for number in range(overpass.swaths)
    ]


def _sweeps(overpass: Overpass, mission: Mission, random: np.random.Generator) -> list[_Swath]:
    """Plan sweeps to and fro over one place, from a slanted view over nadir to a slanted view again."""
    views = np.linspace(-55.0, 55.0, overpass.swaths) if overpass.swaths > 1 else np.array([25.0])
    growth = 1 / np.cos(np.radians(views))
    duration = overpass.frames * FRAME_TIME + SWING_TIME[Mode.TARGET]
    return [
        _Swath(
            start_time=overpass.start_time + number * duration,
            frames=overpass.frames,
            east=random.normal(0, 1.5),
            north=random.normal(0, 1.5),
            heading=HEADING[mission] + 180 * (number % 2) + random.uniform(-8, 8),
            slit=np.full(overpass.frames, 90.0 - views[number] / 5),
            step=ALONG[mission] / 2,
            along=ALONG[mission] * growth[number] ** 1.5,
            across=growth[number],
            view_zenith=abs(views[number]),
        )
        for number in range(overpass.swaths)
    ]


def _track(overpass: Overpass, mission: Mission, random: np.random.Generator) -> list[_Swath]:
    """Plan one straight track, whose slit turns slowly."""
    frames = overpass.frames * overpass.swaths
    swath = _Swath(
        start_time=overpass.start_time,
        frames=frames,
        east=0.0,
        north=0.0,
        heading=HEADING[mission] + random.uniform(-1, 1),
        slit=np.linspace(*SLIT[mission], frames),
        step=ALONG[mission],
        along=ALONG[mission],
        across=1.0,
        view_zenith=0.3 if overpass.mode == Mode.NADIR else 30.0,
    )
    return [swath]


def _swing(swath: _Swath, overpass: Overpass, random: np.random.Generator) -> tuple[_Swath, np.ndarray]:
    """Look far off in the middle of a mirror swing: one frame of which few footprints are retained."""
    distance, bearing = random.uniform(150.0, 280.0), random.uniform(0, 2 * np.pi)
    stray = replace(
        swath,
        start_time=swath.start_time + overpass.frames * FRAME_TIME + SWING_TIME[Mode.AREA_MAP] / 2,
        frames=1,
        east=distance * np.sin(bearing),
        north=distance * np.cos(bearing),
        slit=swath.slit[:1],
    )
    return stray, np.sort(random.choice(np.arange(1, 9), size=random.integers(1, 4), replace=False))


def _lay(swath: _Swath, footprints: np.ndarray, mission: Mission, overpass: Overpass) -> Footprints:
    frame, footprint = (one.ravel() for one in np.meshgrid(np.arange(swath.frames), footprints, indexing="ij"))
    bearing = np.radians(swath.heading)
    slit = bearing + np.radians(swath.slit)[frame]
    steps = (frame - (swath.frames - 1) / 2) * swath.step, (footprint - 4.5) * SPACING[mission] * swath.across
    half = np.array([-1, 1, 1, -1]) * swath.along / 2, np.array([-1, -1, 1, 1]) * ACROSS[mission] * swath.across / 2
    sphere = []
    for origin, one, other in (
        (swath.east, np.sin(bearing), np.sin(slit)),
        (swath.north, np.cos(bearing), np.cos(slit)),
    ):
        middle = origin + one * steps[0] + other * steps[1]
        corners = middle[:, None] + one * half[0] + other[:, None] * half[1]
        sphere.append((middle, corners))
    (east, corners_east), (north, corners_north) = sphere
    longitude, latitude = place(east - CENTRE_OFFSET[0], north - CENTRE_OFFSET[1], overpass.lon, overpass.lat)
    vertex_longitude, vertex_latitude = place(corners_east, corners_north, overpass.lon, overpass.lat)
    start = swath.start_time + frame * FRAME_TIME
    return Footprints(
        latitude=latitude,
        longitude=longitude,
        vertex_latitude=vertex_latitude,
        vertex_longitude=vertex_longitude,
        time=np.round(start + (footprint - 1) * READOUT_TIME, 3),
        frame=np.rint((start + 3.5 * READOUT_TIME) * 10).astype(np.int64),
        footprint=footprint.astype(np.int8),
        view_zenith=np.full(len(frame), float(swath.view_zenith)),
    )


def place(east: np.ndarray, north: np.ndarray, lon: float, lat: float) -> tuple[np.ndarray, np.ndarray]:
    """Bring points of a plane to the sphere by the azimuthal equidistant projection about a centre.

    Parameters
    ----------
    east, north : ndarray
        Kilometres from the centre.
    lon, lat : float
        Centre, degrees.

    Returns
    -------
    longitude, latitude : ndarray
        Degrees, longitudes from -180 to below 180.

    References
    ----------
    Snyder 1987, Map Projections: A Working Manual, USGS Professional Paper 1395, equations 20-14 and 20-15.
    """
    distance = np.hypot(east, north)
    angle = distance / EARTH_RADIUS
    phi = np.radians(lat)
    # sin(c)/rho, which is 1/R at the centre itself.
    ratio = np.sinc(angle / np.pi) / EARTH_RADIUS
    latitude = np.arcsin(np.clip(np.cos(angle) * np.sin(phi) + north * ratio * np.cos(phi), -1, 1))
    turn = np.arctan2(east * ratio, np.cos(phi) * np.cos(angle) - north * ratio * np.sin(phi))
    return (lon + np.degrees(turn) + 180) % 360 - 180, np.degrees(latitude)
