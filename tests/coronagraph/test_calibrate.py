"""A frame from raw counts to photoelectrons: the peer's numbers, known truth, and what must not change a result."""

from __future__ import annotations

import numpy as np
import pytest
from frames import frame_of, references_of

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.calibrate import References, to_level2a, to_level2b
from levelworks.coronagraph.dark import NoiseMap, master_dark
from levelworks.coronagraph.dq import DQ, UNUSABLE
from levelworks.coronagraph.geometry import Region, geometries
from levelworks.coronagraph.nonlinearity import curve_at_gain
from levelworks.coronagraph.options import CalibrateFrame
from levelworks.coronagraph.readers import read_level1, read_map, read_nonlinearity
from levelworks.coronagraph.scenes import SimulatedDetector, coronagraph_scene, nonlinearity_table, random_maps
from levelworks.coronagraph.simulate import simulate_frame

MASKED = np.uint16(DQ.SATURATED | DQ.COSMIC_RAY)
TEST = geometries()["TEST"]


@pytest.fixture(scope="module")
def real(shared_data):
    """The real EXCAM frame with the TVAC noise maps and the peer's default table."""
    folder = shared_data / "coronagraph"
    frame = read_level1(folder / "example_L1_input.fits")
    curve = curve_at_gain(read_nonlinearity(folder / "nonlin_array_20231104.txt"), 1.0)
    maps = [
        NoiseMap(read_map(folder / name, (1024, 1024), name))
        for name in ("fpn_20240322.fits", "dark_current_20240322.fits", "cic_20240322.fits")
    ]
    dark = master_dark(*maps, 1.0, 0.6)
    return frame, References(dark.dark, dark.register, dark.variance, None, dark.dq, curve)


def iit(**options):
    return CalibrateFrame(compat="iit", k_gain=9.55, pixel_full_well=66850, register_full_well=100000, **options)


def test_real_frame_equals_peer_level2a(real):
    frame, references = real
    level2a = to_level2a(frame, references.curve, iit())
    assert level2a.saturation_level == pytest.approx(4900.0, abs=1e-9)
    assert np.count_nonzero(level2a.dq & MASKED) == 491
    assert level2a.counts.sum() == 418415137.13925505
    assert level2a.counts[0, 0] == 96.21873979591363
    assert level2a.counts[500, 500] == 288.95988229522624
    assert level2a.counts[1023, 1023] == 49.573446894
    assert level2a.counts.min() == pytest.approx(22.673126874, abs=5e-10)
    assert level2a.counts.max() == pytest.approx(5957.94978729, abs=5e-9)


def test_real_whole_frame_equals_peer_mask(real):
    frame, references = real
    whole = to_level2a(frame, references.curve, iit(), region=Region(*frame.geometry.shape, 0, 0))
    assert np.count_nonzero(whole.dq & MASKED) == 516


def test_real_frame_equals_peer_level2b(real):
    frame, references = real
    level2b = to_level2b(to_level2a(frame, references.curve, iit()), references, iit())
    assert not level2b.desmeared
    assert level2b.electrons.sum() == pytest.approx(3995854733.77, abs=5e-3)
    assert level2b.electrons[0, 0] == 946.2628196785969
    assert level2b.electrons[500, 500] == 2765.557819202543


def test_real_frame_equals_peer_level2b_desmeared(real):
    frame, references = real
    options = iit(desmear="on")
    level2b = to_level2b(to_level2a(frame, references.curve, options), references, options)
    assert level2b.desmeared
    assert level2b.electrons.sum() == pytest.approx(3371413567.975, abs=5e-4)
    assert level2b.electrons[500, 500] == pytest.approx(1032.1102578187465, abs=1e-10)
    assert level2b.electrons[1023, 1023] == pytest.approx(325.0583360466261, abs=1e-10)


def test_real_frame_tells_of_the_default_table(real):
    frame, references = real
    coverage = to_level2a(frame, references.curve, iit()).coverage
    assert coverage.below == pytest.approx(0.348, abs=5e-4)
    assert coverage.strange > 0.9


