"""The stage plot-scene: quicklooks of a Level-2 product, and its map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.core.record import read_record
from levelworks.plumes.drawing.level2_view import Level2View, open_level2
from levelworks.plumes.drawing.mercator import outline_of
from levelworks.plumes.drawing.picture_layers import layers_of, shown_first
from levelworks.plumes.drawing.plot_options import PlotScene
from levelworks.plumes.drawing.quantified_files import read_markers, read_plumes
from levelworks.plumes.drawing.scene_page import write_scene_page
from levelworks.plumes.drawing.scene_pictures import Drawn, Painter, legend_colours, present_in
from levelworks.plumes.drawing.scene_summary import (
    NAME,
    Summary,
    SummaryLayer,
    SummaryMarker,
    SummaryPlume,
    SummaryWind,
    moved,
    union,
    write_summary,
)

KM_PER_DEGREE = 111.195


def plot_scene(
    level2: Path, quantified: Path | None, markers: Path | None, *, folder: Path, options: PlotScene
) -> Outcome:
    """Draw the layers of a scene as overlays and figures, and write its map.

    Parameters
    ----------
    level2 : Path
        Product of `orthorectify`.
    quantified : Path or None
        Folder of `quantify`, for outlines, sources and rates.
    markers : Path or None
        CSV of places to mark, with columns of latitude and longitude.
    folder : Path
        To write ``<stem>_<variable>.png``, ``…_figure.png``, ``<stem>.html``, the same with ``_zoomin``, and
        ``scene.json`` to.
    options : PlotScene

    Raises
    ------
    NothingToProduce
        Where the product is empty, or has none of the layers.
    InvalidInput
        Where a file can't be read or holds none of what it should.
    InvalidReference
        Where that is the list of places to mark.
    """
    with open_level2(level2) as view:
        layers = layers_of(view.names, options.gases)
        if not layers:
            raise NothingToProduce(f"{level2.name} has no layer to draw of gases {', '.join(options.gases)}")
        folder.mkdir(parents=True, exist_ok=True)
        inside = present_in(view)
        plumes = _plumes_of(quantified, options.gases)
        painter = Painter(view, folder, options.long_side, inside)
        drawn = [painter.draw(layer, options.vmax, figure=options.figures) for layer in layers]
        window = _zoom(view, options, plumes)
        if window is not None:
            closer = Painter(view, folder, options.long_side, inside, window)
            drawn += [
                closer.draw(layer, options.vmax, figure=options.figures, limits=whole.limits)
                for layer, whole in zip(layers, list(drawn), strict=True)
            ]
        summary = summarise(view, drawn, inside, plumes, read_markers(markers) if markers else [])
    write_summary(folder / NAME, summary)
    write_scene_page(folder / f"{summary.stem}.html", summary, options)
    if window is not None:
        write_scene_page(folder / f"{summary.stem}_zoomin.html", summary, options, zoomed=True)
    figures = {
        "layers": len(layers),
        "plumes": len(plumes),
        "winds": len(summary.winds),
        "markers": len(summary.markers),
        "page_bytes": (folder / f"{summary.stem}.html").stat().st_size,
    }
    return Outcome(quality=figures, warnings=_warnings(summary, options, zoomed=window is not None))


def _plumes_of(quantified: Path | None, gases: Sequence[str]) -> list[SummaryPlume]:
    if quantified is None:
        return []
    record = read_record(quantified)
    if record is not None and record["outcome"] != "done":
        return []
    if not quantified.is_dir():
        raise InvalidInput(f"{quantified} is no folder of quantify")
    return [one for one in read_plumes(quantified) if "all" in gases or not one.gas or one.gas in gases]


def _zoom(view: Level2View, options: PlotScene, plumes: Sequence[SummaryPlume]) -> tuple[slice, slice] | None:
    """Return the rows and columns of the second set of pictures; None where none is asked for, or nothing is there."""
    if options.pad is None:
        return None
    longitude, latitude = options.longitude_zoom, options.latitude_zoom
    if longitude is None or latitude is None:
        placed = [one for one in plumes if one.source]
        if not placed:
            return None
        largest = max(placed, key=lambda one: one.rate or 0.0)
        assert largest.source is not None
        latitude, longitude = largest.source
    x, y = view.grid.from_degrees.transform(longitude, latitude)
    if not np.isfinite([x, y]).all():
        return None
    high = options.pad * KM_PER_DEGREE * 1000
    wide = high * max(np.cos(np.radians(latitude)), 0.01)
    window = view.grid.window(x - wide, x + wide, y - high, y + high)
    small = window is not None and min(one.stop - one.start for one in window) < 2
    return None if small else window


def summarise(
    view: Level2View,
    drawn: Sequence[Drawn],
    inside: np.ndarray,
    plumes: list[SummaryPlume],
    markers: list[SummaryMarker],
) -> Summary:
    """Return what the page of a scene shows."""
    bounds = union([one.bounds for one in drawn if not one.zoomed])
    summary = Summary(
        view.stem,
        view.sensor,
        view.start,
        view.attribute("end_time"),
        bounds,
        [list(corner) for corner in outline_of(view.grid, inside)],
        shown_first([one.layer for one in drawn]),
        [_layer(one) for one in drawn],
        [
            SummaryWind(one.source, round(one.speed, 4), round(one.direction, 2), [one.latitude, one.longitude])
            for one in view.winds()
        ],
        plumes,
        markers,
    )
    return moved(summary, (bounds[0][1] + bounds[1][1]) / 2)


def _layer(one: Drawn) -> SummaryLayer:
    layer = one.layer
    return SummaryLayer(
        layer.variable,
        layer.title,
        layer.kind,
        layer.gas,
        one.picture,
        [list(corner) for corner in one.bounds],
        layer.opacity,
        one.units,
        list(one.limits) if one.limits else None,
        legend_colours(layer) if one.limits else [],
        one.zoomed,
    )


def _warnings(summary: Summary, options: PlotScene, *, zoomed: bool) -> tuple[str, ...]:
    words = []
    if not summary.outline:
        words.append(f"{summary.stem} has no value in any layer that is drawn")
    if options.pad is not None and not zoomed:
        words.append("no zoomed pictures: the point lies outside of the scene, or no plume has a source")
    return tuple(words)
