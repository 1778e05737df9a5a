"""Pairs and dates on the frame's grid: files that LiCSAR's readers take, whose layers agree, at the true places."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import rasterio
from insar_frames import FRAME, frame_file
from insar_products import write_note

from levelworks.core.outcome import InvalidReference, NothingToProduce, Outcome
from levelworks.insar.coregistration.intensity import sum_intensity, write_intensity
from levelworks.insar.frames.frame import FrameGrid, read_frame
from levelworks.insar.geocoding.geocode_options import Geocode, GeocodeEpoch
from levelworks.insar.geocoding.geocode_stage import geocode, geocode_epoch
from levelworks.insar.geocoding.geotiffs import write_raster
from levelworks.insar.geocoding.interpolation import geocode_values
from levelworks.insar.geocoding.lookup import cell_centres, locate_rows
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.interferograms.interferogram_files import Interferogram, write_interferogram
from levelworks.insar.mosaic.mosaic import Mosaic, Placement, make_mosaic
from levelworks.insar.network.closure_files import write_repairs
from levelworks.insar.network.epochs import parse_pair
from levelworks.insar.network.repair import Repair
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.acquisition_orbits import acquisition_arc
from levelworks.insar.safe.measurement import read_burst
from levelworks.insar.simulation.scenario import Pass, Scenario, Target, cuts
from levelworks.insar.simulation.simulate import simulate
from levelworks.insar.simulation.truth import read_targets
from levelworks.insar.unwrapping.unwrapped_files import About, UnwrappedPair, write_unwrapped

PAIR = "20250406_20250418"
CELLS = (40, 60)
LAYERS = {
    "diff_unfiltered_pha": "float32",
    "diff_pha": "float32",
    "cc": "uint8",
    "filt.cc": "uint8",
    "coh": "float32",
    "phase_sigma": "float32",
    "unw": "float32",
    "conncomp": "uint16",
}


class Case:
    """A pair on radar cells whose phase is a plane; two components, a gap, and rows without data."""

    def __init__(self, folder):
        self.folder = folder
        self.frame = frame_file(folder, 10.0, 45.0, 10.05, 45.04)
        self.grid = read_frame(self.frame).grid
        self.lookup = folder / "lookup"
        self.lookup.mkdir()
        rows, columns = self.grid.shape
        i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
        # A turned grid, part of which is beyond the radar cells.
        self.place = np.stack([0.9 * i - 0.1 * j + 4.3, 1.1 * j + 0.1 * i + 1.7]).astype(np.float32)
        inside = (self.place[0] >= -0.5) & (self.place[0] <= CELLS[0] - 0.5) & (self.place[1] <= CELLS[1] - 0.5)
        self.place[:, ~inside] = np.nan
        write_raster(self.lookup / "lookup.tif", list(self.place), self.grid, nodata=np.nan, units="radar cells")
        y, x = np.meshgrid(np.arange(CELLS[0]), np.arange(CELLS[1]), indexing="ij")
        self.phase = self.plane(y, x).astype(np.float32)
        self.components = np.where(x < 30, 1, 2).astype(np.uint16)
        self.data = y < 34
        phasors = np.where(self.data, np.exp(1j * self.phase.astype(float)), 0).astype(np.complex64)
        power = np.where(self.data, 40.0, 0).astype(np.float32)
        coherence = np.where(self.data, 0.3 + 0.01 * x, np.nan).astype(np.float32)
        bright = np.where(x % 7 == 0, 1e4, 1.0).astype(np.float32)
        self.interferogram = folder / "pair.h5"
        content = Interferogram(
            phasors * bright, power, power, np.where(self.data, 40, 0).astype(np.int32), coherence, coherence,
            np.where(self.data, 0.4, np.nan).astype(np.float32), 20.0, PAIR,
        )  # fmt: skip
        write_interferogram(self.interferogram, content)
        self.filtered = folder / "filtered.h5"
        with h5py.File(self.filtered, "w") as file:
            file["filtered"], file["coherence"] = phasors, np.sqrt(coherence)
        self.unwrapped = folder / "unwrapped.h5"
        self.write_unwrapped(np.where(self.data, self.phase, np.nan).astype(np.float32), self.components)

    def plane(self, row, column):
        return 0.21 * np.asarray(row, float) - 0.13 * np.asarray(column, float) + 0.5

    def write_unwrapped(self, phase, components, domain="radar"):
        about = About(domain, 0.0, "flow", 1.0, 20.0)
        coherence = np.ones(phase.shape, np.float32)
        write_unwrapped(self.unwrapped, UnwrappedPair(phase, components, coherence, about))

    def run(self, name="geocoded", closure=None, **options):
        folder = self.folder / name
        said = geocode(
            self.frame, self.lookup, self.interferogram, self.filtered, self.unwrapped, closure,
            folder=folder, options=Geocode(**options),
        )  # fmt: skip
        return said, {name: read(folder / f"{PAIR}.geo.{name}.tif") for name in LAYERS}


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def wrapped(phase):
    return np.angle(np.exp(1j * np.asarray(phase, float)))


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def test_files_of_a_pair(case):
    case.run()
    folder = case.folder / "geocoded"
    assert {path.name for path in folder.iterdir()} == {f"{PAIR}.geo.{name}.tif" for name in LAYERS}
    for name, kind in LAYERS.items():
        with rasterio.open(folder / f"{PAIR}.geo.{name}.tif") as file:
            assert file.dtypes == (kind,)
            assert file.shape == case.grid.shape
            assert tuple(file.bounds) == pytest.approx((10.0, 45.0, 10.05, 45.04), abs=1e-12)
            assert file.crs.to_epsg() == 4326
            assert file.block_shapes == [(256, 256)]
            assert file.nodata == 0 if kind.startswith("uint") else np.isnan(file.nodata)
            assert file.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == ("2" if kind.startswith("uint") else "3")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    case.run("again")
    assert before == {path.name: path.read_bytes() for path in (case.folder / "again").iterdir()}


def test_phases_are_those_of_the_radar(case):
    said, layers = case.run()
    expected = case.plane(*case.place)
    inner = (case.place[0] > 0) & (case.place[0] < 33) & (case.place[1] > 0) & (case.place[1] < 59)
    for name in ("diff_unfiltered_pha", "diff_pha"):
        there = np.isfinite(layers[name])
        assert there.mean() == pytest.approx(said.quality["coverage"], abs=0.01)
        off = wrapped(layers[name] - expected)[there]
        # Places up to half a cell beyond the last cells with data are given what is at these.
        assert np.abs(off).max() < 0.5 * (0.21 + 0.13)
        assert np.abs(off[inner[there]]).max() < 2e-3
        assert np.median(np.abs(off)) < 5e-4
    there = inner & np.isfinite(layers["unw"]) & (np.abs(case.place[1] - 29.5) > 1)
    assert np.abs(layers["unw"] - expected)[there].max() < 1e-5


def test_layers_agree_about_data(case):
    said, layers = case.run()
    unwrapped, coherent = np.isfinite(layers["unw"]), layers["cc"] > 0
    assert not (unwrapped & ~coherent).any()
    assert np.array_equal(layers["conncomp"] > 0, unwrapped)
    assert np.array_equal(coherent, np.isfinite(layers["coh"]))
    assert coherent.any()
    assert (~coherent).any()
    assert np.isnan(layers["diff_pha"][np.isnan(case.place[0])]).all()
    known = np.isfinite(layers["coh"]) & (case.place[0] < 33) & (case.place[1] < 59)
    assert layers["coh"][known] == pytest.approx(0.3 + 0.01 * case.place[1][known], abs=1e-5)
    assert layers["cc"][known] == pytest.approx(255 * layers["coh"][known], abs=0.5001)
    assert said.quality["coverage"] == pytest.approx(coherent.mean())
    assert said.quality["mean_coherence"] == pytest.approx(layers["coh"][coherent].mean(), abs=1e-5)
    assert said.quality["unwrapped_share_of_data"] == pytest.approx(unwrapped.sum() / coherent.sum())


def test_repairs_are_added_to_components(case):
    _, before = case.run()
    closure = case.folder / "closure"
    closure.mkdir()
    other = parse_pair("20250418_20250430")
    write_repairs(closure, Repair({(parse_pair(PAIR), 2): -1, (other, 1): 3}, ()))
    assert "pairs" in json.loads((closure / "repairs.json").read_text())
    said, after = case.run("repaired", closure)
    assert said.quality["components_repaired"] == 1
    for label, cycles in ((1, 0), (2, -1)):
        there = before["conncomp"] == label
        assert there.sum() > 100
        assert (after["unw"] - before["unw"])[there] == pytest.approx(2 * np.pi * cycles, abs=1e-5)
    assert np.array_equal(before["diff_pha"], after["diff_pha"], equal_nan=True)
    said, left = case.run("left", closure, repair=False)
    assert np.array_equal(left["unw"], before["unw"], equal_nan=True)


def test_what_was_unwrapped_on_the_grid_stays(case):
    rng = np.random.default_rng(3)
    phase = rng.normal(size=case.grid.shape).astype(np.float32)
    case.write_unwrapped(phase, np.full(case.grid.shape, 4, np.uint16), "geographic")
    _, layers = case.run()
    there = layers["cc"] > 0
    assert np.array_equal(layers["unw"][there], phase[there])
    assert np.isnan(layers["unw"][~there]).all()
    assert set(np.unique(layers["conncomp"])) == {0, 4}


def test_what_makes_a_pair_degraded_is_repeated(case):
    """The layers go on alone: who reads them must not take a pair of a bad interferogram for a good one."""
    assert case.run()[0].quality["degraded"] == []
    step = Outcome(quality={"state": "degraded"}, warnings=("the phase steps by 1.40 rad", "a burst is missing"))
    write_note(case.interferogram, step, "form-interferogram")
    write_note(case.filtered, Outcome(quality={"exponent": 1.0}), "filter-phase")
    write_note(case.unwrapped, Outcome(quality={"state": "done"}, warnings=("2 regions are apart",)), "unwrap")
    said, _ = case.run("again")
    assert said.quality["degraded"] == ["form-interferogram: the phase steps by 1.40 rad; a burst is missing"]


def test_what_came_before_is_passed_on(case):
    note = {"levelworks_record": 1, "outcome": "skipped", "reason": "no coherence at all", "outputs": {}}
    case.unwrapped.with_name("unwrapped.h5.json").write_text(json.dumps(note))
    with pytest.raises(NothingToProduce, match="no coherence at all"):
        case.run()
    (case.lookup / "lookup.tif").unlink()
    case.unwrapped.with_name("unwrapped.h5.json").unlink()
    with pytest.raises(InvalidReference, match="geocode-geometry"):
        case.run()


def test_the_intensity_of_a_date(case):
    date = case.folder / "20250406"
    date.mkdir()
    y, x = np.meshgrid(np.arange(CELLS[0]), np.arange(CELLS[1]), indexing="ij")
    amplitude = np.sqrt(100.0 + 3.0 * y + 2.0 * x)
    pixels = np.repeat(np.repeat(amplitude, 4, 0), 20, 1).astype(np.complex64)
    place = Placement("iw1_230132", (0, 0), (0, 4 * CELLS[0]), (0, 20 * CELLS[1]))
    mosaic = Mosaic(None, 0.0, 8e5, 0.002, 2.33, 0.055, (4, 20), CELLS, (place,))
    write_intensity(date, mosaic, {place.key: sum_intensity(pixels, (4, 20))})
    image = case.folder / "mli.tif"
    said = geocode_epoch(case.frame, case.lookup, date, image=image, options=GeocodeEpoch())
    found = read(image)
    inner = (case.place[0] > 1) & (case.place[0] < 37) & (case.place[1] > 1) & (case.place[1] < 57)
    assert found[inner] == pytest.approx((100 + 3 * case.place[0] + 2 * case.place[1])[inner], rel=1e-5)
    assert np.array_equal(np.isfinite(found), np.isfinite(case.place[0]))
    assert said.quality["coverage"] == pytest.approx(np.isfinite(found).mean())
    assert read_frame(case.frame).frame == FRAME


@pytest.mark.long
def test_corner_reflectors_are_where_they_stand(tmp_path):
    """specs/insar.md 8: within a tenth of a cell of 0.001 degrees, from pixels through lookup and interpolation."""
    targets = (Target(0.0, 500.0), Target(-1250.0, 9000.0), Target(2200.0, -9000.0))
    made = simulate(Scenario((Pass(0),), cuts("ci"), targets=targets), tmp_path)
    found = read_acquisition(next(iter(made.products.values())))
    mosaic, arc, elevation = make_mosaic(found.bursts, (1, 1)), acquisition_arc(found), read_elevation(made.elevation)
    power = np.full(mosaic.shape, np.nan, np.float32)
    for place in mosaic.placements:
        burst = next(burst for burst in found.bursts if burst.key == place.key)
        power[place.cells(mosaic.looks)] = np.abs(read_burst(burst)[place.inside]) ** 2
    for latitude, longitude, _ in read_targets(made.truth).T:
        west, south = round(float(longitude) - 0.001, 4), round(float(latitude) - 0.001, 4)
        grid = FrameGrid(
            step=0.00005, west=west, south=south, east=round(west + 0.002, 4), north=round(south + 0.002, 4)
        )
        seen = locate_rows(grid, range(grid.shape[0]), elevation, arc, mosaic)
        image = np.nan_to_num(geocode_values(power, np.stack([seen.row, seen.column]), (0.0, np.inf)))
        weight = np.where(image > 0.2 * image.max(), image, 0).astype(float)
        rows, columns = cell_centres(grid)
        assert image.max() > 20 * np.median(image)
        assert abs((weight.sum(1) @ rows) / weight.sum() - latitude) < 1e-4
        assert abs((weight.sum(0) @ columns) / weight.sum() - longitude) < 1e-4
