"""One set of soundings on one grid: both quality sets from the same weights, by area or by interpolation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from levelworks.xco2.centre_gridding import grid_centres
from levelworks.xco2.granule import Granule, Variable
from levelworks.xco2.grids import Grid
from levelworks.xco2.layers import (
    COVERAGE,
    EFFECTIVE_NUMBER,
    NO_FLAG,
    NUMBER,
    Gridded,
    Layer,
    canonical_units,
    describe,
)
from levelworks.xco2.options import GridCapture
from levelworks.xco2.overlap import Overlap, footprint_overlaps, scale_footprints
from levelworks.xco2.seed_mask import seed_mask
from levelworks.xco2.sounding_errors import SOURCES, error_name, sounding_errors
from levelworks.xco2.weights import (
    CellStatistics,
    Weights,
    area_weights,
    cell_statistics,
    dominant_class,
    mean_direction,
    weighted_means,
)


def grid_soundings(
    granule: Granule, usable: np.ndarray, wanted: Sequence[str], grid: Grid, options: GridCapture
) -> Gridded:
    """Grid soundings: all that are usable (``pre``), and those of good quality among them (``post``).

    Parameters
    ----------
    granule : Granule
        Soundings, with the variables that errors come from.
    usable : ndarray of bool, shape (N,)
        Those with sound footprints.
    wanted : sequence of str
        Full paths of the variables to grid; those that the granule lacks are passed over.
    grid : Grid
    options : GridCapture

    Returns
    -------
    Gridded
    """
    chosen = granule.take(np.flatnonzero(usable))
    variables = [chosen.variables[name] for name in wanted if name in chosen.variables]
    keeps = {"pre": np.ones(len(chosen), np.bool_), "post": chosen.good}
    vertices = chosen.vertex_longitude, chosen.vertex_latitude
    if options.compat != "seed":
        if options.scaling != 1.0:
            vertices = scale_footprints(*vertices, options.scaling)
        overlap = footprint_overlaps(grid, *vertices, options.geometry)
        if options.method == "area":
            return _by_area(chosen, variables, overlap, keeps, options)
        cells = {name: overlap.cells[overlap.touched(keep)] for name, keep in keeps.items()}
    else:
        cells = {
            name: np.flatnonzero(seed_mask(grid, vertices[0][keep], vertices[1][keep], options.scaling))
            for name, keep in keeps.items()
        }
    return grid_centres(chosen, variables, keeps, cells, grid, options)


def _by_area(
    granule: Granule,
    variables: list[Variable],
    overlap: Overlap,
    keeps: Mapping[str, np.ndarray],
    options: GridCapture,
) -> Gridded:
    dtype = np.dtype(options.precision)
    main = next((one for one in variables if one.kind == "continuous"), None)
    errors = {one.name: sounding_errors(granule, one.name) for one in variables if one.name in SOURCES}
    weights = area_weights(overlap, area_power=options.area_power)
    main_errors = errors.get(main.name) if main else None
    if options.error_power and main_errors is not None:
        weights = area_weights(
            overlap, area_power=options.area_power, error_power=options.error_power, errors=main_errors
        )
    layers: dict[str, dict[str, Layer]] = {}
    for name, keep in keeps.items():
        if name == "post" and keep.all():
            layers[name] = layers["pre"]
            continue
        found = layers.setdefault(name, {})
        _add_plain(found, [one for one in variables if one.name not in errors], weights, keep, dtype)
        for variable in variables:
            if variable.name in errors:
                statistics = cell_statistics(
                    weights, variable.values, errors[variable.name], keep, correlation=options.correlation
                )
                _add_statistics(found, variable, statistics, errors[variable.name] is not None, options)
        counted = cell_statistics(weights, main.values if main else np.zeros(len(granule)), None, keep)
        found[NUMBER] = Layer(counted.number, 0, {"units": "1", "long_name": "number of soundings in the cell"})
        found[EFFECTIVE_NUMBER] = Layer(
            counted.effective_number.astype(np.float32),
            np.nan,
            {"units": "1", "long_name": "effective number of soundings, (sum w)^2 / sum w^2"},
        )
        shares = np.where(overlap.touched(keep), overlap.coverage(keep), np.nan)
        found[COVERAGE] = Layer(
            shares.astype(np.float32), np.nan, {"units": "1", "long_name": "share of the cell that footprints cover"}
        )
    return Gridded(overlap.cells, layers, dict.fromkeys(keeps, "area"))


def _add_plain(
    layers: dict[str, Layer], variables: list[Variable], weights: Weights, keep: np.ndarray, dtype: np.dtype
) -> None:
    """Add what has no errors: means in one pass, dominant classes, directions."""
    plain = [one for one in variables if one.kind == "continuous"]
    if plain:
        means = weighted_means(weights, np.stack([one.values for one in plain]), keep)
        for variable, values in zip(plain, means, strict=True):
            layers[variable.name] = Layer(values.astype(dtype), np.nan, describe(variable, "area: mean"))
    for variable in variables:
        if variable.kind == "flag":
            fill = int(variable.attributes.get("missing_value", NO_FLAG))
            codes = dominant_class(weights.overlap, variable.values, keep, fill=fill, missing=(fill,))
            layers[variable.name] = Layer(codes, fill, describe(variable, "area: mode"))
        elif variable.kind == "angle":
            signed = bool(np.nanmin(variable.values, initial=0.0) < 0)
            directions = mean_direction(weights, variable.values, keep, signed=signed)
            layers[variable.name] = Layer(directions.astype(dtype), np.nan, describe(variable, "area: mean"))


def _add_statistics(
    layers: dict[str, Layer], variable: Variable, statistics: CellStatistics, known: bool, options: GridCapture
) -> None:
    dtype = np.dtype(options.precision)
    name, error = variable.name, error_name(variable.name)
    title = variable.attributes.get("long_name", name.rpartition("/")[2])
    described = [name.rpartition("/")[2] + "_spread", *([error.rpartition("/")[2]] if known else [])]
    attributes = describe(variable, "area: mean")
    layers[name] = Layer(
        statistics.mean.astype(dtype),
        np.nan,
        attributes | {"ancillary_variables": " ".join([*described, *(one.lstrip("/") for one in (NUMBER, COVERAGE))])},
    )
    units = {"units": canonical_units(variable.units)} if variable.units else {}
    layers[f"{name}_spread"] = Layer(
        statistics.spread.astype(dtype),
        np.nan,
        units | {"long_name": f"standard deviation of {title} among the soundings in the cell"},
    )
    if known:
        standard = attributes.get("standard_name")
        layers[error] = Layer(
            statistics.uncertainty.astype(dtype),
            np.nan,
            units
            | {"long_name": f"standard error of {title}", "error_correlation": options.correlation}
            | ({"standard_name": f"{standard} standard_error"} if standard else {}),
        )
        layers[f"{error}_random"] = Layer(
            statistics.random_uncertainty.astype(dtype),
            np.nan,
            units | {"long_name": f"standard error of {title}, were errors of soundings independent"},
        )
