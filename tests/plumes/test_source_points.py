from __future__ import annotations

import numpy as np
import pytest
from plume_fields import clutter, gaussian_plume, places

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.detection.detect import Criteria, find_plumes
from levelworks.plumes.detection.source_points import (
    find_source,
    grid_wind,
    ground_distance,
    nearest_site,
)
from levelworks.plumes.earth import EARTH_RADIUS
from levelworks.plumes.sites import read_sites


@pytest.mark.parametrize("heading", np.radians([0, 30, 75, 120, 200, 310]))
def test_source_without_noise_is_within_a_pixel(heading):
    truth = gaussian_plume((160, 160), (80.3, 79.6), 5.0, 5.0, heading)
    mask = truth > 0.02 * truth.max()
    wind = (np.sin(heading), np.cos(heading))
    for given in (wind, None):
        found = find_source(truth, mask, given)
        assert np.hypot(found.row - 80.3, found.column - 79.6) < 1.0
        assert np.dot(found.axis, wind) > 0.97


def located(seed, wind_error, count=15):
    rng = np.random.default_rng(seed)
    errors, confidences = [], []
    for _ in range(count):
        source, heading = rng.uniform(50, 110, 2), rng.uniform(0, 2 * np.pi)
        field = gaussian_plume((160, 160), source, 3.0, 5.0, heading) + clutter(rng, (160, 160))
        found = find_plumes(field, Criteria())
        blown = heading + np.radians(rng.normal(0, wind_error)) if wind_error is not None else None
        wind = None if blown is None else (np.sin(blown), np.cos(blown))
        start = find_source(field, found.labels == 1, wind, float(np.nanmax(found.signal)))
        errors.append(np.hypot(start.row - source[0], start.column - source[1]))
        confidences.append(start.confidence)
    return np.array(errors), np.array(confidences)


def test_sources_of_detected_plumes_lie_within_a_pixel_with_wind_and_without():
    with_wind, sure = located(71, 25.0)
    without, less_sure = located(72, None)
    assert np.median(with_wind) < 1.0
    assert np.quantile(with_wind, 0.9) < 2.0
    assert np.median(without) < 1.0
    assert ((sure > 0) & (sure <= 1)).all()
    assert sure.mean() > less_sure.mean()


def test_round_plumes_and_weak_signals_are_less_sure():
    rows, columns = np.mgrid[:41, :41]
    blob = np.exp(-((rows - 20) ** 2 + (columns - 20) ** 2) / 30)
    round_one = find_source(blob, blob > 0.2)
    truth = gaussian_plume((160, 160), (80, 40), 5.0, 5.0, 0.0)
    long_one = find_source(truth, truth > 0.02 * truth.max())
    assert round_one.confidence < 0.3 < long_one.confidence
    weak = find_source(truth, truth > 0.02 * truth.max(), peak_snr=4.0)
    assert weak.confidence < long_one.confidence


def test_one_pixel_and_negative_plumes_have_a_source():
    mask = np.zeros((9, 9), dtype=bool)
    mask[4, 5] = True
    found = find_source(np.full((9, 9), -1.0), mask)
    assert np.hypot(found.row - 4, found.column - 5) <= 1
    assert 0 <= found.confidence <= 1


def test_wind_in_the_grid():
    longitude, latitude = places((20, 30))
    assert grid_wind(3.0, 0.0, longitude, latitude, 10, 15) == pytest.approx((0, 1), abs=1e-3)
    assert grid_wind(0.0, 2.0, longitude, latitude, 0, 0) == pytest.approx((-1, 0), abs=1e-3)
    # A grid turned by a quarter: rows run eastward, columns northward.
    assert grid_wind(3.0, 0.0, longitude.T, latitude.T[:, ::-1], 10, 10) == pytest.approx((1, 0), abs=1e-3)
    assert grid_wind(0.0, 0.0, longitude, latitude, 10, 15) is None
    assert grid_wind(1.0, 0.0, np.full((20, 30), np.nan), latitude, 10, 15) is None
    shifted = (longitude - longitude[10, 15] + 360) % 360 - 180
    assert grid_wind(3.0, 0.0, shifted, latitude, 10, 15) == pytest.approx((0, 1), abs=1e-3)


def test_sites_and_distances(tmp_path):
    assert ground_distance(0.0, 0.0, 1.0, 0.0) == pytest.approx(np.pi / 180 * EARTH_RADIUS)
    assert ground_distance(179.9, 0.0, -179.9, 0.0) == pytest.approx(0.2 * np.pi / 180 * EARTH_RADIUS)
    table = tmp_path / "sites.csv"
    table.write_text("name,latitude,longitude,note\nwest,38.0,53.0,x\neast,38.0,55.0,\n")
    sites = read_sites(table)
    name, distance = nearest_site(sites, 54.9, 38.0)
    assert name == "east"
    assert distance == pytest.approx(0.1 * np.pi / 180 * EARTH_RADIUS * np.cos(np.radians(38)), rel=1e-3)
    assert nearest_site([], 0, 0) is None


@pytest.mark.parametrize(
    "text", ["name,lat,lon\na,1,2\n", "name,latitude,longitude\na,x,2\n", "name,latitude,longitude\na,99,2\n"]
)
def test_wrong_sites_are_refused(tmp_path, text):
    table = tmp_path / "sites.csv"
    table.write_text(text)
    with pytest.raises(InvalidReference, match=r"sites\.csv"):
        read_sites(table)
