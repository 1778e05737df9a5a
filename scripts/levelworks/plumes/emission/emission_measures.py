"""What is measured of a plume, before any wind: masses, lengths, line integrals, and their background.

Each becomes a rate by a wind alone, so that other winds need no other measurement. Source: specs/plumes.md 1.12, 6.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from levelworks.plumes.emission.background_error import FEWEST_SHIFTS, MovableBackground
from levelworks.plumes.emission.carbon_mapper import carbon_mapper_mask
from levelworks.plumes.emission.csf import sections, touched_pixel_integral, touched_pixels
from levelworks.plumes.emission.csf_lines import Lines, lines_across
from levelworks.plumes.emission.fetch import Fetch, mass_by_fetch
from levelworks.plumes.emission.ime import (
    HYPERGAS_PIXEL_SIZE,
    Mass,
    farthest_distance,
    hypergas_mass,
    hypergas_mass_per_mole,
    integrated_mass,
)
from levelworks.plumes.emission.quantify_crop import Crop
from levelworks.plumes.units import MOLAR_MASS

MOVED = {"ime": "the mask", "csf": "the lines across the plume"}
NO_LINES = Lines(np.zeros(0), np.zeros(0), np.zeros((0, 2)), np.zeros(0), 0.0, np.zeros((0, 2)))


@dataclass(frozen=True)
class Measured:
    """A mass (kg) or a mass per length (kg m-1) with its errors.

    Parameters
    ----------
    value : float
    random : float
        1 sigma, of the background, in the unit of the value.
    quantiles : ndarray
        Of the background at even steps from 0 to 1; empty where there were too few places.
    shifts : int
        Places in the background.
    """

    value: float
    random: float = np.nan
    quantiles: np.ndarray = field(default_factory=lambda: np.zeros(0))
    shifts: int = 0


@dataclass(frozen=True)
class Measures:
    """All of one plume.

    Parameters
    ----------
    ime : Measured
        kg.
    mass : Mass
        Of the mask, with area and effective length.
    reach : float
        Farthest vertex of the mask's hull from the source, m.
    section : Measured
        Mean mass per length across the plume, kg m-1.
    section_values, section_ends : ndarray, shapes (lines,), (lines, 2, 2)
        kg m-1; east and north of both ends, m.
    fetch : Fetch
    carbon_mapper : Mass
    carbon_mapper_mask : ndarray
        (rows, columns) of the crop.
    carbon_mapper_reach : float
        m.
    notes : tuple of str
    """

    ime: Measured
    mass: Mass
    reach: float
    section: Measured
    section_values: np.ndarray
    section_ends: np.ndarray
    lines: Lines
    fetch: Fetch
    carbon_mapper: Mass
    carbon_mapper_mask: np.ndarray
    carbon_mapper_reach: float
    notes: tuple[str, ...] = ()


def measure(
    crop: Crop,
    background: MovableBackground | None,
    methods: Sequence[str],
    *,
    hypergas: bool = False,
    pressure: float = np.nan,
    stored: Mapping[str, Any] | None = None,
) -> Measures:
    """Measure a plume by some methods.

    Parameters
    ----------
    background : MovableBackground, optional
        Of the whole scene, or of the crop; without one the errors are those of the retrieval's noise.
    methods : sequence of str
        Of ime, csf, fetch, carbon-mapper. The mass is measured in any case.
    hypergas : bool
        Masses with the surface pressure (Pa), nominal pixels, touched pixels, and its lengths of fetch.
    stored : mapping, optional
        Errors of `stored_background` that go before those of a background, for a mask that stayed.
    """
    notes: list[str] = []

    def errors(name: str) -> MovableBackground | Mapping[str, Any] | None:
        return stored if stored is not None and has_error(stored, name) else background

    mask, plane = crop.mask, crop.plane
    molar = MOLAR_MASS[crop.gas]
    pixel_size = HYPERGAS_PIXEL_SIZE[crop.sensor] if hypergas else plane.pixel_size
    per_mole = hypergas_mass_per_mole(crop.gas, pressure) if hypergas else molar
    pixel_mass = crop.enhancement * (per_mole * pixel_size**2 if hypergas else per_mole * crop.area)

    def mass_of(pixels: np.ndarray) -> Mass:
        if hypergas:
            return hypergas_mass(crop.enhancement, pixels, pixel_size, crop.gas, pressure)
        return integrated_mass(crop.enhancement, pixels, crop.area, molar, crop.noise)

    mass = mass_of(mask)
    kilograms = np.where(mask & np.isfinite(pixel_mass), pixel_size**2 if hypergas else crop.area, 0.0) * per_mole
    ime = _with_background("ime", mass.mass, kilograms, crop, errors("ime"), notes)
    east, north = crop.from_source()
    source = crop.source_metres
    inside = mask & np.isfinite(pixel_mass)
    reach = farthest_distance(*_corners(east[mask], north[mask], plane.matrix), (0.0, 0.0))

    lines, section = NO_LINES, Measured(np.nan)
    values, ends = np.zeros(0), np.zeros((0, 2, 2))
    if "csf" in methods:
        lines = lines_across(
            east[inside] + source[0],
            north[inside] + source[1],
            crop.enhancement[inside],
            source,
            pixel_size,
            ends=hypergas,
        )
        if hypergas:
            values, ends = _touched(crop, lines, pixel_size)
            values = values * per_mole
            section = Measured(float(values.mean()) if values.size else np.nan)
            if values.size:
                # A mask that is moved keeps its lines: what they sum is what the mean of them weighs.
                section = _with_background(
                    "csf",
                    section.value,
                    _touched_weights(crop, lines, pixel_size) * per_mole,
                    crop,
                    errors("csf"),
                    notes,
                )
        else:
            found = sections(crop.enhancement, crop.valid, mask, lines, plane)
            values, ends = found.integrals * molar, found.ends
            section = _with_background("csf", found.mean * molar, found.weights * molar, crop, errors("csf"), notes)
        if not np.isfinite(section.value):
            notes.append("no line across the plume has enough valid pixels: no cross-sectional flux")

    fetch = Fetch(np.nan, np.nan, 0)
    if "fetch" in methods:
        distance = np.hypot(east, north)
        fetch = mass_by_fetch(
            pixel_mass[inside], distance[inside], pixel_size, hypergas=hypergas, edge=float(distance.max())
        )

    wide = np.zeros(mask.shape, dtype=bool)
    if "carbon-mapper" in methods:
        wide = carbon_mapper_mask(np.where(crop.valid, crop.enhancement, np.nan), east, north, pixel_size)
    other = mass_of(wide)
    other_reach = farthest_distance(*_corners(east[wide], north[wide], plane.matrix), (0.0, 0.0))
    return Measures(
        ime, mass, reach, section, values, ends, lines, fetch, other, wide, other_reach, tuple(dict.fromkeys(notes))
    )


def stored_background(measures: Measures, *, hypergas: bool) -> dict[str, Any]:
    """Return the errors of the background as JSON has them, for a plume whose mask stays."""
    found: dict[str, Any] = {"compat": "hypergas" if hypergas else "none"}
    for name, one in (("ime", measures.ime), ("csf", measures.section)):
        random = one.random if np.isfinite(one.random) else None
        found[name] = {"random": random, "quantiles": one.quantiles.tolist(), "shifts": one.shifts}
    return found


def has_error(stored: Mapping[str, Any], name: str) -> bool:
    """Tell whether `stored_background` holds the error of ime or csf, which may not have been asked for then."""
    return stored[name]["random"] is not None


def _corners(east: np.ndarray, north: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of pixels."""
    steps = [(row, column) for row in (-0.5, 0.5) for column in (-0.5, 0.5)]
    offsets = np.array([matrix @ step for step in steps])
    return (
        np.concatenate([east + offset[0] for offset in offsets]),
        np.concatenate([north + offset[1] for offset in offsets]),
    )


