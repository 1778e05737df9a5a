"""Opens Level-1C of Sentinel-2: a SAFE, a folder in its GRANULE, or a tile as Sinergise lays it out.

Source: specs/ard.md 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from levelworks.ard.names import GRANULE_METADATA, PRODUCT_METADATA, identify
from levelworks.ard.readers.band_files import BandFile
from levelworks.ard.readers.quality import Quality
from levelworks.ard.readers.sentinel2_angles import granule_angles
from levelworks.ard.readers.sentinel2_masks import (
    DEGRADED,
    LOST,
    NODATA,
    QUALITY_LAYERS,
    SATURATED,
    Feature,
    lost_pixels,
    masked_pixels,
    read_features,
)
from levelworks.ard.readers.sentinel2_xml import GranuleMetadata, ProductMetadata, read_granule, read_product
from levelworks.ard.scene import Angles, Calibration, ImageGrid, ImageMetadata
from levelworks.ard.sensors import SENSORS, Sensor
from levelworks.core.outcome import InvalidInput
from levelworks.core.sun import sun_distance

QUANTIFICATION = 10000.0
TILE = re.compile(r"T\d{2}[A-Z]{3}")


@dataclass(frozen=True)
class Layout:
    """Where the files of a granule lie."""

    product: Path | None
    granule: Path
    images: Path
    masks: Path
    granules: int


class Sentinel2Image:
    """An opened granule; counts are read by rows of a band's own grid, cheapest in runs of 1024 from a multiple."""

    def __init__(
        self,
        metadata: ImageMetadata,
        product: ProductMetadata | None,
        granule: GranuleMetadata,
        bands: dict[str, BandFile],
        masks: Path,
    ) -> None:
        self.metadata = metadata
        self.product = product
        self.granule = granule
        self._bands = bands
        self._masks = masks
        self._rasters: dict[Path, BandFile] = {}
        self._outlines: dict[Path, list[Feature]] = {}

    def grid_of(self, band: str) -> ImageGrid:
        """Return the grid of a band's own pixels."""
        return grid_at(self.granule, self.metadata.sensor.band(band).resolution)

    def read(self, band: str, start: int, stop: int) -> np.ndarray:
        """Return counts of the rows start to stop of a band, shape (stop - start, columns), uint16; 0 is no data."""
        counts = self._bands[band].counts(start, stop, np.uint16)
        if self.product is not None and self.product.nodata != 0:
            counts[counts == self.product.nodata] = 0
        return counts

    def angles(self) -> Angles:
        """Return the angles on the field of the Level-2 grid."""
        return self._angles

    @cached_property
    def _angles(self) -> Angles:
        data = self.metadata
        return granule_angles(self.granule, data.sensor, data.grid, lambda key: self._mask("MSK_DETFOO", key))

    def read_quality(self, start: int, stop: int) -> Quality | None:
        """Return what the masks say of rows of the Level-2 grid, or None where there are none.

        The rasters since baseline 04.00 are read where the product says that data were lost; there is nothing in them
        otherwise.
        """
        grid = self.metadata.grid
        rows = replace(grid, north=grid.north - start * grid.resolution, rows=stop - start)
        quality = Quality(*(np.zeros(rows.shape, dtype) for dtype in (np.bool_, np.bool_, np.uint16)))
        found = False
        for index, band in enumerate(self.metadata.sensor.bands):
            bit = np.uint16(1 << index)
            for kind, path in self._quality_masks(band.key):
                found = True
                if kind == "MSK_TECQUA":
                    quality.dropped[lost_pixels(self._features(path), rows)] = True
                elif kind == "MSK_NODATA":
                    quality.fill[masked_pixels(self._features(path), rows)] = True
                elif kind == "MSK_SATURA":
                    quality.saturated[masked_pixels(self._features(path), rows)] |= bit
                else:
                    file = self._quality_raster(path)
                    factor = band.resolution // int(grid.resolution)
                    for layer in (LOST, DEGRADED):
                        quality.dropped[_replicated(file, layer, start, stop, factor)] = True
                    quality.fill[_replicated(file, NODATA, start, stop, factor)] = True
                    quality.saturated[_replicated(file, SATURATED, start, stop, factor)] |= bit
        return quality if found else None

    def _quality_masks(self, key: str) -> Iterator[tuple[str, Path]]:
        for kind in ("MSK_TECQUA", "MSK_NODATA", "MSK_SATURA"):
            path = self._mask(kind, key)
            if path is not None and path.suffix.lower() == ".gml":
                yield kind, path
        if self.product is None or self.product.degraded != 0.0:
            path = self._mask("MSK_QUALIT", key)
            if path is not None:
                yield "MSK_QUALIT", path

    def _features(self, path: Path) -> list[Feature]:
        if path not in self._outlines:
            self._outlines[path] = list(read_features(path))
        return self._outlines[path]

    def _quality_raster(self, path: Path) -> BandFile:
        if path not in self._rasters:
            file = BandFile(path)
            if file.layers < QUALITY_LAYERS:
                raise InvalidInput(f"{path} has {file.layers} layers and not {QUALITY_LAYERS}: fetch the image again")
            self._rasters[path] = file
        return self._rasters[path]

    def _mask(self, kind: str, key: str) -> Path | None:
        name = self.granule.masks.get((kind, key))
        if name is not None and (self._masks / name).is_file():
            return self._masks / name
        for suffix in (".jp2", ".gml"):
            path = self._masks / f"{kind}_B{key}{suffix}"
            if path.is_file():
                return path
        return None

    def close(self) -> None:
        """Close the files."""
        for file in (*self._bands.values(), *self._rasters.values()):
            file.close()


