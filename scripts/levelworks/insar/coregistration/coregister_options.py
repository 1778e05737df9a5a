"""Options of coregistration."""

from __future__ import annotations

from levelworks.core.options import Options, option


class Coregister(Options):
    """Bursts of a date resampled to the pixels of the reference."""

    largest_shift: float = option(
        0.5, "greatest shift along azimuth that is believed, beyond geometry", unit="lines", gt=0, alias="largest-shift"
    )
    largest_doppler_difference: float = option(
        0.3,
        "share of the azimuth bandwidth by which bursts may lie apart in Doppler before it is said",
        gt=0,
        le=1,
        alias="largest-doppler-difference",
    )
