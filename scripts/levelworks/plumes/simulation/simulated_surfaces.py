"""Land covers of simulated scenes: which share of every pixel is which measured spectrum, how high it lies, how bright.

Kinds: desert (soils and rock in patches, tracks), cropland (parcels of crops and bare soil), urban (blocks of built
surfaces and gardens), coast (desert by the sea). Spectra: the table of surface reflectance (data/README.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.ndimage import map_coordinates

from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.tables import surface_library

SurfaceKind = Literal["desert", "cropland", "urban", "coast", "flat"]
RELIEF: dict[str, float] = {"desert": 60.0, "cropland": 15.0, "urban": 10.0, "coast": 40.0, "flat": 0.0}
"""Standard deviation of elevation (m)."""
ALTITUDE: dict[str, float] = {"desert": 180.0, "cropland": 240.0, "urban": 220.0, "coast": 60.0, "flat": 0.0}
VAPOUR: dict[str, float] = {"desert": 0.02, "cropland": 0.03, "urban": 0.02, "coast": 0.04, "flat": 0.0}
"""Standard deviation over a scene of the background's optical depth, for water vapour that comes and goes."""
AIR_HEIGHT = 8000.0
"""m of air of constant density."""
RARE: dict[str, float] = {"desert": 4e-4, "cropland": 6e-4, "urban": 2e-3, "coast": 4e-4, "flat": 0.0}
"""Share of pixels under each of some materials that are found nowhere else: what looks like gas but isn't."""
RARE_KINDS = ("rock", "built", "dry_vegetation")
RARE_MATERIALS = 5
TEXTURE: dict[str, float] = {"desert": 0.03, "cropland": 0.04, "urban": 0.10, "coast": 0.03, "flat": 0.0}
"""Standard deviation of brightness from pixel to pixel."""


@dataclass(frozen=True)
class Surface:
    """What the ground of a scene is.

    Parameters
    ----------
    kind : str
    names : tuple of str
        Kind of surface of each spectrum, e.g. soil.
    wavelengths : (n,) float64
        nm.
    spectra : (k, n) float64
        Reflectance.
    shares : (rows, columns, k) float32
        Share of each spectrum in every pixel times its brightness.
    elevation : (rows, columns) float32
        m.
    water : (rows, columns) bool
    air : (rows, columns) float32
        Optical depth of the air above, less its mean, over its mean: less over high ground, more where it is humid.
    """

    kind: str
    names: tuple[str, ...]
    wavelengths: np.ndarray
    spectra: np.ndarray
    shares: np.ndarray
    elevation: np.ndarray
    water: np.ndarray
    air: np.ndarray

    def reflectance(self, rows: range, wavelengths: np.ndarray) -> np.ndarray:
        """Return reflectance of some rows, (rows, columns, wavelengths) float32."""
        spectra = np.stack([np.interp(wavelengths, self.wavelengths, spectrum) for spectrum in self.spectra])
        return np.asarray(self.shares[rows.start : rows.stop] @ spectra.astype(np.float32))


def smooth_field(shape: tuple[int, int], scale: float, random: np.random.Generator) -> np.ndarray:
    """Draw a smooth field of mean 0 and standard deviation about 1 that changes over ``scale`` pixels."""
    knots = random.normal(size=(int(shape[0] / scale) + 4, int(shape[1] / scale) + 4))
    row = np.arange(shape[0])[:, None] / scale + 1.5
    column = np.arange(shape[1])[None, :] / scale + 1.5
    places = np.broadcast_arrays(row, column)
    # a cubic spline through random knots keeps two thirds of their variance between them
    return np.asarray(map_coordinates(knots, places, order=3, mode="nearest")) / 0.75


def parcels(shape: tuple[int, int], size: float, tilt: float, random: np.random.Generator) -> np.ndarray:
    """Return numbers of the parcels, (rows, columns) int: strips across strips, turned by ``tilt`` degrees."""
    row, column = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    sine, cosine = np.sin(np.radians(tilt)), np.cos(np.radians(tilt))
    along, across = row * cosine + column * sine, column * cosine - row * sine
    reach = float(shape[0] + shape[1])
    number = 2 * int(reach / size) + 4
    breaks = [np.cumsum(random.uniform(0.5, 1.5, number) * size) - reach for _ in range(2)]
    return np.asarray(np.searchsorted(breaks[0], along) * number + np.searchsorted(breaks[1], across))


