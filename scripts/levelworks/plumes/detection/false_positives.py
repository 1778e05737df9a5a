"""False positives by their spectra: whether what sets a plume apart from its background looks like the gas.

The plume's pixels are compared with the background pixels that are most like them outside of the gas's bands; the log
of the ratio, less a smooth baseline, must follow the absorption of the gas, and more so than in places without plume.

Source: specs/plumes.md 5.3 (plume-vetting) and 6.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GAS_WINDOWS: dict[str, tuple[tuple[float, float], ...]] = {
    "ch4": ((1620.0, 1720.0), (2200.0, 2450.0)),
    "co2": ((1560.0, 1630.0), (1970.0, 2100.0)),
    "co": ((2300.0, 2390.0),),
    "no2": ((400.0, 500.0),),
}
"""nm: where a gas absorbs and water vapour little."""

MATCHING_WINDOWS = ((450.0, 1300.0), (1490.0, 1600.0), (2030.0, 2130.0))
"""nm: by which surfaces are told apart."""

HOPELESS = 0.3
"""Correlation below which nobody asks any more whether places without plume do as well."""

BASELINE = 2
"""Degree of the polynomial that takes up what surfaces differ by."""

NEIGHBOURS = 3
"""Background pixels for each pixel of the plume."""

STRONGEST = 40
"""Pixels of a plume that are looked at, as in plume-vetting."""


@dataclass(frozen=True)
class SpectralEvidence:
    """How the log ratio follows the gas.

    Parameters
    ----------
    correlation : float
        With the unit absorption over all windows, baselines removed; 1 is the gas, 0 is not. NaN where unknown.
    column : float
        The column that explains the ratio best, in what the unit absorption is given per.
    windows : tuple of float
        The correlation in each window; NaN where a window has too few bands.
    control : float
        Part of the controls that look as much like the gas; NaN without controls.
    """

    correlation: float
    column: float
    windows: tuple[float, ...]
    control: float


@dataclass(frozen=True)
class Finding:
    """One reason to doubt a plume: how likely it is none for this reason alone (0 to 1), and a sentence."""

    doubt: float
    reason: str


@dataclass(frozen=True)
class Spectra:
    """Spectra to be compared: their log radiances (n, bands) and their directions in the matching bands."""

    logarithms: np.ndarray
    directions: np.ndarray
    matching: np.ndarray


def prepare_spectra(radiance: np.ndarray, matching: np.ndarray) -> Spectra:
    """Return spectra ready to be compared; those without positive radiance in all matching bands are left out.

    Parameters
    ----------
    radiance : ndarray, shape (n, bands)
    matching : ndarray of int
        Bands outside of the gas's, by whose angle backgrounds are chosen.
    """
    positive = np.where(np.isfinite(radiance) & (radiance > 0), radiance, np.nan)
    positive = positive[np.isfinite(positive[:, matching]).all(axis=1)]
    matched = positive[:, matching]
    return Spectra(np.log(positive), matched / np.linalg.norm(matched, axis=1)[:, None], matching)


def log_ratio(plume: np.ndarray, background: Spectra, skip: int = 0) -> np.ndarray:
    """Return the mean log ratio of a plume's spectra to those of the background that are most like each of them.

    Parameters
    ----------
    plume : ndarray, shape (n, bands)
        Radiance.
    skip : int
        Of the most alike, how many don't count: 1 where pixels are candidates of their own background.

    Returns
    -------
    ndarray, shape (bands,)
        Not a number in bands where a pixel has no positive radiance, everywhere without pixels.
    """
    own = prepare_spectra(plume, background.matching)
    taken = min(skip + NEIGHBOURS, len(background.directions))
    if not len(own.directions) or taken <= skip:
        return np.full(plume.shape[1], np.nan)
    apart = -(own.directions @ background.directions.T)
    nearest = np.argpartition(apart, taken - 1, axis=1)[:, :taken]
    order = np.argsort(np.take_along_axis(apart, nearest, axis=1), axis=1, kind="stable")[:, skip:]
    alike = np.take_along_axis(nearest, order, axis=1)
    return np.asarray((own.logarithms - background.logarithms[alike].mean(axis=1)).mean(axis=0), dtype=np.float64)


def spectral_match(
    ratio: np.ndarray, absorption: np.ndarray, wavelengths: np.ndarray, windows: Sequence[tuple[float, float]]
) -> tuple[float, float, tuple[float, ...]]:
    """Return correlation and column of a log ratio with a unit absorption, and the correlation in each window.

    Parameters
    ----------
    ratio, absorption, wavelengths : ndarray, shape (bands,)
        The log ratio, d ln L / d column, and nm.

    Returns
    -------
    correlation, column : float
        Not a number where no window has more bands than the baseline takes.
    by_window : tuple of float
    """
    products = np.zeros((len(windows), 3))
    for k, (low, high) in enumerate(windows):
        inside = (wavelengths >= low) & (wavelengths <= high) & np.isfinite(ratio) & np.isfinite(absorption)
        if np.count_nonzero(inside) < BASELINE + 3:
            continue
        position = (wavelengths[inside] - low) / (high - low) * 2 - 1
        basis, _ = np.linalg.qr(np.vander(position, BASELINE + 1))
        r, a = (x[inside] - basis @ (basis.T @ x[inside]) for x in (ratio, absorption))
        products[k] = r @ a, r @ r, a @ a
    by_window = tuple(_quotient(p[0], np.sqrt(p[1] * p[2])) for p in products)
    total = products.sum(axis=0)
    return _quotient(total[0], np.sqrt(total[1] * total[2])), _quotient(total[0], total[2]), by_window


def _quotient(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")


def spectral_evidence(
    plume: np.ndarray,
    background: np.ndarray,
    controls: Sequence[np.ndarray],
    absorption: np.ndarray,
    wavelengths: np.ndarray,
    windows: Sequence[tuple[float, float]],
    matching: np.ndarray,
) -> SpectralEvidence:
    """Compare a plume's spectra with its background, and do the same for places without plume as a control.

    Parameters
    ----------
    plume : ndarray, shape (n, bands)
        Radiance.
    background : ndarray, shape (m, bands)
        Candidates.
    controls : sequence of ndarray, shape (n, bands)
        Spectra under the plume's shape, moved elsewhere.
    absorption : ndarray, shape (bands,)
        d ln L / d column.
    matching : ndarray of int
        Bands by which background is matched.
    """
    candidates = prepare_spectra(background, matching)
    correlation, column, by_window = spectral_match(log_ratio(plume, candidates), absorption, wavelengths, windows)
    if not correlation >= HOPELESS:
        return SpectralEvidence(correlation, column, by_window, float("nan"))
    columns = [
        spectral_match(log_ratio(control, candidates, skip=1), absorption, wavelengths, windows)[1]
        for control in controls
    ]
    known = np.array([value for value in columns if np.isfinite(value)])
    share = float(np.mean(known >= column)) if known.size and np.isfinite(column) else float("nan")
    return SpectralEvidence(correlation, column, by_window, share)


def judge_spectra(evidence: SpectralEvidence, windows: Sequence[tuple[float, float]]) -> list[Finding]:
    """Say what of a plume's spectra speaks against the gas."""
    if not np.isfinite(evidence.correlation):
        return [Finding(0.0, "The spectra could not be compared with the background.")]
    findings = []
    doubt = float(np.clip((0.8 - evidence.correlation) / 0.8, 0, 1))
    if evidence.column <= 0:
        findings.append(Finding(0.95, "The gas's bands are no deeper than in the background."))
    elif doubt > 0:
        findings.append(
            Finding(
                0.9 * doubt,
                f"The spectra follow the gas's absorption with a correlation of {evidence.correlation:.2f}.",
            )
        )
    if np.isfinite(evidence.control) and evidence.control > 0.05:
        findings.append(
            Finding(0.8 * evidence.control, f"{evidence.control:.0%} of places without plume show as much absorption.")
        )
    for (low, high), value in zip(windows, evidence.windows, strict=True):
        if len(windows) > 1 and np.isfinite(value) and value < 0.1:
            findings.append(Finding(0.25, f"The window {low:.0f}-{high:.0f} nm shows no absorption by the gas."))
    return findings


