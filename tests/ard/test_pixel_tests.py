"""What single pixels say: thresholds of the specification, clear ground around, and evidence summed to probability."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.ard.masks import force_kernels, pixel_test_kernels
from levelworks.ard.masks.clear_sky import (
    CELL_SIZE,
    HIGH,
    LOW,
    Histograms,
    clear_step,
    describe_clear_sky,
    gather,
    quantile_of,
)
from levelworks.ard.masks.clear_sky_kernels import (
    HAZE_BINS,
    ICE,
    LAND,
    LAPSE_RATE,
    SEA,
    TEMPERATURE_BINS,
    TEMPERATURE_LOW,
    TEMPERATURE_STEP,
    count_clear,
    ground_of,
)
from levelworks.ard.masks.force_kernels import (
    VARIABILITY_STEP,
    cloud_probability,
    count_values,
    decide_as_force,
    mark_clear,
)
from levelworks.ard.masks.pixel_test_kernels import (
    EVIDENCE_STEP,
    HAZE_OFFSET,
    HAZE_STEP,
    cirrus_limit,
    difference_index,
    ramp,
    spectral_evidence,
    whiteness,
)
from levelworks.ard.masks.probability_kernels import (
    GROWTH,
    SEED,
    haze_evidence,
    thermal_evidence,
    weigh_evidence,
)
from levelworks.ard.masks.settings import (
    BRIGHT,
    CANDIDATE,
    CIRRUS,
    CLEAR,
    DEEP,
    FROZEN,
    ICY,
    SATURATED,
    SNOW,
    VALID,
    WATER,
)
from levelworks.ard.scene import ImageGrid

NONE = np.zeros((0, 0), np.float32)
SEEN = {  # BLUE, GREEN, RED, NIR, SWIR1, SWIR2 at the top of the atmosphere
    "cloud": (0.52, 0.50, 0.49, 0.52, 0.42, 0.32),
    "forest": (0.09, 0.07, 0.045, 0.28, 0.12, 0.05),
    "lake": (0.10, 0.07, 0.045, 0.025, 0.008, 0.004),
    "snow": (0.70, 0.69, 0.68, 0.65, 0.09, 0.06),
    "soil": (0.22, 0.27, 0.33, 0.38, 0.46, 0.40),
    "gap": (0.10, 0.07, np.nan, 0.28, 0.12, 0.05),
}


def one(value: float | bool) -> np.ndarray:
    return np.full((1, 1), value, bool if isinstance(value, bool) else np.float32)


def look_at(kind, *, cirrus=NONE, kelvin=NONE, elevation=NONE, slope=NONE, full=False) -> tuple[int, float, float]:
    """Return the bits, the evidence and the haze of one pixel."""
    flags, evidence, haze = np.empty((1, 1), np.uint16), np.empty((1, 1), np.int8), np.empty((1, 1), np.uint8)
    spectrum = SEEN[kind] if isinstance(kind, str) else kind
    pixel_test_kernels.test_pixels(
        tuple(one(value) for value in spectrum), cirrus, kelvin, elevation, slope, one(full), flags, evidence, haze
    )
    return int(flags[0, 0]), evidence[0, 0] / EVIDENCE_STEP, haze[0, 0] / HAZE_STEP - HAZE_OFFSET


def as_force(kind, *, cirrus=NONE, kelvin=NONE, elevation=NONE, slope=NONE, full=False) -> tuple[int, float]:
    flags, variability = np.empty((1, 1), np.uint16), np.empty((1, 1), np.uint8)
    spectrum = SEEN[kind] if isinstance(kind, str) else kind
    force_kernels.test_pixels_as_force(
        tuple(one(value) for value in spectrum), cirrus, kelvin, elevation, slope, one(full), flags, variability
    )
    return int(flags[0, 0]), variability[0, 0] / VARIABILITY_STEP


def test_ramps_are_straight_between_and_level_beyond_their_ends():
    values = [ramp(value, 1.0, -2.0, 3.0, 4.0) for value in (0.0, 1.0, 1.5, 2.0, 3.0, 9.0)]
    assert values == [-2.0, -2.0, -0.5, 1.0, 4.0, 4.0]


def test_indices_have_their_closed_forms():
    assert difference_index(0.3, 0.1) == pytest.approx(0.5)
    assert difference_index(0.0, 0.0) == 0.01
    assert whiteness(0.2, 0.2, 0.2) == pytest.approx(0.0, abs=1e-12)
    assert whiteness(0.1, 0.2, 0.3) == pytest.approx(1.0)
    assert whiteness(0.18, 0.2, 0.22) == pytest.approx(0.2)
    assert whiteness(0.0, 0.0, 0.6) == 1.0
    assert whiteness(0.0, -0.1, 0.0) == 1.0


@pytest.mark.parametrize(("metres", "limit"), [(0, 0.01), (500, 0.01), (1000, 0.014), (3000, 0.07)])
def test_cirrus_must_be_brighter_over_high_ground(metres, limit):
    assert cirrus_limit(float(metres)) == pytest.approx(limit)
    above, below = (
        look_at("forest", cirrus=one(limit + change), elevation=one(float(metres)))[0] for change in (2e-4, -2e-4)
    )
    assert above & CIRRUS
    assert not below & CIRRUS


def test_evidence_grows_with_brightness_and_whiteness():
    by_brightness = [spectral_evidence(v, 0.1, 0.0, 0.0, 1.0) for v in np.linspace(0.05, 0.6, 30)]
    assert np.all(np.diff(by_brightness) >= 0)
    assert by_brightness[-1] > by_brightness[0] + 3
    by_colour = [spectral_evidence(0.3, w, 0.0, 0.0, 1.0) for w in np.linspace(0, 1, 30)]
    assert np.all(np.diff(by_colour) <= 0)
    assert spectral_evidence(0.3, 0.1, 0.0, 0.7, 1.0) < spectral_evidence(0.3, 0.1, 0.0, 0.1, 1.0) - 5
    assert spectral_evidence(0.3, 0.1, 0.0, 0.0, 0.7) < spectral_evidence(0.3, 0.1, 0.0, 0.0, 1.0) - 1.9


def test_surfaces_are_told_apart():
    bits = {kind: look_at(kind)[0] for kind in SEEN}
    assert bits["cloud"] & (VALID | CANDIDATE | CLEAR) == VALID | CANDIDATE
    assert bits["forest"] & (CANDIDATE | CLEAR | WATER | SNOW) == CLEAR
    assert bits["lake"] & (WATER | CLEAR | SNOW) == WATER | CLEAR
    assert bits["snow"] & (SNOW | FROZEN | ICY) == SNOW | FROZEN | ICY
    assert bits["soil"] & (CLEAR | SNOW | WATER) == CLEAR
    assert bits["gap"] == 0
    evidence = {kind: look_at(kind)[1] for kind in SEEN}
    assert evidence["cloud"] > 2
    assert max(evidence["forest"], evidence["lake"], evidence["snow"], evidence["soil"]) < -1
    assert evidence["gap"] == -128 / EVIDENCE_STEP


def test_haze_is_the_haze_optimised_transform():
    for kind in ("cloud", "forest", "lake"):
        blue, _, red = SEEN[kind][:3]
        assert look_at(kind)[2] == pytest.approx(blue - 0.5 * red - 0.08, abs=0.5 / HAZE_STEP + 1e-6)


def test_cold_ground_of_a_trace_of_snow_is_snow():
    trace = (0.36, 0.35, 0.34, 0.34, 0.22, 0.10)
    assert not look_at(trace)[0] & SNOW
    assert look_at(trace, kelvin=one(272.0))[0] & (SNOW | FROZEN) == SNOW
    assert not look_at(trace, kelvin=one(280.0))[0] & SNOW


def test_there_is_no_water_on_slopes_and_no_water_of_soil_in_shadow():
    assert look_at("lake", slope=one(4.9))[0] & WATER
    assert not look_at("lake", slope=one(5.1))[0] & WATER
    assert not look_at((0.09, 0.07, 0.06, 0.05, 0.06, 0.05))[0] & WATER


def test_saturated_pixels_may_be_clouds_whatever_their_colour():
    colour = (0.75, 0.2, 0.1, 0.6, 0.2, 0.1)
    assert look_at(colour)[0] & (CANDIDATE | SATURATED) == 0
    bits, evidence, _ = look_at(colour, full=True)
    assert bits & (CANDIDATE | SATURATED | CLEAR) == CANDIDATE | SATURATED
    assert evidence >= 0


# Clear ground.


def test_ground_is_ice_before_water_before_land():
    assert ground_of(VALID) == LAND
    assert ground_of(WATER) == SEA
    assert ground_of(WATER | FROZEN) == ICE


def test_clear_pixels_are_counted_at_sea_level_in_their_cells():
    flags = np.full((4, 6), VALID | CLEAR, np.uint16)
    flags[0, 0] = VALID
    flags[0, 1] |= CIRRUS
    flags[1, 0] |= WATER
    flags[1, 1] |= FROZEN
    haze = np.full((4, 6), 7, np.uint8)
    temperature = np.full((4, 6), 280.05, np.float32)
    temperature[3, 5] = np.nan
    elevation = np.full((4, 6), 1000.0, np.float32)
    hazes, kelvins = np.zeros((2, 2, HAZE_BINS), np.int32), np.zeros((3, 2, 2, TEMPERATURE_BINS), np.int32)
    count_clear(flags, haze, temperature, elevation, 3, 4, hazes, kelvins)
    place = int((280.05 + 1000 * LAPSE_RATE - TEMPERATURE_LOW) / TEMPERATURE_STEP)
    # Row 3 of the image is the first, so that cells end after one row.
    assert hazes[:, :, 7].tolist() == [[2, 2], [11, 6]]
    assert hazes.sum() == 21
    assert kelvins[LAND, :, :, place].tolist() == [[2, 2], [10, 5]]
    assert kelvins[SEA, 1, 0, place] == kelvins[ICE, 1, 0, place] == 1
    assert kelvins.sum() == 21


def test_quantiles_of_histograms_are_those_of_the_values():
    values = np.random.default_rng(1).normal(50, 12, 20_000).clip(0, 99.99)
    histogram = np.bincount(values.astype(int), minlength=100)
    for share in (0.05, LOW, 0.5, HIGH):
        assert quantile_of(histogram, share) == pytest.approx(np.quantile(values, share), abs=0.1)
    assert np.isnan(quantile_of(np.zeros(100, int), 0.5))
    np.testing.assert_allclose(quantile_of(np.array([[0, 4, 0], [2, 0, 2]]), 0.5), [1.5, 1.0])


def test_neighbours_are_added_until_there_are_enough():
    counts = np.zeros((5, 7, 1), np.int32)
    counts[2, 3] = 10
    counts[0, 0] = 3
    gathered = gather(counts, 10)[..., 0]
    assert gathered[2, 3] == gathered[1, 2] == gathered[4, 5] == 10
    assert gathered[0, 0] == 13
    assert gathered[2, 0] == 13
    np.testing.assert_array_equal(gather(counts, 0), counts)
    np.testing.assert_array_equal(gather(counts, 1000), np.full((5, 7, 1), 13))


def test_clear_ground_is_described_where_it_is_seen_and_around():
    grid = ImageGrid("EPSG:32633", 0.0, 0.0, 30.0, 400, 400)
    assert clear_step(grid) == CELL_SIZE / 30 == 200
    histograms = Histograms.empty(grid)
    assert histograms.hazes.shape == (2, 2, HAZE_BINS)
    histograms.temperatures[LAND, 0, 0, 300:400] = 1000
    histograms.hazes[0, 0, 40] = 100_000
    sky = describe_clear_sky(histograms, grid)
    kelvin = TEMPERATURE_LOW + TEMPERATURE_STEP * 300
    np.testing.assert_allclose(sky.cold[LAND], kelvin + LOW * 25, atol=0.01)
    np.testing.assert_allclose(sky.warm[LAND], kelvin + HIGH * 25, atol=0.01)
    np.testing.assert_allclose(sky.haze, (40 + HIGH - 0.5) / HAZE_STEP - HAZE_OFFSET)
    assert np.isnan(sky.cold[SEA]).all()
    assert np.isnan(sky.cold[ICE]).all()


# Evidence summed.


def test_haze_and_cold_speak_for_clouds():
    assert [haze_evidence(x) for x in (-1.0, 0.0, 0.035, 0.09, 1.0)] == pytest.approx([-2, -2, 0, 3, 3])
    deficits = [thermal_evidence(290.0 - k, 290.0, 294.0) for k in np.linspace(-10, 30, 60)]
    assert np.all(np.diff(deficits) >= 0)
    assert deficits[0] == pytest.approx(-5)
    assert deficits[-1] == pytest.approx(6)
    # Where the ground's own temperatures scatter, more cold is needed.
    assert thermal_evidence(286.0, 290.0, 291.0) > thermal_evidence(286.0, 290.0, 300.0)


def weighed(flags, evidence, haze, kelvin, start=0, stop=None, *, moving=NONE, limit=0.0, sea=290.0):
    rows = slice(start, stop)
    bits = flags[rows].copy()
    probability, states = np.empty(bits.shape, np.uint8), np.empty(bits.shape, np.uint8)
    clear = np.array([[0.0, 0.01], [0.02, 0.0]])
    cold, warm = np.full((3, 2, 2), 290.0), np.full((3, 2, 2), 296.0)
    cold[LAND], cold[SEA], warm[SEA] = [[290.0, 291.0], [289.0, 292.0]], sea, sea + 3
    cold[ICE] = warm[ICE] = np.nan
    temperature = kelvin[rows] if kelvin.size else kelvin
    still = (moving if moving.size else np.zeros((0, 0), np.float32)).astype(np.int8)
    weigh_evidence(
        bits, evidence[rows], haze[rows], temperature, NONE, still, start, 20, clear, cold, warm, limit, probability,
        states,
    )  # fmt: skip
    return bits, probability, states


def case(kelvin=280.0, spectral=2.0, haze=0.12, bits=VALID | CANDIDATE):
    shape = (1, 1)
    return (
        np.full(shape, bits, np.uint16),
        np.full(shape, spectral * EVIDENCE_STEP, np.int8),
        np.full(shape, (haze + HAZE_OFFSET) * HAZE_STEP, np.uint8),
        np.full(shape, kelvin, np.float32),
    )


def test_clouds_are_bright_hazy_and_cold():
    bits, probability, states = weighed(*case())
    assert states[0, 0] == SEED
    assert probability[0, 0] > 95
    assert not bits[0, 0] & CLEAR
    warm, cool_but_clear = weighed(*case(kelvin=300.0)), weighed(*case(haze=0.005))
    assert warm[1][0, 0] < 40
    assert warm[2][0, 0] == GROWTH
    assert cool_but_clear[2][0, 0] == 0
    assert weighed(*case(bits=VALID))[0][0, 0] & CLEAR
    assert weighed(*case(bits=VALID))[1][0, 0] == 0
    assert weighed(*case(bits=0))[1][0, 0] == 255


def test_a_higher_limit_asks_for_more():
    likely = weighed(*case(kelvin=288.0, spectral=1.0), limit=0.0)
    odds = np.log(likely[1][0, 0] / (100 - likely[1][0, 0]))
    assert likely[2][0, 0] == SEED
    assert weighed(*case(kelvin=288.0, spectral=1.0), limit=odds + 0.2)[2][0, 0] != SEED


def test_what_stands_still_between_bands_is_no_cloud():
    still, moving = (np.full((1, 1), value * EVIDENCE_STEP, np.float32) for value in (-6.0, 4.0))
    none = NONE
    kept = weighed(*case()[:3], none, moving=moving)
    gone = weighed(*case()[:3], none, moving=still)
    assert kept[2][0, 0] == SEED
    assert gone[2][0, 0] == 0
    assert gone[1][0, 0] < kept[1][0, 0]


def test_land_stands_in_where_no_clear_water_is_known():
    water = case(bits=VALID | CANDIDATE | WATER)
    known, unknown = weighed(*water), weighed(*water, sea=np.nan)
    assert known[2][0, 0] == unknown[2][0, 0] == SEED


def test_probabilities_do_not_depend_on_blocks():
    generator, shape = np.random.default_rng(3), (40, 40)
    flags = np.where(generator.random(shape) < 0.8, VALID | CANDIDATE, 0).astype(np.uint16)
    evidence = generator.integers(-60, 60, shape).astype(np.int8)
    haze = generator.integers(30, 120, shape).astype(np.uint8)
    kelvin = generator.uniform(275, 300, shape).astype(np.float32)
    whole = weighed(flags, evidence, haze, kelvin)
    assert len(np.unique(whole[1])) > 50
    for start, stop in ((0, 7), (7, 31), (31, 40)):
        for part, full in zip(weighed(flags, evidence, haze, kelvin, start, stop), whole, strict=True):
            np.testing.assert_array_equal(part, full[start:stop])


# FORCE's own rules.


def test_force_knows_surfaces_by_thresholds():
    bits = {kind: as_force(kind, kelvin=one(285.0))[0] for kind in SEEN}
    assert bits["cloud"] & (CANDIDATE | BRIGHT | SNOW | WATER) == CANDIDATE | BRIGHT
    assert not bits["forest"] & (CANDIDATE | BRIGHT | WATER | SNOW)
    assert bits["lake"] & (WATER | DEEP | CANDIDATE) == WATER | DEEP
    assert bits["snow"] & SNOW
    assert bits["gap"] == 0
    assert not as_force("cloud", kelvin=one(300.2))[0] & CANDIDATE
    assert as_force("cloud", kelvin=one(300.1))[0] & CANDIDATE
    assert as_force("forest", full=True)[0] & (CANDIDATE | SATURATED) == CANDIDATE | SATURATED
    assert as_force("forest", cirrus=one(0.0102))[0] & CIRRUS
    assert not as_force("forest", cirrus=one(0.0102), elevation=one(900.0))[0] & CIRRUS
    assert not as_force("lake", slope=one(6.0))[0] & WATER


def test_force_sees_little_variability_in_clouds():
    blue, green, red, nir, swir1, _ = SEEN["cloud"]
    expected = 1 - max(
        abs((nir - red) / (nir + red)), abs((green - swir1) / (green + swir1)), whiteness(blue, green, red)
    )
    assert as_force("cloud")[1] == pytest.approx(expected, abs=0.5 / VARIABILITY_STEP + 1e-6)
    assert as_force("lake")[1] == pytest.approx(0.008 / 0.11, abs=0.5 / VARIABILITY_STEP + 1e-6)


def test_the_probability_of_force_has_its_closed_form():
    likeness = int(0.8 * VARIABILITY_STEP)
    assert cloud_probability(VALID, likeness, 280.0, 290.0, 296.0, 291.0) == pytest.approx(20 / 14 * 0.8)
    assert cloud_probability(VALID, likeness, 301.0, 290.0, 296.0, 291.0) == 0.0
    assert cloud_probability(VALID | WATER, likeness, 285.0, 290.0, 296.0, 291.0) == pytest.approx(6 / 4 * 0.8)
    assert cloud_probability(VALID | WATER, likeness, 285.0, 290.0, 296.0, np.nan) == 0.0


def test_force_decides_by_candidate_limit_and_great_cold():
    rows = np.array(
        [VALID | CANDIDATE | BRIGHT, VALID | CANDIDATE, VALID | BRIGHT, VALID | BRIGHT | SATURATED, 0], np.uint16
    )
    flags = np.stack([rows, rows])
    kelvin = np.repeat(np.float32([[280.0], [254.0]]), 5, axis=1)
    variability = np.full(flags.shape, VARIABILITY_STEP, np.uint8)
    probability, cloud = np.empty(flags.shape, np.float32), np.empty(flags.shape, bool)
    decide_as_force(flags, variability, kelvin, 290.0, 296.0, 291.0, 1.0, 1.0, probability, cloud)
    assert cloud.tolist() == [[True, False, False, True, False], [True, False, True, True, False]]
    assert np.isnan(probability[:, 4]).all()
    decide_as_force(flags, variability, kelvin, 290.0, 296.0, 291.0, 2.0, 1.0, probability, cloud)
    assert cloud[0].tolist() == [False, False, False, True, False]


def test_values_are_counted_where_bits_say_so():
    flags = np.array([[VALID | CLEAR, VALID | CLEAR | WATER, VALID, VALID | CLEAR]], np.uint16)
    values = np.array([[1.26, 1.26, 1.26, np.nan]], np.float32)
    counts = np.zeros(10, np.int64)
    count_values(flags, values, CLEAR, WATER, 1.0, 0.1, counts)
    assert counts.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    count_values(flags, np.full((1, 4), 99.0, np.float32), VALID, 0, 1.0, 0.1, counts)
    assert counts[9] == 4


def test_clear_is_neither_candidate_nor_near_snow():
    flags = np.array([[VALID, VALID, VALID | CANDIDATE, 0]], np.uint16)
    mark_clear(flags, np.array([[False, True, False, False]]))
    assert flags.tolist() == [[VALID | CLEAR, VALID, VALID | CANDIDATE, 0]]
