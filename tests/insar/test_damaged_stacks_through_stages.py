"""Slices, absent swaths and truncated files through the stages (specs/insar.md 8): what is there stays as it is."""

from __future__ import annotations

import os
from dataclasses import replace

import h5py
import numpy as np
import pytest
import rasterio
from insar_chain import Line

from levelworks.core.outcome import Status
from levelworks.core.record import record_path
from levelworks.insar.geocoding.lookup import read_lookup
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate

FIRST, NARROW, SHORT, LOST, LAST = "20250406", "20250418", "20250430", "20250512", "20250524"


def size(samples):
    """Return both swaths at fewer samples."""
    return {swath: replace(cut, samples=samples) for swath, cut in cuts("ci").items()}


@pytest.fixture(scope="module")
def sliced(tmp_path_factory):
    """Take one pair of passes, in one product each and in two, through the stages; by the number of products."""
    lines = {}
    for count in (1, 2):
        passes = Pass(0, slices=count), Pass(12, "20250418", slices=count, timing_error=0.01)
        simulated = simulate(Scenario(passes, size(128), seed=51), tmp_path_factory.mktemp("stack"))
        lines[count] = line = Line(simulated, tmp_path_factory.mktemp("line"))
        line.begin()
        line.refine(diversity={"least-cells": 80})
        line.coregister(FIRST)
        line.coregister(NARROW, line.network)
        line.form(FIRST, NARROW)
    return lines


def measured(line):
    """Return the bytes of what is measured on a pair, by name."""
    made = [line.geometry, line.network, line.path("interferogram", f"{FIRST}_{NARROW}", ".h5")]
    made += sorted(line.path("coregistered", NARROW).iterdir())
    return {str(path.relative_to(line.folder)): path.read_bytes() for path in made}


def test_slices_give_the_bytes_of_one_product(sliced):
    """What is measured doesn't depend on how a pass is delivered."""
    for count, line in sliced.items():
        assert len(read_acquisition_file(line.reference).products) == count
        assert len(read_acquisition_file(line.reference).bursts) == 4
        assert line.said["form-interferogram", f"{FIRST}_{NARROW}"].quality["state"] == "done"
    assert len(measured(sliced[1])) == 8
    assert measured(sliced[1]) == measured(sliced[2])


