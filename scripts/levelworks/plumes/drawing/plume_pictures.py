"""Pictures of plumes: enhancement over the scene, outline, source, winds, cross sections and the rate through them.

What is shown follows specs/plumes.md 1.15 (l3b_plot).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from levelworks.core import plots
from levelworks.core.plots import Limits, Sheet, sheet
from levelworks.plumes.drawing import map_frames as maps
from levelworks.plumes.drawing.level2_view import MapGrid
from levelworks.plumes.drawing.picture_layers import FORMULAS, written_unit
from levelworks.plumes.drawing.plot_options import PlotPlume
from levelworks.plumes.drawing.plume_files import CrossSections, Plume
from levelworks.plumes.drawing.plume_frames import on_frame, outline_segments, plume_limits
from levelworks.plumes.drawing.quantified_files import number, tonnes
from levelworks.plumes.drawing.scene_pictures import coloured, readable_time
from levelworks.plumes.drawing.scene_summary import significant

MOST = (680, 680)
LEFT, TOP, BELOW, BAR = 84, 112, 66, 110
HEADED = 800
"""Pixels that the line of rates takes, with three methods and their errors."""
CURVE = 226
"""Height of the panel of rates (pixels)."""
RING_M = 100.0
SOURCE, OUTLINE, SECTION, OTHERS = "#ffe119", "#00a9c8", "#1f4ee0", "#d7263d"
WIND_COLOURS = ("#0b3d91", "#b03a00", "#22661f", "#5b2a86")
COLOURS = "hot_r"
BASE_COLOURS = 96


@dataclass(frozen=True)
class Base:
    """The grid of a frame, and what lies below the plume in it: the scene's colours and the scene's enhancement."""

    grid: MapGrid
    rgb: tuple[np.ndarray, np.ndarray] | None = None
    enhancement: np.ndarray | None = None


def draw_plume(
    path: Path, plume: Plume, base: Base, options: PlotPlume, others: list[tuple[float, float]] | None = None
) -> None:
    """Draw one plume.

    Parameters
    ----------
    base : Base
        On the grid of the frame.
    others : list of tuple of float
        Longitude and latitude of other plumes' sources to mark.
    """
    _, width, height = maps.frame_size(base.grid.shape, *MOST)
    if options.minimal:
        with sheet(width, height) as page:
            _draw_map(page, plume, base, options, (0, 0))
            page.save(path)
        return
    shown = plume.sections if options.plot_csf else None
    mapper = plume.carbon_mapper if options.plot_cm else None
    total = LEFT + width + BAR + (width + 24 if mapper is not None else 0)
    tall = TOP + height + BELOW + (CURVE + 30 if shown is not None else 0)
    with sheet(max(total, HEADED), tall) as page:
        _say(page, plume)
        frame, image = _draw_map(page, plume, base, options, (LEFT, TOP), others)
        _draw_winds(frame, plume)
        unit = written_unit(plume.units)
        label = f"{FORMULAS[plume.gas]} enhancement" + (f" ({unit})" if unit else "")
        finite = plume.enhancement[np.isfinite(plume.enhancement)]
        bar = (LEFT + width + 12, TOP, 15, height)
        plots.colour_bar(page, image, bar, label, plots.extension(finite, plume_limits(plume, options)))
        if mapper is not None:
            place = (LEFT + width + BAR + 12, TOP)
            beside, _ = _draw_map(page, plume, base, options, place, values=mapper)
            beside.axes.tick_params(labelleft=False)
            beside.axes.set_ylabel("")
            rate = number(plume.row, "emission_cm") / 1000
            beside.axes.set_title(
                "mask after Carbon Mapper" + (f": {significant(rate)} t/h" if math.isfinite(rate) else "")
            )
        if shown is not None:
            _draw_rates(page, plume, shown, (LEFT, TOP + height + BELOW + 16, width, CURVE - 50))
        page.save(path)


def _say(page: Sheet, plume: Plume) -> None:
    page.text(24, 12, plume.name, fontsize=13.5, fontweight="bold")
    words = [readable_time(plume.start), plume.sensor]
    if plume.source is not None:
        longitude, latitude = plume.source
        words.append(f"source {_degrees(latitude, 'N', 'S')}, {_degrees(longitude, 'E', 'W')}")
    page.text(24, 38, "  ·  ".join(words), fontsize=10.5, color="#444444")
    gas = FORMULAS[plume.gas]
    rates = [
        f"{name} {text}"
        for name, text in (
            ("IME", tonnes(plume.row)),
            ("CSF", tonnes(plume.row, "emission_csf")),
            ("IME fetch", tonnes(plume.row, "emission_fetch")),
        )
        if text
    ]
    text = f"{gas} emission rate: " + ("  ·  ".join(rates) if rates else "not known")
    page.text(24, 60, text, fontsize=12, color="#222222")


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.5f}° {positive if value >= 0 else negative}"


def _draw_map(
    page: Sheet,
    plume: Plume,
    base: Base,
    options: PlotPlume,
    place: tuple[int, int],
    others: list[tuple[float, float]] | None = None,
    values: np.ndarray | None = None,
) -> tuple[maps.Frame, Any]:
    """Draw the map of a plume, or of other values on its grid; return the frame and what a colour bar needs."""
    frame = maps.map_frame(page, base.grid, *place, MOST, bare=options.minimal)
    _draw_base(page, frame, base, options)
    inside = on_frame(plume.grid, plume.enhancement if values is None else values, base.grid)
    field = inside
    if options.full_field and base.enhancement is not None and values is None:
        field = np.where(np.isfinite(base.enhancement), base.enhancement, inside)
    colours = plots.colours(COLOURS).with_extremes(bad=(0, 0, 0, 0))
    norm = Normalize(*plume_limits(plume, options))
    present = maps.every(np.isfinite(field), frame.factor) if frame.factor > 1 else np.isfinite(field)
    drawn = np.ma.array(np.where(present, maps.every(np.nan_to_num(field), frame.factor), 0), mask=~present)
    image = maps.draw_pixels(frame, drawn, norm=norm, cmap=colours, zorder=2)
    _draw_outline(frame, np.isfinite(inside))
    if options.plot_csf and plume.sections is not None and values is None and not options.minimal:
        lines = np.stack([plume.sections.start, plume.sections.end], axis=1)
        frame.axes.add_collection(LineCollection(list(lines), colors=SECTION, linewidths=1.0, zorder=5), autolim=False)
    _draw_sources(page, frame, plume, others or [])
    if not options.minimal:
        maps.draw_scale(frame)
    return frame, image


def _draw_base(page: Sheet, frame: maps.Frame, base: Base, options: PlotPlume) -> None:
    if base.rgb is None or options.base == "none":
        return
    rgb, present = (maps.every(one, frame.factor) for one in base.rgb)
    if options.base == "grey":
        # A tint of blue keeps the shades apart from the greys of text, of which a picture has few.
        light = rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        rgb = np.clip(np.stack([0.94 * light, 0.97 * light, light + 4], axis=-1), 0, 255).astype(np.uint8)
    maps.draw_pixels(frame, coloured(page, rgb, present, BASE_COLOURS), zorder=1)


def _draw_outline(frame: maps.Frame, mask: np.ndarray) -> None:
    segments = outline_segments(mask, frame.grid)
    frame.axes.add_collection(LineCollection(list(segments), colors=OUTLINE, linewidths=1.2, zorder=4), autolim=False)


def _draw_sources(page: Sheet, frame: maps.Frame, plume: Plume, others: list[tuple[float, float]]) -> None:
    limits = frame.axes.get_xlim(), frame.axes.get_ylim()
    halo = [withStroke(linewidth=4, foreground="#222222")]
    page.keep([to_rgb(one) for one in (SOURCE, OUTLINE, SECTION, OTHERS)])
    for places, colour in (([plume.source] if plume.source else [], SOURCE), (others, OTHERS)):
        for place in places:
            x, y = frame.grid.from_degrees.transform(*place)
            ring = Circle((x, y), RING_M, fill=False, edgecolor=colour, linewidth=2, zorder=6, path_effects=halo)
            frame.axes.add_patch(ring)
    frame.axes.set_xlim(limits[0])
    frame.axes.set_ylim(limits[1])


def _draw_winds(frame: maps.Frame, plume: Plume) -> None:
    """Draw an arrow for each source of winds in the upper left corner, as long as its speed, and name it."""
    if not plume.winds:
        return
    fastest = max(one.speed for one in plume.winds)
    for place, wind in enumerate(plume.winds):
        colour = WIND_COLOURS[place % len(WIND_COLOURS)]
        y = 1 - (34 + 56 * place) / frame.height
        x = 36 / frame.width
        reach = 24 * (wind.speed / fastest if fastest > 0 else 0)
        east, north = (one / wind.speed if wind.speed > 0 else 0 for one in (wind.u, wind.v))
        step = np.array([east * reach / frame.width, north * reach / frame.height])
        frame.axes.annotate(
            "",
            (x + step[0], y + step[1]),
            (x - step[0], y - step[1]),
            xycoords="axes fraction",
            textcoords="axes fraction",
            arrowprops={
                "arrowstyle": "-|>,head_width=0.35,head_length=0.6",
                "color": colour,
                "linewidth": 2.4,
                "path_effects": [withStroke(linewidth=4.5, foreground="white")],
                "shrinkA": 0,
                "shrinkB": 0,
            },
            zorder=9,
        )
        text = f"{wind.source}: {significant(wind.speed, 2)} m/s from {wind.direction:.0f}°"
        frame.axes.text(
            x + 34 / frame.width,
            y,
            text,
            transform=frame.axes.transAxes,
            va="center",
            fontsize=9.5,
            color=colour,
            path_effects=[withStroke(linewidth=3, foreground="white")],
            zorder=9,
        )


def _draw_rates(page: Sheet, plume: Plume, sections: CrossSections, box: tuple[int, int, int, int]) -> None:
    """Draw the rate through each cross section over its distance from the source, and their mean."""
    axes: Axes = page.axes(*box)
    middles = (sections.start + sections.end) / 2
    origin = middles[0] if plume.source is None else np.array(plume.grid.from_degrees.transform(*plume.source))
    distance = np.hypot(*(middles - origin).T) / 1000
    order = np.argsort(distance, kind="stable")
    distance, rate = distance[order], sections.rate[order] / 1000
    known = np.isfinite(rate)
    mean, sigma = (number(plume.row, name) / 1000 for name in ("emission_csf", "emission_csf_uncertainty"))
    if not np.isfinite(mean) and known.any():
        mean = float(rate[known].mean())
    if np.isfinite(mean):
        axes.axhline(mean, color="#222222", linewidth=1.2, zorder=2)
        if np.isfinite(sigma):
            axes.axhspan(mean - sigma, mean + sigma, color="#dfe6f7", linewidth=0, zorder=1)
    axes.plot(distance[known], rate[known], "-o", color=SECTION, linewidth=1.2, markersize=3.5, zorder=3)
    axes.set_xlabel("distance from the source (km)", labelpad=2)
    axes.set_ylabel("rate (t/h)", labelpad=2)
    axes.set_ylim(*_span(np.append(rate[known], [mean + sigma, mean - sigma, mean])))
    words = f"rate through {int(known.sum())} of {known.size} cross sections"
    if np.isfinite(mean):
        words += f", mean {significant(mean)}" + (f" ± {significant(sigma, 2)}" if np.isfinite(sigma) else "") + " t/h"
    axes.set_title(words, fontsize=11)


def _span(values: np.ndarray) -> Limits:
    finite = values[np.isfinite(values)]
    low, high = (min(0.0, float(finite.min())), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = 0.08 * (high - low) or 1.0
    return (low - margin if low < 0 else 0.0), high + margin
