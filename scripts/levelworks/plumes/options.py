"""The line's section of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from levelworks.core.options import OneOrMore, OnOff, Options, option
from levelworks.plumes.detection.denoise_options import Denoise
from levelworks.plumes.detection.detect_options import DetectPlumes, MaskPlumes
from levelworks.plumes.drawing.plot_options import MapScenes, PlotPlume, PlotScene
from levelworks.plumes.emission.calibrate_wind_options import CalibrateWind
from levelworks.plumes.emission.quantify_options import Quantify, ReprocessPlumes
from levelworks.plumes.emission.revisit_options import Revisit
from levelworks.plumes.emission.wind_options import FindWind
from levelworks.plumes.mapping.orthorectify_options import Orthorectify
from levelworks.plumes.retrieval.retrieval_options import AbsorptionSettings, Gas, RetrieveSettings
from levelworks.plumes.units import GASES


def _all_gases(value: Any) -> Any:
    return list(GASES) if value == "all" else [value] if isinstance(value, str) else value


Gases = Annotated[list[Gas], BeforeValidator(_all_gases, json_schema_input_type=str | list[str])]


class Plumes(Options):
    """Hyperspectral radiance of EMIT, EnMAP and PRISMA: gas enhancements, plumes and emission rates."""

    granules: Annotated[list[str], OneOrMore] = option(
        [], "folders, files, wildcards or manifests of EMIT_L1B_RAD, ENMAP01-____L1B and PRS_L1 files"
    )
    observations: Path | None = option(None, "folder of EMIT_L1B_OBS files; null looks beside each granule")
    masks: Path | None = option(None, "folder of EMIT_L2A_MASK files; null looks beside each granule")
    gases: Gases = option(["ch4"], "gases to retrieve, or all")
    lookup_tables: dict[Gas, Path] = option(
        {}, "look-up tables of Foote et al. (dataset_ch4_full.hdf5) by gas", alias="lookup-tables"
    )
    cross_sections: dict[Gas, Path] = option(
        {}, "tables of wavelength (nm) and cross-section (cm2 per molecule) by gas", alias="cross-sections"
    )
    two_pass: Annotated[Literal["off", "on"], OnOff] = option(
        "on", "retrieve again with the plumes found left out of the statistics, which they lower", alias="two-pass"
    )
    era5: Annotated[list[str], OneOrMore] = option([], "files or folders of ERA5 winds (GRIB or NetCDF)")
    geos_fp: Annotated[list[str], OneOrMore] = option([], "files or folders of GEOS-FP winds", alias="geos-fp")
    markers: Path | None = option(None, "folder of people's plume markers, <Level-2 name>.geojson")
    rejected: Path | None = option(None, "plumes that people rejected (CSV or GeoJSON)")
    edits: Path | None = option(None, "people's edits of plumes (CSV), from which emission rates are made again")
    sites: Path | None = option(None, "known sites (CSV of name, latitude, longitude)")
    map_points: Path | None = option(None, "points that maps show (CSV)", alias="map-points")
    dem: Path | None = option(None, "elevation model, a raster or a folder of tiles")
    geoid: Path | None = option(
        None, "raster of the geoid's height above the ellipsoid (m), in place of the number orthorectify.geoid"
    )
    reference_image: Path | None = option(
        None,
        "image of the surface near 2100 nm on a map, to which geolocation is shifted by the edges of both",
        alias="reference-image",
    )
    noise_table: Path | None = option(
        None, "text table of the noise, of wavelength, a, b, c; null takes the sensor's", alias="noise-table"
    )
    land: Path | None = option(None, "land mask, a raster that is 0 on water, or polygons of land (GeoJSON)")
    effective_winds: Path | None = option(
        None, "table of effective winds that calibrate-wind wrote (JSON)", alias="effective-winds"
    )
    boundaries: Path | None = option(None, "polygons with country, state and city (GeoJSON)")
    control_points: Path | None = option(
        None, "folder of ground control points, <Level-2 name>.points", alias="control-points"
    )
    cogs: bool = option(False, "write GeoTIFFs and a STAC item of every scene")
    unortho: bool = option(
        False,
        "write every scene before orthorectification too: its enhancements (NetCDF), and its colours (GeoTIFF), on "
        "which people place control points",
    )
    plots: bool = option(False, "draw scenes and plumes, and write pages of maps")
    absorption: AbsorptionSettings = option(AbsorptionSettings(), "absorption of the gases")
    retrieve: RetrieveSettings = option(RetrieveSettings(), "radiance to enhancements, both passes")
    mask_plumes: MaskPlumes = option(MaskPlumes(), "what the second pass leaves out", alias="mask-plumes")
    denoise: Denoise = option(Denoise(), "denoised enhancements")
    detect_plumes: DetectPlumes = option(DetectPlumes(), "plumes of a scene", alias="detect-plumes")
    wind: FindWind = option(FindWind(), "winds of a scene")
    orthorectify: Orthorectify = option(Orthorectify(), "scenes on the map")
    quantify: Quantify = option(Quantify(), "emission rates")
    calibrate_wind: CalibrateWind | None = option(
        None, "fit effective winds anew, in place of the bundled ones", alias="calibrate-wind"
    )
    reprocess_plumes: ReprocessPlumes = option(
        ReprocessPlumes(), "emission rates of edited plumes", alias="reprocess-plumes"
    )
    revisit: Revisit = option(Revisit(), "sites over time")
    plot_scene: PlotScene = option(PlotScene(), "pictures and page of a scene", alias="plot-scene")
    plot_plume: PlotPlume = option(PlotPlume(), "pictures of plumes", alias="plot-plume")
    map_scenes: MapScenes = option(MapScenes(), "pages of the scenes of a folder", alias="map-scenes")

    @model_validator(mode="after")
    def _check_gases(self) -> Self:
        if not self.gases:
            raise ValueError("gases: name one at least")
        if len(set(self.gases)) < len(self.gases):
            raise ValueError("gases: one is named twice")
        return self


Section = Plumes
