"""The stages of the insar line: file to file, from readers through algorithms to products."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import Outcome
from levelworks.core.stage import stage
from levelworks.insar.archives.archive_options import FetchProduct, RequestProducts
from levelworks.insar.coregistration.coregister_options import Coregister
from levelworks.insar.coregistration.refinement_options import (
    CorrelateAmplitudes,
    EstimateDiversity,
    Solution,
    Verification,
)
from levelworks.insar.corrections.atmosphere_options import CorrectAtmosphere, GeocodeDelay, GeocodeTide
from levelworks.insar.displacement.along_track_options import MeasureAlongTrack
from levelworks.insar.displacement.offsets_options import EstimateAzimuthOffsets
from levelworks.insar.drawing.drawing_options import PlotPair
from levelworks.insar.frames.define_options import DefineFrame
from levelworks.insar.geocoding.dem_options import PrepareDem
from levelworks.insar.geocoding.geocode_options import Geocode, GeocodeEpoch
from levelworks.insar.geocoding.geometry_options import GeocodeGeometry
from levelworks.insar.interferograms.filter_options import FilterPhase
from levelworks.insar.interferograms.interferogram_options import FormInterferogram
from levelworks.insar.mosaic.geometry_options import ReferenceGeometry
from levelworks.insar.network.closure_options import CheckClosure
from levelworks.insar.products.products_options import DescribeFrame, Publish, ReportFrame, ValidateTree
from levelworks.insar.safe.parse_options import ParseSafe
from levelworks.insar.unwrapping.unwrap_options import Unwrap


def _empty(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.products.empty_product import write_empty_product

    write_empty_product(path, outcome)


def _empty_filtered(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.interferograms.filter_stage import write_empty_filtered

    write_empty_filtered(path, outcome)


def _empty_unwrapped(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.unwrapping.unwrap_stage import write_empty_unwrapped

    write_empty_unwrapped(path, outcome)


def _empty_closure(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.network.closure_stage import write_empty_closure

    write_empty_closure(path, outcome)


def _empty_network(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.coregistration.network_stage import write_empty_network

    write_empty_network(path, outcome)


def _empty_pictures(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.drawing.plot_pair_stage import write_empty_pictures

    write_empty_pictures(path, outcome)


def _empty_report(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.products.report_stage import write_empty_frame_report

    write_empty_frame_report(path, outcome)


@stage("insar", "request-products", version=1, empty=_empty, updates="requests")
def request_products(
    catalogue: Path, archive: Path, standing: Path | None, *, requests: Path, options: RequestProducts
) -> Outcome:
    """Ask a tape library for the products of a frame's month at once."""
    from levelworks.insar.archives.request_stage import request_products as work

    return work(catalogue, archive, standing, requests=requests, options=options)


@stage("insar", "fetch-product", version=1, empty=_empty)
def fetch_product(
    catalogue: Path, archive: Path, requests: Path | None, *, product: Path, options: FetchProduct
) -> Outcome:
    """Fetch a product from a folder, an HTTP service or tape, and check it; an interrupted transfer is gone on with."""
    from levelworks.insar.archives.fetch_stage import fetch_product as work

    return work(catalogue, archive, requests, product=product, options=options)


@stage("insar", "define-frame", version=1, empty=_empty)
def define_frame(products: list[Path], *, frame: Path, options: DefineFrame) -> Outcome:
    """Define a frame of the bursts of a pass, whose reference it becomes."""
    from levelworks.insar.frames.define_stage import define as work

    return work(products, frame=frame, options=options)


@stage("insar", "parse-safe", version=1, empty=_empty)
def parse_safe(
    frame: Path, products: list[Path], orbits: list[Path] | None, *, acquisition: Path, options: ParseSafe
) -> Outcome:
    """Find the bursts of a frame in the products of a pass, and choose its orbit; pixels stay where they are."""
    from levelworks.insar.safe.parse_stage import parse_safe as work

    return work(frame, products, orbits, acquisition=acquisition, options=options)


