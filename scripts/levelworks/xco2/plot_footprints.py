"""The footprints of a capture on a map: coloured by their values, marked by their quality and by screening."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize, to_rgb

from levelworks.core import plots
from levelworks.core.plots import Sheet
from levelworks.xco2.granule import Granule, Variable
from levelworks.xco2.grids import Grid
from levelworks.xco2.plot_maps import MARK, View, view_around, without_strays

BAD_EDGE = "#111111"
NO_VALUE = "#999999"
ENOUGH = 10
"""Good soundings from which on they alone give the limits of the colours."""
LOW, HIGH = 2.0, 98.0
"""Percentiles that the colours end at."""


@dataclass(frozen=True, eq=False)
class Soundings:
    """The soundings of one capture as a map shows them.

    Attributes
    ----------
    corners : ndarray, shape (N, 4, 2)
        In the grid's own coordinates; NaN where unknown.
    centres : ndarray, shape (N, 2)
        Likewise.
    values : ndarray, shape (N,), float64
        NaN where missing.
    good, usable : ndarray of bool, shape (N,)
        Of good quality by the granule's flag; not screened out.
    """

    corners: np.ndarray
    centres: np.ndarray
    values: np.ndarray
    good: np.ndarray
    usable: np.ndarray

    @classmethod
    def of(cls, granule: Granule, usable: np.ndarray, variable: Variable, grid: Grid) -> Soundings:
        """Return soundings on a grid; ``granule`` and ``variable`` are those of the capture alone."""
        corners = np.stack(grid.locate(granule.vertex_longitude, granule.vertex_latitude), axis=-1)
        centres = np.stack(grid.locate(granule.longitude, granule.latitude), axis=-1)
        values = np.where(variable.missing, np.nan, variable.values.astype(np.float64))
        return cls(corners, centres, values, granule.good, usable)

    @property
    def whole(self) -> np.ndarray:
        """Return which have four corners, bool (N,)."""
        return np.asarray(np.isfinite(self.corners).all(axis=(1, 2)))

    def limits(self, kind: str) -> plots.Limits:
        """Return the limits of the colours: percentiles of the good soundings, of all usable ones if those are few."""
        finite = self.usable & np.isfinite(self.values)
        chosen = finite & self.good if np.count_nonzero(finite & self.good) >= ENOUGH else finite
        values = self.values[chosen]
        if kind == "angle":
            return (-180.0, 180.0) if (values < 0).any() else (0.0, 360.0)
        return plots.robust_limits(values, *((0.0, 100.0) if kind == "flag" else (LOW, HIGH)))

    def out_of_view(self, view: View) -> np.ndarray:
        """Return whose centres a view doesn't hold, bool (N,); those without a position are among them."""
        x, y = self.centres.T
        return np.asarray(~((x >= view.x[0]) & (x <= view.x[1]) & (y >= view.y[0]) & (y <= view.y[1])))

    def view(self, grid: Grid, width: int, height: int) -> View:
        """Return the view that holds the footprints but strays: the usable ones, or all where there is none."""
        chosen = self.whole & self.usable
        chosen = chosen if chosen.any() else self.whole
        near = chosen & without_strays(*np.where(chosen[:, np.newaxis], self.corners.mean(axis=1), np.nan).T)
        corners = self.corners[near if near.any() else chosen]
        return view_around(grid, corners[..., 0].ravel(), corners[..., 1].ravel(), width, height)


def draw_footprints(page: Sheet, axes: Axes, soundings: Soundings, norm: Normalize, colours: Any) -> None:
    """Draw footprints as polygons, those of good quality last.

    Edges tell bad ones from good ones and lie above all, where there is a good one; screened ones are crossed and not
    coloured.
    """
    page.keep([to_rgb(one) for one in (BAD_EDGE, NO_VALUE, MARK)])
    drawn, known = soundings.whole & soundings.usable, np.isfinite(soundings.values)
    faces = colours(norm(np.ma.masked_invalid(soundings.values)))
    faces[~known] = (*to_rgb(NO_VALUE), 1.0)
    for good in (False, True):
        chosen = drawn & (soundings.good == good)
        if chosen.any():
            filled = PolyCollection(list(soundings.corners[chosen]), facecolors=faces[chosen], edgecolors="none")
            filled.set_antialiased(False)
            axes.add_collection(filled, autolim=False)
    if (drawn & soundings.good).any():
        _outline(axes, soundings.corners[drawn & ~soundings.good], BAD_EDGE, 0.55)
    screened = ~soundings.usable
    _outline(axes, soundings.corners[screened & soundings.whole], MARK, 0.9)
    axes.plot(*soundings.centres[screened].T, "x", color=MARK, markersize=7, markeredgewidth=1.5)


def _outline(axes: Axes, corners: np.ndarray, colour: str, width: float) -> None:
    if corners.size:
        edges = PolyCollection(list(corners), facecolors="none", edgecolors=colour, linewidths=width)
        axes.add_collection(edges, autolim=False)
