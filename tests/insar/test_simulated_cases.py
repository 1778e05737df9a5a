"""What goes wrong with simulated passes (specs/insar.md 8, cases): each does what it says, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from insar_pair import arc_of, multilook, orbit_of, process

from levelworks.core.outcome import InvalidInput
from levelworks.insar.geometry.carrier import carrier
from levelworks.insar.geometry.elevation import read_elevation
from levelworks.insar.geometry.geo2rdr import geo2rdr
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.measurement import read_burst
from levelworks.insar.simulation.scenario import Hill, Pass, Scenario, Target, Terrain, cuts
from levelworks.insar.simulation.simulate import simulate
from levelworks.insar.simulation.truth import read_targets, read_truth

LINE = 0.0020555563
CUT = {"IW1": replace(cuts("ci")["IW1"], samples=128)}
FIRST = Pass(0, swaths=("IW1",))


def pairs(simulated, key):
    """Return the processed pair of the first two dates and the phase that truth says is left."""
    dates = sorted(simulated.products)
    one, two = (read_acquisition(simulated.products[date], swaths=["IW1"]) for date in dates[:2])
    orbits = orbit_of(one, simulated.orbits), orbit_of(two, simulated.orbits)
    found = process(one, two, orbits, read_elevation(simulated.elevation), key)
    first, second = (read_truth(simulated.truth, key, date) for date in dates[:2])
    path = (second["air"] - second["motion"]) - (first["air"] - first["motion"])
    shape = found.interferogram.shape
    columns = np.stack([np.interp(np.arange(shape[0]), first["lines"], column) for column in path.T], axis=1)
    path = np.stack([np.interp(np.arange(shape[1]), first["samples"], row) for row in columns])
    return found, found.interferogram * np.exp(-4j * np.pi / 0.05546576 * path)


def overlap(simulated, keys=("iw1_230135", "iw1_230136")):
    """Return the angle of the double difference in an overlap and what turns it into lines."""
    date = min(simulated.products)
    upper, lower = read_acquisition(simulated.products[date], swaths=["IW1"]).bursts[:2]
    step = round(float(upper.line_of(lower.azimuth_time)))
    (one, top), (two, bottom) = (pairs(simulated, key) for key in keys)
    rows = upper.lines - step
    sums = multilook(top[step:], 5, 15) * np.conj(multilook(bottom[:rows], 5, 15))
    doppler = (one.frequency[step:] - two.frequency[:rows]).mean()
    return np.angle(sums.sum()), 1 / (2 * np.pi * doppler * LINE)


def coherence(found, left, part=slice(None)):
    valid = (found.reference != 0) & (found.secondary != 0)
    powers = [(np.abs(image[:, part]) ** 2 * valid[:, part]).sum() for image in (found.reference, found.secondary)]
    return abs((left * valid)[:, part].sum()) / np.sqrt(powers[0] * powers[1])


def test_an_ionosphere_that_shifts_bursts(tmp_path):
    """A shift of 0.01 lines of the image, the same in both bursts, is what the overlap shows."""
    second = replace(FIRST, days=12, baseline=60.0, ionosphere=(0.01, 0.0))
    angle, to_lines = overlap(simulate(Scenario((FIRST, second), CUT), tmp_path))
    assert angle * to_lines == pytest.approx(0.01, abs=1e-3)


def test_phases_of_bursts(tmp_path):
    """Constant phases of bursts, as between two satellites, stand in each burst and differ in the overlap."""
    second = replace(FIRST, days=12, baseline=60.0, burst_phases=(0.0, 1.5))
    simulated = simulate(Scenario((FIRST, second), CUT), tmp_path)
    for key, expected in (("iw1_230135", 0.0), ("iw1_230136", -1.5)):
        assert np.angle(pairs(simulated, key)[1].sum()) == pytest.approx(expected, abs=0.01)
    assert overlap(simulated)[0] == pytest.approx(1.5, abs=0.05)


def test_time_decorrelates(tmp_path):
    """Coherence falls as exp(-t / tau) times what noise leaves; three passes are consistent with it."""
    tau, one_burst = 20.0, {"IW1": replace(CUT["IW1"], bursts=1)}
    passes = FIRST, replace(FIRST, days=24, mission="S1C"), replace(FIRST, days=36)
    scenario = Scenario(passes, one_burst, decorrelation=tau, noise=0.0)
    simulated = simulate(scenario, tmp_path)
    assert simulated.products["20250430"][0].name.startswith("S1C_IW_SLC__1SSV_20250430")
    found, left = pairs(simulated, "iw1_230135")
    assert coherence(found, left) == pytest.approx(np.exp(-24 / tau), abs=0.02)


def test_baselines_decorrelate(tmp_path):
    """The spectral shift of a baseline costs its share of the band (Gatelli 1994): here 150 m, level ground."""
    one_burst = {"IW1": replace(CUT["IW1"], bursts=1)}
    passes = FIRST, replace(FIRST, days=1, baseline=150.0)
    level = Terrain(100.0, 0.0, 0.0, ())
    scenario = Scenario(passes, one_burst, terrain=level, decorrelation=1e9, noise=0.0, atmosphere=0.0)
    simulated = simulate(scenario, tmp_path)
    found, left = pairs(simulated, "iw1_230135")
    truth = read_truth(simulated.truth, "iw1_230135", "20250407")
    fringes = 2 / 0.05546576 * np.gradient(truth["range_difference"], truth["samples"], axis=1).mean() * 64345238.1
    frequency = np.linspace(-45e6, 45e6, 20001)

    def window(of):
        return np.where(np.abs(of) < 28.25e6, 0.75 + 0.25 * np.cos(2 * np.pi * of / 56.5e6), 0.0)

    shared = (window(frequency) * window(frequency + fringes)).sum() / (window(frequency) ** 2).sum()
    assert 0.5e6 < abs(fringes) < 2e6
    assert coherence(found, left) == pytest.approx(shared, abs=0.003)


def test_low_coherence(tmp_path):
    one_burst = {"IW1": replace(CUT["IW1"], bursts=1)}
    scenario = Scenario((FIRST, replace(FIRST, days=12)), one_burst, decorrelation=12 / np.log(1 / 0.3), noise=0.0)
    found, left = pairs(simulate(scenario, tmp_path), "iw1_230135")
    assert coherence(found, left) == pytest.approx(0.3, abs=0.03)


def test_a_swath_that_a_pass_lacks(tmp_path):
    both = {swath: replace(cut, bursts=1, samples=64) for swath, cut in cuts("ci").items()}
    simulated = simulate(Scenario((Pass(0), Pass(12, swaths=("IW2",))), both), tmp_path)
    acquisition = read_acquisition(simulated.products["20250418"], swaths=["IW1", "IW2"])
    assert [burst.key for burst in acquisition.bursts] == ["iw2_230135"]
    assert "no annotation of IW1 in VV: the swath is absent" in acquisition.notes[0]
    with pytest.raises(InvalidInput, match="has no burst of VV in IW1"):
        read_acquisition(simulated.products["20250418"], swaths=["IW1"])


def test_layover_is_simulated_and_processed(tmp_path):
    """A mountain that lies over: its pixels are there, and the rest of the pair is as true as ever."""
    one_burst = {"IW1": replace(cuts("ci")["IW1"], bursts=1)}
    steep = Terrain(0.0, 0.0, 0.0, (Hill(0.0, 0.0, 250.0, 900.0),))
    scenario = Scenario((FIRST, replace(FIRST, days=12, baseline=40.0)), one_burst, terrain=steep)
    simulated = simulate(scenario, tmp_path)
    height = read_truth(simulated.truth, "iw1_230135")["height"]
    assert height.max() > 300
    found, left = pairs(simulated, "iw1_230135")
    cells = multilook(left)
    good = multilook((found.secondary != 0).astype(float)) == 320
    assert np.median(np.abs(np.angle(cells[good]))) < 0.05


def test_corner_reflectors_lie_where_geometry_says(tmp_path):
    """Peaks of both passes within a few hundredths of a pixel of `geo2rdr`, and in both bursts of the overlap."""
    targets = tuple(Target(-0.279 * north, north) for north in (-2600.0, -300.0, 500.0, 2200.0))  # along the track
    passes = FIRST, Pass(12, "20250418", swaths=("IW1",))
    simulated = simulate(Scenario(passes, CUT, terrain=Terrain(100.0, 0.0, 0.0, ()), targets=targets), tmp_path)
    checked = 0
    for paths in simulated.products.values():
        acquisition = read_acquisition(paths, swaths=["IW1"])
        orbit = orbit_of(acquisition, simulated.orbits)
        for burst in acquisition.bursts:
            arc = arc_of(orbit, burst)
            pixels = read_burst(burst)
            carrier(burst, arc).remove(pixels)
            times, ranges = geo2rdr(arc, *read_targets(simulated.truth))
            for line, sample in zip(burst.line_of(times), burst.sample_of(ranges), strict=True):
                if not (30 < line < burst.lines - 40 and 10 < sample < burst.samples - 10):
                    continue
                k, m = round(float(line)), round(float(sample))
                fine = oversample(pixels[k - 8 : k + 8, m - 8 : m + 8])
                peak = np.unravel_index(np.argmax(np.abs(fine)), fine.shape)
                assert peak[0] / 16 + k - 8 == pytest.approx(line, abs=0.08)
                assert peak[1] / 16 + m - 8 == pytest.approx(sample, abs=0.08)
                checked += 1
    assert checked >= 6


def oversample(patch, factor=16):
    """Return a patch of 16 x 16 pixels interpolated by its spectrum."""
    spectrum = np.fft.fftshift(np.fft.fft2(patch))
    room = (np.array(patch.shape) * (factor - 1)) // 2
    return np.fft.ifft2(np.fft.ifftshift(np.pad(spectrum, [(size, size) for size in room])))
