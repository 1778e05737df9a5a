"""The panels that the pictures of the coronagraph line are put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from levelworks.core import plots
from levelworks.core.plots import Sheet
from levelworks.coronagraph.dq import DQ, UNUSABLE
from levelworks.coronagraph.geometry import geometries
from levelworks.coronagraph.options import Plot

Slot = tuple[int, int, int, int]
"""Left, top, width and height that an image may take, in pixels of the sheet."""

IMPORTANCE = {
    DQ.INVALID_ADC: "#000000",
    DQ.ALL_MASKED: "#7f3b08",
    DQ.DEAD: "#0072b2",
    DQ.HOT: "#d55e00",
    DQ.UNRELIABLE: "#5d3a9b",
    DQ.SATURATED: "#e69f00",
    DQ.COSMIC_RAY: "#b5127f",
    DQ.REPLACED: "#009e73",
    DQ.TOO_BRIGHT: "#f0e442",
    DQ.NONLINEAR: "#9fd8f5",
    DQ.BIAS_REPLACED: "#c9b8e8",
    DQ.OUT_OF_TABLE: "#d9d4c3",
}
"""Bits from the most important to the least, and their colours: strong for those that mask, pale for the others."""
USABLE_COLOUR = "#eeeeee"
UNKNOWN_COLOUR = "#808080"


@dataclass(frozen=True)
class Category:
    """One bit that occurs in a DQ plane: its value, name, colour, whether it masks, and in how many pixels."""

    bit: int
    name: str
    colour: str
    masks: bool
    pixels: int
    share: float


@dataclass(frozen=True)
class Frame:
    """Where an image lies on the detector: its first row and column, and what its axes are called."""

    row: int
    column: int
    axis: str


def locate(shape: tuple[int, ...], array_type: str = "") -> Frame:
    """Find where an image of this shape lies on the detector, by ARRTYPE or, where that is unique, by its shape."""
    corners = {}
    for name, geometry in geometries().items():
        if shape == geometry.shape:
            corners[name] = (0, 0)
        elif shape == (geometry.image.rows, geometry.image.columns):
            corners[name] = (geometry.image.row, geometry.image.column)
    found = {corners[array_type]} if array_type in corners else set(corners.values())
    return Frame(*found.pop(), "detector") if len(found) == 1 else Frame(0, 0, "image")


def dq_categories(dq: np.ndarray) -> list[Category]:
    """Return the bits that occur in a DQ plane, from the most important to the least; unknown bits come last."""
    occurring = int(np.bitwise_or.reduce(dq, axis=None)) if dq.size else 0
    unknown = [1 << i for i in range(16) if not 1 << i & sum(IMPORTANCE)]
    found = []
    for bit in (*IMPORTANCE, *unknown):
        if occurring & bit:
            name = str(DQ(bit).name).lower().replace("_", " ") if bit in IMPORTANCE else "unknown"
            pixels = int(np.count_nonzero(dq & np.uint16(bit)))
            colour = IMPORTANCE.get(DQ(bit), UNKNOWN_COLOUR) if bit in IMPORTANCE else UNKNOWN_COLOUR
            found.append(Category(int(bit), name, colour, bool(bit & UNUSABLE), pixels, pixels / dq.size))
    return found


def category_ranks(dq: np.ndarray, categories: list[Category]) -> np.ndarray:
    """Return for each pixel the rank (uint8) of its most important bit: the first category highest, 0 for none."""
    ranks = np.zeros(dq.shape, dtype=np.uint8)
    for rank, category in enumerate(reversed(categories), start=1):
        ranks[(dq & np.uint16(category.bit)) != 0] = rank
    return ranks


def usable_pixels(values: np.ndarray, dq: np.ndarray | None) -> np.ndarray:
    """Return which pixels carry a finite value and no bit that masks."""
    finite = np.isfinite(values)
    return finite if dq is None else finite & ((dq & np.uint16(UNUSABLE)) == 0)


def colour_limits(values: np.ndarray, usable: np.ndarray, options: Plot, *, symmetric: bool = False) -> plots.Limits:
    """Return the percentiles of the usable pixels that the options ask for."""
    return plots.robust_limits(values[usable], options.low_percentile, options.high_percentile, symmetric=symmetric)


def image_axes(
    page: Sheet, slot: Slot, shape: tuple[int, ...], place: Frame, *, labels: bool = True, coarse: int = 1
) -> tuple[Axes, int]:
    """Place axes for an image, with detector pixels as units; returns them and the factor of reduction."""
    left, top, width, height = slot
    factor, enlarged = plots.reduction(shape, width // coarse, height // coarse)
    enlarged *= coarse
    rows, columns = (-(-size // factor) for size in shape)
    axes = page.axes(left, top, columns * enlarged, rows * enlarged)
    axes.set_xlim(place.column - 0.5, place.column + columns * factor - 0.5)
    axes.set_ylim(place.row - 0.5, place.row + rows * factor - 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel(f"{place.axis} column (px)")
    if labels:
        axes.set_ylabel(f"{place.axis} row (px)")
    else:
        axes.tick_params(labelleft=False)
    return axes, factor


def _extent(axes: Axes) -> tuple[float, float, float, float]:
    return (*axes.get_xlim(), *axes.get_ylim())


_CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "color": "white", "fontsize": 10.5}


@dataclass(frozen=True)
class Look:
    """How an image is drawn.

    Attributes
    ----------
    title, unit : str
        What it shows.
    colours : str
        Name of the colour map.
    symmetric : bool
        Whether zero lies in the middle of the colours.
    upright : bool
        Whether the colour bar stands to the right of the image, not below it.
    note : bool
        Whether the colour of masked pixels is explained.
    labels : bool
        Whether rows are labelled.
    """

    title: str
    unit: str
    colours: str = plots.SEQUENTIAL
    symmetric: bool = False
    upright: bool = True
    note: bool = False
    labels: bool = True


def draw_image(
    page: Sheet, slot: Slot, values: np.ndarray, usable: np.ndarray, place: Frame, look: Look, options: Plot
) -> tuple[Axes, plots.Limits]:
    """Draw an image between percentiles of its usable pixels with a colour bar; masked pixels stand out.

    Returns
    -------
    tuple
        The axes, and the limits of the colours.
    """
    axes, factor = image_axes(page, slot, values.shape, place, labels=look.labels)
    chosen = values[usable]
    limits = colour_limits(values, usable, options, symmetric=look.symmetric)
    median, spread = plots.median_and_robust_sd(chosen)
    norm = plots.colour_norm(limits, options.stretch, spread, 0.0 if look.symmetric or not chosen.size else median)
    image = axes.imshow(
        plots.block_mean(values, usable, factor),
        norm=norm,
        cmap=plots.colours(look.colours),
        extent=_extent(axes),
        aspect="auto",
    )
    axes.set_title(look.title)
    box = axes.get_position()
    width, height = box.width * page.width, box.height * page.height
    left, top = slot[:2]
    bar = (left + width + 10, top, 15, height) if look.upright else (left, top + height + 48, width, 12)
    if chosen.size and chosen.min() == chosen.max():
        words = f"{plots.plain(float(chosen[0]))} {look.unit}\neverywhere"
        axes.text(0.5, 0.5, words, **_CENTRED, transform=axes.transAxes)
    else:
        plots.colour_bar(page, image, bar, look.unit, plots.extension(chosen, limits))
    if look.note:
        averaged = f"mean of {factor}×{factor} px · " if factor > 1 else ""
        page.text(left + width - 18, top - 8, f"{averaged}masked", ha="right", va="bottom", fontsize=9, color="#555555")
        page.text(left + width, top - 7, "■", ha="right", va="bottom", color=plots.MASKED)
    return axes, limits


def draw_flags(page: Sheet, slot: Slot, dq: np.ndarray, place: Frame, *, labels: bool = False, coarse: int = 1) -> None:
    """Draw a DQ plane by the most important bit of each pixel, the worst of those that fall on one drawn pixel.

    ``coarse`` enlarges single flagged pixels by as much.
    """
    axes, factor = image_axes(page, slot, dq.shape, place, labels=labels, coarse=coarse)
    categories = dq_categories(dq)
    palette = [USABLE_COLOUR, *(category.colour for category in reversed(categories))]
    page.keep([to_rgb(colour) for colour in palette])
    ranks = plots.block_max(category_ranks(dq, categories), factor)
    axes.imshow(
        ranks, cmap=ListedColormap(palette), vmin=-0.5, vmax=len(palette) - 0.5, extent=_extent(axes), aspect="auto"
    )
    axes.set_title("flags")
    if factor > 1:
        right = slot[0] + axes.get_position().width * page.width
        note = f"worst of {factor}×{factor} px"
        page.text(right, slot[1] - 8, note, ha="right", va="bottom", fontsize=9, color="#555555")


def draw_legend(page: Sheet, left: int, top: int, dq: np.ndarray, step: int = 40) -> None:
    """List the bits that occur with their colours and shares of pixels, below the share that is masked."""
    masked = np.count_nonzero(dq & np.uint16(UNUSABLE)) / max(dq.size, 1)
    page.text(left, top, f"{percent(masked)} masked", fontweight="bold")
    top += 30
    flagged = dq_categories(dq)
    for masks, heading in ((True, ""), (False, "flagged, not masked")):
        group = [category for category in flagged if category.masks == masks]
        if group and heading:
            page.text(left, top, heading, fontsize=9.5, color="#555555")
            top += 22
        for category in group:
            page.text(left, top, "■", fontsize=15, color=category.colour)
            page.text(left + 24, top - 1, category.name, fontsize=10.5)
            page.text(
                left + 24, top + 16, f"bit {category.bit} · {percent(category.share)}", fontsize=9, color="#555555"
            )
            top += step
    if flagged:
        clean = np.count_nonzero(dq == 0) / dq.size
        page.text(left, top, "■", fontsize=15, color=USABLE_COLOUR)
        page.text(left + 24, top - 1, "no flag", fontsize=10.5)
        page.text(left + 24, top + 16, percent(clean), fontsize=9, color="#555555")
    else:
        page.text(left, top, "no pixel is flagged", fontsize=10, color="#555555")


def percent(share: float) -> str:
    """Write a share in percent with three significant digits; a small one is not rounded to nothing."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    if share > 0.99:
        return f"{100 * share:.5g} %"
    return f"{100 * share:.3g} %" if 100 * share >= 1e-3 else f"{100 * share:.0e} %"


