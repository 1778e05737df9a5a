"""Errors of the methods against a known field, beside those that were measured of the earlier software.

Truth is the simulated field at the centres of cells; errors are root mean squares over the cells of which footprints
cover 98 % at least, for linear and cubic those of them that lie between soundings. Soundings are all good, their noise
is 0.5 ppm as a root mean square, and target mode is thinned until as many footprints overlap a cell as in the earlier
measurement.

That measurement was one draw of noise for each row. So ours may be above it by the scatter of one draw: the mean of n
seeds less one more draw has the standard error s sqrt(1 + 1/n), with s the standard deviation of our seeds.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import NamedTuple

import numpy as np
import pytest

from levelworks.xco2 import cut_stage, grid_stage
from levelworks.xco2.granule import Mode
from levelworks.xco2.grid_files import open_grids
from levelworks.xco2.layers import COVERAGE, NUMBER
from levelworks.xco2.options import CutCaptures, GridCapture
from levelworks.xco2.overpasses import Overpass
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.truth import truth_xco2

DAY = dt.date(2020, 3, 3)
NOON = dt.datetime(2020, 3, 3, 12, tzinfo=dt.UTC).timestamp()
SITE, BOX = (-118.25, 34.05), (-119.75, 32.55, -116.75, 35.55)
SEEDS, SEEDS_OF_OTHERS = range(8), range(3)
METHODS = ("area", "nearest", "linear", "cubic")
SPREAD_OF_NOISE = np.sqrt(1.0 + 0.4**2 / 12.0)
"""Root mean square of the soundings' standard deviations over their mean: they are uniform in 0.8 to 1.2."""


class Row(NamedTuple):
    """One row of the earlier measurement, and the share of soundings left out to have its overlaps."""

    mode: int
    cells: int
    noise: float
    drop: float
    overlaps: float
    area: float
    nearest: float
    linear: float
    cubic: float


TABLE = [
    Row(Mode.AREA_MAP, 100, 0.0, 0.1, 8.4, 0.015, 0.060, 0.008, 0.015),
    Row(Mode.AREA_MAP, 100, 0.5, 0.1, 8.4, 0.239, 0.481, 0.339, 0.409),
    Row(Mode.AREA_MAP, 200, 0.5, 0.1, 4.0, 0.356, 0.501, 0.354, 0.431),
    Row(Mode.AREA_MAP, 400, 0.0, 0.1, 2.3, 0.035, 0.062, 0.022, 0.008),
    Row(Mode.TARGET, 100, 0.5, 0.63, 25.7, 0.155, 0.526, 0.364, 0.888),
    Row(Mode.TARGET, 200, 0.5, 0.65, 12.2, 0.240, 0.540, 0.381, 1.234),
    Row(Mode.TARGET, 400, 0.5, 0.69, 7.0, 0.297, 0.519, 0.368, 1.208),
]


def captures_of(folder, row, seed, noise):
    """Simulate and cut one capture."""
    folder = folder / f"{seed}-{noise}"
    folder.mkdir()
    keys = ("min_lon", "min_lat", "max_lon", "max_lat")
    targets = folder / "targets.json"
    targets.write_text(json.dumps({"A": {"name": "A", "bbox": dict(zip(keys, BOX, strict=True))}}))
    look = Overpass("A", "Los Angeles", *SITE, row.mode, 5000, NOON)
    shares = {"bad_share": 0.0, "fill_share": 0.0, "drop": row.drop}
    day = simulate_day(folder, "oco3", DAY, [look], background=0, noise=noise / SPREAD_OF_NOISE, seed=seed, **shares)
    cut_stage.cut(day, targets, folder / "captures.nc", CutCaptures())
    return folder / "captures.nc", targets


def gridded(captures, targets, row, method):
    """Return cells, errors against the truth, and layers."""
    product = captures.with_name("grids.nc")
    options = GridCapture(method=method, latitude=row.cells, longitude=row.cells, precision="float64")
    grid_stage.grid(captures, targets, product, None, options)
    with open_grids(product) as file:
        cells, layers, grid = file.cells(0), file.layers(0, "pre"), file.entries[0].spec.grid
    rows, columns = np.divmod(cells, grid.shape[1])
    truth = truth_xco2(grid.longitude[columns], grid.latitude[rows], *SITE, DAY)
    return cells, layers["/xco2"].values - truth, layers


def root_mean_square(values):
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.mark.long
@pytest.mark.parametrize("row", TABLE, ids=[f"{Mode(row.mode).name}-{row.cells}-{row.noise}" for row in TABLE])
def test_area_weighting_is_as_accurate_as_was_measured(tmp_path, row):
    found, overlaps, expected = {name: [] for name in METHODS}, [], []
    for seed in SEEDS:
        files = captures_of(tmp_path, row, seed, row.noise)
        cells, errors, layers = gridded(*files, row, "area")
        covered = layers[COVERAGE].values >= 0.98
        assert covered.sum() > 60
        overlaps.append(layers[NUMBER].values[covered].mean())
        found["area"].append(root_mean_square(errors[covered]))
        if row.noise:
            _, smoothing, _ = gridded(*captures_of(tmp_path, row, seed, 0.0), row, "area")
            random = layers["/xco2_uncertainty_random"].values[covered]
            expected.append(np.hypot(root_mean_square(random), root_mean_square(smoothing[covered])))
        for method in METHODS[1:] if seed in SEEDS_OF_OTHERS else ():
            others, errors, _ = gridded(*files, row, method)
            np.testing.assert_array_equal(others, cells)
            # Covered cells at the rim of the swaths may lie outside all triangles.
            inside = covered & np.isfinite(errors)
            assert inside.sum() > 0.85 * covered.sum()
            found[method].append(root_mean_square(errors[inside]))
    mean = {name: np.mean(errors) for name, errors in found.items()}
    deviation = {name: np.std(errors, ddof=1) for name, errors in found.items()}
    print(f"{Mode(row.mode).name} {row.cells} noise {row.noise}: {np.mean(overlaps):.1f} overlaps in a cell,", end=" ")
    print(", ".join(f"{name} {mean[name]:.3f} +- {deviation[name]:.3f}" for name in METHODS))

    assert np.mean(overlaps) == pytest.approx(row.overlaps, rel=0.1)
    assert mean["area"] <= row.area + 2.0 * deviation["area"] * np.sqrt(1.0 + 1.0 / len(SEEDS))
    assert mean["area"] < mean["nearest"]
    if row.noise:
        # What noise and the size of footprints must give, no more and no less.
        ratios = np.array(found["area"]) / expected
        assert np.abs(ratios.mean() - 1.0) < 3.0 * ratios.std(ddof=1) / np.sqrt(len(SEEDS))
        assert mean["area"] < mean["cubic"]
    if row.mode == Mode.TARGET:
        assert 1.2 * mean["area"] < mean["linear"]
        assert 2.0 * mean["area"] < mean["cubic"]
