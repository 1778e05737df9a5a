"""What a simulated stack says should be found: phases on the radar cells of a frame, places in bursts."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from levelworks.insar.simulation.truth import read_truth

WAVELENGTH = 0.05546576


def at_cells(mosaic, place, truth, field):
    """Return a field on the grid of a burst's truth at the centres of the cells that are taken from the burst."""
    lines, samples = (
        np.arange(inside.start, inside.stop, looks) + (looks - 1) / 2
        for inside, looks in zip(place.inside, mosaic.looks, strict=True)
    )
    cells = np.stack(np.meshgrid(lines, samples, indexing="ij"), -1)
    return RegularGridInterpolator((truth["lines"], truth["samples"]), field)(cells)


def expected_phase(path, mosaic, first, second):
    """Return the phase (rad) that motion and air leave at the centres of cells; NaN beyond the bursts."""
    phase = np.full(mosaic.shape, np.nan)
    for place in mosaic.placements:
        one, two = (read_truth(path, place.key, date) for date in (first, second))
        longer = (two["air"] - two["motion"]) - (one["air"] - one["motion"])
        phase[place.cells(mosaic.looks)] = 4 * np.pi / WAVELENGTH * at_cells(mosaic, place, one, longer)
    return phase


def wrapped(phase):
    """Return phases between -pi and pi."""
    return np.angle(np.exp(1j * phase))
