"""Multi-extension FITS files of image planes, encoded in one pass with DATASUM and CHECKSUM.

A header is a list of 80-character card images: the Level-1 cards pass through as they are, new ones are formatted by
astropy. Swapping, summing and writing the planes in one buffer takes a third of the time that a general library
takes, and nothing in the file depends on the clock (FITS 4.0, sections 4 and appendix J).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numba import njit

from levelworks.core.bulk_write import scratch, write_bulk
from levelworks.core.outcome import InvalidInput, TransientError
from levelworks.coronagraph.headers import BLOCK, CARD, keyword_of, read_units

STRUCTURAL = {
    *("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "EXTEND"),
    *("BSCALE", "BZERO", "BLANK", "EXTNAME", "CHECKSUM", "DATASUM"),
}


LONGEST = 63

PUNCTUATION = frozenset((*range(58, 65), *range(91, 97)))
"""Character codes between digits and letters that a CHECKSUM must not hold."""


@dataclass(frozen=True)
class Plane:
    """One image extension: EXTNAME, data (float32, float64 or uint16, any shape), and further, not structural cards."""

    name: str
    data: np.ndarray
    cards: Sequence[str] = ()


@dataclass(frozen=True)
class TextTable:
    """One binary table of text columns: EXTNAME and values by column name, all of one length."""

    name: str
    columns: Mapping[str, Sequence[str]]


@lru_cache(maxsize=4096)
def _card(keyword: str, value: Hashable, kind: Hashable, comment: str) -> str:  # noqa: ARG001 - 1, 1.0 and True differ
    return str(fits.Card(keyword, value, comment))


def card(keyword: str, value: str | float | bool | None, comment: str = "") -> str:
    """Return the card image of a keyword; one that is too long for the standard becomes a HIERARCH card.

    A number that is not finite has no place in a header: its card is one without value.
    """
    if isinstance(value, float) and not np.isfinite(value):
        value = None
    long = len(keyword) > 8 and not keyword.startswith("HIERARCH ")
    image = _card(f"HIERARCH {keyword}" if long else keyword, value, type(value).__name__, comment)
    if len(image) == CARD:
        return image
    if isinstance(value, str):
        # A text that fills more than its card loses its middle, not its end; tables keep it whole.
        return card(keyword, f"{value[:30]}...{value[-30:]}" if len(value) > LONGEST else value)
    raise ValueError(f"{keyword}: {value!r} does not fit a card")


def update_cards(cards: Sequence[str], updates: Sequence[str]) -> list[str]:
    """Replace cards by those of the same keyword where they stand, append the others; drop structural ones."""
    new = {keyword_of(one): one for one in updates}
    kept = []
    replaced = False
    for one in cards:
        keyword = keyword_of(one)
        if keyword in STRUCTURAL or (replaced and one.startswith("CONTINUE")):
            continue
        replaced = keyword in new
        kept.append(new.pop(keyword) if replaced else one)
    return [*kept, *new.values()]


@njit(cache=True, nogil=True, inline="always")
def _swapped(word: int) -> Any:
    # Numba widens the shifted word to 64 bits; the masks keep it to 32.
    return (
        (word >> np.uint32(24))
        | ((word >> np.uint32(8)) & np.uint32(0xFF00))
        | ((word << np.uint32(8)) & np.uint32(0xFF0000))
        | ((word << np.uint32(24)) & np.uint32(0xFF000000))
    )


@njit(cache=True, nogil=True)
def _swap(words: np.ndarray, out: np.ndarray) -> Any:
    """Write 32-bit words in the other byte order; returns the sum of the words as they were."""
    total = np.uint64(0)
    for i in range(words.size):
        total += np.uint64(words[i])
        out[i] = _swapped(words[i])
    return total


@njit(cache=True, nogil=True)
def _sum_stored(words: np.ndarray) -> Any:
    """Add up 32-bit words that are stored in the other byte order."""
    total = np.uint64(0)
    for i in range(words.size):
        total += np.uint64(_swapped(words[i]))
    return total


def ones_complement(total: int) -> int:
    """Fold a sum of 32-bit words into 32 bits with end-around carry."""
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def encode_checksum(total: int) -> str:
    """Encode the complement of a 32-bit sum in the 16 printable characters of a CHECKSUM card (FITS 4.0, J.2)."""
    value = 0xFFFFFFFF - total
    characters = [[0] * 4 for _ in range(4)]
    for byte in range(4):
        part = value >> (24 - 8 * byte) & 0xFF
        quotient, remainder = divmod(part, 4)
        four = [quotient + remainder + 48, quotient + 48, quotient + 48, quotient + 48]
        while not PUNCTUATION.isdisjoint(four):
            for first in (0, 2):
                if four[first] in PUNCTUATION or four[first + 1] in PUNCTUATION:
                    four[first] += 1
                    four[first + 1] -= 1
        for position in range(4):
            characters[position][byte] = four[position]
    text = "".join(chr(code) for row in characters for code in row)
    return text[-1] + text[:-1]


def _encode_data(data: np.ndarray, out: np.ndarray) -> int:
    """Write an array's big-endian bytes into ``out`` (uint8, padded with zeros) and return their sum."""
    if data.dtype not in (np.float32, np.float64, np.uint16):
        raise TypeError(f"planes are float32, float64 or uint16 in native order, not {data.dtype}")
    flat = np.ascontiguousarray(data).reshape(-1)
    target = out[: flat.nbytes]
    out[flat.nbytes :] = 0
    if flat.dtype == np.float32:
        return int(_swap(flat.view(np.uint32), target.view(np.uint32)))
    if flat.dtype == np.uint16:
        target.view(">u2")[:] = flat ^ np.uint16(0x8000)
    else:
        target.view(">f8")[:] = flat
    return int(_sum_stored(out.view(np.uint32)))


