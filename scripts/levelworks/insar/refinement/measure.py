"""Misregistration measured on the products of a pair: patches of a burst, and overlaps of two (specs/insar.md 4.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from levelworks.insar.refinement.burst_pair import BurstPair, secondary_lines
from levelworks.insar.refinement.cross_correlation import PatchOffsets, patch_corners, patch_offsets
from levelworks.insar.refinement.overlaps import (
    LOOKS,
    Overlap,
    OverlapCells,
    doppler_differences,
    overlap_cells,
    strip_sums,
)
from levelworks.insar.safe.measurement import read_burst

PATCH = (64, 128)
PATCHES = (6, 24)
"""The most along lines and samples of a burst: a quarter of its lines is resampled."""


@dataclass(frozen=True)
class Strips:
    """One date's lines of an overlap, in the first burst and in the second, on the reference's grid.

    ``images`` complex64, 0 where there is no pixel; ``range_differences`` from the reference (m) on the offsets' grid.
    """

    images: tuple[np.ndarray, np.ndarray]
    range_differences: tuple[np.ndarray, np.ndarray]


def measure_patches(
    pair: BurstPair,
    added: tuple[float, float] = (0.0, 0.0),
    patch: tuple[int, int] = PATCH,
    most: tuple[int, int] = PATCHES,
) -> PatchOffsets:
    """Measure the amplitude offsets of patches of a burst, with lines and samples added already.

    The patches are spread over the reference's valid window.
    """
    window = pair.reference.valid
    shape = window.last_line - window.first_line + 1, window.last_sample - window.first_sample + 1
    by_row: dict[int, list[int]] = {}
    for row, column in patch_corners(shape, patch, most):
        by_row.setdefault(window.first_line + row, []).append(window.first_sample + column)
    found = []
    for row, columns in by_row.items():
        lines = row, row + patch[0]
        images = read_burst(pair.reference, lines), secondary_lines(pair, lines, added)
        for image in images:
            pair.carriers[0].remove(image, row)
        measured = patch_offsets(*images, [(0, column) for column in columns], patch)
        found.append((measured, row))
    return join_patches([_lower(measured, row) for measured, row in found])


def measure_overlap(
    overlap: Overlap,
    pairs: Mapping[str, BurstPair],
    added: tuple[float, float] = (0.0, 0.0),
    looks: tuple[int, int] = LOOKS,
) -> OverlapCells:
    """Form the double differences of an overlap with lines and samples added; only its lines are read.

    Parameters
    ----------
    overlap : Overlap
        Of two bursts of the reference.
    pairs : mapping of str to BurstPair
        By the keys of bursts.
    """
    first, second = reference_strips(overlap, pairs), secondary_strips(overlap, pairs, added)
    return strip_cells(overlap, pairs, (first, second), looks)


def reference_strips(overlap: Overlap, pairs: Mapping[str, BurstPair]) -> Strips:
    """Read the overlap's lines of both bursts of the reference."""
    both = pairs[overlap.first], pairs[overlap.second]
    images = [read_burst(pair.reference, _lines(overlap, which)) for which, pair in enumerate(both)]
    nothing = [np.zeros_like(pair.offsets.range_difference) for pair in both]
    return Strips((images[0], images[1]), (nothing[0], nothing[1]))


def secondary_strips(
    overlap: Overlap, pairs: Mapping[str, BurstPair], added: tuple[float, float] = (0.0, 0.0)
) -> Strips:
    """Resample the overlap's lines of both bursts of a secondary, with lines and samples added."""
    both = pairs[overlap.first], pairs[overlap.second]
    images = [secondary_lines(pair, _lines(overlap, which), added) for which, pair in enumerate(both)]
    return Strips((images[0], images[1]), (both[0].offsets.range_difference, both[1].offsets.range_difference))


def strip_cells(
    overlap: Overlap,
    pairs: Mapping[str, BurstPair],
    strips: tuple[Strips, Strips],
    looks: tuple[int, int] = LOOKS,
) -> OverlapCells:
    """Form the double differences of two dates, either of which may be the reference.

    Parameters
    ----------
    overlap : Overlap
    pairs : mapping of str to BurstPair
        Of the reference and any date, by the keys of bursts.
    strips : tuple of Strips
        Of the earlier date and the later one: the shift found is the second's less the first's.
    """
    both = pairs[overlap.first], pairs[overlap.second]
    sums = []
    for which, pair in enumerate(both):
        between = strips[1].range_differences[which] - strips[0].range_differences[which]
        offsets = replace(pair.offsets, range_difference=between)
        images = strips[0].images[which], strips[1].images[which]
        sums.append(strip_sums(overlap, which, *images, offsets, pair.reference.wavelength, looks))
    doppler = doppler_differences(overlap, (both[0].carriers[0], both[1].carriers[0]), looks)
    return overlap_cells(sums[0], sums[1], doppler, overlap.interval)


def _lines(overlap: Overlap, which: int) -> tuple[int, int]:
    lines, _ = overlap.part(which)
    return lines.start, lines.stop


def join_patches(parts: list[PatchOffsets]) -> PatchOffsets:
    """Join the patches of several bursts, or of several lines of one."""
    names = ("row", "column", "line", "sample", "correlation", "ratio")
    return PatchOffsets(*(np.concatenate([np.zeros(0), *(getattr(part, name) for part in parts)]) for name in names))


def _lower(patches: PatchOffsets, row: int) -> PatchOffsets:
    return PatchOffsets(
        patches.row + row, patches.column, patches.line, patches.sample, patches.correlation, patches.ratio
    )