@stage("insar", "prepare-dem", version=1, empty=_empty)
def prepare_dem(frame: Path, elevation: Path, geoid: Path | None, *, heights: Path, options: PrepareDem) -> Outcome:
    """Bring an elevation model to ellipsoidal heights in EPSG:4326 around a frame."""
    from levelworks.insar.geocoding.dem_stage import prepare_dem as work

    return work(frame, elevation, geoid, heights=heights, options=options)


@stage("insar", "reference-geometry", version=1, empty=_empty, mpi=True)
def reference_geometry(
    frame: Path, reference: Path, heights: Path, *, geometry: Path, options: ReferenceGeometry
) -> Outcome:
    """Place the reference's bursts on one radar grid and locate them on the ground; bursts are shared among ranks."""
    from levelworks.insar.mosaic.geometry_stage import reference_geometry as work

    return work(frame, reference, heights, geometry=geometry, options=options)


@stage("insar", "geocode-geometry", version=1, empty=_empty, mpi=True)
def geocode_geometry(
    frame: Path,
    reference: Path,
    heights: Path,
    geometry: Path,
    land: Path | None,
    *,
    folder: Path,
    options: GeocodeGeometry,
) -> Outcome:
    """Locate the geographic grid of a frame in its reference's radar grid; rows are shared among ranks."""
    from levelworks.insar.geocoding.geometry_stage import geocode_geometry as work

    return work(frame, reference, heights, geometry, land, folder=folder, options=options)


@stage("insar", "correlate-amplitudes", version=1, empty=_empty, mpi=True)
def correlate_amplitudes(
    frame: Path, reference: Path, secondary: Path, geometry: Path, *, offset: Path, options: CorrelateAmplitudes
) -> Outcome:
    """Measure by how much a date lies beside what geometry says; bursts are shared among ranks."""
    from levelworks.insar.coregistration.amplitude_stage import correlate_amplitudes as work

    return work(frame, reference, secondary, geometry, offset=offset, options=options)


@stage("insar", "estimate-diversity", version=1, empty=_empty, mpi=True)
def estimate_diversity(
    frame: Path,
    reference: Path,
    first: Path,
    second: Path,
    geometry: Path,
    first_offset: Path | None,
    second_offset: Path | None,
    *,
    shift: Path,
    options: EstimateDiversity,
) -> Outcome:
    """Measure the azimuth shift of two dates in the overlaps of bursts; overlaps are shared among ranks."""
    from levelworks.insar.coregistration.diversity_stage import estimate_diversity as work

    return work(frame, reference, first, second, geometry, first_offset, second_offset, shift=shift, options=options)


@stage("insar", "solve-network", version=2, empty=_empty_network)
def solve_network(
    frame: Path,
    shifts: list[Path] | None,
    offsets: list[Path] | None,
    previous: list[Path] | None,
    *,
    network: Path,
    options: Solution,
) -> Outcome:
    """Solve for the shifts of dates; what earlier solutions decided stays, unless it has moved."""
    from levelworks.insar.coregistration.network_stage import solve_shifts as work

    return work(frame, shifts, offsets, previous, network=network, options=options)


@stage("insar", "coregister", version=1, empty=_empty, mpi=True)
def coregister(
    frame: Path,
    reference: Path,
    secondary: Path,
    geometry: Path,
    network: Path | None,
    *,
    folder: Path,
    options: Coregister,
) -> Outcome:
    """Resample the bursts of a date to the pixels of the reference's; bursts are shared among ranks."""
    from levelworks.insar.coregistration.coregister_stage import coregister as work

    return work(frame, reference, secondary, geometry, network, folder=folder, options=options)


@stage("insar", "verify-coregistration", version=2, empty=_empty, mpi=True)
def verify_coregistration(
    frame: Path, reference: Path, date: Path, against: list[Path], *, residual: Path, options: Verification
) -> Outcome:
    """Measure what is left of a date's azimuth shift after resampling; overlaps are shared among ranks."""
    from levelworks.insar.coregistration.verify_stage import verify_coregistration as work

    return work(frame, reference, date, against, residual=residual, options=options)


