"""Readers: pixels as astropy reads them, and files that are refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from levelworks.core.outcome import InvalidInput, InvalidReference
from levelworks.coronagraph.geometry import Geometry, geometries
from levelworks.coronagraph.level1 import level1_headers, write_level1
from levelworks.coronagraph.readers import read_any_map, read_level1, read_map, read_nonlinearity

WHOLE = (slice(None), slice(None))


@pytest.fixture
def raw(small: Geometry) -> np.ndarray:
    """Return a frame that holds the ends of the converter."""
    frame = np.random.default_rng(1).integers(0, 65536, small.shape).astype(np.uint16)
    frame[0, :4] = [0, 32767, 32768, 65535]
    return frame


@pytest.mark.parametrize("generation", ["fft", "flight"])
def test_level1_of_both_generations(generation, tmp_path, small, raw):
    path = tmp_path / "CGI_EXCAM_L1_0000000001.fits"
    write_level1(path, raw, level1_headers(generation, geometry=small, gain=100.0, exposure_time=2.0))
    frame = read_level1(path)
    assert (frame.name, frame.geometry.name) == ("CGI_EXCAM_L1_0000000001", "TEST")
    assert (frame.header.generation, frame.header.gain, frame.header.exposure_time) == (generation, 100.0, 2.0)
    found = frame.counts(*WHOLE)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, raw)
    image = frame.counts(*small.image.slices)
    np.testing.assert_array_equal(image, raw[small.image.slices])
    image[:] = 0
    np.testing.assert_array_equal(frame.counts(*WHOLE), raw, err_msg="counts are the caller's own")


def test_real_frame(shared_data):
    path = shared_data / "coronagraph" / "example_L1_input.fits"
    frame = read_level1(path)
    assert (frame.name, frame.geometry.name) == ("example_L1_input", "SCI")
    np.testing.assert_array_equal(frame.counts(*WHOLE), fits.getdata(path, 1))


@pytest.mark.parametrize("kind", ["i2", "i4", "f4", "f8", "u1", "u4"])
def test_frames_of_other_types_are_read_as_numbers(kind, tmp_path, small):
    data = np.random.default_rng(2).integers(0, 250, small.shape).astype(kind)
    header = fits.Header({"DATALVL": "L1", "EMGAIN_C": 1.0, "EXPTIME": 1.0})
    path = tmp_path / "frame.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(data, header)]).writeto(path)
    found = read_level1(path).counts(slice(3, 9), slice(5, 30))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, data[3:9, 5:30])


@pytest.mark.parametrize("missing", [1, 5000, 50_000])
def test_truncated_frames_are_refused(missing, tmp_path, small, raw):
    path = tmp_path / "frame.fits"
    write_level1(path, raw, level1_headers("fft", geometry=small, gain=1.0, exposure_time=1.0))
    start = read_level1(path).header.data_offset
    content = path.read_bytes()[: start + raw.nbytes]
    path.write_bytes(content)
    np.testing.assert_array_equal(read_level1(path).counts(*WHOLE), raw, err_msg="only fill is missing")
    path.write_bytes(content[:-missing])
    with pytest.raises(InvalidInput, match=rf"frame\.fits: truncated, {raw.nbytes - missing} of {raw.nbytes} bytes"):
        read_level1(path)


@pytest.mark.parametrize("level", ["L2a", "", "L1b"])
def test_other_levels_are_refused(level, tmp_path, small, raw):
    path = tmp_path / "frame.fits"
    headers = level1_headers("fft", geometry=small, gain=1.0, exposure_time=1.0, cards={"DATA_LEVEL": level})
    write_level1(path, raw, headers)
    with pytest.raises(InvalidInput, match=rf"frame\.fits: data level is {level or 'not given'}"):
        read_level1(path)


def test_other_shapes_are_refused(tmp_path):
    path = tmp_path / "frame.fits"
    header = fits.Header({"DATALVL": "L1", "EMGAIN_C": 1.0, "EXPTIME": 1.0})
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((1024, 1024), np.int16), header)]).writeto(path)
    with pytest.raises(InvalidInput, match="1024x1024"):
        read_level1(path)


def test_array_type_decides_between_frames_of_one_shape(tmp_path):
    path = tmp_path / "frame.fits"
    shape = geometries()["ENG_CONV"].shape
    for name in ("ENG", "ENG_CONV"):
        headers = level1_headers("flight", geometry=geometries()[name], gain=1.0, exposure_time=1.0)
        write_level1(path, np.zeros(shape, np.uint16), headers)
        assert read_level1(path).geometry.name == name


def write_map(path: Path, *units: np.ndarray | None) -> Path:
    first, *others = units
    fits.HDUList([fits.PrimaryHDU(first), *(fits.ImageHDU(data) for data in others)]).writeto(path, overwrite=True)
    return path


@pytest.mark.parametrize("kind", ["i2", "u2", "i8", "f4", "f8"])
def test_maps_of_any_type_from_the_first_image(kind, tmp_path):
    data = np.arange(12).reshape(3, 4).astype(kind)
    for path in (
        write_map(tmp_path / "primary.fits", data),
        write_map(tmp_path / "extension.fits", None, data, data + 1),
        write_map(tmp_path / "cube.fits", np.zeros((2, 3, 4)), data),
    ):
        found = read_map(path, (3, 4), "references.flat")
        assert found.dtype == np.float64
        assert found.flags.writeable
        np.testing.assert_array_equal(found, data)
        np.testing.assert_array_equal(read_any_map(path, "references.flat"), data)


def test_real_maps(shared_data):
    folder = shared_data / "coronagraph"
    pattern = read_map(folder / "fpn_20240322.fits", (1024, 1024), "references.fixed_pattern")
    dark = read_map(folder / "dark_current_20240322.fits", (1024, 1024), "references.dark_current")
    charge = read_map(folder / "cic_20240322.fits", (1024, 1024), "references.clock_induced_charge")
    assert (pattern.min(), pattern.max(), pattern.std()) == pytest.approx((-287.9, 296.9, 69.05), rel=1e-3)
    assert (dark.min(), dark.max(), dark.mean()) == pytest.approx((2.3e-4, 2.48e-3, 9.0e-4), rel=2e-2)
    assert (charge.min(), charge.max(), charge.mean()) == pytest.approx((2.1e-3, 1.88e-2, 8.83e-3), rel=1e-2)


@pytest.mark.filterwarnings("ignore:File may have been truncated")
def test_wrong_maps_are_refused_with_the_key_and_the_file(tmp_path):
    key = "references.flat"
    path = write_map(tmp_path / "flat.fits", np.zeros((5, 6)))
    with pytest.raises(InvalidReference, match=r"references\.flat: .*flat\.fits has 5x6 pixels.*1024x1024"):
        read_map(path, (1024, 1024), key)
    content = write_map(tmp_path / "flat.fits", np.zeros((80, 60))).read_bytes()
    for wrong in (content[: len(content) // 2], b"no FITS file", b""):
        path.write_bytes(wrong)
        with pytest.raises(InvalidReference, match=r"references\.flat: .*flat\.fits can't be read"):
            read_any_map(path, key)
    with pytest.raises(InvalidReference, match=r"references\.flat: .*nowhere\.fits can't be read"):
        read_any_map(tmp_path / "nowhere.fits", key)
    for units in ((None,), (np.zeros(5),), (None, np.zeros((2, 3, 4)))):
        with pytest.raises(InvalidReference, match="no two-dimensional image"):
            read_any_map(write_map(path, *units), key)


def test_nonlinearity_tables(tmp_path, shared_data):
    assert read_nonlinearity(shared_data / "coronagraph" / "nonlin_table_TVAC.txt").factors.shape == (461, 12)
    path = tmp_path / "table.csv"
    with pytest.raises(InvalidReference, match=r"table\.csv can't be read"):
        read_nonlinearity(path)
    path.write_bytes("nan,1,10\n100,1,1\n200,1,1\n# é".encode())
    with pytest.raises(InvalidReference, match=r"table\.csv can't be read"):
        read_nonlinearity(path)
    path.write_text("1,1,10\n100,1,1\n200,1,1\n")
    with pytest.raises(InvalidReference, match=r"references\.nonlinearity: table\.csv: the corner"):
        read_nonlinearity(path)
