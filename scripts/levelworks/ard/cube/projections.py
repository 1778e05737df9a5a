"""The grids that an option names: a projection of one's own, GLANCE7 or EQUI7, whole or of one continent (section 17).

GLANCE7 are the Lambert azimuthal equal-area grids V01 of Boston University's MEaSUREs project (GLanCE); EQUI7 the
azimuthal equidistant ones of TU Wien (Bauer-Marschallinger et al. 2014, doi 10.1016/j.cageo.2014.07.005), in the EPSG
registry as 27701 to 27707.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from levelworks.ard.cube.grid import CubeGrid
from levelworks.core.outcome import InvalidOptions

CONTINENTS = {
    "AF": "africa",
    "AN": "antarctica",
    "AS": "asia",
    "EU": "europe",
    "NA": "n-america",
    "OC": "oceania",
    "SA": "s-america",
}
"""Folders of the continents."""

GLANCE_TILE = 150_000.0
GLANCE = {
    "AF": (20.0, 5.0, -5_312_270.0, 3_707_205.0),
    "AN": (0.0, -90.0, -3_662_210.0, 5_169_375.0),
    "AS": (100.0, 45.0, -4_805_840.0, 5_190_735.0),
    "EU": (20.0, 55.0, -5_505_560.0, 3_346_245.0),
    "NA": (-100.0, 50.0, -6_961_010.0, 4_078_425.0),
    "OC": (135.0, -15.0, -7_633_670.0, 5_076_465.0),
    "SA": (-60.0, -15.0, -6_918_770.0, 4_899_705.0),
}
"""Longitude and latitude of the centre, x and y of the origin."""

EQUI7_TILE = 100_000.0
EQUI7 = {
    "AF": (21.5, 8.5, 5_621_452.01998, 5_990_638.42298, 93),
    "AN": (0.0, -90.0, 3_714_266.97719, 3_402_016.50625, 87),
    "AS": (94.0, 47.0, 4_340_913.84808, 4_812_712.92347, 96),
    "EU": (24.0, 53.0, 5_837_287.81977, 2_121_415.69617, 55),
    "NA": (-97.5, 52.0, 8_264_722.17686, 4_867_518.35323, 98),
    "OC": (131.5, -19.5, 6_988_408.5356, 7_654_884.53733, 121),
    "SA": (-60.5, -14.0, 7_257_179.23559, 5_592_024.44605, 105),
}
"""Longitude and latitude of the centre, false easting and northing, highest tile counted up (V14)."""


@dataclass(frozen=True)
class ContinentGrid:
    """A grid of a continent: ``EQUI7`` or ``GLANCE7``, the continent's two letters, and the grid."""

    family: str
    continent: str
    grid: CubeGrid


def is_continental(projection: str) -> bool:
    """Tell whether a projection is one of the continental families, or one continent of them."""
    return _family(projection) is not None


def continental_grids(projection: str) -> tuple[ContinentGrid, ...]:
    """Return the grids of ``GLANCE7``, ``EQUI7``, ``GLANCE-EU`` or the like.

    Raises
    ------
    InvalidOptions
        Where the continent is none.
    """
    family = _family(projection)
    if family is None:
        raise InvalidOptions(f"tile-image.projection: {projection!r} is no continental grid")
    name, continent = family
    chosen = list(CONTINENTS) if continent is None else [continent]
    if not set(chosen) <= set(CONTINENTS):
        raise InvalidOptions(f"tile-image.projection: {continent!r} is none of the continents {', '.join(CONTINENTS)}")
    make = _glance if name == "GLANCE7" else _equi7
    return tuple(ContinentGrid(name, one, make(one)) for one in chosen)


def _family(projection: str) -> tuple[str, str | None] | None:
    word, _, continent = projection.strip().upper().partition("-")
    if word not in ("GLANCE7", "GLANCE", "EQUI7") or len(continent) > 2:
        return None
    if word == "GLANCE" and not continent:
        return None
    return ("EQUI7" if word == "EQUI7" else "GLANCE7"), continent or None


