"""Names of Level-1 images and of what is made from them; read in planning, so without NumPy.

Source: specs/ard.md 1, 3 and 16; USGS LSDS-1329 and LSDS-1656 (names of Landsat products), ESA's Sentinel-2 Products
Specification Document (naming conventions before and after December 2016).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from levelworks.core.outcome import InvalidInput

ARCHIVE_ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")

LANDSAT_PRODUCT = re.compile(
    r"L(?P<instrument>[A-Z])(?P<number>0[1-9])_(?P<level>L\d[A-Z]{2})_(?P<reference>\d{6})_(?P<date>\d{8})_\d{8}"
    r"_(?P<collection>\d{2})_(?P<category>T1|T2|RT)"
)
LANDSAT_SCENE = re.compile(
    r"L(?P<instrument>[A-Z])(?P<number>[1-9])(?P<reference>\d{6})(?P<year>\d{4})(?P<day>\d{3})[A-Z]{3}\d{2}"
)
LANDSAT_SURFACE = re.compile(r"L[A-Z]0[1-9]\d{14}(?:0[12](?:T[12]|RT))?-SC\d{14}")
"""Orders of surface reflectance from USGS's ESPA."""
SENTINEL2_PRODUCT = re.compile(
    r"S2(?P<unit>[A-D])_MSI(?P<level>L\d[A-C])_(?P<time>\d{8}T\d{6})_N\d{4}_R\d{3}_(?P<reference>T\d{2}[A-Z]{3})_\d{8}T\d{6}"
)
SENTINEL2_OLD_PRODUCT = re.compile(
    r"S2(?P<unit>[A-D])_(?P<class>[A-Z0-9]{4})_PRD_MSI(?P<level>L\d[A-C])_[A-Z0-9_]{4}_\d{8}T\d{6}_R\d{3}"
    r"_V(?P<time>\d{8}T\d{6})_\d{8}T\d{6}"
)
SENTINEL2_GRANULE = re.compile(r"(?P<level>L\d[A-C])_(?P<reference>T\d{2}[A-Z]{3})_A\d{6}_(?P<time>\d{8}T\d{6})")
SENTINEL2_OLD_GRANULE = re.compile(
    r"(?P<id>S2(?P<unit>[A-D])_[A-Z0-9]{4}_MSI_(?P<level>L\d[A-C])_TL_[A-Z0-9_]{4}_\d{8}T\d{6}_A\d{6}"
    r"_(?P<reference>T\d{2}[A-Z]{3}))(?:_N\d\d\.\d\d)?"
)

METADATA_TEXT = re.compile(r".*_MTL\.(?:txt|json|xml)", re.IGNORECASE)
PRODUCT_METADATA = re.compile(r"MTD_MSIL1C\.xml|S2[A-D]_[A-Z0-9]{4}_MTD_SAFL1C_.*\.xml")
GRANULE_METADATA = re.compile(r"MTD_TL\.xml|S2[A-D]_[A-Z0-9]{4}_MTD_L1C_TL_.*\.xml")
PRODUCT_NAME = re.compile(r'"productName"\s*:\s*"(\w+)"')
TAG = re.compile(r"<(PRODUCT_URI(?:_1C)?|SENSING_TIME)[^>]*>\s*([^<\s]+)")

EXPECTED = (
    "LC08_L1TP_193024_20180824_20200831_02_T1, LC80200392015216LGN00 or S2A_MSIL1C_20180629T000241_N0206_R030_"
    "T56JMM_20180629T012042.SAFE, as a folder or an archive"
)

LANDSAT_INSTRUMENTS = {
    ("T", 4): "LND04",
    ("T", 5): "LND05",
    ("E", 7): "LND07",
    ("C", 8): "LND08",
    ("O", 8): "LND08",
    ("C", 9): "LND09",
    ("O", 9): "LND09",
}


@dataclass(frozen=True)
class Identity:
    """What the agency's name says of an image.

    Parameters
    ----------
    id : str
        Under which products stand: the agency's, without endings.
    sensor : str
        ``LND04`` to ``LND09``, ``SEN2A`` to ``SEN2D``.
    date : date
        Of the acquisition, UTC; of Sentinel-2 of the beginning of the datatake, as in the product's name.
    time : time or None
        Of the same, where the name has it.
    reference : str or None
        ``193024`` (path and row) or ``T33UUP``; None of old Sentinel-2 products, which hold several tiles.
    """

    id: str
    sensor: str
    date: date
    time: time | None
    reference: str | None


def product_stem(date: date, sensor: str) -> str:
    """Return how names of Level-2 products begin: ``20180824_LEVEL2_LND08``."""
    return f"{date:%Y%m%d}_LEVEL2_{sensor}"


def is_archive(path: Path) -> bool:
    """Tell whether a name is that of an archive."""
    return path.name.lower().endswith(ARCHIVE_ENDINGS)


def stem(name: str) -> str:
    """Return a name without the endings of archives, of SAFE (also doubled) and of a Landsat metadata file."""
    for ending in ARCHIVE_ENDINGS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    while name.upper().endswith(".SAFE"):
        name = name[: -len(".SAFE")]
    return re.sub(r"_MTL\.(?:txt|json|xml)$", "", name, flags=re.IGNORECASE)


def identify(path: Path) -> Identity:
    """Return what an image's name says: of an archive, a folder, a file ``*_MTL.txt`` or a folder in ``GRANULE``.

    A folder whose own name is not the agency's is known by the metadata file in it.

    Raises
    ------
    InvalidInput
        Where it is no name of a Level-1 image that the line takes; the message says why.
    """
    found = _by_name(path)
    if found is None and path.is_dir():
        found = _by_content(path)
    if found is None:
        raise InvalidInput(f"{path} has no name of a Level-1 image: expected is {EXPECTED}")
    return found


