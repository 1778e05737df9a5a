"""The pictures of the coronagraph line: one PNG a product, and raw frame beside calibrated image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from levelworks.core import plots
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.core.plots import Sheet, sheet
from levelworks.core.record import read_record
from levelworks.coronagraph import plot_panels as panels
from levelworks.coronagraph.dq import UNUSABLE
from levelworks.coronagraph.geometry import Geometry, Region
from levelworks.coronagraph.options import Plot
from levelworks.coronagraph.plot_panels import Frame, Look
from levelworks.coronagraph.product_reader import Product, open_product

WIDTH, HEIGHT = 1400, 1040

UNITS = {
    "DN": "DN",
    "photoelectron": "photoelectrons/pixel/frame",
    "electron": "e⁻/pixel/frame",
    "electron/s": "e⁻/pixel/s",
}


@dataclass(frozen=True)
class _Kind:
    """What a product is called, its image plane and what that shows, and the image drawn beside the histogram."""

    name: str
    plane: str
    quantity: str
    beside: str = ""
    beside_title: str = ""
    symmetric: bool = False


KINDS = {
    "L2a": _Kind("Level 2a frame", "SCI", "linear counts"),
    "L2b": _Kind("Level 2b frame", "SCI", "calibrated image"),
    "mean of frames": _Kind("mean of Level 2b frames", "SCI", "mean image", "SAMPLES", "usable frames by pixel"),
    "median of frames": _Kind("median of Level 2b frames", "SCI", "median image", "SAMPLES", "usable frames by pixel"),
    "photon counts": _Kind("photon-counted mean", "SCI", "mean electrons", "SAMPLES", "usable frames by pixel"),
    "master dark": _Kind("master dark", "DARK", "dark", "REGISTER", "part that passed the register", symmetric=True),
}
MAPS = {
    "FPN": ("fixed pattern", "e⁻ after the register", True),
    "CIC": ("clock-induced charge", "e⁻/pixel/frame", False),
    "DC": ("dark current", "e⁻/pixel/s", False),
}


def draw_product(product: Path, picture: Path, options: Plot) -> Outcome:
    """Draw a product of the line, whichever it is by its PRODUCT card.

    Parameters
    ----------
    product : Path
        Level 2a or 2b frame, mean, median, photon counts, master dark, noise maps or bad-pixel map.
    picture : Path
        PNG to write.
    options : Plot

    Returns
    -------
    Outcome
        With the share of usable pixels, and median and robust standard deviation of their values where there are.

    Raises
    ------
    NothingToProduce
        Where the product is empty: its frame was skipped or quarantined.
    InvalidInput
        Where the file is no product of this line.
    """
    content = open_product(product, ())
    kind = str(content.units["PRIMARY"].values.get("PRODUCT", ""))
    record = read_record(product)
    if kind == "empty" or (record is not None and record["outcome"] != "done"):
        values = record or {key.lower(): value for key, value in content.units["PRIMARY"].values.items()}
        raise NothingToProduce(f"{product.name} is empty ({values.get('outcome')}): {values.get('reason')}")
    try:
        if kind == "noise maps":
            return _draw_noise_maps(content, picture, options)
        if kind == "bad-pixel map":
            return _draw_bad_pixels(content, picture)
        if kind in KINDS:
            return _draw_image_product(content, KINDS[kind], picture, options)
    except KeyError as error:
        raise InvalidInput(f"{product.name}: lacks {error}") from None
    raise InvalidInput(f"{product.name}: PRODUCT is {kind!r}, no product of this line")


def draw_nothing(path: Path, outcome: Outcome) -> None:
    """Write a small picture that says in words why there is none."""
    plots.draw_outcome(path, outcome, "coronagraph")


def _plane(product: Product, name: str) -> np.ndarray:
    """Read a whole plane; a row of values, such as BIAS, comes as one dimension."""
    values = product.units[name].values
    rows = int(values.get("NAXIS2", 1))
    read = product.rows(name, range(rows))
    return read if int(values["NAXIS"]) > 1 else read[0]


def _value(product: Product, keyword: str) -> Any:
    for unit in ("SCI", "PRIMARY"):
        if unit in product.units and keyword in product.units[unit].values:
            return product.units[unit].values[keyword]
    return None


def _place(product: Product, shape: tuple[int, ...]) -> Frame:
    return panels.locate(shape, str(_value(product, "ARRTYPE") or "").strip())


def settings(product: Product, name: str) -> str:
    """Return a line on how a product came about: kind, frames, gain, exposure time, K gain, read noise."""
    parts = [name]
    for keyword, text in (
        ("NUM_FR", "{:.0f} frames"),
        ("GAIN", "EM gain {:g}"),
        ("EXPTIME", "{:g} s"),
        ("KGAINPAR", "{:g} e⁻/DN"),
        ("RN", "read noise {:.4g} e⁻"),
        ("PCTHRESH", "threshold {:.4g} e⁻"),
        ("B_O", "bias offset {:.3g} DN"),
    ):
        value = _value(product, keyword)
        if isinstance(value, int | float) and not isinstance(value, bool) and (keyword != "B_O" or value):
            parts.append(text.format(value).replace("-", "−"))
    if isinstance(_value(product, "DESMEAR"), bool):
        parts.append("desmeared" if _value(product, "DESMEAR") else "not desmeared")
    return "  ·  ".join(parts)


def _headline(page: Sheet, product: Product, name: str) -> None:
    page.text(24, 16, product.path.stem, fontsize=16, fontweight="bold")
    page.text(24, 50, settings(product, name), fontsize=12, color="#444444")


def _draw_image_product(product: Product, kind: _Kind, picture: Path, options: Plot) -> Outcome:
    values, dq = _plane(product, kind.plane), _plane(product, "DQ")
    errors = _plane(product, "ERR") if "ERR" in product.units else np.sqrt(_plane(product, "VAR"))
    unit = UNITS.get(str(product.units[kind.plane].values.get("BUNIT", "")).strip(), "unknown unit")
    usable, place = panels.usable_pixels(values, dq), _place(product, values.shape)
    good_errors = usable & np.isfinite(errors)
    linear = options.model_copy(update={"stretch": "linear"})
    with sheet(WIDTH, HEIGHT) as page:
        _headline(page, product, kind.name)
        look = Look(
            kind.quantity, unit, plots.DIVERGING if kind.symmetric else plots.SEQUENTIAL, kind.symmetric, note=True
        )
        _, limits = panels.draw_image(page, (80, 122, 512, 512), values, usable, place, look, options)
        panels.draw_flags(page, (714, 122, 512, 512), dq, place)
        panels.draw_legend(page, 1238, 116, dq)
        look = Look("error (1σ)", unit, plots.SECONDARY)
        panels.draw_image(page, (80, 722, 256, 256), errors, good_errors, place, look, linear)
        panels.draw_histogram(page, (526, 722, 360, 256), values[usable], unit, limits)
        if "BIAS" in product.units:
            panels.draw_row_bias(page, (972, 722, 400, 256), _plane(product, "BIAS"), dq, place)
        elif kind.beside:
            beside = _plane(product, kind.beside).astype(np.float64)
            look = Look(kind.beside_title, "frames" if kind.beside == "SAMPLES" else unit, plots.SECONDARY)
            panels.draw_image(page, (990, 722, 256, 256), beside, np.isfinite(beside), place, look, linear)
        page.save(picture)
    return Outcome(quality=_figures(values[usable], dq))


def _figures(values: np.ndarray, dq: np.ndarray) -> dict[str, float]:
    median, spread = plots.median_and_robust_sd(values)
    share = float(np.count_nonzero((dq & np.uint16(UNUSABLE)) == 0) / max(dq.size, 1))
    return {"usable_share": share, "median": median, "robust_sd": spread}


def _draw_noise_maps(product: Product, picture: Path, options: Plot) -> Outcome:
    dq, stacks = _plane(product, "DQ"), _plane(product, "STACKS").astype(np.float64)
    place = _place(product, dq.shape)
    linear = options.model_copy(update={"stretch": "linear"})
    quality: dict[str, float] = {}
    with sheet(WIDTH, HEIGHT) as page:
        factor, _ = plots.reduction(dq.shape, 275, 205)
        _headline(page, product, "noise maps" + (f", drawn as means of {factor}×{factor} px" if factor > 1 else ""))
        for number, (name, (title, unit, symmetric)) in enumerate(MAPS.items()):
            values, errors = _plane(product, name), _plane(product, f"{name}_ERR")
            usable, left = panels.usable_pixels(values, dq), 80 + 340 * number
            look = Look(
                title,
                unit,
                plots.DIVERGING if symmetric else plots.SEQUENTIAL,
                symmetric,
                upright=False,
                labels=not number,
            )
            _, limits = panels.draw_image(page, (left, 122, 275, 205), values, usable, place, look, options)
            look = Look("its error (1σ)", unit, plots.SECONDARY, upright=False, labels=not number)
            good = usable & np.isfinite(errors)
            panels.draw_image(page, (left, 440, 275, 205), errors, good, place, look, linear)
            panels.draw_histogram(page, (left, 760, 260, 210), values[usable], unit, limits)
            quality |= {f"{name.lower()}_{key}": value for key, value in _figures(values[usable], dq).items()}
        panels.draw_flags(page, (1100, 122, 275, 205), dq, place)
        look = Look("stacks used", "stacks", plots.SECONDARY, upright=False, labels=False)
        panels.draw_image(page, (1100, 440, 275, 205), stacks, np.isfinite(stacks), place, look, linear)
        panels.draw_legend(page, 1100, 750, dq)
        page.save(picture)
    return Outcome(quality=quality)


def _draw_bad_pixels(product: Product, picture: Path) -> Outcome:
    dq = _plane(product, "DQ")
    place = _place(product, dq.shape)
    bad = (dq & np.uint16(UNUSABLE)) != 0
    with sheet(WIDTH, 720) as page:
        _headline(page, product, "bad-pixel map")
        panels.draw_flags(page, (84, 122, 512, 512), dq, place, labels=True, coarse=2)
        panels.draw_legend(page, 614, 116, dq)
        for top, axis, name, first in ((122, 1, "row", place.row), (418, 0, "column", place.column)):
            axes = page.axes(860, top, 510, 216)
            size = bad.shape[1 - axis]
            step = max(1, size // 128)
            numbers = np.add.reduceat(bad.sum(axis=axis), np.arange(0, size, step))
            axes.stairs(numbers, first - 0.5 + np.append(np.arange(0, size, step), size), fill=True, color="#5b7083")
            axes.set_xlim(first - 0.5, first + size - 0.5)
            axes.set_ylim(0, max(1, numbers.max()) * 1.1)
            axes.set_xlabel(f"{place.axis} {name} (px)")
            axes.set_ylabel("bad pixels")
            axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
            axes.set_title(f"bad pixels by {step} {name}s" if step > 1 else f"bad pixels by {name}")
        page.save(picture)
    return Outcome(quality={"bad_pixels": int(bad.sum()), "bad_share": float(bad.mean())})


def draw_before_after(level1: Path, level2b: Path, picture: Path, options: Plot | None = None) -> None:
    """Draw a raw frame, with the regions of the detector outlined, beside its calibrated image.

    Parameters
    ----------
    level1 : Path
        Level 1 frame.
    level2b : Path
        Its Level 2b product.
    picture : Path
        PNG to write.
    options : Plot, optional

    Raises
    ------
    InvalidInput
        Where one of the files is not what it should be.
    """
    from levelworks.coronagraph.readers import read_level1

    options = options or Plot()
    raw, product = read_level1(level1), open_product(level2b, ("SCI", "DQ"))
    counts = raw.counts(slice(None), slice(None)).astype(np.float64)
    pixels = np.ones(counts.shape, dtype=bool)
    pixels[counts.shape[0] - raw.geometry.telemetry_rows :] = False
    values, dq = _plane(product, "SCI"), _plane(product, "DQ")
    unit = UNITS.get(str(product.units["SCI"].values.get("BUNIT", "")).strip(), "unknown unit")
    with sheet(1670, 740, font=13) as page:
        _headline(page, product, f"{raw.name} to Level 2b")
        look = Look("Level 1: raw frame", "DN")
        axes, _ = panels.draw_image(page, (100, 130, 734, 512), counts, pixels, Frame(0, 0, "detector"), look, options)
        _outline(axes, raw.geometry)
        look = Look("Level 2b: calibrated image", unit, note=True)
        usable = panels.usable_pixels(values, dq)
        panels.draw_image(page, (1034, 130, 512, 512), values, usable, _place(product, values.shape), look, options)
        page.save(picture)


def _outline(axes: Axes, geometry: Geometry) -> None:
    """Outline and name the regions of the detector, and the columns that give each row its bias."""
    halo = [withStroke(linewidth=2.5, foreground="black")]
    first, last = geometry.good_columns
    prescan = geometry.prescan
    good = Region(prescan.rows, last - first, prescan.row, first)
    for name, region, colour, at in (
        ("prescan", prescan, "#9ecae1", 0.75),
        ("bias columns", good, "#fdae6b", 0.25),
        ("parallel overscan", geometry.parallel_overscan, "#66c2a5", 0.5),
        ("serial overscan", geometry.serial_overscan, "#f0e442", 0.5),
        ("image", geometry.image, "#ffffff", 0.1),
    ):
        corner = (region.column + 2, region.row + 2)
        size = (region.columns - 5, region.rows - 5)
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=1.8))
        upright = 90 if region.columns < region.rows / 4 else 0
        middle = region.column + region.columns / 2
        if name == "prescan":
            middle = region.column + max(first - region.column, region.columns / 2) / 2
        style: dict[str, Any] = {"ha": "center", "va": "center", "rotation": upright, "path_effects": halo}
        axes.text(middle, region.row + at * region.rows, name, color=colour, **style)
