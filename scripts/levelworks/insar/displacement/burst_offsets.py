"""Dense offsets of a coregistered burst: its patches measured tile by tile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from levelworks.insar.coregistration.rslc_files import read_rslc
from levelworks.insar.displacement.dense_offsets import LAYERS, DenseOffsets, dense_offsets
from levelworks.insar.displacement.patch_grid import PatchGrid
from levelworks.insar.geometry.carrier import Carrier
from levelworks.insar.interferograms.seams import Dates
from levelworks.insar.mosaic.mosaic import Placement
from levelworks.insar.safe.burst import Burst

ROWS, COLUMNS = 32, 64
"""Patches that are measured at once."""


def burst_offsets(
    place: Placement, burst: Burst, carrier: Carrier, dates: Dates, grid: PatchGrid, least: tuple[float, float]
) -> DenseOffsets:
    """Measure the patches that lie in the middle of a burst's part of the radar grid.

    Parameters
    ----------
    place : Placement
    burst : Burst
        Of the reference.
    carrier : Carrier
        Of the reference's burst: both dates have it, as both are on its pixels.
    dates : Dates
        Folders of coregistered bursts.
    grid : PatchGrid
    least : tuple of float
        Correlation and ratio below which a peak is none.

    Returns
    -------
    DenseOffsets
        Rows and columns of `PatchGrid.part_of`.
    """
    rows, columns = grid.part_of(place)
    layers = np.full((len(LAYERS), len(rows), len(columns)), np.nan, np.float32)
    windows = (
        (burst.azimuth_window, 1 / burst.azimuth_time_interval),
        (burst.range_window, burst.range_sampling_rate),
    )
    for down in _blocks(rows, ROWS):
        line = grid.first(0, down.start) - place.corner[0]
        count = grid.layout.extent((len(down), 1))[0]
        strips = [_lines(dates, which, burst, carrier, (line, count), grid.layout.margin) for which in (0, 1)]
        for along in _blocks(columns, COLUMNS):
            shape = len(down), len(along)
            sample = grid.first(1, along.start) - place.corner[1]
            width = grid.layout.extent((1, len(along)))[1]
            tiles = [_columns(strip, (sample, width), grid.layout.margin) for strip in strips]
            found = dense_offsets((tiles[0], tiles[1]), windows, shape, grid.layout, least)
            inner = (
                slice(down.start - rows.start, down.stop - rows.start),
                slice(along.start - columns.start, along.stop - columns.start),
            )
            layers[:, *inner] = [getattr(found, name) for name in LAYERS]
    return DenseOffsets(*layers)


def _blocks(numbers: range, size: int) -> Iterator[range]:
    for start in range(numbers.start, numbers.stop, size):
        yield range(start, min(start + size, numbers.stop))


def _lines(dates: Dates, which: int, burst: Burst, carrier: Carrier, lines: tuple[int, int], margin: int) -> np.ndarray:
    """Read so many lines of a burst from one on, with a margin, the carrier taken off; 0 beyond the burst."""
    start, stop = lines[0] - margin, lines[0] + lines[1] + margin
    result = np.zeros((stop - start, burst.samples), np.complex64)
    first, last = max(start, 0), min(stop, burst.lines)
    if last > first:
        folder = (dates.first, dates.second)[which]
        pixels = read_rslc(folder / f"{burst.key}.h5", slice(first, last))
        carrier.remove(pixels, first)
        result[first - start : last - start] = pixels
    return result


def _columns(strip: np.ndarray, samples: tuple[int, int], margin: int) -> np.ndarray:
    """Return so many samples of lines from one on, with a margin; 0 beyond them."""
    start, stop = samples[0] - margin, samples[0] + samples[1] + margin
    result = np.zeros((strip.shape[0], stop - start), np.complex64)
    first, last = max(start, 0), min(stop, strip.shape[1])
    if last > first:
        result[:, first - start : last - start] = strip[:, first:last]
    return result
