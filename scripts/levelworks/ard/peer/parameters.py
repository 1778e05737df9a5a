"""Every parameter of FORCE's Level-2 parameter file: its tag, what it may be, and the key of ours that means the same.

Source: specification section 2, as registered in FORCE 3.10 (facts alone). Keys are dotted paths in the section `ard`
of the configuration; an empty key means that nothing here depends on it, and `NOTES` says why.
"""

from __future__ import annotations

from dataclasses import dataclass

UNLIMITED = float("inf")


@dataclass(frozen=True)
class Parameter:
    """A tag of the parameter file.

    Parameters
    ----------
    tag : str
    kind : str
        ``path`` (file or folder, or NULL), ``boolean``, ``integer``, ``number``, ``choice`` or ``text``.
    default : str
        As FORCE's template has it.
    key : str
        Key of ours.
    least, most : float
        Range, both ends allowed.
    open_below : bool
        Whether `least` itself is refused.
    choices : tuple of str
        Of a choice.
    count : int
        Values behind the tag.
    nullable : bool
        Whether NULL is allowed.
    must_exist : str
        ``file``, ``folder`` or empty.
    """

    tag: str
    kind: str
    default: str
    key: str = ""
    least: float = -UNLIMITED
    most: float = UNLIMITED
    open_below: bool = False
    choices: tuple[str, ...] = ()
    count: int = 1
    nullable: bool = False
    must_exist: str = ""


def _path(tag: str, key: str, must_exist: str) -> Parameter:
    return Parameter(tag, "path", "NULL", key, nullable=True, must_exist=must_exist)


def _switch(tag: str, default: str, key: str = "") -> Parameter:
    return Parameter(tag, "boolean", default, key)


def _number(tag: str, default: str, key: str, least: float, most: float, *, whole: bool = False) -> Parameter:
    return Parameter(tag, "integer" if whole else "number", default, key, least, most)


RESAMPLING = ("NN", "BL", "CC")

