"""The radiative transfer of one image: dense, even tables over the few angles, loads and elevations that it has.

Whatever the tables of a sensor cost to look up, these are looked up by a compiled loop for each cell of the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from levelworks.ard.atmosphere.forward import environment_fraction
from levelworks.ard.atmosphere.standard_atmosphere import pressure_at
from levelworks.ard.atmosphere.tables import Gases, Scattering

SUN_STEP, VIEW_STEP, AZIMUTH_STEP = 0.5, 0.75, 10.0
"""Degrees between angles, at the most."""
AOD_STEP = 0.025
ELEVATION_STEP = 300.0
WATER_STEP = 0.25
NODES = 16
"""Of an axis at the most, whatever its range: memory stays small where haze or relief runs to extremes."""
OZONE_STEP = 0.02
"""By which ozone (atm-cm) is shifted to see what it does."""


class RadiativeTransfer(Protocol):
    """The tables of a sensor, as `atmosphere.load_tables` returns them."""

    def at(
        self,
        band: str,
        model: str,
        *,
        sun_zenith: Any,
        view_zenith: Any,
        relative_azimuth: Any,
        aod: Any,
        pressure: Any,
    ) -> Scattering:
        """Return the scattering of a band: `tables.Scattering`."""

    def gases(
        self, band: str, *, sun_zenith: Any, view_zenith: Any, water_vapour: Any, ozone: Any, pressure: Any
    ) -> Gases:
        """Return the transmittances of gases on the way down and up: `tables.Gases`."""


@dataclass(frozen=True)
class LocalTables:
    """Scattering and absorption of an image's bands, float64.

    Parameters
    ----------
    axes : ndarray, shape (6, 3)
        First value, step and number of nodes of sun zenith, view zenith, relative azimuth (degrees), AOD, elevation
        (m) and water vapour (g cm-2).
    path : ndarray, shape (models, bands, sun, view, azimuth, aod, elevation)
        Path reflectance.
    molecules : ndarray, shape (bands, sun, view, azimuth, elevation)
        The part of it that molecules make.
    down : ndarray, shape (models, bands, 2, sun, aod, elevation)
        Downward transmittance: total, direct.
    up : ndarray, shape (models, bands, 2, view, aod, elevation)
        Upward transmittance: total, direct.
    sphere : ndarray, shape (models, bands, 2, aod, elevation)
        Spherical albedo, and the part of aerosol in light from the surroundings.
    gases : ndarray, shape (bands, 4, sun, view, water, elevation)
        Two-way transmittance: water vapour, half the water vapour, other gases with ozone, and the last at
        `OZONE_STEP` more ozone.
    """

    axes: np.ndarray
    path: np.ndarray
    molecules: np.ndarray
    down: np.ndarray
    up: np.ndarray
    sphere: np.ndarray
    gases: np.ndarray

    def of(self, bands: list[int]) -> LocalTables:
        """Return the tables of some of the bands."""
        path, down, up, sphere = (
            np.ascontiguousarray(one[:, bands]) for one in (self.path, self.down, self.up, self.sphere)
        )
        molecules, gases = (np.ascontiguousarray(one[bands]) for one in (self.molecules, self.gases))
        return LocalTables(self.axes, path, molecules, down, up, sphere, gases)


def make_local_tables(
    tables: RadiativeTransfer,
    bands: Sequence[str],
    models: Sequence[str],
    *,
    sun_zenith: np.ndarray,
    view_zenith: np.ndarray,
    aod: np.ndarray,
    elevation: np.ndarray,
    water_vapour: np.ndarray,
    ozone: float,
) -> LocalTables:
    """Tabulate what an image needs.

    Parameters
    ----------
    models : sequence of str
        Aerosol models, the one that is taken first.
    sun_zenith, view_zenith, aod, elevation, water_vapour : ndarray
        What occurs in the image, finite.
    ozone : float
        atm-cm.
    """
    axes = [
        _axis(sun_zenith, SUN_STEP),
        _axis(view_zenith, VIEW_STEP),
        (0.0, AZIMUTH_STEP, round(180.0 / AZIMUTH_STEP) + 1),
        _axis(aod, AOD_STEP),
        _axis(elevation, ELEVATION_STEP),
        _axis(water_vapour, WATER_STEP),
    ]
    sun, view, azimuth, load, height, water = (first + step * np.arange(count) for first, step, count in axes)
    pressure = pressure_at(height)
    path, molecules, down, up, sphere, gases = [], [], [], [], [], []
    for model in models:
        for band in bands:
            found = _scattering(tables, band, model, (sun, view, azimuth, load, pressure))
            path.append(found["path"])
            molecules.append(found["molecular_path"][..., 0, :])
            down.append([found[name][:, 0, 0] for name in ("down", "direct_down")])
            up.append([found[name][0, :, 0] for name in ("up", "direct_up")])
            sphere.append([found["albedo"][0, 0, 0], aerosol_share(found["rayleigh"], found["aerosol"])[0, 0, 0]])
    for band in bands:
        angles = sun, view, water, pressure
        now, more = (_absorption(tables, band, angles, amount) for amount in (ozone, ozone + OZONE_STEP))
        gases.append([now["water"], now["half_water"], now["other"] * now["ozone"], more["other"] * more["ozone"]])
    shape = len(models), len(bands)
    return LocalTables(
        axes=np.array(axes, np.float64),
        path=_stacked(path, shape),
        molecules=_stacked(molecules[: len(bands)], shape[1:]),
        down=_stacked(down, shape),
        up=_stacked(up, shape),
        sphere=_stacked(sphere, shape),
        gases=_stacked(gases, shape[1:]),
    )


def aerosol_share(rayleigh: np.ndarray, aerosol: np.ndarray) -> np.ndarray:
    """Return the part of aerosol in the light that comes from the surroundings, as `environment_fraction` mixes it."""
    radius = 1.0
    molecules, particles = environment_fraction(radius, 1.0, 0.0), environment_fraction(radius, 0.0, 1.0)
    return np.asarray((environment_fraction(radius, rayleigh, aerosol) - molecules) / (particles - molecules))


def _axis(values: np.ndarray, step: float) -> tuple[float, float, int]:
    """Return first value, step and number of nodes that hold all values, at least two."""
    low, high = float(np.min(values)), float(np.max(values))
    count = min(max(2, int(np.ceil((high - low) / step)) + 1), NODES)
    even = max((high - low) / (count - 1), step / 2)
    return low, even, count


def _scattering(tables: RadiativeTransfer, band: str, model: str, axes: Sequence[np.ndarray]) -> dict:
    """Look scattering up on a grid of axes; results have its shape."""
    sun, view, azimuth, load, pressure = np.meshgrid(*axes, indexing="ij")
    found = tables.at(
        band, model, sun_zenith=sun, view_zenith=view, relative_azimuth=azimuth, aod=load, pressure=pressure
    )
    return {name: np.broadcast_to(value, sun.shape) for name, value in found._asdict().items()}


def _absorption(tables: RadiativeTransfer, band: str, axes: Sequence[np.ndarray], ozone: float) -> dict:
    """Look gases up on a grid of axes; results have its shape."""
    sun, view, water, pressure = np.meshgrid(*axes, indexing="ij")
    found = tables.gases(
        band, sun_zenith=sun, view_zenith=view, water_vapour=water, ozone=np.full(sun.shape, ozone), pressure=pressure
    )
    return {name: np.broadcast_to(value, sun.shape) for name, value in found._asdict().items()}


def _stacked(parts: Sequence[Any], lead: tuple[int, ...]) -> np.ndarray:
    whole = np.array(parts, np.float64)
    return np.ascontiguousarray(whole.reshape(*lead, *whole.shape[1:]))
