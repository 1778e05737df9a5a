"""Writes a simulated scene as ESA does: a SAFE folder with JPEG 2000 images, lossless, and its metadata."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil

from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import Band
from levelworks.ard.simulation.instrument import add_noise
from levelworks.ard.simulation.rasters import create, write_rows
from levelworks.ard.simulation.scene_maker import Block, SceneMaker
from levelworks.ard.simulation.sentinel2_angles import angle_grids
from levelworks.ard.simulation.sentinel2_facts import Sentinel2Facts
from levelworks.ard.simulation.sentinel2_masks import footprint_gml, quality_layers
from levelworks.ard.simulation.sentinel2_xml import QUANTIFICATION, granule_xml, product_xml
from levelworks.ard.simulation.truth import TruthWriter
from levelworks.core.atomic import remove
from levelworks.core.sun import sun_distance

BLOCK_PIXELS = 3_000_000
"""Of 10 m, that are made at a time."""
TILES = {10: 1024, 20: 640, 60: 192}
"""Sizes of the tiles of ESA's images by resolution."""
SCRATCH = ".scratch"
LARGEST = 65534
"""65535 means saturated."""


def facts_of(maker: SceneMaker) -> Sentinel2Facts:
    """Return what is known of a scene before its pixels are made."""
    placement, description = maker.placement, maker.description
    zone = placement.zone
    keys = [band.key for band in maker.sensor.bands]
    masks = [("MSK_DETFOO", key) for key in keys] if description.footprints else []
    if description.quality_masks and float(description.baseline) >= 4:
        masks += [("MSK_QUALIT", key) for key in keys]
    return Sentinel2Facts(
        maker.sensor,
        placement.time,
        placement.tile,
        description.baseline,
        maker.grid,
        f"WGS84 / UTM zone {zone.number}{'S' if zone.false_northing else 'N'}",
        1 / sun_distance(placement.time) ** 2,
        angle_grids(placement),
        0.0,
        tuple(masks),
    )


