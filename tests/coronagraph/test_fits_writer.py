"""FITS files of our own: read back by astropy with sound checksums, Level-1 cards untouched, the same bytes always."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from levelworks.core.outcome import TransientError
from levelworks.coronagraph import fits_writer
from levelworks.coronagraph.fits_writer import (
    STRUCTURAL,
    Plane,
    TextTable,
    card,
    encode_checksum,
    ones_complement,
    update_cards,
    write_planes,
)
from levelworks.coronagraph.headers import parse_card, read_level1_header

SHAPES = [(1,), (7,), (1, 1), (3, 5), (104, 105), (1024, 3), (1, 41, 37), (720, 1), (2, 720)]


def open_verified(path: Path) -> fits.HDUList:
    """Open a file with astropy, turning a wrong CHECKSUM or DATASUM and any fault of the standard into an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        units = fits.open(path, checksum=True, memmap=False)
        units.verify("exception")
        for unit in units:
            assert unit.verify_checksum() == 1
            assert unit.verify_datasum() == 1
            _ = unit.data
    assert path.stat().st_size % 2880 == 0
    return units


def draw(shape: tuple[int, ...], kind: str) -> np.ndarray:
    rng = np.random.default_rng(sum(shape))
    if kind == "u2":
        data = rng.integers(0, 65536, shape).astype(np.uint16)
        data.reshape(-1)[0] = 65535
        return data
    data = (rng.normal(0.0, 1.0, shape) * 10.0 ** rng.integers(-30, 30, shape)).astype(kind)
    data.reshape(-1)[-1] = np.nan
    return data


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["f4", "f8", "u2"])
def test_planes_are_read_back_bit_for_bit(shape, kind, tmp_path):
    data = draw(shape, kind)
    write_planes(tmp_path / "x.fits", [], [Plane("SCI", data)])
    with open_verified(tmp_path / "x.fits") as units:
        assert [unit.name for unit in units] == ["PRIMARY", "SCI"]
        found = units["SCI"].data
        assert found.shape == shape
        assert found.astype(data.dtype).tobytes() == data.tobytes()
        assert (units["SCI"].header.get("BZERO") == 32768) == (kind == "u2")


def test_whole_product_with_table(tmp_path):
    rng = np.random.default_rng(1)
    planes = [
        Plane("SCI", rng.normal(size=(104, 105)).astype(np.float32), [card("BUNIT", "DN", "unit")]),
        Plane("ERR", rng.normal(size=(104, 105))),
        Plane("DQ", rng.integers(0, 9000, (104, 105)).astype(np.uint16)),
        Plane("BIAS", rng.normal(size=104).astype(np.float32)),
    ]
    table = TextTable("PROVENANCE", {"ROLE": ["frame", "flat", ""], "NAME": ["a.fits", "it's", "x" * 90]})
    write_planes(tmp_path / "x.fits", [card("ORIGIN", "here")], planes, [table, TextTable("NONE", {"A": []})])
    with open_verified(tmp_path / "x.fits") as units:
        assert [unit.name for unit in units] == ["PRIMARY", "SCI", "ERR", "DQ", "BIAS", "PROVENANCE", "NONE"]
        assert units[0].header["ORIGIN"] == "here"
        assert units[0].data is None
        assert units["SCI"].header["BUNIT"] == "DN"
        for plane in planes:
            np.testing.assert_array_equal(units[plane.name].data, plane.data)
        assert list(units["PROVENANCE"].data["ROLE"]) == ["frame", "flat", ""]
        assert list(units["PROVENANCE"].data["NAME"]) == ["a.fits", "it's", "x" * 90]
        assert len(units["NONE"].data) == 0


@pytest.mark.parametrize("cards", [*range(24, 40), 100])
def test_headers_of_any_length(cards, tmp_path):
    """A header of 36 cards fills its block; END and the checksums count."""
    data = np.arange(6, dtype=np.float32)
    more = [card(f"KEY{number}", number) for number in range(cards)]
    write_planes(tmp_path / "x.fits", more, [Plane("SCI", data, more), Plane("ERR", data, more)])
    with open_verified(tmp_path / "x.fits") as units:
        for unit in units:
            assert unit.header[f"KEY{cards - 1}"] == cards - 1
        np.testing.assert_array_equal(units["ERR"].data, data)


def test_level1_cards_pass_through(tmp_path, shared_data):
    source = shared_data / "coronagraph" / "example_L1_input.fits"
    header = read_level1_header(source)
    updates = [card("DATA_LEVEL", "L2a"), card("EXPTIME", 0.7, "changed"), card("A_NEW_KEYWORD", 1.5)]
    plane = Plane("SCI", np.zeros((4, 5), np.float32), update_cards(header.image_cards, updates))
    write_planes(tmp_path / "x.fits", header.primary_cards, [plane])
    with open_verified(tmp_path / "x.fits") as units:
        assert units[0].header["OBSTYPE"] == "SCI"
        found = [str(one) for one in units["SCI"].header.cards]
        assert units["SCI"].header["DATA_LEVEL"] == "L2a"
        assert units["SCI"].header["EXPTIME"] == 0.7
        assert units["SCI"].header["A_NEW_KEYWORD"] == 1.5
    changed = {"DATA_LEVEL", "EXPTIME"}
    kept = [one for one in header.image_cards if parse_card(one)[0] not in STRUCTURAL | changed]
    positions = [found.index(one) for one in kept]
    assert positions == sorted(positions)
    assert len(kept) == 55 - 9 - len(changed)
    before, after = (
        [parse_card(one)[0] for one in cards if parse_card(one)[0] not in STRUCTURAL]
        for cards in (header.image_cards, found)
    )
    assert after == [*before, "A_NEW_KEYWORD"]


