"""Names and codes of PRISMA Level-1 files that the reader looks for and the writer writes (specs/plumes.md 4.5)."""

from __future__ import annotations

SWATH = "HDFEOS/SWATHS/PRS_L1_HCO"
"""The coregistered hyperspectral cubes."""
DATA, PLACES, ANGLES = f"{SWATH}/Data Fields", f"{SWATH}/Geolocation Fields", f"{SWATH}/Geometric Fields"
MATRICES = "KDP_AUX"
"""Centres and widths by detector element, (columns, bands)."""
ORBIT = "Info/Ancillary/PVSdata"
"""Positions of the satellite."""
ORBIT_POSITIONS = tuple(f"{ORBIT}/Wgs84_pos_{axis}" for axis in "xyz")
"""Metres, Earth-centred and Earth-fixed."""
ORBIT_TIMES = f"{ORBIT}/GPS_Time_of_Last_Position"
"""Seconds of the GPS day."""
GPS_AHEAD = 18.0
"""Seconds that GPS is ahead of UTC (since 2017)."""
TIME = "%Y-%m-%dT%H:%M:%S.%f"

DETECTORS = ("Vnir", "Swir")
CLOUDY, WATER = 1, 0
"""Of Cloud_Mask and of LandCover_Mask."""
SATURATED, DEFECTIVE, BOTH = 1, 2, 3
"""Of the pixel error matrices."""
