"""Aerosol block by block: how the optical depth departs from the scene's, seen by targets that calibrate themselves.

Once the scene as a whole has its optical depth, each kind of vegetation shows what its own ratios of bands are; the
departures of its cells from these are far smaller than those of kinds from the literature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.ard.aerosol.inversion import RadiativeTransfer, air_above, ground_reflectance
from levelworks.ard.aerosol.scene_fit import LAST_LOAD, Targets, at_load, by_name
from levelworks.ard.aerosol.targets import take
from levelworks.ard.aerosol.vegetation import SPREADS, departures
from levelworks.ard.aerosol.water import water_likelihood

WITHIN_KIND = 0.5
"""Spread of departures between blocks of one kind, as a share of that between kinds."""
ENOUGH_PIXELS = 25.0
"""Pixels of a target at which chance doubles the variance."""
ROBUST = 1.5
"""Deviations beyond which a departure's cost grows linearly (Huber 1964)."""
WATER_ERROR = 0.03
"""Standard error of AOD by which water of one block departs from the scene's."""
WATER_MEMBERS = 600
"""Spectra of the library that are enough to see differences between blocks."""
CHUNK = 4000
"""Targets that are worked on at a time."""


@dataclass(frozen=True)
class BlockTargets:
    """Targets in blocks, with what they are at every aerosol load.

    Parameters
    ----------
    block, kind : ndarray, shape (targets,)
    count : ndarray, shape (targets,)
        Pixels.
    departure : ndarray, shape (relations, loads, targets), float64
        From the relations between bands, in units of the spread within a kind.
    """

    block: np.ndarray
    kind: np.ndarray
    count: np.ndarray
    departure: np.ndarray


def vegetation_in_blocks(
    tables: RadiativeTransfer,
    model: str,
    bands: Sequence[str],
    instrument: str,
    targets: Targets,
    block: np.ndarray,
    kind: np.ndarray,
    loads: np.ndarray,
    likely: float,
) -> BlockTargets:
    """Compute the departures of vegetation at every aerosol load.

    Parameters
    ----------
    loads : ndarray, shape (loads,)
        AOD at sea level.
    likely : float
        AOD of the scene.
    """
    parts = []
    varied = [name for name in bands if name in SPREADS or name == "SWIR2"]
    fixed = ["NIR", "SWIR1"]  # only tell how green a target is
    for chunk in _chunks(len(targets)):
        some = take(targets, chunk)
        surface = _ground(tables, model, bands, varied, some, loads)
        reference = {name: at_load(one[None], loads, likely)[0] for name, one in surface.items()}
        reference |= {
            name: one[0] for name, one in _ground(tables, model, bands, fixed, some, np.array([likely])).items()
        }
        found = departures(reference | surface, reference, some.sites.scattering_angle, instrument)
        parts.append(np.stack([found[name] / (WITHIN_KIND * SPREADS[name].own) for name in found]))
    return BlockTargets(block, kind, targets.count, np.concatenate(parts, axis=2))


