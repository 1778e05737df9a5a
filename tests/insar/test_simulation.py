"""Simulated products: byte-faithful, deterministic, and true: an interferogram of them is what was put in."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from insar_pair import arc_of, multilook, orbit_of, process

from levelworks.core.config import load_files
from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.orbits.choose_orbit import choose_orbit
from levelworks.insar.orbits.orbit_names import find_orbit_files
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.manifest import check_files, read_manifest
from levelworks.insar.safe.names import parse_product_name
from levelworks.insar.safe.package import open_package
from levelworks.insar.simulate_command import add_arguments
from levelworks.insar.simulate_command import simulate as run_command
from levelworks.insar.simulation.scenario import Pass, Scenario, Uplift, cuts
from levelworks.insar.simulation.simulate import simulate
from levelworks.insar.simulation.truth import read_truth

SWATHS = ("IW1", "IW2")
DATES = ("20250406", "20250418")
LINE = 0.0020555563


def read_all(simulated):
    return [read_acquisition(paths, swaths=SWATHS) for _, paths in sorted(simulated.products.items())]


def interferogram(simulated, key, *, orbit_files=True, add_lines=0.0):
    one, two = read_all(simulated)
    folder = simulated.orbits if orbit_files else None
    orbits = orbit_of(one, folder), orbit_of(two, folder)
    return process(one, two, orbits, read_elevation(simulated.elevation), key, add_lines)


def true_phase(simulated, key, shape, wavelength=0.05546576):
    """Return the phase that is left after flattening: motion and air of both passes."""
    first, second = (read_truth(simulated.truth, key, date) for date in DATES)
    path = (second["air"] - second["motion"]) - (first["air"] - first["motion"])
    lines, samples = np.arange(shape[0]), np.arange(shape[1])
    columns = np.stack([np.interp(lines, first["lines"], column) for column in path.T], axis=1)
    path = np.stack([np.interp(samples, first["samples"], row) for row in columns])
    return 4 * np.pi / wavelength * path


def test_products_are_as_the_agency_s(simulated_pair):
    for date, (path,) in simulated_pair.products.items():
        name, package = parse_product_name(path.name), open_package(path)
        manifest = read_manifest(package)
        assert f"{name.start:%Y%m%d}" == date
        assert check_files(package, manifest, SWATHS, "VV") == ()
        for listed in manifest.files:
            assert hashlib.md5((path / listed.member).read_bytes()).hexdigest() == listed.md5
        acquisition = read_acquisition([path], swaths=SWATHS)
        assert acquisition.notes == ()
        assert [burst.id for burst in acquisition.bursts] == [230135, 230136] * 2
        orbit, facts = choose_orbit(
            find_orbit_files([simulated_pair.orbits]),
            "S1A",
            acquisition.epoch,
            *acquisition.span,
            acquisition.state_vectors,
        )
        assert (orbit.kind, facts["orbit_annotation_difference_m"]) == ("precise", pytest.approx(0, abs=1e-5))


def test_bursts_are_the_real_ones_cut(simulated_pair, real_pair):
    """Times, Doppler and rates are the real pass's; range begins later by whole samples."""
    real = read_acquisition([real_pair[0]], pixels=False)
    simulated = read_all(simulated_pair)[0]
    for burst in simulated.bursts:
        own = next(other for other in real.bursts if other.key == burst.key)
        assert (burst.azimuth_time, burst.sensing_time) == (own.azimuth_time, own.sensing_time)
        assert (burst.doppler, burst.fm_rate) == (own.doppler, own.fm_rate)
        later = float(own.sample_of(burst.starting_range))
        assert later == pytest.approx(round(later), abs=1e-6)
        assert (burst.lines, burst.samples) == (own.lines, 256)


