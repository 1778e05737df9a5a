"""The stages of the coronagraph line: file to file, from readers through algorithms to products."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import Outcome
from levelworks.core.stage import stage
from levelworks.coronagraph.options import (
    CalibrateFrame,
    Combine,
    CountPhotons,
    MakeBadPixelMap,
    MakeDark,
    MakeNoiseMaps,
    Plot,
)


def _empty_product(path: Path, outcome: Outcome) -> None:
    from levelworks.coronagraph.products import write_empty

    write_empty(path, outcome)


def _empty_picture(path: Path, outcome: Outcome) -> None:
    from levelworks.coronagraph.plots import draw_nothing

    draw_nothing(path, outcome)


@stage("coronagraph", "make-dark", version=1, empty=_empty_product)
def make_dark(
    fixed_pattern: Path | None,
    dark_current: Path | None,
    clock_induced_charge: Path | None,
    noise_maps: Path | None,
    *,
    dark: Path,
    options: MakeDark,
) -> Outcome:
    """Build the master dark of one gain and exposure time.

    Maps that are not given count as zero; ``noise_maps``, a product of `make-noise-maps`, stands for all three.
    """
    from levelworks.coronagraph import dark_stage

    return dark_stage.make_dark(
        {"fixed_pattern": fixed_pattern, "dark_current": dark_current, "clock_induced_charge": clock_induced_charge},
        noise_maps,
        dark,
        options,
    )


@stage("coronagraph", "calibrate-frame", version=1, empty=_empty_product)
def calibrate_frame(
    frame: Path,
    dark: Path | None,
    flat: Path | None,
    bad_pixels: Path | None,
    nonlinearity: Path | None,
    *,
    level2b: Path,
    level2a: Path | None,
    peer_level2a_image: Path | None,
    peer_level2a_map: Path | None,
    peer_level2b_image: Path | None,
    peer_level2b_map: Path | None,
    options: CalibrateFrame,
) -> Outcome:
    """Calibrate one frame from Level 1 to Level 2a and Level 2b."""
    from levelworks.coronagraph import frame_stage
    from levelworks.coronagraph.references import ReferenceFiles

    peer = (peer_level2a_image, peer_level2a_map, peer_level2b_image, peer_level2b_map)
    references = ReferenceFiles(dark, flat, bad_pixels, nonlinearity)
    return frame_stage.calibrate_frame(frame, references, level2a, level2b, peer, options)


@stage("coronagraph", "combine", version=1, empty=_empty_product, mpi=True)
def combine(
    frames: list[Path],
    *,
    mean: Path,
    median: Path,
    peer_mean_image: Path | None,
    peer_mean_map: Path | None,
    peer_median_image: Path | None,
    peer_median_map: Path | None,
    options: Combine,
) -> Outcome:
    """Combine the Level 2b frames of a dataset into their mean and median."""
    from levelworks.coronagraph import dataset_stages

    peer = (peer_mean_image, peer_mean_map, peer_median_image, peer_median_map)
    return dataset_stages.combine(frames, mean, median, peer, options)


@stage("coronagraph", "count-photons", version=1, empty=_empty_product, mpi=True)
def count_photons(
    frames: list[Path],
    fixed_pattern: Path | None,
    noise_maps: Path | None,
    flat: Path | None,
    bad_pixels: Path | None,
    dark: Path | None,
    *,
    photons: Path,
    options: CountPhotons,
) -> Outcome:
    """Count photons in the Level 2a frames of a dataset and invert the counts exactly.

    ``noise_maps``, a product of `make-noise-maps`, stands for the fixed pattern. ``dark`` is the product of the same
    stage for dark frames of the same setting; it is subtracted afterwards.
    """
    from levelworks.coronagraph import dataset_stages

    references = dataset_stages.CountingReferences(fixed_pattern, noise_maps, flat, bad_pixels, dark)
    return dataset_stages.count_photons(frames, references, photons, options)


@stage("coronagraph", "make-noise-maps", version=1, empty=_empty_product, mpi=True)
def make_noise_maps(
    frames: list[Path], nonlinearity: Path | None, *, noise_maps: Path, options: MakeNoiseMaps
) -> Outcome:
    """Fit fixed pattern, clock-induced charge and dark current to dark frames of several gains and times."""
    from levelworks.coronagraph import noise_map_stage

    return noise_map_stage.make_noise_maps(frames, nonlinearity, noise_maps, options)


@stage("coronagraph", "make-bad-pixel-map", version=1, empty=_empty_product)
def make_bad_pixel_map(
    dark_current: Path | None, flat: Path | None, *, bad_pixels: Path, options: MakeBadPixelMap
) -> Outcome:
    """Flag hot pixels of a dark-current map and dead pixels of a flat."""
    from levelworks.coronagraph import dark_stage

    return dark_stage.make_bad_pixel_map(dark_current, flat, bad_pixels, options)


@stage("coronagraph", "plot", version=1, empty=_empty_picture)
def plot(product: Path, *, picture: Path, options: Plot) -> Outcome:
    """Draw a product: image, error, flags and their distributions."""
    from levelworks.coronagraph.plots import draw_product

    return draw_product(product, picture, options)
