"""Cloud-Optimised GeoTIFFs that grow by blocks of rows: no second pass over the pixels, little memory.

GDAL's driver wants the whole raster first and makes overviews of it in a file of their own: 30 MB/s a core with ZSTD 1.
Here tiles and overviews are made as rows come, each level in a spool of its own, and put together at the end, the
coarsest first: the directories, then the data. Bands lie tile by tile one behind another (GDAL's INTERLEAVE=TILE), so
that each is read alone. Tiles without data take no space.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

import numpy as np

from levelworks.ard.products.cog_kernels import cut_tiles, halve
from levelworks.ard.products.tiff_tags import (
    ASCII,
    LONG,
    LONG8,
    SHORT,
    Tags,
    directory,
    file_head,
    geo_tags,
    head_size,
    metadata_xml,
)
from levelworks.ard.products.windows import Window, whole
from levelworks.ard.scene import ImageGrid

BLOCK = 256
LEVEL = 1
"""Of ZSTD: 3 takes more than twice the time and saves a tenth of the bytes."""
ZSTD = 50000
COPY_BYTES = 1 << 22

Domains = Mapping[str, Mapping[str, str]]


class _Level:
    """The full image or an overview while it grows: a row of tiles that fills, a spool of finished ones.

    Only the columns of tiles that the part with data touches are held.
    """

    def __init__(
        self, shape: tuple[int, int, int], part: Window, dtype: np.dtype, nodata: int, spool: BinaryIO
    ) -> None:
        self.bands, self.rows, self.columns = shape
        self.spool = spool
        self.size = 0
        down, across = -(-self.rows // BLOCK), -(-self.columns // BLOCK)
        self.offsets = np.zeros((self.bands, down, across), np.uint64)
        self.counts = np.zeros((self.bands, down, across), np.uint64)
        self.first_column = part.column // BLOCK * BLOCK
        last = min(-(-part.right // BLOCK) * BLOCK, self.columns)
        self.buffer = np.full((self.bands, BLOCK, last - self.first_column), nodata, dtype)
        self.row = part.row
        """Row that comes next."""
        self.waits = False
        """Whether the buffer holds rows."""


class CogWriter:
    """Writes a Cloud-Optimised GeoTIFF from top to bottom, block of rows by block of rows.

    Parameters
    ----------
    path : Path
    grid : ImageGrid
    bands : int
    dtype : str
        Of an integer type, one or two bytes.
    nodata : int
    descriptions : sequence of str
        Names of the bands.
    overviews : {'average', 'nearest'}
        How overviews are made: classes and bits must not be averaged.
    scale : float
        What stored values are multiplied by to give the values.
    units : str
        Of the values.
    tags, band_tags : mapping, sequence of mapping
        Metadata by domain, of the file and of each band.
    part : Window, optional
        The part that is written, which begins at whole tiles; there are no data outside of it.

    Raises
    ------
    ValueError
        Where the descriptions are not as many as the bands, or the part does not begin at whole tiles.
    """

    def __init__(
        self,
        path: Path,
        grid: ImageGrid,
        bands: int,
        dtype: str,
        nodata: int,
        descriptions: Sequence[str],
        *,
        overviews: Literal["average", "nearest"] = "average",
        scale: float = 1.0,
        units: str = "",
        tags: Domains | None = None,
        band_tags: Sequence[Domains] = (),
        part: Window | None = None,
    ) -> None:
        if len(descriptions) != bands:
            raise ValueError(f"{path}: {len(descriptions)} descriptions of {bands} bands")
        self.part = part or whole(grid)
        if self.part.row % BLOCK or self.part.column % BLOCK:
            raise ValueError(f"{path}: the part at {self.part.row}, {self.part.column} does not begin at a tile")
        self.path = path
        self.grid = grid
        self.bands = bands
        self.dtype = np.dtype(dtype)
        self.nodata = nodata
        self.average = overviews == "average"
        self.metadata = metadata_xml(tags or {}, band_tags or [{}] * bands, descriptions, scale, units)
        self._levels: list[_Level] = []
        self._open = ExitStack()
        self._next = 0

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            rows, columns, part = self.grid.rows, self.grid.columns, self.part
            while True:
                # Spools live in the system's temporary folder and have no names.
                spool = opening.enter_context(TemporaryFile(prefix="levelworks."))
                self._levels.append(_Level((self.bands, rows, columns), part, self.dtype, self.nodata, spool))
                if max(rows, columns) <= BLOCK:
                    break
                rows, columns = -(-rows // 2), -(-columns // 2)
                right = -(-part.right // 2)
                part = Window(part.row // 2, part.column // 2, 0, right - part.column // 2)
            self._open = opening.pop_all()
        return self

    def write(self, start: int, rows: np.ndarray) -> None:
        """Write the rows of the part from `start` on, which follow those written before.

        Parameters
        ----------
        start : int
            First row, counted in the part.
        rows : ndarray, shape (bands, rows, columns), or (rows, columns) of one band
            In the type of the file.

        Raises
        ------
        ValueError
            Where rows are left out or come twice, or shape or type are not those of the file.
        """
        block = rows[np.newaxis] if rows.ndim == 2 else rows
        if block.dtype != self.dtype or block.shape[0] != self.bands or block.shape[2] != self.part.columns:
            raise ValueError(f"{self.path}: {block.dtype} of shape {block.shape} does not fit the file")
        if start != self._next or start + block.shape[1] > self.part.rows:
            raise ValueError(f"{self.path}: row {self._next} comes next, of {self.part.rows}, not row {start}")
        self._next += block.shape[1]
        self._add(0, self.part.column, block)

    def _add(self, number: int, column: int, rows: np.ndarray) -> None:
        """Add rows, which begin at a column, to a level; rows of tiles that are full are finished."""
        level = self._levels[number]
        done = 0
        while done < rows.shape[1]:
            line = level.row % BLOCK
            count = min(BLOCK - line, rows.shape[1] - done)
            left = column - level.first_column
            level.buffer[:, line : line + count, left : left + rows.shape[2]] = rows[:, done : done + count]
            level.row += count
            level.waits = True
            done += count
            if level.row % BLOCK == 0:
                self._finish(number)

    def _finish(self, number: int) -> None:
        """Send the row of tiles that a level holds to its spool, and halved to the next level."""
        level = self._levels[number]
        line = (level.row - 1) // BLOCK
        rows = np.ascontiguousarray(level.buffer[:, : min(BLOCK, level.rows - line * BLOCK)])
        self._put(level, line, rows)
        if number + 1 < len(self._levels):
            half = np.empty((self.bands, -(-rows.shape[1] // 2), -(-rows.shape[2] // 2)), self.dtype)
            halve(rows, self.nodata, self.average, half)
            self._levels[number + 1].row = line * BLOCK // 2
            self._add(number + 1, level.first_column // 2, half)
        level.buffer[:] = self.nodata
        level.waits = False

    def _put(self, level: _Level, line: int, rows: np.ndarray) -> None:
        """Compress a row of tiles of each band into the spool."""
        from numcodecs.zstd import compress

        first = level.first_column // BLOCK
        across = -(-rows.shape[2] // BLOCK)
        tiles = np.empty((self.bands, across, BLOCK, BLOCK), self.dtype)
        filled = np.empty((self.bands, across), np.bool_)
        for band in range(self.bands):
            cut_tiles(rows[band], self.nodata, tiles[band], filled[band])
        for column in range(across):
            for band in np.flatnonzero(filled[:, column]).tolist():
                data = compress(tiles[band, column], LEVEL)
                # GDAL's leader and trailer: a reader of one block knows from them where it ends.
                level.spool.write(len(data).to_bytes(4, "little") + data + data[-4:])
                level.offsets[band, line, first + column] = level.size + 4
                level.counts[band, line, first + column] = len(data)
                level.size += len(data) + 8

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            if kind is not None:
                return
            if self._next < self.part.rows:
                raise ValueError(f"{self.path}: {self._next} of {self.part.rows} rows were written")
            for number, level in enumerate(self._levels):
                if level.waits:
                    self._finish(number)
            self._assemble()

    def _assemble(self) -> None:
        """Write head, directories, and the data of the coarsest level first."""
        sizes = [len(directory(self._tags(number, 0), 0, 0)) for number in range(len(self._levels))]
        places = [head_size() + sum(sizes[:number]) for number in range(len(self._levels))]
        data = head_size() + sum(sizes)
        begins = [0] * len(self._levels)
        for number in reversed(range(len(self._levels))):
            begins[number] = data
            data += self._levels[number].size
        head = file_head(head_size())
        with self.path.open("wb") as file:
            file.write(head + bytes(head_size() - len(head)))
            for number, (place, begin) in enumerate(zip(places, begins, strict=True)):
                following = places[number + 1] if number + 1 < len(places) else 0
                file.write(directory(self._tags(number, begin), place, following))
            for level in reversed(self._levels):
                level.spool.seek(0)
                shutil.copyfileobj(level.spool, file, COPY_BYTES)

    def _tags(self, number: int, begin: int) -> Tags:
        """Return the tags of a level whose data begin at a place in the file."""
        level = self._levels[number]
        counts = level.counts.ravel()
        offsets = np.where(counts > 0, level.offsets.ravel() + np.uint64(begin), 0)
        tags: dict[int, Any] = {
            254: (LONG, (1 if number else 0,)),
            256: (LONG, (level.columns,)),
            257: (LONG, (level.rows,)),
            258: (SHORT, (8 * self.dtype.itemsize,) * self.bands),
            259: (SHORT, (ZSTD,)),
            262: (SHORT, (1,)),
            277: (SHORT, (self.bands,)),
            284: (SHORT, (2,)),
            317: (SHORT, (2,)),
            322: (SHORT, (BLOCK,)),
            323: (SHORT, (BLOCK,)),
            324: (LONG8, offsets.tolist()),
            325: (LONG8, counts.tolist()),
            339: (SHORT, (2 if self.dtype.kind == "i" else 1,) * self.bands),
            42113: (ASCII, f"{self.nodata}".encode() + b"\0"),
        }
        if self.bands > 1:
            tags[338] = (SHORT, (0,) * (self.bands - 1))
        if number == 0:
            tags |= geo_tags(self.grid)
            tags[42112] = (ASCII, self.metadata)
        return tags
