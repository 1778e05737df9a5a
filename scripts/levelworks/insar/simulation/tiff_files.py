"""Measurement files as the agency lays them out: uncompressed, a line a strip, pairs of 16-bit integers."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from levelworks.insar.safe.tiff_layout import (
    BITS,
    COMPLEX_INTEGER,
    COMPRESSION,
    HEIGHT,
    ROWS_PER_STRIP,
    SAMPLE_FORMAT,
    SAMPLES_PER_PIXEL,
    STRIP_COUNTS,
    STRIP_OFFSETS,
    WIDTH,
)

SHORT, LONG = 3, 4
PHOTOMETRIC = 262
ENTRIES = 10
DIRECTORY = 8


def header_size(lines: int) -> int:
    """Return the offset (bytes) of the first line of a measurement file."""
    return DIRECTORY + 2 + 12 * ENTRIES + 4 + 8 * lines


def write_header(path: Path, lines: int, samples: int) -> None:
    """Begin a measurement file of lines that are all zero."""
    first, line = header_size(lines), 4 * samples
    tables = DIRECTORY + 2 + 12 * ENTRIES + 4
    fields = (
        (WIDTH, LONG, 1, samples),
        (HEIGHT, LONG, 1, lines),
        (BITS, SHORT, 1, 32),
        (COMPRESSION, SHORT, 1, 1),
        (PHOTOMETRIC, SHORT, 1, 1),
        (STRIP_OFFSETS, LONG, lines, tables),
        (SAMPLES_PER_PIXEL, SHORT, 1, 1),
        (ROWS_PER_STRIP, LONG, 1, 1),
        (STRIP_COUNTS, LONG, lines, tables + 4 * lines),
        (SAMPLE_FORMAT, SHORT, 1, COMPLEX_INTEGER),
    )
    with path.open("wb") as file:
        file.write(b"II*\0" + struct.pack("<I", DIRECTORY) + struct.pack("<H", len(fields)))
        for tag, kind, count, value in fields:
            file.write(struct.pack("<HHI", tag, kind, count) + struct.pack("<I", value))
        file.write(struct.pack("<I", 0))
        file.write((first + line * np.arange(lines, dtype="<u4")).astype("<u4").tobytes())
        file.write(np.full(lines, line, "<u4").tobytes())
        file.truncate(first + lines * line)


def write_lines(path: Path, lines: int, first_line: int, blocks: Iterable[np.ndarray]) -> None:
    """Write blocks of lines, complex (lines, samples), rounded to whole numbers, from a line of the file on."""
    with path.open("r+b") as file:
        for block in blocks:
            pairs = np.stack([block.real, block.imag], axis=-1)
            file.seek(header_size(lines) + first_line * block.shape[1] * 4)
            file.write(np.clip(np.rint(pairs), -32768, 32767).astype("<i2").tobytes())
            first_line += block.shape[0]
