"""Nonlinearity: the bits of numpy's interpolation, real tables and their faults, the inverse, coverage and flags."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidReference
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.nonlinearity import (
    NonlinearityCurve,
    NonlinearityTable,
    curve_at_gain,
    linearise,
    measure,
    parse_table,
)
from levelworks.coronagraph.scenes import nonlinearity_table

REAL = (
    "nonlin_array_20231104.txt",
    "nonlin_spike_update.csv",
    "nonlin_table_TVAC.txt",
    "nonlin_sample.csv",
    "ut_nonlin_array_ones.txt",
)
SMALL = "nan,1,10\n100,0.9,1.0\n200,1.0,1.1\n400,1.1,0.9\n"


@pytest.fixture
def real_tables(shared_data) -> dict[str, NonlinearityTable]:
    return {name: parse_table((shared_data / "coronagraph" / name).read_text(), name) for name in REAL}


def awkward_values(rng: np.random.Generator, counts: np.ndarray, size: int = 5000) -> np.ndarray:
    """Draw values inside and outside, with every knot, its neighbours in floating point, and whole numbers."""
    span = counts[-1] - counts[0]
    inside = rng.uniform(counts[0] - 0.2 * span, counts[-1] + 0.2 * span, size)
    knots = np.concatenate((counts, np.nextafter(counts, -np.inf), np.nextafter(counts, np.inf)))
    return np.concatenate((inside, np.rint(inside), knots, [0.0, -1e9, 1e9]))


def assert_is_numpy(values: np.ndarray, table: NonlinearityTable, gain: float) -> None:
    curve = curve_at_gain(table, gain)
    column = np.array([np.interp(gain, table.gains, row) for row in table.factors])
    np.testing.assert_allclose(curve.factors, column, rtol=2e-15, atol=2e-15)
    if gain in table.gains or not table.gains[0] < gain < table.gains[-1]:
        np.testing.assert_array_equal(curve.factors, column)
    linear, _ = linearise(values, curve, np.zeros(values.shape, np.uint16))
    expected = values * np.interp(values, curve.counts, curve.factors)
    np.testing.assert_array_equal(linear.view(np.uint64), expected.view(np.uint64))


@pytest.mark.parametrize("name", REAL)
def test_real_tables_give_the_bits_of_numpy(name, real_tables):
    rng, table = np.random.default_rng(), real_tables[name]
    between = rng.uniform(table.gains[0], table.gains[-1], 3)
    for gain in (*table.gains, *between, 0.5, 2 * table.gains[-1]):
        assert_is_numpy(awkward_values(rng, table.counts), table, float(gain))


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(2, 6), st.sampled_from([1.0, 20.0, 3000.0]))
@settings(max_examples=60, deadline=None)
def test_random_tables_give_the_bits_of_numpy(seed, rows, columns, spacing):
    rng = np.random.default_rng(seed)
    counts = np.cumsum(rng.exponential(spacing, rows) + 1e-3)
    gains = np.cumsum(rng.exponential(100.0, columns)) + 1
    table = NonlinearityTable(counts, gains, rng.normal(1.0, 0.2, (rows, columns)))
    for gain in (gains[0], rng.uniform(gains[0], gains[-1]), gains[-1] + 1):
        assert_is_numpy(awkward_values(rng, counts, 300), table, float(gain))


def test_single_precision_and_in_place(real_tables):
    table = real_tables["nonlin_table_TVAC.txt"]
    curve = curve_at_gain(table, 1000.0)
    values = np.random.default_rng(1).uniform(0, 12000, (30, 50)).astype(np.float32)
    dq = np.zeros(values.shape, np.uint16)
    expected = (values.astype(np.float64) * np.interp(values, curve.counts, curve.factors)).astype(np.float32)
    linear, _ = linearise(values, curve, dq)
    assert linear.tobytes() == expected.tobytes()
    again, _ = linearise(values, curve, dq, out=values)
    assert again is values
    assert values.tobytes() == expected.tobytes()


def test_a_table_of_ones_changes_nothing(real_tables):
    values = np.random.default_rng(2).normal(1000.0, 5000.0, 20_000)
    linear, _ = linearise(values, curve_at_gain(real_tables["ut_nonlin_array_ones.txt"], 7.0), np.zeros(20_000, "u2"))
    assert linear.tobytes() == values.tobytes()


def test_specified_sizes_and_ranges_of_the_real_tables(real_tables):
    expected = {
        "nonlin_array_20231104.txt": (114, 495.3, 6976.6, 4, 1000, 0.192, 1.071),
        "nonlin_spike_update.csv": (40, 1, 65536, 12, 7000, 0.937, 15000),
        "nonlin_table_TVAC.txt": (461, 800, 10000, 12, 7146, 0.9599, 1.2165),
        "nonlin_sample.csv": (40, 1, 65536, 12, 7000, 0.937, 1.065),
    }
    for name, (size, first, last, gains, highest, low, high) in expected.items():
        table = real_tables[name]
        assert table.factors.shape == (size, gains)
        assert (table.counts[0], table.counts[-1]) == pytest.approx((first, last), abs=0.06)
        assert (table.gains[0], table.gains[-1]) == (1, highest)
        assert (table.factors.min(), table.factors.max()) == pytest.approx((low, high), abs=6e-4)


def test_faulty_real_tables_are_found_out_and_sane_ones_are_not(real_tables):
    steep = curve_at_gain(real_tables["nonlin_array_20231104.txt"], 1.0)
    assert "of 114 factors lie outside 0.8..1.25" in steep.findings[0]
    assert "from 0.19" in steep.findings[0]
    assert "at 495.." in steep.findings[0]
    spikes = [curve_at_gain(real_tables["nonlin_spike_update.csv"], float(gain)) for gain in (1, 10, 100, 1000, 7000)]
    found = [sentence for curve in spikes for sentence in curve.findings]
    assert any("15000" in sentence for sentence in found)
    assert any("falls with rising count" in sentence for sentence in found)
    for name in ("nonlin_table_TVAC.txt", "nonlin_sample.csv", "ut_nonlin_array_ones.txt"):
        for gain in (*real_tables[name].gains, 3.3, 444.0):
            assert curve_at_gain(real_tables[name], float(gain)).findings == (), (name, gain)


def test_third_of_the_real_frame_lies_under_the_seed_s_table(real_tables, shared_data):
    """34.8 % of the image are multiplied by 0.192 (coronagraph spec, 3.4)."""
    fits = pytest.importorskip("astropy.io.fits")
    raw = fits.getdata(shared_data / "coronagraph" / "example_L1_input.fits").astype(np.float64)
    image = raw[13:1037, 1088:2112] - np.median(raw[13:1037, 800:1000], axis=1, keepdims=True)
    dq = np.zeros(image.shape, np.uint16)
    linear, coverage = linearise(image, curve_at_gain(real_tables["nonlin_array_20231104.txt"], 1.0), dq)
    assert coverage.below == pytest.approx(0.348, abs=5e-4)
    assert coverage.strange > coverage.below
    assert coverage.above == 0
    assert np.count_nonzero(dq & DQ.OUT_OF_TABLE) == round(coverage.strange * image.size)
    assert linear.sum() == pytest.approx(418415137.13925505, rel=1e-13)
    assert linear[0, 0] == pytest.approx(96.21873979591363, rel=1e-14)
    assert linear[500, 500] == pytest.approx(288.95988229522624, rel=1e-14)
    assert (linear.min(), linear.max()) == pytest.approx((22.673126874, 5957.94978729), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,1,10\n100,1,1\n200,1,1\n", "corner must be nan"),
        ("nan,1,10\n100,1,1\n", "at least 2 counts"),
        ("nan,1\n100,1\n200,1\n", "at least 2 counts and 2 gains"),
        ("", "at least 2 counts"),
        ("nan,1,10\n200,1,1\n100,1,1\n", "counts .* strictly increasing"),
        ("nan,1,10\n100,1,1\n100,1,1\n", "counts .* strictly increasing"),
        ("nan,10,1\n100,1,1\n200,1,1\n", "gains .* strictly increasing"),
        ("nan,1,10\nnan,1,1\n200,1,1\n", "counts .* finite"),
        ("nan,1,inf\n100,1,1\n200,1,1\n", "gains .* finite"),
        ("nan,1,10\n100,1,nan\n200,1,1\n", "not finite"),
        ("nan,1,10\n100,1,1.1\n200,1,1.2\n", "gain 10 neither contains nor straddles 1"),
        ("nan,1,10\n100,0.8,1\n200,0.9,1\n", "gain 1 neither contains nor straddles 1"),
        ("nan,1,10\n100,1\n200,1,1\n", "equal row lengths"),
        ("nan,1,10\n100,one,1\n200,1,1\n", "not a table of numbers"),
    ],
)
def test_wrong_tables_are_refused_by_name(text, message):
    with pytest.raises(InvalidReference, match=f"mine.csv: .*{message}"):
        parse_table(text, "mine.csv")


def test_tables_are_parsed_as_they_stand():
    table = parse_table("\n" + SMALL.replace(",", " , ") + "\n\n")
    np.testing.assert_array_equal(table.counts, [100, 200, 400])
    np.testing.assert_array_equal(table.gains, [1, 10])
    np.testing.assert_array_equal(table.factors, [[0.9, 1.0], [1.0, 1.1], [1.1, 0.9]])
    np.testing.assert_allclose(curve_at_gain(table, 5.5).factors, [0.95, 1.05, 1.0], rtol=1e-15)
    for gain, column in ((0.1, 0), (1.0, 0), (10.0, 1), (5000.0, 1)):
        np.testing.assert_array_equal(curve_at_gain(table, gain).factors, table.factors[:, column])


@pytest.mark.parametrize("gain", [1.0, 37.0, 1000.0, 7000.0])
def test_measuring_undoes_linearising(gain, real_tables):
    for table in (nonlinearity_table(), real_tables["nonlin_sample.csv"], real_tables["nonlin_table_TVAC.txt"]):
        curve = curve_at_gain(table, gain)
        knots = curve.counts * curve.factors
        linear = np.concatenate((np.linspace(-2000.0, 70_000.0, 20_001), knots, -knots))
        measured = measure(linear, curve)
        back, _ = linearise(measured, curve, np.zeros(measured.shape, np.uint16))
        np.testing.assert_allclose(back, linear, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(measure(knots, curve), curve.counts, rtol=1e-12)


def test_curves_without_an_inverse_are_refused(real_tables):
    for factors in ([1.0, 0.4, 1.0], [-1.0, 0.5, 1.0]):
        with pytest.raises(InvalidReference, match="monotone"):
            measure(np.ones(3), NonlinearityCurve(np.array([100.0, 200.0, 400.0]), np.array(factors), ()))
    with pytest.raises(InvalidReference, match="monotone"):
        measure(np.ones(3), curve_at_gain(real_tables["nonlin_spike_update.csv"], 100.0))


def test_coverage_and_flags():
    curve = NonlinearityCurve(np.array([100.0, 200.0, 300.0, 400.0]), np.array([0.7, 0.9, 1.1, 1.3]), ())
    values = np.array([-5.0, 99.9, 100.0, 149.0, 151.0, 374.0, 376.0, 400.0, 400.1, 1e6])
    dq = np.full(values.shape, int(DQ.HOT), np.uint16)
    _, coverage = linearise(values, curve, dq)
    assert (coverage.below, coverage.above) == (0.2, 0.2)
    assert coverage.strange == 0.8, "all whose factor is below 0.8 or above 1.25, outside the table too"
    out, high, hot = int(DQ.OUT_OF_TABLE), int(DQ.NONLINEAR), int(DQ.HOT)
    expected = [out, out, out, out, 0, 0, out, out, out | high, out | high]
    np.testing.assert_array_equal(dq, np.array(expected) | hot)


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 6000])
def test_coverage_of_any_size(size):
    """The image is treated by stretches of 2048 pixels."""
    curve = NonlinearityCurve(np.array([100.0, 200.0]), np.array([0.9, 1.1]), ())
    values = np.random.default_rng(size).uniform(0.0, 300.0, size)
    dq = np.zeros(size, np.uint16)
    _, coverage = linearise(values, curve, dq)
    assert coverage.below * max(size, 1) == pytest.approx(np.count_nonzero(values < 100))
    assert coverage.above * max(size, 1) == pytest.approx(np.count_nonzero(values > 200))
    assert coverage.strange == 0
    np.testing.assert_array_equal((dq & DQ.OUT_OF_TABLE) != 0, (values < 100) | (values > 200))
    np.testing.assert_array_equal((dq & DQ.NONLINEAR) != 0, values > 200)
