"""Aerosol optical depth of an image from its dark vegetation and its water (spec 13).

First the scene as a whole, with its aerosol model (`scene_fit`); then blocks of 3 km about it, from targets that
calibrate themselves (`block_fit`); then a smooth field through the blocks with its standard error (`gauss_markov`).
All of it reads the coarse image of the field, in fixed order: the result doesn't depend on how rows were shared out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np

from levelworks.ard.aerosol import block_fit
from levelworks.ard.aerosol.coarse import DARK_VEGETATION, VEGETATION, WATER, CoarseScene
from levelworks.ard.aerosol.gauss_markov import smooth_field
from levelworks.ard.aerosol.inversion import RadiativeTransfer, Sites
from levelworks.ard.aerosol.optical_depth import GLOBAL_MEDIAN, optical_depth
from levelworks.ard.aerosol.scale_height import STANDARD, aerosol_scale_height
from levelworks.ard.aerosol.scene_fit import FIRST_LOAD, LAST_LOAD, Prior, SceneAerosol, fit_scene, load_nodes
from levelworks.ard.aerosol.surroundings import square_shares
from levelworks.ard.aerosol.targets import Cells, kinds_in_blocks, kinds_of, lit_cells, target_cells
from levelworks.ard.atmosphere.standard_atmosphere import pressure_at
from levelworks.ard.fields import cell_means, fill_missing
from levelworks.ard.scene import Angles
from levelworks.ard.sensors import SENSORS

SCENE_NODES, BLOCK_NODES = 48, 11
HIGH_AOD = 0.6
"""In green light."""
GLOBAL_PRIOR = Prior(optical_depth(GLOBAL_MEDIAN), 1.1)
"""Median of AERONET and about the spread between its sites and days."""
GIVEN_ERROR = 0.15
"""Relative error of AOD that was given rather than retrieved, at the least 0.02."""


class Source(IntEnum):
    """Where the AOD of a cell comes from, as bits 6 and 7 of the quality bits have it (spec 16)."""

    ESTIMATED = 0
    INTERPOLATED = 1
    HIGH = 2
    FILL = 3


@dataclass(frozen=True)
class AerosolOptions:
    """Settings of the retrieval.

    Parameters
    ----------
    block : float
        Side of the blocks in which AOD is estimated, metres.
    adjacency : bool
        Take into account that surroundings light targets from the side; as the correction itself does.
    models : tuple of str
        Aerosol models to choose from, the usual one first; those of the tables where empty.
    spread, relative_spread : float
        Standard deviation of AOD within a scene: at no load, and by AOD of the scene.
    length : float
        Metres over which departures from the scene's AOD resemble each other.
    """

    block: float = 3000.0
    adjacency: bool = True
    models: tuple[str, ...] = ()
    spread: float = 0.01
    relative_spread: float = 0.25
    length: float = 25000.0


@dataclass(frozen=True)
class AerosolMap:
    """Aerosol of an image on its field.

    Parameters
    ----------
    aod, sigma : ndarray, shape (rows, columns), float32
        AOD at 550 nm above each cell's own elevation, and its standard error.
    flags : ndarray, shape (rows, columns), uint8
        Numbers of `Source`.
    model : str
        Aerosol model of the tables.
    scale_height : float
        Metres: AOD at an elevation z is that of the cell times exp(-(z - z of the cell) / scale_height).
    green_ratio : float
        Optical depth in the green band over that at 550 nm.
    quality : dict
        Figures for the record: AOD of the scene at sea level, its error, numbers of targets, chi2.
    """

    aod: np.ndarray
    sigma: np.ndarray
    flags: np.ndarray
    model: str
    scale_height: float
    green_ratio: float
    quality: dict[str, float] = field(default_factory=dict)


def retrieve_aerosol(
    coarse: CoarseScene,
    tables: RadiativeTransfer,
    angles: Angles,
    elevation_m: np.ndarray,
    water_vapour: np.ndarray | float,
    ozone: np.ndarray | float,
    *,
    sensor: str,
    options: AerosolOptions | None = None,
    prior: Prior | None = None,
) -> AerosolMap:
    """Retrieve the aerosol optical depth of an image.

    Parameters
    ----------
    coarse : CoarseScene
        Dark targets of all the image's rows.
    tables : Tables
        Radiative transfer of the sensor.
    angles : Angles
        On the field.
    elevation_m : ndarray, shape of the field
        Metres; NaN as the nearest cell.
    water_vapour, ozone : ndarray of the field's shape or float
        g cm-2 and atm-cm.
    sensor : str
        Id as of `SENSORS`.
    prior : Prior, optional
        What is known of AOD at sea level beforehand; the global distribution where None.

    Returns
    -------
    AerosolMap
        The mean of the prior, flagged as fill, where the image has no targets.
    """
    _check_sensor(tables, sensor)
    options = options or AerosolOptions()
    prior = prior or GLOBAL_PRIOR
    models = options.models or tuple(tables.models)
    elevation = fill_missing(np.asarray(elevation_m, np.float64))
    elevation = np.where(np.isfinite(elevation), elevation, 0.0)
    spacing = _spacing(coarse, sensor)
    block_side = max(1, round(options.block / spacing))
    sites = field_sites(angles, elevation, water_vapour, ozone)
    scale_height = STANDARD
    work = _Work(coarse, tables, sensor, models, prior, options, block_side, spacing, elevation, sites)
    if work.vegetation is None and work.water is None:
        return fixed_aerosol(prior.mean, tables, elevation, sensor=sensor, model=models[0], sigma=prior.sigma)
    scene = work.fit_scene(scale_height)
    estimates, errors = work.fit_blocks(scene, scale_height)
    block_elevation = work.block_elevation()
    share = np.exp(-block_elevation / scale_height)
    scale_height = aerosol_scale_height(estimates * share, errors * share, block_elevation)
    if abs(scale_height - STANDARD) > 1.0 and np.ptp(elevation) > 1.0:
        scene = work.fit_scene(scale_height)
        estimates, errors = work.fit_blocks(scene, scale_height)
    return work.map(scene, estimates, errors, scale_height)


def fixed_aerosol(
    aod: float,
    tables: RadiativeTransfer,
    elevation_m: np.ndarray,
    *,
    sensor: str,
    model: str = "continental",
    scale_height: float = STANDARD,
    sigma: float | None = None,
) -> AerosolMap:
    """Return the aerosol of an image whose AOD is given, thinning out with elevation.

    Parameters
    ----------
    aod : float
        At 550 nm, at sea level.
    elevation_m : ndarray, shape of the field
    sensor : str
        Of the tables.
    sigma : float, optional
        Standard error of AOD; 15 % of it, at the least 0.02, where None.
    """
    _check_sensor(tables, sensor)
    elevation = fill_missing(np.asarray(elevation_m, np.float64))
    share = np.exp(-np.where(np.isfinite(elevation), elevation, 0.0) / scale_height)
    error = max(GIVEN_ERROR * aod, 0.02) if sigma is None else sigma
    return AerosolMap(
        (aod * share).astype(np.float32),
        (error * share).astype(np.float32),
        np.full(share.shape, Source.FILL, np.uint8),
        model,
        scale_height,
        green_ratio(tables, model),
        {"scene_aod": aod, "scene_aod_error": error, "vegetation_targets": 0, "water_targets": 0},
    )


def green_ratio(tables: RadiativeTransfer, model: str) -> float:
    """Return the optical depth of an aerosol in the green band over that at 550 nm."""
    found = tables.at("GREEN", model, sun_zenith=30.0, view_zenith=0.0, relative_azimuth=0.0, aod=0.2, pressure=1013.0)
    return float(np.asarray(found.aerosol).ravel()[0]) / 0.2


def field_sites(
    angles: Angles, elevation: np.ndarray, water_vapour: np.ndarray | float, ozone: np.ndarray | float
) -> Sites:
    """Return the cells of a field as sites, in the order of its rows."""
    shape = elevation.shape

    def flat(values: np.ndarray | float) -> np.ndarray:
        whole = np.broadcast_to(np.asarray(values, np.float64), shape)
        return np.asarray(fill_missing(whole)).reshape(-1)

    return Sites(
        flat(angles.sun_zenith),
        flat(angles.view_zenith),
        flat(angles.relative_azimuth),
        flat(pressure_at(elevation)),
        flat(water_vapour),
        flat(ozone),
        elevation.reshape(-1),  # metres until the scale height is known
    )


def _check_sensor(tables: RadiativeTransfer, sensor: str) -> None:
    if tables.sensor != sensor:
        raise ValueError(f"the radiative transfer tables are of {tables.sensor}, the image of {sensor}")


def _spacing(coarse: CoarseScene, sensor: str) -> float:
    """Return metres between the cells of a field."""
    return coarse.step * float(SENSORS[sensor].resolution)


@dataclass
class _Work:
    """The steps of one retrieval."""

    coarse: CoarseScene
    tables: RadiativeTransfer
    sensor: str
    models: Sequence[str]
    prior: Prior
    options: AerosolOptions
    block_side: int
    spacing: float
    elevation: np.ndarray
    sites: Sites
    vegetation: Cells | None = field(init=False)
    water: Cells | None = field(init=False)
    shaded: float = field(init=False)

    def __post_init__(self) -> None:
        adjacency = self.options.adjacency
        (self.vegetation, self.shaded), (self.water, _) = (
            lit_cells(
                target_cells(self.coarse, kinds, self.sites, self.block_side, adjacency=adjacency),
                self.tables,
                self.models[0],
                self.coarse.bands,
            )
            for kinds in ((DARK_VEGETATION, VEGETATION), (WATER,))
        )
        self.shares = self._square_shares(self.models[0], self.prior.mean)
        self.wavelengths = [SENSORS[self.sensor].band(name).wavelength for name in self.coarse.bands]
        self.instrument = SENSORS[self.sensor].instrument
        rows, columns = self.coarse.shape
        self.block_shape = -(-rows // self.block_side), -(-columns // self.block_side)

    def _square_shares(self, model: str, aod: float) -> np.ndarray | None:
        if not self.options.adjacency:
            return None
        return square_shares(self.tables, model, self.coarse.bands, aod, self.spacing)

    def fit_scene(self, scale_height: float) -> SceneAerosol:
        """Return the aerosol of the scene; twice, where what lights targets from the side hangs on it."""
        scene = self._fit_scene(scale_height)
        if self.options.adjacency:
            self.shares = self._square_shares(scene.model, scene.aod)
            scene = self._fit_scene(scale_height)
        return scene

    def _fit_scene(self, scale_height: float) -> SceneAerosol:
        kinds = {
            name: None if cells is None else kinds_of(_loaded(cells, scale_height), self.shares)
            for name, cells in (("vegetation", self.vegetation), ("water", self.water))
        }
        return fit_scene(
            self.tables, self.models, self.coarse.bands, self.wavelengths, self.instrument,
            kinds["vegetation"], kinds["water"], self.prior, load_nodes(FIRST_LOAD, LAST_LOAD, SCENE_NODES),
        )  # fmt: skip

    def fit_blocks(self, scene: SceneAerosol, scale_height: float) -> tuple[np.ndarray, np.ndarray]:
        """Return AOD at sea level of the blocks and its standard error; NaN where there are no targets."""
        loads = load_nodes(FIRST_LOAD, min(LAST_LOAD, 3.0 * scene.aod + 0.3), BLOCK_NODES)
        blocks = self.block_shape[0] * self.block_shape[1]
        cost = np.zeros((len(loads), blocks))
        bands, tables = self.coarse.bands, self.tables
        if self.water is not None:
            targets, block, _ = kinds_in_blocks(_loaded(self.water, scale_height), self.shares)
            cost += block_fit.water_cost(
                tables, scene.model, bands, self.wavelengths, targets, block, loads, blocks, scene.aod
            )
        vegetation = None
        if self.vegetation is not None:
            targets, block, kind = kinds_in_blocks(_loaded(self.vegetation, scale_height), self.shares)
            vegetation = block_fit.vegetation_in_blocks(
                tables, scene.model, bands, self.instrument, targets, block, kind, loads, scene.aod
            )
        aod = np.full(blocks, scene.aod)
        for _ in range(3 if vegetation is not None else 1):
            whole = cost
            if vegetation is not None:
                whole = cost + block_fit.vegetation_cost(vegetation, loads, aod, blocks)
            estimates, errors = block_fit.minima(whole, loads)
            known = np.isfinite(errors)
            # blocks tell departures alone: their mean is the scene's
            estimates = np.where(known, estimates + scene.aod - _middle(estimates[known]), np.nan)
            smooth, _ = self._smooth(scene, estimates, errors)
            aod = np.clip(smooth, loads[0], loads[-1]).ravel()
        return estimates.reshape(self.block_shape), errors.reshape(self.block_shape)

    def _smooth(self, scene: SceneAerosol, estimates: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return smooth_field(
            estimates.reshape(self.block_shape),
            errors.reshape(self.block_shape),
            mean=scene.aod,
            spread=self.options.spread + self.options.relative_spread * scene.aod,
            length=self.options.length / (self.block_side * self.spacing),
        )

    def block_elevation(self) -> np.ndarray:
        """Return the mean elevation of each block, metres."""
        return cell_means(self.elevation, self.block_side)

    def map(self, scene: SceneAerosol, estimates: np.ndarray, errors: np.ndarray, scale_height: float) -> AerosolMap:
        smooth, error = self._smooth(scene, estimates, errors)
        shape = self.coarse.shape
        share = np.exp(-self.elevation / scale_height)
        level = np.maximum(_spread(smooth, shape, self.block_side), 0.0)
        aod = level * share
        sigma = np.hypot(_spread(error, shape, self.block_side), scene.sigma) * share
        ratio = green_ratio(self.tables, scene.model)
        known = np.repeat(np.repeat(np.isfinite(estimates), self.block_side, 0), self.block_side, 1)
        flags = np.where(known[: shape[0], : shape[1]], Source.ESTIMATED, Source.INTERPOLATED).astype(np.uint8)
        flags[aod * ratio > HIGH_AOD] = Source.HIGH
        quality = {
            "scene_aod": scene.aod,
            "scene_aod_error": scene.sigma,
            "vegetation_targets": 0 if self.vegetation is None else len(self.vegetation),
            "water_targets": 0 if self.water is None else len(self.water),
            "aerosol_chi2": scene.chi2,
            "shaded_targets_share": self.shaded,
        }
        return AerosolMap(
            aod.astype(np.float32), sigma.astype(np.float32), flags, scene.model, scale_height, ratio, quality
        )


def _middle(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _loaded(cells: Cells, scale_height: float) -> Cells:
    """Return cells whose sites have their share of the load at sea level."""
    return replace(cells, sites=cells.sites.with_load(np.exp(-cells.sites.load / scale_height)))


def _spread(blocks: np.ndarray, shape: tuple[int, int], side: int) -> np.ndarray:
    """Interpolate bilinearly from the centres of blocks to the cells of the field."""
    from scipy.ndimage import map_coordinates

    rows, columns = ((np.arange(size) + 0.5) / side - 0.5 for size in shape)
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"))
    return np.asarray(map_coordinates(blocks, places, order=1, mode="nearest"))