def test_geometry_is_that_of_the_truth(simulated_pair):
    """specs/insar.md 8: offsets within 1e-3 of the truth; here from files, orbits and elevation read back."""
    truth = read_truth(simulated_pair.truth, "iw2_230136", DATES[1])
    found = interferogram(simulated_pair, "iw2_230136")
    lines, samples = truth["lines"].astype(int), truth["samples"].astype(int)
    inside = np.ix_((lines >= 0) & (lines < 1513), (samples >= 0) & (samples < 256))
    lines, samples = lines[(lines >= 0) & (lines < 1513)], samples[(samples >= 0) & (samples < 256)]
    there = np.ix_(lines, samples)
    assert np.abs(found.line[there] - lines[:, None] - truth["line_offset"][inside]).max() < 1e-6
    assert np.abs(found.sample[there] - samples - truth["sample_offset"][inside]).max() < 1e-6


@pytest.mark.parametrize("key", ["iw1_230135", "iw2_230136"])
def test_an_interferogram_is_what_was_put_in(simulated_pair, key):
    found = interferogram(simulated_pair, key)
    left = found.interferogram * np.exp(-1j * true_phase(simulated_pair, key, found.interferogram.shape))
    valid = (found.reference != 0) & (found.secondary != 0)
    left = left * valid
    powers = [(np.abs(image) ** 2 * valid) for image in (found.reference, found.secondary)]
    coherence = abs(left.sum()) / np.sqrt(powers[0].sum() * powers[1].sum())
    # exp(-12/400) of time, noise, and 125 m of baseline.
    assert 0.90 < coherence < 0.94
    assert abs(np.angle(left.sum())) < 0.005
    cells = multilook(left)
    whole = multilook(valid.astype(float)) == 320
    looks = 320 * (327 / 486.5) * (56.5 / 64.345) * 0.85  # of cells of the shaped spectrum
    expected = np.sqrt((1 - coherence**2) / (2 * looks * coherence**2))
    spread = np.angle(cells[whole]).std()
    assert 0.8 * expected < spread < 1.25 * expected
    assert np.ptp(true_phase(simulated_pair, key, found.interferogram.shape)) > 2.0


def test_without_deramping_nothing_is_left(simulated_pair):
    """specs/insar.md 4.7: a wrong carrier costs the coherence; here one of another burst's Doppler rate."""
    found = interferogram(simulated_pair, "iw1_230135", add_lines=1.0)
    valid = (found.reference != 0) & (found.secondary != 0)
    power = np.sqrt((np.abs(found.reference[valid]) ** 2).sum() * (np.abs(found.secondary[valid]) ** 2).sum())
    assert abs(found.interferogram[valid].sum()) / power < 0.05


def double_difference(simulated, swath, **keywords):
    """Return the sum of double differences in the bursts' overlap, the mean of Doppler's, and lines between bursts."""
    one = read_all(simulated)[0]
    upper, lower = (burst for burst in one.bursts if burst.swath == swath)
    step = round(float(upper.line_of(lower.azimuth_time)))
    first, second = (interferogram(simulated, burst.key, **keywords) for burst in (upper, lower))
    rows = upper.lines - step
    phases = [
        true_phase(simulated, burst.key, pair.interferogram.shape) for burst, pair in ((upper, first), (lower, second))
    ]
    top = (first.interferogram * np.exp(-1j * phases[0]))[step:]
    bottom = (second.interferogram * np.exp(-1j * phases[1]))[:rows]
    difference = first.frequency[step:] - second.frequency[:rows]
    valid = (top != 0) & (bottom != 0)
    looks = multilook(top * valid, 5, 15) * np.conj(multilook(bottom * valid, 5, 15))
    return looks.sum(), float(difference[valid].mean()), step


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    """A pair whose second annotation says that bursts begin 0.02 lines later than they do."""
    passes = Pass(0), Pass(12, "20250418", timing_error=0.02)
    return simulate(Scenario(passes, cuts("ci")), tmp_path_factory.mktemp("late"))


