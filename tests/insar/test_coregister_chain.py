"""From SAFE to a multilooked interferogram, stage by stage, against the truth that was put in (specs/insar.md 8)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from insar_chain import LOOKS, Chain
from insar_truth import expected_phase
from scipy.interpolate import RegularGridInterpolator

from levelworks.core.outcome import InvalidInput, InvalidReference, NothingToProduce
from levelworks.insar.coregistration.intensity import read_intensity
from levelworks.insar.coregistration.network_files import Shift, write_network
from levelworks.insar.coregistration.rslc_files import read_range_difference, read_rslc
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.geocoding.geometry_options import GeocodeGeometry
from levelworks.insar.geocoding.geometry_stage import geocode_geometry
from levelworks.insar.geocoding.interpolation import geocode_values
from levelworks.insar.geocoding.lookup import cell_centres, read_lookup
from levelworks.insar.interferograms.filter_options import FilterPhase
from levelworks.insar.interferograms.filter_stage import filter_phase
from levelworks.insar.mosaic.geometry_files import read_mosaic
from levelworks.insar.mosaic.geometry_options import ReferenceGeometry
from levelworks.insar.mosaic.geometry_stage import reference_geometry
from levelworks.insar.safe.acquisition_files import read_acquisition_file
from levelworks.insar.safe.measurement import read_burst
from levelworks.insar.safe.parse_options import ParseSafe
from levelworks.insar.safe.parse_stage import parse_safe
from levelworks.insar.simulation.scenario import Pass, Scenario, Uplift, cuts
from levelworks.insar.simulation.truth import read_truth
from levelworks.insar.unwrapping.unwrap_options import Unwrap
from levelworks.insar.unwrapping.unwrap_stage import unwrap_interferogram
from levelworks.insar.unwrapping.unwrapped_files import read_unwrapped

FIRST, SECOND = "20250406", "20250418"


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a pair with hills, uplift and air, brought to one grid."""
    scenario = Scenario((Pass(0), Pass(12, "20250418")), cuts("ci"), uplift=Uplift(rate=1.0), seed=2026)
    made = Chain(scenario, tmp_path_factory.mktemp("chain"))
    made.dates = made.resample(FIRST), made.resample(SECOND)
    made.interferogram = made.pair(*made.dates)
    return made


def test_parsing_says_what_it_found(chain):
    found = read_acquisition_file(chain.reference)
    assert found.orbit_kind == "precise"
    assert len(found.orbit_sources) == 1
    assert len(found.bursts) == 4
    assert found.gaps == ()
    with pytest.raises(NothingToProduce, match="least-orbit asks for precise"):
        parse_safe(
            chain.frame,
            list(chain.simulated.products[FIRST]),
            None,
            acquisition=chain.folder / "none.json",
            options=ParseSafe(least_orbit="precise"),
        )


def test_the_reference_stays_as_it_is(chain):
    burst = read_acquisition_file(chain.reference).bursts[1]
    kept = read_rslc(chain.dates[0] / f"{burst.key}.h5")
    own = read_burst(burst)
    assert np.abs(kept - own).max() <= np.abs(own).max() * 2**-11
    assert read_range_difference(chain.dates[0] / f"{burst.key}.h5").range_difference == pytest.approx(0, abs=1e-6)


def test_half_precision_costs_no_coherence(chain):
    """The rounding is 2^-11 of a part at the most: no more than 1e-7 of coherence."""
    burst = read_acquisition_file(chain.reference).bursts[0]
    own, kept = read_burst(burst), read_rslc(chain.dates[0] / f"{burst.key}.h5")
    coherence = abs(np.vdot(kept, own)) / np.sqrt(np.vdot(kept, kept).real * np.vdot(own, own).real)
    assert 1 - coherence < 1e-7


