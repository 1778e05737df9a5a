"""Sun and view of a Sentinel-2 granule on the image's field, from the grids of its metadata.

Bands and detectors are averaged as unit vectors, so that azimuths may wrap; where a footprint of the detectors comes
with the granule, each cell takes the detector that saw it (specs/ard.md 3.2 and 28 D5).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from levelworks.ard.geometry.directions import spread_to_neighbours
from levelworks.ard.geometry.view import angles_of, at_cells, mean_over_bands, view_of_detectors
from levelworks.ard.readers.sentinel2_masks import detector_footprint
from levelworks.ard.readers.sentinel2_xml import GranuleMetadata
from levelworks.ard.scene import Angles, ImageGrid, field_step
from levelworks.ard.sensors import Sensor
from levelworks.core.outcome import InvalidInput

MARGIN_METRES = 5000.0
"""About the detectors' nodes that takes the nearest direction: nodes stand that far apart."""


def granule_angles(
    granule: GranuleMetadata, sensor: Sensor, grid: ImageGrid, footprint_of: Callable[[str], Path | None]
) -> Angles:
    """Return the angles on an image's field; the view is the mean over the bands of the sensor's product.

    Parameters
    ----------
    granule : GranuleMetadata
    sensor : Sensor
    grid : ImageGrid
        Of the image.
    footprint_of : callable
        The file of detector footprints of a band's key, or None.

    Raises
    ------
    InvalidInput
        Where the metadata has no view of any of the bands, or a footprint is not whole.
    """
    field = grid.coarser(field_step(grid))
    corner = (granule.west, granule.north)
    views = []
    for name in sensor.product:
        key = sensor.band(name).key
        grids = granule.view.get(key)
        if not grids:
            continue
        path = footprint_of(key)
        views.append(
            view_of_detectors(
                {number: one.vectors for number, one in grids.items()},
                next(iter(grids.values())).spacing,
                *corner,
                field,
                detector_footprint(path, field) if path is not None else None,
            )
        )
    if not views:
        raise InvalidInput(f"{granule.path} has no Viewing_Incidence_Angles_Grids: fetch the image again")
    view = spread_to_neighbours(mean_over_bands(views), MARGIN_METRES / field.resolution)
    return angles_of(at_cells(granule.sun.vectors, granule.sun.spacing, *corner, field), view)
