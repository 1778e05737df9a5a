"""Compiled look-up of an image's local tables: what turns counts of the top of the atmosphere into the surface's.

With gain, offset and albedo of a cell, ``y = gain * toa - offset`` and the reflectance is ``y / (1 + albedo * y)``;
all three are straight lines over elevation. Where the surroundings are known, they are part of gain and offset
and the albedo is 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit

GAIN, GAIN_RISE, OFFSET, OFFSET_RISE, ALBEDO, ALBEDO_RISE, DIFFUSE, BACKGROUND, BRDF, VARIANCE = range(10)
"""Places of the coefficients of a cell and band; three of the variance end them."""
COEFFICIENTS = VARIANCE + 3
ELEVATION_SHIFT, AOD_SHIFT, WATER_SHIFT = 100.0, 0.02, 0.1
"""Steps of differences: m, AOD, g cm-2."""
DARK, BRIGHT = 0.05, 0.35
"""Reflectances at which errors are evaluated: they are close to straight lines over it."""


@njit(cache=True, nogil=True)
def _between(a: float, b: float, share: float) -> float:
    return a + share * (b - a)


@njit(cache=True, nogil=True)
def _place(axes: np.ndarray, axis: int, value: float) -> tuple[int, float]:
    """Return the node before a value and how far on it lies; beyond the ends straight lines go on."""
    position = (value - axes[axis, 0]) / axes[axis, 1]
    node = min(max(int(np.floor(position)), 0), int(axes[axis, 2]) - 2)
    return node, position - node


@njit(cache=True, nogil=True)
def _square(table: np.ndarray, i: int, j: int, share_i: float, share_j: float) -> float:
    upper = _between(table[i, j], table[i, j + 1], share_j)
    return _between(upper, _between(table[i + 1, j], table[i + 1, j + 1], share_j), share_i)


@njit(cache=True, nogil=True)
def _scattering(
    path: np.ndarray, down: np.ndarray, up: np.ndarray, sphere: np.ndarray, node: np.ndarray, share: np.ndarray,
    corners: np.ndarray,
) -> None:  # fmt: skip
    """Write what scatters at four corners of AOD and elevation, (7, 2, 2).

    Path, down, direct down, up, direct up, albedo, and the part of aerosol in light from the surroundings.
    """
    s, v, r, a, z = node[0], node[1], node[2], node[3], node[4]
    for i in range(2):
        for j in range(2):
            total = 0.0
            for k in range(2):
                for m in range(2):
                    weight = (share[0] if k else 1.0 - share[0]) * (share[1] if m else 1.0 - share[1])
                    line = path[s + k, v + m]
                    total += weight * _between(line[r, a + i, z + j], line[r + 1, a + i, z + j], share[2])
            corners[0, i, j] = total
            for part in range(2):
                corners[1 + part, i, j] = _between(
                    down[part, s, a + i, z + j], down[part, s + 1, a + i, z + j], share[0]
                )
                corners[3 + part, i, j] = _between(up[part, v, a + i, z + j], up[part, v + 1, a + i, z + j], share[1])
                corners[5 + part, i, j] = sphere[part, a + i, z + j]


@njit(cache=True, nogil=True)
def _molecular(molecules: np.ndarray, node: np.ndarray, share: np.ndarray, corners: np.ndarray) -> None:
    """Write the path reflectance of molecules below and above an elevation, the same at both loads, (2, 2)."""
    s, v, r, z = node[0], node[1], node[2], node[4]
    for j in range(2):
        total = 0.0
        for k in range(2):
            for m in range(2):
                weight = (share[0] if k else 1.0 - share[0]) * (share[1] if m else 1.0 - share[1])
                total += weight * _between(
                    molecules[s + k, v + m, r, z + j], molecules[s + k, v + m, r + 1, z + j], share[2]
                )
        corners[0, j] = total
        corners[1, j] = total


@njit(cache=True, nogil=True)
def _absorption(gases: np.ndarray, node: np.ndarray, share: np.ndarray, corners: np.ndarray) -> None:
    """Write the four transmittances at four corners of water vapour and elevation, (4, 2, 2)."""
    s, v, w, z = node[0], node[1], node[5], node[4]
    for part in range(4):
        for i in range(2):
            for j in range(2):
                near = _between(gases[part, s, v, w + i, z + j], gases[part, s, v + 1, w + i, z + j], share[1])
                far = _between(gases[part, s + 1, v, w + i, z + j], gases[part, s + 1, v + 1, w + i, z + j], share[1])
                corners[part, i, j] = _between(near, far, share[0])


@njit(cache=True, nogil=True)
def _inversion(
    scattering: np.ndarray,
    molecules: np.ndarray,
    gases: np.ndarray,
    aod: float,
    elevation: float,
    water: float,
    ozone: int,
    background: float,
    own: float,
) -> tuple[float, float, float]:
    """Return gain, offset and albedo at shares of AOD, elevation and water vapour between corners.

    toa = other (molecules + (path - molecules) half_water
                 + water down (up_direct rho + up_diffuse b) / (1 - albedo b)),
    with the background b of the surroundings but for the part `own`, which is the pixel's own; without one (NaN) b is
    rho.
    """
    path = _square(scattering[0], 0, 0, aod, elevation)
    clean = _square(molecules, 0, 0, aod, elevation)
    down = _square(scattering[1], 0, 0, aod, elevation)
    up = _square(scattering[3], 0, 0, aod, elevation)
    direct = _square(scattering[4], 0, 0, aod, elevation)
    albedo = _square(scattering[5], 0, 0, aod, elevation)
    absorbed = _square(gases[0], 0, 0, water, elevation)
    half = _square(gases[1], 0, 0, water, elevation)
    other = _square(gases[2 + ozone], 0, 0, water, elevation)
    # toa * one - two is what the surface sends up, without the atmosphere's own.
    one = 1.0 / (other * absorbed)
    two = (clean + (path - clean) * half) / absorbed
    if np.isnan(background):
        scale = 1.0 / (down * up)
        return one * scale, two * scale, albedo
    diffuse = up - direct
    direct += own * diffuse
    diffuse *= 1.0 - own
    scale = (1.0 - albedo * background) / (down * direct)
    return one * scale, two * scale + diffuse * background / direct, 0.0


@njit(cache=True, nogil=True)
def _surface(toa: float, gain: float, offset: float, albedo: float) -> float:
    signal = toa * gain - offset
    return signal / (1.0 + albedo * signal)


@njit(cache=True, nogil=True)
def _top(surface: float, gain: float, offset: float, albedo: float) -> float:
    return (surface / (1.0 - albedo * surface) + offset) / gain


@njit(cache=True, nogil=True)
def _sensitivity(surface: float, offset: float, albedo: float) -> float:
    """Return how far the surface goes with the top of the atmosphere, where that changes by a part of itself."""
    signal = surface / (1.0 - albedo * surface)
    return (signal + offset) / (1.0 + albedo * signal) ** 2


@njit(cache=True, nogil=True)
def _add_error(variance: np.ndarray, dark: float, bright: float) -> None:
    """Add the square of an error that is a straight line over reflectance."""
    slope = (bright - dark) / (BRIGHT - DARK)
    even = dark - slope * DARK
    variance[0] += even * even
    variance[1] += 2.0 * even * slope
    variance[2] += slope * slope


@njit(cache=True, nogil=True)
def _add_shift(
    variance: np.ndarray,
    scale: float,
    here: tuple[float, float, float],
    alone: tuple[float, float, float],
    scattering: np.ndarray,
    molecules: np.ndarray,
    gases: np.ndarray,
    aod: float,
    elevation: float,
    water: float,
    ozone: int,
    background: float,
    own: float,
) -> None:
    """Add the error that a shifted atmosphere makes, times a scale; the surroundings are shifted with it."""
    shifted = background
    if not np.isnan(background):
        other = _inversion(scattering, molecules, gases, aod, elevation, water, ozone, np.nan, own)
        shifted = _surface(_top(background, alone[0], alone[1], alone[2]), other[0], other[1], other[2])
    there = _inversion(scattering, molecules, gases, aod, elevation, water, ozone, shifted, own)
    dark = _surface(_top(DARK, here[0], here[1], here[2]), there[0], there[1], there[2]) - DARK
    bright = _surface(_top(BRIGHT, here[0], here[1], here[2]), there[0], there[1], there[2]) - BRIGHT
    _add_error(variance, dark * scale, bright * scale)


@njit(cache=True, nogil=True)
def cell_coefficients(
    axes: np.ndarray,
    path: np.ndarray,
    molecules: np.ndarray,
    down: np.ndarray,
    up: np.ndarray,
    sphere: np.ndarray,
    gases: np.ndarray,
    cells: np.ndarray,
    background: np.ndarray,
    diffuse: np.ndarray,
    brdf: np.ndarray,
    own: np.ndarray,
    scale_height: float,
    sigmas: np.ndarray,
    with_variance: bool,
    result: np.ndarray,
) -> None:
    """Write the coefficients of the cells of some rows of the field.

    Parameters
    ----------
    axes, path, molecules, down, up, sphere, gases : ndarray
        Of `LocalTables`.
    cells : ndarray, shape (7, rows, columns), float32
        Sun zenith, view zenith, relative azimuth (degrees), AOD, elevation (m), water vapour (g cm-2), and the
        standard error of the AOD.
    background : ndarray, shape (bands, rows, columns), float32
        Reflectance of the surroundings, NaN where they are to be taken for the pixel's own.
    diffuse : ndarray, shape (2, rows, columns), float32
        Factor of the diffuse share of sunlight, and what is added to it in all bands.
    brdf : ndarray, shape (bands, rows, columns), float32
        Factor of the viewing geometry.
    own : ndarray, shape (2,)
        Share of the surroundings within a pixel, of scattering by molecules and by aerosol.
    scale_height : float
        Metres over which aerosol thins by e.
    sigmas : ndarray, shape (4,)
        Standard errors of water vapour (g cm-2), ozone (in steps of the table), reflectance at the top of the
        atmosphere (relative), radiative transfer (reflectance).
    with_variance : bool
        Leave the variance 0 where False.
    result : ndarray, shape (bands, COEFFICIENTS, rows, columns), float32
        Written.
    """
    models, bands = path.shape[:2]
    node, share = np.empty(6, np.int64), np.empty(6)
    scattering, others = np.empty((7, 2, 2)), np.empty((7, 2, 2))
    absorption, clean = np.empty((4, 2, 2)), np.empty((2, 2))
    variance = np.empty(3)
    none = 0.0
    for row in range(cells.shape[1]):
        for column in range(cells.shape[2]):
            for axis in range(6):
                node[axis], share[axis] = _place(axes, axis, cells[axis, row, column])
            cosine = np.cos(np.radians(cells[0, row, column]))
            load, height = cells[3, row, column], cells[4, row, column]
            a, z, w = share[3], share[4], share[5]
            rise = ELEVATION_SHIFT / axes[4, 1]
            thinner = load * (np.exp(-ELEVATION_SHIFT / scale_height) - 1.0) / axes[3, 1]
            denser = load * (np.exp(ELEVATION_SHIFT / scale_height) - 1.0) / axes[3, 1]
            for band in range(bands):
                near = float(background[band, row, column])
                _scattering(path[0, band], down[0, band], up[0, band], sphere[0, band], node, share, scattering)
                _absorption(gases[band], node, share, absorption)
                _molecular(molecules[band], node, share, clean)
                inside = own[0] + _square(scattering[6], 0, 0, a, z) * (own[1] - own[0])
                here = _inversion(scattering, clean, absorption, a, z, w, 0, near, inside)
                above = _inversion(scattering, clean, absorption, a + thinner, z + rise, w, 0, near, inside)
                below = _inversion(scattering, clean, absorption, a + denser, z - rise, w, 0, near, inside)
                slopes = (
                    (above[0] - below[0]) / (2.0 * ELEVATION_SHIFT),
                    (above[1] - below[1]) / (2.0 * ELEVATION_SHIFT),
                    (above[2] - below[2]) / (2.0 * ELEVATION_SHIFT),
                )
                for part in range(3):
                    result[band, GAIN + 2 * part, row, column] = here[part] - slopes[part] * height
                    result[band, GAIN + 2 * part + 1, row, column] = slopes[part]
                ground = none if np.isnan(near) else near
                total = _square(scattering[1], 0, 0, a, z)
                direct = _square(scattering[2], 0, 0, a, z)
                total /= 1.0 - ground * _square(scattering[5], 0, 0, a, z)
                result[band, DIFFUSE, row, column] = (
                    cosine * (total - direct) / direct * diffuse[0, row, column] + diffuse[1, row, column]
                )
                result[band, BACKGROUND, row, column] = ground
                result[band, BRDF, row, column] = brdf[band, row, column]
                variance[:] = 0.0
                if with_variance:
                    dark = sigmas[2] * _sensitivity(DARK, here[1], here[2])
                    _add_error(variance, dark, sigmas[2] * _sensitivity(BRIGHT, here[1], here[2]))
                    _add_error(variance, sigmas[3], sigmas[3])
                    alone = _inversion(scattering, clean, absorption, a, z, w, 0, np.nan, inside)
                    step, error = AOD_SHIFT / axes[3, 1], cells[6, row, column] / AOD_SHIFT
                    _add_shift(
                        variance, error, here, alone, scattering, clean, absorption, a + step, z, w, 0, near, inside
                    )
                    step, error = WATER_SHIFT / axes[5, 1], sigmas[0] / WATER_SHIFT
                    _add_shift(
                        variance, error, here, alone, scattering, clean, absorption, a, z, w + step, 0, near, inside
                    )
                    _add_shift(
                        variance, sigmas[1], here, alone, scattering, clean, absorption, a, z, w, 1, near, inside
                    )
                    for model in range(1, models):
                        _scattering(
                            path[model, band], down[model, band], up[model, band], sphere[model, band], node, share,
                            others,
                        )  # fmt: skip
                        error = np.sqrt(1.0 / (models - 1))
                        _add_shift(variance, error, here, alone, others, clean, absorption, a, z, w, 0, near, inside)
                for part in range(3):
                    result[band, VARIANCE + part, row, column] = variance[part]
