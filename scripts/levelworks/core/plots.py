"""What the pictures of all lines share: figures without global state, robust colours, and the same bytes every time.

Axes are placed in pixels and images are drawn pixel by pixel, reduced by whole numbers beforehand: what a picture
shows is then known exactly, and no resampling invents patterns in noise.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import FuncNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from levelworks.core.outcome import Outcome, Status

DPI = 100
STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.labelcolor": "#222222",
    "axes.edgecolor": "#444444",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "image.interpolation": "nearest",
    "image.origin": "lower",
    "text.parse_math": False,
}
"""On top of matplotlib's own defaults. File names are no formulas: a dollar sign in one stays what it is."""

MASKED = "#56b4e9"
"""Colour of masked pixels: sky blue, which the sequential map of images does not contain."""
SEQUENTIAL, SECONDARY, DIVERGING = "inferno", "viridis", "RdBu_r"
LEVELS = 64
"""Steps of a colour map: three maps and the other colours of a picture fit a palette of 256."""

COUNTED = ("frames", "stacks", "pixels")
"""Units of whole numbers."""

Limits = tuple[float, float]
Stretch = Literal["linear", "asinh"]


@dataclass(frozen=True)
class Sheet:
    """A white figure on which axes and text are placed in pixels from the upper left corner."""

    figure: Figure
    width: int
    height: int
    meaning: set[int] = field(default_factory=set)

    def keep(self, colours: Any) -> None:
        """Note colours that mean a value (N x 3 or 4, 0 to 1): they stay exact when the palette is reduced."""
        red, green, blue = np.rint(np.asarray(colours)[:, :3] * 255).astype(int).T
        self.meaning.update((red << 16 | green << 8 | blue).tolist())

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes whose frame covers this rectangle (pixels)."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def text(self, left: float, top: float, text: str, **style: Any) -> None:
        """Write text whose upper left corner stands here (pixels)."""
        placed = {"ha": "left", "va": "top", "color": "#222222"} | style
        self.figure.text(left / self.width, 1 - top / self.height, text, **placed)

    def save(self, path: Path, notes: Mapping[str, str] | None = None) -> None:
        """Draw the figure and write it as a PNG of at most 256 colours, with no metadata but some notes."""
        canvas = self.figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())[..., :3]
        texts = PngInfo()
        for key, text in (notes or {}).items():
            texts.add_text(key, text)
        with path.open("wb") as file:
            _with_palette(drawn, self.meaning).save(file, format="PNG", pnginfo=texts)


def note_of(picture: Path, key: str) -> str | None:
    """Return a note that a picture was saved with; None without it, or where the file is no picture."""
    try:
        with Image.open(picture) as opened:
            return opened.info.get(key)
    except OSError:
        return None


def _with_palette(drawn: np.ndarray, meaning: set[int]) -> Image.Image:
    """Turn RGB into 256 colours at most, for a third of the bytes: those that mean a value, then the most frequent.

    Greys are rounded to 16 shades; the edges of letters take what is nearest.
    """
    red, green, blue = (drawn[..., band].astype(np.uint32) for band in range(3))
    shade = (red + 8) // 17 * 17
    codes = np.where((red == green) & (green == blue), shade * 0x010101, red << 16 | green << 8 | blue)
    raw = Image.fromarray(codes.astype("<u4").view(np.uint8).reshape(*codes.shape, 4), "RGBX")
    found: Any = raw.convert("RGB").getcolors(codes.size)
    counted = sorted((-number, high << 16 | middle << 8 | low) for number, (low, middle, high) in found)
    counted.sort(key=lambda one: one[1] not in meaning)
    occurring = np.sort(np.array([code for _, code in counted], dtype=np.uint32))
    palette = np.array([code for _, code in counted[:256]], dtype=np.uint32)
    bands = [[codes >> shift & 0xFF for shift in (16, 8, 0)] for codes in (occurring, palette)]
    distance = sum((a.astype(np.int32)[:, None] - b.astype(np.int32)) ** 2 for a, b in zip(*bands, strict=True))
    nearest = np.argmin(distance, axis=1).astype(np.uint8)
    image = Image.fromarray(nearest[np.searchsorted(occurring, codes)], "P")
    image.putpalette(np.stack(bands[1], axis=1).astype(np.uint8).tobytes())
    return image


