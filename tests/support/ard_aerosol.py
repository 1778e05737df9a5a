"""Scenes of known aerosol for the tests of its retrieval: published spectra, and 6S above them."""

from __future__ import annotations

import numpy as np

from levelworks.ard.aerosol.coarse import CoarseScene, accumulate
from levelworks.ard.atmosphere.forward import toa_reflectance
from levelworks.ard.atmosphere.tables import pressure_at
from levelworks.ard.scene import Angles

BANDS = ("ULTRABLUE", "BLUE", "GREEN", "RED", "NIR", "SWIR1", "SWIR2")

# Mixtures of measured and modelled spectra of the Earth Library (github.com/earth-chris/earthlib, MIT licence): PROSAIL
# canopies, soils of ICRAF-ISRIC, litter, crown shade; drawn at random with one seed, none left out. OLI bands. Ratios
# of red to 2.2 um reach from 0.23 to 1.1, of blue to red from 0.43 to 0.84.
FOREST = [
    [0.0128, 0.0148, 0.0553, 0.0307, 0.2742, 0.1804, 0.0836],
    [0.0133, 0.0145, 0.0283, 0.0221, 0.2031, 0.1209, 0.0533],
    [0.0100, 0.0112, 0.0319, 0.0184, 0.2165, 0.0856, 0.0333],
    [0.0308, 0.0427, 0.1275, 0.0732, 0.4353, 0.1602, 0.0664],
    [0.0212, 0.0244, 0.0835, 0.0469, 0.3236, 0.1386, 0.0630],
    [0.0216, 0.0268, 0.0576, 0.0353, 0.2798, 0.1590, 0.0786],
    [0.0161, 0.0166, 0.0365, 0.0197, 0.3023, 0.1125, 0.0367],
    [0.0183, 0.0239, 0.0650, 0.0337, 0.2977, 0.1974, 0.0839],
]
CROP = [
    [0.0174, 0.0188, 0.0399, 0.0242, 0.3894, 0.2203, 0.1050],
    [0.0273, 0.0300, 0.0533, 0.0363, 0.3345, 0.1242, 0.0590],
    [0.0242, 0.0296, 0.1001, 0.0555, 0.3611, 0.1721, 0.0747],
    [0.0185, 0.0213, 0.0706, 0.0405, 0.3305, 0.1556, 0.0618],
    [0.0230, 0.0256, 0.0757, 0.0429, 0.3316, 0.1479, 0.0797],
]
GRASS = [
    [0.0298, 0.0367, 0.0705, 0.0695, 0.3670, 0.2585, 0.1670],
    [0.0362, 0.0398, 0.0629, 0.0518, 0.3222, 0.2319, 0.1703],
    [0.0275, 0.0327, 0.0583, 0.0753, 0.3388, 0.2701, 0.1485],
    [0.0405, 0.0456, 0.0722, 0.0690, 0.3408, 0.1862, 0.1026],
    [0.1153, 0.1266, 0.1864, 0.1994, 0.3413, 0.3311, 0.2839],
]
SOIL = [
    [0.0866, 0.1040, 0.1583, 0.2155, 0.3148, 0.4513, 0.4459],
    [0.1007, 0.1261, 0.2291, 0.3413, 0.4146, 0.5164, 0.4760],
    [0.1061, 0.1254, 0.2504, 0.4247, 0.4611, 0.6719, 0.4579],
    [0.0814, 0.0869, 0.1019, 0.1237, 0.1763, 0.2264, 0.2437],
]
BUILT = [
    [0.1562, 0.1699, 0.2033, 0.2181, 0.2440, 0.3080, 0.3408],
    [0.4245, 0.4410, 0.4733, 0.4793, 0.4731, 0.4893, 0.4903],
]
# The same for three forests, two crops, grass and soil at the bands of Sentinel-2B.
SENTINEL2 = [
    [0.0237, 0.0281, 0.0387, 0.0361, 0.2167, 0.1234, 0.0651],
    [0.0193, 0.0298, 0.0642, 0.0305, 0.3099, 0.1375, 0.0578],
    [0.0185, 0.0238, 0.0673, 0.0271, 0.4971, 0.1188, 0.0381],
    [0.0238, 0.0375, 0.1335, 0.0685, 0.3675, 0.1250, 0.0479],
    [0.0208, 0.0326, 0.0556, 0.0316, 0.4283, 0.1363, 0.0599],
    [0.0385, 0.0542, 0.0857, 0.0821, 0.2988, 0.2686, 0.1862],
    [0.0692, 0.0887, 0.1584, 0.3211, 0.3999, 0.5642, 0.5127],
]
# Open water as Landsat and Sentinel-2 products of lakes, coasts and ocean have it, rounded.
WATER = [
    [0.0220, 0.0200, 0.0150, 0.0060, 0.0020, 0.0010, 0.0010],
    [0.0282, 0.0362, 0.0490, 0.0115, 0.0018, 0.0010, 0.0010],
    [0.0075, 0.0109, 0.0207, 0.0076, 0.0017, 0.0012, 0.0012],
    [0.0110, 0.0130, 0.0200, 0.0090, 0.0040, 0.0020, 0.0015],
]

