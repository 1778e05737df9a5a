"""Maps of many scenes, a chunk of them on each page; they link the pictures that lie beside each scene's own page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from levelworks.plumes.drawing.map_pages import Call, add_controls, new_map, page_text
from levelworks.plumes.drawing.plot_options import MapScenes
from levelworks.plumes.drawing.scene_page import add_scene
from levelworks.plumes.drawing.scene_pictures import readable_time
from levelworks.plumes.drawing.scene_summary import Summary, SummaryLayer, moved, overlap, union

NAMED = 5
"""Scenes that are named of those of which nothing was drawn."""


def page_names(name: str, scenes: int, chunk: int) -> list[str]:
    """Return the names of the pages: ``<name>.html`` where one holds all, else ``<name>_0.html`` and so on."""
    pages = -(-scenes // chunk) if chunk else 1
    return [f"{name}.html"] if pages <= 1 else [f"{name}_{number}.html" for number in range(pages)]


def write_folder_pages(
    folder: Path, name: str, scenes: Sequence[tuple[Summary, Path]], options: MapScenes, left_out: Sequence[str] = ()
) -> list[str]:
    """Write the maps of scenes, in the order of their times, and return the names of the pages.

    Parameters
    ----------
    folder : Path
        To write to.
    name : str
        First part of the pages' names.
    scenes : sequence of tuple
        Summary of each scene and the folder that holds its pictures.
    left_out : sequence of str
        Names of scenes of which nothing was drawn; each page says so.
    """
    ordered = sorted(scenes, key=lambda one: (one[0].start, one[0].stem))
    names = page_names(name, len(ordered), options.chunk)
    size = options.chunk or len(ordered)
    for number, page_name in enumerate(names):
        part = ordered[number * size : (number + 1) * size]
        title = f"{name} ({number + 1} of {len(names)})" if len(names) > 1 else name
        _write_page(folder / page_name, title, part, options, left_out)
    return names


def _write_page(
    path: Path, title: str, found: Sequence[tuple[Summary, Path]], options: MapScenes, left_out: Sequence[str]
) -> None:
    # Scenes on both sides of 180 degrees are neighbours on the map too.
    middle = sum(corner[1] for corner in found[0][0].bounds) / 2
    scenes = [(moved(scene, middle), place) for scene, place in found]

    def address(place: Path, _: Summary, layer: SummaryLayer) -> str:
        return quote(Path(os.path.relpath(place / layer.picture, path.parent)).as_posix())

    times = [readable_time(scene.start) for scene, _ in scenes]
    subtitle = f"{len(scenes)} scene{'s' if len(scenes) != 1 else ''}, {times[0]}" + (
        f" to {times[-1]}" if len(times) > 1 else ""
    )
    if left_out:
        more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
        subtitle += f"; not drawn: {', '.join(left_out[:NAMED])}{more}"
    page, base = new_map(union([scene.bounds for scene, _ in scenes]), title, subtitle, options.base_layers)
    covered: list[list[list[float]]] = []
    branches: list[dict[str, Any]] = []
    bars: list[dict[str, Any]] = []
    first = 1
    for scene, place in scenes:
        # Pictures of the same ground would lie over each other: of those, the earliest is shown.
        show = not any(overlap(scene.bounds, other) for other in covered)
        if show:
            covered.append(scene.bounds)
        chosen = _of_gases(scene, options.gases)
        branch, its_bars = add_scene(page, chosen, partial(address, place), zoomed=False, show=show, first=first)
        branches.append(branch)
        bars += its_bars
        first += len(scene.layers)
    page.add_child(Call("legend", page, bars))
    add_controls(page, base, branches, f"{path.stem}.geojson")
    path.write_text(page_text(page, title), encoding="utf-8")


def _of_gases(scene: Summary, gases: Sequence[str]) -> Summary:
    if "all" in gases:
        return scene
    layers = [one for one in scene.layers if not one.gas or one.gas in gases]
    plumes = [one for one in scene.plumes if not one.gas or one.gas in gases]
    shown = scene.shown if any(one.variable == scene.shown for one in layers) else _first(layers)
    return replace(scene, layers=layers, plumes=plumes, shown=shown)


def _first(layers: Sequence[SummaryLayer]) -> str:
    for ending in ("_comb_denoise", "_denoise", "_comb", ""):
        for one in layers:
            if one.gas and one.variable == one.gas + ending:
                return one.variable
    return layers[0].variable if layers else ""
