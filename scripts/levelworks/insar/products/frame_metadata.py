"""Facts of a frame as text: LiCSAR's ``metadata.txt`` and ``baselines``, values from orbits and annotations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks import __version__
from levelworks.core.outcome import InvalidReference
from levelworks.insar.frames.frame import Frame
from levelworks.insar.geometry.baseline import baseline
from levelworks.insar.geometry.ellipsoid import to_cartesian
from levelworks.insar.geometry.line_of_sight import heading
from levelworks.insar.mosaic.geometry_files import read_ground
from levelworks.insar.mosaic.mosaic import Mosaic
from levelworks.insar.network.epochs import Epoch
from levelworks.insar.orbits.state_vectors import OrbitArc
from levelworks.insar.safe.acquisition import Acquisition
from levelworks.insar.safe.acquisition_orbits import acquisition_arc
from levelworks.insar.times import format_time

PHASE_SIGN = "positive away from the satellite: 4 pi / wavelength (R_second - R_first)"
BASELINE_SIGN = "positive along look x velocity of the reference, look from satellite to ground"


@dataclass(frozen=True)
class FrameFacts:
    """What ``metadata.txt`` says of a frame: keys as LiCSAR names them first, ours after."""

    values: Mapping[str, str]
    baselines: tuple[Epoch, ...]


def centre_point(geometry: Path, mosaic: Mosaic) -> np.ndarray:
    """Return the place on the ground nearest to the middle of a frame's radar grid, Earth-fixed (m).

    Raises
    ------
    InvalidReference
        Where no burst has ground under it.
    """
    middle = [size * looks / 2 for size, looks in zip(mosaic.shape, mosaic.looks, strict=True)]
    best: tuple[float, np.ndarray] | None = None
    for place in mosaic.placements:
        ground = read_ground(geometry, place.key)
        lines, samples = place.corner[0] + ground.lines, place.corner[1] + ground.samples
        distance = np.hypot(
            (lines[:, None] - middle[0]) * mosaic.time_interval * 6800.0,
            (samples[None, :] - middle[1]) * mosaic.range_spacing,
        )
        distance[~np.isfinite(ground.height)] = np.inf
        at = np.unravel_index(np.argmin(distance), distance.shape)
        if np.isfinite(distance[at]) and (best is None or distance[at] < best[0]):
            best = float(distance[at]), to_cartesian(ground.latitude[at], ground.longitude[at], ground.height[at])
    if best is None:
        raise InvalidReference(f"{geometry} has no ground under any burst: run reference-geometry again")
    return best[1]


def frame_baselines(
    reference: Acquisition, acquisitions: Sequence[Acquisition], point: np.ndarray, wavelength: float
) -> tuple[Epoch, ...]:
    """Return the perpendicular baseline (m) of each date to the reference at a point, in the order of dates."""
    first = acquisition_arc(reference)
    epochs = []
    for one in acquisitions:
        same = one.epoch == reference.epoch
        value = 0.0 if same else float(baseline(first, acquisition_arc(one), point, wavelength).perpendicular)
        epochs.append(Epoch(one.epoch, value, one.mission))
    return tuple(sorted(epochs))


def frame_facts(
    frame: Frame,
    reference: Acquisition,
    acquisitions: Sequence[Acquisition],
    geometry: Path,
    mosaic: Mosaic,
    means: Mapping[str, float],
) -> FrameFacts:
    """Gather the facts of a frame.

    Parameters
    ----------
    frame : Frame
    reference : Acquisition
        Of the frame's reference date.
    acquisitions : sequence of Acquisition
        Of all dates, the reference among them.
    geometry : Path
        Of `reference-geometry`, from which ``mosaic`` is.
    means : mapping of str to float
        ``inc`` (degrees) and ``hgt`` (m): means over the frame's geocoded cells.
    """
    point = centre_point(geometry, mosaic)
    arc = acquisition_arc(reference)
    rows, columns = mosaic.shape
    time = float(mosaic.times_of(np.array((rows - 1) / 2)))
    kinds = sorted({one.orbit_kind for one in acquisitions})
    epochs = frame_baselines(reference, acquisitions, point, mosaic.wavelength)
    values = {
        "master": f"{frame.reference:%Y%m%d}",
        "center_time": format_time(reference.epoch, time).split("T")[1],
        "heading": f"{heading(arc, time):.6f}",
        "avg_incidence_angle": f"{means['inc']:.4f}",
        "azimuth_resolution": f"{_line_spacing(arc, time, mosaic.time_interval, point):.6f}",
        "range_resolution": f"{mosaic.range_spacing:.6f}",
        "centre_range_m": f"{float(mosaic.ranges_of(np.array((columns - 1) / 2))):.4f}",
        "avg_height": f"{means['hgt']:.2f}",
        "applied_DEM": frame.dem or "not named",
        "frame": frame.frame,
        "pass": frame.pass_direction,
        "polarisation": frame.polarisation,
        "wavelength_m": f"{mosaic.wavelength:.9f}",
        "range_looks": str(mosaic.looks[1]),
        "azimuth_looks": str(mosaic.looks[0]),
        "heights_above": "ellipsoid of WGS 84",
        "orbits": ",".join(kinds),
        "phase_sign": PHASE_SIGN,
        "bperp_sign": BASELINE_SIGN,
        "software": f"levelworks {__version__}",
    }
    return FrameFacts(values, epochs)


def _line_spacing(arc: OrbitArc, time: float, interval: float, point: np.ndarray) -> float:
    """Return the way of the zero-Doppler plane over the ground from line to line, m."""
    position, velocity, acceleration = arc.at(time)
    look = point - position
    speed = float(velocity @ velocity - look @ acceleration) / float(np.linalg.norm(velocity))
    return speed * interval


def write_metadata(path: Path, values: Mapping[str, str]) -> None:
    """Write ``key=value`` lines."""
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()), encoding="utf-8")


def write_baselines(path: Path, reference: dt.date, epochs: Sequence[Epoch]) -> None:
    """Write a line for each date: reference, date, perpendicular baseline (m), days since the reference."""
    lines = [
        f"{reference:%Y%m%d} {one.date:%Y%m%d} {one.perpendicular_baseline:.2f} {(one.date - reference).days}\n"
        for one in sorted(epochs)
    ]
    path.write_text("".join(lines), encoding="utf-8")


def read_metadata(path: Path) -> dict[str, str]:
    """Read ``key=value`` lines; others are passed over."""
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines())
    return {key.strip(): value.strip() for key, mark, value in pairs if mark}


def read_baselines(path: Path) -> dict[str, tuple[str, float, int]]:
    """Read baselines: by date the reference, the perpendicular baseline (m) and the days since the reference.

    Raises
    ------
    ValueError
        Where a line is none.
    """
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        reference, date, perpendicular, days = line.split()
        found[date] = reference, float(perpendicular), int(float(days))
    return found