def _by_name(path: Path) -> Identity | None:
    name = stem(path.name)
    for pattern, reader in (
        (LANDSAT_PRODUCT, _landsat_product),
        (LANDSAT_SCENE, _landsat_scene),
        (SENTINEL2_PRODUCT, _sentinel2_product),
        (SENTINEL2_OLD_PRODUCT, _sentinel2_product),
        (SENTINEL2_GRANULE, _sentinel2_granule),
        (SENTINEL2_OLD_GRANULE, _sentinel2_old_granule),
    ):
        match = pattern.fullmatch(name)
        if match is not None:
            return reader(path, match)
    if LANDSAT_SURFACE.fullmatch(name):
        raise InvalidInput(f"{path} is surface reflectance already: the line begins at Level 1")
    return None


def _by_content(folder: Path) -> Identity | None:
    names = sorted(entry.name for entry in folder.iterdir())
    texts = sorted({stem(name) for name in names if METADATA_TEXT.fullmatch(name)})
    if len(texts) > 1:
        raise InvalidInput(f"{folder} holds the metadata of {len(texts)} Landsat scenes: give each its own folder")
    if texts:
        return _by_name(folder / texts[0])
    for name in names:
        if PRODUCT_METADATA.fullmatch(name):
            uri = _tag(folder / name, "PRODUCT_URI")
            return _by_name(folder / uri) if uri is not None else None
    if "tileInfo.json" in names:
        found = PRODUCT_NAME.search(_head(folder / "tileInfo.json"))
        return _by_name(folder / found[1]) if found is not None else None
    return None


def _tag(path: Path, tag: str) -> str | None:
    """Return a tag of an XML file's beginning."""
    return next((value for name, value in TAG.findall(_head(path)) if name.startswith(tag)), None)


def _head(path: Path) -> str:
    """Return the beginning of a metadata file; planning reads no more of it."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(8192)
    except OSError as error:
        raise InvalidInput(f"{path} can't be read ({error.strerror})") from None


def _landsat_sensor(path: Path, match: re.Match[str]) -> str:
    instrument, number = match["instrument"], int(match["number"])
    if instrument == "M":
        raise InvalidInput(
            f"{path} is of Landsat's MSS, which has no blue and no short-wave infrared band: "
            "the line takes TM, ETM+ and OLI"
        )
    if instrument == "T" and number >= 8:
        raise InvalidInput(f"{path} holds the thermal bands of Landsat-{number} alone: there is no reflectance in it")
    sensor = LANDSAT_INSTRUMENTS.get((instrument, number))
    if sensor is None:
        raise InvalidInput(f"{path}: no Landsat sensor is named L{instrument}{match['number']}")
    return sensor


def _landsat_product(path: Path, match: re.Match[str]) -> Identity:
    sensor = _landsat_sensor(path, match)
    if not match["level"].startswith("L1"):
        raise InvalidInput(f"{path} is a Level-2 product ({match['level']}): the line begins at Level 1 (L1TP)")
    return Identity(match[0], sensor, _moment(path, match["date"], "%Y%m%d").date(), None, match["reference"])


def _landsat_scene(path: Path, match: re.Match[str]) -> Identity:
    sensor = _landsat_sensor(path, match)
    year, day = int(match["year"]), int(match["day"])
    if year == 0 or not 1 <= day <= 366:
        raise InvalidInput(f"{path}: {match['year']}{match['day']} is no day of a year")
    return Identity(match[0], sensor, date(year, 1, 1) + timedelta(day - 1), None, match["reference"])


def _sentinel2_product(path: Path, match: re.Match[str]) -> Identity:
    _require_level1c(path, match["level"])
    moment = _moment(path, match["time"], "%Y%m%dT%H%M%S")
    reference = match.groupdict().get("reference")
    return Identity(match[0], f"SEN2{match['unit']}", moment.date(), moment.time(), reference)


def _sentinel2_granule(path: Path, match: re.Match[str]) -> Identity:
    """Identify a folder in GRANULE by its product, which holds no other."""
    _require_level1c(path, match["level"])
    product = _product_of(path)
    if product is None:
        raise InvalidInput(
            f"{path} does not say of which satellite it is: leave it in its product, S2x_MSIL1C_*.SAFE/GRANULE"
        )
    return product


def _sentinel2_old_granule(path: Path, match: re.Match[str]) -> Identity:
    _require_level1c(path, match["level"])
    product = _product_of(path)
    if product is not None:
        return Identity(match["id"], product.sensor, product.date, product.time, match["reference"])
    metadata = (
        next((entry for entry in sorted(path.iterdir()) if GRANULE_METADATA.fullmatch(entry.name)), None)
        if path.is_dir()
        else None
    )
    sensed = _tag(metadata, "SENSING_TIME") if metadata is not None else None
    if sensed is None:
        raise InvalidInput(f"{path} does not say when it was sensed: leave it in its product, *.SAFE/GRANULE")
    moment = _moment(path, sensed[:19], "%Y-%m-%dT%H:%M:%S")
    return Identity(match["id"], f"SEN2{match['unit']}", moment.date(), moment.time(), match["reference"])


def _product_of(granule: Path) -> Identity | None:
    if granule.parent.name != "GRANULE":
        return None
    product = granule.parent.parent
    found = _by_name(product)
    return found if found is not None or not product.is_dir() else _by_content(product)


def _require_level1c(path: Path, level: str) -> None:
    if level != "L1C":
        raise InvalidInput(f"{path} is a Level-{level[1:]} product of Sentinel-2: the line takes Level-1C")


def _moment(path: Path, text: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - UTC by definition; only its parts are kept
    except ValueError:
        raise InvalidInput(f"{path}: {text} is no date") from None
