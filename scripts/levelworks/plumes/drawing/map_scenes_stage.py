"""The stage map-scenes: maps of many scenes, from what plot-scene wrote of each."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.atomic import temporary_name
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status
from levelworks.core.record import status_of
from levelworks.plumes.drawing.folder_page import write_folder_pages
from levelworks.plumes.drawing.plot_options import MapScenes
from levelworks.plumes.drawing.scene_summary import NAME, read_summary


def map_scenes(scenes: list[Path], *, folder: Path, options: MapScenes) -> Outcome:
    """Write maps of scenes in chunks; they link the pictures of each scene where those lie.

    Parameters
    ----------
    scenes : list of Path
        Folders of `plot-scene`, or their records.
    folder : Path
        To write ``<name>.html`` or ``<name>_<chunk>.html`` to.
    options : MapScenes

    Raises
    ------
    NothingToProduce
        Where no scene was drawn.
    InvalidInput
        Where a folder that should hold a scene doesn't.
    """
    found = []
    left_out = []
    for path in scenes:
        place = _folder(path)
        if status_of(place) != Status.DONE:
            left_out.append(place.name)
            continue
        if not place.is_dir():
            raise InvalidInput(f"{place} is no folder of plot-scene")
        found.append((read_summary(place), place))
    if not found:
        raise NothingToProduce(f"none of {len(scenes)} scenes was drawn")
    folder.mkdir(parents=True, exist_ok=True)
    pages = write_folder_pages(folder, options.name or _final_name(folder), found, options, sorted(left_out))
    largest = max((folder / page).stat().st_size for page in pages)
    quality = {"scenes": len(found), "left_out": len(left_out), "pages": len(pages), "largest_page_bytes": largest}
    words = (f"left out, as nothing was drawn of them: {', '.join(sorted(left_out))}",) if left_out else ()
    return Outcome(quality=quality, warnings=words)


def _final_name(folder: Path) -> str:
    """Return the name of a folder that may still have its temporary one."""
    return folder.name.removeprefix(temporary_name(Path("x")).name.removesuffix("x"))


def _folder(path: Path) -> Path:
    """Return the folder of a scene that is given by itself, by its record or by its summary."""
    if path.name == NAME:
        return path.parent
    return path.with_name(path.name.removesuffix(".json")) if path.is_file() else path