@pytest.mark.parametrize(("gain", "exposure_time"), [(1.0, 100.0), (100.0, 5.0), (5000.0, 1.0)])
def test_pulls_against_simulated_truth(gain, exposure_time):
    geometry = geometries()["SCI"]
    detector = SimulatedDetector()
    seed = np.random.SeedSequence().entropy % 2**32
    maps = random_maps(detector, geometry, seed=seed)
    curve = curve_at_gain(nonlinearity_table(), gain)
    raw, truth = simulate_frame(
        coronagraph_scene(geometry, seed=seed),
        detector,
        gain,
        exposure_time,
        seed,
        geometry=geometry,
        maps=maps,
        nonlinearity=curve,
        cosmic_rays=False,
    )
    dark = master_dark(
        NoiseMap(maps.fixed_pattern),
        NoiseMap(maps.dark_current),
        NoiseMap(maps.clock_induced_charge),
        gain,
        exposure_time,
    )
    references = References(dark.dark, dark.register, dark.variance, maps.flat, dark.dq, curve)
    options = CalibrateFrame(
        k_gain=detector.k_gain, pixel_full_well=detector.fwc_pp_e, register_full_well=detector.fwc_em_e
    )
    level2a = to_level2a(frame_of(raw, geometry, gain, exposure_time), curve, options, precision="float32")
    level2b = to_level2b(level2a, references, options)
    good = (level2b.dq & np.uint16(UNUSABLE)) == 0
    assert good.mean() > 0.95
    pulls = ((level2b.electrons - truth.photoelectrons) / level2b.errors.error)[good]
    assert pulls.std() == pytest.approx(1.0, abs=0.03), f"seed {seed}"
    assert abs(pulls.mean()) < 0.02, f"seed {seed}"
    # Clock-induced charge in 1 % of the prescan shifts the medians at high gain and the noise by as much.
    assert level2a.read_noise == pytest.approx(detector.read_noise, rel=0.02)


