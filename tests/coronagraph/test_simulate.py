"""Simulated frames: determinism, and truth against what the frames show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph import desmear, emccd, scenes, simulate
from levelworks.coronagraph.geometry import Geometry, geometries
from levelworks.coronagraph.nonlinearity import NonlinearityCurve, curve_at_gain, parse_table

QUIET = scenes.SimulatedDetector(read_noise=0.0, dark_current=0.0, clock_induced_charge=0.0, fixed_pattern_sigma=0.0)


def linearise(counts: np.ndarray, curve: NonlinearityCurve) -> np.ndarray:
    """Correct counts for nonlinearity, independently of the pipeline's kernel."""
    return counts * np.interp(counts, curve.counts, curve.factors)


def test_full_size_file_has_the_layout_of_the_fft(tmp_path: Path) -> None:
    geometry = geometries()["SCI"]
    (path,) = simulate.simulate_dataset(tmp_path, frames=1, gain=1.0, exposure_time=0.6, cosmic_rays=False)
    assert path.name == "CGI_EXCAM_L1_0000000000.fits"
    assert path.stat().st_size == 5_290_560
    with fits.open(path) as hdus:
        assert hdus[1].data.dtype == np.uint16
        assert hdus[1].data.shape == geometry.shape
        assert hdus[1].header["DATA_LEVEL"] == "L1"
    with fits.open(path, do_not_scale_image_data=True) as hdus:
        assert [len(hdu.header.cards) for hdu in hdus] == [7, 55]
        assert hdus[1].data.dtype == np.dtype(">i2")


@pytest.mark.parametrize("generation", ["fft", "flight"])
def test_same_seed_gives_same_bytes_in_any_order(generation: str, tmp_path: Path, small: Geometry) -> None:
    settings = {"gain": 1000.0, "exposure_time": 20.0, "generation": generation, "geometry": small, "seed": 7}
    together = simulate.simulate_dataset(tmp_path / "a", frames=3, **settings)
    alone = simulate.simulate_dataset(tmp_path / "b", frames=1, first_frame=2, **settings)
    simulate.simulate_dataset(tmp_path / "b", frames=2, **settings)
    assert together[2].name == alone[0].name
    names = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(names) == 3 * 3 + 7
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    (other,) = simulate.simulate_dataset(tmp_path / "c", frames=1, **(settings | {"seed": 8}))
    assert other.read_bytes() != together[0].read_bytes()
    assert together[0].read_bytes() != together[1].read_bytes()


def test_dataset_brings_truth_and_references(tmp_path: Path, small: Geometry) -> None:
    (path,) = simulate.simulate_dataset(
        tmp_path, frames=1, gain=100.0, exposure_time=30.0, generation="flight", geometry=small
    )
    shape = small.image.rows, small.image.columns
    truth = np.load(tmp_path / "truth" / f"{path.stem}.npz")
    assert truth["mean_electrons"].shape == truth["photoelectrons"].shape == shape
    assert json.loads((tmp_path / "truth" / f"{path.stem}.json").read_text())["exposure_time_s"] == 30.0
    for name in ("fixed_pattern", "dark_current", "clock_induced_charge", "flat", "bad_pixels"):
        with fits.open(tmp_path / "references" / f"{name}.fits") as hdus:
            assert len(hdus) == 1
            assert hdus[0].data.shape == shape
            assert hdus[0].data.dtype == (">i8" if name == "bad_pixels" else ">f8")
    table = parse_table((tmp_path / "references" / "nonlinearity.csv").read_text())
    assert np.array_equal(table.factors, scenes.nonlinearity_table().factors)
    for gain in table.gains:
        assert curve_at_gain(table, gain).findings == ()


def test_dark_frames_say_so(tmp_path: Path, small: Geometry) -> None:
    (path,) = simulate.simulate_dataset(
        tmp_path,
        frames=1,
        gain=10.0,
        exposure_time=3.0,
        generation="flight",
        geometry=small,
        scene=scenes.dark_scene(small),
    )
    assert fits.getheader(path, 0)["VISTYPE"] == "CGIVST_CAL_DRK"
    assert not np.load(tmp_path / "truth" / f"{path.stem}.npz")["photoelectrons"].any()


