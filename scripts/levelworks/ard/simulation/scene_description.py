"""What a simulated scene is asked to be; all of it is a function of its description. Nothing here imports NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, get_args

from levelworks.ard.sensors import SENSORS, Sensor
from levelworks.core.outcome import InvalidOptions

AirSource = Literal["auto", "sixs", "tables"]
TruthLayers = Literal["full", "masks", "none"]
Archive = Literal["tar", "tar.gz", "zip"]
Damage = Literal[
    "missing-band",
    "truncated-band",
    "missing-metadata",
    "truncated-metadata",
    "wrong-tier",
    "wrong-level",
    "all-cloud",
    "no-data",
    "truncated-archive",
    "hostile-archive",
]
DAMAGES: tuple[Damage, ...] = get_args(Damage)
"""What can be wrong with a granule; see damage.py."""


@dataclass(frozen=True)
class Landscape:
    """The ground.

    Parameters
    ----------
    water, forest, urban, bright : float
        Shares of the ground; what is left is fields, grass and bare soil.
    parcel : float
        Metres across a parcel of one use.
    relief : float
        Metres from the lowest ground to the highest peaks; 0 for flat ground.
    base : float
        Elevation of the lowest ground, metres.
    snow : float
        Share of the ground under snow: the highest, or patches where it is flat.
    temperature : float
        Of the air at sea level, kelvin; the ground's follows from it and from what it is.
    shared : bool
        Whether shares hold for the whole zone, so that scenes that overlap show the same ground; else for the scene.
    seed : int
        Of the ground: one place looks the same to all sensors and on all days with the same seed.
    """

    water: float = 0.10
    forest: float = 0.32
    urban: float = 0.06
    bright: float = 0.03
    parcel: float = 900.0
    relief: float = 0.0
    base: float = 0.0
    snow: float = 0.0
    temperature: float = 291.0
    shared: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Air:
    """The atmosphere without clouds.

    Parameters
    ----------
    aod : float
        Aerosol optical depth at 550 nm above the lowest ground.
    aod_change : float
        Change from the west edge of the scene to the east edge, as a share of `aod`.
    aerosol_height : float, optional
        Metres over which aerosol falls to 1/e; by default it doesn't change with elevation.
    water_vapour : float
        g cm-2, above the ground.
    water_vapour_change : float
        Change from the north edge to the south edge, as a share.
    ozone : float
        atm-cm.
    aerosol : str
        Model of the aerosol: ``continental``, ``maritime``, ``urban``, ``smoke`` or ``desert``.
    source : {"auto", "sixs", "tables"}
        Where path reflectance and transmittances come from: direct runs of 6S, the line's own tables, or 6S where it
        has the case and tables elsewhere.
    """

    aod: float = 0.15
    aod_change: float = 0.0
    aerosol_height: float | None = None
    water_vapour: float = 2.0
    water_vapour_change: float = 0.0
    ozone: float = 0.30
    aerosol: str = "continental"
    source: AirSource = "auto"


@dataclass(frozen=True)
class Clouds:
    """The clouds.

    Parameters
    ----------
    cover : float
        Share of the scene under opaque clouds.
    layers : int
        Decks of different height.
    lowest, highest : float
        Heights between which the decks lie, metres above the lowest ground.
    size : float
        Metres over which clouds change.
    soft_edges : bool
        Whether edges are semi-transparent.
    cirrus : float
        Share of the scene under cirrus, at ten kilometres.
    """

    cover: float = 0.15
    layers: int = 3
    lowest: float = 800.0
    highest: float = 6000.0
    size: float = 2500.0
    soft_edges: bool = True
    cirrus: float = 0.0


@dataclass(frozen=True)
class SceneDescription:
    """A scene.

    Parameters
    ----------
    sensor : str
        ``LND04`` to ``LND09``, ``SEN2A`` to ``SEN2D``.
    rows, columns : int, optional
        Pixels of 30 m (Landsat) or 10 m (Sentinel-2, multiples of 6); by default a whole frame or tile.
    place : (longitude, latitude)
        Of the middle, degrees.
    corner : (easting, northing), optional
        Outer corner of the upper-left pixel instead of `place`, metres in the zone of `place`.
    zone : int, optional
        UTM zone; by default the one that `place` lies in.
    day : date
    time : datetime, optional
        UTC; by default the satellite's local time on `day`.
    sun_zenith : float, optional
        Degrees in the middle: the time is the one of the morning when the sun stands there.
    path_row : (int, int)
        WRS-2, of Landsat.
    level, tier : str
        ``L1TP``, ``L1GT``, ``L1GS``; ``T1``, ``T2``, ``RT``.
    baseline : str
        Processing baseline of Sentinel-2; from 04.00 on counts have an offset of 1000.
    across : float
        Metres that the middle lies to the right of the ground track.
    view : (zenith, azimuth), optional
        Degrees: the same view of all pixels and bands, azimuth from the sun's; by default as the satellite flies.
    adjacency, terrain, brdf : bool
        Whether light from the surroundings, slopes towards the sun, and the directions of sun and view matter.
    standard_sun_zenith : float
        Degrees for which the truth of `brdf` holds, seen from nadir.
    noise : bool
        Whether the instrument is noisy.
    impulse_noise : float
        Share of the pixels that one visible band of an 8-bit sensor has wrong.
    angle_files : bool
        Whether angles come with the scene (Landsat).
    footprints : bool
        Whether footprints of detectors are written (Sentinel-2).
    quality_masks : bool
        Whether masks of quality are written (Sentinel-2 from baseline 04.00 on).
    truth : {"full", "masks", "none"}
        What is written beside: everything, all but reflectance, or the description alone.
    archive : {"tar", "tar.gz", "zip"}, optional
        What the granule is packed in.
    seed : int
        Of clouds and noise.
    """

    sensor: str = "LND08"
    rows: int | None = 600
    columns: int | None = 600
    place: tuple[float, float] = (12.85, 51.7)
    corner: tuple[float, float] | None = None
    zone: int | None = None
    day: date = date(2018, 8, 24)
    time: datetime | None = None
    sun_zenith: float | None = None
    path_row: tuple[int, int] = (193, 24)
    level: str = "L1TP"
    tier: str = "T1"
    baseline: str = "05.09"
    across: float = 0.0
    view: tuple[float, float] | None = None
    landscape: Landscape = field(default_factory=Landscape)
    air: Air = field(default_factory=Air)
    clouds: Clouds = field(default_factory=Clouds)
    adjacency: bool = True
    terrain: bool = True
    brdf: bool = False
    standard_sun_zenith: float = 45.0
    noise: bool = True
    impulse_noise: float = 0.0
    angle_files: bool = True
    footprints: bool = True
    quality_masks: bool = False
    truth: TruthLayers = "full"
    archive: Archive | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sensor not in SENSORS:
            raise InvalidOptions(f"sensor: {self.sensor!r} is none of {', '.join(SENSORS)}")
        multiple = 1 if self.of.is_landsat else 6
        for name in ("rows", "columns"):
            size = getattr(self, name)
            if size is not None and (size < 6 or size % multiple):
                raise InvalidOptions(f"{name}: {size}; at least 6 and a multiple of {multiple} for {self.sensor}")
        longitude, latitude = self.place
        if not (-180 <= longitude <= 180 and -80 <= latitude <= 84):
            raise InvalidOptions(f"place: {self.place}; UTM reaches from 80 S to 84 N")
        if self.time is not None and self.sun_zenith is not None:
            raise InvalidOptions("time and sun_zenith: give one of them")
        shares = {"clouds.cover": self.clouds.cover, "clouds.cirrus": self.clouds.cirrus}
        shares |= {name: getattr(self.landscape, name) for name in ("water", "forest", "urban", "bright", "snow")}
        shares["impulse_noise"] = self.impulse_noise
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise InvalidOptions(f"{name}: {share}; a share from 0 to 1")
        ground = self.landscape
        if self.seed < 0 or ground.seed < 0:
            raise InvalidOptions(f"seed: {self.seed} and {ground.seed}; at least 0")
        if ground.relief < 0 or ground.parcel <= 0:
            raise InvalidOptions("landscape: relief is at least 0, and parcels are larger than 0")
        if ground.water + ground.forest + ground.urban + ground.bright > 1:
            raise InvalidOptions("landscape: shares of water, forest, urban and bright ground exceed 1")
        if self.clouds.layers < 1 or not 0 < self.clouds.lowest <= self.clouds.highest:
            raise InvalidOptions("clouds: at least one deck, and heights above 0 from the lowest to the highest")
        if self.archive == "zip" and self.of.is_landsat:
            raise InvalidOptions("archive: Landsat comes as tar or tar.gz")

    @property
    def of(self) -> Sensor:
        """Return the sensor."""
        return SENSORS[self.sensor]

    def changed(self, **changes: Any) -> SceneDescription:
        """Return a description that differs in some fields."""
        from dataclasses import replace

        return replace(self, **changes)