def noiseless(gain: float, exposure_time: float, image: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return raw counts, not rounded, of an image in linear DN on row biases."""
    raw = np.repeat(bias[:, np.newaxis], TEST.shape[1], axis=1)
    raw[TEST.image.slices] += image
    return raw


@pytest.fixture
def generator():
    return np.random.default_rng()


def test_noiseless_frame_returns_the_truth(generator):
    gain, exposure_time, k_gain = 50.0, 2.0, 8.7
    flux = generator.uniform(1, 200, (TEST.image.rows, TEST.image.columns))
    flat = generator.uniform(0.8, 1.2, flux.shape)
    dark = generator.uniform(0, 3, flux.shape)
    read = 1e-4
    seen = flux * flat * exposure_time + read * np.cumsum(flux * flat, axis=0)
    raw = noiseless(gain, exposure_time, (seen + dark) * gain / k_gain, generator.uniform(3000, 3200, TEST.shape[0]))
    options = CalibrateFrame(k_gain=k_gain, row_read_time=read, precision="float64", bias_outlier_sigma=0)
    level2a = to_level2a(frame_of(raw, TEST, gain, exposure_time), None, options)
    level2b = to_level2b(level2a, references_of(flux.shape, dark, flat), options)
    assert np.abs(level2b.electrons - flux * exposure_time).max() < 1e-9


def test_constant_added_to_the_raw_frame_changes_nothing(generator):
    raw = generator.integers(3000, 4000, TEST.shape).astype(np.uint16)
    one, other = (to_level2a(frame_of(raw + np.uint16(shift), TEST, 1.0, 1.0), None, iit()) for shift in (0, 777))
    assert np.array_equal(one.counts, other.counts)
    assert np.array_equal(one.dq, other.dq)


def test_level2a_without_table_is_raw_less_bias(generator):
    raw = generator.integers(3000, 4000, TEST.shape).astype(np.uint16)
    rows, columns = TEST.image.slices
    bias = np.median(raw[rows, slice(*TEST.good_columns)], axis=1)
    level2a = to_level2a(frame_of(raw, TEST, 1.0, 1.0), None, iit())
    assert np.array_equal(level2a.counts, raw[rows, columns] - bias[:, np.newaxis])


def test_gain_and_k_gain_scale_exactly(generator):
    raw = generator.integers(3000, 4000, TEST.shape).astype(np.uint16)
    references = references_of((TEST.image.rows, TEST.image.columns))

    def electrons(gain, k_gain):
        options = CalibrateFrame(compat="iit", k_gain=k_gain)
        return to_level2b(to_level2a(frame_of(raw, TEST, gain, 1.0), None, options), references, options).electrons

    base = electrons(4.0, 8.0)
    assert np.array_equal(electrons(8.0, 8.0), base / 2)
    assert np.array_equal(electrons(4.0, 16.0), base * 2)


def test_mask_grows_as_the_threshold_falls(generator):
    raw = generator.integers(3000, 16000, TEST.shape).astype(np.uint16)
    masks = []
    for threshold in (0.9, 0.7, 0.5):
        options = iit(saturation_threshold=threshold, plateau_threshold=threshold)
        masks.append((to_level2a(frame_of(raw, TEST, 100.0, 1.0), None, options).dq & np.uint16(DQ.SATURATED)) != 0)
    assert masks[0].sum() < masks[1].sum() < masks[2].sum()
    assert not np.any(masks[0] & ~masks[1])
    assert not np.any(masks[1] & ~masks[2])


def test_mostly_saturated_frame_is_refused(generator):
    raw = np.full(TEST.shape, 65000, dtype=np.uint16)
    raw[:, slice(*TEST.good_columns)] = 3000
    with pytest.raises(InvalidInput, match=r"100\.0 % of the pixels are saturated"):
        to_level2a(frame_of(raw, TEST, 1.0, 1.0), None, CalibrateFrame())


def test_invalid_converter_values_are_flagged(generator):
    raw = generator.integers(3000, 4000, TEST.shape).astype(np.uint16)
    row, column = TEST.image.row + 3, TEST.image.column + 5
    raw[row, column], raw[row, column + 1] = 0, 65535
    dq = to_level2a(frame_of(raw, TEST, 1.0, 1.0), None, CalibrateFrame()).dq
    assert dq[3, 5] & DQ.INVALID_ADC
    assert dq[3, 6] & DQ.INVALID_ADC
    assert not dq[3, 7] & DQ.INVALID_ADC


def test_flat_of_zero_gives_zero_and_a_flag(generator):
    raw = generator.integers(3000, 4000, TEST.shape).astype(np.uint16)
    shape = (TEST.image.rows, TEST.image.columns)
    flat = np.ones(shape)
    flat[4, 4] = 0
    references = references_of(shape, flat=flat)
    references.dq[flat == 0] |= np.uint16(DQ.DEAD)
    level2b = to_level2b(
        to_level2a(frame_of(raw, TEST, 1.0, 1.0), None, CalibrateFrame()), references, CalibrateFrame()
    )
    assert level2b.electrons[4, 4] == 0
    assert level2b.dq[4, 4] & DQ.DEAD
    assert np.isfinite(level2b.errors.error).all()


def test_masked_values_become_nan_where_asked(generator):
    raw = generator.integers(3000, 4000, TEST.shape).astype(np.uint16)
    raw[TEST.image.row + 7, TEST.image.column + 7] = 60000
    options = CalibrateFrame(masked_value="nan")
    references = references_of((TEST.image.rows, TEST.image.columns))
    level2b = to_level2b(to_level2a(frame_of(raw, TEST, 1.0, 1.0), None, options), references, options)
    assert np.isnan(level2b.electrons[7, 7])
    assert level2b.dq[7, 7] & DQ.REPLACED
    assert np.array_equal(np.isnan(level2b.electrons), (level2b.dq & np.uint16(UNUSABLE)) != 0)


def test_single_precision_differs_by_rounding_only(generator):
    raw = generator.integers(3000, 9000, TEST.shape).astype(np.uint16)
    curve = curve_at_gain(nonlinearity_table(), 20.0)
    references = references_of((TEST.image.rows, TEST.image.columns), curve=curve)
    images = []
    for precision in ("float32", "float64"):
        options = CalibrateFrame(precision=precision)
        level2a = to_level2a(frame_of(raw, TEST, 20.0, 1.0), curve, options, precision=precision)
        images.append(to_level2b(level2a, references, options))
    assert images[0].electrons.dtype == np.float32
    assert np.array_equal(images[0].dq, images[1].dq)
    assert np.allclose(images[0].electrons, images[1].electrons, rtol=1e-6, atol=1e-4)


def test_not_a_number_in_a_frame_is_flagged_and_stays_where_it_is(generator):
    raw = generator.integers(3000, 4000, TEST.shape).astype(np.float64)
    raw[TEST.image.row + 9, TEST.image.column + 9] = np.nan
    curve = curve_at_gain(nonlinearity_table(), 20.0)
    references = references_of((TEST.image.rows, TEST.image.columns), curve=curve)
    level2a = to_level2a(frame_of(raw, TEST, 20.0, 1.0), curve, CalibrateFrame())
    level2b = to_level2b(level2a, references, CalibrateFrame())
    assert level2b.dq[9, 9] & DQ.INVALID_ADC
    assert np.count_nonzero(~np.isfinite(level2b.electrons)) == 1


@pytest.mark.parametrize("value", [0, 65535])
def test_frame_without_any_converter_value_is_refused(value):
    frame = frame_of(np.full(TEST.shape, value, dtype=np.uint16), TEST, 1.0, 5.0)
    with pytest.raises(InvalidInput, match="every pixel is 0, 65535 or not a number"):
        to_level2a(frame, None, CalibrateFrame())


def test_not_a_number_in_the_prescan_is_refused(generator):
    raw = generator.normal(3000.0, 10.0, TEST.shape)
    raw[TEST.image.row + 3, TEST.good_columns[0] + 1] = np.nan
    with pytest.raises(InvalidInput, match="the prescan holds values that are not finite"):
        to_level2a(frame_of(raw, TEST, 100.0, 5.0), None, CalibrateFrame())


@pytest.mark.parametrize("whole", [False, True])
def test_excluded_circle_lies_at_the_image_s_centre_in_whole_frames_too(generator, whole):
    raw = generator.normal(3000.0, 10.0, TEST.shape)
    image = TEST.image
    raw[image.row + image.rows // 2, image.column + image.columns // 2] = 60000.0
    frame = frame_of(raw, TEST, 100.0, 5.0)
    region = Region(*TEST.shape, 0, 0) if whole else None
    for radius, heads in ((0.0, 1), (5.0, 0)):
        options = CalibrateFrame(excluded_radius=radius)
        assert to_level2a(frame, None, options, region=region).heads == heads