def _ground(
    tables: RadiativeTransfer, model: str, bands: Sequence[str], wanted: list[str], targets: Targets, loads: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the reflectance at the ground of some of the bands at each load."""
    index = [list(bands).index(name) for name in wanted]
    air = air_above(tables, model, wanted, targets.sites, loads, LAST_LOAD)
    around = None if targets.surroundings is None else targets.surroundings[index]
    return by_name(ground_reflectance(air, targets.reflectance[index], around), wanted)


def vegetation_cost(targets: BlockTargets, loads: np.ndarray, aod: np.ndarray, blocks: int) -> np.ndarray:
    """Return -2 ln of the likelihood of aerosol loads in each block, (loads, blocks).

    Parameters
    ----------
    aod : ndarray, shape (blocks,)
        AOD at sea level at which kinds show their own ratios.
    """
    relations, nodes = targets.departure.shape[:2]
    here = at_load(targets.departure, loads, aod[targets.block])
    weight = 1.0 / (1.0 + ENOUGH_PIXELS / targets.count)
    kinds = int(targets.kind.max()) + 1
    of_kind = np.bincount(targets.kind, weight, kinds)
    # a target that is its kind's only one says nothing: its own departure is the kind's
    weight *= np.maximum(1.0 - weight / of_kind[targets.kind], 0.0)
    cost = np.zeros((nodes, blocks))
    for relation in range(relations):
        middle = _weighted_medians(here[relation], targets.kind, targets.count, kinds)
        residual = np.abs(targets.departure[relation] - middle[targets.kind])
        huber = np.where(residual < ROBUST, residual**2, ROBUST * (2.0 * residual - ROBUST))
        for node in range(nodes):
            cost[node] += np.bincount(targets.block, weight * huber[node], blocks)
    return cost


def water_cost(
    tables: RadiativeTransfer,
    model: str,
    bands: Sequence[str],
    wavelengths: Sequence[float],
    targets: Targets,
    block: np.ndarray,
    loads: np.ndarray,
    blocks: int,
    scene: float,
) -> np.ndarray:
    """Return -2 ln of the likelihood of aerosol loads in each block by its water, (loads, blocks).

    Parameters
    ----------
    scene : float
        AOD of the scene: water as a whole is taken to say this, since what the library gets wrong it gets wrong
        everywhere.
    """
    each = np.zeros((len(loads), len(targets)))
    for chunk in _chunks(len(targets)):
        some = take(targets, chunk)
        air = air_above(tables, model, bands, some.sites, loads, LAST_LOAD)
        surface = ground_reflectance(air, some.reflectance, some.surroundings)
        each[:, chunk] = -2.0 * water_likelihood(surface, wavelengths, WATER_MEMBERS)
    best, error = minima(each, loads)
    whole = float(np.median(best))
    distance = (loads[:, None] - (best - whole + scene)) / np.hypot(error, WATER_ERROR)
    squares = np.where(np.abs(distance) < ROBUST, distance**2, ROBUST * (2.0 * np.abs(distance) - ROBUST))
    cost = np.zeros((len(loads), blocks))
    share = targets.count / np.bincount(block, targets.count, blocks)[block]
    for node in range(len(loads)):
        cost[node] = np.bincount(block, share * squares[node], blocks)
    return cost


def minima(cost: np.ndarray, loads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where costs are least, by parabolas through the three lowest nodes, and the standard errors.

    Parameters
    ----------
    cost : ndarray, shape (loads, blocks)
        -2 ln of a likelihood.

    Returns
    -------
    aod, error : ndarray, shape (blocks,)
        The error is infinite where the cost is flat.
    """
    blocks = np.arange(cost.shape[1])
    middle = np.clip(np.argmin(cost, axis=0), 1, len(loads) - 2)
    left, right = middle - 1, middle + 1
    x0, x1, x2 = loads[left], loads[middle], loads[right]
    y0, y1, y2 = cost[left, blocks], cost[middle, blocks], cost[right, blocks]
    first, second = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
    curvature = 2.0 * (second - first) / (x2 - x0)
    bent = curvature > 1e-9
    safe = np.where(bent, curvature, 1.0)
    slope = first + 0.5 * curvature * (x1 - x0)  # at the middle node
    place = np.where(bent, np.clip(x1 - slope / safe, loads[0], loads[-1]), x1)
    return np.clip(place, x0, x2), np.where(bent, np.sqrt(2.0 / safe), np.inf)


def _chunks(count: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def _weighted_medians(values: np.ndarray, groups: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Return the weighted median of each group, (count,)."""
    order = np.lexsort((values, groups))
    group, value, weight = groups[order], values[order], weights[order]
    total = np.bincount(group, weight, count)
    running = np.cumsum(weight)
    before = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    past = running - before[group] >= 0.5 * total[group] - 1e-9
    medians = np.zeros(count)
    places = np.flatnonzero(past)[::-1]  # the first of each group is written last
    medians[group[places]] = value[places]
    return medians
