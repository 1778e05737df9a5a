"""What a retrieval needs to know of every pixel before it filters any: flags, classes, and pictures of the ground.

Each rank looks at its own detector columns; planes are then put together, as clouds and flares reach beyond them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelworks.core.mpi import Communicator
from levelworks.plumes.retrieval import classes
from levelworks.plumes.retrieval.dead_elements import dead_elements
from levelworks.plumes.retrieval.plane_kernels import dimmest, split_planes
from levelworks.plumes.retrieval.quality import (
    FLAGS,
    HOT_BANDS,
    REFLECTANCE_BANDS,
    Thresholds,
    bad_columns,
    band_irradiance,
    find_flags,
    reflectance,
)
from levelworks.plumes.retrieval.retrieval_options import Retrieve
from levelworks.plumes.scene import Scene

SATURATED_FROM = 1945.0
"""nm."""
SAMPLED_ROWS = 200
"""Rows in which bad detector columns are sought."""
CIRRUS_BAND = 1380.0
"""nm."""
PICTURE = (650.0, 560.0, 450.0)
"""nm: red, green, blue."""


@dataclass(frozen=True)
class Bands:
    """The bands of a scene that are read: those of the windows, and those that planes are made of."""

    read: np.ndarray
    wavelengths: np.ndarray

    @classmethod
    def of(cls, scene: Scene, windows: np.ndarray) -> Bands:
        """Return the union of the windows' bands and those of the planes."""
        single = [scene.spectral.nearest(one) for one in (*REFLECTANCE_BANDS, *HOT_BANDS, *PICTURE)]
        read = np.unique(np.concatenate([windows, single])).astype(np.int64)
        return cls(read, scene.spectral.mean[read])

    def place(self, wavelength: float) -> int:
        """Return the position of the band nearest to a wavelength (nm) among those read."""
        return int(np.argmin(np.abs(self.wavelengths - wavelength)))

    def places(self, bands: np.ndarray) -> np.ndarray:
        """Return the positions of some bands of the scene among those read."""
        return np.searchsorted(self.read, bands)


@dataclass(frozen=True)
class Planes:
    """Planes of a whole scene, (columns, rows).

    ``spectra`` marks pixels whose spectrum is finite and bright enough in the window; ``labels`` are the classes.
    """

    flags: np.ndarray
    labels: np.ndarray
    spectra: np.ndarray
    picture: np.ndarray
    radiance_2100: np.ndarray

    def unfit(self, options: Retrieve) -> np.ndarray:
        """Return pixels that are not filtered."""
        names = ["fill"] + (["cloud", "cirrus", "shadow"] if options.clouds == "skip" else [])
        names += ["water"] if options.water == "skip" else []
        return (self.flags & _bits(names) > 0) | ~self.spectra

    def background(self, options: Retrieve, excluded: np.ndarray | None) -> np.ndarray:
        """Return pixels whose spectra make the statistics: fit, neither flares nor saturated nor in a plume."""
        names = ["cloud", "cirrus", "shadow", "flare", "saturated", "fill"]
        fit = ~self.unfit(options) & (self.flags & _bits(names) == 0)
        return fit if excluded is None else fit & ~excluded


def _bits(names: list[str]) -> int:
    return sum(FLAGS[name] for name in names)


