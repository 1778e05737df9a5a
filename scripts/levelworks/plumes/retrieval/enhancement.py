"""Retrieval of one gas in one window: filters the classes of every group of detector columns, destripes, says how sure.

The unit of work is a group of neighbouring columns: what comes of one depends on nothing but its own spectra, so that
ranks and blocks change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from levelworks.plumes.retrieval.matched_filter import Method, apply_filter
from levelworks.plumes.retrieval.sparse_filter import sparse_filter

ROBUST = 1.4826
"""Standard deviation of normally distributed numbers over their median absolute deviation."""
SPECTRA_PER_BAND = 100
"""Background spectra for each band of a covariance: of fewer it knows too few surfaces, and a plume's faint rim in them
counts for more (simulated plumes: 7 % of the mass lost with ten, none with a hundred)."""
SPARSE_SPECTRA_PER_BAND = 2
"""Fewest spectra for each band of the sparse filter, whose covariance is not shrunk."""


@dataclass(frozen=True)
class Window:
    """What a filter of one gas and window needs.

    Parameters
    ----------
    bands : (n,) int
        Indices into the bands read.
    ln_transmittance : (columns or 1, n, nodes) float64
        Of the whole scene's columns.
    nodes : (nodes,) float64
        Slant columns, mol m-2.
    noise : (3, n) float64
    """

    bands: np.ndarray
    ln_transmittance: np.ndarray
    nodes: np.ndarray
    noise: np.ndarray


@dataclass(frozen=True)
class Settings:
    """How to filter: see the options of the same names; ``strong_method`` is that of strong pixels, or empty."""

    method: Method | str = "lognormal"
    least: int = 10
    shrinkage: float | None = None
    destripe: bool = True
    score: bool = False
    strong_method: Method | str = ""


@dataclass
class Retrieved:
    """Slant amounts of some detector columns, (columns, rows) float32; NaN where none.

    ``clutter`` is the scatter of the background beyond the noise of the instrument; ``few`` marks pixels whose
    statistics came from too few spectra, ``strong`` those of the method for strong ones; ``shrinkage`` and ``stripes``
    (what destriping subtracted) are by column.
    """

    slant: np.ndarray
    noise: np.ndarray
    clutter: np.ndarray
    sensitivity: np.ndarray
    score: np.ndarray
    few: np.ndarray
    strong: np.ndarray
    shrinkage: np.ndarray
    stripes: np.ndarray

    @classmethod
    def of_nothing(cls, columns: int, rows: int) -> Retrieved:
        """Return results of so many columns in which nothing was retrieved."""
        slant, noise, clutter, sensitivity, score = np.full((5, columns, rows), np.nan, dtype=np.float32)
        few, strong = np.zeros((2, columns, rows), dtype=bool)
        shrinkage, stripes = np.full((2, columns), np.nan)
        return cls(slant, noise, clutter, sensitivity, score, few, strong, shrinkage, stripes)


def group_size(bands: int, rows: int, asked: int | None) -> int:
    """Return how many neighbouring columns share a covariance: enough spectra for its bands, or as many as asked."""
    return asked or max(1, -(-SPECTRA_PER_BAND * bands // rows))


def retrieve_group(
    radiance: np.ndarray,
    columns: range,
    window: Window,
    classes: np.ndarray,
    background: np.ndarray,
    wanted: np.ndarray,
    settings: Settings,
    threshold: np.ndarray | None = None,
) -> Retrieved:
    """Retrieve one group of columns.

    Parameters
    ----------
    radiance : (columns, rows, bands) float32
        Of the window's bands.
    columns : range
        Which columns of the scene these are.
    classes : (columns, rows) int
        Pixels of one number share statistics.
    background : (columns, rows) bool
        Spectra fit for statistics.
    wanted : (columns, rows) bool
        Spectra to filter.
    threshold : (columns, rows), optional
        Slant amounts (mol m-2) from which the settings' method of strong pixels counts, where they name one.
    """
    if settings.strong_method and threshold is not None:
        both = [
            retrieve_group(
                radiance,
                columns,
                window,
                classes,
                background,
                wanted,
                replace(settings, method=method, strong_method=""),
            )
            for method in (settings.method, settings.strong_method)
        ]
        return take_strong(both[0], both[1], threshold)
    found = Retrieved.of_nothing(len(columns), radiance.shape[1])
    tables = window.ln_transmittance
    table = tables if tables.shape[0] == 1 else tables[columns.start : columns.stop]
    for label in np.unique(classes[wanted]):
        chosen = wanted & (classes == label)
        used = background & (classes == label)
        if used.sum() < settings.least:
            # one plume over all of a column, or a class of a few pixels: better statistics with it than none
            used = chosen
            found.few |= chosen
        found.few |= chosen & (used.sum(axis=1) < settings.least)[:, None]
        _retrieve_class(found, radiance, table, window, used, chosen, settings)
    return found


def take_strong(weak: Retrieved, strong: Retrieved, threshold: np.ndarray) -> Retrieved:
    """Return two retrievals of the same columns as one: the second where either of them reaches a threshold.

    What was retrieved decides, pixel by pixel, and no emission rate, which would be known of whole plumes and too late
    (specs/plumes.md 1.2 and 2). Shrinkage and stripes are those of the first.

    Parameters
    ----------
    threshold : (columns, rows)
        Slant amounts, mol m-2.
    """
    taken = (weak.slant >= threshold) | (strong.slant >= threshold)
    planes = {
        name: np.where(taken, getattr(strong, name), getattr(weak, name))
        for name in ("slant", "noise", "clutter", "sensitivity", "score", "few")
    }
    return replace(weak, strong=taken, **planes)


def _retrieve_class(
    found: Retrieved,
    radiance: np.ndarray,
    table: np.ndarray,
    window: Window,
    used: np.ndarray,
    chosen: np.ndarray,
    settings: Settings,
) -> None:
    if settings.method == "sparse":
        _retrieve_sparsely(found, radiance, table, window, chosen)
    else:
        filtered = apply_filter(
            radiance,
            used,
            chosen,
            table,
            window.nodes,
            window.noise,
            method=settings.method,  # type: ignore[arg-type]
            least=settings.least,
            shrinkage=settings.shrinkage,
            score=settings.score,
        )
        if filtered.background is None:
            return
        for plane, values in (
            (found.slant, filtered.slant),
            (found.noise, filtered.noise),
            (found.sensitivity, filtered.sensitivity),
            (found.score, filtered.score),
        ):
            plane[chosen] = values[chosen]
        found.shrinkage[chosen.any(axis=1)] = filtered.background.shrinkage
    overall = found.slant[used]
    for column in np.flatnonzero(chosen.any(axis=1)):
        own = found.slant[column, used[column]]
        amounts = own if own.size >= settings.least else overall
        middle = float(np.median(amounts)) if amounts.size else 0.0
        spread = ROBUST * float(np.median(np.abs(amounts - middle))) if amounts.size else np.nan
        noise = found.noise[column, chosen[column]]
        expected = float(np.median(noise)) if np.isfinite(noise).all() else 0.0
        found.clutter[column, chosen[column]] = np.sqrt(max(spread**2 - expected**2, 0.0))
        if settings.destripe and settings.method != "sparse":
            found.slant[column, chosen[column]] -= middle
            found.stripes[column] = middle


def _retrieve_sparsely(
    found: Retrieved,
    radiance: np.ndarray,
    table: np.ndarray,
    window: Window,
    chosen: np.ndarray,
) -> None:
    counts = chosen.sum(axis=1)
    enough = SPARSE_SPECTRA_PER_BAND * window.bands.size
    # A column of its own where it has spectra enough for its covariance, else all columns together.
    lone = (counts[counts > 0] >= enough).all()
    for columns in [[column] for column in np.flatnonzero(counts)] if lone else [np.arange(counts.size)]:
        picked = np.zeros(chosen.shape, dtype=bool)
        picked[columns] = chosen[columns]
        if picked.sum() < enough:
            found.few |= picked
            continue
        unit = table[min(int(columns[0]), table.shape[0] - 1), :, 1] / window.nodes[1]
        found.slant[picked] = sparse_filter(radiance[picked].astype(float), unit)
        found.noise[picked] = 0.0
        found.sensitivity[picked] = 1.0


def combine_windows(narrow: np.ndarray, wide: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the combination of both windows: the narrow one, or the wide one's scaled where it is not larger.

    HyperGas's rule (specs/plumes.md 1.7): in each class, wide is scaled by std(narrow) / std(wide); narrow is taken
    where wide > narrow. It damps what only one window sees, and lowers what is left.
    """
    combined = np.full(narrow.shape, np.nan, dtype=np.float32)
    known = np.isfinite(narrow) & np.isfinite(wide)
    for label in np.unique(classes[known]):
        chosen = known & (classes == label)
        spread = float(wide[chosen].std(dtype=float))
        scale = float(narrow[chosen].std(dtype=float)) / spread if spread > 0 else 1.0
        combined[chosen] = np.where(wide[chosen] > narrow[chosen], narrow[chosen], wide[chosen] * scale)
    return combined