def test_noise_free_chain_is_undone_exactly(small: Geometry) -> None:
    scene = scenes.coronagraph_scene(small)
    detector, gain, time = scenes.SimulatedDetector(), 300.0, 5.0
    maps = scenes.random_maps(detector, small, seed=3)
    curve = curve_at_gain(scenes.nonlinearity_table(), gain)
    exposed = desmear.smear(scene.flux * maps.flat, time, detector.row_read_time)
    dark = maps.dark_current * time + maps.clock_induced_charge
    gained = (detector.quantum_efficiency * exposed + dark) * gain + maps.fixed_pattern
    electrons = linearise(emccd.counts(gained, detector.k_gain, curve), curve) * detector.k_gain
    electrons = (electrons - maps.fixed_pattern) / gain - dark
    ratio, smear = detector.row_read_time / time, np.zeros(electrons.shape[1])
    for row in electrons:
        smear = (smear + ratio * row) / (1 + ratio)
        row -= smear
    truth = detector.quantum_efficiency * time * scene.flux
    assert np.abs(electrons / maps.flat - truth).max() < 1e-9


def test_quiet_detector_shows_whole_electrons_of_the_mean_it_states(small: Geometry) -> None:
    detector = QUIET.model_copy(update={"k_gain": 0.25, "dark_current": 0.5, "fixed_pattern_sigma": 20.0})
    maps = scenes.random_maps(detector, small)
    curve = curve_at_gain(scenes.nonlinearity_table(), 1.0)
    raw, truth = simulate.simulate_frame(
        scenes.coronagraph_scene(small, halo_flux=2.0),
        detector,
        1.0,
        60.0,
        np.random.SeedSequence().entropy,
        geometry=small,
        maps=maps,
        nonlinearity=curve,
        cosmic_rays=False,
    )
    counts = raw[small.image.slices] - truth.row_bias[small.image.slices[0], None]
    electrons = linearise(counts, curve) * detector.k_gain - maps.fixed_pattern
    # Hot pixels reach the end of the converter here.
    electrons, mean = electrons[~maps.bad_pixels], truth.mean_electrons[~maps.bad_pixels]
    assert np.abs(electrons - np.rint(electrons)).max() < 0.5 * detector.k_gain * 1.2
    pull = (np.rint(electrons) - mean) / np.sqrt(mean)
    assert abs(pull.mean()) < 6 / np.sqrt(pull.size)
    kurtosis = 3 + (1 / mean).mean()
    assert abs((pull**2).mean() - 1) < 6 * np.sqrt((kurtosis - 1) / pull.size)


def test_gained_frame_has_the_mean_and_noise_of_its_truth(small: Geometry) -> None:
    detector, gain = scenes.SimulatedDetector(dark_current=0.01), 1000.0
    raw, truth = simulate.simulate_frame(
        scenes.dark_scene(small),
        detector,
        gain,
        100.0,
        np.random.SeedSequence().entropy,
        geometry=small,
        cosmic_rays=False,
    )
    assert truth.head_charges.size == 0
    counts = raw[small.image.slices] - truth.row_bias[small.image.slices[0], None]
    electrons = counts * detector.k_gain / gain
    variance = emccd.excess_noise_factor_squared(gain) * truth.mean_electrons + (detector.read_noise / gain) ** 2
    pull = (electrons - truth.mean_electrons) / np.sqrt(variance)
    assert abs(pull.mean()) < 6 / np.sqrt(pull.size)
    assert abs((pull**2).mean() - 1) < 6 * (pull**2).std() / np.sqrt(pull.size)