def combine(findings: Sequence[Finding]) -> tuple[float, list[str]]:
    """Return the score (0 a plume, 1 none) and the reasons, the gravest first; doubts are taken as independent."""
    trust = float(np.prod([1 - np.clip(finding.doubt, 0, 1) for finding in findings])) if findings else 1.0
    order = sorted(findings, key=lambda finding: -finding.doubt)
    return float(np.clip(1 - trust, 0, 1)), [finding.reason for finding in order]


def shifted_pixels(pixels: np.ndarray, valid: np.ndarray, number: int, seed: int, reach: int = 200) -> list[np.ndarray]:
    """Return a plume's pixels moved to random places that are wholly valid.

    Parameters
    ----------
    pixels : ndarray, shape (n, 2)
        Rows and columns.
    valid : ndarray of bool, shape (rows, columns)
        Where a moved pixel may lie: clear, and in no plume.
    number : int
        Places wanted; fewer are returned where few are found.
    reach : int
        Farthest shift (pixels).
    """
    draws = np.random.default_rng(seed).integers(-reach, reach + 1, size=(20 * number, 2))
    found = []
    for draw in draws:
        moved = pixels + draw
        if np.all(moved >= 0) and np.all(moved < valid.shape) and valid[tuple(moved.T)].all():
            found.append(moved)
            if len(found) == number:
                break
    return found