def test_the_phase_is_that_of_motion_and_air(chain):
    found, mosaic = chain.interferogram, read_mosaic(chain.geometry)
    expected = expected_phase(chain.simulated.truth, mosaic, FIRST, SECOND)
    whole = found.count == LOOKS.range * LOOKS.azimuth
    left = np.angle(found.interferogram * np.exp(-1j * np.nan_to_num(expected)))[whole & np.isfinite(expected)]
    constant = np.angle(np.exp(1j * left).sum())
    left = np.angle(np.exp(1j * (left - constant)))
    assert abs(constant) < 0.05
    bound = np.sqrt(np.mean(found.phase_sigma[whole] ** 2))
    assert np.std(left) < 1.1 * bound
    assert np.std(left) > 0.8 * bound
    # Motion and air are far above the noise: the check above is of them.
    assert np.nanstd(expected) > 3 * np.std(left)


def test_no_step_between_bursts(chain):
    seams = chain.formed.quality["seams"]
    assert len(seams) >= 3
    assert chain.formed.quality["seam_step_rad"] < 0.15
    assert chain.formed.quality["state"] == "done"


def test_coherence_is_what_time_and_noise_leave(chain):
    found = chain.interferogram
    mosaic = read_mosaic(chain.geometry)
    truth = np.mean([read_truth(chain.simulated.truth, p.key, SECOND)["coherence"].mean() for p in mosaic.placements])
    seen = float(np.nanmedian(found.coherence_debiased))
    assert truth - 0.1 < seen < truth + 0.02
    assert np.isnan(found.coherence[found.count == 0]).all()


def test_intensity_is_the_mean_power(chain):
    mosaic = read_mosaic(chain.geometry)
    place = mosaic.placements[0]
    pixels = read_rslc(chain.dates[1] / f"{place.key}.h5", *place.inside)
    power = (np.abs(pixels.astype(np.complex128)) ** 2).sum()
    mean = read_intensity(chain.dates[1])[place.cells(mosaic.looks)]
    counts = (pixels != 0).reshape(mean.shape[0], mosaic.looks[0], mean.shape[1], mosaic.looks[1]).sum((1, 3))
    assert np.nansum(mean * counts) == pytest.approx(power, rel=1e-5)
    assert np.isnan(mean[counts == 0]).all()


def test_a_timing_error_steps_at_seams_and_its_shift_mends_it(tmp_path):
    scenario = Scenario((Pass(0), Pass(12, "20250418", timing_error=0.02)), cuts("ci"), seed=7)
    chain = Chain(scenario, tmp_path)
    first = chain.resample(FIRST)
    chain.pair(first, chain.resample(SECOND, name="20250418"))
    # 0.02 lines are 2 pi 4779 Hz 0.02 dt = 1.23 rad in IW1, 1.04 in IW2.
    along = {key: abs(step) for key, step in chain.formed.quality["seams"].items() if key[:3] == key.split("-")[1][:3]}
    assert sorted(along.values()) == pytest.approx([1.04, 1.23], abs=0.12)
    assert chain.formed.quality["state"] == "degraded"
    assert "steps by" in chain.formed.warnings[0]
    seams = []
    for k, line in enumerate((-0.02, 0.02)):
        network = tmp_path / f"network{k}.json"
        write_network(network, {FIRST: Shift(0, 0, 0), SECOND: Shift(line, 0.0, 1e-4)})
        (tmp_path / f"try{k}").mkdir()
        second = chain.resample(SECOND, network, f"try{k}/20250418")
        chain.pair(first, second, f"mended{k}.h5")
        seams.append(chain.formed.quality["seam_step_rad"])
        assert chain.resampled.quality["added_line"] == line
    assert min(seams) < 0.15
    assert max(seams) > 1.5


def test_shifts_beyond_belief_and_dates_without_one(chain, tmp_path):
    write_network(tmp_path / "network.json", {SECOND: Shift(0.7, 0.0, 0.1)})
    with pytest.raises(InvalidInput, match=r"0\.700 lines, beyond"):
        chain.resample(SECOND, tmp_path / "network.json", "far")
    write_network(tmp_path / "network.json", {FIRST: Shift(0.0, 0.0, 0.0)})
    with pytest.raises(InvalidInput, match=f"no shift of {SECOND}"):
        chain.resample(SECOND, tmp_path / "network.json", "none")


