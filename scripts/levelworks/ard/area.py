"""An area of interest: polygons outside of which an image has no data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidReference, NothingToProduce

POLYGONS = (3, 6)
"""What GEOS calls polygons and several of them."""


@dataclass(frozen=True)
class AreaOfInterest:
    """Polygons in the projection of an image; none stands for everywhere."""

    grid: ImageGrid
    shapes: tuple[Any, ...] | None

    @staticmethod
    def read(path: Path | None, grid: ImageGrid) -> AreaOfInterest:
        """Read the polygons of all layers of a vector file: GeoJSON, GeoPackage, shapefile and what else GDAL reads.

        Raises
        ------
        InvalidReference
            Where the file is no such, doesn't name its projection, or has no polygon.
        NothingToProduce
            Where the image lies outside.
        """
        if path is None:
            return AreaOfInterest(grid, None)
        import shapely

        polygons = _polygons(path, grid.crs)
        if not polygons.size:
            raise InvalidReference(f"{path} has no polygon")
        reached = polygons[shapely.intersects(polygons, shapely.box(*grid.bounds))]
        if not reached.size:
            raise NothingToProduce(f"the image lies outside of the area of interest {path.name}")
        return AreaOfInterest(grid, tuple(reached))

    def inside(self, start: int, stop: int) -> np.ndarray:
        """Return which pixels of the rows start to stop have their centres inside, shape (rows, columns), bool."""
        shape = stop - start, self.grid.columns
        if self.shapes is None:
            return np.ones(shape, bool)
        from rasterio.features import rasterize
        from rasterio.transform import Affine

        transform = Affine(*self.grid.transform) @ Affine.translation(0, start)
        return rasterize(self.shapes, out_shape=shape, transform=transform, dtype=np.uint8) > 0


def _polygons(path: Path, crs: str) -> np.ndarray:
    """Return the polygons of a vector file in a projection."""
    import pyogrio
    import shapely
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    found = []
    try:
        for layer, _ in pyogrio.list_layers(path):
            about, _, geometries, _ = pyogrio.raw.read(path, layer=layer, columns=[])
            if about["crs"] is None:
                raise InvalidReference(f"{path} doesn't say in which projection its polygons are")
            source = CRS.from_user_input(about["crs"])
            move = Transformer.from_crs(source, CRS.from_user_input(crs), always_xy=True).transform
            shapes = shapely.from_wkb(geometries)
            shapes = shapes[np.isin(shapely.get_type_id(shapes), POLYGONS) & ~shapely.is_empty(shapes)]
            found.append(shapely.make_valid(shapely.transform(shapes, move, interleaved=False)))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.GEOSException, ProjError) as error:
        raise InvalidReference(f"{path} can't be read as polygons: {error}") from None
    return np.concatenate([np.array([], object), *found])