def find_planes(
    scene: Scene,
    radiance: np.ndarray,
    columns: range,
    bands: Bands,
    window: np.ndarray,
    options: Retrieve,
    land: np.ndarray | None,
    communicator: Communicator,
) -> Planes:
    """Find the planes of a scene, on every rank.

    Parameters
    ----------
    radiance : (columns, rows, bands) float32
        Of this rank's columns and the bands read.
    window : (n,) int
        Positions among them of the bands that are filtered.
    land : (columns, rows) bool or None
        Of a map of land and water; None tells them apart by reflectance.
    """
    irradiance = band_irradiance(scene.spectral)[bands.read]
    zenith = scene.geometry.sun_zenith.T
    least = dimmest(radiance[..., consecutive(window)])
    names = sorted({*REFLECTANCE_BANDS, *HOT_BANDS, *PICTURE})
    places = np.array([bands.place(name) for name in names])
    far = int(np.searchsorted(bands.wavelengths, SATURATED_FROM))
    layers, beyond = split_planes(radiance, places, far, options.saturated_radiance)
    # Neighbours stand in for dead elements, but at 1380 nm they see the ground that water vapour hides there.
    cirrus = names.index(CIRRUS_BAND)
    layers[cirrus, dead_elements(scene, columns, bands.read[places[[cirrus]]])[:, 0]] = np.nan
    parts = communicator.allgather((layers, least, beyond))
    whole = dict(zip(names, np.concatenate([part[0] for part in parts], axis=1), strict=True))
    least, saturated = (np.concatenate([part[place] for part in parts]) for place in (1, 2))
    finite, bright = least > -1, least > options.min_radiance
    rho = {
        name: reflectance(whole[name], irradiance[bands.place(name)], zenith, scene.earth_sun)
        for name in {*REFLECTANCE_BANDS, *PICTURE}
    }
    near = np.abs([bands.wavelengths[bands.place(name)] - name for name in REFLECTANCE_BANDS]) < 20
    seen = {
        name: rho[name] if close else np.full(finite.shape, np.nan)
        for name, close in zip(REFLECTANCE_BANDS, near, strict=True)
    }
    agency = {name: plane.T for name, plane in scene.masks.items()}
    flags = find_flags(
        seen, {name: whole[name] for name in HOT_BANDS}, saturated, ~finite, agency, thresholds_of(options)
    )
    flags[bad_columns(_sampled_rows(whole, finite))] |= FLAGS["bad_column"]
    if land is not None:
        flags[land] &= np.uint16(~FLAGS["water"] & 0xFFFF)
        flags[~land] |= FLAGS["water"]
    labels = np.where(flags & FLAGS["water"] > 0, 0, 1).astype(np.int16)
    if options.classes == "none":
        labels[...] = 1
    elif options.classes == "clusters":
        labels = _clusters(radiance, bright, columns, bands, window, options, communicator)
    picture = np.stack([rho[name] for name in PICTURE])
    return Planes(flags, labels, bright, picture, whole[2100.0])


def thresholds_of(options: Retrieve) -> Thresholds:
    """Return the thresholds that options name."""
    blue, near, far = options.cloud_reflectance
    return Thresholds(
        water=options.water_reflectance,
        cloud_450=blue,
        cloud_1250=near,
        cloud_1650=far,
        cirrus_1380=options.cirrus_reflectance,
        flare_radiance=options.flare_radiance,
    )


def _sampled_rows(planes: dict[float, np.ndarray], known: np.ndarray) -> np.ndarray:
    """Return some rows of every plane, (planes, columns, rows); NaN where there is no spectrum."""
    step = max(1, known.shape[1] // SAMPLED_ROWS)
    sampled = np.stack([values[:, ::step] for values in planes.values()])
    sampled[:, ~known[:, ::step]] = np.nan
    return sampled


def consecutive(places: np.ndarray) -> np.ndarray | slice:
    """Return places as a slice where they are consecutive, so that nothing is copied."""
    first = int(places[0])
    return (
        slice(first, first + places.size) if np.array_equal(places, np.arange(first, first + places.size)) else places
    )


def _clusters(
    radiance: np.ndarray,
    bright: np.ndarray,
    columns: range,
    bands: Bands,
    window: np.ndarray,
    options: Retrieve,
    communicator: Communicator,
) -> np.ndarray:
    """Return clusters of like spectra, (columns, rows); -1 where there is no spectrum."""
    features = np.unique(
        np.concatenate([window[::5], [bands.place(name) for name in (1000.0, 1250.0, 1650.0, 2100.0)]])
    )
    mine = bright[columns.start : columns.stop]
    step = classes.sample_rows(bright.shape[0], bright.shape[1])
    own = radiance[..., features]
    sampled = own[:, ::step][mine[:, ::step]].astype(float)
    sample = np.concatenate(communicator.allgather(sampled))
    if sample.shape[0] < 10 * options.clusters:
        return np.where(bright, 1, -1).astype(np.int16)
    mean, directions = classes.principal_components(sample)
    centres = classes.cluster_centres((sample - mean) @ directions.T, options.clusters)
    labels = np.full(mine.shape, -1, dtype=np.int16)
    labels[mine] = classes.nearest_centre((own[mine] - mean) @ directions.T, centres)
    return np.concatenate(communicator.allgather(labels))


def picture_of(reflectances: np.ndarray) -> np.ndarray:
    """Return red, green and blue (3, columns, rows) uint8, stretched between percentiles 1 and 99, to the power 1/1.6.

    0 means no data; the darkest ground is 1.

    Parameters
    ----------
    reflectances : (3, columns, rows)
        Not a number where there is no data.
    """
    found = np.zeros(reflectances.shape, dtype=np.uint8)
    known = np.isfinite(reflectances).all(axis=0)
    if not known.any():
        return found
    for band, values in enumerate(reflectances):
        low, high = np.percentile(values[known][::7], [1, 99])
        share = np.clip((np.where(known, values, low) - low) / max(high - low, 1e-6), 0, 1)
        found[band] = np.where(known, 1 + np.rint(254 * share ** (1 / 1.6)), 0)
    return found