def test_updates_replace_where_a_card_stands_and_structure_goes():
    cards = [card("BZERO", 32768), card("GAIN", 1.0), card("TIME", 2.0), card("XTENSION", "IMAGE"), "COMMENT GAIN = 3"]
    found = update_cards(cards, [card("NEW", 5), card("GAIN", 7.0, "better")])
    assert found == [card("GAIN", 7.0, "better"), card("TIME", 2.0), "COMMENT GAIN = 3", card("NEW", 5)]
    assert update_cards(found, []) == found


def test_long_keywords_become_hierarch_cards():
    assert card("DATA_LEVEL", "L2b").startswith("HIERARCH DATA_LEVEL = 'L2b")
    assert card("HIERARCH DATA_LEVEL", "L2b") == card("DATA_LEVEL", "L2b")
    assert card("EXPTIME", 1.5, "[s]").startswith("EXPTIME =                  1.5 / [s]")
    for keyword, value in (("MEDIAN_COMBINED", True), ("EIGHTKEY", 12), ("NINE_KEYS", -1.5e-7), ("NAME", "it's")):
        one = card(keyword, value)
        assert len(one) == 80
        assert parse_card(one) == (keyword, value)


def test_equal_values_of_other_types_are_other_cards():
    """1, 1.0 and True hash alike."""
    cards = [card("KEY", value) for value in (1, 1.0, True)]
    assert [parse_card(one)[1] for one in cards] == [1, 1.0, True]
    assert len(set(cards)) == 3


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_checksums_are_encoded_as_astropy_does(total):
    assert encode_checksum(total) == fits.ImageHDU()._char_encode(0xFFFFFFFF - total)


@pytest.mark.parametrize("total", [0, 1, 0xFFFFFFFF, 0x80808080, 0x12345678, 0xFF00FF00, 0x0B0B0B0B])
def test_encoded_checksums_are_printable_and_complement_the_sum(total):
    text = encode_checksum(total)
    assert len(text) == 16
    assert text.isalnum()
    # Turned back by one place, and the zero points of its characters taken off, the text is the complement.
    words = np.frombuffer((text[1:] + text[0]).encode("ascii"), dtype=">u4").sum(dtype=np.uint64)
    offset = 4 * 0x30303030
    assert ones_complement(int(words) - offset + total) == 0xFFFFFFFF


@given(st.lists(st.integers(0, 2**32 - 1), max_size=50))
def test_end_around_carry(words):
    total = 0
    for word in words:
        total += word
        total = (total & 0xFFFFFFFF) + (total >> 32)
    assert ones_complement(sum(words)) == total


def test_the_same_bytes_on_every_write(tmp_path):
    rng = np.random.default_rng(2)
    planes = [Plane("SCI", rng.normal(size=(9, 11)).astype(np.float32)), Plane("DQ", np.ones((9, 11), np.uint16))]
    table = TextTable("T", {"A": ["x"]})
    write_planes(tmp_path / "first.fits", [card("A", 1)], planes, [table])
    content = (tmp_path / "first.fits").read_bytes()
    # The buffer is used again: what a larger file left in it must not show.
    write_planes(tmp_path / "large.fits", [], [Plane("SCI", np.full((300, 300), np.pi))])
    write_planes(tmp_path / "second.fits", [card("A", 1)], planes, [table])
    assert (tmp_path / "second.fits").read_bytes() == content
    # A shorter file in place of a longer one is not padded with its rest.
    write_planes(tmp_path / "large.fits", [card("A", 1)], planes, [table])
    assert (tmp_path / "large.fits").read_bytes() == content


@pytest.mark.parametrize("order", ["C", "F"])
def test_layouts_of_memory(order, tmp_path):
    data = np.asarray(np.random.default_rng(3).normal(size=(30, 20)), dtype=np.float32, order=order)
    write_planes(tmp_path / "x.fits", [], [Plane("SCI", data[::2, 3:])])
    with open_verified(tmp_path / "x.fits") as units:
        np.testing.assert_array_equal(units["SCI"].data, data[::2, 3:])


def test_a_missing_unit_is_noticed(tmp_path, monkeypatch):
    def leave_out_the_last(path: Path, content: memoryview) -> None:
        path.write_bytes(bytes(content[:-5760]))

    monkeypatch.setattr(fits_writer, "write_bulk", leave_out_the_last)
    planes = [Plane("SCI", np.ones((10, 10))), Plane("ERR", np.ones((10, 10)))]
    with pytest.raises(TransientError, match=r"x\.fits"):
        write_planes(tmp_path / "x.fits", [], planes)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan")])
def test_numbers_that_are_not_finite_become_cards_without_value(value):
    assert parse_card(card("RN", value, "[e-] read noise")) == ("RN", None)