@pytest.mark.parametrize("swath", SWATHS)
def test_timing_errors_show_in_overlaps(simulated_pair, late, swath):
    """specs/insar.md 4.9: the phase of the overlap is what must be ADDED to the sampling position; none where clean."""
    clean, *_ = double_difference(simulated_pair, swath)
    found, doppler, step = double_difference(late, swath)
    burst = next(burst for burst in read_all(late)[0].bursts if burst.swath == swath)
    rate = carrier(burst, arc_of(orbit_of(read_all(late)[0]), burst)).rate.mean()
    assert doppler == pytest.approx(rate * step * LINE, rel=0.003)
    to_lines = 1 / (2 * np.pi * doppler * LINE)
    assert abs(np.angle(clean) * to_lines) < 5e-4
    assert np.angle(found) * to_lines == pytest.approx(0.02, abs=6e-4)
    corrected, *_ = double_difference(late, swath, add_lines=0.02)
    assert abs(np.angle(corrected) * to_lines) < 6e-4


def test_an_annotated_orbit_that_is_off(tmp_path):
    """5 cm of radial error are a ramp of phase with the annotated orbit, nothing with the precise one."""
    passes = Pass(0), Pass(12, "20250418", orbit_error=(0.05, 0.0, 0.0))
    small = {"IW1": replace(cuts("ci")["IW1"], bursts=1, samples=128)}
    passes = tuple(replace(one, swaths=("IW1",)) for one in passes)
    simulated = simulate(Scenario(passes, small), tmp_path)
    angles = {}
    for orbit_files in (True, False):
        one, two = (read_acquisition(paths, swaths=["IW1"]) for _, paths in sorted(simulated.products.items()))
        folder = simulated.orbits if orbit_files else None
        orbits = orbit_of(one, folder), orbit_of(two, folder)
        found = process(one, two, orbits, read_elevation(simulated.elevation), "iw1_230135")
        phase = true_phase(simulated, "iw1_230135", found.interferogram.shape)
        angles[orbit_files] = np.angle((found.interferogram * np.exp(-1j * phase)).sum())
    assert abs(angles[True]) < 0.01
    # 5 cm up lengthen the range by 5 cm times the cosine of the look angle, some 30.5 degrees.
    expected = -4 * np.pi / 0.05546576 * 0.05 * np.cos(np.radians(31.6))
    assert np.angle(np.exp(1j * (angles[False] - expected))) == pytest.approx(0, abs=0.25)


def test_the_same_scenario_gives_the_same_bytes(tmp_path):
    small = {"IW2": replace(cuts("ci")["IW2"], bursts=1, samples=64)}
    passes = tuple(Pass(days, baseline=baseline, swaths=("IW2",)) for days, baseline in ((0, 0.0), (6, 80.0)))
    scenario = Scenario(passes, small, uplift=Uplift(rate=0.3))
    digests = []
    for name in ("one", "two"):
        simulate(scenario, tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file() and path.suffix != ".h5")
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    assert digests[0] == digests[1]
    assert len(digests[0]) == 2 * 5 + 3  # annotation, calibration, noise, measurement, manifest; orbits and elevation
    first = read_truth(tmp_path / "one" / "truth.h5", "iw2_230135", "20250412")
    second = read_truth(tmp_path / "two" / "truth.h5", "iw2_230135", "20250412")
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_the_command_writes_a_campaign_that_runs(tmp_path, monkeypatch, caplog):
    """Absolute paths: it runs from any folder. Small bursts have fewer coherent cells than real ones."""
    caplog.set_level("INFO")
    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    run_command(Path("a stack"), parser.parse_args(["--dates", "1"]))
    folder = tmp_path / "a stack"
    section = load_files([folder / "campaign.yaml"]).insar
    assert [Path(path) for path in section.frames] == [folder / "frame.json"]
    named = *section.frames, *section.products, *section.orbits, section.elevation
    assert all(Path(path).is_absolute() and Path(path).exists() for path in named)
    assert section.estimate_diversity.least_cells == 200
    assert "--configfile 'a stack/campaign.yaml'" in caplog.text
