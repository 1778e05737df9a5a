"""The variables of Lite files that carry no truth in simulated ones: names, units and typical numbers."""

from __future__ import annotations

from levelworks.xco2.granule import Dataset

FLOAT_GROUPS = {
    "Sounding": (
        "solar_azimuth_angle:degrees:150:5 sensor_azimuth_angle:degrees:200:5 pma_elevation_angle:degrees:30:3 "
        "pma_azimuth_angle:degrees:80:5 polarization_angle:degrees:60:5 land_fraction:%:100:0 glint_angle:degrees:50:5 "
        "airmass:none:2.4:0.1 snr_o2a:none:400:40 snr_wco2:none:350:30 snr_sco2:none:250:30 altitude:m:120:30 "
        "altitude_stddev:m:12:3 zlo_wco2:none:0:0.01"
    ),
    "Retrieval": (
        "xco2_raw:ppm:411:1 psurf:hPa:985:5 SigmaB:none:0:0.1 windspeed:m_s-1:4:1 windspeed_apriori:m_s-1:4:1 "
        "psurf_apriori:hPa:984:5 t700:K:280:2 fs:none:0.3:0.2 fs_rel:none:0.01:0.01 tcwv:kg_m-2:20:3 "
        "tcwv_apriori:kg_m-2:20:3 tcwv_uncertainty:kg_m-2:0.2:0.05 dp:hPa:0.5:1 dp_o2a:hPa:0.5:1 dp_sco2:hPa:0.4:1 "
        "dpfrac:ppm:0.3:0.5 s31:none:0.4:0.1 s32:none:0.5:0.1 co2_grad_del:ppm:5:8 dws:none:0.05:0.03 "
        "aod_fine:none:0.03:0.02 eof2_2_rel:none:0.1:0.1 aod_dust:none:0.02:0.01 aod_bc:none:0.01:0.005 "
        "aod_oc:none:0.02:0.01 aod_seasalt:none:0.01:0.005 aod_sulfate:none:0.03:0.01 aod_strataer:none:0.01:0.003 "
        "aod_water:none:0.01:0.005 aod_ice:none:0.01:0.005 aod_total:none:0.12:0.03 ice_height:none:0.2:0.05 "
        "dust_height:none:0.9:0.05 h2o_scale:none:1:0.05 deltaT:K:0.2:0.5 albedo_o2a:none:0.25:0.03 "
        "albedo_wco2:none:0.22:0.03 albedo_sco2:none:0.15:0.03 albedo_slope_o2a:none:1e-5:1e-6 "
        "albedo_slope_wco2:none:1e-5:1e-6 albedo_slope_sco2:none:1e-5:1e-6 chi2_o2a:none:1.2:0.1 "
        "chi2_wco2:none:1.1:0.1 chi2_sco2:none:1.1:0.1 "
        "rms_rel_o2a:%:0.2:0.02 rms_rel_wco2:%:0.15:0.02 rms_rel_sco2:%:0.2:0.02 "
        "dof_co2:none:1.6:0.1 xco2_zlo_bias:ppm:0:0.1"
    ),
    "Preprocessors": (
        "xco2_weak_idp:ppm:410:3 xco2_strong_idp:ppm:409:3 max_declocking_o2a:%:0.3:0.1 csstd_ratio_wco2:none:1:0.1 "
        "dp_abp:hPa:2:5 co2_ratio:none:1:0.005 h2o_ratio:none:1:0.02"
    ),
    "Meteorology": (
        "psurf_apriori_o2a:hPa:984:5 psurf_apriori_sco2:hPa:984:5 psurf_apriori_wco2:hPa:984:5 "
        "windspeed_u_met:m_s-1:2:1 windspeed_v_met:m_s-1:3:1"
    ),
}
"""LtCO2: group, then name, units, mean and standard deviation of each variable."""

SIF_FLOAT_GROUPS = {
    "Science": (
        "SIF_757nm:W/m^2/sr/um:1:0.3 SIF_771nm:W/m^2/sr/um:0.7:0.3 SIF_Uncertainty_757nm:W/m^2/sr/um:0.3:0.03 "
        "SIF_Uncertainty_771nm:W/m^2/sr/um:0.3:0.03 SIF_Relative_757nm:none:0.01:0.002 "
        "continuum_radiance_757nm:W/m^2/sr/um:90:10 daily_correction_factor:none:0.35:0.02"
    ),
    "Cloud": "co2_ratio:none:1:0.005 o2_ratio:none:1:0.005 delta_pressure_abp:Pa:200:500",
    "Meteo": (
        "specific_humidity:kg_kg-1:0.01:0.001 surface_pressure:Pa:98500:500 temperature_skin:K:295:3 "
        "temperature_two_meter:K:293:3 vapor_pressure_deficit:Pa:900:100 wind_speed:m_s-1:4:1"
    ),
    "Offset": "signal_histogram_mean_757nm:none:0:0.01 signal_histogram_mean_771nm:none:0:0.01",
}

_LTCO2_INTEGERS = {
    "Sounding/att_data_source": ("i1", 1),
    "Sounding/land_water_indicator": ("i1", 1),
    "Retrieval/surface_type": ("i1", 1),
    "Retrieval/iterations": ("i1", 7),
    "Retrieval/diverging_steps": ("i1", 2),
}
INTEGERS: dict[Dataset, dict[str, tuple[str, int]]] = {
    "oco2": {**_LTCO2_INTEGERS, "Retrieval/snow_flag": ("i1", 1), "Auxiliary/n_dem_points": ("i4", 400)},
    "oco3": {**_LTCO2_INTEGERS, "Retrieval/snow_flag": ("i1", 1)},
    "oco3_sif": {"Cloud/cloud_flag_abp": ("i1", 2), "Science/IGBP_index": ("i1", 16)},
}
"""Type and highest value of whole numbers."""

_LTCO2_ATTRIBUTES = {
    "title": "ACOS L2 Lite Output",
    "filter_function": "simulated",
    "bc_function": "simulated",
    "Bias_Correction_land": "none",
    "Bias_Correction_oceanGL": "none",
}
GLOBAL_ATTRIBUTES: dict[Dataset, dict[str, str]] = {
    "oco2": {**_LTCO2_ATTRIBUTES, "Bias_Correction_oceanND": "none"},
    "oco3": _LTCO2_ATTRIBUTES,
    "oco3_sif": {"title": "OCO-3 Level 2 SIF Lite", "spatial_resolution": "2.1km x 1.6km at nadir"},
}
