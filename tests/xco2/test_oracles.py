"""Oracles through the stages: the earlier software cell by cell, exact fields, conservation, masks, noise, traps."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import dataclass, replace

import netCDF4
import numpy as np
import pytest
from scipy.interpolate import griddata

from levelworks.xco2 import cube_stage, cut_stage, grid_stage
from levelworks.xco2.capture_files import read_captures, write_captures
from levelworks.xco2.captures import Capture
from levelworks.xco2.granule import Mode, Variable
from levelworks.xco2.grid_files import Entry, open_grids
from levelworks.xco2.gridding import grid_soundings
from levelworks.xco2.grids import EqualAreaGrid
from levelworks.xco2.layers import COVERAGE, NUMBER
from levelworks.xco2.lite_dataset import FILL
from levelworks.xco2.options import CutCaptures, GridCapture, ListCaptures, UpdateCube
from levelworks.xco2.overpasses import Overpass
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.truth import truth_xco2
from levelworks.xco2.zarr_readers import StoreReader

shapely = pytest.importorskip("shapely")
seed = pytest.importorskip("seed_reference")

DAY = dt.date(2020, 3, 3)
NOON = dt.datetime(2020, 3, 3, 12, tzinfo=dt.UTC).timestamp()
SITES = {"A": (-118.25, 34.05), "B": (7.25, 50.05)}
BOXES = {"A": (-119.0, 33.45, -117.5, 34.65), "B": (6.75, 49.75, 7.75, 50.35)}
AREA_MAP = Overpass("A", "Los Angeles", *SITES["A"], Mode.AREA_MAP, 5000, NOON)
SWEEPS = Overpass("B", "Rhine", *SITES["B"], Mode.TARGET, 5001, NOON + 5400)
METHODS = ("area", "nearest", "linear", "cubic")
INTERPOLATIONS = METHODS[1:]
SEED_CUT = CutCaptures(compat="seed", screen=False)
RADIUS = 6371.0072


@dataclass(frozen=True, eq=False)
class OnGrid:
    """One capture as its product holds it."""

    entry: Entry
    cells: np.ndarray
    layers: dict

    @property
    def grid(self):
        return self.entry.spec.grid

    def map(self, name="/xco2", quality_set="pre"):
        """Return a layer on the grid; NaN, or the fill of integers, where nothing is."""
        layer = self.layers[quality_set][name]
        result = np.full(self.grid.shape, layer.fill, layer.values.dtype)
        result.ravel()[self.cells] = layer.values
        return result


def definitions(boxes):
    """Return the content of a targets file."""
    keys = ("min_lon", "min_lat", "max_lon", "max_lat")
    return {
        name: {
            "name": name,
            "bbox": dict(zip(keys, box, strict=True)),
            "centroid_wkt": f"POINT ({(box[0] + box[2]) / 2} {(box[1] + box[3]) / 2})",
        }
        for name, box in boxes.items()
    }


def cut(folder, granule, boxes=BOXES, options=None):
    """Cut a granule; return the product and the targets file."""
    targets, captures = folder / "targets.json", folder / "captures.nc"
    targets.write_text(json.dumps(definitions(boxes)))
    cut_stage.cut(granule, targets, captures, options or CutCaptures())
    return captures, targets


def grid(captures, targets, **options):
    """Grid captures with doubles, 60 x 60 where nothing else is asked for."""
    product = captures.with_name("grids.nc")
    options = {"latitude": 60, "longitude": 60, "precision": "float64"} | options
    grid_stage.grid(captures, targets, product, None, GridCapture(**options))
    with open_grids(product) as file:
        return [
            OnGrid(entry, file.cells(number), {one: file.layers(number, one) for one in ("pre", "post")})
            for number, entry in enumerate(file.entries)
        ]


def with_values(captures, **values):
    """Write captures again with other variables of doubles; all are gridded."""
    product = read_captures(captures)
    variables = {f"/{name}": Variable(f"/{name}", one, "ppm", {}, "continuous") for name, one in values.items()}
    again = captures.with_name("changed.nc")
    write_captures(again, replace(product, granule=replace(product.granule, variables=variables), wanted=[*variables]))
    return again


def in_plane(grid, longitude, latitude, geometry):
    """Return points in a plane where the grid's cells are rectangles: km on the sphere, else degrees."""
    if geometry == "planar":
        return longitude, latitude
    return RADIUS * np.deg2rad(longitude - grid.x_edges[0]), RADIUS * np.sin(np.deg2rad(latitude))