PARAMETERS = (
    _path("FILE_QUEUE", "queue", "file"),
    _path("DIR_LEVEL2", "cube", "folder"),
    _path("DIR_LOG", "", "folder"),
    _path("DIR_PROVENANCE", "", "folder"),
    _path("DIR_TEMP", "", "folder"),
    _path("FILE_AOI", "area-of-interest", "file"),
    _path("FILE_DEM", "dem", "any"),
    Parameter("DEM_RESAMPLING", "choice", "BL", "process-image.dem-resampling", choices=RESAMPLING),
    _switch("USE_DEM_DATABASE", "FALSE", "process-image.dem-database"),
    _number("DEM_NODATA", "-32767", "process-image.dem-nodata", -32768, 32767, whole=True),
    _switch("DO_REPROJ", "TRUE", "tile-image.reproject"),
    _switch("DO_TILE", "TRUE", "tile-image.tile"),
    _path("FILE_TILE", "tiles", "file"),
    Parameter("TILE_SIZE", "number", "30000 30000", "tile-image.tile-size", 0.0, open_below=True, count=2),
    Parameter("RESOLUTION_LANDSAT", "number", "30", "tile-image.resolution-landsat", 0.0, open_below=True),
    Parameter("RESOLUTION_SENTINEL2", "number", "10", "tile-image.resolution-sentinel2", 0.0, open_below=True),
    _number("ORIGIN_LON", "-25", "tile-image.origin-lon", -180, 180),
    _number("ORIGIN_LAT", "60", "tile-image.origin-lat", -90, 90),
    Parameter("PROJECTION", "text", "GLANCE7", "tile-image.projection"),
    Parameter("RESAMPLING", "choice", "CC", "tile-image.resampling", choices=RESAMPLING),
    _switch("DO_ATMO", "TRUE", "process-image.atmospheric-correction"),
    _switch("DO_TOPO", "TRUE", "process-image.topographic-correction"),
    _switch("DO_BRDF", "TRUE", "process-image.brdf-correction"),
    _switch("ADJACENCY_EFFECT", "TRUE", "process-image.adjacency-correction"),
    _switch("MULTI_SCATTERING", "TRUE"),
    _path("DIR_WVPLUT", "water-vapour-tables", "folder"),
    _switch("STRICT_WATER_VAPOR", "FALSE", "process-image.strict-water-vapour"),
    Parameter("WATER_VAPOR", "number", "NULL", "process-image.water-vapour", 0, 15, nullable=True),
    _switch("DO_AOD", "TRUE", "process-image.aerosol-retrieval"),
    _path("DIR_AOD", "aerosol-tables", "folder"),
    _switch("ERASE_CLOUDS", "FALSE", "process-image.erase-clouds"),
    _number("MAX_CLOUD_COVER_FRAME", "75", "process-image.max-cloud-cover", 1, 100),
    _number("MAX_CLOUD_COVER_TILE", "75", "tile-image.max-cloud-cover", 1, 100),
    _number("CLOUD_BUFFER", "300", "process-image.cloud-buffer", 0, 10000),
    _number("CIRRUS_BUFFER", "0", "process-image.cirrus-buffer", 0, 10000),
    _number("SHADOW_BUFFER", "90", "process-image.shadow-buffer", 0, 10000),
    _number("SNOW_BUFFER", "30", "process-image.snow-buffer", 0, 10000),
    _number("CLOUD_THRESHOLD", "0.225", "process-image.cloud-threshold", 0, 1),
    _number("SHADOW_THRESHOLD", "0.02", "process-image.shadow-threshold", 0, 1),
    Parameter(
        "RES_MERGE",
        "choice",
        "IMPROPHE",
        "process-image.resolution-merge",
        choices=("IMPROPHE", "REGRESSION", "STARFM", "NONE"),
    ),
    _path("DIR_COREG_BASE", "coregistration-base", "folder"),
    _number("COREG_BASE_NODATA", "-9999", "process-image.coregistration-nodata", -32768, 32767, whole=True),
    _switch("IMPULSE_NOISE", "TRUE", "process-image.impulse-noise"),
    _switch("BUFFER_NODATA", "FALSE", "process-image.buffer-nodata"),
    _number("TIER", "1", "process-image.tier", 1, 3, whole=True),
    _number("NPROC", "32", "", 1, UNLIMITED, whole=True),
    _number("NTHREAD", "2", "", 1, UNLIMITED, whole=True),
    _switch("PARALLEL_READS", "FALSE"),
    _number("DELAY", "3", "", 0, UNLIMITED, whole=True),
    _number("TIMEOUT_ZIP", "30", "", 0, UNLIMITED, whole=True),
    Parameter("OUTPUT_FORMAT", "choice", "COG", "merge-tile.format", choices=("ENVI", "GTiff", "COG", "CUSTOM")),
    _path("FILE_OUTPUT_OPTIONS", "output-options", "file"),
    _switch("OUTPUT_DST", "FALSE", "tile-image.distance"),
    _switch("OUTPUT_AOD", "FALSE", "process-image.output-aerosol"),
    _switch("OUTPUT_WVP", "FALSE", "process-image.output-water-vapour"),
    _switch("OUTPUT_VZN", "FALSE", "process-image.output-view-zenith"),
    _switch("OUTPUT_HOT", "FALSE", "process-image.output-haze"),
    _switch("OUTPUT_OVV", "TRUE", "merge-tile.overview"),
)

BY_TAG = {one.tag: one for one in PARAMETERS}

NOTES = {
    "DIR_LOG": "logs stand in logs/ard",
    "DIR_PROVENANCE": "records stand beside the products",
    "DIR_TEMP": "the scheduler's or the system's temporary folder serves",
    "MULTI_SCATTERING": "the tables hold all orders of scattering",
    "NPROC": "the profile says how many jobs run",
    "NTHREAD": "the profile says how many ranks a job has",
    "PARALLEL_READS": "ranks read their own rows",
    "DELAY": "the executor starts jobs",
    "TIMEOUT_ZIP": "an archive is unpacked within the job's own time",
}
"""Tags that are read and checked, and say nothing here, with the reason."""
