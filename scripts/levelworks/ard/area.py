"""An area of interest: polygons outside of which an image has no data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.ard.scene import ImageGrid
from levelworks.core.outcome import InvalidReference, NothingToProduce


@dataclass(frozen=True)
class AreaOfInterest:
    """Polygons in the projection of an image; none stands for everywhere."""

    grid: ImageGrid
    shapes: tuple[Any, ...] | None

    @staticmethod
    def read(path: Path | None, grid: ImageGrid) -> AreaOfInterest:
        """Read polygons of GeoJSON (longitude and latitude, or the projection that it names).

        Raises
        ------
        InvalidReference
            Where the file is no such, or has no polygon.
        NothingToProduce
            Where the image lies outside.
        """
        if path is None:
            return AreaOfInterest(grid, None)
        import json

        import shapely
        from rasterio.warp import transform_geom
        from shapely.geometry import box, shape

        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            features = content["features"] if content["type"] == "FeatureCollection" else [content]
            crs = content.get("crs", {}).get("properties", {}).get("name", "OGC:CRS84")
            geometries = [one.get("geometry", one) for one in features]
            moved = [shape(transform_geom(crs, grid.crs, one)) for one in geometries if one]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidReference(f"{path} can't be read as polygons (GeoJSON): {error}") from None
        polygons = [one for one in moved if one.geom_type in ("Polygon", "MultiPolygon")]
        if not polygons:
            raise InvalidReference(f"{path} has no polygon")
        reached = [one for one in polygons if shapely.intersects(one, box(*grid.bounds))]
        if not reached:
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
