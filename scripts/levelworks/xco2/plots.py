"""The pictures of the xco2 line: the captures of a granule, footprints beside grids, and the time strip of a target."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import Normalize, to_rgb

from levelworks.core import plots
from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce, Outcome
from levelworks.core.plots import Sheet, sheet
from levelworks.core.record import read_record
from levelworks.xco2 import plot_maps as maps
from levelworks.xco2.capture_files import CutGranule, read_captures
from levelworks.xco2.captures import Capture
from levelworks.xco2.cube_attributes import QUANTITIES, SENSORS
from levelworks.xco2.granule import NO_ORBIT, Variable
from levelworks.xco2.grid_files import GridFile, open_grids
from levelworks.xco2.layers import COVERAGE, Layer
from levelworks.xco2.options import PlotCapture
from levelworks.xco2.plot_footprints import BAD_EDGE, HIGH, LOW, NO_VALUE, Soundings, draw_footprints
from levelworks.xco2.plot_target import draw_target
from levelworks.xco2.screening import Screen
from levelworks.xco2.sounding_errors import error_name

__all__ = ["draw_captures", "draw_nothing", "draw_target"]

MOST_CAPTURES = 6
PANEL, LEFT, GAP, BAR = 340, 90, 16, 118
"""Pixels: edge of a panel, what stands left of the first, between two, and right of one with a colour bar."""
WIDTH = LEFT + 4 * PANEL + 2 * GAP + 2 * BAR + 8
TOP, HEAD, ROW = 124, 106, 516
"""Pixels: above the rows, above the panels of a row, and of a row."""


def draw_captures(captures: Path, grids: Path, picture: Path, options: PlotCapture) -> Outcome:
    """Draw the captures of a granule: footprints, the grid before and after the quality flag, and its standard error.

    Parameters
    ----------
    captures, grids : Path
        Products of `cut-captures` and `grid-capture`.
    picture : Path
        PNG to write.
    options : PlotCapture

    Returns
    -------
    Outcome
        With the variable, the numbers of captures and of those drawn.

    Raises
    ------
    NothingToProduce
        Where the granule was skipped or quarantined, has no capture, or lacks the variable in its file.
    InvalidInput
        Where the files are no such products, or of different granules.
    InvalidOptions
        Where no variable of this name was gridded.
    """
    for product in (captures, grids):
        refuse_empty(product)
    cut = read_captures(captures)
    if not cut.captures:
        raise NothingToProduce(f"no captures in {cut.granule.path_name}")
    with open_grids(grids) as file:
        places = {entry.id: number for number, entry in enumerate(file.entries)}
        missing = [one.id for one in cut.captures if one.id not in places]
        if file.source.name != cut.granule.path_name or missing:
            raise InvalidInput(
                f"{grids.name} is of {file.source.name} and lacks captures {', '.join(missing) or 'none'}; "
                f"{captures.name} is of {cut.granule.path_name}"
            )
        variable = _choose(cut, file, options.variables.get(cut.granule.kind, ""))
        shown, others = cut.captures[:MOST_CAPTURES], cut.captures[MOST_CAPTURES:]
        with sheet(WIDTH, TOP + ROW * len(shown) + (50 if others else 0)) as page:
            _draw_headline(page, cut)
            for number, capture in enumerate(shown):
                _Row(page, TOP + ROW * number, cut, capture, variable).draw(file, places[capture.id])
            if others:
                names = "; ".join(f"{maps.legible(one.target_name, 30)} {one.id}" for one in others)
                text = textwrap.wrap(f"not drawn, {len(others)} more: {names}", 210, max_lines=2, placeholder=" …")
                page.text(24, TOP + ROW * len(shown), "\n".join(text), fontsize=10, color="#555555")
            page.save(picture)
    return Outcome(quality={"variable": variable.name, "captures": len(cut.captures), "captures_drawn": len(shown)})


def draw_nothing(path: Path, outcome: Outcome) -> None:
    """Write a small picture that says in words why there is none."""
    plots.draw_outcome(path, outcome, "xco2")


def refuse_empty(product: Path) -> None:
    """Raise NothingToProduce, with the reason, where a product is the empty one of what was skipped or quarantined."""
    record = read_record(product)
    if record is not None and record["outcome"] != "done":
        raise NothingToProduce(f"{product.name} is empty ({record['outcome']}): {record['reason']}")


def _choose(cut: CutGranule, file: GridFile, asked: str) -> Variable:
    """Return the variable that is asked for, or the first that can be averaged, or the first."""
    gridded = file.places("pre")
    known = {name: cut.granule.variables[name] for name in cut.wanted if name in cut.granule.variables}
    known = {name: one for name, one in known.items() if name in gridded}
    if not known:
        raise NothingToProduce(f"no variable of {cut.granule.path_name} was gridded")
    if not asked:
        return next((one for one in known.values() if one.kind == "continuous"), next(iter(known.values())))
    found = maps.find_variable(asked, known)
    if found is not None:
        return known[found]
    if maps.find_variable(asked, dict.fromkeys(cut.granule.missing_variables)) is not None:
        raise NothingToProduce(f"{cut.granule.path_name} has no variable {asked}")
    raise InvalidOptions(f"variable is {asked!r}; gridded are {', '.join(known)}")


def _draw_headline(page: Sheet, cut: CutGranule) -> None:
    granule = cut.granule
    page.text(
        24, 14, maps.legible(granule.path_name.rpartition(".")[0] or granule.path_name), fontsize=16, fontweight="bold"
    )
    number = len(cut.captures)
    words = (
        f"{SENSORS[granule.kind]} {QUANTITIES[granule.kind]}, {granule.day}, build {maps.legible(granule.build, 20)}"
    )
    page.text(24, 46, f"{words}  ·  {number} capture{'s' if number != 1 else ''}", fontsize=12, color="#444444")
    left = 24
    for symbol, colour, words, width in (
        ("■", maps.NO_DATA, "no data", 96),
        ("■", NO_VALUE, "footprint without a value", 216),
        ("□", BAD_EDGE, "bad quality", 124),
        ("×", maps.MARK, "screened, not gridded", 196),
        ("+", maps.MARK, "middle of the target's box", 226),
        ("╌", maps.MARK, "its edge", 0),
    ):
        page.keep([to_rgb(colour)])
        page.text(left + 7, 92, symbol, fontsize=14, color=colour, ha="center", va="center")
        page.text(left + 20, 92, words, fontsize=10, color="#444444", va="center")
        left += width


class _Row:
    """One capture: its headline and four panels."""

    def __init__(self, page: Sheet, top: int, cut: CutGranule, capture: Capture, variable: Variable) -> None:
        self.page, self.top, self.cut, self.capture, self.variable = page, top, cut, capture, variable

    def draw(self, file: GridFile, number: int) -> None:
        """Draw it; ``number`` is its place in the file of grids."""
        page, variable, entry = self.page, self.variable, file.entries[number]
        chosen = self.capture.indices
        soundings = Soundings.of(
            self.cut.granule.take(chosen), self.cut.usable[chosen], variable.take(chosen), entry.spec.grid
        )
        view = soundings.view(entry.spec.grid, PANEL, PANEL)
        norm = Normalize(*soundings.limits(variable.kind))
        colours = maps.colour_map(maps.ANGLES if variable.kind == "angle" else maps.VALUES)
        axes = maps.map_axes(page, self._slot(0), view)
        draw_footprints(page, axes, soundings, norm, colours)
        any_good = bool((soundings.usable & soundings.good).any())
        axes.set_title("footprints, good ones on top" if any_good else "footprints, none of good quality")
        maps.draw_scale(axes, view, PANEL)
        maps.draw_target_marks(axes, view)
        self._say(soundings, view)
        maps.draw_locator(page, (WIDTH - 24 - 66, self.top, 66, 66), view)
        cells = file.cells(number)
        seen = [soundings.values[soundings.usable]]
        image: Any = None
        for panel, (quality_set, title, count) in enumerate(
            (("pre", "grid of all soundings", entry.soundings), ("post", "grid of the good ones", entry.good)), start=1
        ):
            layer = file.layers(number, quality_set)[variable.name]
            image, values = self._cells(panel, view, cells, layer, norm, colours, f"{title} ({count:,})")
            seen.append(values)
        left = self._slot(2)[0] + PANEL + 10
        label = maps.quantity_label(variable.name, variable.units)
        found = np.concatenate([one[np.isfinite(one)] for one in seen])
        bar = (left, self.top + HEAD, 15, PANEL)
        beyond = plots.extension(found, (float(norm.vmin or 0.0), float(norm.vmax or 0.0)))
        plots.colour_bar(page, image, bar, label, beyond, integer=variable.kind == "flag")
        self._draw_error(file, number, "post" if entry.good else "pre", view, cells)

    def _slot(self, panel: int) -> maps.Slot:
        left = LEFT + panel * (PANEL + GAP) + (BAR - GAP if panel == 3 else 0)
        return left, self.top + HEAD, PANEL, PANEL

    def _say(self, soundings: Soundings, view: maps.View) -> None:
        """Write what the capture is, and what of it is good."""
        one, page, usable = self.capture, self.page, soundings.usable
        name = f"{maps.legible(one.target_name, 60)} ({maps.legible(one.target_id, 40)})"
        page.text(24, self.top, name, fontsize=13.5, fontweight="bold")
        orbit = f"orbit {one.orbit}" if one.orbit != NO_ORBIT else "orbit unknown"
        words = [maps.MODES[one.mode], orbit, f"{maps.utc(one.start)} to {maps.utc(one.end, '%H:%M:%S')} UTC"]
        page.text(24, self.top + 27, "  ·  ".join(words), fontsize=11, color="#444444")
        words = [f"{usable.size:,} sounding{'s' if usable.size != 1 else ''}"]
        good = usable & soundings.good
        words += [f"{np.count_nonzero(good):,} good"]
        if not usable.all():
            words += [f"{np.count_nonzero(~usable):,} screened"]
        unseen = soundings.out_of_view(view)
        if unseen.any():
            words += [f"{np.count_nonzero(unseen):,} out of view or without a position"]
        jumps = np.count_nonzero(self.cut.flags[one.indices] & np.uint8(Screen.SWATH_JUMP))
        if jumps:
            words += [f"{jumps:,} in offset swaths"]
        median, spread = plots.median_and_robust_sd(soundings.values[good])
        if np.isfinite(median) and self.variable.kind == "continuous":
            unit = maps.unit_of(self.variable.units)
            words += [f"good: median {plots.plain(median)}, robust sd {plots.plain(float(f'{spread:.3g}'))} {unit}"]
        page.text(24, self.top + 48, "  ·  ".join(words), fontsize=11, color="#444444")

    def _cells(
        self, panel: int, view: maps.View, cells: np.ndarray, layer: Layer, norm: Normalize, colours: Any, title: str
    ) -> tuple[Any, np.ndarray]:
        """Draw a layer; return the image and the values that are in it."""
        present = _present(layer)
        slot = self._slot(panel)
        axes = maps.map_axes(self.page, slot, view, left=False)
        average = self.variable.kind == "continuous"
        values = layer.values[present]
        image = maps.draw_cells(axes, slot, view, cells[present], values, norm, colours, average=average)
        axes.set_title(title)
        if not values.size:
            axes.text(0.5, 0.65, "no value", ha="center", va="center", color="#555555", transform=axes.transAxes)
        maps.draw_target_marks(axes, view)
        return image, values.astype(np.float64)

    def _draw_error(self, file: GridFile, number: int, quality_set: str, view: maps.View, cells: np.ndarray) -> None:
        """Draw the standard error of a set's cells, or their coverage where the grid has no errors."""
        layers, which = file.layers(number, quality_set), {"pre": "all soundings", "post": "the good ones"}[quality_set]
        error = error_name(self.variable.name)
        for name, title in ((error, "standard error"), (COVERAGE, "coverage")):
            layer = layers.get(name)
            if layer is None or layer.empty:
                continue
            values = layer.values[_present(layer)]
            limits = (0.0, 1.0) if name == COVERAGE else plots.robust_limits(values, LOW, HIGH)
            colours = maps.colour_map(maps.ERRORS)
            norm = Normalize(*limits)
            image, values = self._cells(3, view, cells, layer, norm, colours, f"{title}, {which}")
            label = maps.quantity_label(title, str(layer.attributes.get("units", "")))
            bar = (self._slot(3)[0] + PANEL + 10, self.top + HEAD, 15, PANEL)
            plots.colour_bar(self.page, image, bar, label, plots.extension(values, limits))
            return
        axes = maps.map_axes(self.page, self._slot(3), view, left=False)
        words = "neither standard errors\nnor coverage in this grid"
        axes.text(0.5, 0.5, words, ha="center", va="center", color="#555555", transform=axes.transAxes)


def _present(layer: Layer) -> np.ndarray:
    return ~np.isnan(layer.values) if layer.values.dtype.kind == "f" else layer.values != layer.fill
