"""Where the samples of a measurement TIFF lie (specs/insar.md 4.1): read from its header, not from the annotation."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO

from levelworks.core.outcome import InvalidInput

WIDTH, HEIGHT, BITS, COMPRESSION = 256, 257, 258, 259
STRIP_OFFSETS, SAMPLES_PER_PIXEL, ROWS_PER_STRIP, STRIP_COUNTS, SAMPLE_FORMAT = 273, 277, 278, 279, 339
COMPLEX_INTEGER = 5
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 16: 8}
CODES = {1: "B", 2: "B", 3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True)
class TiffLayout:
    """Lines and samples of a measurement, and the offset (bytes) of its first line.

    ``plain`` says that all lines follow each other as pairs of 16-bit integers, so that they are read by offset;
    ``whole`` is the number of lines before the first that lies, wholly or in part, beyond the end of the file.
    """

    lines: int
    samples: int
    offset: int
    plain: bool
    whole: int


def read_layout(file: IO[bytes], name: str, size: int) -> TiffLayout:
    """Read the layout of a TIFF, classic or big.

    Parameters
    ----------
    file : binary file
        At its beginning; seeks forward only.
    name : str
        For messages.
    size : int
        Bytes of the file, at which a directory that lies beyond shows the file to be truncated.

    Raises
    ------
    InvalidInput
        Where it is no TIFF, or truncated before the end of its directory and of the lists of strips.
    """
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 16:
        raise InvalidInput(f"{name} is no TIFF ({size} bytes): it is truncated or damaged, fetch the product again")
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    start = struct.unpack(order + ("Q" if big else "I"), head[8:16] if big else head[4:8])[0]
    if start >= size:
        raise InvalidInput(f"{name} is truncated: it has {size} bytes and its directory lies at byte {start}")
    file.seek(start)
    tags = _directory(file, order, big, f"{name} is truncated: it has {size} bytes and ends inside its directory")
    width, height = tags.get(WIDTH, (0,))[0], tags.get(HEIGHT, (0,))[0]
    if not (width and height):
        raise InvalidInput(f"{name}: its directory gives no size: it is truncated or damaged, fetch the product again")
    counts, offsets = tags.get(STRIP_COUNTS, ()), tags.get(STRIP_OFFSETS, ())
    plain = (
        order == "<"
        and tags.get(COMPRESSION, (1,)) == (1,)
        and tags.get(BITS) == (32,)
        and tags.get(SAMPLE_FORMAT) == (COMPLEX_INTEGER,)
        and tags.get(SAMPLES_PER_PIXEL, (1,)) == (1,)
        and bool(offsets)
        and _follow(offsets, counts, 4 * width * height)
    )
    if plain:
        whole = min(max(size - offsets[0], 0) // (4 * width), height)
    else:
        inside = [offset + count <= size for offset, count in zip(offsets, counts, strict=False)]
        strips = inside.index(False) if False in inside else len(inside)
        whole = min(strips * tags.get(ROWS_PER_STRIP, (height,))[0], height) if inside else height
    return TiffLayout(height, width, offsets[0] if plain else -1, plain, whole)


def _directory(file: IO[bytes], order: str, big: bool, truncated: str) -> dict[int, tuple[int, ...]]:
    """Return tags and their values; of the lists that stand elsewhere, those of strips."""
    head = file.read(8 if big else 2)
    if len(head) < (8 if big else 2):
        raise InvalidInput(f"{truncated}: fetch the product again")
    number = struct.unpack(order + ("Q" if big else "H"), head)[0]
    tags: dict[int, tuple[int, ...]] = {}
    room, entry = (8, 20) if big else (4, 12)
    content = file.read(number * entry)
    if len(content) < number * entry:
        raise InvalidInput(f"{truncated}: fetch the product again")
    later: list[tuple[int, int, int, int]] = []
    for k in range(len(content) // entry):
        field = content[k * entry : (k + 1) * entry]
        tag, kind = struct.unpack(order + "HH", field[:4])
        count = struct.unpack(order + ("Q" if big else "I"), field[4 : 12 if big else 8])[0]
        if kind not in SIZES:
            continue
        inline = field[-room:]
        if SIZES[kind] * count <= room:
            tags[tag] = struct.unpack(order + CODES[kind] * count, inline[: SIZES[kind] * count])
        elif tag in (STRIP_OFFSETS, STRIP_COUNTS):
            later.append((struct.unpack(order + ("Q" if big else "I"), inline)[0], tag, kind, count))
    for place, tag, kind, count in sorted(later):
        file.seek(place)
        values = file.read(SIZES[kind] * count)
        if len(values) < SIZES[kind] * count:
            raise InvalidInput(f"{truncated}: fetch the product again")
        tags[tag] = struct.unpack(order + CODES[kind] * count, values)
    return tags


def _follow(offsets: tuple[int, ...], counts: tuple[int, ...], size: int) -> bool:
    """Return whether strips follow each other without gaps and hold the whole image."""
    together = all(offsets[k] + counts[k] == offsets[k + 1] for k in range(len(offsets) - 1)) if counts else False
    return len(offsets) == len(counts) and together and sum(counts) == size
