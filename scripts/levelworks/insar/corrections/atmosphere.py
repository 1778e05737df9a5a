"""Tropospheric delay taken off unwrapped phase, step by step, each held against the phase that it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from levelworks.insar.corrections.atmosphere_options import CorrectAtmosphere
from levelworks.insar.corrections.height_fit import fit_height
from levelworks.insar.corrections.height_windows import fit_windows

KM_PER_DEGREE = 111.195
PER_KM = 1000.0


@dataclass(frozen=True)
class UnwrappedLayers:
    """What is known of a pair on the geographic grid: all (rows, columns).

    ``phase`` in rad (NaN where it is not unwrapped), ``height`` in m (NaN where unknown), ``weight`` the squared
    coherence, ``inside`` the cells of the largest component that have all of these.
    """

    phase: np.ndarray
    height: np.ndarray
    weight: np.ndarray
    inside: np.ndarray

    @classmethod
    def of(
        cls, phase: np.ndarray, components: np.ndarray, coherence: np.ndarray, height: np.ndarray
    ) -> UnwrappedLayers:
        """Put the layers of a pair together; its largest component is the one of most cells."""
        weight = np.square(np.nan_to_num(coherence.astype(np.float64)))
        usable = np.isfinite(phase) & np.isfinite(height) & (weight > 0)
        sizes = np.bincount(components[usable & (components > 0)].astype(np.intp), minlength=2)
        inside = usable & (components == sizes.argmax()) if sizes.any() else usable
        return cls(phase.astype(np.float64), height.astype(np.float64), weight, inside)

    def rms(self, phase: np.ndarray) -> float:
        """Return the weighted rms of a phase about its mean in the largest component, rad."""
        values, weight = phase[self.inside], self.weight[self.inside]
        if not values.size:
            return 0.0
        mean = np.average(values, weights=weight)
        return float(np.sqrt(np.average(np.square(values - mean), weights=weight)))


@dataclass
class Corrected:
    """A phase as corrections leave it: what was taken off (``model``, rad), by which steps, and figures of each.

    ``unfit`` says why there is no slope to take off, ``worse`` which steps would have left more phase than there was.
    """

    model: np.ndarray
    applied: list[str] = field(default_factory=list)
    unfit: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def correct(layers: UnwrappedLayers, delay: np.ndarray | None, step: float, latitude: float,
            options: CorrectAtmosphere) -> Corrected:  # fmt: skip
    """Take delay off an unwrapped phase.

    Parameters
    ----------
    layers : UnwrappedLayers
    delay : ndarray, shape (rows, columns), or None
        Slant delay of the secondary less that of the reference, rad, known wherever the phase is; for methods that
        take it.
    step, latitude : float
        Of cells, and of the middle of the grid, degrees: for the size of windows.
    options : CorrectAtmosphere

    Returns
    -------
    Corrected
        Its model is 0 where nothing was taken off. A longer path of the secondary is a positive phase
        (specs/insar.md 3), so that ``phase - model`` is the phase without it.
    """
    found = Corrected(np.zeros(layers.phase.shape))
    found.figures["rms_before_rad"] = layers.rms(layers.phase)
    if delay is not None:
        _take_off(found, layers, "gacos", delay, options)
    if options.fits_height:
        _height(found, layers, step, latitude, options)
    found.figures["rms_after_rad"] = layers.rms(layers.phase - found.model)
    return found


def _height(found: Corrected, layers: UnwrappedLayers, step: float, latitude: float,
            options: CorrectAtmosphere) -> None:  # fmt: skip
    rest, inside = layers.phase - found.model, layers.inside
    fit = fit_height(rest[inside], layers.height[inside], layers.weight[inside])
    limits = options.min_correlation, options.min_relief
    found.figures |= {
        "height_slope_rad_per_km": fit.slope * PER_KM,
        "height_correlation": fit.correlation,
        "height_relief_m": fit.relief,
    }
    if options.window is None:
        if not fit.applies(*limits):
            found.unfit.append(_unfit(fit.correlation, fit.relief, limits))
            return
        slope: np.ndarray | float = fit.slope
    else:
        sides = window_sides(options.window, step, latitude)
        slopes = fit_windows(rest, layers.height, layers.weight, inside, sides, limits)
        found.figures |= {
            "height_windows": int(slopes.values.size),
            "height_windows_applied": slopes.applied,
            "height_slope_least_rad_per_km": _end(slopes.values, np.nanmin),
            "height_slope_most_rad_per_km": _end(slopes.values, np.nanmax),
        }
        if not slopes.applied:
            found.unfit.append(f"height: in none of {slopes.values.size} windows the phase goes with height")
            return
        slope = slopes.on_grid(layers.phase.shape)
    middle = np.average(layers.height[inside], weights=layers.weight[inside])
    _take_off(found, layers, "height", slope * (np.nan_to_num(layers.height, nan=middle) - middle), options)


def _end(values: np.ndarray, choose: Any) -> float | None:
    return float(choose(values)) * PER_KM if np.isfinite(values).any() else None


def _unfit(correlation: float, relief: float, limits: tuple[float, float]) -> str:
    if relief < limits[1]:
        return f"height: the relief of {relief:.0f} m is below {limits[1]:g} m"
    return f"height: its correlation with phase is {correlation:.2f}, {limits[0]:g} or less in size"


def _take_off(
    found: Corrected, layers: UnwrappedLayers, name: str, model: np.ndarray, options: CorrectAtmosphere
) -> None:
    """Add a step's model, unless it leaves more phase than there was and options keep such out."""
    before = layers.rms(layers.phase - found.model)
    after = layers.rms(layers.phase - found.model - model)
    found.figures |= {f"{name}_rms_before_rad": before, f"{name}_rms_after_rad": after}
    if after > before and options.worse == "leave-out":
        found.worse.append(f"{name}: it would raise the rms from {before:.2f} to {after:.2f} rad")
        return
    found.model += model
    found.applied.append(name)


def window_sides(window: float, step: float, latitude: float) -> tuple[int, int]:
    """Return the rows and columns of windows of a side (km) on a grid of a step (degrees) about a latitude."""
    rows = window / (step * KM_PER_DEGREE)
    return max(round(rows), 2), max(round(rows / max(np.cos(np.radians(latitude)), 0.01)), 2)


def fill_nearest(delay: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, float]:
    """Give cells without a delay that of the nearest cell which has one.

    Parameters
    ----------
    delay : ndarray, shape (rows, columns)
        NaN where unknown; somewhere known.
    wanted : ndarray of bool
        Cells that need one.

    Returns
    -------
    ndarray
        Known at all wanted cells.
    float
        The share of the wanted that had none.
    """
    unknown = ~np.isfinite(delay)
    share = float(unknown[wanted].mean()) if wanted.any() else 0.0
    if not share:
        return np.where(unknown, 0.0, delay), 0.0
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    return delay[tuple(nearest)], share
