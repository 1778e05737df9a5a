"""The stages of the insar line: file to file, from readers through algorithms to products."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import Outcome
from levelworks.core.stage import stage
from levelworks.insar.coregistration.coregister_options import Coregister
from levelworks.insar.interferograms.filter_options import FilterPhase
from levelworks.insar.interferograms.interferogram_options import FormInterferogram
from levelworks.insar.mosaic.geometry_options import ReferenceGeometry
from levelworks.insar.network.closure_options import CheckClosure
from levelworks.insar.safe.parse_options import ParseSafe
from levelworks.insar.unwrapping.unwrap_options import Unwrap


def _empty_acquisition(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.safe.parse_stage import write_empty_acquisition

    write_empty_acquisition(path, outcome)


def _empty_geometry(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.mosaic.geometry_stage import write_empty_geometry

    write_empty_geometry(path, outcome)


def _empty_rslc(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.coregistration.coregister_stage import write_empty_rslc

    write_empty_rslc(path, outcome)


def _empty_interferogram(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.interferograms.interferogram_files import write_empty_interferogram

    write_empty_interferogram(path, outcome)


def _empty_filtered(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.interferograms.filter_stage import write_empty_filtered

    write_empty_filtered(path, outcome)


def _empty_unwrapped(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.unwrapping.unwrap_stage import write_empty_unwrapped

    write_empty_unwrapped(path, outcome)


def _empty_closure(path: Path, outcome: Outcome) -> None:
    from levelworks.insar.network.closure_stage import write_empty_closure

    write_empty_closure(path, outcome)


@stage("insar", "parse-safe", version=1, empty=_empty_acquisition)
def parse_safe(
    frame: Path, products: list[Path], orbits: list[Path] | None, *, acquisition: Path, options: ParseSafe
) -> Outcome:
    """Find the bursts of a frame in the products of a pass, and choose its orbit; pixels stay where they are."""
    from levelworks.insar.safe.parse_stage import parse_safe as work

    return work(frame, products, orbits, acquisition=acquisition, options=options)


@stage("insar", "reference-geometry", version=1, empty=_empty_geometry, mpi=True)
def reference_geometry(
    frame: Path, reference: Path, heights: Path, *, geometry: Path, options: ReferenceGeometry
) -> Outcome:
    """Place the reference's bursts on one radar grid and locate them on the ground; bursts are shared among ranks."""
    from levelworks.insar.mosaic.geometry_stage import reference_geometry as work

    return work(frame, reference, heights, geometry=geometry, options=options)


@stage("insar", "coregister", version=1, empty=_empty_rslc, mpi=True)
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


@stage("insar", "form-interferogram", version=1, empty=_empty_interferogram, mpi=True)
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


@stage("insar", "filter-phase", version=1, empty=_empty_filtered, mpi=True)
def filter_phase(interferogram: Path, *, filtered: Path, options: FilterPhase) -> Outcome:
    """Filter the phase of an interferogram for unwrapping; strips are shared among ranks."""
    from levelworks.insar.interferograms.filter_stage import filter_phase as work

    return work(interferogram, filtered=filtered, options=options)


@stage("insar", "unwrap", version=1, empty=_empty_unwrapped, mpi=True)
def unwrap(
    frame: Path, interferogram: Path, filtered: Path, lookup: Path | None, *, unwrapped: Path, options: Unwrap
) -> Outcome:
    """Unwrap an interferogram; tiles of a large one are shared among ranks."""
    from levelworks.insar.unwrapping.unwrap_stage import unwrap_interferogram as work

    return work(frame, interferogram, filtered, lookup, unwrapped=unwrapped, options=options)


@stage("insar", "check-closure", version=1, empty=_empty_closure, mpi=True)
def check_closure(unwrapped: list[Path], *, folder: Path, options: CheckClosure) -> Outcome:
    """Check the closure of triplets and find whole cycles to repair; triplets are shared among ranks."""
    from levelworks.insar.network.closure_stage import check_closure as work

    return work(unwrapped, folder=folder, options=options)
