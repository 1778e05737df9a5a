"""What is simulated: ground, passes, and what goes wrong with them; every value is known to the tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from levelworks.insar.simulation.annotation_xml import Cut

SIZES: dict[str, tuple[int, int]] = {"ci": (2, 256), "development": (3, 512), "wide": (3, 4096)}
"""Bursts and samples of a swath, by name; ``full`` is one burst of all samples."""
WIDTHS = {"IW1": 22612, "IW2": 26395}
FIRST_BURST = 3
SWATH_STEP = 19918
"""Samples from the first of IW1 to the first of IW2."""
SEAM = 21080
"""A sample of IW1 in the middle of what both swaths hold."""


@dataclass(frozen=True)
class Hill:
    """A Gaussian hill: place relative to the scene's centre (m to east and north), radius and height (m)."""

    east: float
    north: float
    radius: float
    height: float


@dataclass(frozen=True)
class Terrain:
    """Heights above the ellipsoid: a plane of a base (m) and slopes (m/m), and hills."""

    base: float = 120.0
    slope_east: float = 0.002
    slope_north: float = 0.001
    hills: tuple[Hill, ...] = (Hill(-1500.0, 1200.0, 1800.0, 420.0), Hill(2500.0, -2500.0, 2500.0, 260.0))


@dataclass(frozen=True)
class Uplift:
    """A source of swelling below a point (Mogi 1958): place (m from the centre), depth (m), greatest uplift (m/yr)."""

    east: float = 0.0
    north: float = 0.0
    depth: float = 2500.0
    rate: float = 0.10


@dataclass(frozen=True)
class Slip:
    """Ground that has slid beyond a line, as in an earthquake: images see it moved, not its phase alone.

    Parameters
    ----------
    east, north : float
        By which the far side has slid, m; the near side stays.
    day : int
        From which it has.
    bearing : float
        To which the far side lies, degrees from north.
    distance : float
        From the scene's centre to the line, along the bearing, m.
    width : float
        Over which the slip grows, m (of a hyperbolic tangent); 0: all the ground has slid.
    """

    east: float
    north: float
    day: int = 1
    bearing: float = 0.0
    distance: float = 0.0
    width: float = 0.0


@dataclass(frozen=True)
class Target:
    """A corner reflector on the terrain: place (m from the centre) and amplitude, that of the brightest ground is 1."""

    east: float
    north: float
    amplitude: float = 60.0


@dataclass(frozen=True)
class Pass:
    """One acquisition.

    Parameters
    ----------
    days : int
        After the first template's day, 6 April 2025.
    template : str
        Whose geometry it has: ``20250406``, or ``20250418``, which is the real second pass.
    baseline : float
        Perpendicular baseline to add to the template's orbit, m.
    synchronisation : float
        By which the bursts begin later on the ground, lines.
    timing_error : float
        By which the annotation says that bursts begin later than they do, lines.
    orbit_error : tuple of float
        By which the annotated orbit is off: radial, along and across the track, m.
    ionosphere : tuple of float
        Azimuth shift of targets, lines: at the first burst, and its change from burst to burst.
    burst_phases : tuple of float
        Constant phases of the bursts, rad, repeated as needed; as between S1C and S1D.
    missing : tuple of int
        Bursts, counted from the first kept, that no product has (only at the end or begin of slices).
    slices : int
        Products that the pass is delivered in.
    """

    days: int
    template: str = "20250406"
    baseline: float = 0.0
    synchronisation: float = 0.0
    timing_error: float = 0.0
    orbit_error: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ionosphere: tuple[float, float] = (0.0, 0.0)
    burst_phases: tuple[float, ...] = (0.0,)
    mission: str = "S1A"
    swaths: tuple[str, ...] = ("IW1", "IW2")
    missing: tuple[int, ...] = ()
    slices: int = 1


@dataclass(frozen=True)
class Scenario:
    """A stack of passes over one scene.

    Parameters
    ----------
    passes : tuple of Pass
        In the order of days; the first is the one whose radar grid the scene lives on.
    cuts : dict of str to Cut
        What is kept of the swaths.
    decorrelation : float
        Days after which coherence has fallen to 1/e.
    atmosphere : float
        rms of the delay of a pass, rad of two-way phase.
    noise : float
        Power of thermal noise relative to that of the brightest ground's mean.
    """

    passes: tuple[Pass, ...]
    cuts: dict[str, Cut]
    terrain: Terrain = Terrain()
    uplift: Uplift = Uplift()
    slip: Slip | None = None
    targets: tuple[Target, ...] = ()
    decorrelation: float = 400.0
    atmosphere: float = 1.0
    noise: float = 0.02
    seed: int = 7
    spacing: tuple[int, int] = field(default=(4, 4))


def cuts(size: str) -> dict[str, Cut]:
    """Return what is kept of both swaths at a named size: the far end of IW1, the near end of IW2, a quarter shared."""
    if size == "full":
        return {swath: Cut(FIRST_BURST, 1, 0, width) for swath, width in WIDTHS.items()}
    bursts, samples = SIZES[size]
    shared = min(samples // 4, 240)
    first = SEAM + shared // 2 - samples
    return {
        "IW1": Cut(FIRST_BURST, bursts, first, samples),
        "IW2": Cut(FIRST_BURST, bursts, SEAM - shared // 2 - SWATH_STEP, samples),
    }
