"""Independent looks and the bias of coherence, against noise of the processor's own spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.insar.interferograms.equivalent_looks import debias_coherence, equivalent_looks, expected_coherence
from levelworks.insar.safe.acquisition import read_acquisition


def test_zero_coherence_has_the_closed_form():
    # Gamma(L) Gamma(3/2) / Gamma(L + 1/2), about sqrt(pi / 4L).
    assert expected_coherence(np.zeros(1), 2.0)[0] == pytest.approx(2 / 3, abs=1e-9)
    assert expected_coherence(np.zeros(1), 100.0)[0] == pytest.approx(np.sqrt(np.pi / 400), rel=2e-3)


@pytest.mark.parametrize(("true", "looks"), [(0.2, 6), (0.5, 6), (0.8, 20), (0.1, 60)])
def test_estimates_of_noise_are_on_average_as_expected(true, looks):
    rng = np.random.default_rng([11, looks, int(100 * true)])
    one, other = (rng.normal(size=(20000, looks, 2)).view(np.complex128)[..., 0] for _ in range(2))
    two = true * one + np.sqrt(1 - true**2) * other
    power = np.sqrt((np.abs(one) ** 2).sum(1) * (np.abs(two) ** 2).sum(1))
    seen = np.abs((one * two.conj()).sum(1)) / power
    assert expected_coherence(np.array([true]), looks)[0] == pytest.approx(
        seen.mean(), abs=4 * seen.std() / np.sqrt(seen.size)
    )


def test_debiasing_is_the_inverse():
    true = np.linspace(0, 0.95, 40)
    for looks in (5.0, 36.5, 330.0):
        assert debias_coherence(expected_coherence(true, looks).astype(np.float32), looks) == pytest.approx(
            true, abs=2e-3 if looks > 10 else 5e-3
        )
    assert np.isnan(debias_coherence(np.array([np.nan], np.float32), 10.0)).all()
    assert debias_coherence(np.array([0.01, 1.0], np.float32), 10.0).tolist() == [0.0, 1.0]


def test_looks_of_a_real_burst_are_those_of_noise_with_its_spectrum(real_pair):
    burst = read_acquisition([real_pair[0]], pixels=False, swaths=("IW1",)).bursts[0]
    looks = (4, 20)
    rng = np.random.default_rng(5)
    field = np.fft.fft2(rng.normal(size=(960, 960, 2)).view(np.complex128)[..., 0])
    for axis, (window, rate) in enumerate(
        ((burst.azimuth_window, 1 / burst.azimuth_time_interval), (burst.range_window, burst.range_sampling_rate))
    ):
        place = np.fft.fftfreq(960) * rate / window.bandwidth
        shape = np.where(
            np.abs(place) <= 0.5, window.coefficient + (1 - window.coefficient) * np.cos(2 * np.pi * place), 0
        )
        field *= np.expand_dims(shape, 1 - axis)
    power = np.abs(np.fft.ifft2(field)) ** 2
    sums = power.reshape(240, 4, 48, 20).sum((1, 3))
    independent = sums.mean() ** 2 / sums.var()
    # 11520 cells: the variance is known to 1.3 %.
    assert equivalent_looks(burst, looks) == pytest.approx(independent, rel=0.05)
    assert equivalent_looks(burst, (1, 1)) == 1
