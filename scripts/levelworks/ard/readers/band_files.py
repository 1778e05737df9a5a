"""One band's raster file: opened, checked for being whole, read by rows as counts."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidInput

CACHE_MEGABYTES = 128
"""Of GDAL: enough for a row of tiles of one band; by itself it would take a share of the node."""
JP2_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM_START, CODESTREAM_END = b"\xff\x4f\xff\x51", b"\xff\xd9"
COUNT_TYPES = ("uint8", "uint16", "int16")


def environment() -> Any:
    """Return how GDAL works here: a bounded cache, one thread (ranks and workers share the cores)."""
    return rasterio.Env(GDAL_CACHEMAX=CACHE_MEGABYTES, GDAL_NUM_THREADS="1", GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")


class BandFile:
    """A raster of one band.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InvalidInput
        Where it is missing, truncated, or no raster.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InvalidInput(f"{path} is missing: fetch the image again")
        _require_whole_jp2(path)
        with environment(), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            try:
                self._dataset = rasterio.open(path)
            except RasterioError as error:
                raise InvalidInput(f"{path} can't be opened ({error}): fetch the image again") from None
            _require_whole_tiff(self._dataset, path)
        self.shape: tuple[int, int] = self._dataset.shape
        self.type: str = self._dataset.dtypes[0]
        self.layers: int = self._dataset.count

    @property
    def grid(self) -> ImageGrid:
        """Return where its pixels lie; InvalidInput where they are not square and north-up in a projection."""
        transform, crs = self._dataset.transform, self._dataset.crs
        if crs is None or not crs.is_projected:
            raise InvalidInput(f"{self.path} has no projection: fetch the image again")
        if transform.b or transform.d or transform.a <= 0 or abs(transform.a + transform.e) > 1e-6:
            raise InvalidInput(f"{self.path} has no square pixels that are north-up")
        code = crs.to_epsg()
        name = f"EPSG:{code}" if code is not None else crs.to_wkt()
        return ImageGrid(name, transform.c, transform.f, transform.a, *self.shape)

    def read(self, start: int, stop: int, layer: int = 1) -> np.ndarray:
        """Return the values of rows as they are, shape (stop - start, columns); InvalidInput where they are damaged."""
        return self._read(layer, window=Window(0, start, self.shape[1], stop - start))

    def read_small(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the whole raster by nearest neighbour in another shape, from its overviews where it has some."""
        return self._read(1, out_shape=shape)

    def _read(self, layer: int, **how: Any) -> np.ndarray:
        with environment():
            try:
                return np.asarray(self._dataset.read(layer, **how))
            except RasterioError as error:
                cause = error.__cause__ or error
                raise InvalidInput(f"{self.path} is truncated or damaged ({cause}): fetch the image again") from None

    def counts(self, start: int, stop: int, dtype: type[np.unsignedinteger]) -> np.ndarray:
        """Return counts of rows, 0 where the file says there is no data.

        Raises
        ------
        InvalidInput
            Where the file is damaged or holds no counts.
        """
        if self.type not in COUNT_TYPES:
            raise InvalidInput(f"{self.path} holds {self.type}, which are no counts: expected is uint8 or uint16")
        values = self.read(start, stop)
        nodata = self._dataset.nodata
        if values.dtype == np.int16:
            values = np.maximum(values, 0)
        if nodata is not None and nodata > 0:
            values = np.where(values == nodata, 0, values)
        if dtype is np.uint8 and values.dtype != np.uint8 and values.size and values.max() > 255:
            raise InvalidInput(f"{self.path} holds counts above 255, which an 8-bit sensor has not")
        return values.astype(dtype, copy=False)

    def close(self) -> None:
        """Close the file."""
        self._dataset.close()


def _require_whole_tiff(dataset: Any, path: Path) -> None:
    """See that the file reaches to the end of its last block; GDAL would tell while reading, much later."""
    if dataset.driver not in ("GTiff", "COG"):
        return
    height, width = dataset.block_shapes[0]
    column, row = (dataset.width - 1) // width, (dataset.height - 1) // height
    items = [dataset.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", bidx=1) for what in ("OFFSET", "SIZE")]
    if None not in items and int(items[0]) + int(items[1]) > path.stat().st_size:
        raise InvalidInput(f"{path} is truncated: it ends before its last block; fetch the image again")


def _require_whole_jp2(path: Path) -> None:
    """See that the boxes of a JPEG 2000 file end with the file, and its code stream with its mark."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(len(JP2_SIGNATURE)) != JP2_SIGNATURE:
            return
        offset = 0
        while offset < size:
            file.seek(offset)
            head = file.read(16)
            if len(head) < 8:
                break
            length, kind = struct.unpack(">I4s", head[:8])
            if length == 1 and len(head) == 16:
                length = struct.unpack(">Q", head[8:])[0]
            end = size if length == 0 else offset + length
            if end > size or length in range(2, 8):
                break
            if kind == b"jp2c":
                file.seek(end - len(CODESTREAM_END))
                if file.read(len(CODESTREAM_END)) == CODESTREAM_END:
                    return
                break
            offset = end
    raise InvalidInput(f"{path} is truncated: its code stream has no end; fetch the image again")