def test_bursts_of_two_satellites_are_brought_together(tmp_path):
    """Constant phases by burst, as between S1C and S1D, are found and taken off, and that is said."""
    phases = (0.4, -0.9)
    scenario = Scenario((Pass(0), Pass(12, "20250418", mission="S1C", burst_phases=phases)), cuts("ci"), seed=9)
    chain = Chain(scenario, tmp_path)
    dates = chain.resample(FIRST), chain.resample(SECOND)
    chain.pair(*dates, burst_phases="on")
    quality = chain.formed.quality
    assert quality["seam_step_before_rad"] > 1.0
    assert quality["seam_step_rad"] < 0.15
    found = quality["burst_phases"]
    one, two = (sorted(key for key in found if key.startswith(swath)) for swath in ("iw1", "iw2"))
    for first, second in (one, two):
        # The interferogram is reference times conjugate secondary: the secondary's phase enters with a minus.
        assert found[second] - found[first] == pytest.approx(phases[0] - phases[1], abs=0.15)
    assert any("two satellites" in warning for warning in chain.formed.warnings)


def test_a_missing_burst_leaves_a_hole_and_is_said(tmp_path):
    chain = Chain(Scenario((Pass(0), Pass(12, "20250418", missing=(1,))), cuts("ci"), seed=5), tmp_path)
    dates = chain.resample(FIRST), chain.resample(SECOND)
    assert chain.resampled.quality["state"] == "degraded"
    assert len(chain.resampled.quality["bursts_missing"]) == 2
    found = chain.pair(*dates)
    mosaic = read_mosaic(chain.geometry)
    missing = chain.formed.quality["bursts_missing"]
    assert len(missing) == 2
    for place in mosaic.placements:
        there = found.count[place.cells(mosaic.looks)] > 0
        assert there.any() == (place.key not in missing)
    chain.parse(SECOND)
    assert "no product has it" in chain.parsed.warnings[-1]
    with pytest.raises(NothingToProduce, match="2 of 4 bursts"):
        chain.parse(SECOND, least_coverage=0.8)
    with pytest.raises(InvalidReference, match="choose another day"):
        reference_geometry(
            chain.frame,
            chain.folder / f"{SECOND}.json",
            chain.simulated.elevation,
            geometry=tmp_path / "no.h5",
            options=ReferenceGeometry(),
        )


@pytest.fixture(scope="module")
def geocoded(chain):
    """Return the folder of the frame's lookup and line of sight."""
    folder = chain.folder / "geographic"
    said = geocode_geometry(
        chain.frame,
        chain.reference,
        chain.simulated.elevation,
        chain.geometry,
        None,
        folder=folder,
        options=GeocodeGeometry(),
    )
    assert said.warnings == ("no mask of land: all is land",)
    return folder


def at_places(chain, mosaic, burst, rows, columns, field, date=None):
    """Return a field of the truth at places (cells) of a burst."""
    truth = read_truth(chain.simulated.truth, burst.key, date)
    place = next(place for place in mosaic.placements if place.key == burst.key)
    lines = (rows + 0.5) * mosaic.looks[0] - 0.5 - place.corner[0]
    samples = (columns + 0.5) * mosaic.looks[1] - 0.5 - place.corner[1]
    return RegularGridInterpolator((truth["lines"], truth["samples"]), truth[field])(np.stack([lines, samples], -1))


def test_the_lookup_leads_to_the_true_ground(chain, geocoded):
    """Latitude and longitude of the truth, at the radar place of each cell, are those of the cell's centre."""
    frame, mosaic, lookup = read_frame(chain.frame), read_mosaic(chain.geometry), read_lookup(geocoded)
    latitudes, longitudes = cell_centres(frame.grid)
    assert lookup.shape == (2, *frame.grid.shape)
    seen = 0
    for burst in read_acquisition_file(chain.reference).bursts:
        place = next(place for place in mosaic.placements if place.key == burst.key)
        rows, columns = place.cells(mosaic.looks)
        with np.errstate(invalid="ignore"):
            inner = (lookup[0] > rows.start) & (lookup[0] < rows.stop - 1)
            inner &= (lookup[1] > columns.start) & (lookup[1] < columns.stop - 1)
        i, j = np.nonzero(inner)
        found = lookup[0][inner].astype(float), lookup[1][inner].astype(float)
        north = at_places(chain, mosaic, burst, *found, "latitude") - latitudes[i]
        east = at_places(chain, mosaic, burst, *found, "longitude") - longitudes[j]
        # A tenth of a cell is the aim; the hills bend the ground between the truth's own places.
        assert np.abs(north).max() < 0.02 * frame.grid.step
        assert np.abs(east).max() < 0.02 * frame.grid.step
        seen += i.size
    assert seen > 100


