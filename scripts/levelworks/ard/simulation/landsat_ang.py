"""The angle coefficient file of a simulated Landsat scene: its head, without the coefficients themselves.

The angles are in the bands SZA, SAA, VZA and VAA beside it. Source: USGS LSDS-1928.
"""

from __future__ import annotations

from levelworks.ard.simulation.landsat_facts import LandsatFacts
from levelworks.ard.simulation.utm import corners


def angle_text(facts: LandsatFacts) -> str:
    """Return the head of the angle coefficient file: what it is of, its projection, the distance of the sun."""
    keys = ", ".join(str(number) for number in range(1, len(facts.calibrations) + 1))
    places = corners(facts.grid, inset=facts.grid.resolution / 2)
    header = [
        ("LANDSAT_SCENE_ID", f'"{facts.scene_id}"'),
        ("SPACECRAFT_ID", f'"LANDSAT_{facts.number}"'),
        ("NUMBER_OF_BANDS", f"{len(facts.calibrations)}"),
        ("BAND_LIST", f"({keys})"),
    ]
    projection = [
        ("ELLIPSOID_AXES", "(6378137.000000, 6356752.314200)"),
        ("MAP_PROJECTION", '"UTM"'),
        ("PROJECTION_UNITS", '"METERS"'),
        ("DATUM", '"WGS84"'),
        ("ELLIPSOID", '"WGS84"'),
        ("UTM_ZONE", f"{facts.zone.number}"),
        *((f"{name}_CORNER", f"({x:12.3f}, {y:12.3f})") for name, (x, y) in places.items()),
    ]
    seconds = facts.time.hour * 3600 + facts.time.minute * 60 + facts.time.second
    sun = [
        ("SOLAR_EPOCH_YEAR", f"{facts.time:%Y}"),
        ("SOLAR_EPOCH_DAY", f"{facts.time:%j}"),
        ("SOLAR_EPOCH_SECONDS", f"{seconds:.6f}"),
        ("EARTH_SUN_DISTANCE", f"{facts.earth_sun_distance:.8f}"),
    ]
    lines = []
    for group, tags in (("FILE_HEADER", header), ("PROJECTION", projection), ("SOLAR_VECTOR", sun)):
        lines.append(f"GROUP = {group}")
        lines += [f"  {tag} = {value}" for tag, value in tags]
        lines.append(f"END_GROUP = {group}")
    return "\n".join([*lines, "END", ""])
