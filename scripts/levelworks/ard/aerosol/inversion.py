"""From reflectance at the top of the atmosphere to that of the ground, at many aerosol loads at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np


class RadiativeTransfer(Protocol):
    """The tables of a sensor, as `atmosphere.tables.load_tables` returns them."""

    @property
    def sensor(self) -> str:
        """Return the id of the sensor."""

    @property
    def models(self) -> tuple[str, ...]:
        """Return the names of the aerosol models."""

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
    ) -> Any:
        """Return path, down, up, direct_down, direct_up, albedo, rayleigh, aerosol and molecular_path."""

    def gases(
        self, band: str, *, sun_zenith: Any, view_zenith: Any, water_vapour: Any, ozone: Any, pressure: Any
    ) -> Any:
        """Return the two-way transmittances water, half_water, ozone and other."""


@dataclass(frozen=True)
class Sites:
    """Where targets lie: geometry and gases, each float64 of shape (sites,).

    Parameters
    ----------
    sun_zenith, view_zenith, relative_azimuth : ndarray
        Degrees.
    pressure : ndarray
        hPa.
    water_vapour, ozone : ndarray
        g cm-2 and atm-cm.
    load : ndarray
        Aerosol load of a site as a share of the load at sea level, exp(-z / scale height).
    """

    sun_zenith: np.ndarray
    view_zenith: np.ndarray
    relative_azimuth: np.ndarray
    pressure: np.ndarray
    water_vapour: np.ndarray
    ozone: np.ndarray
    load: np.ndarray

    def __len__(self) -> int:
        return len(self.sun_zenith)

    def take(self, index: np.ndarray) -> Sites:
        """Return some of the sites."""
        return Sites(**{one.name: getattr(self, one.name)[index] for one in fields(self)})

    def with_load(self, load: np.ndarray) -> Sites:
        """Return the same sites with other shares of the load at sea level."""
        return replace(self, load=load)

    def means(self, groups: np.ndarray, weights: np.ndarray, count: int) -> Sites:
        """Return the weighted means of groups of sites, in the order of the groups' numbers."""
        total = np.bincount(groups, weights, count)
        return Sites(
            **{
                one.name: np.bincount(groups, weights * getattr(self, one.name), count) / np.maximum(total, 1e-300)
                for one in fields(self)
            }
        )

    @property
    def scattering_angle(self) -> np.ndarray:
        """Return the angle by which light of the sun is turned towards the sensor, degrees (spec 11)."""
        sun, view = np.radians(self.sun_zenith), np.radians(self.view_zenith)
        azimuth = np.cos(np.radians(self.relative_azimuth))
        cosine = -np.cos(sun) * np.cos(view) - np.sin(sun) * np.sin(view) * azimuth
        return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


@dataclass(frozen=True)
class Air:
    """The atmosphere above sites at several aerosol loads; every array (bands, loads, sites), float64.

    Parameters
    ----------
    gas : ndarray
        Two-way transmittance of ozone and the gases that mix evenly.
    path : ndarray
        Path reflectance; the aerosol's part dimmed by half the water vapour, molecules scatter above it.
    direct, diffuse : ndarray
        Transmittance down times up and water vapour, by light that goes up straight and by light that was scattered.
    albedo : ndarray
        Spherical albedo.
    """

    gas: np.ndarray
    path: np.ndarray
    direct: np.ndarray
    diffuse: np.ndarray
    albedo: np.ndarray


def air_above(
    tables: RadiativeTransfer, model: str, bands: Sequence[str], sites: Sites, loads: np.ndarray, largest: float
) -> Air:
    """Look up the atmosphere above sites.

    Parameters
    ----------
    loads : ndarray, shape (loads,) or (loads, sites)
        AOD at 550 nm at sea level.
    largest : float
        AOD at which a site's own is cut, the end of the tables.
    """
    nodes = np.asarray(loads, np.float64)
    nodes = nodes[:, None] if nodes.ndim == 1 else nodes
    aod = np.minimum(nodes * sites.load, largest)
    shape = (len(bands), *aod.shape)
    parts = np.empty((5, *shape))
    geometry = {"sun_zenith": sites.sun_zenith, "view_zenith": sites.view_zenith, "pressure": sites.pressure}
    repeated = {name: np.broadcast_to(value, aod.shape).ravel() for name, value in geometry.items()}
    azimuth = np.broadcast_to(sites.relative_azimuth, aod.shape).ravel()
    for number, band in enumerate(bands):
        found = tables.at(band, model, relative_azimuth=azimuth, aod=aod.ravel(), **repeated)
        gases = tables.gases(band, water_vapour=sites.water_vapour, ozone=sites.ozone, **geometry)
        path, clean, down, up, direct_up, albedo = (
            np.asarray(one, np.float64).reshape(aod.shape)
            for one in (found.path, found.molecular_path, found.down, found.up, found.direct_up, found.albedo)
        )
        parts[0, number] = gases.ozone * gases.other
        parts[1, number] = clean + (path - clean) * gases.half_water
        parts[2, number] = down * direct_up * gases.water
        parts[3, number] = down * (up - direct_up) * gases.water
        parts[4, number] = albedo
    return Air(*parts)


def ground_reflectance(air: Air, target: np.ndarray, surroundings: np.ndarray | None = None) -> np.ndarray:
    """Invert the reflectance at the top of the atmosphere (spec 11 and 15).

    Parameters
    ----------
    target : ndarray, shape (bands, sites)
        Reflectance at the top of the atmosphere.
    surroundings : ndarray, shape (bands, sites), optional
        The same of what lies around; light of the target's own where None, which leaves adjacency out.

    Returns
    -------
    ndarray, shape (bands, loads, sites), float64
        Below zero where the air alone is brighter.
    """
    whole = air.direct + air.diffuse
    if surroundings is None:
        light = (target[:, None] / air.gas - air.path) / whole
        return np.asarray(light / (1.0 + air.albedo * light))
    around = (surroundings[:, None] / air.gas - air.path) / whole
    around = around / (1.0 + air.albedo * around)
    light = (target[:, None] / air.gas - air.path) * (1.0 - air.albedo * around)
    return np.asarray((light - air.diffuse * around) / air.direct)
