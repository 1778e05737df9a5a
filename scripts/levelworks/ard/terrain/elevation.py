"""Elevation on the grid of an image: an elevation model warped, the sea filled, fine grids smoothed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelworks.ard.scene import ImageGrid
from levelworks.ard.scratch import Scratch
from levelworks.ard.terrain.elevation_kernels import add_to_cells, box_mean, count_void, spread_sea
from levelworks.core import mpi
from levelworks.core.mpi import Communicator
from levelworks.core.outcome import InvalidReference

LOWEST, HIGHEST = -500.0, 9000.0
"""Of land (m, spec section 7); what lies beyond is a void, whatever the file says."""
SMOOTHING = 30.0
"""Metres to either side over which grids finer than this are averaged: models are coarser than they are."""
BLOCK = 512
"""Rows that are warped at a time, always the same: GDAL approximates positions within what it warps at once."""
PASSES = 8
"""Sweeps down and up that carry the sea round headlands; each is short where nothing is left to fill."""


def find_elevation_model(path: Path, reference: str) -> Path:
    """Return the file of a database of elevation models that belongs to an image.

    Parameters
    ----------
    path : Path
        Folder of ``WRS-2_PPPRRR.vrt`` and ``MGRS_Txxxxx.vrt``.
    reference : str
        ``193024`` (path and row) or ``T33UUP``.

    Raises
    ------
    InvalidReference
        Where the file is missing.
    """
    name = f"WRS-2_{reference}.vrt" if reference.isdigit() else f"MGRS_{reference}.vrt"
    if not (path / name).is_file():
        raise InvalidReference(f"{path} has no {name}: add it, or turn dem-database off and name one elevation model")
    return path / name


def warp_elevation(
    dem: Path | None,
    grid: ImageGrid,
    elevation: Scratch,
    *,
    resampling: str = "bilinear",
    nodata: float = -32767,
    communicator: Communicator | None = None,
) -> tuple[str, ...]:
    """Write the elevation of the terrain on a grid; without a model it is level at 0 m.

    Voids that the sea reaches are 0 m, others NaN. Grids finer than 30 m are smoothed by a box of that half width
    (spec section 7). Ranks share the warping; what follows, which runs through all rows, is the first's.

    Parameters
    ----------
    dem : Path or None
        A raster that GDAL opens, metres, in any projection.
    elevation : Scratch, shape of the grid, float32
        Written.
    resampling : str
        ``nearest``, ``bilinear`` or ``cubic``.
    nodata : float
        What stands for a void in a file that doesn't say.

    Returns
    -------
    tuple of str
        What a person should know: how much the model doesn't cover, how much was taken for sea.

    Raises
    ------
    InvalidReference
        Where the model can't be read or covers nothing of the grid.
    """
    if dem is None:
        return ()
    communicator = communicator or mpi.Serial()
    blocks = mpi.blocks(grid.rows, BLOCK)
    with mpi.together(communicator):
        mine = [blocks[index] for index in mpi.split(len(blocks), communicator.size, communicator.rank)]
        _warp(dem, grid, mine, elevation, resampling, nodata)
    warnings: tuple[str, ...] = ()
    with mpi.together(communicator):
        if communicator.rank == 0:
            warnings = _finish(dem, grid, elevation)
    return tuple(communicator.broadcast(warnings))


def _warp(dem: Path, grid: ImageGrid, blocks: list[range], elevation: Scratch, resampling: str, nodata: float) -> None:
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.transform import Affine
    from rasterio.vrt import WarpedVRT
    from rasterio.warp import Resampling
    from rasterio.windows import Window

    try:
        with rasterio.open(dem) as file:
            if file.crs is None:
                raise InvalidReference(f"{dem} has no coordinate reference system: name an elevation model that does")
            warped = WarpedVRT(
                file,
                crs=grid.crs,
                transform=Affine(*grid.transform),
                width=grid.columns,
                height=grid.rows,
                resampling=Resampling[resampling],
                src_nodata=nodata if file.nodata is None else file.nodata,
                nodata=np.nan,
                dtype="float32",
            )
            with warped:
                for rows in blocks:
                    heights = warped.read(1, window=Window(0, rows.start, grid.columns, len(rows)))
                    # Comparisons with NaN are false: what is void stays void.
                    heights[~((heights >= LOWEST) & (heights <= HIGHEST))] = np.nan
                    elevation.write(rows.start, heights)
    except RasterioError as error:
        raise InvalidReference(f"{dem} can't be read as an elevation model ({error})") from None


def _finish(dem: Path, grid: ImageGrid, elevation: Scratch) -> tuple[str, ...]:
    """Fill the sea and smooth fine grids, in place; return what a person should know."""
    blocks = mpi.blocks(grid.rows, BLOCK)
    void = sum(count_void(elevation.read(rows.start, rows.stop)) for rows in blocks)
    pixels = grid.rows * grid.columns
    if void == pixels:
        raise InvalidReference(
            f"{dem} does not cover the image at all: name a model that does, or none over the open sea"
        )
    filled = _fill_sea(elevation, blocks) if void else 0
    half = int(SMOOTHING / grid.resolution) if grid.resolution < SMOOTHING else 0
    if half:
        _smooth(elevation, blocks, half)
    warnings = []
    if filled:
        warnings.append(f"{dem.name} has no elevation in {100 * filled / pixels:.2g} % of the grid beside the sea: 0 m")
    if void > filled:
        warnings.append(
            f"{dem.name} does not cover {100 * (void - filled) / pixels:.2g} % of the grid: no data is produced there"
        )
    return tuple(warnings)


def _fill_sea(elevation: Scratch, blocks: list[range]) -> int:
    """Spread 0 m into voids, down and up until nothing changes; return the number of pixels filled."""
    total = 0
    for _ in range(PASSES):
        before = total
        for upward in (False, True):
            edge = np.full(elevation.columns, np.nan, np.float32)
            for rows in reversed(blocks) if upward else blocks:
                heights = elevation.read(rows.start, rows.stop)
                filled = spread_sea(heights, edge, upward)
                if filled:
                    elevation.write(rows.start, heights)
                    total += filled
                edge = heights[0 if upward else -1].copy()
        if total == before:
            break
    return total


def _smooth(elevation: Scratch, blocks: list[range], half: int) -> None:
    """Average in place; the rows above that a block still needs are kept as they were."""
    above = np.empty((0, elevation.columns), np.float32)
    for rows in blocks:
        below = elevation.read(rows.start, min(rows.stop + half, elevation.rows))
        heights = np.concatenate([above, below])
        result = np.empty((len(rows), elevation.columns), np.float32)
        box_mean(heights, above.shape[0], half, result)
        end = above.shape[0] + len(rows)
        above = heights[max(end - half, 0) : end].copy()
        elevation.write(rows.start, result)


def mean_over_cells(elevation: Scratch, step: int) -> np.ndarray:
    """Return the mean elevation of cells of `step` by `step` pixels, NaN where all is void.

    Parameters
    ----------
    elevation : Scratch, shape (rows, columns), float32

    Returns
    -------
    ndarray, shape (ceil(rows / step), ceil(columns / step)), float32
    """
    height, width = -(-elevation.rows // step), -(-elevation.columns // step)
    means = np.empty((height, width), np.float32)
    many = max(1, BLOCK // step)
    for first in range(0, height, many):
        rows = elevation.read(first * step, min((first + many) * step, elevation.rows))
        for cell in range(first, min(first + many, height)):
            sums, counts = np.zeros(width), np.zeros(width, np.int64)
            add_to_cells(rows[(cell - first) * step : (cell - first + 1) * step], step, sums, counts)
            means[cell] = np.divide(sums, counts, out=np.full(width, np.nan), where=counts > 0)
    return means
