"""Aerosol of a scene as a whole: one optical depth at sea level and one model, from all kinds of dark targets at once.

Each kind of vegetation may depart from the ratios of bands that the literature gives, but kinds that look alike depart
alike: departures are a Gaussian process over the colour of the targets. So a hundred cells of one forest count as one
piece of evidence, and four unlike kinds as four.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.ard.aerosol.inversion import Air, RadiativeTransfer, Sites, air_above, ground_reflectance
from levelworks.ard.aerosol.vegetation import DARKEST, SPREADS, departures
from levelworks.ard.aerosol.water import water_likelihood

FIRST_LOAD, LAST_LOAD = 0.005, 2.0
"""AOD at 550 nm between which it is sought; the tables end at 2."""
ALIKE = 0.25
"""Distance between logarithms of NIR, SWIR1 and SWIR2 over which departures resemble each other."""
REFLECTANCE_ERROR = 0.0012
"""Of calibration and radiative transfer between two bands, at the top of the atmosphere: common to all targets."""
OTHER_MODEL_PENALTY = 6.0
"""By how much -2 ln of the evidence for another aerosol model than the first must be better."""
LEAST_ERROR = 0.012
"""Of a scene's AOD, however well its targets agree: about what sites of AERONET themselves have."""
WATER_SHARED = 0.15
"""Share of a further body of water that counts: what the library doesn't know of one it mostly doesn't of another."""


@dataclass(frozen=True)
class Targets:
    """Dark targets that are taken together.

    Parameters
    ----------
    reflectance, surroundings : ndarray, shape (bands, targets), float64
        At the top of the atmosphere; surroundings None where light from the side is left out.
    sites : Sites
    count : ndarray, shape (targets,)
        Pixels.
    """

    reflectance: np.ndarray
    surroundings: np.ndarray | None
    sites: Sites
    count: np.ndarray

    def __len__(self) -> int:
        return self.reflectance.shape[1]


@dataclass(frozen=True)
class Prior:
    """What is known of AOD at 550 nm at sea level before the image is seen: its mean and its relative spread."""

    mean: float
    spread: float

    @property
    def sigma(self) -> float:
        """Return the standard deviation."""
        return self.spread * self.mean

    def cost(self, aod: np.ndarray) -> np.ndarray:
        """Return -2 ln of the density, which is normal."""
        return np.asarray(((aod - self.mean) / self.sigma) ** 2)


@dataclass(frozen=True)
class SceneAerosol:
    """AOD at 550 nm at sea level of a scene, its standard error, the model, and what the data say alone.

    Parameters
    ----------
    cost : dict
        -2 ln of the evidence of each model.
    water_aod : float
        AOD that water alone favours; NaN without water.
    chi2 : float
        Of the vegetation's departures at the solution, by degree of freedom.
    """

    aod: float
    sigma: float
    model: str
    cost: dict[str, float]
    water_aod: float
    chi2: float


def load_nodes(smallest: float, largest: float, count: int) -> np.ndarray:
    """Return aerosol loads, denser where they are small, (count,) float64."""
    return np.asarray(np.geomspace(smallest + 0.05, largest + 0.05, count) - 0.05)


def by_name(surface: np.ndarray, bands: Sequence[str]) -> dict[str, np.ndarray]:
    """Return a stack of bands as a mapping."""
    return dict(zip(bands, surface, strict=True))


