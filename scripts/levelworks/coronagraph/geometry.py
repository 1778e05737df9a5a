"""Frame geometries of EXCAM: where image, prescan and overscan lie, chosen by header and shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from levelworks.core.outcome import InvalidInput


@dataclass(frozen=True)
class Region:
    """A rectangle of the frame, in pixels; ``row`` and ``column`` are its corner nearest (0, 0)."""

    rows: int
    columns: int
    row: int
    column: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return the index of the region in a frame of shape (frame rows, frame columns)."""
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)


@dataclass(frozen=True)
class Geometry:
    """The regions of one readout mode.

    Attributes
    ----------
    name : str
        ARRTYPE of the header: SCI, ENG, ENG_EM, ENG_CONV (or TEST).
    shape : tuple of int
        Rows and columns of the whole frame.
    good_columns : tuple of int
        First and one past the last absolute column from which the bias of a row is taken.
    telemetry_rows : int
        Rows at the end of the frame that hold telemetry, not pixels.
    """

    name: str
    shape: tuple[int, int]
    image: Region
    prescan: Region
    good_columns: tuple[int, int]
    parallel_overscan: Region
    serial_overscan: Region
    telemetry_rows: int

    @property
    def imaging_area(self) -> Region:
        """Return image and shielded pixels: all that is neither prescan nor overscan."""
        return Region(
            rows=self.shape[0] - self.parallel_overscan.rows,
            columns=self.shape[1] - self.prescan.columns - self.serial_overscan.columns,
            row=0,
            column=self.parallel_overscan.column,
        )


@cache
def geometries() -> dict[str, Geometry]:
    """Return the known geometries by name, read from ``data/geometries.yaml``."""
    text = files("levelworks.coronagraph").joinpath("data/geometries.yaml").read_text()
    regions = ("image", "prescan", "parallel_overscan", "serial_overscan")
    return {
        name: Geometry(
            name=name,
            shape=tuple(entry["shape"]),
            good_columns=tuple(entry["good_columns"]),
            telemetry_rows=entry["telemetry_rows"],
            **{key: Region(*entry[key]) for key in regions},
        )
        for name, entry in yaml.safe_load(text).items()
    }


def choose_geometry(shape: tuple[int, int], array_type: str | None = None) -> Geometry:
    """Choose the geometry of a frame by its ARRTYPE where that fits the shape, else by the shape alone.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the raw frame.
    array_type : str, optional
        The header's ARRTYPE.

    Raises
    ------
    InvalidInput
        Where no geometry has this shape.
    """
    known = geometries()
    named = known.get((array_type or "").strip().upper())
    if named is not None and named.shape == tuple(shape):
        return named
    for geometry in known.values():
        if geometry.shape == tuple(shape):
            return geometry
    sizes = ", ".join(f"{g.name} {g.shape[0]}x{g.shape[1]}" for g in known.values())
    raise InvalidInput(f"frame of {shape[0]}x{shape[1]} pixels fits no geometry of the detector ({sizes})")
