"""The radar grid of a frame: every cell from one burst, seams where both have pixels, places that come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from levelworks.core.outcome import InvalidReference
from levelworks.insar.geometry.pair_offsets import BurstGrid
from levelworks.insar.mosaic.geometry_files import read_ground, read_mosaic, write_geometry
from levelworks.insar.mosaic.mosaic import make_mosaic
from levelworks.insar.safe.acquisition import read_acquisition

LOOKS = (4, 20)


@pytest.fixture(scope="module")
def bursts(real_pair):
    """Return the eighteen bursts of a real pass."""
    return read_acquisition([real_pair[0]], pixels=False).bursts


def test_cells_belong_to_one_burst_that_is_valid_there(bursts):
    mosaic = make_mosaic(bursts, LOOKS)
    taken = np.zeros(mosaic.shape, int)
    by_key = {burst.key: burst for burst in bursts}
    for place in mosaic.placements:
        taken[place.cells(LOOKS)] += 1
        lines, samples = place.inside
        burst = by_key[place.key]
        assert 0 <= lines.start < lines.stop <= burst.lines
        assert 0 <= samples.start < samples.stop <= burst.samples
        assert (lines.stop - lines.start) % LOOKS[0] == (samples.stop - samples.start) % LOOKS[1] == 0
    assert taken.max() == 1
    assert (taken == 1).mean() > 0.95


def test_seams_lie_in_what_both_have(bursts):
    mosaic = make_mosaic(bursts, LOOKS)
    by_key = {burst.key: burst for burst in bursts}
    places = {place.key: place for place in mosaic.placements}
    seams = 0
    for key, place in places.items():
        burst = by_key[key]
        after = places.get(f"{burst.swath.lower()}_{burst.id + 1:06d}")
        if after is None:
            continue
        assert place.lines[1] == after.lines[0]
        seam = place.lines[1]
        assert seam <= place.corner[0] + burst.valid.last_line
        assert seam >= after.corner[0] + by_key[after.key].valid.first_line
        seams += 1
    assert seams == 16
    one = next(place for key, place in places.items() if key.startswith("iw1"))
    two = next(place for key, place in places.items() if key.startswith("iw2"))
    assert one.samples[1] == two.samples[0]
    assert two.corner[1] - one.corner[1] == 19918  # of these two swaths, as the annotation has it


def test_pixels_keep_their_time_and_range(bursts):
    mosaic = make_mosaic(bursts, LOOKS)
    for place, burst in zip(mosaic.placements, sorted(bursts, key=lambda one: (one.swath, one.id)), strict=True):
        row = mosaic.rows_of(burst.time_of(100.0))
        column = mosaic.columns_of(burst.range_of(1000.0))
        assert row == pytest.approx((place.corner[0] + 100.5) / 4 - 0.5, abs=2e-3)
        assert column == pytest.approx((place.corner[1] + 1000.5) / 20 - 0.5, abs=1e-6)
    rows, columns = np.array([0.0, 17.25]), np.array([3.0, 900.5])
    assert mosaic.rows_of(mosaic.times_of(rows)) == pytest.approx(rows, abs=1e-6)
    assert mosaic.columns_of(mosaic.ranges_of(columns)) == pytest.approx(columns, abs=1e-6)


def test_a_burst_beside_the_grid_is_refused(bursts):
    shifted = replace(bursts[3], azimuth_time=bursts[3].azimuth_time + 0.4 * bursts[3].azimuth_time_interval)
    with pytest.raises(InvalidReference, match="beside the grid"):
        make_mosaic([*bursts[:3], shifted], LOOKS)


def test_files_bring_geometry_back(bursts, tmp_path):
    mosaic = make_mosaic(bursts, LOOKS)
    rng = np.random.default_rng(3)
    fields = rng.normal(size=(3, 5, 4))
    ground = BurstGrid(np.arange(0.0, 40, 8), np.arange(0.0, 128, 32), *fields)
    for name in ("one.h5", "two.h5"):
        write_geometry(tmp_path / name, mosaic, [("iw1_230132", ground)])
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    assert read_mosaic(tmp_path / "one.h5") == mosaic
    back = read_ground(tmp_path / "one.h5", "iw1_230132")
    for name in ("lines", "samples", "latitude", "longitude", "height"):
        assert np.array_equal(getattr(back, name), getattr(ground, name))
    with pytest.raises(InvalidReference, match="no ground of burst iw9_000001"):
        read_ground(tmp_path / "one.h5", "iw9_000001")
    (tmp_path / "two.h5").write_bytes(b"no")
    with pytest.raises(InvalidReference, match="run reference-geometry again"):
        read_mosaic(tmp_path / "two.h5")
