"""The bursts of one swath of one product, from its annotation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.safe.annotation import BurstTiming, RangePolynomial, SwathAnnotation, nearest
from levelworks.insar.safe.burst import Burst, BurstSource, ValidWindow
from levelworks.insar.safe.burst_ids import burst_id, track_of
from levelworks.insar.safe.manifest import Manifest

NEAR = 4.5
"""s about a burst's middle in which grid points describe its outline."""
SURFACE_TERMS = 9


def bursts_of(annotation: SwathAnnotation, manifest: Manifest, product: str, member: str) -> list[Burst]:
    """Return the bursts of a swath that have valid pixels.

    Parameters
    ----------
    annotation : SwathAnnotation
    manifest : Manifest
        Of the same product.
    product, member : str
        The product's path and the measurement file's path in it.

    Raises
    ------
    InvalidInput
        Where the annotated burst ids contradict the times by more than one.
    """
    rates = annotation.fm_rates
    dopplers = _dopplers(annotation)
    found = []
    for index, timing in enumerate(annotation.bursts):
        if timing.first_line < 0 or timing.last_sample < timing.first_sample:
            continue
        middle = timing.azimuth_time + annotation.lines_per_burst / 2 * annotation.azimuth_time_interval
        corners, height = _outline(annotation, timing)
        identifier = _identify(annotation, timing, manifest, product)
        found.append(
            Burst(
                id=identifier,
                swath=annotation.swath,
                polarisation=annotation.polarisation,
                mission=annotation.mission,
                track=track_of(identifier),
                epoch=annotation.epoch,
                azimuth_time=timing.azimuth_time,
                sensing_time=timing.sensing_time,
                lines=annotation.lines_per_burst,
                samples=annotation.samples_per_burst,
                azimuth_time_interval=annotation.azimuth_time_interval,
                slant_range_time=annotation.slant_range_time,
                range_sampling_rate=annotation.range_sampling_rate,
                radar_frequency=annotation.radar_frequency,
                steering_rate=math.radians(annotation.steering_rate),
                prf=annotation.prf,
                pri=annotation.pri,
                rank=annotation.rank,
                chirp_rate=annotation.chirp_rate,
                range_window=annotation.range_window,
                azimuth_window=annotation.azimuth_window,
                valid=ValidWindow(timing.first_line, timing.last_line, timing.first_sample, timing.last_sample),
                fm_rate=nearest(rates, middle),
                doppler=nearest(dopplers, middle),
                mean_height=height,
                corners=corners,
                source=BurstSource(product, member, timing.byte_offset, index),
            )
        )
    return found


def _dopplers(annotation: SwathAnnotation) -> tuple[RangePolynomial, ...]:
    """Return the Doppler centroids to use: the data's where the processor used them, else the geometry's."""
    if annotation.doppler_from_data:
        return tuple(estimate.data for estimate in annotation.dopplers)
    return tuple(estimate.geometry for estimate in annotation.dopplers)


def _identify(annotation: SwathAnnotation, timing: BurstTiming, manifest: Manifest, product: str) -> int:
    """Return the annotated id, else the one computed from times; the two must agree within one."""
    first, last = manifest.relative_orbits
    computed = burst_id(
        annotation.swath, timing.sensing_time - annotation.ascending_node_time, last, crosses_node=first != last
    )
    if timing.annotated_id is None:
        return computed
    if abs(timing.annotated_id - computed) > 1:
        raise InvalidInput(
            f"{product}: {annotation.swath} has a burst of id {timing.annotated_id}, its times are those of {computed}"
        )
    return timing.annotated_id


def _outline(annotation: SwathAnnotation, timing: BurstTiming) -> tuple[tuple[tuple[float, float], ...], float]:
    """Return corners (longitude, latitude; degrees) of a burst's valid window and the mean height (m) around it.

    Positions are interpolated in the geolocation grid by azimuth time and range time, to some ten metres.
    """
    grid = annotation.grid
    times = [
        timing.azimuth_time + line * annotation.azimuth_time_interval for line in (timing.first_line, timing.last_line)
    ]
    ranges = [
        annotation.slant_range_time + sample / annotation.range_sampling_rate
        for sample in (timing.first_sample, timing.last_sample)
    ]
    order = ((0, 0), (0, 1), (1, 1), (1, 0))
    near = np.abs(grid.azimuth_time - np.mean(times)) <= NEAR
    if near.sum() < SURFACE_TERMS:
        near = np.ones(grid.azimuth_time.size, bool)
    longitude = np.degrees(np.unwrap(np.radians(grid.longitude[near])))
    corners = [
        tuple(_surface(annotation, near, values, times[i], ranges[j]) for values in (longitude, grid.latitude[near]))
        for i, j in order
    ]
    return (
        tuple(((lon + 180) % 360 - 180, lat) for lon, lat in corners),
        float(grid.height[near].mean()),
    )


def _surface(annotation: SwathAnnotation, near: np.ndarray, values: np.ndarray, time: float, tau: float) -> float:
    """Fit values of grid points by a biquadratic in time and range, and return it at one place."""
    grid = annotation.grid
    scale = annotation.samples_per_burst / annotation.range_sampling_rate

    def terms(at: np.ndarray, of: np.ndarray) -> np.ndarray:
        t, r = (at - time) / NEAR, (of - tau) / scale
        return np.stack([t**i * r**j for i in range(3) for j in range(3)], axis=-1)

    solution, *_ = np.linalg.lstsq(terms(grid.azimuth_time[near], grid.range_time[near]), values, rcond=None)
    return float(solution[0])


def sort_bursts(bursts: Sequence[Burst]) -> list[Burst]:
    """Return bursts in the order of swath and time."""
    return sorted(bursts, key=lambda burst: (burst.swath, burst.azimuth_time, burst.source.product))
