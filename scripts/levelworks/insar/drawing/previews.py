"""Pictures of a pair's geocoded rasters: wrapped phase, unwrapped phase in rad and mm, coherence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from levelworks.core import plots
from levelworks.core.plots import Limits, Sheet
from levelworks.insar.drawing.cyclic_colours import phase_colours
from levelworks.insar.drawing.geo_maps import MapSize, draw_cells, draw_scale, map_axes, map_size
from levelworks.insar.drawing.geo_rasters import grid_of, mean_phase, mean_value, read_reduced
from levelworks.insar.drawing.wrapped_overlay import write_overlay
from levelworks.insar.network.epochs import parse_pair

WAVELENGTH_MM = 299792458.0 / 5405000454.33435 * 1e3
MM_PER_RADIAN = -WAVELENGTH_MM / (4 * np.pi)
"""mm towards the satellite; a positive phase is away from it (specs/insar.md 3)."""
PIXELS = 1200
LEFT, TOP, BELOW = 100, 74, 44
BESIDE = {"phase": 150, "unwrapped": 210, "coherence": 150}
GREY, SAND = "#bbbbbb", "#efe2c4"
"""What has no data: a grey that no colour of phase equals, and a sand colour where the values themselves are grey."""
TAILS = 0.2
"""Percent of unwrapped phases on either side that may be off the colours: the middle of a deformation is no outlier."""

Draw = Callable[[Sheet, Axes, np.ndarray, MapSize, tuple[int, int, int, int]], None]


@dataclass(frozen=True)
class Preview:
    """A picture: the raster it is of, what it shows, how blocks of cells are reduced, and the colour of no data."""

    raster: str
    title: str
    kind: str
    reduce: Callable[[np.ndarray, tuple[int, int]], np.ndarray]
    no_data: str


PREVIEWS = (
    Preview("diff_pha", "wrapped phase, filtered", "phase", mean_phase, GREY),
    Preview("diff_unfiltered_pha", "wrapped phase, unfiltered", "phase", mean_phase, GREY),
    Preview("unw", "unwrapped phase", "unwrapped", mean_value, GREY),
    Preview("cc", "coherence", "coherence", mean_value, SAND),
)


def draw_previews(
    folder: Path, pair: str, *, pictures: Path | None = None, pixels: int = PIXELS, overlay: bool = False
) -> list[Path]:
    """Draw a pair's rasters that are there.

    Parameters
    ----------
    folder : Path
        With ``<pair>.geo.<raster>.tif``; EPSG:4326, phases in rad.
    pair : str
        ``YYYYMMDD_YYYYMMDD``.
    pictures : Path, optional
        Folder to write to; the same one where not given.
    pixels : int
        Along the longer side of a map.
    overlay : bool
        Write ``<pair>.kmz`` of the wrapped phase too.

    Returns
    -------
    list of Path
        What was written, in the order of `PREVIEWS`.
    """
    target = folder if pictures is None else pictures
    written = []
    for preview in PREVIEWS:
        source = folder / f"{pair}.geo.{preview.raster}.tif"
        if source.is_file():
            path = target / f"{pair}.geo.{preview.raster}.png"
            draw_preview(source, path, preview, pair, pixels)
            written.append(path)
    wrapped = folder / f"{pair}.geo.diff_pha.tif"
    if overlay and wrapped.is_file():
        written.append(write_overlay(wrapped, target / f"{pair}.kmz", pair))
    return written


def draw_preview(source: Path, path: Path, preview: Preview, pair: str, pixels: int) -> None:
    """Draw one raster as a map with a graticule, a scale and a colour bar."""
    import rasterio

    with rasterio.open(source) as file:
        grid = grid_of(file)
        scale = 1 / 255 if file.dtypes[0] == "uint8" else 1.0
    size = map_size(grid, pixels)
    values = read_reduced(source, size.factors, preview.reduce) * np.float32(scale)
    width = max(LEFT + size.width + BESIDE[preview.kind], 560)
    with plots.sheet(width, TOP + size.height + BELOW, font=12.0) as page:
        page.text(LEFT, 16, f"{pair}   {parse_pair(pair).days} days", fontsize=15, fontweight="bold")
        page.text(LEFT, 44, f"{preview.title}, Sentinel-1", fontsize=12, color="#444444")
        axes = map_axes(page, grid, LEFT, TOP, size, preview.no_data)
        tall = min(size.height - 40, 520)
        box = (LEFT + size.width + (24 if preview.kind != "unwrapped" else 84), TOP, 22, tall)
        DRAWN[preview.kind](page, axes, values, size, box)
        draw_scale(axes, grid, size)
        if np.isnan(values).any():
            page.text(box[0], TOP + size.height - 12, "■", fontsize=14, color=preview.no_data, va="center")
            page.text(box[0] + 20, TOP + size.height - 12, "no data", fontsize=11, color="#444444", va="center")
        page.save(path)


def _draw_phase(page: Sheet, axes: Axes, values: np.ndarray, size: MapSize, box: tuple[int, int, int, int]) -> None:
    colours = phase_colours().with_extremes(bad=GREY)
    shown = draw_cells(axes, values, size, cmap=colours, norm=Normalize(-np.pi, np.pi))
    page.keep(colours(np.arange(colours.N)))
    bar = page.axes(*box)
    page.figure.colorbar(shown, cax=bar, ticks=[-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi])
    bar.set_yticklabels(["−π", "−π/2", "0", "π/2", "π"])
    bar.set_ylabel(f"rad, + away from the satellite\n(a cycle is {WAVELENGTH_MM / 2:.1f} mm)")


def _draw_unwrapped(page: Sheet, axes: Axes, values: np.ndarray, size: MapSize, box: tuple[int, int, int, int]) -> None:
    limits = plots.robust_limits(values, TAILS, 100 - TAILS, symmetric=True)
    shown = draw_cells(axes, values, size, cmap=_diverging(), norm=Normalize(*limits))
    plots.colour_bar(page, shown, box, "rad, + away from the satellite", plots.extension(values, limits))
    _mark_millimetres(page, box, limits)


def _diverging() -> Any:
    return plots.colours(plots.DIVERGING).with_extremes(bad=GREY)


def _mark_millimetres(page: Sheet, box: tuple[int, int, int, int], limits: Limits) -> None:
    """Mark mm towards the satellite on the left of the colour bar of a phase."""
    axis = page.axes(*box)
    low, high = (one * MM_PER_RADIAN for one in limits)
    axis.patch.set_alpha(0)
    axis.set_xticks([])
    axis.spines[:].set_visible(False)
    axis.set_ylim(low, high)
    places = MaxNLocator(max(2, min(8, box[3] // 52))).tick_values(high, low)
    axis.set_yticks([one for one in places if high <= one <= low])
    axis.yaxis.set_major_formatter(plots.plain)
    axis.yaxis.set_ticks_position("left")
    axis.set_ylabel("mm, + towards the satellite")
    axis.yaxis.set_label_position("left")


def _draw_coherence(page: Sheet, axes: Axes, values: np.ndarray, size: MapSize, box: tuple[int, int, int, int]) -> None:
    # True greys would be rounded to the 16 shades of a picture's palette; these have a touch of blue.
    colours = plots.colours("bone").with_extremes(bad=SAND)
    shown = draw_cells(axes, values, size, cmap=colours, norm=Normalize(0, 1))
    page.keep(colours(np.arange(colours.N)))
    bar = page.axes(*box)
    page.figure.colorbar(shown, cax=bar, ticks=[0, 0.2, 0.4, 0.6, 0.8, 1], format=plots.plain)
    bar.set_ylabel("coherence")


DRAWN: dict[str, Draw] = {"phase": _draw_phase, "unwrapped": _draw_unwrapped, "coherence": _draw_coherence}
