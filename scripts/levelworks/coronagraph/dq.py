"""Data-quality bits of coronagraph products (uint16).

Bits up to 128 follow corgidrp's assignment; those above are ours.
"""

from __future__ import annotations

from enum import IntFlag


class DQ(IntFlag):
    """Meaning of each bit of a DQ plane."""

    UNRELIABLE = 1
    """Unreliable or unspecified bad pixel (fixed bad-pixel map, non-finite reference)."""
    REPLACED = 2
    """The value was replaced, e.g. by NaN."""
    DEAD = 4
    """Low response or a flat of zero."""
    HOT = 8
    """Hot or warm in the dark."""
    SATURATED = 32
    """At or above the saturation threshold of pixel or register full well."""
    NONLINEAR = 64
    """Beyond the upper end of the nonlinearity table."""
    COSMIC_RAY = 128
    """Cosmic ray, its surroundings and its tail."""
    OUT_OF_TABLE = 256
    """Below or above the nonlinearity table, or where the table itself is not sane."""
    BIAS_REPLACED = 512
    """The bias of this row was replaced by that of the rows around it."""
    TOO_BRIGHT = 1024
    """Too bright for photon counting."""
    INVALID_ADC = 2048
    """Telemetry or an invalid converter value (0 or 65535)."""
    ALL_MASKED = 4096
    """No usable sample in any frame of a combination."""


UNUSABLE = (
    DQ.UNRELIABLE | DQ.REPLACED | DQ.DEAD | DQ.HOT | DQ.SATURATED | DQ.COSMIC_RAY | DQ.INVALID_ADC | DQ.ALL_MASKED
)
"""Bits that keep a pixel out of combinations; the others only inform."""
