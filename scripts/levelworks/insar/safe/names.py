"""Names of Sentinel-1 IW SLC products and of their annotation and measurement files."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from levelworks.core.outcome import InvalidInput

PRODUCT_PATTERN = (
    r"(S1[A-Z])_IW_SLC__1S(SH|SV|DH|DV)_(\d{8}T\d{6})_(\d{8}T\d{6})_(\d{6})_([0-9A-F]{6})_([0-9A-F]{4})(\.SAFE|\.zip)?"
)
"""Of whole names of folders and archives: mission, polarisation, start, stop, absolute orbit, data take, unique id."""
FILE_PATTERN = (
    r"(?:(calibration|noise|rfi)-)?(s1[a-z])-(iw[123])-slc-(vv|vh|hh|hv)-(\d{8}t\d{6})-(\d{8}t\d{6})-(\d{6})-"
    r"([0-9a-f]{6})-(\d{3})\.(xml|tiff)"
)
"""Of annotation and measurement files: kind, mission, swath, polarisation, start, stop, orbit, data take, number."""
SWATHS = ("IW1", "IW2", "IW3")
POLARISATIONS = {"SH": ("HH",), "SV": ("VV",), "DH": ("HH", "HV"), "DV": ("VV", "VH")}


@dataclass(frozen=True)
class ProductName:
    """What the agency's name of an IW SLC product says; times in UTC to the second."""

    id: str
    mission: str
    polarisations: tuple[str, ...]
    start: dt.datetime
    stop: dt.datetime
    absolute_orbit: int
    data_take: str


@dataclass(frozen=True)
class FileName:
    """What the name of an annotation or measurement file says; ``kind`` is product, calibration, noise or rfi."""

    kind: str
    swath: str
    polarisation: str
    suffix: str


def parse_product_name(name: str) -> ProductName:
    """Take the name of an IW SLC product apart.

    Raises
    ------
    InvalidInput
        Where it is none.
    """
    found = re.fullmatch(PRODUCT_PATTERN, name)
    if found is None:
        raise InvalidInput(
            f"{name}: not the name of a Sentinel-1 IW SLC product, such as "
            "S1A_IW_SLC__1SDV_20250406T022008_20250406T022035_058630_07421F_93A7 (.SAFE folder or .zip)"
        )
    try:
        start, stop = (dt.datetime.strptime(found[group], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC) for group in (3, 4))
    except ValueError:
        raise InvalidInput(f"{name}: {found[3]} or {found[4]} is no time") from None
    if stop <= start:
        raise InvalidInput(f"{name}: it ends before it starts")
    identifier = name.removesuffix(found[8] or "")
    return ProductName(identifier, found[1], POLARISATIONS[found[2]], start, stop, int(found[5]), found[6])


def parse_file_name(name: str) -> FileName | None:
    """Take the name of an annotation or measurement file apart; None where it is neither."""
    found = re.fullmatch(FILE_PATTERN, name)
    if found is None:
        return None
    return FileName(found[1] or "product", found[3].upper(), found[4].upper(), found[10])
