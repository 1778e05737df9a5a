"""Mountains through the stages (specs/insar.md 8, layover): masked where they fold over, as exact as ever elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from insar_chain import LOOKS, Line
from insar_truth import expected_phase, wrapped
from scipy import ndimage
from scipy.interpolate import RegularGridInterpolator

from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geocoding.interpolation import geocode_values
from levelworks.insar.geocoding.lookup import cell_centres, read_lookup
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.geometry.geo2rdr import geo2rdr
from levelworks.insar.geometry.pair_offsets import BurstGrid
from levelworks.insar.mosaic.fine_ground import height_bend
from levelworks.insar.mosaic.geometry_files import read_ground, read_mosaic
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.safe.acquisition_orbits import acquisition_arc
from levelworks.insar.simulation.scenario import Hill, Pass, Scenario, Terrain, cuts
from levelworks.insar.simulation.simulate import simulate
from levelworks.insar.simulation.truth import read_truth
from levelworks.insar.unwrapping.unwrapped_files import read_unwrapped

FIRST, SECOND = "20250406", "20250418"
PAIR = f"{FIRST}_{SECOND}"
FINE, LAYOVER, SHADOW, BOTH = 1, 2, 3, 4
METRES = 111_320.0
PEAK = Hill(0.0, 0.0, 250.0, 900.0)
"""Its flanks rise by 65 degrees: they lie over, and cast a shadow."""
MOUNTAINS = tuple(Hill(east, north, 300.0, 250.0) for east in (-1500.0, 0.0, 1500.0) for north in (-6000.0, 6000.0))
"""Flanks of 27 degrees: steep, and seen as they are. Between places 32 samples apart they bend by 5 m."""


@pytest.fixture(scope="module")
def steep(tmp_path_factory):
    """Take a pair over a peak and mountains through all stages."""
    terrain = Terrain(0.0, 0.0, 0.0, (PEAK, *MOUNTAINS))
    scenario = Scenario((Pass(0), Pass(12, "20250418")), cuts("ci"), terrain, seed=61, noise=0.0, spacing=(2, 2))
    line = Line(simulate(scenario, tmp_path_factory.mktemp("steep")), tmp_path_factory.mktemp("line"))
    line.begin()
    line.refine(diversity={"least-cells": 150})
    line.coregister(FIRST)
    line.coregister(SECOND, line.network)
    line.locate()
    line.form(FIRST, SECOND)
    line.finish(FIRST, SECOND)
    with rasterio.open(line.lookup / f"{line.name}.geo.lsmask.tif") as file:
        line.mask = file.read(1)
    return line


@pytest.fixture(scope="module")
def folded(steep):
    """Return which geographic cells share their slant range with others, by walking along the look from each.

    Cells beside one that does are left open, as half a cell decides there.
    """
    frame, elevation = read_frame(steep.frame), read_elevation(steep.simulated.elevation)
    arc = acquisition_arc(read_acquisition_file(steep.reference))
    latitudes, longitudes = cell_centres(frame.grid)
    with rasterio.open(steep.lookup / f"{steep.name}.geo.E.tif") as east:
        looks = east.read(1)
    with rasterio.open(steep.lookup / f"{steep.name}.geo.N.tif") as north:
        looks = np.stack([looks, north.read(1)])
    found = np.zeros(frame.grid.shape, bool)
    steps = np.arange(-2000.0, 2001.0, 10.0)
    peak = elevation.heights == elevation.heights.max()
    row, column = (int(index[0]) for index in np.nonzero(peak))
    top = elevation.north - row * elevation.step_south, elevation.west + column * elevation.step_east
    near = np.hypot(latitudes[:, None] - top[0], (longitudes[None, :] - top[1]) * np.cos(np.radians(top[0]))) < 0.02
    i, j = np.nonzero(near & np.isfinite(looks[0]))
    away = -looks[:, i, j] / np.hypot(*looks[:, i, j])
    latitude = latitudes[i][:, None] + away[1][:, None] * steps / METRES
    longitude = longitudes[j][:, None] + away[0][:, None] * steps / METRES / np.cos(np.radians(top[0]))
    _, ranges = geo2rdr(arc, latitude, longitude, elevation.at(latitude, longitude))
    own = ranges[:, steps == 0]
    found[i, j] = ((ranges >= own) & (steps < 0)).any(axis=1) | ((ranges <= own) & (steps > 0)).any(axis=1)
    return found


def test_layover_is_masked_where_it_is(steep, folded):
    laid = np.isin(steep.mask, (LAYOVER, BOTH))
    assert folded.sum() > 20
    wide, narrow = ndimage.binary_dilation(folded), ndimage.binary_erosion(folded)
    assert not (laid & ~wide).any()
    assert not (narrow & ~laid & (steep.mask > 0)).any()
    assert (laid & folded).sum() > 0.8 * (folded & (steep.mask > 0)).sum()
    quality = steep.said["geocode-geometry", ""].quality
    assert quality["layover"] == pytest.approx(laid.sum() / (steep.mask > 0).sum())
    assert quality["shadow"] > 0


def test_all_but_the_peak_is_fine(steep, folded):
    far = ~ndimage.binary_dilation(folded, iterations=8) & (steep.mask > 0)
    assert far.sum() > 5000
    assert (steep.mask[far] == FINE).all()


def test_ground_is_as_fine_as_terrain_bends(steep):
    """All bursts see mountains or the peak: some 30 m from place to place, where level ground takes 120 m."""
    assert steep.said["reference-geometry", ""].quality["least_steps"] == [2, 8]
    for burst in read_acquisition_file(steep.reference).bursts:
        ground = read_ground(steep.geometry, burst.key)
        assert (ground.lines[1], ground.samples[1]) == (2, 8)


def test_bend_is_the_error_in_the_middle():
    """Of a paraboloid bilinear interpolation is wrong by an eighth of the second differences, exactly."""
    lines, samples = 8.0 * np.arange(9), 32.0 * np.arange(7)

    def surface(line, sample):
        return 3.0 + 0.1 * line - 0.02 * sample + 0.004 * line**2 + 0.0005 * sample**2

    heights = surface(lines[:, None], samples[None, :])
    middle = RegularGridInterpolator((lines, samples), heights)([[4.0, 16.0]])[0]
    bend = height_bend(BurstGrid(lines, samples, heights, heights, heights))
    assert bend == pytest.approx(middle - surface(4.0, 16.0), rel=1e-9)
    heights[4, 3] = np.nan
    assert height_bend(BurstGrid(lines, samples, heights, heights, heights)) == pytest.approx(bend, rel=1e-9)
    assert height_bend(BurstGrid(lines, samples, heights, heights, np.full_like(heights, np.nan))) == 0.0


def open_cells(steep):
    """Return radar cells that no layover or shadow folds onto, and geographic cells that are seen by them."""
    mosaic, lookup = read_mosaic(steep.geometry), read_lookup(steep.lookup)
    hidden = np.zeros(mosaic.shape, bool)
    rows, columns = (np.rint(lookup[k][steep.mask > FINE]).astype(int) for k in (0, 1))
    hidden[np.clip(rows, 0, mosaic.shape[0] - 1), np.clip(columns, 0, mosaic.shape[1] - 1)] = True
    # A cell of the grid is some 13 lines of looks and 3 columns here.
    hidden = ndimage.binary_dilation(hidden, np.ones((41, 9)))
    at = [np.nan_to_num(np.rint(lookup[k]), nan=0).astype(int) for k in (0, 1)]
    return ~hidden, (steep.mask == FINE) & ~hidden[at[0], at[1]]


def test_positions_beside_the_peak_are_right(steep):
    """A tenth of a cell, on mountains and level ground: the truth's own places against the centres of cells."""
    frame, mosaic, lookup = read_frame(steep.frame), read_mosaic(steep.geometry), read_lookup(steep.lookup)
    _, seen = open_cells(steep)
    latitudes, longitudes = cell_centres(frame.grid)
    checked = 0
    for place in mosaic.placements:
        truth, own = read_truth(steep.simulated.truth, place.key), place.cells(mosaic.looks)
        with np.errstate(invalid="ignore"):
            inner = seen & (lookup[0] > own[0].start) & (lookup[0] < own[0].stop - 1)
            inner &= (lookup[1] > own[1].start) & (lookup[1] < own[1].stop - 1)
        i, j = np.nonzero(inner)
        places = np.stack(
            [(lookup[k][inner].astype(float) + 0.5) * mosaic.looks[k] - 0.5 - place.corner[k] for k in (0, 1)],
            axis=-1,
        )
        for name, expected in (("latitude", latitudes[i]), ("longitude", longitudes[j])):
            found = RegularGridInterpolator((truth["lines"], truth["samples"]), truth[name])(places)
            assert np.abs(found - expected).max() < 0.1 * frame.grid.step
        checked += i.size
    assert checked > 4000


