"""Quicklooks of a scene: map overlays in EPSG:3857 and figures for people, a pair for each layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.colors import ListedColormap, Normalize

from levelworks.core import plots
from levelworks.core.plots import Limits, Sheet, sheet
from levelworks.plumes.drawing import map_frames as maps
from levelworks.plumes.drawing import palette_images as palettes
from levelworks.plumes.drawing.level2_view import Level2View, MapGrid
from levelworks.plumes.drawing.mercator import Bounds, Overlay, overlay_of
from levelworks.plumes.drawing.picture_layers import (
    COLOURS,
    PictureLayer,
    large_plumes,
    layers_of,
    limits_of,
    written_unit,
)

MOST = (860, 860)
"""Greatest frame of a figure (pixels)."""
LEFT, TOP, BELOW, BAR = 84, 92, 62, 130
MOST_BYTES = 4_000_000
"""Of an overlay; a larger one is drawn again at half the resolution."""
FIGURE_COLOURS = 200


@dataclass(frozen=True)
class Drawn:
    """A layer that has been drawn: its overlay's file and place, its colours, limits and units."""

    layer: PictureLayer
    picture: str
    bounds: Bounds
    limits: Limits | None
    units: str
    zoomed: bool = False


class Painter:
    """Draws the layers of a scene, or of a window of it: one warp and one search for what has data serve all.

    Parameters
    ----------
    long_side : int
        Most pixels of the longer side of an overlay.
    inside : ndarray of bool, shape (rows, columns)
        Where the scene has data, see `present_in`.
    window : tuple of slice
        Rows and columns; the whole scene where None.
    """

    def __init__(
        self,
        view: Level2View,
        folder: Path,
        long_side: int,
        inside: np.ndarray,
        window: tuple[slice, slice] | None = None,
    ) -> None:
        self.view, self.folder, self.window = view, folder, window
        self.grid = view.grid if window is None else view.grid.part(*window)
        self.inside = inside if window is None else inside[window]
        self.overlay = overlay_of(self.grid, long_side)

    def draw(
        self, layer: PictureLayer, vmax: Mapping[str, float], *, figure: bool, limits: Limits | None = None
    ) -> Drawn:
        """Draw one layer as an overlay and, where asked for, as a figure.

        Parameters
        ----------
        limits : tuple of float
            Colours of another picture of this layer that are taken over.
        """
        view = self.view
        name = f"{view.stem}_{layer.variable}" + ("" if self.window is None else "_zoomin")
        units = view.units(layer.variable)
        values, present = _values(view, layer, self.window)
        if limits is None and layer.kind not in ("rgb", "mask"):
            limits = limits_of(layer, values, units, vmax)
        bounds = _write_overlay(self.folder / f"{name}.png", self.grid, self.overlay, layer, values, present, limits)
        if figure:
            with sheet(*_sheet_size(self.grid)) as page:
                self._draw_figure(page, layer, values, present, limits)
                page.save(self.folder / f"{name}_figure.png")
        return Drawn(layer, f"{name}.png", bounds, limits, units, self.window is not None)

    def _draw_figure(
        self,
        page: Sheet,
        layer: PictureLayer,
        values: np.ndarray,
        present: np.ndarray,
        limits: Limits | None,
    ) -> None:
        view, grid = self.view, self.grid
        page.text(24, 12, layer.title, fontsize=15, fontweight="bold")
        page.text(24, 38, view.stem, fontsize=10.5, color="#444444")
        pixel = f"{grid.transform.a:.4g} m"
        where = f"{readable_time(view.start)}  ·  {view.sensor}  ·  {maps.projection_name(grid)}, pixels of {pixel}"
        page.text(24, 57, where, fontsize=10.5, color="#444444")
        frame = maps.map_frame(page, grid, LEFT, TOP, MOST)
        box = (LEFT + frame.width + 14, TOP, 16, frame.height)
        if layer.kind == "rgb":
            image = coloured(page, maps.every(values, frame.factor), maps.every(present, frame.factor), FIGURE_COLOURS)
            maps.draw_pixels(frame, image)
        elif layer.kind == "mask":
            _draw_plumes(page, frame, values, maps.every(self.inside, frame.factor))
        else:
            assert limits is not None
            colours = plots.colours(COLOURS[layer.kind]).with_extremes(bad=maps.NO_DATA)
            drawn = maps.draw_pixels(frame, maps.reduced(values, frame.factor), norm=Normalize(*limits), cmap=colours)
            unit = written_unit(view.units(layer.variable))
            what = "radiance" if layer.kind == "radiance" else f"{layer.title.partition(',')[0]}"
            finite = values[np.isfinite(values)]
            plots.colour_bar(page, drawn, box, f"{what} ({unit})" if unit else what, plots.extension(finite, limits))
        if not present.any():
            words = "no plume" if layer.kind == "mask" else "no value in this scene"
            frame.axes.text(0.5, 0.5, words, ha="center", va="center", color="#555555", transform=frame.axes.transAxes)
        maps.draw_scale(frame)
        maps.draw_no_data(page, LEFT, TOP + frame.height + BELOW - 12)


