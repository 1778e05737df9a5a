"""The page of one plume: its Level-3 layers, outline, source and winds on a map (specs/plumes.md 1.1, 1.15)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from levelworks.plumes.drawing.level2_view import open_level2
from levelworks.plumes.drawing.picture_layers import layers_of
from levelworks.plumes.drawing.plot_options import PlotPlume, PlotScene
from levelworks.plumes.drawing.plot_scene_stage import summarise
from levelworks.plumes.drawing.scene_page import write_scene_page
from levelworks.plumes.drawing.scene_pictures import Painter, present_in
from levelworks.plumes.drawing.scene_summary import SummaryPlume


def write_plume_page(level3: Path, plumes: Sequence[SummaryPlume], folder: Path, options: PlotPlume) -> None:
    """Write ``<name>.html`` of a plume, and the overlays ``<name>_<variable>.png`` that it shows.

    Parameters
    ----------
    level3 : Path
        Of the plume.
    plumes : sequence of SummaryPlume
        Of its scene, which are all outlined.

    Raises
    ------
    InvalidInput
        Where the file is on no map.
    """
    as_scene = PlotScene(vmax=options.vmax, figures=False)
    with open_level2(level3) as view:
        inside = present_in(view)
        painter = Painter(view, folder, as_scene.long_side, inside)
        drawn = [painter.draw(layer, as_scene.vmax, figure=False) for layer in layers_of(view.names, ["all"])]
        summary = summarise(view, drawn, inside, list(plumes), [])
    write_scene_page(folder / f"{summary.stem}.html", summary, as_scene)