def test_phase_beside_the_peak_is_as_exact_as_its_noise_allows(steep):
    """Cells of 250 m mountains too: flattening interpolates between places, and they lie close enough."""
    found, mosaic = steep.interferogram(FIRST, SECOND), read_mosaic(steep.geometry)
    expected = expected_phase(steep.simulated.truth, mosaic, FIRST, SECOND)
    beside, _ = open_cells(steep)
    whole = (found.count == LOOKS.range * LOOKS.azimuth) & np.isfinite(expected) & beside
    left = wrapped(np.angle(found.interferogram[whole]) - expected[whole])
    sigma = found.phase_sigma[whole].astype(float)
    assert whole.sum() > 20_000
    assert np.sqrt(np.mean(left**2) / np.mean(sigma**2)) < 1.1
    assert np.mean(np.abs(left) > 5 * sigma) < 1e-3
    assert steep.said["form-interferogram", PAIR].quality["seam_step_rad"] < 0.05


def test_cycles_beside_the_peak_are_right(steep):
    expected = expected_phase(steep.simulated.truth, read_mosaic(steep.geometry), FIRST, SECOND).astype(np.float32)
    found = read_unwrapped(steep.path("unwrapped", PAIR, ".h5"))
    off = found.phase - geocode_values(expected, read_lookup(steep.lookup))
    _, seen = open_cells(steep)
    solved = np.isfinite(off) & (found.components == 1) & seen
    assert solved.sum() > 0.99 * (np.isfinite(off) & seen).sum()
    off -= np.median(off[solved])
    assert np.mean(np.abs(off[solved]) > np.pi) < 1e-3