# 6SV 1.1 with the responses of Py6S, continental aerosol, sun zenith 43, nadir, 2 g cm-2, 0.3 atm-cm: a, b, c of
# toa = a + b rho / (1 - c rho) by band.
SIXS = {
    0.05: [
        [0.09760, 0.74242, 0.17881],
        [0.07144, 0.78948, 0.14120],
        [0.03689, 0.81206, 0.08821],
        [0.02093, 0.87237, 0.05528],
        [0.00787, 0.96112, 0.02479],
        [0.00109, 0.94945, 0.00544],
        [0.00043, 0.89795, 0.00237],
    ],
    0.15: [
        [0.10543, 0.69388, 0.19161],
        [0.07880, 0.74155, 0.15696],
        [0.04287, 0.76885, 0.10713],
        [0.02604, 0.83182, 0.07488],
        [0.01147, 0.92568, 0.04139],
        [0.00233, 0.93103, 0.01281],
        [0.00101, 0.88199, 0.00652],
    ],
    0.30: [
        [0.11732, 0.62539, 0.20779],
        [0.09015, 0.67336, 0.17671],
        [0.05225, 0.70655, 0.13062],
        [0.03412, 0.77279, 0.09914],
        [0.01717, 0.87358, 0.06204],
        [0.00422, 0.90371, 0.02228],
        [0.00188, 0.85838, 0.01179],
    ],
}


def covers(seed: int, *names: str) -> np.ndarray:
    """Return the spectra of a scene's covers, (covers, bands), each varied band by band of its own."""
    random = np.random.default_rng([seed, 5])
    pools = {"forest": FOREST, "crop": CROP, "grass": GRASS, "soil": SOIL, "built": BUILT, "water": WATER}
    drawn = np.array([pools[name][random.integers(len(pools[name]))] for name in names])
    return drawn * np.exp(0.08 * random.standard_normal((len(names), 1)) + 0.06 * random.standard_normal(drawn.shape))


def patches(seed: int, spectra: np.ndarray, shape: tuple[int, int], sites: int) -> np.ndarray:
    """Return reflectance of the ground in Voronoi patches of the covers with 5 % texture, (bands, rows, columns)."""
    from scipy.spatial import cKDTree

    random = np.random.default_rng([seed, 7])
    kinds = np.concatenate([np.arange(len(spectra)), random.integers(0, len(spectra), sites)])[:sites]
    points = random.uniform(0, 1, (sites, 2)) * shape
    places = np.stack([one.ravel() for one in np.indices(shape)], axis=1)
    cover = kinds[cKDTree(points).query(places)[1]].reshape(shape)
    return spectra[cover].transpose(2, 0, 1) * (1 + 0.05 * random.standard_normal((1, *shape)))


def above_by_sixs(ground: np.ndarray, aod: float) -> np.ndarray:
    """Return what 6S sees above a ground, as float32."""
    a, b, c = (np.array(one)[:, None, None] for one in np.array(SIXS[aod]).T)
    return (a + b * ground / (1 - c * ground)).astype(np.float32)


def level(shape: tuple[int, int], sun: float = 43.0) -> Angles:
    """Return the angles of a scene seen from above."""
    one = np.ones(shape)
    return Angles(sun * one, 0.0 * one, 0.0 * one, 0.0 * one)


def above_by_tables(tables, ground, aod, elevation=0.0, *, bands=BANDS, model="continental", around=None) -> np.ndarray:
    """Return what the package's own tables see above a ground; aod and elevation by cell."""
    place = {"sun_zenith": 43.0, "view_zenith": 0.0, "pressure": pressure_at(np.asarray(elevation))}
    found = []
    for number, band in enumerate(bands):
        scattering = tables.at(band, model, relative_azimuth=0.0, aod=aod, **place)
        gases = tables.gases(band, water_vapour=2.0, ozone=0.3, **place)
        light = None if around is None else around(band, scattering, ground[number])
        found.append(toa_reflectance(scattering, gases, ground[number], light))
    return np.stack(found).astype(np.float32)


def coarse_of_cells(toa: np.ndarray, bands=BANDS, step: int = 10) -> CoarseScene:
    """Return the coarse image of a scene each of whose cells is uniform."""
    shape = toa.shape[1:]
    single = CoarseScene.empty(bands, shape, 1)
    accumulate(single, 0, toa, np.ones(shape, np.uint8))
    pixels = step * step
    return CoarseScene(tuple(bands), step, single.counts * pixels, single.sums * pixels, single.water_slope)