def brute_overlaps(on_grid, granule, geometry="sphere"):
    """Return footprints and cells as shapely's polygons, and the areas of every overlap: sounding, cell, area."""
    grid = on_grid.grid
    footprints = shapely.polygons(
        np.stack(in_plane(grid, granule.vertex_longitude, granule.vertex_latitude, geometry), axis=-1)
    )
    x, _ = in_plane(grid, grid.x_edges, np.zeros_like(grid.x_edges), geometry)
    _, y = in_plane(grid, np.zeros_like(grid.y_edges), grid.y_edges, geometry)
    west, south = np.meshgrid(x[:-1], y[:-1])
    east, north = np.meshgrid(x[1:], y[1:])
    cells = shapely.box(west, south, east, north).ravel()
    sounding, cell = shapely.STRtree(cells).query(footprints)
    area = shapely.area(shapely.intersection(footprints[sounding], cells[cell]))
    if geometry == "planar":
        area = area * np.cos(np.deg2rad(np.repeat(grid.y, grid.x.size)[cell]))
    return footprints, cells, sounding, cell, area


def sums(cell, weights, grid):
    """Add up what falls into each cell."""
    return np.bincount(cell, weights, grid.shape[0] * grid.shape[1]).reshape(grid.shape)


@pytest.fixture(scope="module")
def clean_day(tmp_path_factory):
    """Return a day of an area map and of sweeps, without fills."""
    return simulate_day(tmp_path_factory.mktemp("clean"), "oco3", DAY, [AREA_MAP, SWEEPS], fill_share=0.0, seed=1)


@pytest.fixture(scope="module")
def clean(clean_day, tmp_path_factory):
    """Return the captures of that day and their targets file."""
    return cut(tmp_path_factory.mktemp("cut"), clean_day)


# O1, the earlier software


@pytest.mark.parametrize("scaling", [1.0, 1.3])
@pytest.mark.parametrize("size", [(60, 60), (48, 75)])
@pytest.mark.parametrize("method", INTERPOLATIONS)
def test_seed_mode_gives_the_seeds_cells(clean_day, tmp_path, method, size, scaling):
    soundings = seed.read_soundings(clean_day, "oco3", ["xco2"])
    expected = seed.captures_of("oco3", soundings, definitions(BOXES))
    rows, columns = size
    captures = cut(tmp_path, clean_day, options=SEED_CUT)
    found = grid(*captures, compat="seed", method=method, latitude=rows, longitude=columns, scaling=scaling)
    assert [(one.entry.mode, one.entry.target_id) for one in found] == [("sam", "A"), ("target", "B")]
    for one, (first, end, mode, name) in zip(found, expected, strict=True):
        assert (one.entry.mode, one.entry.target_id, one.entry.soundings) == (mode, name, end - first)
        box = BOXES[name]
        np.testing.assert_array_equal(one.grid.longitude.astype(np.float32), seed.nodes(box[0], box[2], columns))
        np.testing.assert_array_equal(one.grid.latitude.astype(np.float32), seed.nodes(box[1], box[3], rows))
        reference = seed.grid_capture("oco3", soundings, (first, end), "xco2", box, size, method, scaling)
        touched = np.zeros(one.grid.shape, bool)
        touched.ravel()[one.cells] = True
        np.testing.assert_array_equal(touched, reference["pre"][1])
        for quality_set, (values, mask) in reference.items():
            actual = one.map(quality_set=quality_set)
            np.testing.assert_array_equal(np.isfinite(actual), np.isfinite(values))
            assert np.isfinite(actual).sum() > 700
            assert np.nanmax(np.abs(actual - values)) < 1e-9
            if method == "nearest":
                np.testing.assert_array_equal(np.isfinite(actual), mask)


@pytest.mark.parametrize(
    ("frames", "footprints", "method", "used"),
    [(1, 1, "linear", "nearest"), (1, 3, "cubic", "nearest"), (2, 2, "cubic", "cubic"), (2, 3, "linear", "linear")],
)
def test_seed_mode_of_few_soundings(tmp_path, frames, footprints, method, used):
    """Fewer than four take the nearest whatever the method."""
    look = replace(AREA_MAP, frames=frames, footprints=footprints, swaths=1, bad_share=0.0)
    day = simulate_day(tmp_path, "oco3", DAY, [look], background=9, drop=0.0, fill_share=0.0)
    soundings = seed.read_soundings(day, "oco3", ["xco2"])
    ((first, end, _, _),) = seed.captures_of("oco3", soundings, definitions(BOXES))
    box = {"A": (-118.3, 34.0, -118.2, 34.1)}
    (one,) = grid(*cut(tmp_path, day, box, SEED_CUT), compat="seed", method=method, latitude=30, longitude=40)
    values, mask = seed.grid_capture("oco3", soundings, (first, end), "xco2", box["A"], (30, 40), method)["pre"]
    actual = one.map()
    np.testing.assert_array_equal(np.isfinite(actual), np.isfinite(values))
    assert np.nanmax(np.abs(actual - values)) < 1e-9
    assert one.entry.methods["pre"] == used
    assert mask.sum() == one.cells.size > 50


