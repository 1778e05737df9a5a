"""Options of the coronagraph line: detector parameters, one model a stage, and the line's section of the config."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from levelworks.core.options import OneOrMore, OnOff, Options, option

ROW_READ_TIME = 223.5e-6
"""Seconds to read one row of EXCAM (cgi_iit_drp, corgidrp)."""

LEVEL1_NAMES = r"CGI_EXCAM_L1_\w+\.fits|(?i:cgi_\d{19}_\d{8}t\d{7}_l1_\.fits)"

IIT = {
    "bias_outlier_sigma": 0.0,
    "tail_from": "head",
    "adaptive_tail": False,
    "max_saturated": 1.0,
    "desmear": "off",
    "precision": "float64",
}
"""What `compat: iit` sets where the user says nothing else; the rest of the peer's behaviour follows the flag."""


class Detector(Options):
    """Parameters of the detector and of the steps from raw frames to linear counts."""

    compat: Literal["none", "iit"] = option("none", "iit reproduces cgi_iit_drp with its quirks")
    k_gain: float | None = option(
        None, "electrons per DN; null takes KGAINPAR of the header, else 9.55 (FFT) or 8.7 (flight)", unit="e-/DN", gt=0
    )
    pixel_full_well: float | None = option(
        None, "full well of a pixel; null takes 66850 (FFT) or 90000 (flight)", unit="e-", gt=0
    )
    register_full_well: float = option(100000.0, "full well of the gain register", unit="e-", gt=0)
    bias_offset: float = option(0.0, "by how much the prescan's level exceeds the image's", unit="DN")
    bias_outlier_sigma: float = option(
        5.0, "rows whose bias lies further from their neighbours' are given theirs; 0 keeps all", unit="sigma", ge=0
    )
    saturation_threshold: float = option(0.7, "share of the full well from which a pixel is saturated", gt=0, le=1)
    head_threshold: float | None = option(
        None,
        "share of the full well from which a pixel starts a cosmic ray; null takes saturation_threshold",
        gt=0,
        le=1,
    )
    plateau_threshold: float = option(0.7, "share of the full well above which a cosmic ray's plateau lies", gt=0, le=1)
    plateau_well: Literal["register", "smaller"] = option(
        "register", "well the plateau is measured against: the register's, or the smaller of both as corgidrp does"
    )
    cosmic_ray_level: Literal["full-well", "histogram"] = option(
        "full-well", "what a head must reach: a share of the full well, or the gap of the median-filtered histogram"
    )
    cosmic_ray_filter: int = option(
        1, "minimum plateau width less one: the median filter's window is this plus 1", ge=0
    )
    cosmic_ray_box: int = option(3, "half width of the square masked around a cosmic ray's head", unit="px", ge=0)
    cosmic_ray_tail: int | Literal["auto"] = option(
        10, "pixels masked after a cosmic ray along its row; auto is 40 at gain 1000, in proportion to gain", unit="px"
    )
    tail_from: Literal["head", "end"] = option("end", "where the tail is counted from: the head or the plateau's end")
    adaptive_tail: bool = option(True, "go on masking a tail while it stays significantly above its surroundings")
    excluded_radius: float = option(
        0.0, "radius around the image's centre within which no cosmic rays are sought (the star)", unit="px", ge=0
    )
    max_saturated: float = option(0.2, "share of saturated pixels above which a frame is quarantined", ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _fill_in_peer(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("compat") == "iit":
            return {**{key: value for key, value in IIT.items() if key in cls.model_fields}, **values}
        return values

    @model_validator(mode="after")
    def _check_tail(self) -> Self:
        if isinstance(self.cosmic_ray_tail, int) and self.cosmic_ray_tail < 0:
            raise ValueError(f"cosmic_ray_tail is {self.cosmic_ray_tail}: 0 or more pixels, or auto")
        return self


class CalibrateFrame(Detector):
    """Options of `calibrate-frame`."""

    precision: Literal["float32", "float64"] = option("float32", "type of the image planes")
    desmear: Annotated[Literal["off", "on", "auto"], OnOff] = option(
        "on", "remove the light collected while rows are read; auto does where it exceeds twice the read noise"
    )
    row_read_time: float = option(ROW_READ_TIME, "time to read one row", unit="s", gt=0)
    read_noise: float | None = option(None, "read noise; null measures it in each frame's prescan", unit="e-", gt=0)
    flat_relative_error: float = option(0.0, "relative error of the flat", ge=0, lt=1)
    error_components: bool = option(True, "write the variances by source beside their total")
    masked_value: Literal["keep", "nan"] = option("keep", "value of masked pixels: their own, or not-a-number")
    max_out_of_table: float = option(
        0.05, "share of pixels outside the sane part of the nonlinearity table from which a frame warns", ge=0, le=1
    )


class MakeDark(Options):
    """Options of `make-dark`; gain and exposure time come from the frames."""

    gain: float = Field(description="EM gain of the frames", ge=1)
    exposure_time: float = Field(description="exposure time of the frames", ge=0, json_schema_extra={"unit": "s"})
    max_invalid: float = option(0.05, "share of not-finite pixels from which a map is refused", ge=0, le=1)


class Combine(Options):
    """Options of `combine`."""

    compat: Literal["none", "iit"] = option("none", "iit writes 0 where every frame is masked")
    scale_to_sum: bool = option(False, "multiply values and errors by the number of frames, as corgidrp does")
    max_quarantined: float | None = option(
        None, "share of quarantined frames above which it fails; null takes campaign.max_quarantined", ge=0, le=1
    )
    memory_mb: int = option(400, "memory for one stripe of all frames, on each rank", unit="MB", ge=16)


class CountPhotons(Options):
    """Options of `count-photons`."""

    threshold_sigma: float = option(5.0, "counting threshold in units of the read noise", unit="sigma", gt=0)
    read_noise: float | None = option(None, "read noise; null takes the median of the frames'", unit="e-", gt=0)
    desmear: Annotated[Literal["off", "on"], OnOff] = option(
        "on", "remove the light collected while rows are read from the counted mean; never from darks"
    )
    row_read_time: float = option(ROW_READ_TIME, "time to read one row", unit="s", gt=0)
    max_flux: float = option(
        0.1, "mean electrons per pixel and frame above which a dataset warns that it is too bright", unit="e-", gt=0
    )
    max_quarantined: float | None = option(
        None, "share of quarantined frames above which it fails; null takes campaign.max_quarantined", ge=0, le=1
    )


class MakeNoiseMaps(Detector):
    """Options of `make-noise-maps`."""

    telemetry_rows: int = option(4, "rows at the end of the frame that are no pixels", unit="px", ge=0)
    weighted: bool = option(False, "weight stacks by their inverse variances, for honest errors at high gain")
    max_quarantined: float | None = option(
        None, "share of unusable dark frames above which it fails; null takes campaign.max_quarantined", ge=0, le=1
    )
    frames_per_block: int = option(32, "frames summed at a time; part of the result's last bits", ge=1)


class MakeBadPixelMap(Options):
    """Options of `make-bad-pixel-map`."""

    hot_sigma: float = option(5.0, "hot pixels exceed the dark's mean by this many standard deviations", ge=0)
    robust: bool = option(True, "take median and median absolute deviation in place of mean and standard deviation")
    dead_fraction: float = option(0.7, "dead pixels respond less than this share of their surroundings", ge=0, le=1)
    dead_width: int = option(7, "width of the surroundings", unit="px", ge=1)


class Plot(Options):
    """Options of `plot`."""

    low_percentile: float = option(1.0, "percentile of usable pixels shown as the darkest", unit="%", ge=0, le=100)
    high_percentile: float = option(99.7, "percentile of usable pixels shown as the brightest", unit="%", ge=0, le=100)
    stretch: Literal["linear", "asinh"] = option("asinh", "how values map to colours")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low_percentile >= self.high_percentile:
            raise ValueError("low_percentile must be below high_percentile")
        return self


class References(Options):
    """Calibration files; null stands for what leaves the data as they are."""

    fixed_pattern: Path | None = option(None, "fixed-pattern noise map, measured after the register", unit="e-")
    dark_current: Path | None = option(None, "dark-current map", unit="e-/s")
    clock_induced_charge: Path | None = option(None, "clock-induced-charge map", unit="e-/px/frame")
    flat: Path | None = option(None, "flat field, mean 1")
    bad_pixels: Path | None = option(None, "fixed bad-pixel map: 0 good, DQ bits (or 1) bad")
    nonlinearity: Path | None = option(None, "nonlinearity table (CSV)")


class Dataset(Options):
    """One set of frames."""

    frames: Annotated[list[str], OneOrMore] = option(..., "folders, files, wildcards or manifests of Level-1 frames")
    kind: Literal["science", "dark"] = option("science", "dark frames make noise maps; science frames are combined")
    count_photons: bool = option(False, "count photons too, in frames of high EM gain")
    photon_counting_dark: str | None = option(
        None, "dataset of dark frames of the same settings, counted too and subtracted from the counts"
    )


class Coronagraph(Options):
    """Roman Coronagraph EXCAM frames: Level 1 to Level 2b and combined datasets."""

    datasets: dict[str, Dataset] = option({}, "sets of frames by name")
    pattern: str = option(LEVEL1_NAMES, "regular expression of Level-1 file names in folders")
    references: References = option(References(), "calibration files")
    level2a: bool = option(True, "write Level 2a beside Level 2b")
    peer_view: bool = option(False, "write cgi_iit_drp's four files a frame and a dataset too (float64)")
    plots: bool = option(False, "draw every product")
    calibrate_frame: CalibrateFrame = option(CalibrateFrame(), "frames to Level 2b", alias="calibrate-frame")
    combine: Combine = option(Combine(), "mean and median of a dataset")
    count_photons: CountPhotons = option(CountPhotons(), "photon counting of a dataset", alias="count-photons")
    make_noise_maps: MakeNoiseMaps = option(MakeNoiseMaps(), "noise maps from darks", alias="make-noise-maps")
    make_bad_pixel_map: MakeBadPixelMap | None = option(
        None, "make the fixed bad-pixel map from dark current and flat", alias="make-bad-pixel-map"
    )
    plot: Plot = option(Plot(), "pictures")

    @model_validator(mode="after")
    def _check_datasets(self) -> Self:
        for name, dataset in self.datasets.items():
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                raise ValueError(f"datasets.{name}: names hold letters, digits, '-' and '_'")
            dark = dataset.photon_counting_dark
            if dark is None:
                continue
            if dark not in self.datasets:
                raise ValueError(f"datasets.{name}.photon_counting_dark: there is no dataset {dark!r}")
            if not dataset.count_photons:
                raise ValueError(f"datasets.{name}.photon_counting_dark: {name} needs count_photons: true")
        return self


Section = Coronagraph
