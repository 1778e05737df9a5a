"""Which variables Lite files have: those every file needs, those gridded by default, and those that never are."""

from __future__ import annotations

import numpy as np

from levelworks.xco2.granule import Dataset, VariableKind

DEFAULT_VARIABLES: dict[Dataset, tuple[str, ...]] = {
    "oco2": ("/xco2", "/xco2_x2019", "/xco2_uncertainty"),
    "oco3": ("/xco2", "/xco2_uncertainty"),
    "oco3_sif": ("/Daily_SIF_757nm",),
}

_LTCO2_REQUIRED = {
    "latitude": "/latitude",
    "longitude": "/longitude",
    "vertex_latitude": "/vertex_latitude",
    "vertex_longitude": "/vertex_longitude",
    "sounding_id": "/sounding_id",
    "quality": "/xco2_quality_flag",
    "mode": "/Sounding/operation_mode",
    "orbit": "/Sounding/orbit",
}
REQUIRED: dict[Dataset, dict[str, str]] = {
    "oco2": _LTCO2_REQUIRED,
    "oco3": _LTCO2_REQUIRED,
    "oco3_sif": {
        "latitude": "/Latitude",
        "longitude": "/Longitude",
        "vertex_latitude": "/Latitude_Corners",
        "vertex_longitude": "/Longitude_Corners",
        "sounding_id": "/Metadata/SoundingId",
        "quality": "/Quality_Flag",
        "mode": "/Metadata/MeasurementMode",
        "orbit": "/Metadata/OrbitId",
    },
}
"""Where the arrays of a granule stand; a file without orbits can still be read."""


def _paths(group: str, names: str) -> frozenset[str]:
    return frozenset(f"{group}/{name}" for name in names.split())


_LTCO2_NEVER = (
    _paths(
        "",
        "bands date file_index latitude levels longitude pressure_levels pressure_weight sensor_zenith_angle "
        "solar_zenith_angle source_files time vertex_latitude vertex_longitude vertices sounding_id footprints "
        "xco2_averaging_kernel xco2_qf_bitflag xco2_qf_simple_bitflag xco2_quality_flag co2_profile_apriori "
        "xco2_apriori",
    )
    | _paths("/Retrieval", "diverging_steps iterations surface_type SigmaB")
    | _paths(
        "/Sounding",
        "att_data_source footprint land_fraction land_water_indicator operation_mode orbit pma_azimuth_angle "
        "pma_elevation_angle sensor_azimuth_angle solar_azimuth_angle target_id target_name",
    )
)
NEVER_GRIDDED: dict[Dataset, frozenset[str]] = {
    "oco2": _LTCO2_NEVER | {"/Retrieval/snow_flag", "/Auxiliary/n_dem_points"},
    "oco3": _LTCO2_NEVER,
    "oco3_sif": _paths(
        "",
        "Delta_Time Quality_Flag SAz Latitude Latitude_Corners SZA Longitude Longitude_Corners VAz VZA",
    )
    | _paths("/Metadata", "BuildId CollectionLabel FootprintId MeasurementMode OrbitId SoundingId")
    | _paths("/Sequences", "SegmentsIndex SequencesId SequencesIndex SequencesMode SequencesName"),
}
"""Full paths of what describes a sounding or its retrieval and has no mean over an area."""

RESERVED = frozenset({"latitude", "longitude", "time", "time_tai93", "x", "y", "crs"})
"""Names that coordinates have in products, in whatever group; where a sounding was and when has no mean either."""


def never_gridded(dataset: Dataset, path: str) -> bool:
    """Return whether a variable is left out, also where it is asked for."""
    return path in NEVER_GRIDDED[dataset] or path.rpartition("/")[2].lower() in RESERVED


AZIMUTHS = frozenset({"SAz", "VAz"})
CLASSES = frozenset({"IGBP_index", "surface_type", "land_water_indicator", "att_data_source"})
"""Names of flags that neither an integer type nor the word flag gives away."""


def classify(path: str, stored: np.ndarray, missing: np.ndarray) -> tuple[VariableKind, np.ndarray]:
    """Tell what may be done with a variable's numbers, and give them in the type that goes with it.

    Integers are flags, and so are floats that are named as flags and hold whole numbers; azimuths are angles.

    Parameters
    ----------
    path : str
        Full path in the file.
    stored : ndarray, shape (N,)
        Numbers as stored.
    missing : ndarray, shape (N,), bool
        Where a fill stands.

    Returns
    -------
    kind : {"continuous", "flag", "angle"}
    values : ndarray, shape (N,)
        float64 with NaN where missing; for flags integers with the fill left in place.
    """
    name = path.rpartition("/")[2]
    if stored.dtype.kind in "iu":
        return "flag", stored
    values = np.where(missing, np.nan, stored.astype(np.float64))
    if name in AZIMUTHS or "azimuth" in name:
        return "angle", values
    if (name in CLASSES or "flag" in name.lower()) and np.all(stored == np.rint(stored)):
        return "flag", stored.astype(np.int64)
    return "continuous", values
