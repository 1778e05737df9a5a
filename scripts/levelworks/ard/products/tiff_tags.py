"""Directories of a BigTIFF file, and the tags in them (TIFF 6.0, BigTIFF, GDAL's GeoTIFF driver)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from levelworks.ard.scene import ImageGrid

SHORT, LONG, DOUBLE, ASCII, LONG8 = 3, 4, 12, 2, 16
CODES = {SHORT: "H", LONG: "I", DOUBLE: "d", LONG8: "Q"}

GHOST = (
    b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nINTERLEAVE=TILE\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
"""By this GDAL knows a Cloud-Optimised GeoTIFF; a program that edits the file would change the NO."""

GEO_TAGS = (34735, 34736, 34737)
"""Directory, doubles and texts of GeoTIFF's keys."""

Tags = dict[int, tuple[int, Sequence[Any] | bytes]]


def file_head(first_directory: int) -> bytes:
    """Return the head of a file: its header, then the text by which GDAL knows the layout."""
    ghost = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(GHOST) + GHOST
    return struct.pack("<2sHHHQ", b"II", 43, 8, 0, first_directory) + ghost


def head_size() -> int:
    """Return the bytes of the head, up to a multiple of 8."""
    return -(-len(file_head(0)) // 8) * 8


def directory(tags: Tags, offset: int, following: int) -> bytes:
    """Return a directory with the values of its tags behind it, padded to a multiple of 8.

    Parameters
    ----------
    tags : dict
        Type and values by tag; texts are bytes that end in zero.
    offset : int
        Where it begins in the file.
    following : int
        Where the next one begins; 0 where there is none.
    """
    entries = [struct.pack("<Q", len(tags))]
    values = b""
    after = offset + 8 + 20 * len(tags) + 8
    for tag in sorted(tags):
        kind, content = tags[tag]
        packed = content if isinstance(content, bytes) else struct.pack(f"<{len(content)}{CODES[kind]}", *content)
        count = len(content)
        if len(packed) <= 8:
            entries.append(struct.pack("<HHQ8s", tag, kind, count, packed))
        else:
            entries.append(struct.pack("<HHQQ", tag, kind, count, after + len(values)))
            values += packed + bytes(-len(packed) % 8)
    whole = b"".join(entries) + struct.pack("<Q", following) + values
    return whole + bytes(-len(whole) % 8)


def geo_tags(grid: ImageGrid) -> Tags:
    """Return the tags that say where a grid lies: size of pixels, corner, and the keys of its projection."""
    tags: Tags = {
        33550: (DOUBLE, (grid.resolution, grid.resolution, 0.0)),
        33922: (DOUBLE, (0.0, 0.0, 0.0, grid.west, grid.north, 0.0)),
    }
    return tags | dict(_projection_tags(grid.crs))


@cache
def _projection_tags(crs: str) -> tuple[tuple[int, tuple[int, Sequence[Any] | bytes]], ...]:
    """Return the keys of a projection as GDAL writes them, from a file of one pixel."""
    import numpy as np
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.transform import Affine

    with rasterio.Env(GDAL_PAM_ENABLED=False), MemoryFile() as memory:
        profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "height": 1, "width": 1, "crs": crs}
        with memory.open(**profile, transform=Affine(2, 0, 0, 0, -2, 0), geotiff_version="1.1") as file:
            file.write(np.zeros((1, 1, 1), np.uint8))
        content = memory.read()
    start = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, start)[0]
    found = []
    for number in range(count):
        tag, kind, length, place = struct.unpack_from("<HHII", content, start + 2 + 12 * number)
        if tag not in GEO_TAGS:
            continue
        if kind == ASCII:
            where = place if length > 4 else start + 2 + 12 * number + 8
            found.append((tag, (kind, content[where : where + length])))
        else:
            found.append((tag, (kind, struct.unpack_from(f"<{length}{CODES[kind]}", content, place))))
    return tuple(found)


def metadata_xml(
    tags: Mapping[str, Mapping[str, str]],
    band_tags: Sequence[Mapping[str, Mapping[str, str]]],
    descriptions: Sequence[str],
    scale: float,
    units: str,
) -> bytes:
    """Return GDAL's metadata of a file and its bands as the text of tag 42112.

    Parameters
    ----------
    tags : mapping
        Items by domain; the usual domain is empty.
    band_tags : sequence of mapping
        The same of each band.
    descriptions : sequence of str
        Names of the bands.
    scale : float
        What stored values are multiplied by.
    units : str
        Of the values; none where empty.
    """
    lines = [_item(name, text, domain=domain) for domain, items in tags.items() for name, text in items.items()]
    for band, (own, description) in enumerate(zip(band_tags, descriptions, strict=True)):
        lines += [
            _item(name, text, domain=domain, sample=str(band))
            for domain, items in own.items()
            for name, text in items.items()
        ]
        lines.append(_item("DESCRIPTION", description, sample=str(band), role="description"))
        if units:
            lines.append(_item("UNITTYPE", units, sample=str(band), role="unittype"))
        if scale != 1.0:
            lines.append(_item("OFFSET", "0", sample=str(band), role="offset"))
            lines.append(_item("SCALE", repr(scale), sample=str(band), role="scale"))
    return ("<GDALMetadata>\n" + "".join(lines) + "</GDALMetadata>\n").encode() + b"\0"


def _item(name: str, text: str, **attributes: str) -> str:
    extra = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items() if value)
    return f"  <Item name={quoteattr(name)}{extra}>{escape(text)}</Item>\n"