def _values(view: Level2View, layer: PictureLayer, window: tuple[slice, slice] | None) -> tuple[np.ndarray, np.ndarray]:
    """Return a layer as it is drawn and where it has a value."""
    if layer.kind == "rgb":
        return view.read_rgb(window)
    values = view.read(layer.variable)
    if layer.kind == "mask":
        values = large_plumes(np.nan_to_num(values) if values.dtype.kind == "f" else values)
    if window is not None:
        values = values[window]
    return values, values > 0 if layer.kind == "mask" else np.isfinite(values)


def _write_overlay(
    path: Path,
    grid: MapGrid,
    overlay: Overlay,
    layer: PictureLayer,
    values: np.ndarray,
    present: np.ndarray,
    limits: Limits | None,
) -> Bounds:
    while True:
        if layer.kind == "rgb":
            codes, table = palettes.quantised(overlay.take(values), overlay.take(present) & overlay.inside, 255)
        elif layer.kind == "mask":
            codes, table = palettes.class_codes(overlay.take(values)), palettes.class_colours(COLOURS["mask"])
        else:
            assert limits is not None
            codes = palettes.scalar_codes(overlay.take(values), limits)
            table = palettes.scalar_colours(COLOURS[layer.kind])
        codes[~overlay.inside] = palettes.TRANSPARENT
        if palettes.write_overlay(path, codes, table) <= MOST_BYTES:
            return overlay.bounds
        overlay = overlay_of(grid, max(overlay.index.shape) // 2)


def _sheet_size(grid: MapGrid) -> tuple[int, int]:
    _, width, height = maps.frame_size(grid.shape, *MOST)
    return max(LEFT + width + BAR, 620), TOP + height + BELOW


def present_in(view: Level2View) -> np.ndarray:
    """Return where a scene has a picture or a value in any layer that is drawn, bool (rows, columns)."""
    inside = np.zeros(view.grid.shape, dtype=bool)
    for layer in layers_of(view.names, ["all"]):
        if layer.kind == "rgb":
            inside |= view.read_rgb()[1]
        elif layer.kind != "mask":
            inside |= np.isfinite(view.read(layer.variable))
    return inside


def coloured(page: Sheet, image: np.ndarray, present: np.ndarray, most: int) -> np.ndarray:
    """Return a picture in few colours, which the sheet keeps as they are; no data in its own colour."""
    codes, table = palettes.quantised(image, present, most)
    shown = np.concatenate([np.rint([np.multiply(mpl.colors.to_rgb(maps.NO_DATA), 255)]).astype(np.uint8), table])
    page.keep(table / 255)
    return np.asarray(shown[codes])


def _draw_plumes(page: Sheet, frame: maps.Frame, labels: np.ndarray, inside: np.ndarray) -> None:
    table = palettes.class_colours(COLOURS["mask"]) / 255
    page.keep(table)
    shown = plots.block_max(labels, frame.factor)
    codes = palettes.class_codes(shown).astype(np.int64)
    codes[(codes == 0) & ~inside] = -1
    colours = ListedColormap([mpl.colors.to_rgb(maps.NO_DATA), (1, 1, 1), *table])
    maps.draw_pixels(frame, codes, norm=Normalize(-1.5, palettes.CLASSES + 0.5), cmap=colours)
    for label in np.unique(labels[labels > 0]).tolist():
        rows, columns = np.nonzero(labels == label)
        x = frame.grid.transform.c + (columns.mean() + 0.5) * frame.grid.transform.a
        y = frame.grid.transform.f + (rows.min() - 1) * frame.grid.transform.e
        frame.axes.text(x, y, str(label), ha="center", va="bottom", fontsize=9, clip_on=True, zorder=7)


def readable_time(text: str) -> str:
    """Write an ISO time as people read it: date, time to the second, UTC; unknown where there is none."""
    import datetime as dt

    try:
        time = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return text.strip() or "time unknown"
    if time.tzinfo is not None:
        time = time.astimezone(dt.UTC)
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def legend_colours(layer: PictureLayer) -> list[str]:
    """Return 17 colours of a layer's map from its lower to its upper limit, as web colours."""
    table = palettes.scalar_colours(COLOURS[layer.kind])
    return [mpl.colors.to_hex(table[round(share * 254)] / 255) for share in np.linspace(0, 1, 17)]
