"""Frame geometries: the regions of the specification, how they fit together, and which a frame is given."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.geometry import Region, choose_geometry, geometries

# Rows, columns, first row, first column of the image, prescan, parallel and serial overscan (coronagraph spec, 2).
SPECIFIED = {
    "SCI": ((1024, 1024, 13, 1088), (1200, 1088, 0, 0), (163, 1056, 1037, 1088), (1200, 56, 0, 2144)),
    "ENG": ((1024, 1024, 13, 1088), (2200, 1088, 0, 0), (1163, 1056, 1037, 1088), (2200, 56, 0, 2144)),
    "ENG_EM": ((2048, 1024, 13, 1088), (2200, 1088, 0, 0), (130, 1056, 2070, 1088), (2200, 56, 0, 2144)),
    "ENG_CONV": ((2048, 1024, 13, 48), (2200, 1128, 0, 1072), (130, 1056, 2070, 16), (2200, 16, 0, 0)),
    "TEST": ((104, 105, 2, 108), (120, 108, 0, 0), (14, 107, 106, 108), (120, 5, 0, 215)),
}


@pytest.mark.parametrize("name", SPECIFIED)
def test_regions_are_those_of_the_specification(name):
    geometry = geometries()[name]
    regions = (geometry.image, geometry.prescan, geometry.parallel_overscan, geometry.serial_overscan)
    assert regions == tuple(Region(*numbers) for numbers in SPECIFIED[name])


def test_regions_share_out_the_frame():
    """Imaging area, prescan and overscans cover every pixel once; the image lies within the imaging area."""
    for geometry in geometries().values():
        covered = np.zeros(geometry.shape, dtype=np.int8)
        for region in (
            geometry.imaging_area, geometry.prescan, geometry.parallel_overscan, geometry.serial_overscan,
        ):  # fmt: skip
            covered[region.slices] += 1
        assert np.all(covered == 1), geometry.name
        inside = np.zeros(geometry.shape, dtype=bool)
        inside[geometry.imaging_area.slices] = True
        assert inside[geometry.image.slices].all()
        assert inside[geometry.image.slices].shape == (geometry.image.rows, geometry.image.columns)


def test_good_columns_lie_in_the_prescan_and_are_as_many_as_the_specification_says():
    for name, geometry in geometries().items():
        first, end = geometry.good_columns
        assert geometry.prescan.column <= first < end <= geometry.prescan.column + geometry.prescan.columns
        assert end - first == (108 if name == "TEST" else 200)
    assert geometries()["SCI"].good_columns == (800, 1000)
    assert geometries()["ENG_CONV"].good_columns == (1200, 1400)


def test_imaging_area_of_science_frames():
    assert geometries()["SCI"].imaging_area == Region(1037, 1056, 0, 1088)


@pytest.mark.parametrize(
    ("shape", "array_type", "name"),
    [
        ((1200, 2200), "SCI", "SCI"),
        ((1200, 2200), None, "SCI"),
        ((1200, 2200), "ENG_EM", "SCI"),
        ((2200, 2200), "ENG_CONV", "ENG_CONV"),
        ((2200, 2200), " eng_em ", "ENG_EM"),
        ((2200, 2200), "", "ENG"),
        ((2200, 2200), "SCI", "ENG"),
        ((120, 220), "SCI", "TEST"),
    ],
)
def test_choice_by_array_type_where_it_fits_else_by_shape(shape, array_type, name):
    assert choose_geometry(shape, array_type).name == name


def test_other_shapes_are_refused_by_name():
    with pytest.raises(InvalidInput, match=r"1024x1024 pixels.*SCI 1200x2200"):
        choose_geometry((1024, 1024), "SCI")


def test_regions_of_the_real_frame_show_what_they_hold(shared_data):
    """The statistics of the specification: bias in prescan and serial overscan, stars in the image, telemetry."""
    raw = fits.getdata(shared_data / "coronagraph" / "example_L1_input.fits").astype(np.float64)
    science = choose_geometry(raw.shape, "SCI")
    image = raw[science.image.slices]
    bias = raw[science.image.slices[0], slice(*science.good_columns)]
    assert np.median(bias) == 3121.0
    assert bias.std() == pytest.approx(19.3, abs=0.05)
    assert np.median(image) == 3639.0
    assert image.mean() == pytest.approx(3848.8, abs=0.05)
    assert image.max() == 9042.0
    assert np.median(raw[science.serial_overscan.slices]) == pytest.approx(3121.0, abs=2.0)
    telemetry = raw[-science.telemetry_rows :]
    assert telemetry.mean() == pytest.approx(310.0, abs=0.5)
    assert telemetry.max() == 65485.0