@contextmanager
def sheet(width: int, height: int, font: float = 11.0) -> Iterator[Sheet]:
    """Give an empty sheet of so many pixels, in the house style whatever the user's matplotlibrc says."""
    sizes = {"font.size": font, "axes.titlesize": font + 1} | {f"{one}tick.labelsize": font - 1 for one in "xy"}
    settings: Any = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith(("backend", "_"))}
    with mpl.rc_context(settings | STYLE | sizes):
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        yield Sheet(figure, width, height)


def draw_outcome(path: Path, outcome: Outcome, title: str) -> None:
    """Write a small picture that states an outcome and its reason in words, where there is nothing to draw."""
    lines = textwrap.wrap("".join(one if one.isprintable() else " " for one in outcome.reason), 92)[:12]
    with sheet(800, 110 + 22 * max(len(lines), 1)) as page:
        colour = {Status.QUARANTINED: "#b2182b", Status.SKIPPED: "#2166ac"}.get(outcome.status, "#222222")
        page.text(24, 20, f"{title}: {outcome.status.value}", fontsize=15, fontweight="bold", color=colour)
        page.text(24, 60, "\n".join(lines) or "no reason given", linespacing=1.35)
        page.save(path)


def robust_limits(values: np.ndarray, low: float, high: float, *, symmetric: bool = False) -> Limits:
    """Return colour limits: two percentiles of the finite values, widened where they coincide.

    Parameters
    ----------
    values : ndarray
        Usable values only.
    low, high : float
        Percentiles.
    symmetric : bool
        Whether the limits lie symmetrically about zero, for diverging colours.
    """
    finite = values[np.isfinite(values)]
    first, last = (float(limit) for limit in np.percentile(finite, (low, high))) if finite.size else (0.0, 1.0)
    if symmetric:
        last = max(abs(first), abs(last))
        first = -last
    if not last > first:
        margin = 0.05 * abs(first) or 1.0
        first, last = first - margin, last + margin
    return first, last


