"""The definition of a cube: the file in its root that says where tiles lie (spec section 17)."""

from __future__ import annotations

from pathlib import Path

from levelworks.ard.cube.grid import CubeGrid
from levelworks.ard.cube.projections import same_projection
from levelworks.core.atomic import write_text
from levelworks.core.lock import exclusive
from levelworks.core.outcome import InvalidOptions

FILE_NAME = "datacube-definition.prj"
KEYS = ("ORIGIN_GEO_X", "ORIGIN_GEO_Y", "ORIGIN_MAP_X", "ORIGIN_MAP_Y", "TILE_SIZE_X", "TILE_SIZE_Y")
NEAR = 1e-6
"""Units by which numbers may differ that the file has with six decimals."""


def definition_text(grid: CubeGrid) -> str:
    """Return the text of a definition: one ``tag=value`` a line."""
    values = (*grid.origin_geo, *grid.origin_map, *grid.tile_size)
    lines = [f"{key}={value:f}" for key, value in zip(KEYS, values, strict=True)]
    return "\n".join([f"PROJECTION={grid.wkt}", *lines]) + "\n"


def parse_definition(text: str, path: Path) -> CubeGrid:
    """Read a definition, of tags or of the older form of six or seven lines.

    The older form has projection, longitude, latitude, x and y of the origin, the size of a tile, and maybe the size
    of a block; tiles are square.

    Raises
    ------
    InvalidOptions
        Where the text is neither.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        if any(line.startswith("PROJECTION=") for line in lines):
            values = dict(line.split("=", 1) for line in lines)
            numbers = [float(values[key]) for key in KEYS]
            wkt = values["PROJECTION"]
        else:
            wkt = lines[0]
            numbers = [float(line) for line in lines[1:6]]
            numbers.append(numbers[-1])
        lon, lat, x, y, width, height = numbers
    except (ValueError, KeyError, IndexError) as error:
        raise InvalidOptions(f"{path}: is no definition of a cube ({error})") from None
    return CubeGrid(wkt, (lon, lat), (x, y), (width, height))


def read_definition(folder: Path) -> CubeGrid | None:
    """Read the definition of a cube; None where it has none yet."""
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return parse_definition(text, path)


def write_definition(folder: Path, grid: CubeGrid) -> None:
    """Write the definition of a cube once, one writer at a time.

    Raises
    ------
    InvalidOptions
        Where the cube already has another.
    """
    path = folder / FILE_NAME
    known = read_definition(folder)
    if known is None:
        with exclusive([path]):
            known = read_definition(folder)
            if known is None:
                write_text(path, definition_text(grid))
                return
    differences = _differences(known, grid)
    if differences:
        raise InvalidOptions(
            f"{path}: this cube has another grid than tile-image asks for: {'; '.join(differences)}. Take these "
            "options, or another folder for the cube"
        )


def _differences(known: CubeGrid, wanted: CubeGrid) -> list[str]:
    """Return what differs between two grids, the cube's own first."""
    found = []
    if not same_projection(known.wkt, wanted.wkt):
        found.append(f"projection {known.wkt} and not {wanted.wkt}")
    for name in ("origin_map", "tile_size"):
        first, second = getattr(known, name), getattr(wanted, name)
        if any(abs(a - b) > NEAR * 2 for a, b in zip(first, second, strict=True)):
            found.append(f"{name.replace('_', ' ')} {_pair(first)} and not {_pair(second)}")
    return found


def _pair(values: tuple[float, float]) -> str:
    return " ".join(f"{value:f}" for value in values)
