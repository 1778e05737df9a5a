"""What a simulated stack says should be found: phases on the radar cells of a frame, places in bursts."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from levelworks.insar.simulation.truth import read_truth

WAVELENGTH = 0.05546576


def path_difference(truth, key, first, second):
    """Return what motion and air add to the path of the second date (m), and the burst's lines and samples of it."""
    one, two = (read_truth(truth, key, date) for date in (first, second))
    return (two["air"] - two["motion"]) - (one["air"] - one["motion"]), one["lines"], one["samples"]


def expected_phase(truth, mosaic, first, second):
    """Return the phase (rad) that motion and air leave at the centres of cells; NaN beyond the bursts."""
    phase = np.full(mosaic.shape, np.nan)
    for place in mosaic.placements:
        path, lines, samples = path_difference(truth, place.key, first, second)
        rows, columns = (
            np.arange(inside.start, inside.stop, looks) + (looks - 1) / 2
            for inside, looks in zip(place.inside, mosaic.looks, strict=True)
        )
        cells = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1)
        phase[place.cells(mosaic.looks)] = (
            4 * np.pi / WAVELENGTH * RegularGridInterpolator((lines, samples), path)(cells)
        )
    return phase


def wrapped(phase):
    """Return phases between -pi and pi."""
    return np.angle(np.exp(1j * phase))
