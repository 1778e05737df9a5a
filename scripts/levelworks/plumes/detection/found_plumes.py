"""Plumes found automatically, and those at people's markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from levelworks.plumes.detection.detect import Criteria, Detection, expand, find_plumes, order_by_mass
from levelworks.plumes.detection.downwind import Wind
from levelworks.plumes.detection.markers import Marker, marked_pixel, outlined_pixels
from levelworks.plumes.detection.plume_pick import pick_plume
from levelworks.plumes.detection.plume_pieces import find_pieces
from levelworks.plumes.units import PPM_M

MARKER_REACH = 2500.0
"""m from a marker beyond which a plume is not its."""


@dataclass(frozen=True)
class FoundPlume:
    """One plume: its pixels (bool, rows and columns of the scene), its peak signal-to-noise, and its marker."""

    mask: np.ndarray
    peak_snr: float
    marker: Marker | None = None

    @property
    def box(self) -> tuple[slice, slice]:
        """Return the rows and columns that hold the plume."""
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def peak(self, enhancement: np.ndarray) -> float:
        """Return the greatest enhancement (mol m-2)."""
        box = self.box
        values = enhancement[box][self.mask[box]]
        return float(np.max(values, initial=-np.inf, where=np.isfinite(values)))

    def peak_ppm_m(self, enhancement: np.ndarray) -> float:
        """Return the greatest enhancement (ppm m)."""
        return self.peak(enhancement) / PPM_M


def _peak(signal: np.ndarray, mask: np.ndarray) -> float:
    values = signal[mask]
    return float(np.max(values, initial=0.0, where=np.isfinite(values)))


def search(
    sought: np.ndarray, enhancement: np.ndarray, area: np.ndarray, criteria: Criteria, wind: Wind | None = None
) -> tuple[list[FoundPlume], Detection]:
    """Find plumes in one field and order them by their mass in another.

    Parameters
    ----------
    sought, enhancement : ndarray, shape (rows, columns)
        Where plumes are sought, and what they hold (mol m-2).
    area : ndarray, shape (rows, columns)
        m2.
    wind : callable, optional
        Where the wind blows, see `downwind.Wind`.
    """
    detection = find_plumes(sought, criteria, area, wind)
    labels = detection.labels if sought is enhancement else order_by_mass(detection.labels, enhancement, area)
    found = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        mask = np.zeros(labels.shape, dtype=bool)
        mask[box] = labels[box] == label
        found.append(FoundPlume(mask, _peak(detection.signal[box], mask[box])))
    return found, detection


def of_markers(
    markers: Sequence[Marker],
    detection: Detection,
    criteria: Criteria,
    enhancement: np.ndarray,
    longitude: np.ndarray,
    latitude: np.ndarray,
    pixel_size: float,
    dist_max: float,
    azimuth_diff_max: float,
    warnings: list[str],
) -> list[FoundPlume]:
    """Return the plume of each marker, in the order of markers; a pixel belongs to the first that takes it.

    A person has seen a plume: pieces below the threshold of peaks count too.

    Parameters
    ----------
    warnings : list of str
        To which markers without plume are added.
    """
    pieces, _ = find_pieces(detection.signal, criteria.grow, criteria.seed, criteria.grow, criteria.min_pixels)
    valid = np.isfinite(enhancement)
    taken = np.zeros(valid.shape, dtype=bool)
    found = []
    for marker in markers:
        if marker.outline is not None:
            mask = outlined_pixels(marker.outline, longitude, latitude) & valid
            lost = "no valid pixel lies within its outline"
        else:
            mask, lost = _pick(
                marker, pieces, longitude, latitude, pixel_size, dist_max, azimuth_diff_max, criteria.rim, valid
            )
        free = mask & ~taken
        if not free.any():
            reason = "another marker has its plume" if mask.any() else lost
            warnings.append(f"marker {marker.name!r} gives no plume: {reason}")
            continue
        taken |= free
        found.append(FoundPlume(free, _peak(detection.signal, free), marker))
    return found


def _pick(
    marker: Marker,
    pieces: np.ndarray,
    longitude: np.ndarray,
    latitude: np.ndarray,
    pixel_size: float,
    dist_max: float,
    azimuth_diff_max: float,
    rim: int,
    valid: np.ndarray,
) -> tuple[np.ndarray, str]:
    """Return the plume at a marker, and why there is none."""
    nothing = np.zeros(pieces.shape, dtype=bool)
    source = marked_pixel(marker.longitude, marker.latitude, longitude, latitude, pixel_size)
    if source is None:
        return nothing, "it lies outside of the scene"
    picked = pick_plume(pieces, source, pixel_size, dist_max, azimuth_diff_max)
    if not picked.any():
        return nothing, "there is no plume in the scene"
    nearest = np.hypot(*(np.argwhere(picked) - source).T).min() * pixel_size
    if nearest > MARKER_REACH:
        return nothing, f"the nearest plume is {nearest / 1000:.1f} km away"
    return expand(picked.astype(np.int32), rim, valid) > 0, ""