def test_the_line_of_sight_of_an_ascending_pass(chain, geocoded):
    frame = read_frame(chain.frame)
    layers = {}
    for name in ("E", "N", "U", "inc", "hgt", "landmask"):
        with rasterio.open(geocoded / f"{frame.frame}.geo.{name}.tif") as file:
            layers[name] = file.read(1)
            assert file.shape == frame.grid.shape
    seen = np.isfinite(layers["E"])
    assert np.array_equal(seen, np.isfinite(read_lookup(geocoded)[0]))
    length = layers["E"] ** 2 + layers["N"] ** 2 + layers["U"] ** 2
    assert length[seen] == pytest.approx(1, abs=1e-6)
    assert (layers["E"][seen] < 0).all()
    assert np.degrees(np.arccos(layers["U"][seen])) == pytest.approx(layers["inc"][seen], abs=1e-3)
    assert np.array_equal(layers["landmask"] == 1, seen)
    assert 100 < layers["hgt"][seen].min() < layers["hgt"][seen].max() < 700


def test_the_unwrapped_phase_is_that_of_motion_and_air(chain, geocoded):
    """Filtered and unwrapped on the geographic grid, against the truth at the same ground."""
    filtered, unwrapped = chain.folder / "filtered.h5", chain.folder / "unwrapped.h5"
    pair = chain.folder / "pair.h5"
    filter_phase(pair, filtered=filtered, options=FilterPhase())
    options = Unwrap(mask="land")
    said = unwrap_interferogram(chain.frame, pair, filtered, geocoded, unwrapped=unwrapped, options=options)
    found, lookup, mosaic = read_unwrapped(unwrapped), read_lookup(geocoded), read_mosaic(chain.geometry)
    there = np.isfinite(found.phase)
    assert said.quality["unwrapped_fraction"] > 0.98
    expected = geocode_values(expected_phase(chain.simulated.truth, mosaic, FIRST, SECOND).astype(np.float32), lookup)
    left = (found.phase - expected)[there & np.isfinite(expected) & (found.components == 1)]
    left -= np.median(left)
    assert left.size > 100
    assert np.mean(np.abs(left) > np.pi) < 0.001
    sigma = np.sqrt(np.nanmean(chain.interferogram.phase_sigma.astype(float) ** 2))
    assert np.std(left) < 1.2 * sigma


SCRIPT = """
import sys
from pathlib import Path
from levelworks.core.stage import run, stages
from levelworks.core.options import validate
name, *words = sys.argv[1:]
found = stages("insar")[name]
files = {}
for word in words:
    port, _, path = word.partition("=")
    files.setdefault(port, []).append(Path(path))
run(found, files, found.options())
"""


def run_on_ranks(ranks, stage, **files):
    launcher = [str(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks), sys.executable, "-c", SCRIPT]
    words = [f"{name}={path}" for name, path in files.items()]
    done = subprocess.run([*launcher, stage, *words], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_the_same_bytes_on_one_two_and_three_ranks(chain, tmp_path):
    same = {"frame": chain.frame, "reference": chain.reference}
    content = {}
    for ranks in (1, 2, 3):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        geometry, second = folder / "geometry.h5", folder / SECOND
        run_on_ranks(ranks, "reference-geometry", **same, heights=chain.simulated.elevation, geometry=geometry)
        secondary = chain.folder / f"{SECOND}.json"
        run_on_ranks(ranks, "coregister", **same, secondary=secondary, geometry=geometry, folder=second)
        dates = {"first": chain.dates[0], "second": second}
        pair = folder / "pair.h5"
        run_on_ranks(ranks, "form-interferogram", **same, geometry=geometry, **dates, interferogram=pair)
        paths = [geometry, pair, *sorted(second.iterdir())]
        content[ranks] = [path.read_bytes() for path in paths]
        assert len(paths) == 7
    assert content[1] == content[2] == content[3]
    assert content[1][0] == chain.geometry.read_bytes()