def colours(reference: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return where targets stand in the space of colours that aerosol hardly changes, (targets, 3)."""
    return np.log(np.maximum(np.stack([reference[name] for name in ("NIR", "SWIR1", "SWIR2")], axis=1), 0.005))


def vegetation_cost(
    surface: np.ndarray, reference: np.ndarray, targets: Targets, bands: Sequence[str], instrument: str
) -> tuple[np.ndarray, int]:
    """Return -2 ln of the likelihood of vegetation's departures from the literature, and their number.

    Parameters
    ----------
    surface : ndarray, shape (bands, loads, targets)
    reference : ndarray, shape (bands, targets)
        Surface at a likely load.
    """
    likely = by_name(reference, bands)
    found = departures(by_name(surface, bands), likely, targets.sites.scattering_angle, instrument)
    place = colours(likely)
    distance = ((place[:, None] - place[None]) ** 2).sum(axis=2)
    alike = np.exp(-0.5 * distance / ALIKE**2)
    cost = np.zeros(surface.shape[1])
    for name, departure in found.items():
        spread = SPREADS[name]
        error = REFLECTANCE_ERROR / np.maximum(likely[name], DARKEST)
        covariance = spread.shared**2 + spread.own**2 * alike + np.outer(error, error)
        covariance[np.diag_indices(len(targets))] += (0.2 * spread.own) ** 2
        cost += (departure * np.linalg.solve(covariance, departure.T).T).sum(axis=1)
    return cost, len(found) * len(targets)


def water_cost(surface: np.ndarray, targets: Targets, wavelengths: Sequence[float]) -> np.ndarray:
    """Return -2 ln of the likelihood of the water of a scene, (loads,)."""
    each = -2.0 * water_likelihood(surface, wavelengths)
    weights = targets.count / targets.count.sum()
    count = 1.0 + WATER_SHARED * (1.0 / (weights**2).sum() - 1.0)
    return np.asarray(count * (each * weights).sum(axis=1))


def fit_scene(
    tables: RadiativeTransfer,
    models: Sequence[str],
    bands: Sequence[str],
    wavelengths: Sequence[float],
    instrument: str,
    vegetation: Targets | None,
    water: Targets | None,
    prior: Prior,
    loads: np.ndarray,
) -> SceneAerosol:
    """Find the aerosol of a scene by the kinds of its dark targets.

    Parameters
    ----------
    models : sequence of str
        The first is kept unless another explains the targets clearly better.
    wavelengths : sequence of float
        Of the bands, micrometres.
    vegetation, water : Targets, optional
        One for each kind.
    loads : ndarray, shape (loads,)
        AOD at sea level to be tried.
    """
    likely = prior.mean
    best: SceneAerosol | None = None
    for model in models:
        airs = {
            kind: air_above(tables, model, bands, targets.sites, loads, LAST_LOAD)
            for kind, targets in (("vegetation", vegetation), ("water", water))
            if targets is not None
        }
        found = _fit_model(airs, bands, wavelengths, instrument, vegetation, water, prior, loads, likely)
        aod, sigma, evidence, water_aod, chi2 = found
        # Where departures are larger than expected, so are differences between models by chance.
        penalty = OTHER_MODEL_PENALTY * max(1.0, best.chi2) if best is not None else 0.0
        costs = {**(best.cost if best else {}), model: evidence + penalty}
        if best is None or costs[model] < best.cost[best.model]:
            error = float(np.hypot(sigma * max(1.0, chi2) ** 0.5, LEAST_ERROR))
            best = SceneAerosol(aod, error, model, costs, water_aod, chi2)
        else:
            best = SceneAerosol(best.aod, best.sigma, best.model, costs, best.water_aod, best.chi2)
    assert best is not None
    return best


def _fit_model(
    airs: dict[str, Air],
    bands: Sequence[str],
    wavelengths: Sequence[float],
    instrument: str,
    vegetation: Targets | None,
    water: Targets | None,
    prior: Prior,
    loads: np.ndarray,
    likely: float,
) -> tuple[float, float, float, float, float]:
    of_water = np.zeros(len(loads))
    water_aod = np.nan
    if water is not None:
        surface = ground_reflectance(airs["water"], water.reflectance, water.surroundings)
        of_water = water_cost(surface, water, wavelengths)
        water_aod = float(loads[np.argmin(of_water)])
    cost = of_water + prior.cost(loads)
    aod, sigma, evidence = moments(cost, loads)
    chi2 = 0.0
    if vegetation is None:
        return aod, sigma, evidence, water_aod, chi2
    surface = ground_reflectance(airs["vegetation"], vegetation.reflectance, vegetation.surroundings)
    for _ in range(3):
        reference = at_load(surface, loads, likely)
        of_vegetation, freedom = vegetation_cost(surface, reference, vegetation, bands, instrument)
        aod, sigma, evidence = moments(of_vegetation + cost, loads)
        chi2 = float(np.interp(aod, loads, of_vegetation)) / freedom
        likely = aod
    return aod, sigma, evidence, water_aod, chi2


def at_load(surface: np.ndarray, loads: np.ndarray, load: float | np.ndarray) -> np.ndarray:
    """Return surface reflectance (bands, loads, targets) at one load, or at one of each target, (bands, targets)."""
    place = np.interp(load, loads, np.arange(len(loads)))
    lower = np.minimum(place.astype(int) if isinstance(place, np.ndarray) else int(place), len(loads) - 2)
    share = place - lower
    index = np.arange(surface.shape[2])
    return np.asarray(surface[:, lower, index] * (1.0 - share) + surface[:, lower + 1, index] * share)


def moments(cost: np.ndarray, loads: np.ndarray) -> tuple[float, float, float]:
    """Return median, standard deviation and -2 ln of the integral of a density given as -2 ln on loads."""
    least = cost.min()
    density = np.exp(-0.5 * (cost - least))
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(loads)
    running = np.concatenate([[0.0], np.cumsum(steps)])
    total = running[-1]
    median = float(np.interp(0.5 * total, running, loads))
    share = density * np.gradient(loads)
    mean = float((share * loads).sum() / share.sum())
    variance = float((share * (loads - mean) ** 2).sum() / share.sum())
    return median, variance**0.5, float(least - 2.0 * np.log(total))
