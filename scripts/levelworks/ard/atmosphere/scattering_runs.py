"""What 6S says of scattering on a grid of geometries, aerosol loads and elevations, at its own wavelengths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from levelworks.ard.atmosphere.nodes import GRID, NODES, fit_nodes, nodes_of_grid
from levelworks.ard.atmosphere.sixs import Case, Sixs, read_printed, read_spectrum
from levelworks.ard.atmosphere.standard_atmosphere import pressure_at

SPAN = (0.4125, 2.41)


@dataclass(frozen=True)
class PathGrid:
    """Where path reflectance over aerosol is run, which is what takes 6S its time.

    Parameters
    ----------
    sun : tuple of float
        Sun zeniths, degrees; not 0, where the ripple of 6S's phase function peaks.
    loads : tuple of float
        Aerosol optical depths at 550 nm.
    corner_sun, corner_loads : tuple of float
        The coarser grid of what changes little: oblique views, and elevation under aerosol.
    close_sun : tuple of float
        Close steps of the sun, which show that ripple.
    """

    sun: tuple[float, ...]
    loads: tuple[float, ...]
    corner_sun: tuple[float, ...]
    corner_loads: tuple[float, ...]
    close_sun: tuple[float, ...]


FINE = PathGrid(
    sun=(10.0, 20.0, 36.0, 50.0, 62.0, 67.0, 72.0, 76.0, 80.0),
    loads=(0.01, 0.1, 0.25, 0.5, 1.0, 2.0),
    corner_sun=(20.0, 50.0, 62.0, 72.0, 80.0),
    corner_loads=(0.1, 0.5, 2.0),
    close_sun=tuple(np.arange(35.0, 52.0, 1.5).tolist()),
)
MEDIUM = PathGrid(
    sun=(20.0, 36.0, 50.0, 62.0, 72.0, 80.0),
    loads=FINE.loads,
    corner_sun=(20.0, 50.0, 72.0),
    corner_loads=FINE.corner_loads,
    close_sun=FINE.close_sun,
)
COARSE = PathGrid(
    sun=MEDIUM.sun,
    loads=(0.01, 0.1, 0.5, 1.0, 2.0),
    corner_sun=MEDIUM.corner_sun,
    corner_loads=FINE.corner_loads,
    close_sun=(),
)
"""That of models whose phase function is smooth enough for no ripple to be seen."""
GRIDS = {"continental": FINE, "maritime": MEDIUM}


def path_grid(model: str) -> PathGrid:
    """Return the grid of an aerosol model."""
    return GRIDS.get(model, COARSE)


MOLECULAR_SUN = (0.0, 10.0, 20.0, 28.0, 36.0, 43.0, 50.0, 56.0, 62.0, 67.0, 72.0, 76.0, 80.0)
"""Sun zeniths of path reflectance without aerosol, those with it among them."""
CLOSE_LOAD = 0.25
VIEW = 14.0
"""Zenith of oblique views, degrees."""
AZIMUTHS = (0.0, 90.0, 180.0)
ALTITUDES = (0.0, 3.0, 6.0)
"""Of the target, km, for transmittance."""
MOLECULAR_ALTITUDES = (0.0, 1.5, 3.0, 6.0)
"""Of the target, km, for molecular scattering."""
HIGH = 3.0
"""The altitude of path reflectance with aerosol above sea level."""
ZENITHS = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 58.0, 65.0, 71.0, 76.0, 80.0)
DEPTHS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0)
"""Zeniths and aerosol loads of transmittance and spherical albedo, which cost little."""
SCATTERING_ANGLES = tuple(np.concatenate([np.arange(80.0, 156.0, 4.0), np.arange(156.0, 181.0, 2.0)]).tolist())


def molecular_tables(sixs: Sixs) -> dict[str, np.ndarray]:
    """Run air without aerosol.

    Returns
    -------
    dict of ndarray, float64
        The grids `sun`, `view`, `azimuths` and `pressures` (altitudes,) hPa; `depth` (altitudes, nodes); path
        reflectance `nadir` (altitudes, sun, nodes) and `oblique` (altitudes, sun, azimuths, nodes).
    """
    at_ground = [
        Case(wavelength=node, altitude=altitude, at_ground=True)
        for altitude, node in product(MOLECULAR_ALTITUDES, GRID)
    ]
    printed = [read_printed(text) for text in sixs.run_all(at_ground)]
    shape = (len(MOLECULAR_ALTITUDES), len(NODES))
    depth = np.array([one.values["depth"][0] for one in printed]).reshape(shape)
    nadir = [
        Case(wavelength=node, sun_zenith=sun, altitude=altitude)
        for altitude, sun, node in product(MOLECULAR_ALTITUDES, MOLECULAR_SUN, GRID)
    ]
    oblique = [
        Case(wavelength=node, sun_zenith=sun, view_zenith=VIEW, relative_azimuth=azimuth, altitude=altitude)
        for altitude, sun, azimuth, node in product(MOLECULAR_ALTITUDES, MOLECULAR_SUN, AZIMUTHS, GRID)
    ]
    return {
        "sun": np.array(MOLECULAR_SUN),
        "view": np.array(VIEW),
        "azimuths": np.array(AZIMUTHS),
        "pressures": pressure_at(1000.0 * np.array(MOLECULAR_ALTITUDES)),
        "depth": nodes_of_grid(depth),
        "nadir": _molecular_reflectance(sixs, nadir, (len(MOLECULAR_ALTITUDES), len(MOLECULAR_SUN))),
        "oblique": _molecular_reflectance(sixs, oblique, (len(MOLECULAR_ALTITUDES), len(MOLECULAR_SUN), len(AZIMUTHS))),
    }


def _molecular_reflectance(sixs: Sixs, cases: list[Case], shape: tuple[int, ...]) -> np.ndarray:
    values = np.array([max(read_printed(text).apparent, 1e-7) for text in sixs.run_all(cases)])
    return nodes_of_grid(values.reshape(*shape, len(NODES)))


def aerosol_tables(sixs: Sixs, model: str) -> dict[str, np.ndarray]:
    """Run an aerosol model over molecules.

    Returns
    -------
    dict of ndarray, float64
        The grids `angles`, `sun`, `loads`, `corner_sun`, `corner_loads`, `high_pressure`, `close_sun`, `close_load`,
        `zeniths`, `depths` and `pressures`; `extinction` (nodes,) optical depth for 1 at 550 nm;
        `single_scattering_albedo` (nodes,); `phase` (angles, nodes) of the aerosol; path reflectance `nadir`
        (loads, sun, nodes), `oblique` (corner loads, corner sun, azimuths, nodes), `high` (corner loads, corner sun,
        nodes) and `close` (close sun, nodes); `transmittance` (altitudes, depths, zeniths, nodes) and spherical
        `albedo` (altitudes, depths, nodes).
    """
    grid = path_grid(model)
    return {
        "angles": np.array(SCATTERING_ANGLES),
        "sun": np.array(grid.sun),
        "loads": np.array(grid.loads),
        "corner_sun": np.array(grid.corner_sun),
        "corner_loads": np.array(grid.corner_loads),
        "high_pressure": pressure_at(1000.0 * HIGH),
        "close_sun": np.array(grid.close_sun),
        "close_load": np.array(CLOSE_LOAD),
        "zeniths": np.array(ZENITHS),
        "depths": np.array(DEPTHS),
        "pressures": pressure_at(1000.0 * np.array(ALTITUDES)),
        **_aerosol_properties(sixs, model),
        **_path_reflectance(sixs, model),
        **_transmittance(sixs, model),
    }


def _aerosol_properties(sixs: Sixs, model: str) -> dict[str, np.ndarray]:
    # the two zeniths add to the angle that is missing to 180 degrees where the azimuth difference is 180
    cases = [
        Case(
            wavelength=node,
            sun_zenith=min(180.0 - angle, 80.0),
            view_zenith=max(100.0 - angle, 0.0),
            relative_azimuth=180.0,
            aerosol=model,
            aod=1.0,
            at_ground=True,
        )
        for angle in SCATTERING_ANGLES
        for node in GRID
    ]
    printed = [read_printed(text).values for text in sixs.run_all(cases)]
    shape = (len(SCATTERING_ANGLES), len(NODES))

    def values(name: str) -> np.ndarray:
        return nodes_of_grid(np.array([one[name][1] for one in printed]).reshape(shape))

    return {
        "extinction": values("depth")[0],
        "single_scattering_albedo": values("single_scattering_albedo")[0],
        "phase": values("phase"),
    }


def path_cases(model: str) -> dict[str, list[Case]]:
    """Return the expensive runs of a model: path reflectance, one run for all wavelengths."""
    grid = path_grid(model)
    corners = list(product(grid.corner_loads, grid.corner_sun))
    return {
        "nadir": [
            Case(span=SPAN, sun_zenith=sun, aerosol=model, aod=load) for load, sun in product(grid.loads, grid.sun)
        ],
        "oblique": [
            Case(span=SPAN, sun_zenith=sun, view_zenith=VIEW, relative_azimuth=azimuth, aerosol=model, aod=load)
            for (load, sun), azimuth in product(corners, AZIMUTHS)
        ],
        "high": [Case(span=SPAN, sun_zenith=sun, aerosol=model, aod=load, altitude=HIGH) for load, sun in corners],
        "close": [Case(span=SPAN, sun_zenith=sun, aerosol=model, aod=CLOSE_LOAD) for sun in grid.close_sun],
    }


def _path_reflectance(sixs: Sixs, model: str) -> dict[str, np.ndarray]:
    grid = path_grid(model)
    corners = (len(grid.corner_loads), len(grid.corner_sun))
    shapes = {
        "nadir": (len(grid.loads), len(grid.sun)),
        "oblique": (*corners, len(AZIMUTHS)),
        "high": corners,
        "close": (len(grid.close_sun),),
    }
    tables = {}
    for name, cases in path_cases(model).items():
        spectra = [read_spectrum(text) for text in sixs.run_all(cases)]
        values = np.array([fit_nodes(one[:, 0], one[:, 4]) for one in spectra], float)
        tables[name] = values.reshape(*shapes[name], len(NODES))
    return tables


def _transmittance(sixs: Sixs, model: str) -> dict[str, np.ndarray]:
    cases = [
        Case(
            span=SPAN,
            sun_zenith=zenith,
            aerosol=model if depth else "none",
            aod=depth,
            altitude=altitude,
            at_ground=True,
        )
        for altitude, depth, zenith in product(ALTITUDES, DEPTHS, ZENITHS)
    ]
    spectra = [read_spectrum(text) for text in sixs.run_all(cases)]
    shape = (len(ALTITUDES), len(DEPTHS), len(ZENITHS), len(NODES))
    down = np.array([fit_nodes(one[:, 0], one[:, 1]) for one in spectra]).reshape(shape)
    albedo = np.array([fit_nodes(one[:, 0], one[:, 3]) for one in spectra]).reshape(shape)
    return {"transmittance": down, "albedo": albedo.mean(axis=2)}
