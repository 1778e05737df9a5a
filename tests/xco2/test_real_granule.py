"""A real OCO-2 granule and the real target files: geometry as it is known, cut and gridded through the stages."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from levelworks.core.outcome import Status
from levelworks.xco2 import cut_stage, grid_stage
from levelworks.xco2.capture_files import read_captures
from levelworks.xco2.granule import Mode
from levelworks.xco2.grid_files import open_grids
from levelworks.xco2.layers import COVERAGE, EFFECTIVE_NUMBER, NUMBER
from levelworks.xco2.options import CutCaptures, GridCapture
from levelworks.xco2.overlap import footprint_overlaps
from levelworks.xco2.readers import read_granule
from levelworks.xco2.targets import read_targets

REAL = "oco2_LtCO2_160727_B99999r_sampledata.nc4"
BOXES = {"middle": (-78.9, 40.25, -77.4, 41.75), "north": (-78.9, 41.2, -77.9, 42.2)}
NADIR = CutCaptures(modes=["nadir"])
KM = 111.195


@pytest.fixture(scope="session")
def real(shared_data) -> Path:
    return shared_data / "xco2" / REAL


@pytest.fixture(scope="session")
def granule(real):
    return read_granule(real)


def targets_file(folder, *names):
    """Write a targets file of boxes around parts of the track, with their middles as centres."""
    keys = ("min_lon", "min_lat", "max_lon", "max_lat")
    content = {}
    for name in names:
        west, south, east, north = BOXES[name]
        box = dict(zip(keys, BOXES[name], strict=True))
        wkt = f"POINT ({(west + east) / 2} {(south + north) / 2})"
        content[name] = {"id": name, "name": name, "bbox": box, "centroid_wkt": wkt}
    path = folder / "targets.json"
    path.write_text(json.dumps(content))
    return path


def kilometres(granule):
    """Return corners about their centre, km east and north."""
    east = (granule.vertex_longitude - granule.longitude[:, np.newaxis]) * np.cos(np.deg2rad(granule.latitude[:, None]))
    return KM * east, KM * (granule.vertex_latitude - granule.latitude[:, np.newaxis])


def test_it_reads_as_it_is_described(granule):
    assert len(granule) == 979
    assert (int(granule.good.sum()), int((~granule.good).sum())) == (721, 258)
    assert (granule.latitude.min(), granule.latitude.max()) == pytest.approx((39.03, 42.99), abs=0.015)
    assert (granule.longitude.min(), granule.longitude.max()) == pytest.approx((-78.72, -77.42), abs=0.005)
    assert set(granule.mode) == {Mode.NADIR}
    assert set(granule.orbit) == {11016}
    xco2 = granule.variables["/xco2"].values
    assert np.isfinite(xco2).all()
    assert (xco2.mean(), xco2.std()) == pytest.approx((400.03, 2.03), abs=0.01)
    assert (np.diff(granule.sounding_id.astype(np.int64)) > 0).all()


def test_frames_follow_each_other_as_the_instrument_takes_them(granule):
    frame, footprint = granule.sounding_id // 10, (granule.sounding_id % 10).astype(int)
    within = np.diff(frame.astype(np.int64)) == 0
    apart = np.diff(granule.time)[within] / np.diff(footprint)[within]
    assert np.median(apart) == pytest.approx(0.027, abs=1e-3)
    starts = granule.time - 0.0267 * (footprint - 1)
    steps = np.diff([starts[frame == one].mean() for one in np.unique(frame)])
    assert np.median(steps) == pytest.approx(0.333, abs=1e-3)
    whole = steps / 0.3333
    assert np.abs(whole - np.rint(whole)).max() < 0.02
    frames = int((granule.time[-1] - granule.time[0]) / 0.333) + 1
    assert frames == 203
    assert len(granule) / (8 * frames) == pytest.approx(0.60, abs=0.005)
    counts = np.bincount(footprint)[1:]
    assert (counts.size, counts.min(), counts.max()) == (8, 118, 126)


def test_footprints_have_the_geometry_that_was_measured(granule):
    x, y = kilometres(granule)
    next_x, next_y = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    edges = np.hypot(next_x - x, next_y - y)
    for sides, typical, least, most in (
        (edges[:, 0::2], 2.277, 2.262, 2.288),
        (edges[:, 1::2], 1.097, 1.069, 1.120),
    ):
        assert np.median(sides) == pytest.approx(typical, abs=2e-3)
        assert (sides.min(), sides.max()) == pytest.approx((least, most), abs=5e-3)
    area = np.sum(next_x * y - x * next_y, axis=1) / 2
    assert (area > 0.0).all(), "corners go clockwise"
    assert (area.min(), np.median(area), area.max()) == pytest.approx((0.37, 0.53, 0.72), abs=0.01)
    offset = np.hypot(x.mean(axis=1), y.mean(axis=1))
    assert np.median(offset) == pytest.approx(0.145, abs=2e-3)
    frame, footprint = granule.sounding_id // 10, (granule.sounding_id % 10).astype(int)
    side = (np.diff(frame.astype(np.int64)) == 0) & (np.diff(footprint) == 1)
    east = np.diff(granule.longitude) * np.cos(np.deg2rad(granule.latitude[1:]))
    spacing = KM * np.hypot(east, np.diff(granule.latitude))[side]
    assert np.median(spacing) == pytest.approx(1.086, abs=2e-3)


def test_without_capture_modes_it_is_skipped_with_a_reason(real, tmp_path):
    outcome = cut_stage.cut(real, targets_file(tmp_path, "middle"), tmp_path / "captures.nc", CutCaptures())
    assert outcome.status is Status.SKIPPED
    assert outcome.reason == "no captures: none of the 979 soundings is in a capture mode"
    product = read_captures(tmp_path / "captures.nc")
    assert (product.captures, len(product.granule)) == ((), 0)
    gridded = grid_stage.grid(tmp_path / "captures.nc", None, tmp_path / "grids.nc", None, GridCapture())
    assert gridded.status is Status.SKIPPED


def test_no_public_target_is_near(real, shared_data, tmp_path):
    public = shared_data / "xco2" / "targets_oco2-pub.json"
    outcome = cut_stage.cut(real, public, tmp_path / "captures.nc", NADIR)
    assert outcome.status is Status.SKIPPED
    assert outcome.quality["dropped"] == {"no target of the targets file is near": 1}


@pytest.mark.parametrize("name", BOXES)
def test_its_track_is_cut_to_one_capture_of_the_nearest_target(real, granule, tmp_path, name):
    outcome = cut_stage.cut(real, targets_file(tmp_path, name), tmp_path / "captures.nc", NADIR)
    assert outcome.status is Status.DONE
    assert {warning.split(": ")[1] for warning in outcome.warnings} == {
        "/xco2_x2019 is not in the file",
        "/xco2_uncertainty is not in the file",
    }
    product = read_captures(tmp_path / "captures.nc")
    (capture,) = product.captures
    assert (capture.target_id, capture.mode, capture.orbit) == (name, "nadir", 11016)
    assert capture.id == f"11016-{name}-nadir-{granule.sounding_id[0]}"
    assert (capture.start, capture.end) == (granule.time.min(), granule.time.max())
    assert product.usable.all()
    np.testing.assert_array_equal(product.granule.vertex_longitude, granule.vertex_longitude)


def test_of_two_targets_the_nearer_one_gets_the_track(real, tmp_path):
    cut_stage.cut(real, targets_file(tmp_path, "north", "middle"), tmp_path / "captures.nc", NADIR)
    assert [one.target_id for one in read_captures(tmp_path / "captures.nc").captures] == ["middle"]


@pytest.mark.parametrize("cells", [100, 400])
@pytest.mark.parametrize("name", BOXES)
def test_it_is_gridded_with_all_its_area(real, tmp_path, name, cells):
    shapely = pytest.importorskip("shapely")
    captures, grids, targets = tmp_path / "captures.nc", tmp_path / "grids.nc", targets_file(tmp_path, name)
    cut_stage.cut(real, targets, captures, NADIR)
    options = GridCapture(latitude=cells, longitude=cells, precision="float64")
    outcome = grid_stage.grid(captures, targets, grids, None, options)
    assert outcome.quality["good_soundings"] == [721]
    with open_grids(grids) as file:
        (entry,) = file.entries
        touched, grid = file.cells(0), entry.spec.grid
        layers = {one: file.layers(0, one) for one in ("pre", "post")}
    granule = read_captures(captures).granule
    # In degrees of longitude and the sine of latitude, where areas are those of the sphere.
    scale = 6371.0072**2 * np.pi / 180.0
    corners = np.stack([granule.vertex_longitude, np.sin(np.deg2rad(granule.vertex_latitude))], axis=-1)
    footprints = shapely.polygons(corners)
    west, south, east, north = BOXES[name]
    box = shapely.box(west, np.sin(np.deg2rad(south)), east, np.sin(np.deg2rad(north)))
    inside = shapely.area(shapely.intersection(footprints, box)) * scale
    assert 100 < np.count_nonzero(inside) < len(granule)
    overlap = footprint_overlaps(grid, granule.vertex_longitude, granule.vertex_latitude)
    np.testing.assert_array_equal(overlap.cells, touched)
    np.testing.assert_allclose(np.bincount(overlap.soundings, overlap.areas, len(granule)), inside, atol=1e-8)
    for quality_set, keep in (("pre", np.ones(len(granule), bool)), ("post", granule.good)):
        found = layers[quality_set]
        coverage = found[COVERAGE].values
        known = np.isfinite(coverage)
        assert 0.0 < coverage[known].min() < 1e-2
        assert 0.9 < coverage[known].max() <= 1.0
        covered = (coverage * grid.cell_areas().ravel()[touched])[known].sum()
        union = shapely.unary_union(footprints[keep]).intersection(box)
        assert covered == pytest.approx(union.area * scale, rel=1e-6)
        assert covered <= inside[keep].sum()
        assert covered > 0.95 * inside[keep].sum(), "footprints of one track hardly lie on each other"
        number = found[NUMBER].values
        np.testing.assert_array_equal(number > 0, known)
        effective = found[EFFECTIVE_NUMBER].values[known]
        assert (effective <= number[known] * (1.0 + 1e-6)).all()
        values = found["/xco2"].values
        used = granule.variables["/xco2"].values[keep & (inside > 0.0)]
        np.testing.assert_array_equal(np.isfinite(values), known)
        assert used.min() <= values[known].min() < values[known].max() <= used.max()
        carried = np.bincount(overlap.soundings, overlap.areas * keep[overlap.soundings], len(granule))
        total = np.zeros(touched.size)
        np.add.at(total, np.repeat(np.arange(touched.size), np.diff(overlap.starts)),
                  overlap.areas * keep[overlap.soundings])  # fmt: skip
        assert (total * values)[known].sum() == pytest.approx(carried @ granule.variables["/xco2"].values, rel=1e-9)
    assert np.isfinite(layers["pre"]["/xco2"].values).sum() > np.isfinite(layers["post"]["/xco2"].values).sum()


def test_both_target_files_are_as_they_are_described(shared_data):
    for name, number, width in (("targets.json", 559, 3.0), ("targets_oco2-pub.json", 31, 1.0)):
        targets = read_targets(shared_data / "xco2" / name)
        assert len(targets) == number
        boxes = np.array([one.box for one in targets.values()])
        np.testing.assert_allclose(boxes[:, 2:] - boxes[:, :2], width, atol=1e-9)
        for one in targets.values():
            np.testing.assert_allclose(one.centre, one.box.centre, atol=1e-6)
        if number == 559:
            assert (boxes[:, 0] < boxes[:, 2]).all(), "none crosses the antimeridian"
            assert np.abs([one.centre[1] for one in targets.values()]).max() < 66.0
