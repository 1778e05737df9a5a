"""Masks that come with a Sentinel-2 granule: footprints of detectors, lost and saturated pixels; JPEG 2000 or GML.

Source: specs/ard.md 3.2; ESA, Sentinel-2 Products Specification Document, annex on quality masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.features import rasterize
from rasterio.transform import Affine

from levelworks.ard.readers.band_files import BandFile
from levelworks.ard.readers.xml_files import read_xml
from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidInput

LOST, DEGRADED, NODATA, SATURATED = 3, 4, 6, 8
"""Layers of MSK_QUALIT: image data lost, image data damaged, no data within a detector, saturated before resampling."""
QUALITY_LAYERS = 8
LOST_TYPES = ("MSI_LOST", "MSI_DEG")


@dataclass(frozen=True)
class Feature:
    """A feature of a GML mask: its identifier, its type, and a polygon as GeoJSON has it."""

    name: str
    kind: str
    polygon: dict[str, object]

    @property
    def detector(self) -> int | None:
        """Return the detector that it is the footprint of: 9 of ``detector_footprint-B02-09-0``."""
        parts = self.name.split("-")
        return int(parts[-2]) if len(parts) > 2 and parts[-2].isdigit() else None


def detector_footprint(path: Path, field: ImageGrid) -> np.ndarray:
    """Return the detector that saw the centre of each cell, 0 where none did, shape of the field, uint8."""
    if path.suffix.lower() != ".gml":
        return _nearest(path, field)
    shapes = [(one.polygon, one.detector) for one in read_features(path) if one.detector is not None]
    return _burn(shapes, field)


def _nearest(path: Path, field: ImageGrid) -> np.ndarray:
    """Return a raster over the field's extent at its cells; the field may reach over the raster's edge."""
    file = BandFile(path)
    image = file.grid
    shape = tuple(min(cells, pixels) for cells, pixels in zip(field.shape, file.shape, strict=True))
    small = file.read_small((shape[0], shape[1]))
    file.close()
    x = field.west + (np.arange(field.columns) + 0.5) * field.resolution - image.west
    y = image.north - field.north + (np.arange(field.rows) + 0.5) * field.resolution
    west_east, north_south = image.columns * image.resolution, image.rows * image.resolution
    columns = np.clip((x / west_east * shape[1]).astype(int), 0, shape[1] - 1)
    rows = np.clip((y / north_south * shape[0]).astype(int), 0, shape[0] - 1)
    return np.asarray(small[np.ix_(rows, columns)])


def lost_pixels(features: Sequence[Feature], grid: ImageGrid) -> np.ndarray:
    """Return where a mask of technical quality says that image data were lost or damaged, bool."""
    shapes = [(one.polygon, 1) for one in features if any(kind in one.kind.upper() for kind in LOST_TYPES)]
    return _burn(shapes, grid) != 0


def masked_pixels(features: Sequence[Feature], grid: ImageGrid) -> np.ndarray:
    """Return where any feature of a mask lies, bool."""
    return _burn([(one.polygon, 1) for one in features], grid) != 0


def _burn(shapes: list[tuple[dict[str, object], int]], grid: ImageGrid) -> np.ndarray:
    if not shapes:
        return np.zeros(grid.shape, np.uint8)
    return np.asarray(rasterize(shapes, grid.shape, fill=0, transform=Affine(*grid.transform), dtype=np.uint8))


def read_features(path: Path) -> Iterator[Feature]:
    """Yield the features of a GML mask; rings inside others are holes.

    Raises
    ------
    InvalidInput
        Where it is not whole.
    """
    for feature in read_xml(path).iter("MaskFeature"):
        kind = (feature.findtext(".//maskType") or "").strip()
        for polygon in feature.iter("Polygon"):
            rings = []
            for places in polygon.iter("posList"):
                try:
                    values = np.array((places.text or "").split(), dtype=float)
                    rings.append(values.reshape(-1, int(places.get("srsDimension", "2")))[:, :2].tolist())
                except ValueError:
                    raise InvalidInput(f"{path} has a ring that is not whole: fetch the image again") from None
            if rings:
                yield Feature(feature.get("id", ""), kind, {"type": "Polygon", "coordinates": rings})
