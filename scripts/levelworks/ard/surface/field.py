"""The atmosphere over an image: per cell of its field, what turns reflectance at the top into that of the surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from levelworks.ard.atmosphere.forward import environment_fraction
from levelworks.ard.fields import fill_missing
from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.surface.brdf import WEIGHTS, brdf_kernels
from levelworks.ard.surface.field_kernels import BRDF, COEFFICIENTS, GAIN, VARIANCE, cell_coefficients
from levelworks.ard.surface.local_tables import OZONE_STEP, LocalTables, RadiativeTransfer, make_local_tables
from levelworks.core.outcome import InvalidInput

TOA_ERROR = 0.03
"""Relative 1-sigma of reflectance at the top of the atmosphere, of Landsat and Sentinel-2 (spec section 22)."""
TABLES_ERROR = 0.001
"""Reflectance (1 sigma): tables against 6S, and 6S against the truth."""
UNIFORM = 1e9
"""Scale height (m) of aerosol that does not thin with elevation."""


@dataclass(frozen=True)
class AtmosphereField:
    """The atmosphere on an image's field; coefficients are made for a few rows at a time.

    Parameters
    ----------
    grid : ImageGrid
        Of the image's pixels.
    bands : tuple of str
        Names in the cube, in the order of coefficients.
    local : LocalTables or None
        None where reflectance stays that of the top of the atmosphere.
    cells : ndarray, shape (7, rows, columns), float32
        Sun zenith, view zenith, relative azimuth (degrees), AOD, elevation (m), water vapour (g cm-2), standard error
        of the AOD.
    scale_height : float
        Metres over which aerosol thins by e.
    sigmas : tuple of float
        Standard errors of water vapour (g cm-2) and ozone (atm-cm).
    standard_sun_zenith : ndarray, shape (rows, columns), or float or None
        Degrees; None leaves reflectance in the geometry of the observation.
    own : tuple of float
        Part of the surroundings that lies within a pixel, as molecules and as aerosol scatter.
    background : ndarray or None, shape (bands, rows, columns), float32
        Reflectance of the surroundings; None takes them for the pixel's own.
    diffuse : ndarray or None, shape (2, rows, columns), float32
        Factor of the diffuse share of sunlight and what is added to it, as terrain shows them.
    """

    grid: ImageGrid
    bands: tuple[str, ...]
    local: LocalTables | None
    cells: np.ndarray
    scale_height: float
    sigmas: tuple[float, float]
    standard_sun_zenith: np.ndarray | float | None
    own: tuple[float, float] = (0.0, 0.0)
    background: np.ndarray | None = None
    diffuse: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the field."""
        return self.cells.shape[1], self.cells.shape[2]

    @property
    def step(self) -> int:
        """Return the pixels along a side of a cell."""
        return field_step(self.grid)

    def of(self, *bands: str) -> AtmosphereField:
        """Return the field of some of its bands."""
        index = [self.bands.index(band) for band in bands]
        local = self.local and self.local.of(index)
        background = None if self.background is None else self.background[index]
        return replace(self, bands=bands, local=local, background=background)

    def with_background(self, background: np.ndarray | None) -> AtmosphereField:
        """Return the field with the reflectance of surroundings, shape (bands, rows, columns)."""
        return replace(self, background=background)

    def with_diffuse(self, diffuse: np.ndarray | None) -> AtmosphereField:
        """Return the field with what terrain shows of diffuse light, shape (2, rows, columns)."""
        return replace(self, diffuse=diffuse)

    def coefficients(self, first: int, last: int, *, variance: bool = True) -> np.ndarray:
        """Return the coefficients of the rows first to last of the field.

        Returns
        -------
        ndarray, shape (bands, COEFFICIENTS, last - first, columns), float32
            At the places that `field_kernels` names.
        """
        shape = last - first, self.shape[1]
        result = np.zeros((len(self.bands), COEFFICIENTS, *shape), np.float32)
        if self.local is None:
            result[:, GAIN], result[:, BRDF], result[:, VARIANCE + 2] = 1.0, 1.0, TOA_ERROR**2
            return result
        cells = np.ascontiguousarray(self.cells[:, first:last])
        background = np.full((len(self.bands), *shape), np.nan, np.float32)
        if self.background is not None:
            background[:] = self.background[:, first:last]
        diffuse = np.zeros((2, *shape), np.float32)
        diffuse[0] = 1.0
        if self.diffuse is not None:
            diffuse[:] = self.diffuse[:, first:last]
        local = self.local
        cell_coefficients(
            local.axes,
            local.path,
            local.molecules,
            local.down,
            local.up,
            local.sphere,
            local.gases,
            cells,
            background,
            diffuse,
            self._brdf(first, last),
            np.array(self.own),
            self.scale_height,
            np.array([self.sigmas[0], self.sigmas[1] / OZONE_STEP, TOA_ERROR, TABLES_ERROR]),
            variance,
            result,
        )
        return result

    def aerosol_share(self) -> np.ndarray:
        """Return the part of aerosol in light from the surroundings, shape (bands, rows, columns), float32."""
        assert self.local is not None
        (near_a, share_a), (near_z, share_z) = (self._node(axis) for axis in (3, 4))
        part = self.local.sphere[0, :, 1]
        lower = part[:, near_a, near_z] * (1 - share_z) + part[:, near_a, near_z + 1] * share_z
        upper = part[:, near_a + 1, near_z] * (1 - share_z) + part[:, near_a + 1, near_z + 1] * share_z
        return np.asarray((1 - share_a) * lower + share_a * upper, np.float32)

    def _node(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the node before each cell's value on an axis of the tables, and how far on it lies."""
        assert self.local is not None
        first, step, count = self.local.axes[axis]
        position = (self.cells[axis] - first) / step
        node = np.clip(np.floor(position), 0, int(count) - 2).astype(np.intp)
        return node, position - node

    def _brdf(self, first: int, last: int) -> np.ndarray:
        """Return the factor of the viewing geometry, shape (bands, last - first, columns), float32."""
        cells = self.cells[:, first:last]
        factor = np.ones((len(self.bands), *cells.shape[1:]), np.float32)
        if self.standard_sun_zenith is None:
            return factor
        volumetric, geometric = brdf_kernels(cells[0], cells[1], cells[2])
        above = brdf_kernels(np.broadcast_to(self.standard_sun_zenith, self.shape)[first:last], 0.0, 0.0)
        for index, band in enumerate(self.bands):
            isotropic, volume, geometry = WEIGHTS[band]
            standard = isotropic + volume * above[0] + geometry * above[1]
            factor[index] = standard / (isotropic + volume * volumetric + geometry * geometric)
        return factor


def build_field(
    tables: RadiativeTransfer,
    model: str,
    grid: ImageGrid,
    bands: Sequence[str],
    angles: Angles,
    *,
    elevation: np.ndarray,
    aod: np.ndarray,
    aod_error: np.ndarray | float,
    water_vapour: np.ndarray | float,
    ozone: float,
    aod_scale_height: float | None = None,
    water_vapour_error: float = 0.2,
    ozone_error: float = 0.02,
    standard_sun_zenith: np.ndarray | float | None = None,
    other_models: Sequence[str] = (),
) -> AtmosphereField:
    """Put the atmosphere on the field of an image.

    Parameters
    ----------
    tables : RadiativeTransfer
        Of the sensor.
    model : str
        Aerosol model.
    grid : ImageGrid
        Of the image's pixels; the arrays below have the shape of its field.
    bands : sequence of str
        To be corrected, names in the cube.
    angles : Angles
        NaN where the sensor did not look: those cells take the nearest that it did.
    elevation : ndarray
        Mean of the cells (m).
    aod : ndarray
        At 550 nm, at that elevation.
    aod_error : ndarray or float
        Standard error of the AOD.
    water_vapour : ndarray or float
        g cm-2, over that elevation.
    ozone : float
        atm-cm.
    aod_scale_height : float
        Metres over which aerosol thins by e; it does not where None.
    standard_sun_zenith : ndarray or float
        Degrees, to which the viewing geometry is normalised; None leaves it as it is.
    other_models : sequence of str
        Aerosol models that are as likely: what they would give counts as an error.

    Raises
    ------
    InvalidInput
        Where the image has no angles.
    """
    shape = grid.coarser(field_step(grid)).shape
    if not np.isfinite(angles.sun_zenith).any() or not np.isfinite(angles.view_zenith).any():
        raise InvalidInput("the image has no angles of sun and view: its metadata is incomplete")
    # A relative azimuth is even about 0 and 180 degrees, so that it fills and interpolates as it is.
    inputs = (
        angles.sun_zenith, angles.view_zenith, angles.relative_azimuth, aod, elevation, water_vapour, aod_error,
    )  # fmt: skip
    cells = np.stack([np.broadcast_to(np.asarray(fill_missing(np.asarray(one))), shape) for one in inputs])
    cells = cells.astype(np.float32)
    for index in (3, 5, 6):
        np.maximum(cells[index], 0.0, out=cells[index])
    local = make_local_tables(
        tables,
        bands,
        (model, *other_models),
        sun_zenith=cells[0],
        view_zenith=cells[1],
        aod=cells[3],
        elevation=cells[4],
        water_vapour=cells[5],
        ozone=ozone,
    )
    return AtmosphereField(
        grid,
        tuple(bands),
        local,
        cells,
        aod_scale_height or UNIFORM,
        (water_vapour_error, ozone_error),
        standard_sun_zenith,
        own_share(grid.resolution),
    )


def own_share(resolution: float) -> tuple[float, float]:
    """Return the part of the surroundings within a pixel (m), as molecules and as aerosol scatter."""
    radius = resolution / np.sqrt(np.pi) / 1000.0
    molecules, aerosol = (float(environment_fraction(radius, *depths)) for depths in ((1.0, 0.0), (0.0, 1.0)))
    return molecules, aerosol


def top_of_atmosphere_field(grid: ImageGrid, bands: Sequence[str]) -> AtmosphereField:
    """Return the field that leaves reflectance as it is at the top of the atmosphere."""
    shape = grid.coarser(field_step(grid)).shape
    return AtmosphereField(grid, tuple(bands), None, np.zeros((7, *shape), np.float32), UNIFORM, (0.0, 0.0), None)
