"""The masks of an image: pixels, then objects, then what lies around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from levelworks.ard.masks.clear_sky import ClearSky
from levelworks.ard.masks.force_pixels import Scene, find_clouds_as_force
from levelworks.ard.masks.force_shadows import match_as_force
from levelworks.ard.masks.inputs import Inputs, MakeScratch
from levelworks.ard.masks.layers import Layers
from levelworks.ard.masks.objects import SMALLEST, remove_small, sure_objects
from levelworks.ard.masks.outlines import Outlines, finish
from levelworks.ard.masks.pixels import find_probability
from levelworks.ard.masks.rays import trace_rays
from levelworks.ard.masks.settings import MaskOptions, Masks
from levelworks.ard.masks.shadows import Clouds, Ground, Shadows, match_shadows
from levelworks.ard.scene import Angles, ImageGrid
from levelworks.ard.sensors import Sensor
from levelworks.core.mpi import Communicator

CERTAIN = 80.0
"""Mean probability of an object, percent, from which on it is a cloud even if its shadow should show but does not."""


def find_masks(
    toa: Callable[[str, int, int], np.ndarray],
    available: frozenset[str],
    grid: ImageGrid,
    sensor: Sensor,
    angles: Angles,
    elevation: Callable[[int, int], np.ndarray] | None,
    slope: Callable[[int, int], np.ndarray] | None,
    saturated: Callable[[int, int], np.ndarray],
    scratch: MakeScratch,
    options: MaskOptions,
    communicator: Communicator,
) -> Masks:
    """Find clouds, cirrus, shadows, snow and water of an image.

    Memory holds blocks of rows and rasters of cells of 60 m. The result is the same for any height of the blocks and
    any number of ranks.

    Parameters
    ----------
    toa : callable
        ``toa(band, start, stop)``: rows of a band on the working grid, float32: reflectance at the top of the
        atmosphere; kelvin of TEMP; NaN is no data.
    available : frozenset of str
        Names of the bands that `toa` has.
    angles : Angles
        On the field of the grid.
    elevation, slope : callable or None
        ``elevation(start, stop)``: metres, and degrees, of rows.
    saturated : callable
        ``saturated(start, stop)``: bool, of rows.
    scratch : callable
        Makes the rasters of the work and of the result.

    Returns
    -------
    Masks
        Its two rasters are the caller's to remove.
    """
    inputs = Inputs(toa, available, grid, sensor, angles, elevation, slope, saturated, scratch, options, communicator)
    layers, outlines = Layers.create(inputs), Outlines.create(inputs)
    inputs.wait()
    reach = None
    if inputs.as_force:
        scene, clouds = find_clouds_as_force(inputs, layers)
        if communicator.rank == 0:
            reach = _find_objects_as_force(inputs, layers, outlines, scene, clouds)
    else:
        sky = find_probability(inputs, layers)
        if communicator.rank == 0:
            reach = _find_objects(inputs, layers, outlines, sky)
    masks = finish(inputs, layers, outlines, communicator.broadcast(reach))
    layers.remove()
    outlines.remove()
    return masks


def _find_objects(inputs: Inputs, layers: Layers, outlines: Outlines, sky: ClearSky) -> tuple[int, int]:
    """Write which clouds stand and where their shadows fall; return the range of rows between the two, in pixels."""
    rows = inputs.cells[0]
    cloudy = remove_small(layers.counts.read(0, rows), SMALLEST / inputs.grid.resolution**2)
    ground = Ground(
        layers.near_infrared.read(0, rows),
        layers.shortwave.read(0, rows),
        layers.water.read(0, rows) > 0,
        np.zeros((0, 0), np.int16) if layers.relief is None else layers.relief.read(0, rows),
    )
    clouds = Clouds(
        cloudy,
        None if layers.kelvin is None else layers.kelvin.read(0, rows),
        sky.cold[0],
        None if layers.lift is None else layers.lift.read(0, rows),
    )
    shadows = match_shadows(clouds, ground, trace_rays(inputs.angles))
    doubtful = shadows.bright & ~sure_objects(layers.certainty.read(0, rows), cloudy, CERTAIN)
    return outlines.write(inputs, cloudy & ~doubtful, shadows)


def _find_objects_as_force(
    inputs: Inputs, layers: Layers, outlines: Outlines, scene: Scene, clouds: int
) -> tuple[int, int]:
    rows = inputs.cells[0]
    counts = layers.counts.read(0, rows)
    if scene.overcast or 100.0 * clouds > 0.8 * inputs.options.max_cloud_cover * scene.valid:
        cloudy, shadow = counts > 0, np.ones(inputs.cells, bool)
    else:
        cloudy, shadow = match_as_force(
            counts,
            layers.near_infrared.read(0, rows),
            layers.shortwave.read(0, rows),
            layers.water.read(0, rows) > 0,
            np.zeros((0, 0), np.uint16) if layers.kelvin is None else layers.kelvin.read(0, rows),
            scene,
            trace_rays(inputs.angles),
            inputs.step * inputs.grid.resolution,
            inputs.options.shadow_threshold,
        )
    none = np.zeros(inputs.cells, np.int16)
    return outlines.write(inputs, cloudy, Shadows(none, none, none, shadow, np.zeros(inputs.cells, bool)))