@pytest.mark.parametrize("dataset", ["oco2", "oco3", "oco3_sif"])
def test_seed_mode_cuts_and_grids_every_dataset(tmp_path, dataset):
    """Two overpasses of one target that are neighbours in the file are one capture, of OCO-3 and of SIF."""
    again = replace(SWEEPS, orbit=5002, start_time=NOON + 10800)
    looks = [SWEEPS, again] if dataset == "oco2" else [AREA_MAP, SWEEPS, again]
    looks = [replace(one, frames=12, unassigned=0.1) for one in looks]
    day = simulate_day(tmp_path, dataset, DAY, looks, background=0 if dataset == "oco2" else 60, fill_share=0.0)
    name = "Daily_SIF_757nm" if dataset == "oco3_sif" else "xco2"
    soundings = seed.read_soundings(day, dataset, [name])
    expected = seed.captures_of(dataset, soundings, definitions(BOXES))
    captures, targets = cut(tmp_path, day, options=SEED_CUT)
    product = read_captures(captures)
    ids = product.granule.sounding_id
    with netCDF4.Dataset(day) as file:
        all_ids = file["Metadata/SoundingId" if dataset == "oco3_sif" else "sounding_id"][...].data
    actual = [(list(ids[one.indices]), one.mode, one.target_id) for one in product.captures]
    assert actual == [(list(all_ids[first:end]), mode, target) for first, end, mode, target in expected]
    assert [one[1] for one in actual] == (["target"] if dataset == "oco2" else ["sam", "target"])
    for one, (first, end, _, target) in zip(grid(captures, targets, compat="seed"), expected, strict=True):
        part = (first, end)
        reference = seed.grid_capture(dataset, soundings, part, name, BOXES[target], (60, 60), "cubic")
        for quality_set, (values, _) in reference.items():
            found = one.map(f"/{name}", quality_set)
            np.testing.assert_array_equal(np.isfinite(found), np.isfinite(values))
            assert np.nanmax(np.abs(found - values)) < 1e-9


def test_seed_mode_without_good_soundings(tmp_path):
    day = simulate_day(tmp_path, "oco3", DAY, [replace(AREA_MAP, bad_share=1.0, frames=9)], fill_share=0.0)
    soundings = seed.read_soundings(day, "oco3", ["xco2"])
    ((first, end, _, _),) = seed.captures_of("oco3", soundings, definitions(BOXES))
    (one,) = grid(*cut(tmp_path, day, options=SEED_CUT), compat="seed", method="linear")
    reference = seed.grid_capture("oco3", soundings, (first, end), "xco2", BOXES["A"], (60, 60), "linear")
    assert reference["post"] is None
    assert one.layers["post"]["/xco2"].empty
    assert one.entry.count("post") == 0
    np.testing.assert_array_equal(np.isfinite(one.map()), np.isfinite(reference["pre"][0]))


# O2, fields that are known everywhere


@pytest.mark.parametrize("options", [{}, {"area_power": 1.0}, {"geometry": "planar"}, {"compat": "seed"}])
@pytest.mark.parametrize("method", METHODS)
def test_a_constant_stays_itself(clean, method, options):
    captures, targets = clean
    if options.get("compat") and method == "area":
        options = {"convention": "node"}
    changed = with_values(captures, xco2=np.full(len(read_captures(captures).granule), 412.3))
    for one in grid(changed, targets, method=method, **options):
        for quality_set in ("pre", "post"):
            values = one.map(quality_set=quality_set)
            known = np.isfinite(values)
            assert known.sum() > 600
            np.testing.assert_allclose(values[known], 412.3, rtol=0.0, atol=1e-9)
            if method == "area":
                assert np.nanmax(one.map("/xco2_spread", quality_set)) < 1e-6


