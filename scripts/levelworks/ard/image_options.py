"""Options of `process-image`: how one Level-1 image becomes surface reflectance with quality bits."""

from __future__ import annotations

from typing import Annotated, Literal

from levelworks.core.options import OnOff, Options, option

Resampling = Literal["nearest", "bilinear", "cubic"]


class ProcessImage(Options):
    """Level 1 to surface reflectance in the image's own grid."""

    tier: int = option(1, "worst Landsat tier that is accepted; 3 takes real-time scenes too", ge=1, le=3)
    atmospheric_correction: bool = option(
        True, "surface reflectance; false keeps top-of-atmosphere reflectance", alias="atmospheric-correction"
    )
    topographic_correction: bool = option(
        True, "put slopes level where there is an elevation model", alias="topographic-correction"
    )
    brdf_correction: bool = option(
        True, "reflectance as seen from above, under the standard sun of day and latitude", alias="brdf-correction"
    )
    adjacency_correction: bool = option(
        True, "take light of the surroundings out of each pixel", alias="adjacency-correction"
    )
    dem_database: bool = option(False, "dem is a folder of WRS-2_PPPRRR.vrt and MGRS_Txxxxx.vrt", alias="dem-database")
    dem_resampling: Resampling = option("bilinear", "resampling of the elevation model", alias="dem-resampling")
    dem_nodata: int = option(
        -32767, "no data of an elevation model that does not say", ge=-32768, le=32767, alias="dem-nodata"
    )
    water_vapour: float | None = option(
        None,
        "water vapour of Landsat scenes without water-vapour-tables; null takes 2",
        unit="g cm-2",
        ge=0,
        le=15,
        alias="water-vapour",
    )
    strict_water_vapour: bool = option(
        False, "refuse the climatology where the day's water vapour is missing", alias="strict-water-vapour"
    )
    aerosol_retrieval: bool = option(
        True, "find aerosol in the image; false takes aerosol-tables alone", alias="aerosol-retrieval"
    )
    aerosol_model: Literal["auto", "continental", "maritime", "urban", "smoke", "desert"] = option(
        "auto", "aerosol model; auto takes the one that fits the image best", alias="aerosol-model"
    )
    max_cloud_cover: float = option(
        75.0, "cloud and shadow of an image from which on nothing is produced", unit="%", ge=1, le=100,
        alias="max-cloud-cover",
    )  # fmt: skip
    cloud_buffer: float = option(300.0, "distance to opaque cloud", unit="m", ge=0, le=10000, alias="cloud-buffer")
    cirrus_buffer: float = option(0.0, "distance to cirrus", unit="m", ge=0, le=10000, alias="cirrus-buffer")
    shadow_buffer: float = option(90.0, "distance to shadow", unit="m", ge=0, le=10000, alias="shadow-buffer")
    snow_buffer: float = option(30.0, "distance to snow", unit="m", ge=0, le=10000, alias="snow-buffer")
    cloud_threshold: float = option(
        0.225, "added to the clear surface's cloud probability (Landsat)", ge=0, le=1, alias="cloud-threshold"
    )
    shadow_threshold: float = option(
        0.02, "darkness from which on a pixel may be shadow, reflectance", ge=0, le=1, alias="shadow-threshold"
    )
    compat: Literal["none", "force"] = option("none", "force: clouds by FORCE's rules alone")
    resolution_merge: Literal["improphe", "regression", "starfm", "none"] = option(
        "improphe", "how 20 m bands of Sentinel-2 become 10 m", alias="resolution-merge"
    )
    coregistration_nodata: int = option(
        -9999, "no data of the base images", ge=-32768, le=32767, alias="coregistration-nodata"
    )
    impulse_noise: bool = option(True, "leave out impulse noise of 8-bit sensors", alias="impulse-noise")
    buffer_nodata: bool = option(False, "widen what is no data by a pixel", alias="buffer-nodata")
    erase_clouds: bool = option(False, "no reflectance under confident cloud", alias="erase-clouds")
    uncertainty: Annotated[Literal["off", "on"], OnOff] = option("on", "write a 1-sigma uncertainty of each band")
    output_aerosol: bool = option(False, "write AOD of the green band", alias="output-aerosol")
    output_water_vapour: bool = option(False, "write water vapour", alias="output-water-vapour")
    output_view_zenith: bool = option(False, "write the view zenith angle", alias="output-view-zenith")
    output_haze: bool = option(False, "write the haze-optimized transform", alias="output-haze")
    output_angles: bool = option(False, "write zenith and azimuth of sun and view", alias="output-angles")
    output_cloud_probability: bool = option(True, "write the probability of cloud", alias="output-cloud-probability")
    block_rows: int = option(
        512, "rows that are worked on at a time; products are the same for any number", ge=64, alias="block-rows"
    )
