"""The metadata of a simulated Landsat scene: the text file MTL of Collection 2 with all its groups.

Source: USGS LSDS-1822 (Landsat 8-9 Level 1 data format), LSDS-1414 and LSDS-1415 (Landsat 4-7), and real files of
Landsat 7, 8 and 9 (shared/data/ard/meta/landsat_mtl).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from levelworks.ard.simulation.landsat_facts import INSTRUMENTS, PROCESSING_DELAY, LandsatFacts
from levelworks.ard.simulation.utm import corners

Group = tuple[str, list[tuple[str, str]]]

DOI = {
    "LND04": "https://doi.org/10.5066/P918ROHC",
    "LND05": "https://doi.org/10.5066/P918ROHC",
    "LND07": "https://doi.org/10.5066/P9TU80IG",
    "LND08": "https://doi.org/10.5066/P975CC9B",
    "LND09": "https://doi.org/10.5066/P975CC9B",
}
ANGLES = (
    ("SENSOR_AZIMUTH", "VAA"),
    ("SENSOR_ZENITH", "VZA"),
    ("SOLAR_AZIMUTH", "SAA"),
    ("SOLAR_ZENITH", "SZA"),
)


def mtl_text(facts: LandsatFacts) -> str:
    """Return the MTL of a scene."""
    groups = [
        ("PRODUCT_CONTENTS", _contents(facts)),
        ("IMAGE_ATTRIBUTES", _image(facts)),
        ("PROJECTION_ATTRIBUTES", _projection(facts)),
        ("LEVEL1_PROCESSING_RECORD", _processing(facts)),
        ("LEVEL1_MIN_MAX_RADIANCE", _range_of(facts, "RADIANCE")),
        ("LEVEL1_MIN_MAX_REFLECTANCE", _range_of(facts, "REFLECTANCE")),
        ("LEVEL1_MIN_MAX_PIXEL_VALUE", _counts(facts)),
        ("LEVEL1_RADIOMETRIC_RESCALING", _rescaling(facts)),
        ("LEVEL1_THERMAL_CONSTANTS", _thermal(facts)),
        ("LEVEL1_PROJECTION_PARAMETERS", _parameters(facts)),
    ]
    return _text("LANDSAT_METADATA_FILE", groups)


def _text(name: str, groups: Iterable[Group]) -> str:
    lines = [f"GROUP = {name}"]
    for group, tags in groups:
        lines.append(f"  GROUP = {group}")
        lines += [f"    {tag} = {value}" for tag, value in tags]
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, f"END_GROUP = {name}", "END", ""])


def _quoted(value: str) -> str:
    return f'"{value}"'


def _common(facts: LandsatFacts) -> list[tuple[str, str]]:
    return [
        ("ORIGIN", _quoted("Image courtesy of the U.S. Geological Survey")),
        ("DIGITAL_OBJECT_IDENTIFIER", _quoted(DOI[facts.sensor.id])),
    ]


def _files(facts: LandsatFacts) -> list[tuple[str, str]]:
    names = [(f"BAND_{key}", f"B{key}.TIF") for key in facts.calibrations]
    names += [
        ("QUALITY_L1_PIXEL", "QA_PIXEL.TIF"),
        ("QUALITY_L1_RADIOMETRIC_SATURATION", "QA_RADSAT.TIF"),
    ]
    if facts.angle_files:
        names.append(("ANGLE_COEFFICIENT", "ANG.txt"))
        names += [(f"ANGLE_{angle}_BAND_4", f"{short}.TIF") for angle, short in ANGLES]
    names.append(("METADATA_ODL", "MTL.txt"))
    return [(f"FILE_NAME_{tag}", _quoted(f"{facts.id}_{name}")) for tag, name in names]


def _contents(facts: LandsatFacts) -> list[tuple[str, str]]:
    counts = "UINT8" if facts.sensor.saturation == 255 else "UINT16"
    types = [(f"BAND_{key}", counts) for key in facts.calibrations]
    types += [("QUALITY_L1_PIXEL", "UINT16"), ("QUALITY_L1_RADIOMETRIC_SATURATION", "UINT16")]
    if facts.angle_files:
        types += [(f"ANGLE_{angle}_BAND_4", "INT16") for angle, _ in ANGLES]
    return [
        *_common(facts),
        ("LANDSAT_PRODUCT_ID", _quoted(facts.id)),
        ("PROCESSING_LEVEL", _quoted(facts.level)),
        ("COLLECTION_NUMBER", "02"),
        ("COLLECTION_CATEGORY", _quoted(facts.tier)),
        ("OUTPUT_FORMAT", _quoted("GEOTIFF")),
        *_files(facts),
        *((f"DATA_TYPE_{tag}", _quoted(value)) for tag, value in types),
    ]


def _image(facts: LandsatFacts) -> list[tuple[str, str]]:
    old = facts.sensor.saturation == 255
    target = [] if old else [("NADIR_OFFNADIR", _quoted("NADIR"))]
    if not old:
        target += [("TARGET_WRS_PATH", f"{facts.path}"), ("TARGET_WRS_ROW", f"{facts.row}")]
    quality = [("IMAGE_QUALITY", "9")] if old else [("IMAGE_QUALITY_OLI", "9"), ("IMAGE_QUALITY_TIRS", "9")]
    saturation = [
        (f"SATURATION_BAND_{key}", _quoted("Y" if key in facts.saturated else "N"))
        for key, one in facts.calibrations.items()
        if old or one.k1 is None
    ]
    return [
        ("SPACECRAFT_ID", _quoted(f"LANDSAT_{facts.number}")),
        ("SENSOR_ID", _quoted(INSTRUMENTS[facts.sensor.id][1])),
        ("WRS_TYPE", "2"),
        ("WRS_PATH", f"{facts.path:03d}" if old else f"{facts.path}"),
        ("WRS_ROW", f"{facts.row:03d}" if old else f"{facts.row}"),
        *target,
        ("DATE_ACQUIRED", f"{facts.time:%Y-%m-%d}"),
        ("SCENE_CENTER_TIME", _quoted(f"{facts.time:%H:%M:%S}.{facts.time.microsecond:06d}0Z")),
        ("STATION_ID", _quoted("LGN")),
        ("CLOUD_COVER", f"{facts.cloud_cover:.2f}"),
        ("CLOUD_COVER_LAND", f"{facts.cloud_cover:.2f}"),
        *quality,
        *saturation,
        *([] if old else [("ROLL_ANGLE", "0.000")]),
        ("SUN_AZIMUTH", f"{facts.sun_azimuth:.8f}"),
        ("SUN_ELEVATION", f"{90 - facts.sun_zenith:.8f}"),
        ("EARTH_SUN_DISTANCE", f"{facts.earth_sun_distance:.7f}"),
    ]


def _frame(facts: LandsatFacts) -> list[tuple[str, str]]:
    cells = [("REFLECTIVE", "30.00"), ("THERMAL", "30.00")]
    if "8" in facts.calibrations:
        cells.insert(0, ("PANCHROMATIC", "15.00"))
    return [
        ("MAP_PROJECTION", _quoted("UTM")),
        ("DATUM", _quoted("WGS84")),
        ("ELLIPSOID", _quoted("WGS84")),
        ("UTM_ZONE", f"{facts.zone.number}"),
        *((f"GRID_CELL_SIZE_{kind}", size) for kind, size in cells),
    ]


def _projection(facts: LandsatFacts) -> list[tuple[str, str]]:
    grid = facts.grid
    rows, columns = grid.shape
    sizes = {"PANCHROMATIC": (2 * rows - 1, 2 * columns - 1)} if "8" in facts.calibrations else {}
    sizes |= {"REFLECTIVE": (rows, columns), "THERMAL": (rows, columns)}
    # corners are those of the outer pixels' centres
    places = corners(grid, inset=grid.resolution / 2)
    geographic = {
        name: (float(one) for one in facts.zone.geographic(np.array(x), np.array(y))) for name, (x, y) in places.items()
    }
    tags = _frame(facts)
    for kind, (lines, samples) in sizes.items():
        tags += [(f"{kind}_LINES", f"{lines}"), (f"{kind}_SAMPLES", f"{samples}")]
    tags.append(("ORIENTATION", _quoted("NORTH_UP")))
    for name, (longitude, latitude) in geographic.items():
        tags.append((f"CORNER_{name}_LAT_PRODUCT", f"{latitude:.5f}"))
        tags.append((f"CORNER_{name}_LON_PRODUCT", f"{longitude:.5f}"))
    for name, (x, y) in places.items():
        tags.append((f"CORNER_{name}_PROJECTION_X_PRODUCT", f"{x:.3f}"))
        tags.append((f"CORNER_{name}_PROJECTION_Y_PRODUCT", f"{y:.3f}"))
    return tags


def _processing(facts: LandsatFacts) -> list[tuple[str, str]]:
    done = facts.time + PROCESSING_DELAY
    letter = INSTRUMENTS[facts.sensor.id][0]
    return [
        *_common(facts),
        ("REQUEST_ID", _quoted("L2")),
        ("LANDSAT_SCENE_ID", _quoted(facts.scene_id)),
        ("LANDSAT_PRODUCT_ID", _quoted(facts.id)),
        ("PROCESSING_LEVEL", _quoted(facts.level)),
        ("COLLECTION_CATEGORY", _quoted(facts.tier)),
        ("OUTPUT_FORMAT", _quoted("GEOTIFF")),
        ("DATE_PRODUCT_GENERATED", f"{done:%Y-%m-%dT%H:%M:%SZ}"),
        ("PROCESSING_SOFTWARE_VERSION", _quoted("SIMULATED")),
        *_files(facts),
        ("FILE_NAME_CPF", _quoted(f"L{letter}{facts.number:02d}CPF_{facts.time:%Y0101_%Y1231}_02.01")),
        ("DATA_SOURCE_ELEVATION", _quoted("SIMULATED")),
        ("GROUND_CONTROL_POINTS_VERSION", "5"),
        ("GROUND_CONTROL_POINTS_MODEL", "400"),
        ("GEOMETRIC_RMSE_MODEL", "0.000"),
        ("GEOMETRIC_RMSE_MODEL_Y", "0.000"),
        ("GEOMETRIC_RMSE_MODEL_X", "0.000"),
    ]


def _range_of(facts: LandsatFacts, quantity: str) -> list[tuple[str, str]]:
    tags = []
    for key, one in facts.calibrations.items():
        gain, offset = one.radiance_gain, one.radiance_offset
        if quantity == "REFLECTANCE":
            if one.reflectance_gain is None or one.reflectance_offset is None:
                continue
            gain, offset = one.reflectance_gain, one.reflectance_offset
        digits = 5 if quantity == "RADIANCE" else 6
        tags.append((f"{quantity}_MAXIMUM_BAND_{key}", f"{gain * facts.sensor.saturation + offset:.{digits}f}"))
        tags.append((f"{quantity}_MINIMUM_BAND_{key}", f"{gain + offset:.{digits}f}"))
    return tags


def _counts(facts: LandsatFacts) -> list[tuple[str, str]]:
    tags = []
    for key in facts.calibrations:
        tags.append((f"QUANTIZE_CAL_MAX_BAND_{key}", f"{facts.sensor.saturation}"))
        tags.append((f"QUANTIZE_CAL_MIN_BAND_{key}", "1"))
    return tags


def _rescaling(facts: LandsatFacts) -> list[tuple[str, str]]:
    bands = facts.calibrations.items()
    reflective = [(key, one) for key, one in bands if one.reflectance_gain is not None]
    return [
        *((f"RADIANCE_MULT_BAND_{key}", f"{one.radiance_gain:.4E}") for key, one in bands),
        *((f"RADIANCE_ADD_BAND_{key}", f"{one.radiance_offset:.5f}") for key, one in bands),
        *((f"REFLECTANCE_MULT_BAND_{key}", f"{one.reflectance_gain:.4E}") for key, one in reflective),
        *((f"REFLECTANCE_ADD_BAND_{key}", f"{one.reflectance_offset:.6f}") for key, one in reflective),
    ]


def _thermal(facts: LandsatFacts) -> list[tuple[str, str]]:
    tags = []
    for key, one in facts.calibrations.items():
        if one.k1 is not None:
            tags += [(f"K1_CONSTANT_BAND_{key}", f"{one.k1}"), (f"K2_CONSTANT_BAND_{key}", f"{one.k2}")]
    return tags


def _parameters(facts: LandsatFacts) -> list[tuple[str, str]]:
    return [
        *_frame(facts),
        ("ORIENTATION", _quoted("NORTH_UP")),
        ("RESAMPLING_OPTION", _quoted("CUBIC_CONVOLUTION")),
    ]
