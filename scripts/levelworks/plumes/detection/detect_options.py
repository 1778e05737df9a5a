"""Options of plume detection."""

from __future__ import annotations

from typing import Annotated, Literal

from levelworks.core.options import OnOff, Options, option

JOINING = ("dist_max", "azimuth_diff_max")
"""Options of `detect-plumes` that its masks keep as attributes, for the table of emission rates."""


class PlumeCriteria(Options):
    """What makes a plume, shared by `mask-plumes` and `detect-plumes`."""

    scales: list[float] = option(
        [1.5, 3.0], "smoothing kernels' standard deviations; the greatest signal counts", unit="pixels", min_length=1
    )
    window: int = option(100, "side of the window of the local clutter", unit="pixels", ge=20, le=2000)
    seed_sigma: float = option(5.3, "signal-to-noise of a plume's peak", unit="sigma", ge=2, le=100)
    grow_sigma: float = option(3.0, "signal-to-noise of each pixel of a plume", unit="sigma", ge=0.5, le=100)
    min_pixels: int = option(5, "pixels of a plume above grow_sigma", ge=1)


class MaskPlumes(PlumeCriteria):
    """Options of `mask-plumes`: looser than detection, for a plume missed costs more here than one too many."""

    scales: list[float] = option(
        [1.5, 3.0, 6.0],
        "smoothing kernels' standard deviations; the greatest signal counts",
        unit="pixels",
        min_length=1,
    )
    seed_sigma: float = option(4.5, "signal-to-noise of a plume's peak", unit="sigma", ge=2, le=100)
    grow_sigma: float = option(1.5, "signal-to-noise of each pixel of a plume", unit="sigma", ge=0.5, le=100)
    margin: int = option(5, "pixels about plumes that are left out too", unit="pixels", ge=0, le=100)


class DetectPlumes(PlumeCriteria):
    """Options of `detect-plumes`."""

    field: Literal["plain", "combination", "denoised", "denoised combination"] = option(
        "plain", "enhancement in which plumes are sought; masses are always those of the plain one"
    )
    rim: int = option(2, "pixels about those above grow_sigma that belong to a plume", unit="pixels", ge=0, le=20)
    min_peak_ppm_m: float = option(0.0, "least peak enhancement of a plume", unit="ppm m", ge=0)
    dist_max: float = option(180.0, "widest gap between pieces of a plume", unit="m", ge=0)
    azimuth_diff_max: float = option(30.0, "largest angle between pieces of a plume", unit="degree", ge=0, le=90)
    downwind_gap: float = option(
        600.0, "widest gap across which weaker pieces downwind of a plume are part of it; 0 parts them", unit="m", ge=0
    )
    downwind_cone: float = option(
        35.0, "half opening of the cone downwind of a source in which they lie", unit="degree", ge=0, le=90
    )
    markers_only: bool = option(True, "where people placed markers, take their plumes alone")
    controls: int = option(60, "places without plume to which spectra are compared", ge=0, le=1000)
    max_fp_score: float = option(
        0.45,
        "plumes of a higher false-positive score count as rejected, unless people marked them; 1 rejects none",
        ge=0,
        le=1,
    )
    spectra: Annotated[Literal["off", "on"], OnOff] = option("on", "compare spectra with those of the background")
