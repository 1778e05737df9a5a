"""A small scene in closed form that the writers of EnMAP and PRISMA files take."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from levelworks.plumes.scene import Geometry, Spectral
from levelworks.plumes.simulation.simulated_ground import Ground


@dataclass(frozen=True)
class Level1Scene:
    """Random radiance, uniform from 2 to 90 per cent of what a white surface sends back."""

    spectral: Spectral
    rows: int = 24
    columns: int = 18
    start: datetime = datetime(2024, 7, 24, 10, 45, 26, 123000, tzinfo=UTC)
    place: tuple[float, float] = (13.1, 52.4)
    heading: float = 192.0
    relief: float = 0.0
    view_zenith: float = 5.0
    view_azimuth: float = 282.0
    seed: int = 0
    missing: tuple[int, int] | None = None
    extra: dict[tuple[int, int, int], float] = field(default_factory=dict)

    @property
    def ground(self) -> Ground:
        return Ground(self.rows, self.columns, 30.0, *self.place, self.heading)

    def heights(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """A slope and a bowl around 300 m: with relief that polynomials don't have, no RPC sees a regular grid."""
        east, north = self.ground.from_geographic(longitude, latitude)
        return 300.0 + self.relief * (np.asarray(east) / 500 + (np.asarray(north) / 400) ** 2)

    @property
    def geometry(self) -> Geometry:
        longitude, latitude = self.ground.to_geographic(*self.ground.to_plane(*self.ground.grid()))
        down, across = np.mgrid[0 : self.rows, 0 : self.columns] / [[[self.rows - 1]], [[self.columns - 1]]]

        def angle(middle: float, change: float = 0.0) -> np.ndarray:
            return np.asarray(middle + change * (across - 0.5) + change / 5 * (down - 0.5), dtype=np.float32)

        return Geometry(
            longitude,
            latitude,
            self.heights(longitude, latitude).astype(np.float32),
            angle(35.0, 0.2),
            angle(160.0, 0.3),
            angle(self.view_zenith, 0.5),
            angle(self.view_azimuth),
        )

    def radiance(self, rows: range) -> np.ndarray:
        """Return (rows, columns, bands); the same whatever the blocks."""
        white = 1e5 / np.maximum(self.spectral.mean, 400) ** 1.5
        drawn = [
            np.random.default_rng([self.seed, row]).uniform(0.02, 0.9, (self.columns, self.spectral.bands))
            for row in rows
        ]
        found = (np.stack(drawn) * white).astype(np.float32)
        for (row, column, band), value in self.extra.items():
            if row in rows:
                found[row - rows.start, column, band] = value
        if self.missing is not None and self.missing[0] in rows:
            found[self.missing[0] - rows.start, self.missing[1]] = np.nan
        return found


def band_places(spectral: Spectral, of: Spectral) -> np.ndarray:
    """Return for each band of one list the band of another that has its centre."""
    apart = np.abs(spectral.mean[:, None] - of.mean)
    assert apart.min(axis=1).max() < 1e-3
    return apart.argmin(axis=1)
