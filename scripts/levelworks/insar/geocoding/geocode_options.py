"""Options of geocoding."""

from __future__ import annotations

from levelworks.core.options import Options, option


class Geocode(Options):
    """The layers of a pair on the geographic grid, under LiCSAR's names."""

    repair: bool = option(True, "add the whole cycles that check-closure found to components")


class GeocodeEpoch(Options):
    """The mean intensity of a date on the geographic grid."""
