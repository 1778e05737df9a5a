"""The master dark of one gain and exposure time."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.core.outcome import InvalidReference
from levelworks.coronagraph.dark import NoiseMap, master_dark
from levelworks.coronagraph.dq import DQ


def maps(generator, error=0.0):
    shape = (5, 7)
    return (
        NoiseMap(generator.normal(0, 70, shape), error),
        NoiseMap(generator.uniform(0, 1e-2, shape), error),
        NoiseMap(generator.uniform(0, 2e-2, shape), error),
    )


def test_dark_is_its_closed_form():
    pattern, current, charge = maps(np.random.default_rng())
    dark = master_dark(pattern, current, charge, 50.0, 3.0)
    assert np.allclose(dark.dark, pattern.value / 50 + 3 * current.value + charge.value, rtol=0, atol=1e-15)
    assert np.allclose(dark.register, dark.dark - pattern.value / 50, rtol=0, atol=1e-6)
    assert not dark.variance.any()


def test_errors_add_up_with_their_weights():
    pattern, current, charge = maps(np.random.default_rng(), error=0.5)
    dark = master_dark(pattern, current, charge, 50.0, 3.0)
    assert np.allclose(dark.variance, 0.25 * (1 / 2500 + 9 + 1))


@pytest.mark.parametrize("which", [1, 2])
def test_negative_dark_current_and_induced_charge_are_refused(which):
    found = list(maps(np.random.default_rng()))
    found[which].value[2, 3] = -1e-3
    with pytest.raises(InvalidReference, match="1 pixels are negative"):
        master_dark(*found, 1.0, 1.0)


def test_fixed_pattern_may_have_any_sign():
    pattern, current, charge = maps(np.random.default_rng())
    assert (pattern.value < 0).any()
    assert np.isfinite(master_dark(pattern, current, charge, 1.0, 1.0).dark).all()


def test_not_a_number_is_flagged_and_leaves_nothing():
    pattern, current, charge = maps(np.random.default_rng())
    pattern.value[1, 2] = np.nan
    dark = master_dark(pattern, current, charge, 1.0, 1.0)
    assert dark.dq[1, 2] == DQ.UNRELIABLE
    assert np.count_nonzero(dark.dq) == 1
    assert dark.dark[1, 2] == 0
    assert dark.invalid_share == pytest.approx(1 / 35)


def test_maps_of_different_shapes_are_refused():
    pattern, current, _ = maps(np.random.default_rng())
    with pytest.raises(InvalidReference, match="different shapes"):
        master_dark(pattern, current, NoiseMap(np.zeros((2, 2))), 1.0, 1.0)