@stage("insar", "form-interferogram", version=1, empty=_empty, mpi=True)
def form_interferogram(
    frame: Path,
    reference: Path,
    geometry: Path,
    first: Path,
    second: Path,
    *,
    interferogram: Path,
    options: FormInterferogram,
) -> Outcome:
    """Sum the flattened interferogram of two dates over looks, burst by burst; bursts are shared among ranks."""
    from levelworks.insar.interferograms.interferogram_stage import form_interferogram as work

    return work(frame, reference, geometry, first, second, interferogram=interferogram, options=options)


@stage("insar", "estimate-azimuth-offsets", version=1, empty=_empty, mpi=True)
def estimate_azimuth_offsets(
    frame: Path,
    reference: Path,
    geometry: Path,
    lookup: Path,
    first: Path,
    second: Path,
    *,
    folder: Path,
    options: EstimateAzimuthOffsets,
) -> Outcome:
    """Measure range and azimuth offsets of two dates on a dense grid; bursts are shared among ranks."""
    from levelworks.insar.displacement.offsets_stage import estimate_azimuth_offsets as work

    return work(frame, reference, geometry, lookup, first, second, folder=folder, options=options)


@stage("insar", "measure-along-track", version=1, empty=_empty, mpi=True)
def measure_along_track(
    frame: Path,
    reference: Path,
    geometry: Path,
    lookup: Path,
    first: Path,
    second: Path,
    *,
    folder: Path,
    options: MeasureAlongTrack,
) -> Outcome:
    """Measure the motion of two dates along the flight in burst overlaps; overlaps are shared among ranks."""
    from levelworks.insar.displacement.along_track_stage import measure_along_track as work

    return work(frame, reference, geometry, lookup, first, second, folder=folder, options=options)


@stage("insar", "filter-phase", version=1, empty=_empty_filtered)
def filter_phase(interferogram: Path, *, filtered: Path, options: FilterPhase) -> Outcome:
    """Filter the phase of an interferogram for unwrapping."""
    from levelworks.insar.interferograms.filter_stage import filter_phase as work

    return work(interferogram, filtered=filtered, options=options)


@stage("insar", "unwrap", version=1, empty=_empty_unwrapped)
def unwrap(
    frame: Path, interferogram: Path, filtered: Path, lookup: Path | None, *, unwrapped: Path, options: Unwrap
) -> Outcome:
    """Unwrap an interferogram, a large one in tiles that a killed job finds again."""
    from levelworks.insar.unwrapping.unwrap_stage import unwrap_interferogram as work

    return work(frame, interferogram, filtered, lookup, unwrapped=unwrapped, options=options)


@stage("insar", "check-closure", version=2, empty=_empty_closure, mpi=True)
def check_closure(unwrapped: list[Path], *, folder: Path, options: CheckClosure) -> Outcome:
    """Check the closure of triplets and find whole cycles to repair; triplets are shared among ranks."""
    from levelworks.insar.network.closure_stage import check_closure as work

    return work(unwrapped, folder=folder, options=options)


@stage("insar", "geocode", version=2, empty=_empty)
def geocode(
    frame: Path,
    lookup: Path,
    interferogram: Path,
    filtered: Path,
    unwrapped: Path,
    closure: Path | None,
    *,
    folder: Path,
    options: Geocode,
) -> Outcome:
    """Write the layers of a pair as GeoTIFFs on the frame's grid."""
    from levelworks.insar.geocoding.geocode_stage import geocode as work

    return work(frame, lookup, interferogram, filtered, unwrapped, closure, folder=folder, options=options)


@stage("insar", "geocode-epoch", version=1, empty=_empty)
def geocode_epoch(frame: Path, lookup: Path, date: Path, *, image: Path, options: GeocodeEpoch) -> Outcome:
    """Write the mean intensity of a date on the frame's grid."""
    from levelworks.insar.geocoding.geocode_stage import geocode_epoch as work

    return work(frame, lookup, date, image=image, options=options)


@stage("insar", "geocode-delay", version=2, empty=_empty)
def geocode_delay(
    frame: Path, acquisition: Path, geometry: Path, zenith: list[Path], *, delay: Path, options: GeocodeDelay
) -> Outcome:
    """Write the tropospheric delay of a date along the line of sight on the frame's grid."""
    from levelworks.insar.corrections.delay_stage import geocode_delay as work

    return work(frame, acquisition, geometry, zenith, delay=delay, options=options)


