"""The picture of a tile (OVV): true colours with clouds, shadow, snow and faults painted over (spec section 16)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.ard.masks.quality import BY_NAME, NO_DATA, Cloud
from levelworks.ard.products.windows import Window
from levelworks.ard.scene import ImageGrid

SPACING = 150.0
"""Metres between the pixels of a picture."""
METRES_PER_DEGREE = 111_320.0
BRIGHTEST = 0.25
"""Reflectance that is white."""
QUALITY = 90
COLOURS = ("RED", "GREEN", "BLUE")
CIRRUS = (255, 0, 0)
CLOUD = (255, 0, 255)
SHADOW = (0, 255, 255)
SNOW = (255, 255, 0)
SATURATED = (255, 127, 39)
SUBZERO = (34, 177, 76)


def picture_step(grid: ImageGrid) -> int:
    """Return the pixels of a grid between those of its picture."""
    from rasterio.crs import CRS

    metres = grid.resolution * (METRES_PER_DEGREE if CRS.from_user_input(grid.crs).is_geographic else 1.0)
    return max(1, round(SPACING / metres))


def paint(reflectance: np.ndarray, quality: np.ndarray, nodata: int) -> np.ndarray:
    """Return the colours of pixels, shape (3, rows, columns), uint8; black where there are no data.

    Parameters
    ----------
    reflectance : ndarray, shape (3, rows, columns), int16
        Red, green and blue, times 10000.
    quality : ndarray, shape (rows, columns), int16
    nodata : int
        Of the reflectance.
    """
    known = quality != NO_DATA
    stretched = np.rint(reflectance.astype(np.float32) * (255.0 / (BRIGHTEST * 10000.0)))
    painted = np.clip(stretched, 1, 255).astype(np.uint8)
    painted[:, ~known | (reflectance == nodata).any(axis=0)] = 0
    state = (quality & BY_NAME["cloud"].mask) >> BY_NAME["cloud"].shift
    # The last one painted is seen: from the least to the most important.
    for mask, colour in (
        ((quality & BY_NAME["subzero"].mask) != 0, SUBZERO),
        ((quality & BY_NAME["saturation"].mask) != 0, SATURATED),
        ((quality & BY_NAME["snow"].mask) != 0, SNOW),
        ((quality & BY_NAME["shadow"].mask) != 0, SHADOW),
        ((state == Cloud.BUFFER) | (state == Cloud.CONFIDENT), CLOUD),
        (state == Cloud.CIRRUS, CIRRUS),
    ):
        painted[:, mask & known] = np.array(colour, np.uint8)[:, np.newaxis]
    return painted


class OverviewPicture:
    """Gathers the pixels of a picture from strips of rows: the middle one of each cell of 150 m.

    Parameters
    ----------
    pixels : ImageGrid
        Of the whole tile.
    part : Window
        Of it that strips come of.
    nodata : int
        Of the reflectance.
    """

    def __init__(self, pixels: ImageGrid, part: Window, nodata: int) -> None:
        self.step = picture_step(pixels)
        self.part = part
        self.nodata = nodata
        shape = [max(1, size // self.step) for size in pixels.shape]
        self.reflectance = np.full((3, *shape), nodata, np.int16)
        self.quality = np.full(shape, NO_DATA, np.int16)

    def add_reflectance(self, start: int, strip: np.ndarray, bands: tuple[str, ...]) -> None:
        """Take rows of reflectance, shape (bands, rows, columns), the first counted in the part."""
        for number, name in enumerate(COLOURS):
            self._take(self.reflectance[number], start, strip[bands.index(name)])

    def add_quality(self, start: int, strip: np.ndarray) -> None:
        """Take rows of quality bits, shape (rows, columns), the first counted in the part."""
        self._take(self.quality, start, strip)

    def _take(self, target: np.ndarray, start: int, strip: np.ndarray) -> None:
        first = self.part.row + start
        rows = np.arange(target.shape[0]) * self.step + self.step // 2
        columns = np.arange(target.shape[1]) * self.step + self.step // 2
        i = np.flatnonzero((rows >= first) & (rows < first + len(strip)))
        j = np.flatnonzero((columns >= self.part.column) & (columns < self.part.right))
        target[np.ix_(i, j)] = strip[np.ix_(rows[i] - first, columns[j] - self.part.column)]

    def write(self, path: Path) -> None:
        """Write the picture as JPEG."""
        write_jpeg(path, paint(self.reflectance, self.quality, self.nodata))


def write_jpeg(path: Path, colours: np.ndarray) -> None:
    """Write colours, shape (3, rows, columns), uint8, as JPEG."""
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile
    from rasterio.shutil import copy

    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "height": colours.shape[1], "width": colours.shape[2]}
    with (
        warnings.catch_warnings(),
        rasterio.Env(GDAL_PAM_ENABLED=False),
        MemoryFile() as source,
        MemoryFile(ext=".jpg") as target,
    ):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a picture lies nowhere
        with source.open(**profile, photometric="RGB") as file:
            file.write(colours)
        copy(source.name, target.name, driver="JPEG", quality=QUALITY)
        path.write_bytes(target.read())