def write_planes(path: Path, primary: Sequence[str], planes: Sequence[Plane], tables: Sequence[TextTable] = ()) -> None:
    """Write a FITS file of an empty primary HDU, image planes and tables, and reopen it to see that it is whole.

    Parameters
    ----------
    primary : sequence of str
        Cards of the primary header besides the structural ones.
    planes : sequence of Plane
    tables : sequence of TextTable

    Raises
    ------
    TransientError
        Where the file on the disk is not what was written.
    """
    front = [card("SIMPLE", True), card("BITPIX", 8), card("NAXIS", 0), card("EXTEND", True), *primary]
    tail = b"".join(_table_bytes(table) for table in tables)
    headers = [[*_structure(plane), *plane.cards] for plane in planes]
    sizes = [_header_size(one) + _blocks(plane.data.nbytes) for one, plane in zip(headers, planes, strict=True)]
    content = scratch(_header_size(front) + sum(sizes) + len(tail))
    end = _put(content, 0, _seal(front, 0))
    for one, plane, size in zip(headers, planes, sizes, strict=True):
        data = np.frombuffer(content[end + _header_size(one) : end + size], dtype=np.uint8)
        total = _encode_data(plane.data, data)
        _put(content, end, _seal(one, ones_complement(total)))
        end += size
    end = _put(content, end, tail)
    write_bulk(path, content[:end])
    try:
        found = [unit.name for unit in read_units(path, structure_only=True)]
    except InvalidInput as error:
        raise TransientError(f"not whole after writing: {error}") from error
    expected = ["", *(plane.name for plane in planes), *(table.name for table in tables)]
    if found != expected:
        raise TransientError(f"{path.name}: holds {found} after writing, not {expected}")


def _structure(plane: Plane) -> list[str]:
    unsigned = plane.data.dtype == np.uint16
    bits = 16 if unsigned else -8 * plane.data.dtype.itemsize
    cards = [card("XTENSION", "IMAGE", "Image extension"), card("BITPIX", bits), card("NAXIS", plane.data.ndim)]
    cards += [card(f"NAXIS{axis}", size) for axis, size in enumerate(reversed(plane.data.shape), start=1)]
    cards += [card("PCOUNT", 0), card("GCOUNT", 1)]
    if unsigned:
        cards += [card("BSCALE", 1), card("BZERO", 32768, "stored as signed integers")]
    return [*cards, card("EXTNAME", plane.name)]


def _header_size(cards: Sequence[str]) -> int:
    """Return the bytes of a header with its two checksum cards and END."""
    return _blocks((len(cards) + 3) * CARD)


def _blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _put(content: memoryview, start: int, part: bytes) -> int:
    content[start : start + len(part)] = part
    return start + len(part)


def _table_bytes(table: TextTable) -> bytes:
    columns = {name: [value.encode("ascii", "replace") for value in values] for name, values in table.columns.items()}
    widths = {name: max((len(value) for value in values), default=1) or 1 for name, values in columns.items()}
    rows = list(zip(*columns.values(), strict=True))
    data = b"".join(value.ljust(width) for row in rows for value, width in zip(row, widths.values(), strict=True))
    cards = [card("XTENSION", "BINTABLE", "binary table"), card("BITPIX", 8), card("NAXIS", 2)]
    cards += [card("NAXIS1", sum(widths.values())), card("NAXIS2", len(rows)), card("PCOUNT", 0), card("GCOUNT", 1)]
    cards += [card("TFIELDS", len(columns))]
    for number, (name, width) in enumerate(widths.items(), start=1):
        cards += [card(f"TTYPE{number}", name), card(f"TFORM{number}", f"{width}A")]
    cards.append(card("EXTNAME", table.name))
    padded = data + bytes(_blocks(len(data)) - len(data))
    words = np.frombuffer(padded, dtype=">u4").sum(dtype=np.uint64)
    return _seal(cards, ones_complement(int(words))) + padded


def _seal(cards: Sequence[str], data_sum: int) -> bytes:
    """Append DATASUM and CHECKSUM to a header and return its blocks."""
    sums = (card("DATASUM", str(data_sum), "sum of the data in 32-bit words"), card("CHECKSUM", "0" * 16, "HDU sum"))
    text = "".join((*cards, *sums, "END")).ljust(_header_size(cards))
    words = np.frombuffer(text.encode("ascii"), dtype=">u4")
    total = ones_complement(int(words.sum(dtype=np.uint64)) + data_sum)
    return text.replace("CHECKSUM= '" + "0" * 16, "CHECKSUM= '" + encode_checksum(total), 1).encode("ascii")