def median_and_robust_sd(values: np.ndarray) -> tuple[float, float]:
    """Return the median and 1.4826 times the median absolute deviation of the finite values; NaN without any."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return math.nan, math.nan
    median = np.median(finite)
    return float(median), 1.4826 * float(np.median(np.abs(finite - median)))


def _blocks(values: np.ndarray, factor: int, fill: float) -> np.ndarray:
    """View an image, filled up to whole blocks, as (rows, factor, columns, factor)."""
    rows, columns = (-(-size // factor) for size in values.shape)
    margins = ((0, rows * factor - values.shape[0]), (0, columns * factor - values.shape[1]))
    return np.pad(values, margins, constant_values=fill).reshape(rows, factor, columns, factor)


def block_mean(values: np.ndarray, usable: np.ndarray, factor: int) -> np.ma.MaskedArray:
    """Average the usable pixels of each block; a block of which half or less is usable is masked."""
    usable = usable & np.isfinite(values)
    if factor == 1:
        return np.ma.array(np.where(usable, values, 0), mask=~usable)
    present = _blocks(np.ones(values.shape, dtype=np.uint16), factor, 0).sum(axis=(1, 3))
    number = _blocks(usable.astype(np.uint16), factor, 0).sum(axis=(1, 3))
    total = _blocks(np.where(usable, values, 0), factor, 0).sum(axis=(1, 3), dtype=np.float64)
    return np.ma.array(total / np.maximum(number, 1), mask=2 * number <= present)


def block_max(values: np.ndarray, factor: int) -> np.ndarray:
    """Return the largest value of each block, so that a single flagged pixel stays visible."""
    return values if factor == 1 else _blocks(values, factor, 0).max(axis=(1, 3))


def reduction(shape: tuple[int, ...], width: int, height: int) -> tuple[int, int]:
    """Return by how much an image is reduced to fit, and by how much each remaining pixel is enlarged."""
    factor = max(1, -(-shape[0] // height), -(-shape[1] // width))
    return factor, max(1, min(height // -(-shape[0] // factor), width // -(-shape[1] // factor)))


def colour_norm(limits: Limits, stretch: Stretch, width: float, centre: float = 0.0) -> Normalize:
    """Return how values map to colours: linearly, or as asinh((value - centre) / width).

    The width is at least a 200th of the range, so that most values being equal does not spoil the picture.
    """
    if stretch == "linear":
        return Normalize(*limits)
    least = (limits[1] - limits[0]) / 200
    scale = max(width, least) if math.isfinite(width) else least

    def forward(values: np.ndarray) -> np.ndarray:
        return np.arcsinh((values - centre) / scale)

    def inverse(values: np.ndarray) -> np.ndarray:
        return np.sinh(values) * scale + centre

    return FuncNorm((forward, inverse), *limits)


def ticks(norm: Normalize, gap: float = 0.1, *, integer: bool = False) -> list[float]:
    """Return round values at least ``gap`` of a colour bar's length apart: 0, powers of ten, then fives and twos."""
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    steps = max(2, min(8, int(0.5 / gap)))
    evenly = [
        float(value) for value in MaxNLocator(steps, integer=integer).tick_values(low, high) if low <= value <= high
    ]
    if not isinstance(norm, FuncNorm):
        return evenly
    top = math.ceil(math.log10(max(abs(low), abs(high))))
    candidates = [0.0]
    for digit in (1, 5, 2):
        for power in range(top, top - 6, -1):
            candidates += [digit * 10.0**power, -digit * 10.0**power]
    chosen: dict[float, float] = {}
    for value in candidates:
        if low <= value <= high:
            position = float(norm(value))
            if all(abs(position - other) >= gap for other in chosen.values()):
                chosen[value] = position
    if len(chosen) < 2:
        chosen = {}
        for value in evenly:
            if all(abs(float(norm(value)) - other) >= gap for other in chosen.values()):
                chosen[value] = float(norm(value))
    return sorted(chosen)


def plain(value: float, _position: object = None) -> str:
    """Write a tick value shortly, with a true minus sign."""
    return f"{value:.5g}".replace("-", "−")


def power_of_ten(value: float, _position: object = None) -> str:
    """Write a power of ten with raised digits; nothing for other values."""
    exponent = math.log10(value) if value > 0 else 0.5
    if abs(exponent - round(exponent)) > 1e-6:
        return ""
    digits = str(round(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return {0: "1", 1: "10"}.get(round(exponent), f"10{digits}")


def colour_bar(
    page: Sheet,
    mappable: Any,
    box: tuple[float, float, float, float],
    label: str,
    extend: str = "neither",
    *,
    integer: bool = False,
) -> None:
    """Draw a colour bar with its quantity and unit; upright where the box (left, top, width, height) is.

    ``integer`` puts ticks at whole numbers only, as units of whole numbers do too.
    """
    left, top, width, height = box
    page.keep(mappable.cmap(np.arange(mappable.cmap.N)))
    page.keep([mappable.cmap.get_bad()])
    upright = height > width
    gap = 26 / height if upright else 60 / width
    bar = page.figure.colorbar(
        mappable,
        cax=page.axes(left, top, width, height),
        orientation="vertical" if upright else "horizontal",
        extend=extend,
        extendfrac=0.03,
        ticks=ticks(mappable.norm, gap, integer=integer or label in COUNTED),
        format=plain,
    )
    bar.minorticks_off()
    bar.outline.set_linewidth(0.6)
    bar.set_label(label)


def extension(values: np.ndarray, limits: Limits) -> str:
    """Return at which ends of a colour bar values lie beyond: neither, min, max or both."""
    below, above = bool(np.any(values < limits[0])), bool(np.any(values > limits[1]))
    return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]


def colours(name: str) -> Any:
    """Return a colour map in which masked pixels stand out."""
    return mpl.colormaps[name].resampled(LEVELS).with_extremes(bad=MASKED)
