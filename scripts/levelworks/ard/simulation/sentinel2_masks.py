"""Masks of a simulated granule: footprints of detectors as GML (before baseline 04.00), and quality as rasters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from shapely.geometry import Polygon, box

from levelworks.ard.scene import ImageGrid
from levelworks.ard.simulation.cloud_kernels import Look
from levelworks.ard.simulation.orbits import DETECTORS

QUALITY_LAYERS = 8
"""Lost and degraded ancillary data, lost and degraded image data, defective, no data, partly corrected, saturated."""
NODATA_LAYER, SATURATED_LAYER = 6, 8
SATURATED = 65535


def detector_polygons(look: Look, grid: ImageGrid) -> dict[int, Polygon]:
    """Return what each detector sees of a grid, by its number."""
    west, south, east, north = grid.bounds
    frame = box(west, south, east, north)
    reach = 2 * float(np.hypot(east - west, north - south))
    right = np.array([look.forward_north, -look.forward_east])
    forward = np.array([look.forward_east, look.forward_north])
    middle = np.array([look.x, look.y])
    found = {}
    for detector in range(1, DETECTORS + 1):
        outer = look.half_across - (detector - 1) * look.detector_width
        sides = [(one - look.across) * right for one in (outer, outer - look.detector_width)]
        ring = [middle + sides[0] + reach * forward, middle + sides[1] + reach * forward]
        ring += [middle + sides[1] - reach * forward, middle + sides[0] - reach * forward]
        strip = frame.intersection(Polygon(ring))
        if strip.area > 0:
            found[detector] = strip
    return found


def footprint_gml(look: Look, grid: ImageGrid, key: str) -> str:
    """Return MSK_DETFOO of a band."""
    members = []
    for detector, polygon in detector_polygons(look, grid).items():
        places = " ".join(f"{x:.0f} {y:.0f} 0" for x, y in polygon.exterior.coords)
        name = f"detector_footprint-B{key}-{detector:02d}-0"
        members.append(
            f"""    <eop:MaskFeature gml:id="{name}">
      <eop:maskType codeSpace="urn:gs2:S2PDGS:maskType">DETECTOR_FOOTPRINT</eop:maskType>
      <eop:extentOf>
        <gml:Polygon gml:id="{name}_Polygon">
          <gml:exterior>
            <gml:LinearRing>
              <gml:posList srsDimension="3">{places}</gml:posList>
            </gml:LinearRing>
          </gml:exterior>
        </gml:Polygon>
      </eop:extentOf>
    </eop:MaskFeature>"""
        )
    inside = "\n".join(members)
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" \
gml:id="MSK_DETFOO_B{key}">
  <gml:name>MSK_DETFOO_B{key}</gml:name>
  <eop:maskMembers>
{inside}
  </eop:maskMembers>
</eop:Mask>
"""


def quality_layers(counts: Path, target: Path) -> None:
    """Write MSK_QUALIT of a band's counts as a GeoTIFF of eight layers: no data, and saturated."""
    with rasterio.open(counts) as file:
        profile = {**file.profile, "dtype": "uint8", "count": QUALITY_LAYERS, "nodata": None}
        with rasterio.open(target, "w", **profile) as quality:
            for _, window in file.block_windows(1):
                values = file.read(1, window=window)
                quality.write((values == 0).astype(np.uint8), NODATA_LAYER, window=window)
                quality.write((values == SATURATED).astype(np.uint8), SATURATED_LAYER, window=window)
