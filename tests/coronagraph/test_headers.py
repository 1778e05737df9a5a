"""Level-1 headers: values as astropy reads them, both generations, and files that are no Level 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.geometry import geometries
from levelworks.coronagraph.headers import (
    BLOCK,
    Level1Header,
    parse_card,
    read_level1_header,
    read_units,
    round_setting,
)
from levelworks.coronagraph.level1 import level1_headers


def write_headers(path: Path, *headers: str | fits.Header) -> Path:
    path.write_bytes(b"".join(str(h if isinstance(h, str) else h.tostring()).encode("ascii") for h in headers))
    return path


def header_block(*cards: str) -> str:
    text = "".join(card.ljust(80) for card in (*cards, "END"))
    return text.ljust(-(-len(text) // BLOCK) * BLOCK)


PRIMARY = header_block(
    "SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0"
)


def made_of(**image: object) -> Level1Header:
    return Level1Header({}, image, (), (), 0, (1200, 2200))


def same(found: object, expected: object) -> bool:
    return type(found) is type(expected) and found == expected


@pytest.mark.parametrize("generation", ["fft", "flight"])
def test_values_are_those_astropy_reads(generation, tmp_path, small):
    headers = level1_headers(generation, geometry=small, gain=1000.0, exposure_time=5.0)
    path = write_headers(tmp_path / "frame.fits", *headers)
    found = read_level1_header(path)
    assert found.generation == generation
    assert found.shape == small.shape
    assert found.data_offset == path.stat().st_size
    for ours, cards, theirs in (
        (found.primary, found.primary_cards, headers[0]), (found.image, found.image_cards, headers[1]),
    ):  # fmt: skip
        assert list(ours) == list(theirs)
        assert [key for key in ours if not same(ours[key], theirs[key])] == []
        assert list(cards) == [str(card) for card in theirs.cards]
    assert (found.level, found.gain, found.exposure_time, found.array_type) == ("L1", 1000.0, 5.0, "SCI")


def test_real_frame(shared_data):
    path = shared_data / "coronagraph" / "example_L1_input.fits"
    found = read_level1_header(path)
    assert (len(found.primary_cards), len(found.image_cards)) == (7, 55)
    assert (found.generation, found.level, found.gain, found.exposure_time) == ("fft", "L1", 1.0, 0.6)
    assert (found.shape, found.array_type) == ((1200, 2200), "SCI")
    with fits.open(path, do_not_scale_image_data=True) as units:
        assert all(same(found.image[key], value) for key, value in units[1].header.items())
        assert found.data_offset == units[1].fileinfo()["datLoc"]
    assert found.primary == {
        "SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True, "OBSID": 0, "BUILD": 22, "OBSTYPE": "SCI",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("card", "keyword", "value"),
    [
        ("HIERARCH DATA_LEVEL = 'L1      ' / level", "DATA_LEVEL", "L1"),
        ("HIERARCH A LONG.KEY = 'x = 1 / y' / two signs", "A LONG.KEY", "x = 1 / y"),
        ("TARGET  = 'Barnard''s star' / it''s near", "TARGET", "Barnard's star"),
        ("QUOTES  = ''''''''", "QUOTES", "'''"),
        ("EMPTY   = ''", "EMPTY", ""),
        ("BLANK   = '   '", "BLANK", ""),
        ("NOVALUE =                      / undefined", "NOVALUE", None),
        ("LEADING = '  x '", "LEADING", "  x"),
        ("OPEN    = 'no closing quote", "OPEN", "no closing quote"),
        ("YES     =                    T / true", "YES", True),
        ("NO      = F", "NO", False),
        ("COUNT   =                  -42", "COUNT", -42),
        ("GAIN    =                1.5D3 / double", "GAIN", 1500.0),
        ("SMALL   = -2.5E-07", "SMALL", -2.5e-07),
        ("CYCLES  =          93623449391", "CYCLES", 93623449391),
        ("COMMENT   = 'not a value'", "", None),
        ("HISTORY done at = 5", "", None),
        ("", "", None),
    ],
)
def test_cards(card, keyword, value):
    found = parse_card(card.ljust(80))
    assert found[0] == keyword
    assert same(found[1], value)


@given(
    st.one_of(
        st.booleans(),
        st.integers(-(10**18), 10**18),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    ),
    st.sampled_from(["KEY", "EIGHTKEY", "HIERARCH A LONGER ONE"]),
)
@settings(max_examples=150, deadline=None)
def test_cards_that_astropy_writes_are_read_back(value, keyword):
    card = fits.Card(keyword, value, "a comment")
    found = parse_card(str(card))
    expected = fits.Card.fromstring(str(card)).value
    assert found[0] == card.keyword
    assert same(found[1], expected)


def test_first_of_repeated_keywords_counts(tmp_path):
    structure = ("XTENSION= 'IMAGE   '", "BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 220", "NAXIS2  = 120")
    image = header_block(*structure, "ISPC    = 1", "ISPC    = 2")
    found = read_level1_header(write_headers(tmp_path / "x.fits", PRIMARY, image))
    assert found.image["ISPC"] == 1
    assert len(found.image_cards) == 7


@pytest.mark.parametrize(
    ("cards", "gain"),
    [
        ({"EMGAIN_M": 900.0, "EMGAIN_A": 950.0, "EMGAIN_C": 1000.0}, 900.0),
        ({"EMGAIN_A": 950.0, "EMGAIN_C": 1000.0}, 950.0),
        ({"EMGAIN_A": -1.0, "EMGAIN_C": 1000.0}, 1000.0),
        ({"EMGAIN_A": 0.0, "EMGAIN_C": 1000.0}, 1000.0),
        ({"EMGAIN_M": None, "EMGAIN_A": -1, "EMGAIN_C": 7}, 7.0),
        ({"EMGAIN_M": "", "EMGAIN_C": 5.0, "CMDGAIN": 6.0}, 5.0),
        ({"CMDGAIN": 6.0, "EM_GAIN": 8.0}, 6.0),
        ({"EM_GAIN": 1}, 1.0),
    ],
)
def test_gain_is_measured_else_actual_else_commanded(cards, gain):
    found = made_of(**cards).gain
    assert found == gain
    assert isinstance(found, float)


@pytest.mark.parametrize(
    "cards",
    [{}, {"CMDGAIN": "high"}, {"CMDGAIN": True}, {"CMDGAIN": 0.0}, {"EMGAIN_C": -3.0}, {"EM_GAIN": float("nan")}],
)
def test_gains_that_are_none_are_refused(cards):
    with pytest.raises(InvalidInput, match="gain"):
        _ = made_of(**cards).gain


@pytest.mark.parametrize("cards", [{}, {"EXPTIME": "long"}, {"EXPTIME": -1.0}, {"EXPTIME": float("nan")}])
def test_exposure_times_that_are_none_are_refused(cards):
    with pytest.raises(InvalidInput, match="EXPTIME"):
        _ = made_of(**cards).exposure_time
    assert made_of(EXPTIME=0).exposure_time == 0.0


def test_level_and_generation_by_their_keywords():
    assert made_of(DATALVL="L1", DATA_LEVEL="L2a").level == "L1"
    assert made_of(DATA_LEVEL="L1 ").level == "L1"
    assert made_of().level == ""
    assert made_of(DATALVL="L1").generation == "flight"
    assert made_of(EMGAIN_C=1.0).generation == "flight"
    assert made_of(DATA_LEVEL="L1", CMDGAIN=1.0).generation == "fft"
    assert made_of(ARRTYPE=" ENG_EM ").array_type == "ENG_EM"


@pytest.mark.parametrize("bytes_kept", [0, 1, 80, 2879, 2880, 2881, 5000, 8639])
def test_files_cut_off_within_a_header_are_refused(bytes_kept, tmp_path):
    headers = level1_headers("fft", geometry=geometries()["TEST"], gain=1.0, exposure_time=1.0)
    path = write_headers(tmp_path / "frame.fits", *headers)
    content = path.read_bytes()
    assert len(content) == 8640
    path.write_bytes(content[:bytes_kept])
    with pytest.raises(InvalidInput, match=r"frame\.fits"):
        read_level1_header(path)


@pytest.mark.parametrize("content", [b"CDF\x01" + bytes(9000), b"\xff" * 9000, b"SIMPLE  =" + b" " * 400_000])
def test_files_of_other_kinds_are_refused(content, tmp_path):
    path = tmp_path / "frame.fits"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"frame\.fits"):
        read_level1_header(path)


def test_data_in_the_primary_unit_and_other_dimensions_are_refused(tmp_path):
    fits.PrimaryHDU([[1, 2], [3, 4]]).writeto(tmp_path / "primary.fits")
    with pytest.raises(InvalidInput, match="primary HDU holds data"):
        read_level1_header(tmp_path / "primary.fits")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU([1, 2, 3])]).writeto(tmp_path / "line.fits")
    with pytest.raises(InvalidInput, match="NAXIS 1"):
        read_level1_header(tmp_path / "line.fits")


def test_units_are_walked_by_their_headers(tmp_path, shared_data):
    path = shared_data / "coronagraph" / "example_L1_input.fits"
    units = read_units(path)
    with fits.open(path, do_not_scale_image_data=True) as theirs:
        assert [unit.offset for unit in units] == [unit.fileinfo()["datLoc"] for unit in theirs]
        assert [unit.name for unit in units] == [unit.name if "EXTNAME" in unit.header else "" for unit in theirs]
        assert [len(unit.cards) for unit in units] == [len(unit.header.cards) for unit in theirs]
    content = path.read_bytes()
    for broken in (content[:-2880], content + bytes(2880)):
        (tmp_path / "frame.fits").write_bytes(broken)
        with pytest.raises(InvalidInput, match=r"frame\.fits"):
            read_units(tmp_path / "frame.fits")


def test_compressed_images_are_named_as_such(tmp_path):
    path = tmp_path / "frame.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((4, 4), np.int16))]).writeto(path)
    with pytest.raises(InvalidInput, match=r"frame\.fits: the first extension is no image but BINTABLE"):
        read_level1_header(path)


def test_bytes_that_are_not_ascii_become_question_marks(tmp_path, small):
    headers = level1_headers("fft", geometry=small, gain=1.0, exposure_time=0.6)
    path = write_headers(tmp_path / "frame.fits", *headers)
    path.write_bytes(path.read_bytes().replace(b"TRAP_PUMPING", b"TRAP\xe9PUMPING"))
    found = read_level1_header(path)
    assert found.image["OPMODE"] == "TRAP?PUMPING"
    assert all(card.isascii() for card in found.image_cards)


def test_headers_that_list_tens_of_thousands_of_frames_are_read(tmp_path):
    path = tmp_path / "combination.fits"
    listed = [f"FILE{number}".ljust(8) + f"= '{number}'" for number in range(1000)] * 25
    path.write_text(header_block("SIMPLE  =                    T", "NAXIS   =                    0", *listed))
    (unit,) = read_units(path)
    assert len(unit.cards) == 25_002


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.6000000000001, 0.6), (0.6, 0.6), (4999.123456, 4999.1235), (0.0, 0.0)]
)
def test_settings_are_told_apart_by_eight_digits(value, rounded):
    assert round_setting(value) == rounded