def _with_background(
    name: str,
    value: float,
    weights: np.ndarray,
    crop: Crop,
    background: MovableBackground | Mapping[str, Any] | None,
    notes: list[str],
) -> Measured:
    """Return a weighted sum of the enhancement with its error, from the background or else from the noise."""
    if not np.isfinite(value):
        return Measured(np.nan)
    if isinstance(background, Mapping):
        kept = background[name]
        made = Measured(value, float(kept["random"]), np.array(kept["quantiles"], dtype=float), int(kept["shifts"]))
    else:
        made = _measured(value, weights, crop, background)
    if made.shifts < FEWEST_SHIFTS:
        notes.append(
            f"the background has {made.shifts} places for {MOVED[name]}: "
            "their random error is that of the retrieval's uncertainty"
        )
    return made


def _measured(value: float, weights: np.ndarray, crop: Crop, background: MovableBackground | None) -> Measured:
    found = background.measure(weights) if background is not None else None
    if found is not None and found.shifts >= FEWEST_SHIFTS:
        return Measured(value, found.spread, found.quantiles, found.shifts)
    shifts, white = (found.shifts, found.white) if found is not None else (0, np.nan)
    counted = weights != 0
    noise = np.where(np.isfinite(crop.noise), crop.noise, 0.0)[counted]
    return Measured(value, float(np.sqrt(np.sum((noise * weights[counted]) ** 2))) or white, np.zeros(0), shifts)


def _line_pixels(crop: Crop, lines: Lines) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of lines as east and north (m), and as rows and columns, each (lines, 2, 2)."""
    sides = np.array([-1.0, 1.0])[None, :, None] * lines.half_width[:, None, None] * lines.across[:, None, :]
    ends = np.stack([lines.east, lines.north], axis=1)[:, None, :] + sides
    return ends, np.stack(crop.plane.pixels(ends[..., 0], ends[..., 1]), axis=-1)


def _touched(crop: Crop, lines: Lines, pixel_size: float) -> tuple[np.ndarray, np.ndarray]:
    ends, pixels = _line_pixels(crop, lines)
    values = [
        touched_pixel_integral(crop.enhancement, crop.mask, tuple(start), tuple(end), pixel_size)
        for start, end in pixels
    ]
    return np.array(values), ends


def _touched_weights(crop: Crop, lines: Lines, pixel_size: float) -> np.ndarray:
    """Return the weights (m) of pixels in the mean over lines of the pixels that they touch."""
    weights = np.zeros(crop.labels.shape)
    known = crop.mask & np.isfinite(crop.enhancement)
    for start, end in _line_pixels(crop, lines)[1]:
        np.add.at(weights, touched_pixels(known, tuple(start), tuple(end)), pixel_size / lines.east.size)
    return weights
