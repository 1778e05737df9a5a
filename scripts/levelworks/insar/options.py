"""The line's section of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from levelworks.core.options import OneOrMore, Options, option
from levelworks.insar.archives.archive_options import Archive, CheckFetched
from levelworks.insar.coregistration.coregister_options import Coregister
from levelworks.insar.coregistration.refinement_options import (
    CorrelateAmplitudes,
    EstimateDiversity,
    SolveNetwork,
    VerifyCoregistration,
)
from levelworks.insar.corrections.atmosphere_options import CorrectAtmosphere, GeocodeDelay
from levelworks.insar.displacement.along_track_options import MeasureAlongTrack
from levelworks.insar.displacement.offsets_options import EstimateAzimuthOffsets
from levelworks.insar.drawing.drawing_options import PlotPair
from levelworks.insar.frames.define_options import DefineFrame
from levelworks.insar.geocoding.dem_options import PrepareDem
from levelworks.insar.geocoding.geocode_options import Geocode
from levelworks.insar.geocoding.geometry_options import GeocodeGeometry
from levelworks.insar.interferograms.filter_options import FilterPhase
from levelworks.insar.interferograms.interferogram_options import FormInterferogram
from levelworks.insar.mosaic.geometry_options import ReferenceGeometry
from levelworks.insar.network.closure_options import CheckClosure
from levelworks.insar.network.pair_options import Pairs
from levelworks.insar.products.products_options import DescribeFrame, Publish, ReportFrame
from levelworks.insar.safe.parse_options import ParseSafe
from levelworks.insar.unwrapping.unwrap_options import Unwrap


class Insar(Options):
    """Sentinel-1 frames from SLC to unwrapped, geocoded interferograms."""

    frames: Annotated[list[str], OneOrMore] = option([], "definitions of frames (JSON), or folders of them")
    products: Annotated[list[str], OneOrMore] = option(
        [], "SAFE folders and zips, folders of them, wildcards or manifests (.tsv)"
    )
    archive: Archive = option(Archive(), "where further products are fetched from")
    orbits: Annotated[list[str], OneOrMore] = option([], "folders of orbit files (POEORB, RESORB)")
    missions: list[str] = option([], "satellites to take (S1A, S1B, S1C, S1D); [] takes all")
    elevation: Path | None = option(None, "elevation model: a raster, or a folder of tiles")
    geoid: Path | None = option(None, "raster of the geoid's height (m), for models that count from the sea")
    land: Path | None = option(None, "raster of land (not 0); null takes all for land")
    delays: Annotated[list[str], OneOrMore] = option(
        [], "folders of zenith delays of GACOS (YYYYMMDD.ztd with .ztd.rsc, or YYYYMMDD.ztd.tif)"
    )
    tides: bool = option(False, "the solid Earth's tide of every date along the line of sight")
    plots: bool = option(False, "pictures of every pair")
    offsets: bool = option(False, "range and azimuth offsets of every pair by amplitudes")
    along_track: bool = option(False, "along-track motion of every pair in burst overlaps", alias="along-track")
    pairs: Pairs = option(Pairs(), "which pairs are formed")
    new_frame: str | None = option(
        None, "name of a definition to make below <results>/insar/define-frame", pattern=r"^[A-Za-z0-9_-]+$",
        alias="new-frame",
    )  # fmt: skip
    new_frame_products: Annotated[list[str], OneOrMore] = option(
        [], "SAFE folders or zips of the pass that the new frame is defined by", alias="new-frame-products"
    )
    fetch_product: CheckFetched = option(CheckFetched(), "how fetched products are checked", alias="fetch-product")
    define_frame: DefineFrame = option(DefineFrame(), "how a new frame is defined", alias="define-frame")
    parse_safe: ParseSafe = option(ParseSafe(), "products to bursts and orbit", alias="parse-safe")
    prepare_dem: PrepareDem = option(PrepareDem(), "ellipsoidal heights around a frame", alias="prepare-dem")
    reference_geometry: ReferenceGeometry = option(
        ReferenceGeometry(), "the radar grid and the ground", alias="reference-geometry"
    )
    geocode_geometry: GeocodeGeometry = option(
        GeocodeGeometry(), "the lookup and lines of sight", alias="geocode-geometry"
    )
    correlate_amplitudes: CorrelateAmplitudes = option(
        CorrelateAmplitudes(), "offsets by amplitudes", alias="correlate-amplitudes"
    )
    estimate_diversity: EstimateDiversity = option(
        EstimateDiversity(), "azimuth shifts by spectral diversity", alias="estimate-diversity"
    )
    solve_network: SolveNetwork = option(SolveNetwork(), "shifts of all dates", alias="solve-network")
    coregister: Coregister = option(Coregister(), "dates resampled to the reference")
    verify_coregistration: VerifyCoregistration = option(
        VerifyCoregistration(), "what resampled dates may be off", alias="verify-coregistration"
    )
    form_interferogram: FormInterferogram = option(
        FormInterferogram(), "interferograms summed over looks", alias="form-interferogram"
    )
    estimate_azimuth_offsets: EstimateAzimuthOffsets = option(
        EstimateAzimuthOffsets(), "offsets of pairs by amplitudes", alias="estimate-azimuth-offsets"
    )
    measure_along_track: MeasureAlongTrack = option(
        MeasureAlongTrack(), "along-track motion in burst overlaps", alias="measure-along-track"
    )
    filter_phase: FilterPhase = option(FilterPhase(), "the phase filtered for unwrapping", alias="filter-phase")
    unwrap: Unwrap = option(Unwrap(), "unwrapped phase")
    check_closure: CheckClosure = option(CheckClosure(), "closure of triplets and repairs", alias="check-closure")
    geocode: Geocode = option(Geocode(), "pairs on the geographic grid")
    geocode_delay: GeocodeDelay = option(GeocodeDelay(), "slant delays of dates", alias="geocode-delay")
    correct_atmosphere: CorrectAtmosphere = option(
        CorrectAtmosphere(), "tropospheric delay taken off pairs", alias="correct-atmosphere"
    )
    plot_pair: PlotPair = option(PlotPair(), "pictures of pairs", alias="plot-pair")
    describe_frame: DescribeFrame = option(DescribeFrame(), "metadata of a frame", alias="describe-frame")
    publish: Publish = option(Publish(), "the tree of a frame's products")
    report_frame: ReportFrame = option(ReportFrame(), "progress of a frame", alias="report-frame")


Section = Insar
