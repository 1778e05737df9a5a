"""Simulated passes: their true geometry, and the annotations that are written of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

import numpy as np

from levelworks.insar.geometry.elevation import Elevation
from levelworks.insar.geometry.ellipsoid import to_cartesian
from levelworks.insar.geometry.line_of_sight import geocentric_incidence
from levelworks.insar.geometry.rdr2geo import rdr2geo
from levelworks.insar.orbits.state_vectors import Orbit, OrbitArc, StateVectors
from levelworks.insar.safe.annotation import SwathAnnotation
from levelworks.insar.safe.annotation_reader import read_annotation
from levelworks.insar.safe.burst import SPEED_OF_LIGHT, Burst
from levelworks.insar.safe.bursts import bursts_of
from levelworks.insar.safe.elements import parse_xml
from levelworks.insar.safe.manifest import Manifest
from levelworks.insar.simulation.annotation_xml import Change, Cut, change_annotation, fill_grid, grid_axes, to_bytes
from levelworks.insar.simulation.orbit_changes import shift, shift_across
from levelworks.insar.simulation.scenario import Pass
from levelworks.insar.simulation.template import DAYS, Template, load_template
from levelworks.insar.times import format_time, parse_time

REPEAT_DAYS, REPEAT_ORBITS = 12, 175
DATA_TAKE = 475679
ARC_MARGIN = 1.0
"""s before and after a burst."""


@dataclass(frozen=True)
class SimulatedPass:
    """A pass as it truly is: template, orbit, and the changes of its annotations, true and as written."""

    asked: Pass
    template: Template
    epoch: dt.date
    orbit: Orbit
    truth: Change
    written: Change

    @property
    def absolute_orbit(self) -> int:
        """Return the number of the orbit."""
        return int(_text(self.template, "adsHeader/absoluteOrbitNumber")) + self.truth.orbits_later

    def bursts(self, swath: str, cut: Cut, manifest: Manifest) -> list[Burst]:
        """Return the bursts of a swath as they truly are."""
        root = change_annotation(self.template.annotations[swath], cut, self.truth, 0)
        annotation = read_annotation(to_bytes(root), swath, self.epoch)
        return bursts_of(annotation, manifest, "", "")

    def arc(self, burst: Burst) -> OrbitArc:
        """Return the true orbit over a burst."""
        return self.orbit.arc(burst.azimuth_time - ARC_MARGIN, burst.azimuth_time + burst.duration + ARC_MARGIN)


def make_pass(asked: Pass) -> SimulatedPass:
    """Place a pass in time and on its orbit."""
    template = load_template(asked.template)
    own = dt.date.fromisoformat(asked.template)
    later = dt.timedelta(days=(dt.date.fromisoformat(DAYS[0]) - own).days + asked.days)
    annotation = read_annotation(next(iter(template.annotations.values())), asked.template, own)
    vectors = _to_the_microsecond(annotation.state_vectors)
    orbit = Orbit(own + later, vectors, "annotated", (asked.template,))
    if asked.baseline:
        orbit = replace(orbit, vectors=shift_across(orbit, asked.baseline))
    written = shift(orbit, asked.orbit_error) if any(asked.orbit_error) else orbit.vectors
    line = annotation.azimuth_time_interval
    truth = Change(
        later=later,
        bursts_later=asked.synchronisation * line,
        orbits_later=round(later.days / REPEAT_DAYS * REPEAT_ORBITS),
        mission=asked.mission,
        data_take=DATA_TAKE + asked.days,
        vectors=orbit.vectors,
    )
    error = replace(truth, bursts_later=truth.bursts_later + asked.timing_error * line, vectors=written)
    return SimulatedPass(asked, template, own + later, orbit, truth, error)


def _to_the_microsecond(vectors: StateVectors) -> StateVectors:
    """Return vectors at times that files can say, the steps between them kept."""
    first = float(vectors.times[0])
    return replace(vectors, times=round(first, 6) + (vectors.times - first))


def written_annotation(
    simulated: SimulatedPass, swath: str, cut: Cut, byte_offset: int, elevation: Elevation
) -> tuple[bytes, SwathAnnotation]:
    """Return the annotation of a swath as it is written, its geolocation grid computed over the terrain."""
    root = change_annotation(simulated.template.annotations[swath], cut, simulated.written, byte_offset)
    first = read_annotation(to_bytes(root), swath, simulated.epoch)
    vectors = simulated.written.vectors
    orbit = simulated.orbit if vectors is None else replace(simulated.orbit, vectors=vectors)
    fill_grid(root, _grid_points(root, first, orbit, elevation))
    content = to_bytes(root)
    return content, read_annotation(content, swath, simulated.epoch)


def ascending_node_time(simulated: SimulatedPass) -> str:
    """Return the time of the ascending node as manifests write it."""
    time = parse_time(_text(simulated.template, "imageAnnotation/imageInformation/ascendingNodeTime"))
    return (time + simulated.truth.later).replace(tzinfo=None).isoformat(timespec="microseconds")


def _grid_points(
    root: ET.Element, annotation: SwathAnnotation, orbit: Orbit, elevation: Elevation
) -> list[dict[str, str]]:
    lines, samples = grid_axes(root)
    per_burst, interval = annotation.lines_per_burst, annotation.azimuth_time_interval
    index = np.minimum(lines // per_burst, len(annotation.bursts) - 1).astype(int)
    starts = np.array([burst.azimuth_time for burst in annotation.bursts])
    times = starts[index] + (lines - index * per_burst) * interval
    taus = annotation.slant_range_time + samples / annotation.range_sampling_rate
    arc = orbit.arc(float(times.min()) - ARC_MARGIN, float(times.max()) + ARC_MARGIN)
    latitude, longitude, height = rdr2geo(arc, times, taus * SPEED_OF_LIGHT / 2, elevation)
    incidence = geocentric_incidence(arc, to_cartesian(latitude, longitude, height))
    return [
        {
            "azimuthTime": format_time(annotation.epoch, float(times[i])),
            "slantRangeTime": f"{taus[j]:.15e}",
            "line": str(int(lines[i])),
            "pixel": str(int(samples[j])),
            "latitude": f"{latitude[i, j]:.15e}",
            "longitude": f"{longitude[i, j]:.15e}",
            "height": f"{height[i, j]:.15e}",
            "incidenceAngle": f"{incidence[i, j]:.15e}",
            "elevationAngle": f"{annotation.incidence_mid_swath:.15e}",
        }
        for i in range(lines.size)
        for j in range(samples.size)
    ]


def _text(template: Template, path: str) -> str:
    return parse_xml(next(iter(template.annotations.values())), template.day).text(path)
