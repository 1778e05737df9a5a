"""The map of a scene, and of several: pictures, plumes, winds and swaths as layers of a tree by acquisition."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import folium

from levelworks.core.plots import plain
from levelworks.plumes.drawing.map_pages import Call, Picture, add_controls, new_map, page_text
from levelworks.plumes.drawing.picture_layers import written_unit
from levelworks.plumes.drawing.plot_options import PlotScene
from levelworks.plumes.drawing.scene_pictures import readable_time
from levelworks.plumes.drawing.scene_summary import Summary, SummaryLayer, significant, union

SWATH = "dodgerblue"

Address = Callable[[Summary, SummaryLayer], str]


def write_scene_page(path: Path, scene: Summary, options: PlotScene, *, zoomed: bool = False) -> None:
    """Write the map of a scene; its pictures lie in the same folder, or in the page where they are small.

    Parameters
    ----------
    zoomed : bool
        Whether the zoomed pictures are shown.
    """
    most = 1000 * options.inline_kb

    def address(_: Summary, layer: SummaryLayer) -> str:
        picture = path.with_name(layer.picture)
        if picture.stat().st_size > most:
            return layer.picture
        return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")

    shown = [layer.bounds for layer in scene.layers if layer.zoomed] if zoomed else []
    subtitle = f"{readable_time(scene.start)} · {scene.sensor}" + (" · zoomed in" if zoomed else "")
    page, base = new_map(union(shown or [scene.bounds]), scene.stem, subtitle, options.base_layers)
    tree, bars = add_scene(page, scene, address, zoomed=zoomed, show=True)
    page.add_child(Call("legend", page, bars))
    add_controls(page, base, [tree], f"{scene.stem}.geojson")
    path.write_text(page_text(page, scene.stem), encoding="utf-8")


def add_scene(
    page: Any, scene: Summary, address: Address, *, zoomed: bool, show: bool, first: int = 1
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Add a scene to a map and return its branch of the tree of layers, and its colour bars for the legend.

    Parameters
    ----------
    address : callable
        Gives the address of a layer's picture.
    show : bool
        Whether its branch is open, and its winds, markers and the one layer that people look at first are visible.
    first : int
        Order of drawing of its lowest picture.
    """
    time = readable_time(scene.start)
    layers = [layer for layer in scene.layers if layer.zoomed == zoomed]
    entries: list[dict[str, Any]] = []
    bars: list[dict[str, Any]] = []
    for place, layer in enumerate(layers, start=first):
        picture = Picture(
            address(scene, layer),
            layer.bounds,
            f"{time} | {layer.variable}",
            opacity=layer.opacity,
            place=place,
            show=show and layer.variable == scene.shown,
        )
        page.add_child(picture)
        entries.append({"label": escape(f"{time} | {layer.variable}"), "layer": picture})
        if layer.limits:
            bars.append({"layer": picture, "bar": _bar(layer)})
    if scene.outline:
        entries.append({"label": escape(f"{time} | swath"), "layer": _swath(page, scene, time)})
    for word, function, found in (
        ("plumes", "plumes", _plumes(scene)),
        ("wind", "winds", _winds(scene)),
        ("markers", "markers", [{"label": one.label, "place": one.place, "facts": one.facts} for one in scene.markers]),
    ):
        if found:
            visible = show or word == "plumes"
            group = folium.FeatureGroup(name=f"{time} | {word}", control=False, show=visible).add_to(page)
            page.add_child(Call(function, group, found))
            entries.append({"label": escape(f"{time} | {word}"), "layer": group})
    label = escape(f"{time} group ({scene.sensor})")
    return {"label": label, "selectAllCheckbox": True, "collapsed": not show, "children": entries}, bars


def _swath(page: Any, scene: Summary, time: str) -> Any:
    group = folium.FeatureGroup(name=f"{time} | swath", control=False, show=True).add_to(page)
    outline = folium.Polygon(scene.outline, color=SWATH, weight=2, fill=False)
    outline.add_child(folium.Tooltip(escape(f"{time} ({scene.sensor})"), sticky=True))
    outline.add_to(group)
    return group


def _plumes(scene: Summary) -> list[dict[str, Any]]:
    return [
        {"label": one.label, "source": one.source, "outline": one.rings, "facts": one.facts} for one in scene.plumes
    ]


def _winds(scene: Summary) -> list[dict[str, Any]]:
    return [
        {
            "label": f"{one.source} {significant(one.speed, 2)} m/s from {one.direction:.0f}°",
            "direction": round(one.direction, 1),
            "place": one.place,
        }
        for one in scene.winds
    ]


def _bar(layer: SummaryLayer) -> dict[str, Any]:
    assert layer.limits is not None
    low, high = layer.limits
    unit = written_unit(layer.units)
    labels: Sequence[str] = [plain(float(f"{value:.3g}")) for value in (low, (low + high) / 2, high)]
    return {
        "title": f"{layer.title} ({unit})" if unit else layer.title,
        "colours": layer.colours,
        "labels": list(labels),
    }
