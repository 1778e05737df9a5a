"""Names in EMIT's Level-1B and Level-2A mask files that readers look for and the simulator writes (spec 4.1 to 4.3)."""

from __future__ import annotations

FILL = -9999.0
UNITS = "uW/cm^2/SR/nm"

OBSERVATION_BANDS = (
    "Path length (sensor-to-ground in meters)",
    "To-sensor azimuth (0 to 360 degrees CW from N)",
    "To-sensor zenith (0 to 90 degrees from zenith)",
    "To-sun azimuth (0 to 360 degrees CW from N)",
    "To-sun zenith (0 to 90 degrees from zenith)",
    "Solar phase (degrees between to-sensor and to-sun vectors in principal plane)",
    "Slope (local surface slope as derived from DEM in degrees)",
    "Aspect (local surface aspect 0 to 360 degrees clockwise from N)",
    "Cosine(i) (apparent local illumination factor based on DEM slope and aspect and to sun vector)",
    "UTC Time (decimal hours for mid-line pixels)",
    "Earth-sun distance (AU)",
)
MASK_BANDS = (
    "Cloud flag",
    "Cirrus flag",
    "Water flag",
    "Spacecraft Flag",
    "Dilated Cloud Flag",
    "AOD550",
    "H2O (g cm-2)",
    "Aggregate Flag",
)
ANGLES = {
    "view_azimuth": "to-sensor azimuth",
    "view_zenith": "to-sensor zenith",
    "sun_azimuth": "to-sun azimuth",
    "sun_zenith": "to-sun zenith",
}
"""How the name of an observation begins, in lower case."""
DISTANCE = "earth-sun distance"
FLAGS = {"cloud": "cloud flag", "cirrus": "cirrus flag", "water": "water flag", "dilated_cloud": "dilated cloud flag"}
WATER_VAPOUR = "h2o"
