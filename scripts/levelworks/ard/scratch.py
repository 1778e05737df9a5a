"""Rasters on disk while an image is worked on: read and written by rows, so that memory holds blocks alone.

Plain reads and writes, not memory maps: mapped pages count as the process's own. Ranks share the files; each writes
rows that no other writes.
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path

import numpy as np


class Scratch:
    """A raster of one type on disk, shape (rows, columns) or (bands, rows, columns), zero until written.

    Its file is closed when nothing refers to the raster any more: a warm worker meets thousands of images.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype | type | str) -> None:
        self.path = path
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._close = weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, int(np.prod(shape, dtype=np.int64)) * self.dtype.itemsize)

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.shape[-2]

    @property
    def columns(self) -> int:
        """Return the number of columns."""
        return self.shape[-1]

    def read(self, start: int, stop: int, band: int = 0) -> np.ndarray:
        """Return the rows start to stop of a band, shape (stop - start, columns)."""
        rows = np.empty((stop - start, self.columns), self.dtype)
        view = memoryview(rows.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        offset = self._offset(start, band)
        while view:
            count = os.preadv(self._file, [view], offset)
            if count == 0:
                raise OSError(f"{self.path}: ends before row {stop}")
            view, offset = view[count:], offset + count
        return rows

    def write(self, start: int, rows: np.ndarray, band: int = 0) -> None:
        """Write rows of a band from row `start` on."""
        data = np.ascontiguousarray(rows, self.dtype)
        view = memoryview(data.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        offset = self._offset(start, band)
        while view:
            count = os.pwrite(self._file, view, offset)
            view, offset = view[count:], offset + count

    def _offset(self, row: int, band: int) -> int:
        return (band * self.rows + row) * self.columns * self.dtype.itemsize

    def remove(self) -> None:
        """Close the file and remove it from disk."""
        self._close()
        self.path.unlink(missing_ok=True)
