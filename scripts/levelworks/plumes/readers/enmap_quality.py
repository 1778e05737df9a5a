"""Quality layers of an EnMAP Level-1B product as masks, and its dead detector elements.

Codes (specs/plumes.md 4.4, DLR's product specification): classes 1 land, 2 water, 3 background; cirrus 1 thin, 2 medium
or 3 thick; test flags bit 4 a saturated SWIR and bit 5 a saturated VNIR pixel, bits 6 and 7 artefacts; pixel mask 1
defective, 255 background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.readers.detector_bands import whole_columns
from levelworks.plumes.readers.enmap_archive import EnmapArchive

WATER, BACKGROUND = 2, 3
CIRRUS = (1, 2, 3)
SATURATED = 0b0011_0000
ARTEFACT = 0b1100_0000
DEFECTIVE = 1

LAYERS = {
    "QL_QUALITY_CLOUD": "cloud",
    "QL_QUALITY_CLOUDSHADOW": "shadow",
    "QL_QUALITY_HAZE": "haze",
    "QL_QUALITY_SNOW": "snow",
}
"""Layers with 1 where it is so."""


@dataclass(frozen=True)
class Quality:
    """Masks (rows, columns) by name, and for each detector which elements (columns, bands) are dead."""

    masks: dict[str, np.ndarray]
    dead: tuple[np.ndarray, np.ndarray]


def read_quality(archive: EnmapArchive, rows: int, columns: int, bands: tuple[int, int], notes: list[str]) -> Quality:
    """Read every quality layer that the product has; what is missing is noted.

    Parameters
    ----------
    bands : tuple of int
        How many bands the VNIR and the SWIR cube have.
    notes : list of str
        Gets a sentence for each missing layer.

    Raises
    ------
    InvalidInput
        Where a layer can't be read or has another size than the cubes.
    """
    masks: dict[str, np.ndarray] = {}

    def layer(part: str) -> np.ndarray | None:
        if archive.image(part) is None:
            notes.append(f"The product has no {part}; its flags are taken as not set.")
            return None
        return next(_read(archive, part, (rows, columns), 1))

    for part, name in LAYERS.items():
        _flag(masks, name, layer(part), lambda values: values == 1)
    _flag(masks, "cirrus", layer("QL_QUALITY_CIRRUS"), lambda values: np.isin(values, CIRRUS))
    classes = layer("QL_QUALITY_CLASSES")
    _flag(masks, "water", classes, lambda values: values == WATER)
    _flag(masks, "fill", classes, lambda values: values == BACKGROUND)
    for detector in ("VNIR", "SWIR"):
        flags = layer(f"QL_QUALITY_TESTFLAGS_{detector}")
        _flag(masks, "saturated", flags, lambda values: (values & SATURATED) != 0)
        _flag(masks, "bad", flags, lambda values: (values & ARTEFACT) != 0)
    dead = []
    for detector, count in zip(("VNIR", "SWIR"), bands, strict=True):
        elements, pixels = _defects(archive, f"QL_PIXELMASK_{detector}", rows, columns, count, notes)
        dead.append(elements)
        _flag(masks, "bad", pixels, lambda values: values)
    return Quality(masks, (dead[0], dead[1]))


def _flag(
    masks: dict[str, np.ndarray],
    name: str,
    values: np.ndarray | None,
    condition: Callable[[np.ndarray], np.ndarray],
) -> None:
    if values is not None:
        flagged = condition(values)
        masks[name] = masks[name] | flagged if name in masks else flagged


def _defects(
    archive: EnmapArchive, part: str, rows: int, columns: int, bands: int, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return dead elements (columns, bands), and pixels (rows, columns) with a defect that isn't a dead element's."""
    dead = np.zeros((columns, bands), dtype=bool)
    pixels = np.zeros((rows, columns), dtype=bool)
    if archive.image(part) is None:
        notes.append(f"The product has no {part}; no detector element is taken as dead.")
        return dead, pixels
    for band, layer in enumerate(_read(archive, part, (rows, columns), bands)):
        flags = layer == DEFECTIVE
        dead[:, band] = whole_columns(flags)
        pixels |= flags & ~dead[:, band]
    return dead, pixels


def _read(archive: EnmapArchive, part: str, shape: tuple[int, int], bands: int) -> Iterator[np.ndarray]:
    """Return the first bands of a layer, one after the other, (rows, columns)."""
    from rasterio.errors import RasterioIOError

    with archive.open_image(part) as file:
        if (file.height, file.width) != shape or file.count < bands:
            raise InvalidInput(
                f"{archive.path}: {part} has {file.height} rows, {file.width} columns and {file.count} bands; "
                f"the cubes have {shape[0]} and {shape[1]}, and {bands} bands were expected"
            )
        try:
            for band in range(bands):
                yield file.read(band + 1)
        except RasterioIOError as error:
            raise InvalidInput(f"{archive.path}: {part} can't be read ({error}): fetch the product again") from None
