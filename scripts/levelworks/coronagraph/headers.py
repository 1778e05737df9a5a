"""Level-1 headers of both generations, read card by card without a FITS library.

Planning a campaign looks at thousands of headers on a login node; two blocks of 80-character cards need no more
than this. Generations: FFT (Full Functional Test 2023; DATA_LEVEL, CMDGAIN or EM_GAIN) and flight (DATALVL,
EMGAIN_M, EMGAIN_A, EMGAIN_C).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

from levelworks.core.outcome import InvalidInput

BLOCK = 2880
CARD = 80
MAX_BLOCKS = 4096
"""Combinations list every frame in their header: room for some 140,000 of them."""


@dataclass(frozen=True)
class Level1Header:
    """What the pipeline needs of a frame's two headers.

    Attributes
    ----------
    primary, image : dict
        Values by keyword; HIERARCH keywords without that word.
    primary_cards, image_cards : tuple of str
        The 80-character card images, END and blank fill left out.
    data_offset : int
        Byte at which the image's data start.
    shape : tuple of int
        Rows and columns (NAXIS2, NAXIS1).
    """

    primary: dict[str, Any]
    image: dict[str, Any]
    primary_cards: tuple[str, ...]
    image_cards: tuple[str, ...]
    data_offset: int
    shape: tuple[int, int]

    @property
    def generation(self) -> Literal["flight", "fft"]:
        """Return which generation of headers this is."""
        return "flight" if "DATALVL" in self.image or "EMGAIN_C" in self.image else "fft"

    @property
    def level(self) -> str:
        """Return the data level, e.g. ``L1``."""
        return str(self.image.get("DATALVL", self.image.get("DATA_LEVEL", ""))).strip()

    @property
    def gain(self) -> float:
        """Return the EM gain: measured, else actual, else commanded.

        Raises
        ------
        InvalidInput
            Where the header gives none, or one below 1.
        """
        for keyword in ("EMGAIN_M", "EMGAIN_A", "EMGAIN_C", "CMDGAIN", "EM_GAIN"):
            value = self.image.get(keyword)
            if isinstance(value, int | float) and not isinstance(value, bool):
                if value <= 0 and keyword in ("EMGAIN_M", "EMGAIN_A"):
                    continue  # -1 stands for unknown
                if not value >= 1:
                    raise InvalidInput(f"EM gain of {value} in the header; it must be 1 or more")
                return float(value)
        raise InvalidInput("the header gives no EM gain (EMGAIN_M, EMGAIN_A, EMGAIN_C, CMDGAIN or EM_GAIN)")

    @property
    def exposure_time(self) -> float:
        """Return the exposure time in seconds.

        Raises
        ------
        InvalidInput
            Where EXPTIME is absent or negative.
        """
        value = self.image.get("EXPTIME")
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise InvalidInput(f"EXPTIME is {value!r}; seconds are needed")
        return float(value)

    @property
    def array_type(self) -> str:
        """Return ARRTYPE: SCI, ENG, ENG_EM or ENG_CONV."""
        return str(self.image.get("ARRTYPE", "")).strip()


def read_level1_header(path: Path) -> Level1Header:
    """Read primary and first extension header of a frame.

    Raises
    ------
    InvalidInput
        Where the file is no FITS file, is cut off within a header, or holds no plain two-dimensional image there.
    """
    with path.open("rb") as file:
        primary, primary_cards, _ = _read_header(file, path, first="SIMPLE")
        if _data_size(primary, path):
            raise InvalidInput(
                f"{path.name}: the primary HDU holds data; Level 1 keeps its image in the first extension"
            )
        image, image_cards, offset = _read_header(file, path, first="XTENSION")
    if image.get("XTENSION") != "IMAGE":
        raise InvalidInput(
            f"{path.name}: the first extension is no image but {image.get('XTENSION')}; unpack compressed frames first"
        )
    if image.get("NAXIS") != 2:
        raise InvalidInput(f"{path.name}: the first extension is no two-dimensional image (NAXIS {image.get('NAXIS')})")
    for keyword in ("BITPIX", "NAXIS1", "NAXIS2"):
        if not isinstance(image.get(keyword), int):
            raise InvalidInput(f"{path.name}: {keyword} is {image.get(keyword)!r}, a whole number is needed")
    return Level1Header(
        primary, image, primary_cards, image_cards, offset, (int(image["NAXIS2"]), int(image["NAXIS1"]))
    )


SETTING_DIGITS = 8


def round_setting(value: float) -> float:
    """Round a gain or an exposure time to the digits in which settings differ: clocks and converters leave noise."""
    return float(f"{value:.{SETTING_DIGITS}g}")


STRUCTURE = {f"{keyword:8}" for keyword in ("BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "EXTNAME")}


def _read_header(
    file: BinaryIO, path: Path, first: str, *, structure_only: bool = False
) -> tuple[dict[str, Any], tuple[str, ...], int]:
    values: dict[str, Any] = {}
    cards: list[str] = []
    for _ in range(MAX_BLOCKS):
        block = file.read(BLOCK)
        if not cards and not block.startswith(first.encode()):
            raise InvalidInput(f"{path.name}: no FITS file with an image extension ({first} not found)")
        if len(block) < BLOCK:
            raise InvalidInput(f"{path.name}: cut off within a header")
        if structure_only and cards:
            # What an HDU is stands in its first block (FITS 4.0, 4.4.1); of the others only the end matters.
            filled = block.rstrip(b" ")
            if filled.endswith(b"END") and (len(filled) - 3) % CARD == 0:
                return values, tuple(cards), file.tell()
            continue
        # Bytes that are not ASCII become question marks: cards are passed on, and products must be sound FITS.
        text = block.decode("ascii", errors="replace").replace("\ufffd", "?")
        for start in range(0, BLOCK, CARD):
            card = text[start : start + CARD]
            if card.startswith("END     "):
                return values, tuple(cards), file.tell()
            cards.append(card)
            if structure_only and card[:8] not in STRUCTURE:
                continue
            keyword, value = parse_card(card)
            if keyword and keyword not in values:
                values[keyword] = value
    raise InvalidInput(f"{path.name}: a header without end")


@lru_cache(maxsize=1 << 14)
def parse_card(card: str) -> tuple[str, Any]:
    """Return keyword and value of an 80-character card; an empty keyword where it carries none (FITS 4.0, 4.1)."""
    if card.startswith("HIERARCH ") and "=" in card:
        keyword, _, text = card[9:].partition("=")
        return keyword.strip(), _parse_value(text)
    if card[8:10] != "= ":
        return "", None
    return card[:8].strip(), _parse_value(card[10:])


def keyword_of(card: str) -> str:
    """Return the keyword of a card that has a value, else an empty text."""
    if card[8:10] == "= ":
        return card[:8].rstrip()
    return parse_card(card)[0] if card.startswith("HIERARCH ") else ""


def _parse_value(text: str) -> Any:
    text = text.strip()
    if text.startswith("'"):
        end = text.find("'", 1)
        while end != -1 and text[end : end + 2] == "''":
            end = text.find("'", end + 2)
        return text[1 : end if end != -1 else None].replace("''", "'").rstrip()
    text = text.partition("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    for convert in (int, float) if "_" not in text else ():
        try:
            return convert(text.replace("D", "E") if convert is float else text)
        except ValueError:
            continue
    return text or None


@dataclass(frozen=True)
class Unit:
    """One HDU of a FITS file: its EXTNAME, header values, card images, and where its data start (bytes)."""

    name: str
    values: dict[str, Any]
    cards: tuple[str, ...]
    offset: int


def read_units(path: Path, *, structure_only: bool = False) -> list[Unit]:
    """Walk through the HDUs of a FITS file by their headers alone.

    Parameters
    ----------
    structure_only : bool
        Read only the values that say how large an HDU is and what its name is.

    Raises
    ------
    InvalidInput
        Where a header is broken, or the file is shorter or longer than its headers say.
    """
    units: list[Unit] = []
    size = path.stat().st_size
    with path.open("rb", buffering=BLOCK) as file:
        end = 0
        while end < size:
            file.seek(end)
            values, cards, start = _read_header(
                file, path, first="XTENSION" if units else "SIMPLE", structure_only=structure_only
            )
            units.append(Unit(str(values.get("EXTNAME", "")), values, cards, start))
            end = start + -(-_data_size(values, path) // BLOCK) * BLOCK
    if end != size:
        raise InvalidInput(f"{path.name}: {size} bytes where its headers describe {end}")
    return units


def _data_size(header: dict[str, Any], path: Path) -> int:
    """Return the bytes of an HDU's data without its fill."""
    try:
        axes = int(header.get("NAXIS", 0))
        size = abs(int(header.get("BITPIX", 8))) // 8 if axes else 0
        for axis in range(1, axes + 1):
            size *= int(header[f"NAXIS{axis}"])
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(f"{path.name}: a header does not say how large its data are") from None
    return size