@pytest.mark.parametrize("law", ["walk", "white"])
def test_prescan_shows_bias_and_read_noise(law: str, small: Geometry) -> None:
    detector = scenes.SimulatedDetector(row_bias_law=law, bias_offset=40.0, clock_induced_charge=0.0)
    raw, truth = simulate.simulate_frame(scenes.dark_scene(small), detector, 1.0, 1.0, 5, geometry=small)
    prescan = raw[:-1, slice(*small.good_columns)].astype(float)
    residual = prescan - truth.row_bias[:-1, None] - 40.0
    noise = detector.read_noise / detector.k_gain
    assert abs(residual.mean()) < 6 * noise / np.sqrt(residual.size)
    assert residual.std() == pytest.approx(noise, rel=6 / np.sqrt(2 * residual.size))
    assert 0.5 < truth.row_bias.std() < 25
    assert not raw[-1, 170:].any()


def test_walking_bias_has_the_stated_scatter_on_average(small: Geometry) -> None:
    detector = QUIET
    variances = [
        simulate.simulate_frame(scenes.dark_scene(small), detector, 1.0, 0.0, seed, geometry=small)[1].row_bias.var()
        for seed in range(100)
    ]
    assert np.sqrt(np.mean(variances)) == pytest.approx(detector.row_bias_sigma, rel=0.3)


def test_cosmic_rays_change_only_what_they_touch(small: Geometry) -> None:
    scene, detector = scenes.coronagraph_scene(small), scenes.SimulatedDetector(cosmic_ray_rate=500.0)
    frames = [
        simulate.simulate_frame(scene, detector, 1.0, 10.0, 11, geometry=small, cosmic_rays=rays)
        for rays in (False, True)
    ]
    (without, _), (with_rays, truth) = frames
    changed = with_rays.astype(int) - without
    untouched = np.ones(small.shape, dtype=bool)
    untouched[small.image.slices] = truth.cosmic_electrons < 0.5
    assert not changed[untouched].any()
    expected = np.rint(truth.cosmic_electrons[truth.cosmic_electrons >= 0.5]) / detector.k_gain
    seen = changed[small.image.slices][truth.cosmic_electrons >= 0.5]
    assert np.abs(seen - expected).max() <= 1.0


def test_bright_cosmic_rays_leave_saturated_heads_and_tails(small: Geometry) -> None:
    detector = QUIET.model_copy(update={"cosmic_ray_rate": 1000.0})
    raw, truth = simulate.simulate_frame(scenes.dark_scene(small), detector, 1000.0, 1.0, 4, geometry=small)
    assert truth.head_charges.size > 3
    assert truth.head_charges.min() > detector.fwc_em_e
    rows, columns = truth.head_pixels.T
    full = np.rint(truth.row_bias[rows] + detector.fwc_em_e / detector.k_gain)
    assert np.array_equal(raw[rows, columns], full)
    brightest = truth.head_pixels[truth.head_charges.argmax()]
    tail = raw[brightest[0], brightest[1] + 1 : brightest[1] + 4] - truth.row_bias[brightest[0]]
    assert np.all(tail > 100)


def test_scene_and_options_that_do_not_fit_are_refused(small: Geometry) -> None:
    detector = scenes.SimulatedDetector()
    with pytest.raises(InvalidInput, match="image region"):
        simulate.simulate_frame(scenes.dark_scene(small), detector, 1.0, 1.0, 0)
    with pytest.raises(InvalidOptions, match="exposure time"):
        simulate.simulate_frame(scenes.dark_scene(small), detector, 1.0, -1.0, 0, geometry=small)
    with pytest.raises(InvalidOptions, match="EM gain"):
        simulate.simulate_frame(scenes.dark_scene(small), detector, 0.5, 1.0, 0, geometry=small)


@pytest.mark.parametrize("name", ["ENG", "ENG_CONV"])
def test_engineering_frames_name_their_array(name: str, tmp_path: Path) -> None:
    (path,) = simulate.simulate_dataset(
        tmp_path, frames=1, gain=1.0, exposure_time=0.1, geometry=geometries()[name], cosmic_rays=False
    )
    header = fits.getheader(path, 1)
    assert (header["ARRTYPE"], header["NAXIS2"]) == (name, 2200)