def open_sentinel2(folder: Path) -> Sentinel2Image:
    """Open a product's only granule (of several the first, which ``extras`` says), or a granule.

    Parameters
    ----------
    folder : Path
        ``*.SAFE``, a folder in its ``GRANULE``, or one with ``metadata.xml`` and ``B02.jp2``.

    Raises
    ------
    InvalidInput
        Where it is none of them, is not of Level 1C, or a file is missing, truncated or of the wrong size.
    """
    layout = find_layout(folder)
    product = read_product(layout.product) if layout.product is not None else None
    granule = read_granule(layout.granule)
    identity = identify(folder.resolve())
    sensor = product.sensor if product is not None else SENSORS[identity.sensor]
    files = {band.name: _band_file(layout.images, band.key) for band in sensor.bands}
    bands = {name: BandFile(path) for name, path in files.items()}
    for name, file in bands.items():
        expected = granule.shapes[sensor.band(name).resolution]
        if file.shape != expected:
            raise InvalidInput(
                f"{file.path} has {file.shape[0]} x {file.shape[1]} pixels and {granule.path.name} says "
                f"{expected[0]} x {expected[1]}: fetch the image again"
            )
    metadata = ImageMetadata(
        id=identity.id,
        sensor=sensor,
        time=granule.time,
        grid=grid_at(granule, 10),
        reference=_reference(granule, identity.reference),
        tier=1,
        calibration=calibrations(product, sensor),
        files=files,
        earth_sun_distance=_distance(product, granule),
        extras=_extras(product, layout),
    )
    return Sentinel2Image(metadata, product, granule, bands, layout.masks)


def find_layout(folder: Path) -> Layout:
    """Return where the files of a product or granule lie.

    Raises
    ------
    InvalidInput
        Where the folder is neither.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder")
    if (folder / "metadata.xml").is_file():
        return Layout(_one(folder, PRODUCT_METADATA), folder / "metadata.xml", folder, folder / "qi", 1)
    if (folder / "GRANULE").is_dir():
        product = _one(folder, PRODUCT_METADATA)
        if product is None:
            raise InvalidInput(f"{folder} has no MTD_MSIL1C.xml: it is no product of Level 1C")
        granules = sorted(path for path in (folder / "GRANULE").iterdir() if path.is_dir())
        if not granules:
            raise InvalidInput(f"{folder / 'GRANULE'} is empty: fetch the image again")
        return _granule_layout(granules[0], product, len(granules))
    if (folder / "IMG_DATA").is_dir() or _one(folder, GRANULE_METADATA) is not None:
        above = folder.resolve().parent
        product = _one(above.parent, PRODUCT_METADATA) if above.name == "GRANULE" else None
        if product is None:
            raise InvalidInput(f"{folder} is a granule without its product's MTD_MSIL1C.xml: leave it in its SAFE")
        return _granule_layout(folder, product, 1)
    raise InvalidInput(f"{folder} is neither a SAFE nor a granule of Sentinel-2: it has no GRANULE and no IMG_DATA")


def _granule_layout(folder: Path, product: Path, granules: int) -> Layout:
    metadata = _one(folder, GRANULE_METADATA)
    if metadata is None:
        raise InvalidInput(f"{folder} has no MTD_TL.xml: fetch the image again")
    return Layout(product, metadata, folder / "IMG_DATA", folder / "QI_DATA", granules)


def _one(folder: Path, pattern: re.Pattern[str]) -> Path | None:
    return next((path for path in sorted(folder.iterdir()) if pattern.fullmatch(path.name)), None)


def grid_at(granule: GranuleMetadata, resolution: int) -> ImageGrid:
    """Return a granule's grid of 10, 20 or 60 m."""
    return ImageGrid(granule.crs, granule.west, granule.north, float(resolution), *granule.shapes[resolution])


def calibrations(product: ProductMetadata | None, sensor: Sensor) -> dict[str, Calibration]:
    """Return the calibration of each band by its name: reflectance is (count + offset) / quantification."""
    scale = product.quantification if product is not None else QUANTIFICATION
    offsets = product.offsets if product is not None else {}
    return {band.name: Calibration(1.0 / scale, offsets.get(band.key, 0.0) / scale) for band in sensor.bands}


def _distance(product: ProductMetadata | None, granule: GranuleMetadata) -> float:
    if product is not None and product.distance_factor:
        return float(product.distance_factor**-0.5)
    return sun_distance(granule.time)


def _reference(granule: GranuleMetadata, named: str | None) -> str:
    found = TILE.search(granule.name)
    if found is None and named is None:
        raise InvalidInput(f"{granule.path}: {granule.name} names no tile")
    return found[0] if found is not None else str(named)


def _extras(product: ProductMetadata | None, layout: Layout) -> dict[str, str]:
    extras = {"angles": "metadata grids"}
    if product is not None:
        extras |= {"baseline": product.baseline, "cloud_cover": product.cloud_cover, "product": product.name}
    if layout.granules > 1:
        extras["warning"] = (
            f"{layout.granules} granules in the product: the first, {layout.images.parent.name}, is read"
        )
    return extras


def _band_file(folder: Path, key: str) -> Path:
    pattern = re.compile(rf"(?:.*_)?B{key}\.jp2", re.IGNORECASE)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    found = [name for name in names if pattern.fullmatch(name)]
    if not found:
        raise InvalidInput(f"{folder / f'*_B{key}.jp2'} is missing: fetch the image again")
    return folder / found[0]


def _replicated(file: BandFile, layer: int, start: int, stop: int, factor: int) -> np.ndarray:
    """Return where a layer is set, on rows of the 10 m grid."""
    first, last = start // factor, -(-stop // factor)
    rows = file.read(first, min(last, file.shape[0]), layer) != 0
    whole = np.repeat(np.repeat(rows, factor, axis=0), factor, axis=1)
    return whole[start - first * factor : stop - first * factor]
