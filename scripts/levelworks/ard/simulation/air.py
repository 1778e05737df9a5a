"""What the air over a scene does to light, at nodes over the scene and at some elevations.

The reflectance at the top of the atmosphere of a pixel rho amid surroundings b is (specs/ard.md 25)
``path_gas path + gas [ (direct s + diffuse v) up_direct rho + (direct + diffuse) up_diffuse b ] / (1 - albedo b)``,
with s and v the beam and the diffuse light on the slope as shares of those on flat ground.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from levelworks.ard.simulation.cloud_kernels import Look
from levelworks.ard.simulation.forward_kernels import COEFFICIENTS
from levelworks.ard.simulation.placement import Placement
from levelworks.ard.simulation.reflection_kernels import directional_ratio
from levelworks.ard.simulation.scene_description import Air

LEVELS = 4
"""Elevations at which the air is worked out where the ground isn't flat."""


class AirState(NamedTuple):
    """Directions of light and what is in the air, arrays of one shape.

    Parameters
    ----------
    sun_zenith, view_zenith, azimuth : ndarray
        Degrees; azimuth between sun and view, 0 where both are on one side.
    aod : ndarray
        At 550 nm.
    elevation : ndarray
        Metres.
    water_vapour : ndarray
        g cm-2.
    ozone : ndarray
        atm-cm.
    """

    sun_zenith: np.ndarray
    view_zenith: np.ndarray
    azimuth: np.ndarray
    aod: np.ndarray
    elevation: np.ndarray
    water_vapour: np.ndarray
    ozone: np.ndarray


class AirModel(Protocol):
    """Where path reflectance and transmittances come from."""

    @property
    def name(self) -> str:
        """Return what it is called in the truth."""

    def coefficients(self, band: str, state: AirState) -> np.ndarray:
        """Return the eight coefficients of a band, shape (8, *shape of the state).

        In the order of `forward_kernels`: path reflectance, transmittance down direct and diffuse, up direct and
        diffuse, spherical albedo, gas transmittance of the light from the ground, and of the path.
        """


def aod_at(air: Air, placement: Placement, x: np.ndarray, elevation: np.ndarray | float, base: float) -> np.ndarray:
    """Return the aerosol optical depth at 550 nm above the ground at some eastings."""
    west, _, east, _ = placement.grid.bounds
    found = air.aod * (1 + air.aod_change * ((x - west) / (east - west) - 0.5))
    if air.aerosol_height is not None:
        found = found * np.exp(-(np.asarray(elevation) - base) / air.aerosol_height)
    return np.asarray(found)


def water_vapour_at(air: Air, placement: Placement, y: np.ndarray) -> np.ndarray:
    """Return water vapour (g cm-2) at some northings."""
    _, south, _, north = placement.grid.bounds
    return np.asarray(air.water_vapour * (1 + air.water_vapour_change * ((north - y) / (north - south) - 0.5)))


def elevations_of(placement: Placement) -> np.ndarray:
    """Return the elevations at which the air is worked out, metres."""
    ground = placement.description.landscape
    if ground.relief == 0:
        return np.array([ground.base])
    return ground.base + ground.relief * np.linspace(0, 1, LEVELS)


def view_at_nodes(placement: Placement, look: Look, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return zenith and azimuth (from the grid's north) of the view at the nodes, degrees.

    Parameters
    ----------
    side : int
        0 of odd detectors, 1 of even ones.
    """
    x, y = np.meshgrid(placement.nodes.x, placement.nodes.y)
    across = look.across + (x - look.x) * look.forward_north - (y - look.y) * look.forward_east
    aside, ahead = -across * look.scale, look.stagger * (1 - 2 * side)
    east = look.east + aside * look.forward_north + ahead * look.forward_east
    north = look.north + ahead * look.forward_north - aside * look.forward_east
    return np.degrees(np.arctan(np.hypot(east, north))), np.degrees(np.arctan2(east, north)) % 360


def air_of_band(placement: Placement, model: AirModel, band: str) -> np.ndarray:
    """Return what the air, and the directions of light, do to a band.

    Returns
    -------
    ndarray, shape (sides, coefficients, levels, node rows, node columns), float32
        Sides: of odd and of even detectors, one of Landsat.
    """
    description, nodes, sensor = placement.description, placement.nodes, placement.sensor
    look = placement.look(sensor.band(band).key)
    elevations = elevations_of(placement)
    levels = elevations[:, None, None]
    aod = aod_at(description.air, placement, nodes.x[None, None, :], levels, description.landscape.base)
    vapour = water_vapour_at(description.air, placement, nodes.y)[None, :, None]
    sides = 1 if look.stagger == 0 else 2
    air = np.empty((sides, COEFFICIENTS, elevations.size, *nodes.shape), np.float32)
    for side in range(sides):
        zenith, azimuth = view_at_nodes(placement, look, side)
        between = np.abs((azimuth - (nodes.sun_azimuth - nodes.convergence) + 180) % 360 - 180)
        shape = (elevations.size, *nodes.shape)
        inputs = (nodes.sun_zenith, zenith, between, aod, levels, vapour, np.array(description.air.ozone))
        state = AirState(*(np.broadcast_to(one, shape) for one in inputs))
        air[side, : COEFFICIENTS - 1] = model.coefficients(band, state)
        air[side, COEFFICIENTS - 1] = 1.0
        if description.brdf:
            standard = description.standard_sun_zenith
            air[side, COEFFICIENTS - 1] = directional_ratio(band, nodes.sun_zenith, zenith, between, standard)
    return air