def in_pieces(captures, box, rows, columns, geometry):
    """Write a capture whose footprints cut each cell into six rectangles of unequal size; return it and centroids.

    Centroids are longitude and latitude, or the sine of latitude on the sphere.
    """
    rng = np.random.default_rng(5)
    x, y = np.linspace(box[0], box[2], columns + 1), np.linspace(box[1], box[3], rows + 1)
    quads = []
    for row, column in np.ndindex(rows, columns):
        west, east = x[column : column + 2]
        cuts_x = west + (east - west) * np.array([0.0, rng.uniform(0.2, 0.8), 1.0])
        cuts_y = y[row] + (y[row + 1] - y[row]) * np.array([0.0, *np.sort(rng.uniform(0.1, 0.9, 2)), 1.0])
        for i, j in np.ndindex(2, 3):
            (a, b), (c, d) = cuts_x[i : i + 2], cuts_y[j : j + 2]
            quads.append([(a, c), (a, d), (b, d), (b, c)])
    longitude, latitude = np.moveaxis(np.array(quads), -1, 0)
    product = read_captures(captures)
    number = len(quads)
    part = product.granule.take(np.zeros(number, np.int64))
    middle = longitude.mean(axis=1), latitude.mean(axis=1)
    granule = replace(
        part, longitude=middle[0], latitude=middle[1], vertex_longitude=longitude, vertex_latitude=latitude
    )
    capture = Capture(**{**vars(product.captures[0]), "indices": np.arange(number)})
    here = {"positions": np.arange(number), "flags": np.zeros(number, np.uint8)}
    written = replace(product, granule=granule, captures=(capture,), **here)
    path = captures.with_name("pieces.nc")
    write_captures(path, written)
    north = latitude if geometry == "planar" else np.sin(np.deg2rad(latitude))
    return path, middle[0], north.mean(axis=1)


