"""Simulated cosmic rays: charge, shape, charge law and tails."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.coronagraph import cosmic_ray_hits


def test_charge_of_hits_inside_is_conserved() -> None:
    hits = cosmic_ray_hits.draw_hits((60, 50), 40.0, np.random.default_rng())
    inside = (np.abs(hits.rows - 30) < 20) & (np.abs(hits.columns - 25) < 15) & (hits.widths * hits.stretches < 2.4)
    kept = cosmic_ray_hits.CosmicRayHits(**{name: values[inside] for name, values in vars(hits).items()})
    electrons = cosmic_ray_hits.deposit(kept, (60, 50))
    assert electrons.sum() == pytest.approx(kept.charges.sum(), rel=1e-12)
    everything = cosmic_ray_hits.deposit(hits, (60, 50))
    assert everything.sum() <= hits.charges.sum() * (1 + 1e-12)


def test_a_hit_is_centred_and_as_wide_as_it_says() -> None:
    one = cosmic_ray_hits.CosmicRayHits(*(np.array([v]) for v in (20.3, 25.8, 1000.0, 1.2, 2.0, 0.0)))
    electrons = cosmic_ray_hits.deposit(one, (50, 50))
    row, column = np.arange(50)[:, None], np.arange(50)[None, :]
    assert (electrons * row).sum() / 1000 == pytest.approx(20.3, abs=0.01)
    assert (electrons * column).sum() / 1000 == pytest.approx(25.8, abs=0.01)
    along = (electrons * (row - 20.3) ** 2).sum() / 1000
    across = (electrons * (column - 25.8) ** 2).sum() / 1000
    # A pixel adds the variance of its own width, 1/12.
    assert along == pytest.approx(2.4**2 + 1 / 12, rel=0.01)
    assert across == pytest.approx(1.2**2 + 1 / 12, rel=0.01)


def test_charges_follow_the_landau_law() -> None:
    charges = cosmic_ray_hits.draw_charges(40_000, np.random.default_rng())
    assert charges.min() >= 0
    assert charges.max() <= cosmic_ray_hits.CHARGE_LIMIT
    assert charges.mean() == pytest.approx(2349, abs=6 * charges.std() / 200)
    histogram, edges = np.histogram(charges, bins=np.arange(0, 5000, 100))
    assert 1100 < edges[histogram.argmax()] < 1600


@pytest.mark.parametrize(("gain", "length"), [(1.0, 1), (25.0, 1), (500.0, 20), (1000.0, 40), (7000.0, 40)])
def test_tails_grow_with_gain(gain: float, length: int) -> None:
    weights = cosmic_ray_hits.tail_weights(gain)
    assert weights.size == length
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)
    assert weights[0] / weights[-1] == pytest.approx((length + 1) / 2)