def test_slices_come_in_any_order_and_lost_ones_are_listed(sliced):
    line, products = sliced[2], sliced[2].simulated.products[NARROW]
    before = line.path("acquisition", NARROW, ".json").read_bytes()
    line.parse(NARROW, products[::-1])
    assert line.path("acquisition", NARROW, ".json").read_bytes() == before
    said = line.parse(NARROW, products[:1])
    assert said.quality["state"] == "degraded"
    assert said.quality["bursts_missing"] == ["IW1 230136: no product has it", "IW2 230136: no product has it"]
    line.parse(NARROW)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Simulate five passes: one of IW1 alone, and two whose files will be cut."""
    passes = Pass(0), Pass(12, "20250418", swaths=("IW1",)), Pass(24, baseline=30.0), Pass(36), Pass(48, baseline=-20.0)
    return simulate(Scenario(passes, size(160), seed=53), tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="module")
def whole(stack, tmp_path_factory):
    """Form a pair of a date whose files are whole."""
    line = Line(stack, tmp_path_factory.mktemp("whole"))
    line.begin()
    line.coregister(FIRST)
    line.parse(SHORT)
    line.coregister(SHORT)
    line.form(FIRST, SHORT)
    return line.interferogram(FIRST, SHORT)


@pytest.fixture(scope="module")
def hurt(stack, whole, tmp_path_factory):
    """Cut files, and take all through the stages: IW1 of one date in its second burst, another's before any pixel."""
    del whole  # is formed before files are cut
    short, *_ = files_of(stack, SHORT)
    os.truncate(short, short.stat().st_size * 6 // 10)
    for path in files_of(stack, LOST):
        os.truncate(path, 2000)
    line = Line(stack, tmp_path_factory.mktemp("hurt"))
    line.begin()
    line.refine(diversity={"least-cells": 80})
    line.locate()
    for date in line.dates:
        line.coregister(date, line.network if date != FIRST else None)
    for date in line.dates[1:]:
        line.form(FIRST, date)
        line.finish(FIRST, date)
    return line


def files_of(stack, date):
    (product,) = stack.products[date]
    return sorted((product / "measurement").iterdir())


def layers(line, pair):
    """Return the geocoded layers of a pair by their names."""
    found = {}
    for path in sorted(line.path("geocoded", pair).glob("*.tif")):
        with rasterio.open(path) as file:
            found[path.name.split(".geo.")[1].removesuffix(".tif")] = file.read(1)
    return found


def test_an_absent_swath_is_listed_and_empty(hurt):
    """No pixel, phase or coherence in IW2, all of them in IW1, and every layer agrees where data are."""
    pair = f"{FIRST}_{NARROW}"
    absent = ["IW2 230135: the swath is absent", "IW2 230136: the swath is absent"]
    assert hurt.said["parse-safe", NARROW].quality["bursts_missing"] == absent
    assert hurt.said["parse-safe", NARROW].quality["state"] == "degraded"
    assert hurt.said["form-interferogram", pair].quality["bursts_missing"] == ["iw2_230135", "iw2_230136"]
    assert hurt.said["form-interferogram", pair].quality["state"] == "degraded"
    found, mosaic, lookup = hurt.interferogram(FIRST, NARROW), read_mosaic(hurt.geometry), read_lookup(hurt.lookup)
    seen = layers(hurt, pair)
    assert len(seen) == 8
    there = np.isfinite(seen["coh"])
    for name, values in seen.items():
        empty = np.isnan(values) if values.dtype.kind == "f" else values == 0
        assert np.array_equal(~empty, there), name
    for place in mosaic.placements:
        own = place.cells(mosaic.looks)
        assert (found.count[own] > 0).any() == place.key.startswith("iw1")
        with np.errstate(invalid="ignore"):
            inside = (lookup[0] > own[0].start + 1) & (lookup[0] < own[0].stop - 2)
            inside &= (lookup[1] > own[1].start + 1) & (lookup[1] < own[1].stop - 2)
        assert inside.any()
        assert there[inside].mean() > 0.5 if place.key.startswith("iw1") else not there[inside].any()


def test_a_truncated_burst_is_missing_and_no_other(hurt, stack, whole):
    said = hurt.said["parse-safe", SHORT]
    (missing,) = said.quality["bursts_missing"]
    assert said.status is Status.DONE
    assert said.quality["state"] == "degraded"
    assert missing.startswith("IW1 230136: ")
    assert str(files_of(stack, SHORT)[0].relative_to(stack.products[SHORT][0])) in missing
    assert "is truncated" in missing
    pair = f"{FIRST}_{SHORT}"
    assert hurt.said["form-interferogram", pair].quality["bursts_missing"] == ["iw1_230136"]
    # The other bursts as they are where nothing was cut: the shifts that refinement adds are some 1e-4 of a line.
    found, mosaic = hurt.interferogram(FIRST, SHORT), read_mosaic(hurt.geometry)
    for place in mosaic.placements:
        own = place.cells(mosaic.looks)
        if place.key == "iw1_230136":
            assert not found.count[own].any()
            continue
        assert np.array_equal(found.count[own], whole.count[own])
        both = found.count[own] == found.count.max()
        phase = np.angle(found.interferogram[own] * np.conj(whole.interferogram[own]))[both]
        assert np.abs(phase).max() < 0.05


def test_a_date_without_a_pixel_is_quarantined_and_its_pairs_are_empty(hurt, stack):
    """Truncated inside their directories, its files have no burst; every product says which file it was."""
    pair = f"{FIRST}_{LOST}"
    (name, _) = (path.name for path in files_of(stack, LOST))
    for stage, unit in (
        ("parse-safe", LOST),
        ("correlate-amplitudes", LOST),
        ("estimate-diversity", pair),
        ("coregister", LOST),
        ("form-interferogram", pair),
        ("filter-phase", pair),
        ("unwrap", pair),
        ("geocode", pair),
    ):
        said = hurt.said[stage, unit]
        assert said.status is Status.QUARANTINED, stage
        assert name in said.reason, stage
        assert "truncated" in said.reason, stage
    with h5py.File(hurt.path("interferogram", pair, ".h5")) as file:
        assert file.attrs["outcome"] == "quarantined"
        assert name in file.attrs["reason"]
    assert name in (hurt.path("geocoded", pair) / "reason.txt").read_text()
    assert record_path(hurt.path("geocoded", pair)).exists()


def test_the_rest_of_the_stack_is_whole(hurt):
    """The network leaves out what is lost and says so; the last date is refined and unwrapped as ever."""
    solved = hurt.said["solve-network", ""]
    assert any(f"left out {LOST}.json" in warning for warning in solved.warnings)
    assert solved.quality["dates"] == 4
    pair = f"{FIRST}_{LAST}"
    for stage, unit in (("coregister", LAST), ("form-interferogram", pair), ("geocode", pair)):
        assert hurt.said[stage, unit].status is Status.DONE
        assert hurt.said[stage, unit].quality.get("state", "done") == "done"
    assert hurt.said["form-interferogram", pair].quality["seam_step_rad"] < 0.05
    unwrapped = [hurt.path("unwrapped", f"{FIRST}_{date}", ".h5") for date in hurt.dates[1:]]
    closure = hurt.folder / "closure"
    said = hurt.run("check-closure", "", {"max_quarantined": 0.25}, unwrapped=unwrapped, folder=closure)
    assert said.quality["left_out_pairs"] == 1
    assert f"{FIRST}_{LOST}" in (closure / "bad.csv").read_text()


def test_pixels_that_are_lost_after_parsing_quarantine_the_date(hurt, stack):
    """A file that is cut when its date was parsed already: coregistration finds it, and says which."""
    for path in files_of(stack, LAST)[:1]:
        os.truncate(path, path.stat().st_size // 2)
    hurt.said.clear()
    again = hurt.path("again", LAST)
    files = {"frame": hurt.frame, "reference": hurt.reference, "geometry": hurt.geometry, "folder": again}
    said = hurt.run("coregister", "again", secondary=hurt.path("acquisition", LAST, ".json"), **files)
    assert said.status is Status.QUARANTINED
    assert files_of(stack, LAST)[0].name in said.reason
    assert "truncated" in said.reason
    assert [path.name for path in again.iterdir()] == ["reason.txt"]