@stage("insar", "geocode-tide", version=1, empty=_empty)
def geocode_tide(frame: Path, acquisition: Path, geometry: Path, *, tide: Path, options: GeocodeTide) -> Outcome:
    """Write the solid Earth's tide of a date along the line of sight on the frame's grid."""
    from levelworks.insar.corrections.tide_stage import geocode_tide as work

    return work(frame, acquisition, geometry, tide=tide, options=options)


@stage("insar", "correct-atmosphere", version=1, empty=_empty)
def correct_atmosphere(
    frame: Path,
    layers: Path,
    geometry: Path,
    first_delay: Path | None,
    second_delay: Path | None,
    *,
    folder: Path,
    options: CorrectAtmosphere,
) -> Outcome:
    """Take tropospheric delay off the unwrapped phase of a pair."""
    from levelworks.insar.corrections.atmosphere_stage import correct_atmosphere as work

    return work(frame, layers, geometry, first_delay, second_delay, folder=folder, options=options)


@stage("insar", "plot-pair", version=1, empty=_empty_pictures)
def plot_pair(geocoded: Path, *, pictures: Path, options: PlotPair) -> Outcome:
    """Draw the wrapped and the unwrapped phase and the coherence of a pair."""
    from levelworks.insar.drawing.plot_pair_stage import plot_pair as work

    return work(geocoded, pictures=pictures, options=options)


@stage("insar", "describe-frame", version=2, empty=_empty)
def describe_frame(
    frame: Path,
    reference: Path,
    acquisitions: list[Path],
    geometry: Path,
    geocoded_geometry: Path,
    pairs: list[Path],
    closure: list[Path],
    verified: list[Path],
    *,
    metadata: Path,
    options: DescribeFrame,
) -> Outcome:
    """Write the metadata of a frame."""
    from levelworks.insar.products.describe_frame_stage import describe_frame as work

    return work(
        frame,
        reference,
        acquisitions,
        geometry,
        geocoded_geometry,
        pairs,
        closure,
        verified,
        metadata=metadata,
        options=options,
    )


@stage("insar", "publish", version=1, empty=_empty)
def publish(
    frame: Path,
    metadata: Path,
    pairs: list[Path],
    pictures: list[Path] | None,
    epochs: list[Path],
    closure: list[Path],
    delays: list[Path] | None,
    tides: list[Path] | None,
    corrections: list[Path] | None,
    offsets: list[Path] | None,
    along_track: list[Path] | None,
    *,
    tree: Path,
    options: Publish,
) -> Outcome:
    """Put the products of a frame together as a tree."""
    from levelworks.insar.products.publish_stage import publish as work

    return work(
        frame,
        metadata,
        pairs,
        pictures,
        epochs,
        closure,
        delays=delays,
        tides=tides,
        corrections=corrections,
        offsets=offsets,
        along_track=along_track,
        tree=tree,
        options=options,
    )


@stage("insar", "validate-tree", version=1, empty=_empty)
def validate_tree(tree: Path, *, report: Path, options: ValidateTree) -> Outcome:
    """Validate a published tree as readers of LiCSAR's products read it."""
    from levelworks.insar.products.validate_tree_stage import validate_tree_stage as work

    return work(tree, report=report, options=options)


@stage("insar", "report-frame", version=1, empty=_empty_report)
def report_frame(
    frame: Path,
    acquisitions: list[Path],
    coregistered: list[Path],
    verified: list[Path] | None,
    diversity: list[Path] | None,
    interferograms: list[Path],
    filtered: list[Path],
    unwrapped: list[Path],
    pairs: list[Path],
    closure: list[Path] | None,
    *,
    page: Path,
    table: Path,
    options: ReportFrame,
) -> Outcome:
    """Report how a frame's dates and pairs stand."""
    from levelworks.insar.products.report_stage import report_frame as work

    return work(
        frame,
        acquisitions,
        coregistered,
        verified or [],
        diversity or [],
        interferograms,
        filtered,
        unwrapped,
        pairs,
        closure or [],
        page=page,
        table=table,
        options=options,
    )