def _softmax(fields: list[np.ndarray], sharpness: float) -> np.ndarray:
    stacked = np.stack(fields, axis=-1) * sharpness
    weights = np.exp(stacked - stacked.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _lines(shape: tuple[int, int], count: int, random: np.random.Generator) -> np.ndarray:
    """Return which pixels lie on one of some straight roads."""
    row, column = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    found = np.zeros(shape, dtype=bool)
    for _ in range(count):
        angle = random.uniform(0, np.pi)
        distance = (row - random.uniform(0, shape[0])) * np.sin(angle) + (column - random.uniform(0, shape[1])) * (
            np.cos(angle)
        )
        found |= np.abs(distance) < 0.5
    return found


def _desert(shape: tuple[int, int], random: np.random.Generator) -> dict[tuple[str, int], np.ndarray]:
    kinds = [("soil", 0), ("soil", 4), ("soil", 7), ("rock", 0), ("rock", 1), ("dry_vegetation", 1)]
    bias = [0.6, 0.4, 0.2, -0.4, 0.0, -0.6]
    scales = [60, 45, 30, 25, 35, 12]
    fields = [smooth_field(shape, scale, random) + shift for scale, shift in zip(scales, bias, strict=True)]
    shares = dict(zip(kinds, np.moveaxis(_softmax(fields, 2.0), -1, 0), strict=True))
    road = _lines(shape, 2, random)
    shares = {key: np.where(road, 0.4 * values, values) for key, values in shares.items()}
    return shares | {("built", 0): np.where(road, 0.6, 0.0)}


def _cropland(shape: tuple[int, int], random: np.random.Generator) -> dict[tuple[str, int], np.ndarray]:
    number = parcels(shape, 14.0, random.uniform(-20, 20), random)
    count = int(number.max()) + 1
    crop, soil = random.integers(0, 5, count)[number], random.integers(0, 3, count)[number]
    cover = np.clip(random.beta(1.2, 0.9, count)[number] + 0.05 * smooth_field(shape, 8, random), 0.02, 0.98)
    shares = {("vegetation", kind): np.where(crop == kind, cover, 0.0) for kind in range(4)}
    shares[("dry_vegetation", 1)] = np.where(crop == 4, cover, 0.0)
    return shares | {("soil", kind + 8): np.where(soil == kind, 1 - cover, 0.0) for kind in range(3)}


def _urban(shape: tuple[int, int], random: np.random.Generator) -> dict[tuple[str, int], np.ndarray]:
    number = parcels(shape, 5.0, random.uniform(-30, 30), random)
    count = int(number.max()) + 1
    block = random.dirichlet([1.2, 1.0, 0.8, 0.6, 0.4, 0.8, 0.7], count)[number]
    noisy = block * random.gamma(4.0, 0.25, (*shape, block.shape[-1]))
    noisy /= noisy.sum(axis=-1, keepdims=True)
    kinds = [("built", 0), ("built", 1), ("built", 2), ("built", 4), ("built", 3), ("vegetation", 1), ("soil", 1)]
    return dict(zip(kinds, np.moveaxis(noisy, -1, 0), strict=True))


def _coast(shape: tuple[int, int], random: np.random.Generator) -> dict[tuple[str, int], np.ndarray]:
    land = _desert(shape, random)
    across = np.linspace(-1.6, 1.6, shape[1])[None, :]
    sea = across + 0.5 * smooth_field(shape, max(shape) / 6, random) > 0.6
    return {key: np.where(sea, 0.0, values) for key, values in land.items()} | {("water", 1): np.where(sea, 1.0, 0.0)}


def _flat(shape: tuple[int, int], random: np.random.Generator) -> dict[tuple[str, int], np.ndarray]:  # noqa: ARG001
    return {("built", 2): np.ones(shape)}


COVERS: dict[str, Callable[[tuple[int, int], np.random.Generator], dict[tuple[str, int], np.ndarray]]] = {
    "desert": _desert,
    "cropland": _cropland,
    "urban": _urban,
    "coast": _coast,
    "flat": _flat,
}


def _rare(kind: str, shape: tuple[int, int], random: np.random.Generator) -> dict[int, np.ndarray]:
    """Return where some materials lie in small patches, by row of the library."""
    candidates = np.flatnonzero(np.isin(surface_library().surfaces, RARE_KINDS))
    chosen = random.choice(candidates, RARE_MATERIALS, replace=False)
    found = {}
    for row in chosen:
        field = smooth_field(shape, random.uniform(1.0, 3.0), random)
        found[int(row)] = field > np.quantile(field, 1 - RARE[kind])
    return found


def make_surface(kind: SurfaceKind, rows: int, columns: int, seed: int) -> Surface:
    """Draw the ground of a scene.

    Raises
    ------
    InvalidOptions
        Where there is no such kind.
    """
    if kind not in get_args(SurfaceKind):
        raise InvalidOptions(f"surface: {kind!r} is none of {', '.join(get_args(SurfaceKind))}")
    random = np.random.default_rng([seed, 1])
    shape = (rows, columns)
    cover = COVERS[kind](shape, random)
    library = surface_library()
    rows_of = {name: np.flatnonzero(library.surfaces == name) for name, _ in cover}
    numbers = [int(rows_of[name][number % rows_of[name].size]) for name, number in cover]
    bright = 1 + TEXTURE[kind] * (random.normal(size=shape) * 0.5 + smooth_field(shape, 3, random) * 0.87)
    shares = np.stack(list(cover.values()), axis=-1)
    water = sum((values for (name, _), values in cover.items() if name == "water"), np.zeros(shape)) > 0.5
    relief = 0.9 * smooth_field(shape, 90, random) + 0.3 * smooth_field(shape, 25, random)
    elevation = np.where(water, 0.0, np.maximum(ALTITUDE[kind] + RELIEF[kind] * relief, 0.0))
    if RARE[kind]:
        patches = _rare(kind, shape, random)
        for number, patch in patches.items():
            there = patch & ~water
            shares[there] = 0.0
            shares = np.concatenate([shares, there[..., None]], axis=-1)
            numbers.append(number)
    air = VAPOUR[kind] * smooth_field(shape, 70, random) - (elevation - elevation.mean()) / AIR_HEIGHT
    return Surface(
        kind=kind,
        names=tuple(str(name) for name in library.surfaces[numbers]),
        wavelengths=library.wavelengths,
        spectra=library.reflectance[numbers],
        shares=(shares * np.clip(bright, 0.5, 1.5)[..., None]).astype(np.float32),
        elevation=elevation.astype(np.float32),
        water=water,
        air=air.astype(np.float32),
    )