@cache
def _glance(continent: str) -> CubeGrid:
    longitude, latitude, x, y = GLANCE[continent]
    wkt = _wkt(
        f"BU MEaSUREs Lambert Azimuthal Equal Area - {continent} - V01",
        "Lambert_Azimuthal_Equal_Area",
        longitude,
        latitude,
        0.0,
        0.0,
    )
    return CubeGrid(wkt, to_geographic(wkt, x, y), (x, y), (GLANCE_TILE, GLANCE_TILE), CONTINENTS[continent])


@cache
def _equi7(continent: str) -> CubeGrid:
    longitude, latitude, easting, northing, highest = EQUI7[continent]
    wkt = _wkt("Azimuthal_Equidistant", "Azimuthal_Equidistant", longitude, latitude, easting, northing)
    origin = (0.0, (highest + 1) * EQUI7_TILE)
    return CubeGrid(wkt, to_geographic(wkt, *origin), origin, (EQUI7_TILE, EQUI7_TILE), CONTINENTS[continent])


def _wkt(name: str, method: str, longitude: float, latitude: float, easting: float, northing: float) -> str:
    """Return WKT 1 of an azimuthal projection of WGS 84."""
    return (
        f'PROJCS["{name}",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
        'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
        'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]],'
        f'PROJECTION["{method}"],PARAMETER["latitude_of_center",{latitude:g}],'
        f'PARAMETER["longitude_of_center",{longitude:g}],PARAMETER["false_easting",{easting!r}],'
        f'PARAMETER["false_northing",{northing!r}],UNIT["metre",1,AUTHORITY["EPSG","9001"]],'
        'AXIS["Easting",EAST],AXIS["Northing",NORTH]]'
    )


def custom_grid(
    projection: str, origin_lon: float, origin_lat: float, tile_size: Sequence[float], folder: str = ""
) -> CubeGrid:
    """Return the grid of a projection of one's own, whose origin is given in degrees.

    Parameters
    ----------
    projection : str
        WKT, ``EPSG:code``, or what else PROJ reads.

    Raises
    ------
    InvalidOptions
        Where the projection can't be read, or has no place for the origin.
    """
    wkt = as_wkt(projection)
    try:
        x, y = from_geographic(wkt, origin_lon, origin_lat)
    except InvalidOptions as error:
        raise InvalidOptions(f"tile-image.origin-lon, origin-lat: {error}") from None
    width, height = tile_size
    return CubeGrid(wkt, (origin_lon, origin_lat), (x, y), (width, height), folder)


def as_wkt(projection: str) -> str:
    """Return a projection as WKT 1, which every version of GDAL reads; WKT 2 where version 1 has no words for it.

    Raises
    ------
    InvalidOptions
        Where it can't be read.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        crs = CRS.from_user_input(projection.strip())
    except CRSError as error:
        raise InvalidOptions(f"tile-image.projection: {projection!r} can't be read ({error})") from None
    try:
        return crs.to_wkt("WKT1_GDAL")
    except CRSError:
        return crs.to_wkt()


def same_projection(first: str, second: str) -> bool:
    """Tell whether two texts name one projection."""
    from pyproj import CRS

    return first == second or CRS.from_user_input(first).equals(CRS.from_user_input(second), ignore_axis_order=True)


@cache
def transformer(source: str, target: str) -> Any:
    """Return the transformer between two projections given as WKT or ``EPSG:code``, x before y."""
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)


def from_geographic(wkt: str, longitude: float, latitude: float) -> tuple[float, float]:
    """Return a position (degrees, WGS 84) on the map.

    Raises
    ------
    InvalidOptions
        Where the projection has no place for it.
    """
    x, y = transformer("EPSG:4326", wkt).transform(longitude, latitude)
    if not (abs(x) < float("inf") and abs(y) < float("inf")):
        raise InvalidOptions(f"longitude {longitude:g}, latitude {latitude:g} has no place in the projection")
    return float(x), float(y)


def to_geographic(wkt: str, x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude (degrees, WGS 84) of a place on the map; infinite where it has none."""
    longitude, latitude = transformer("EPSG:4326", wkt).transform(x, y, direction="INVERSE")
    return float(longitude), float(latitude)