def draw_histogram(page: Sheet, slot: Slot, values: np.ndarray, unit: str, limits: plots.Limits) -> None:
    """Draw the distribution of usable values, their median and robust standard deviation, and the colour limits.

    The axis ends at 0.01 and 99.99 % with a margin; how many pixels lie beyond is said.
    """
    axes = page.axes(*slot)
    axes.set_xlabel(unit)
    axes.set_ylabel("usable pixels")
    if not values.size:
        axes.text(0.5, 0.5, "no usable pixel", ha="center", va="center", transform=axes.transAxes)
        return
    first, last = plots.robust_limits(values, 0.01, 99.99)
    margin = 0.04 * (last - first)
    counts, edges = np.histogram(values, bins=160, range=(first - margin, last + margin))
    axes.stairs(counts, edges, fill=True, color="#5b7083", baseline=0.5)
    axes.set_yscale("log")
    axes.set_ylim(0.5, max(counts.max(), 1) * 14)
    axes.set_xlim(edges[0], edges[-1])
    axes.yaxis.set_major_formatter(FuncFormatter(plots.power_of_ten))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(plots.plain))
    median, spread = plots.median_and_robust_sd(values)
    axes.axvspan(median - spread, median + spread, color="#e69f00", alpha=0.25, linewidth=0)
    axes.axvline(median, color="#d55e00", linewidth=1.6)
    for limit in limits:
        axes.axvline(limit, color="#222222", linewidth=0.9, linestyle=(0, (4, 3)))
    beyond = int(values.size - counts.sum())
    words = [f"median {plots.plain(float(f'{median:.4g}'))},", f"robust sd {plots.plain(float(f'{spread:.3g}'))}"]
    axes.set_title((" " if slot[2] > 300 else "\n").join(words), color="#993300")
    note = "dashed: colour limits" + (f"\n{beyond} px beyond this axis" if beyond else "")
    style: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 9, "color": "#555555", "transform": axes.transAxes}
    axes.text(0.98, 0.97, note, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5}, **style)


def draw_row_bias(page: Sheet, slot: Slot, bias: np.ndarray, dq: np.ndarray, place: Frame) -> None:
    """Draw the bias of each row; rows whose own was replaced are marked."""
    axes = page.axes(*slot)
    rows = place.row + np.arange(bias.size)
    axes.plot(rows, bias, color="#0072b2", linewidth=0.8)
    replaced = np.all(dq & np.uint16(DQ.BIAS_REPLACED), axis=1)
    if replaced.any():
        axes.plot(
            rows[replaced], bias[replaced], "o", color="#d55e00", markersize=4, label=f"{replaced.sum()} replaced"
        )
        axes.legend(frameon=False, loc="lower right", fontsize=10)
    axes.set_xlim(rows[0], rows[-1])
    axes.margins(y=0.12)
    axes.set_title(f"row bias: median {np.median(bias):.1f} DN, sd {np.std(bias):.2f} DN")
    axes.set_xlabel(f"{place.axis} row (px)")
    axes.set_ylabel("DN")
    axes.yaxis.set_major_formatter(FuncFormatter(plots.plain))
