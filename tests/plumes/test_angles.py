"""Angles of sun and view: closed forms, and interpolation across north."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levelworks.plumes.mapping.angles import (
    angles_of,
    direction_vectors,
    interpolate_directions,
    relative_azimuth,
    sun_glint_angle,
)


@pytest.mark.parametrize(
    ("sun", "view", "expected"), [(10, 30, 20), (350, 10, 20), (10, 350, 20), (0, 180, 180), (359, 179, 180), (5, 5, 0)]
)
def test_relative_azimuth(sun, view, expected):
    assert relative_azimuth(np.array(sun), np.array(view)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("sza", "vza", "raa", "expected"),
    [
        (30, 30, 180, 0),  # looking into the mirror
        (30, 30, 0, 60),  # with the sun behind
        (40, 0, 77, 40),  # nadir
        (0, 25, 13, 25),
        (60, 60, 90, 75.52248781407008),  # arccos 1/4
    ],
)
def test_glint_angle(sza, vza, raa, expected):
    assert sun_glint_angle(np.array(sza), np.array(vza), np.array(raa)) == pytest.approx(expected, abs=1e-5)


@given(st.floats(0, 80), st.floats(0, 360), st.floats(0, 60), st.floats(0, 360))
def test_glint_angle_is_that_between_view_and_mirror_image(sza, saa, vza, vaa):
    mirrored = direction_vectors(sza, saa + 180.0)
    view = direction_vectors(vza, vaa)
    expected = np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(mirrored - view) / 2, 0, 1)))
    found = sun_glint_angle(np.array(sza), np.array(vza), relative_azimuth(np.array(saa), np.array(vaa)))
    assert found == pytest.approx(expected, abs=3e-6)


@given(st.floats(0.01, 179.9), st.floats(0, 359.9))
def test_angles_come_back(zenith, azimuth):
    found = angles_of(direction_vectors(zenith, azimuth))
    assert found[0] == pytest.approx(zenith, abs=1e-9)
    assert (found[1] - azimuth + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_azimuths_of_359_and_1_give_0():
    """T8 of the specification."""
    corners = np.full((2, 2), 40.0), np.array([[359.0, 1.0], [359.0, 1.0]])
    zenith, azimuth = interpolate_directions(corners, (40.0, 0.0), (3, 5))
    assert np.abs((azimuth[:, 2] + 180) % 360 - 180).max() < 1e-9
    np.testing.assert_allclose(azimuth[:, 0], 359.0, atol=1e-9)
    np.testing.assert_allclose(azimuth[:, -1], 1.0, atol=1e-9)
    np.testing.assert_allclose(zenith, 40.0, atol=0.01)


def test_corners_and_centre_are_met():
    corners = np.array([[20.0, 24.0], [21.0, 26.0]]), np.array([[100.0, 110.0], [95.0, 120.0]])
    zenith, azimuth = interpolate_directions(corners, (25.0, 101.0), (7, 9))
    np.testing.assert_allclose(zenith[[0, 0, -1, -1], [0, -1, 0, -1]], corners[0].ravel(), atol=1e-9)
    np.testing.assert_allclose(azimuth[[0, 0, -1, -1], [0, -1, 0, -1]], corners[1].ravel(), atol=1e-9)
    assert (zenith[3, 4], azimuth[3, 4]) == pytest.approx((25.0, 101.0), abs=1e-9)


def test_one_pixel_has_the_centre():
    corners = np.full((2, 2), 30.0), np.full((2, 2), 10.0)
    zenith, azimuth = interpolate_directions(corners, (31.0, 12.0), (1, 1))
    assert (zenith.item(), azimuth.item()) == pytest.approx((31.0, 12.0))
