"""The rate of motion that a published tree gives, and the one that was put into a simulated stack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import rasterio
from scipy.interpolate import LinearNDInterpolator

from levelworks.insar.simulation.truth import read_truth

WAVELENGTH = 0.05546576
YEAR = 365.25


@dataclass(frozen=True)
class Stack:
    """Unwrapped phases (pairs, rows, columns; rad) of a tree, their standard deviations, and where cells lie."""

    pairs: tuple[str, ...]
    unwrapped: np.ndarray
    sigma: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray


def read_stack(tree: Path, looks: float) -> Stack:
    """Read the pairs of a tree; standard deviations are those of the coherence at so many independent looks."""
    pairs = tuple(sorted(path.name for path in (tree / "interferograms").iterdir()))
    phases, sigmas = [], []
    for pair in pairs:
        folder = tree / "interferograms" / pair
        with rasterio.open(folder / f"{pair}.geo.unw.tif") as file:
            phases.append(file.read(1).astype(float))
            rows, columns = np.mgrid[: file.height, : file.width]
            longitude, latitude = rasterio.transform.xy(file.transform, rows, columns)
        with rasterio.open(folder / f"{pair}.geo.cc.tif") as file:
            coherence = np.clip(file.read(1) / 255.0, 0.05, 0.999)
        sigmas.append(np.sqrt((1 - coherence**2) / (2 * looks * coherence**2)))
    shape = phases[0].shape
    return Stack(pairs, np.stack(phases), np.stack(sigmas), np.reshape(latitude, shape), np.reshape(longitude, shape))


def rates(stack: Stack) -> tuple[np.ndarray, np.ndarray]:
    """Return the rate of motion towards the satellite (m/yr) of cells that all pairs know, and its standard deviation.

    Phases of dates by least squares over all pairs, a line through them. What decorrelates in one interval stays so in
    all pairs across it: noise is taken as a walk, whose steps are those of pairs of neighbours.
    """
    dates = sorted({date for pair in stack.pairs for date in pair.split("_")})
    design = np.zeros((len(stack.pairs), len(dates)))
    for row, pair in enumerate(stack.pairs):
        first, second = pair.split("_")
        design[row, dates.index(first)], design[row, dates.index(second)] = -1, 1
    phases = stack.unwrapped - np.nanmedian(stack.unwrapped, axis=(1, 2), keepdims=True)
    of_dates = np.linalg.pinv(design) @ phases.reshape(len(phases), -1)
    slope = _slope(dates)
    neighbours = [row for row, pair in enumerate(stack.pairs) if pair in map("_".join, pairwise(dates))]
    step = np.sqrt(np.nanmean(stack.sigma[neighbours] ** 2, axis=0))
    noise = step * np.linalg.norm(np.cumsum(slope[::-1])[:-1])
    scale = -WAVELENGTH / (4 * np.pi)
    return scale * (slope @ of_dates).reshape(phases.shape[1:]), abs(scale) * noise


def true_rates(truth: Path, keys: list[str], stack: Stack, *, air: bool) -> np.ndarray:
    """Return the rate (m/yr) of the true motion, with the air taken for motion where asked, at a stack's cells."""
    dates = sorted({date for pair in stack.pairs for date in pair.split("_")})
    slope = _slope(dates)
    places, values = [], []
    for key in keys:
        passes = [read_truth(truth, key, date) for date in dates]
        seen = [one["motion"] - (one["air"] if air else 0.0) for one in passes]
        places.append(np.column_stack([passes[0]["longitude"].ravel(), passes[0]["latitude"].ravel()]))
        values.append(np.tensordot(slope, np.stack(seen), 1).ravel())
    at = LinearNDInterpolator(np.concatenate(places), np.concatenate(values))
    return np.asarray(at(stack.longitude, stack.latitude))


def _slope(dates: list[str]) -> np.ndarray:
    """Return the weights by which phases of dates make the slope of a line through them, per year."""
    years = np.array([datetime.strptime(date, "%Y%m%d").toordinal() for date in dates]) / YEAR  # noqa: DTZ007
    years -= years.mean()
    return np.asarray(years / (years**2).sum())
