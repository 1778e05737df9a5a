"""Running every kernel of the line once, on a small simulated pair, so that its compiled code lies on disk."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import levelworks.insar
from levelworks.core.kernels import say_compiled
from levelworks.insar.coregistration.amplitude_stage import correlate_amplitudes
from levelworks.insar.coregistration.coregister_options import Coregister
from levelworks.insar.coregistration.coregister_stage import coregister
from levelworks.insar.coregistration.diversity_stage import estimate_diversity
from levelworks.insar.coregistration.refinement_options import CorrelateAmplitudes, EstimateDiversity
from levelworks.insar.displacement.along_track_options import MeasureAlongTrack
from levelworks.insar.displacement.along_track_stage import measure_along_track
from levelworks.insar.displacement.offsets_options import EstimateAzimuthOffsets
from levelworks.insar.displacement.offsets_stage import estimate_azimuth_offsets
from levelworks.insar.geocoding.geocode_options import Geocode
from levelworks.insar.geocoding.geocode_stage import geocode
from levelworks.insar.geocoding.geometry_options import GeocodeGeometry
from levelworks.insar.geocoding.geometry_stage import geocode_geometry
from levelworks.insar.interferograms.filter_options import FilterPhase
from levelworks.insar.interferograms.filter_stage import filter_phase
from levelworks.insar.interferograms.interferogram_options import FormInterferogram
from levelworks.insar.interferograms.interferogram_stage import form_interferogram
from levelworks.insar.mosaic.geometry_options import ReferenceGeometry
from levelworks.insar.mosaic.geometry_stage import reference_geometry
from levelworks.insar.safe.parse_options import ParseSafe
from levelworks.insar.safe.parse_stage import parse_safe
from levelworks.insar.simulate_command import add_arguments, simulate
from levelworks.insar.unwrapping.unwrap_options import Unwrap
from levelworks.insar.unwrapping.unwrap_stage import unwrap_interferogram


def warm() -> str:
    """Compile the kernels for every type of array that the stages work on, and say how many were new."""
    with tempfile.TemporaryDirectory() as directory:
        _run(Path(directory))
    return say_compiled(levelworks.insar)


def _run(folder: Path) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    simulate(folder, parser.parse_args(["--dates", "2"]))
    frame, heights, geometry = folder / "frame.json", folder / "dem.tif", folder / "geometry.h5"
    orbits = sorted((folder / "orbits").iterdir())
    dates = []
    for product in sorted((folder / "products").iterdir()):
        dates.append(folder / f"{product.name[17:25]}.json")
        parse_safe(frame, [product], orbits, acquisition=dates[-1], options=ParseSafe())
    first, second = dates
    common = frame, first
    reference_geometry(*common, heights, geometry=geometry, options=ReferenceGeometry())
    lookup = folder / "lookup"
    geocode_geometry(*common, heights, geometry, None, folder=lookup, options=GeocodeGeometry())
    offset = folder / "offset.json"
    correlate_amplitudes(*common, second, geometry, offset=offset, options=CorrelateAmplitudes())
    estimate_diversity(
        *common,
        first,
        second,
        geometry,
        None,
        offset,
        shift=folder / "shift.json",
        options=EstimateDiversity(least_cells=30),
    )
    bursts = [folder / date.stem for date in dates]
    for date, own in zip(dates, bursts, strict=True):
        coregister(*common, date, geometry, None, folder=own, options=Coregister())
    dated = *common, geometry, lookup, *bursts
    estimate_azimuth_offsets(*dated, folder=folder / "offsets", options=EstimateAzimuthOffsets())
    measure_along_track(*dated, folder=folder / "along-track", options=MeasureAlongTrack())
    pair, filtered, unwrapped = (folder / f"{name}.h5" for name in ("pair", "filtered", "unwrapped"))
    form_interferogram(*common, geometry, bursts[0], bursts[1], interferogram=pair, options=FormInterferogram())
    filter_phase(pair, filtered=filtered, options=FilterPhase())
    for domain in ("radar", "geographic"):
        options = Unwrap.model_validate({"domain": domain})
        unwrap_interferogram(frame, pair, filtered, lookup, unwrapped=unwrapped, options=options)
        geocode(frame, lookup, pair, filtered, unwrapped, None, folder=folder / domain, options=Geocode())