@pytest.mark.parametrize("geometry", ["planar", "sphere"])
def test_a_linear_field_has_exact_means_in_cells_of_whole_footprints(clean, geometry):
    """A sounding is the mean over its footprint: the field at its centroid. Whole footprints add up to their cell.

    Linear is longitude and latitude in the plane of degrees, longitude and the sine of latitude on the sphere.
    """
    captures, targets = clean
    pieces, east, north = in_pieces(captures, BOXES["A"], 12, 15, geometry)

    def field(x, y):
        return 412.0 + 3.0 * (x + 118.0) - 20.0 * y

    changed = with_values(pieces, xco2=field(east, north))
    (one,) = grid(changed, targets, latitude=12, longitude=15, geometry=geometry)
    edges = one.grid.y_edges if geometry == "planar" else np.sin(np.deg2rad(one.grid.y_edges))
    expected = field(one.grid.x, ((edges[1:] + edges[:-1]) / 2)[:, np.newaxis])
    np.testing.assert_allclose(one.map(), expected, rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(one.map(COVERAGE), 1.0, atol=1e-6)
    (alike,) = grid(changed, targets, latitude=12, longitude=15, geometry=geometry, area_power=1.0)
    assert np.abs(alike.map() - expected).max() > 1e-3, "unequal footprints with equal votes are another mean"


@pytest.mark.parametrize("metric", ["local", "plane"])
@pytest.mark.parametrize("method", ["linear", "cubic"])
def test_a_linear_field_is_exact_at_cell_centres_between_soundings(clean, method, metric):
    captures, targets = clean
    granule = read_captures(captures).granule

    def field(x, y):
        return 412.0 + 3.0 * x - 2.0 * y

    changed = with_values(captures, xco2=field(granule.longitude, granule.latitude))
    for one in grid(changed, targets, method=method, metric=metric):
        values = one.map()
        assert np.isfinite(values).sum() > 600
        difference = values - field(one.grid.x, one.grid.y[:, np.newaxis])
        assert np.nanmax(np.abs(difference)) < 1e-6


# O3 and O4, areas against shapely


@pytest.mark.parametrize("geometry", ["sphere", "planar"])
def test_masks_coverage_and_means_are_shapelys(clean, geometry):
    captures, targets = clean
    product = read_captures(captures)
    for one, capture in zip(grid(captures, targets, geometry=geometry), product.captures, strict=True):
        mine = product.granule.take(capture.indices[product.usable[capture.indices]])
        footprints, cells, sounding, cell, area = brute_overlaps(one, mine, geometry)
        for quality_set, keep in (("pre", np.ones(len(mine), bool)), ("post", mine.good)):
            chosen = keep[sounding] & (area > 0.0)
            weights = np.where(chosen, area, 0.0)
            total = sums(cell, weights, one.grid)
            actual = one.map(quality_set=quality_set)
            np.testing.assert_array_equal(np.isfinite(actual), total > 0.0)
            number = sums(cell[chosen], None, one.grid)
            np.testing.assert_array_equal(one.map(NUMBER, quality_set), number)
            with np.errstate(invalid="ignore"):
                means = sums(cell, weights * mine.variables["/xco2"].values[sounding], one.grid) / total
            substantial = total > 1e-6
            np.testing.assert_allclose(actual[substantial], means[substantial], rtol=0.0, atol=1e-6)
            union = shapely.area(shapely.intersection(cells, shapely.unary_union(footprints[keep])))
            share = np.nan_to_num(one.map(COVERAGE, quality_set))
            np.testing.assert_allclose(share.ravel(), union / shapely.area(cells), atol=1e-6)
            assert (total > 0.0).sum() > 500


def test_amounts_are_conserved(clean):
    """Over all cells, overlap areas times means are areas times values of the footprints, which all lie inside."""
    captures, targets = clean
    product = read_captures(captures)
    for one, capture in zip(grid(captures, targets), product.captures, strict=True):
        mine = product.granule.take(capture.indices[product.usable[capture.indices]])
        footprints, _, sounding, cell, area = brute_overlaps(one, mine)
        inside = np.bincount(sounding, area)
        np.testing.assert_allclose(inside, shapely.area(footprints), rtol=1e-9)
        for quality_set, keep in (("pre", np.ones(len(mine), bool)), ("post", mine.good)):
            total = sums(cell, area * keep[sounding], one.grid)
            gridded = np.nansum(total * one.map(quality_set=quality_set))
            carried = np.sum(shapely.area(footprints)[keep] * mine.variables["/xco2"].values[keep])
            assert gridded == pytest.approx(carried, rel=1e-9)
            # What is above the background too, in which the total is hidden otherwise.
            excess = np.nansum(total * (one.map(quality_set=quality_set) - 412.0))
            assert excess == pytest.approx(carried - 412.0 * np.sum(shapely.area(footprints)[keep]), rel=1e-6)


# O5, noise


@pytest.mark.parametrize(
    ("correlation", "options"), [(0.0, {}), (0.3, {}), (0.3, {"area_power": 1.0}), (0.0, {"error_power": 2.0})]
)
def test_uncertainty_is_the_scatter_of_drawn_noise(clean, correlation, options):
    captures, targets = clean
    product = read_captures(captures)
    rng, draws = np.random.default_rng(7), 3000
    settings = {"latitude": 24, "longitude": 24, "precision": "float64", "correlation": correlation} | options
    for one, capture in zip(grid(captures, targets, **settings), product.captures, strict=True):
        soundings = product.granule.take(capture.indices)
        usable = product.usable[capture.indices]
        errors = soundings.variables["/xco2_uncertainty"].values
        own = rng.normal(size=(draws, errors.size))
        common = np.sqrt(1.0 - correlation) * own + np.sqrt(correlation) * rng.normal(size=(draws, 1))
        # The first variable has the errors that weights come from; the draws share its weights.
        for noise, layer in ((common, "/xco2_uncertainty"), (own, "/xco2_uncertainty_random")):
            drawn = {f"/draw{k}": Variable(f"/draw{k}", 400.0 + row * errors, "", {}, "continuous") for k, row in
                     enumerate(noise)}  # fmt: skip
            granule = replace(soundings, variables={**soundings.variables, **drawn})
            wanted = ["/xco2", *drawn]
            gridded = grid_soundings(granule, usable, wanted, one.grid, GridCapture(**settings))
            for quality_set in ("pre", "post"):
                values = np.stack([gridded.layers[quality_set][name].values for name in drawn])
                expected = one.layers[quality_set][layer].values
                known = np.isfinite(expected)
                assert known.sum() > 100
                np.testing.assert_allclose(values[:, known].std(axis=0), expected[known], rtol=0.05)
        assert one.layers["pre"]["/xco2_uncertainty"].attributes["error_correlation"] == correlation


# Flags, azimuths and fills


@pytest.mark.parametrize("method", METHODS)
def test_flags_are_never_averaged(clean_day, tmp_path, method):
    day = shutil.copy(clean_day, tmp_path)
    rng = np.random.default_rng(8)
    with netCDF4.Dataset(day, "r+") as file:
        flag = file["Retrieval/snow_flag"]
        flag.set_auto_maskandscale(False)
        flag[...] = rng.choice([0, 3, 9, 127], flag.size, p=[0.4, 0.3, 0.2, 0.1])
    name = "/Retrieval/snow_flag"
    captures, targets = cut(tmp_path, tmp_path / clean_day.name, options=CutCaptures(variables=[name]))
    product = read_captures(captures)
    for one, capture in zip(grid(captures, targets, method=method), product.captures, strict=True):
        values = one.map(name)
        assert values.dtype.kind == "i"
        assert set(np.unique(values)) == {0, 3, 9, 127}
        mine = product.granule.take(capture.indices[product.usable[capture.indices]])
        codes = mine.variables[name].values
        if method == "area":
            _, _, sounding, cell, area = brute_overlaps(one, mine)
            areas = np.stack([sums(cell, area * (codes[sounding] == code), one.grid) for code in (0, 3, 9)])
            expected = np.where(areas.max(axis=0) > 0.0, np.array([0, 3, 9])[areas.argmax(axis=0)], 127)
            ordered = np.sort(areas, axis=0)
            clear = (ordered[-1] - ordered[-2] > 1e-6) | (ordered[-1] == 0.0)
            assert clear.mean() > 0.99
        else:
            scale = np.cos(np.deg2rad(one.grid.centre[1]))
            known = codes != 127
            east = scale * (one.grid.x[:, np.newaxis] - mine.longitude[known])
            north = one.grid.y[:, np.newaxis] - mine.latitude[known]
            nearest = (east[np.newaxis] ** 2 + north[:, np.newaxis] ** 2).argmin(axis=2)
            touched = np.zeros(one.grid.shape, bool)
            touched.ravel()[one.cells] = True
            expected = np.where(touched, codes[known][nearest], 127)
            clear = np.ones(expected.shape, bool)
        np.testing.assert_array_equal(values[clear], expected[clear])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signed", [False, True])
def test_azimuths_average_across_their_seam(clean_day, tmp_path, method, signed):
    shutil.copy(clean_day, tmp_path)
    rng = np.random.default_rng(9)
    name, middle = "/Meteorology/wind_azimuth", 180.0 if signed else 0.0
    with netCDF4.Dataset(tmp_path / clean_day.name, "r+") as file:
        size = file.dimensions["sounding_id"].size
        turned = middle + rng.uniform(-25.0, 25.0, size)
        variable = file.createVariable(name, "f4", ("sounding_id",))
        variable.units = "degrees"
        variable[...] = (turned + 180.0) % 360.0 - 180.0 if signed else turned % 360.0
    captures, targets = cut(tmp_path, tmp_path / clean_day.name, options=CutCaptures(variables=[name]))
    product = read_captures(captures)
    for one, capture in zip(grid(captures, targets, method=method), product.captures, strict=True):
        values = one.map(name)
        known = np.isfinite(values)
        assert known.sum() > 600
        low, high = (-180.0, 180.0) if signed else (0.0, 360.0)
        assert low <= values[known].min() < low + 25.0
        assert high - 25.0 < values[known].max() <= high
        if method != "cubic":
            off = (values - middle + 180.0) % 360.0 - 180.0
            assert np.abs(off[known]).max() < 25.1
        mine = product.granule.take(capture.indices[product.usable[capture.indices]])
        angle = np.deg2rad(mine.variables[name].values)
        if method == "area":
            _, _, sounding, cell, area = brute_overlaps(one, mine)
            east, north = (sums(cell, area * part(angle[sounding]), one.grid) for part in (np.sin, np.cos))
        else:
            scale = np.cos(np.deg2rad(one.grid.centre[1]))
            place, at = (scale * mine.longitude, mine.latitude), np.meshgrid(scale * one.grid.x, one.grid.y)
            east, north = (griddata(place, part(angle), tuple(at), method=method) for part in (np.sin, np.cos))
        clear = known & (np.hypot(east, north) > 1e-6)
        assert clear.sum() > 0.99 * known.sum()
        apart = (values - np.rad2deg(np.arctan2(east, north)) + 180.0) % 360.0 - 180.0
        assert np.abs(apart[clear]).max() < 1e-6


@pytest.fixture(scope="module")
def day_of_fills(tmp_path_factory):
    """Return a day without noise of which a fifth of the soundings lacks position, corners or value."""
    folder = tmp_path_factory.mktemp("fills")
    return simulate_day(folder, "oco3", DAY, [AREA_MAP, SWEEPS], fill_share=0.2, noise=0.0, seed=3)


@pytest.mark.parametrize("compat", ["none", "seed"])
@pytest.mark.parametrize("method", METHODS)
def test_fills_are_never_gridded(day_of_fills, tmp_path, method, compat):
    with netCDF4.Dataset(day_of_fills) as file:
        stored = file["xco2"][...].data
        assert (stored == np.float32(FILL)).sum() > 150
        assert (file["latitude"][...].data == np.float32(FILL)).sum() > 150
    if method == "area":
        compat = "none"
    captures, targets = cut(tmp_path, day_of_fills, options=CutCaptures(compat=compat, screen=compat == "none"))
    product = read_captures(captures)
    assert not product.usable.all()
    whole = grid(captures, targets, method=method, compat=compat)
    # Soundings with fills left out beforehand: the same grid, number of soundings and all.
    values = product.granule.variables["/xco2"].values
    fit = product.usable & np.isfinite(values)
    assert 405.0 < np.nanmin(values) < np.nanmax(values) < 425.0
    left = tuple(Capture(**{**vars(one), "indices": one.indices[fit[one.indices]]}) for one in product.captures)
    write_captures(tmp_path / "fit.nc", replace(product, captures=left))
    for one, other in zip(whole, grid(tmp_path / "fit.nc", targets, method=method, compat=compat), strict=True):
        for quality_set in ("pre", "post"):
            found = one.map(quality_set=quality_set)
            known = np.isfinite(found)
            assert known.sum() > 500
            low, high = np.nanmin(values), np.nanmax(values)
            overshoot = 2.0 if method == "cubic" else 1e-9
            assert low - overshoot <= found[known].min() <= found[known].max() <= high + overshoot
            expected = other.map(quality_set=quality_set)
            both = known & np.isfinite(expected)
            assert (np.isfinite(expected) & ~known).sum() == 0
            np.testing.assert_allclose(found[both], expected[both], rtol=0.0, atol=1e-9)
            if method == "area":
                np.testing.assert_array_equal(known, np.isfinite(expected))
                np.testing.assert_array_equal(one.map(NUMBER, quality_set), other.map(NUMBER, quality_set))


# Times


@pytest.mark.parametrize("spelling", ["time", "date"])
def test_captures_keep_their_milliseconds(tmp_path, spelling):
    looks = [replace(AREA_MAP, start_time=NOON + 0.333, frames=9), replace(SWEEPS, start_time=NOON + 5400.007)]
    day = simulate_day(tmp_path, "oco3", DAY, looks, drop=0.0, fill_share=0.0)
    if spelling == "date":
        with netCDF4.Dataset(day, "r+") as file:
            file.renameVariable("time", "seconds")
    found = grid(*cut(tmp_path, day))
    assert [one.entry.start for one in found] == pytest.approx([one.start_time for one in looks], abs=5e-5)
    assert found[1].entry.end > found[1].entry.start + 60


def test_both_quality_sets_have_the_time_of_the_whole_capture(tmp_path):
    """The first and last soundings are bad, so that the good ones alone would begin later and end earlier."""
    day = simulate_day(tmp_path, "oco3", DAY, [AREA_MAP, SWEEPS], fill_share=0.0, background=0)
    with netCDF4.Dataset(day, "r+") as file:
        orbit, times = file["Sounding/orbit"][...].data, file["time"][...].data
        for number in (5000, 5001):
            mine = np.flatnonzero(orbit == number)
            file["xco2_quality_flag"][np.r_[mine[:40], mine[-40:]]] = 1
        good = file["xco2_quality_flag"][...].data == 0
    captures, targets = cut(tmp_path, day)
    for one in grid(captures, targets):
        mine = times[orbit == one.entry.orbit]
        assert (one.entry.start, one.entry.end) == pytest.approx((mine.min(), mine.max()), abs=5e-4)
        assert times[good & (orbit == one.entry.orbit)].min() > one.entry.start + 1.0
    grids = captures.with_name("grids.nc")
    cube_stage.list_captures([grids], tmp_path / "list.tsv", tmp_path, ListCaptures())
    for name in BOXES:
        stored = {}
        for quality_set in ("pre", "post"):
            cube = tmp_path / f"{name}-{quality_set}.zarr"
            options = UpdateCube(dataset="oco3", target=name, quality_set=quality_set)
            cube_stage.update_cube(tmp_path / "list.tsv", None, cube, options)
            stored[quality_set] = StoreReader(cube).read("time")
        assert stored["pre"].size == 1
        np.testing.assert_array_equal(stored["pre"], stored["post"])


# O10, the antimeridian and the poles


@pytest.mark.parametrize("mode", [Mode.AREA_MAP, Mode.TARGET])
@pytest.mark.parametrize("method", METHODS)
def test_the_antimeridian_is_a_meridian_like_others(tmp_path, method, mode):
    """A box 179..-179 gives what the same soundings half a turn away give in -1..1."""
    look = replace(AREA_MAP, lon=180.0, lat=-16.85, mode=mode)
    day = simulate_day(tmp_path, "oco3", DAY, [look], drop=0.0, noise=0.0, fill_share=0.0, background=40)
    captures, targets = cut(tmp_path, day, {"A": (179.0, -17.6, -179.0, -16.1)})
    (one,) = grid(captures, targets, method=method, latitude=70, longitude=90)
    product = read_captures(captures)
    assert product.granule.longitude.min() < -179.5
    assert product.granule.longitude.max() > 179.5
    values, longitude = one.map(), one.grid.longitude
    assert (longitude[:45] > 179.0).all()
    assert (longitude[45:] < -179.0).all()
    known = np.isfinite(values)
    assert min(known[:, :45].sum(), known[:, 45:].sum()) > (300 if mode == Mode.AREA_MAP else 80)
    truth = truth_xco2(*np.meshgrid(longitude, one.grid.latitude), 180.0, -16.85, DAY)
    assert np.sqrt(np.mean((values - truth)[known] ** 2)) < 0.2
    turned = {
        key: np.where(getattr(product.granule, key) > 0.0, -180.0, 180.0) + getattr(product.granule, key)
        for key in ("longitude", "vertex_longitude")
    }
    write_captures(tmp_path / "turned.nc", replace(product, granule=replace(product.granule, **turned)))
    targets.write_text(json.dumps(definitions({"A": (-1.0, -17.6, 1.0, -16.1)})))
    (other,) = grid(tmp_path / "turned.nc", targets, method=method, latitude=70, longitude=90)
    np.testing.assert_array_equal(one.cells, other.cells)
    np.testing.assert_array_equal(np.isfinite(values), np.isfinite(other.map()))
    np.testing.assert_allclose(values, other.map(), rtol=0.0, atol=1e-6)


@pytest.mark.parametrize(("lon", "lat"), [(40.0, 84.5), (179.5, -86.0), (-100.0, 89.7)])
@pytest.mark.parametrize("method", METHODS)
def test_targets_near_a_pole_get_equal_areas(tmp_path, method, lon, lat):
    look = replace(AREA_MAP, lon=lon, lat=lat)
    day = simulate_day(tmp_path, "oco3", DAY, [look], drop=0.0, noise=0.0, fill_share=0.0, background=40)
    wide = 0.75 / np.cos(np.deg2rad(lat))
    west, east = ((edge + 180.0) % 360.0 - 180.0 for edge in (lon - wide, lon + wide))
    box = (west, lat - 0.7, east, lat + 0.7) if abs(lat) < 89.0 else (-180.0, 89.0, 180.0, 90.0)
    captures, targets = cut(tmp_path, day, {"A": box})
    product = read_captures(captures)
    slope = 600.0 * np.array([0.6, -0.64, 0.48])
    field = 412.0 + unit(product.granule.longitude, product.granule.latitude) @ slope
    (one,) = grid(with_values(captures, xco2=field), targets, method=method, latitude=50, longitude=60)
    assert isinstance(one.grid, EqualAreaGrid)
    areas = one.grid.cell_areas()
    np.testing.assert_allclose(areas, areas[0, 0], rtol=1e-12)
    mine = product.granule.take(np.flatnonzero(product.usable))
    values = one.map()
    known = np.isfinite(values)
    corners = np.stack(azimuthal(mine, one.grid.origin), axis=-1)
    x, y = one.grid.x_edges, one.grid.y_edges
    cells = shapely.box(*np.meshgrid(x[:-1], y[:-1]), *np.meshgrid(x[1:], y[1:]))
    covered = shapely.area(shapely.intersection(cells, shapely.unary_union(shapely.polygons(corners))))
    if method in ("area", "nearest"):
        np.testing.assert_array_equal(known, covered > 0.0)
    full = known & (covered > areas * (1.0 - 1e-9))
    assert full.sum() > 100
    difference = (values - 412.0 - unit(one.grid.longitude, one.grid.latitude) @ slope)[full]
    # The field grows by 0.09 ppm/km. Between centres it is exact but for the sphere's curvature.
    assert np.abs(difference).max() < {"area": 0.04, "nearest": 0.15, "linear": 1e-4, "cubic": 1e-4}[method]
    if method == "area":
        np.testing.assert_allclose(np.nan_to_num(one.map(COVERAGE)) * areas, covered, atol=1e-6 * areas[0, 0])


def unit(longitude, latitude):
    east, north = np.deg2rad(longitude), np.deg2rad(latitude)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


def azimuthal(granule, origin):
    """Return corners in Lambert's azimuthal equal-area projection, from unit vectors, km."""
    point = unit(granule.vertex_longitude, granule.vertex_latitude)
    middle = unit(*origin)
    east = np.array([-np.sin(np.deg2rad(origin[0])), np.cos(np.deg2rad(origin[0])), 0.0])
    factor = RADIUS * np.sqrt(2.0 / (1.0 + point @ middle))
    return factor * (point @ east), factor * (point @ np.cross(middle, east))
