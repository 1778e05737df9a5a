"""A simulated scene: ground, air, gas and instrument put together into radiance, rows at a time, with truth known.

Radiance of a pixel is ``(rho sunlit T + path) cos(sun zenith)`` (specs/plumes.md 4.6), then stripes, noise, saturation
and dead elements. Noise is drawn row by row, so that it doesn't depend on how many rows are asked for at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np

from levelworks.plumes.retrieval.absorption import geometric_air_mass
from levelworks.plumes.scene import Geometry, Sensor, Spectral
from levelworks.plumes.simulation.simulated_atmosphere import (
    GasTable,
    gas_source,
    gas_table,
    path_reflectance,
    sunlit_radiance,
)
from levelworks.plumes.simulation.simulated_clouds import CloudField
from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.simulation.simulated_surfaces import Surface
from levelworks.plumes.simulation.transport import Plume, Wind
from levelworks.plumes.tables import NoiseModel, solar_irradiance

FLARE_TEMPERATURE = 1800.0
"""K of gas flares (Elvidge et al. 2013, doi:10.3390/rs5126423: 1500 to 2000)."""
FLARE_SHARE = 1e-3
"""Share of a pixel that a flare fills."""


@dataclass(frozen=True)
class Instrument:
    """What the detector adds to radiance.

    Parameters
    ----------
    noise : NoiseModel or None
        At the scene's mean band centres; nothing for noiseless radiance.
    stripes : float
        Standard deviation of the gain from column to column; elements of one column differ by a quarter of it.
    dead_elements : int
        Number of elements (column, band) that always give 0.
    saturation : float
        Radiance that nothing exceeds, uW cm-2 sr-1 nm-1, above 1500 nm; ten times that below.
    """

    noise: NoiseModel | None
    stripes: float = 0.003
    dead_elements: int = 0
    saturation: float = 12.0


@dataclass(frozen=True)
class SimulatedScene:
    """Everything of a simulated granule.

    Parameters
    ----------
    name : str
        The agency's id.
    geometry : Geometry
        Without a lookup table; writers make theirs.
    gas_columns : dict of str to (rows, columns) float64
        Added gas, mol m-2: the truth.
    altitude : float
        Of the sensor, m.
    flares : (n, 2) int
        Rows and columns of gas flares.
    seed : int
        Of noise, stripes and dead elements.
    """

    name: str
    sensor: Sensor
    start: datetime
    end: datetime
    rows: int
    columns: int
    spectral: Spectral
    geometry: Geometry
    earth_sun: float
    ground: Ground
    surface: Surface
    gas_columns: dict[str, np.ndarray]
    plumes: tuple[Plume, ...]
    plume_columns: tuple[np.ndarray, ...]
    wind: Wind
    instrument: Instrument
    altitude: float
    clouds: CloudField | None = None
    flares: np.ndarray = field(default_factory=lambda: np.empty((0, 2), dtype=int))
    seed: int = 0

    @property
    def pixel_area(self) -> np.ndarray:
        """Return the true area of every pixel, (rows, columns) m2."""
        return self.ground.area(*self.ground.grid())

    def radiance(self, rows: range) -> np.ndarray:
        """Return spectral radiance of some rows, (rows, columns, bands) float32, uW cm-2 sr-1 nm-1."""
        clean = self.clean_radiance(rows)
        clean *= self._gains
        noise = self.instrument.noise
        if noise is not None:
            for number, row in enumerate(rows):
                random = np.random.default_rng([self.seed, 2, row])
                draw = random.standard_normal((self.columns, self.spectral.bands), dtype=np.float32)
                clean[number] += draw * noise.sigma(clean[number]).astype(np.float32)
        np.minimum(clean, self.saturation_levels, out=clean)
        column, band = self.dead_elements
        clean[:, column, band] = 0.0
        return clean

    def clean_radiance(self, rows: range) -> np.ndarray:
        """Return radiance before the instrument: no stripes, noise, saturation or dead elements."""
        inside = slice(rows.start, rows.stop)
        zenith = self.geometry.sun_zenith[inside]
        found = self.surface.reflectance(rows, self.spectral.mean)
        found *= self.illumination[inside, :, None]
        if self.clouds is not None:
            found = self.clouds.over(found, rows, self.spectral.mean)
        found *= self._sunlit
        found *= np.exp(self._background * self._air_excess[inside, :, None])
        self._absorb(found, inside)
        found += self._path
        found *= np.cos(np.radians(zenith)).astype(np.float32)[..., None]
        for row, column in self.flares:
            if row in rows:
                found[row - rows.start, column] += self._flare
        return found

    @cached_property
    def illumination(self) -> np.ndarray:
        """Return cos(i) over cos(sun zenith) of the terrain, (rows, columns) float32."""
        slope, aspect = self.slope_aspect
        zenith, azimuth = np.radians(self.geometry.sun_zenith), np.radians(self.geometry.sun_azimuth)
        tilt, facing = np.radians(slope), np.radians(aspect)
        ratio = np.cos(tilt) + np.sin(tilt) * np.tan(zenith) * np.cos(azimuth - facing)
        return np.asarray(np.maximum(ratio, 0.05), dtype=np.float32)

    @cached_property
    def slope_aspect(self) -> tuple[np.ndarray, np.ndarray]:
        """Return slope (degrees) and aspect (degrees clockwise from north that the slope faces)."""
        height = self.surface.elevation.astype(float)
        along = np.gradient(height, self.ground.pixel, axis=0) if self.rows > 1 else np.zeros_like(height)
        across = np.gradient(height, self.ground.pixel, axis=1) if self.columns > 1 else np.zeros_like(height)
        sine, cosine = np.sin(np.radians(self.ground.heading)), np.cos(np.radians(self.ground.heading))
        east, north = along * sine + across * cosine, along * cosine - across * sine
        slope = np.degrees(np.arctan(np.hypot(east, north)))
        return slope, np.degrees(np.arctan2(-east, -north)) % 360

    @cached_property
    def air_mass(self) -> np.ndarray:
        """Return the air mass of the path down and up, (rows, columns)."""
        return geometric_air_mass(self.geometry.sun_zenith, self.geometry.view_zenith)

    @cached_property
    def saturation_levels(self) -> np.ndarray:
        """Return the radiance that no element exceeds, (bands,) float32."""
        return np.where(self.spectral.mean > 1500, 1.0, 10.0).astype(np.float32) * self.instrument.saturation

    @cached_property
    def dead_elements(self) -> tuple[np.ndarray, np.ndarray]:
        """Return column and band of the dead elements."""
        random = np.random.default_rng([self.seed, 3])
        size = self.columns * self.spectral.bands
        chosen = np.sort(random.choice(size, min(self.instrument.dead_elements, size), replace=False))
        return chosen // self.spectral.bands, chosen % self.spectral.bands

    @cached_property
    def gas_tables(self) -> dict[str, GasTable]:
        """Return ln T of each gas over slant column, for the detector columns that gas lies in."""
        tables = {}
        for gas, column in self.gas_columns.items():
            slant = column * self.air_mass
            if slant.max() > 0:
                touched = np.flatnonzero(column.max(axis=0) > 0)
                tables[gas] = gas_table(gas_source(gas), self.spectral, touched, float(slant.max()))
        return tables

    def _absorb(self, radiance: np.ndarray, inside: slice) -> None:
        for gas, table in self.gas_tables.items():
            slant = self.gas_columns[gas][inside] * self.air_mass[inside]
            row, column = np.nonzero(slant > 0)
            for part in np.array_split(np.arange(row.size), max(1, row.size // 20_000)):
                transmittance = np.exp(table.at(column[part], slant[row[part], column[part]]))
                radiance[row[part], column[part]] *= transmittance

    @cached_property
    def _sunlit(self) -> np.ndarray:
        return sunlit_radiance(self.spectral, float(np.mean(self.air_mass)), self.earth_sun).astype(np.float32)

    @cached_property
    def _background(self) -> np.ndarray:
        """Return ln T of the air without added gas, (columns or 1, bands) float32."""
        sun = solar_irradiance()
        light = np.interp(self.spectral.mean, sun.wavelengths, sun.irradiance) / np.pi / self.earth_sun**2
        return np.log(np.clip(self._sunlit / light, 1e-4, 1.0)).astype(np.float32)

    @cached_property
    def _air_excess(self) -> np.ndarray:
        """Return how much more air than the mean is on the path, as a share, (rows, columns) float32.

        APPROXIMATE for bands full of lines, whose mean ln T grows slower than the air.
        """
        slanted = self.air_mass / np.mean(self.air_mass)
        return np.asarray((1 + self.surface.air) * slanted - 1, dtype=np.float32)

    @cached_property
    def _path(self) -> np.ndarray:
        mean, sun = self.spectral.mean, solar_irradiance()
        zeniths = float(np.mean(self.geometry.sun_zenith)), float(np.mean(self.geometry.view_zenith))
        irradiance = np.interp(mean, sun.wavelengths, sun.irradiance)
        # over the bands where the air lets nothing through, the air below is dark as well
        seen = np.minimum(1.0, self._sunlit.mean(axis=0) * np.pi * self.earth_sun**2 / irradiance / 0.8)
        reflectance = path_reflectance(mean, *zeniths) * np.sqrt(seen)
        return np.asarray(reflectance * irradiance / np.pi / self.earth_sun**2, dtype=np.float32)

    @cached_property
    def _gains(self) -> np.ndarray:
        random = np.random.default_rng([self.seed, 4])
        column = random.normal(0, self.instrument.stripes, (self.columns, 1))
        element = random.normal(0, self.instrument.stripes / 4, (self.columns, self.spectral.bands))
        return (1 + column + element).astype(np.float32)

    @cached_property
    def _flare(self) -> np.ndarray:
        """Return the radiance of a flare by Planck's law, uW cm-2 sr-1 nm-1, seen through the air."""
        metres = self.spectral.mean * 1e-9
        planck = 1.191042972e-16 / metres**5 / np.expm1(1.438776877e-2 / (metres * FLARE_TEMPERATURE))
        sun = np.interp(self.spectral.mean, solar_irradiance().wavelengths, solar_irradiance().irradiance)
        seen = self._sunlit.mean(axis=0) * np.pi * self.earth_sun**2 / sun
        # W m-2 sr-1 m-1 to uW cm-2 sr-1 nm-1
        return np.asarray(FLARE_SHARE * planck * 1e-7 * np.minimum(seen, 1.0), dtype=np.float32)
