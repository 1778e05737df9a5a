"""Options of offset tracking."""

from __future__ import annotations

from levelworks.core.options import Options, option


class EstimateAzimuthOffsets(Options):
    """Range and azimuth offsets of a pair by the correlation of amplitudes, on a dense grid."""

    range_window: int = option(
        128, "of a patch along range", unit="samples", multiple_of=8, ge=16, le=1024, alias="range-window"
    )
    azimuth_window: int = option(
        64, "of a patch along azimuth", unit="lines", multiple_of=8, ge=16, le=512, alias="azimuth-window"
    )
    range_step: int = option(
        40, "from patch to patch along range", unit="samples", multiple_of=8, ge=8, le=1024, alias="range-step"
    )
    azimuth_step: int = option(
        8, "from patch to patch along azimuth", unit="lines", multiple_of=8, ge=8, le=512, alias="azimuth-step"
    )
    search: int = option(8, "farthest offset that is looked for, each way", unit="pixels", ge=8, le=64)
    least_correlation: float = option(
        0.1, "normalised correlation below which a patch says nothing", gt=0, lt=1, alias="least-correlation"
    )
    least_ratio: float = option(
        20.0,
        "squared height of a peak above the correlation away from it, over its variance there",
        gt=1,
        alias="least-ratio",
    )
    outlier: float = option(
        4.0, "robust standard deviations from the neighbours beyond which a patch is left out", gt=0
    )
    least_share: float = option(
        0.1, "share of patches with an offset below which a pair is degraded", ge=0, le=1, alias="least-share"
    )
