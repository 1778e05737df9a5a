"""Gridding by interpolation between the centres of soundings, in the cells of a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from levelworks.xco2.granule import Granule, Variable
from levelworks.xco2.grids import EqualAreaGrid, Grid
from levelworks.xco2.interpolation import interpolate, metric_points
from levelworks.xco2.layers import NO_FLAG, Gridded, Layer, describe
from levelworks.xco2.options import GridCapture


def grid_centres(
    granule: Granule,
    variables: Sequence[Variable],
    keeps: Mapping[str, np.ndarray],
    cells: Mapping[str, np.ndarray],
    grid: Grid,
    options: GridCapture,
) -> Gridded:
    """Interpolate variables to the cells of each quality set.

    Flags take the nearest sounding and azimuths are interpolated as unit vectors, but for ``compat: seed``, where
    every number is interpolated as it is.

    Parameters
    ----------
    granule : Granule
        Soundings.
    variables : sequence of Variable
        Of these soundings.
    keeps : mapping of str to ndarray of bool, shape (N,)
        Soundings of each quality set.
    cells : mapping of str to ndarray of int64
        Cells of each set's mask, ascending.
    grid : Grid
    options : GridCapture
        Method, metric, compat and precision.
    """
    union = np.unique(np.concatenate(list(cells.values())))
    x, y = grid.locate(granule.longitude, granule.latitude)
    rows, columns = np.divmod(union, grid.shape[1])
    metric = "plane" if isinstance(grid, EqualAreaGrid) else options.metric
    points = metric_points(x, y, metric, grid.centre[1])
    targets = metric_points(grid.x[columns], grid.y[rows], metric, grid.centre[1])
    layers: dict[str, dict[str, Layer]] = {}
    methods = {}
    for name, keep in keeps.items():
        inside = np.isin(union, cells[name])
        found, methods[name] = _interpolate(variables, keep, points, targets, inside, options)
        layers[name] = found
    return Gridded(union, layers, methods)


def _interpolate(
    variables: Sequence[Variable],
    keep: np.ndarray,
    points: np.ndarray,
    targets: np.ndarray,
    inside: np.ndarray,
    options: GridCapture,
) -> tuple[dict[str, Layer], str]:
    """Return one set's layers, and the method that its variables were interpolated with."""
    seed = options.compat == "seed"
    dtype = np.dtype(options.precision)
    rows: list[np.ndarray] = []
    for variable in variables:
        numbers = np.where(variable.missing, np.nan, variable.values.astype(np.float64))
        if variable.kind == "angle" and not seed:
            rows += [np.sin(np.deg2rad(numbers)), np.cos(np.deg2rad(numbers))]
        elif variable.kind != "flag" or seed:
            rows.append(numbers)
    result = np.full((len(rows), targets.shape[0]), np.nan)
    method: str = options.method
    if rows and keep.any():
        found = interpolate(points[keep], np.stack(rows)[:, keep], targets[inside], options.method)
        result[:, inside] = found.values
        method = next((one for one in found.methods if one != "none"), options.method)
    remaining = iter(result)
    layers = {}
    for variable in variables:
        if variable.kind == "flag" and not seed:
            layers[variable.name] = _nearest_flag(variable, keep, points, targets, inside)
        elif variable.kind == "angle" and not seed:
            east, north = next(remaining), next(remaining)
            turn = np.rad2deg(np.arctan2(east, north))
            signed = bool(np.nanmin(variable.values, initial=0.0) < 0)
            values = turn if signed else np.where(turn < 0, turn + 360.0, turn)
            layers[variable.name] = Layer(values.astype(dtype), np.nan, describe(variable, "area: point"))
        else:
            layers[variable.name] = Layer(next(remaining).astype(dtype), np.nan, describe(variable, "area: point"))
    return layers, method


def _nearest_flag(
    variable: Variable, keep: np.ndarray, points: np.ndarray, targets: np.ndarray, inside: np.ndarray
) -> Layer:
    from scipy.spatial import cKDTree

    fill = int(variable.attributes.get("missing_value", NO_FLAG))
    values = np.full(targets.shape[0], fill, dtype=variable.values.dtype)
    known = keep & ~variable.missing & np.isfinite(points).all(axis=1)
    if known.any() and inside.any():
        _, nearest = cKDTree(points[known]).query(targets[inside])
        values[inside] = variable.values[known][nearest]
    return Layer(values, fill, describe(variable, "area: point"))