class Sentinel2Writer:
    """Writes the SAFE of a scene.

    Parameters
    ----------
    maker : SceneMaker
    """

    def __init__(self, maker: SceneMaker) -> None:
        self.maker = maker
        self.facts = facts_of(maker)

    @property
    def id(self) -> str:
        """Return the agency's identifier."""
        return self.facts.name

    @property
    def folder_name(self) -> str:
        """Return the name of the product's folder."""
        return f"{self.facts.name}.SAFE"

    def write(self, folder: Path, truth: TruthWriter) -> None:
        """Write all files into a folder, and the truth of each block with them."""
        granule, scratch = folder / "GRANULE" / self.facts.granule, folder / SCRATCH
        images, quality = granule / "IMG_DATA", granule / "QI_DATA"
        for one in (images, quality, scratch):
            one.mkdir(parents=True, exist_ok=True)
        bands = self.maker.sensor.bands
        rows = max(BLOCK_PIXELS // self.maker.grid.columns // 60, 1) * 60
        with ExitStack() as stack:
            files: dict[str, Any] = {}
            for band in bands:
                files[f"B{band.key}"] = stack.enter_context(self._open(scratch, f"B{band.key}", band, "uint16"))
                if self.maker.description.footprints and self.facts.mask_ending == "jp2":
                    files[f"F{band.key}"] = stack.enter_context(self._open(scratch, f"F{band.key}", band, "uint8"))
            for block in self.maker.blocks(rows):
                for number, band in enumerate(bands):
                    self._write_band(block, number, band, files)
                truth.write(block)
        for band in bands:
            to_jpeg2000(
                scratch / f"B{band.key}.tif", images / f"{self.facts.stem}_B{band.key}.jp2", TILES[band.resolution]
            )
        self._write_masks(scratch, quality)
        remove(scratch)
        facts = replace(self.facts, cloud_cover=truth.cloud_cover)
        (folder / "MTD_MSIL1C.xml").write_text(product_xml(facts), encoding="utf-8")
        (granule / "MTD_TL.xml").write_text(granule_xml(facts), encoding="utf-8")
        write_manifest(folder)

    def _open(self, scratch: Path, name: str, band: Band, dtype: str) -> Any:
        grid = grid_of(self.maker.grid, band)
        return create(
            scratch / f"{name}.tif",
            grid,
            dtype,
            tiled=False,
            compress=None,
            predictor=None,
            blockxsize=None,
            blockysize=None,
        )

    def _write_band(self, block: Block, number: int, band: Band, files: dict[str, Any]) -> None:
        factor = band.resolution // self.maker.sensor.resolution
        reflectance = means_of(block.top_reflectance(band.name), factor)
        row = block.start // factor
        if self.maker.description.noise:
            reflectance = add_noise(reflectance, self.maker.sensor, self.maker.description.seed, number, row)
        counts = np.rint(reflectance.astype(float) * QUANTIFICATION - self.facts.offset)
        counts = np.clip(counts, 1, LARGEST).astype(np.uint16)
        seen = block.detectors(self.maker.look(band.name))
        whole = seen.reshape(seen.shape[0] // factor, factor, -1, factor).min(axis=(1, 3))
        counts[whole == 0] = 0
        write_rows(files[f"B{band.key}"], counts, row)
        if f"F{band.key}" in files:
            # a pixel that two detectors share is the first one's
            write_rows(files[f"F{band.key}"], whole, row)

    def _write_masks(self, scratch: Path, folder: Path) -> None:
        for kind, key in self.facts.masks:
            band = next(one for one in self.maker.sensor.bands if one.key == key)
            path = folder / f"{kind}_B{key}.{self.facts.mask_ending}"
            if kind == "MSK_QUALIT":
                raw = scratch / f"Q{key}.tif"
                quality_layers(scratch / f"B{key}.tif", raw)
                to_jpeg2000(raw, path, TILES[band.resolution])
            elif self.facts.mask_ending == "jp2":
                to_jpeg2000(scratch / f"F{key}.tif", path, TILES[band.resolution])
            else:
                path.write_text(footprint_gml(self.maker.look(band.name), self.maker.grid, key), encoding="utf-8")


def write_manifest(folder: Path) -> None:
    """Write ``manifest.safe``, the list of a SAFE's files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    objects = "\n".join(
        f'    <dataObject ID="file{number}"><byteStream size="{path.stat().st_size}">'
        f'<fileLocation locatorType="URL" href="./{path.relative_to(folder)}"/></byteStream></dataObject>'
        for number, path in enumerate(files)
    )
    (folder / "manifest.safe").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" version="esa/safe/sentinel/1.1/sentinel-2/msi/archive_l1c_user_product">
  <dataObjectSection>
{objects}
  </dataObjectSection>
</xfdu:XFDU>
"""
    )


def grid_of(grid: ImageGrid, band: Band) -> ImageGrid:
    """Return the grid of a band's pixels."""
    return grid.coarser(round(band.resolution / grid.resolution))


def means_of(values: np.ndarray, factor: int) -> np.ndarray:
    """Return the means over squares of pixels, float32."""
    if factor == 1:
        return values
    rows, columns = values.shape[0] // factor, values.shape[1] // factor
    cells = values.reshape(rows, factor, columns, factor)
    return np.asarray(cells.mean(axis=(1, 3), dtype=np.float64).astype(np.float32))


def to_jpeg2000(source: Path, target: Path, tile: int) -> None:
    """Copy a raster to JPEG 2000 without loss, in tiles as ESA's."""
    with rasterio.open(source) as file:
        size = min(file.width, file.height)
        rasterio.shutil.copy(
            file,
            target,
            driver="JP2OpenJPEG",
            REVERSIBLE="YES",
            QUALITY="100",
            BLOCKXSIZE=str(tile),
            BLOCKYSIZE=str(tile),
            RESOLUTIONS=str(min(6, max(1, int(np.log2(max(size, 2)))))),
            PROGRESSION="LRCP",
        )
    auxiliary = target.with_name(f"{target.name}.aux.xml")
    auxiliary.unlink(missing_ok=True)
