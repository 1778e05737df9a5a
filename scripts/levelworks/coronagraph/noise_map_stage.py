"""Noise maps from dark frames: `make-noise-maps`.

Frames are grouped by gain and exposure time into stacks. Sums run over fixed blocks of frames, which ranks share and
rank 0 adds up in order: any number of ranks gives the same bits, any number of frames the same memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.core import mpi
from levelworks.core.outcome import InvalidInput, LevelworksError, Outcome
from levelworks.core.progress import track
from levelworks.coronagraph.calibrate import detector_value, to_level2a
from levelworks.coronagraph.dq import UNUSABLE
from levelworks.coronagraph.fits_writer import Plane, card, write_planes
from levelworks.coronagraph.geometry import Geometry, Region
from levelworks.coronagraph.noise_maps import NoiseMaps, fit_noise_maps
from levelworks.coronagraph.nonlinearity import NonlinearityTable, curve_at_gain
from levelworks.coronagraph.options import MakeNoiseMaps
from levelworks.coronagraph.products import primary_cards, provenance
from levelworks.coronagraph.readers import read_level1, read_nonlinearity
from levelworks.coronagraph.stack_sums import StackSums, merge_sums


@dataclass(frozen=True)
class _Frame:
    path: Path
    gain: float
    exposure_time: float
    k_gain: float
    geometry: Geometry


def make_noise_maps(
    frames: Sequence[Path], nonlinearity: Path | None, noise_maps: Path, options: MakeNoiseMaps
) -> Outcome:
    """Fit noise maps to the dark frames that can be used and write them.

    Raises
    ------
    InvalidInput
        Where no frame can be used, geometries or K gains differ, or the stacks do not span gain and time.
    """
    communicator = mpi.world()
    table = None if nonlinearity is None else read_nonlinearity(nonlinearity)
    with mpi.together(communicator):
        good, left_out = _inspect(sorted(frames, key=lambda path: path.name), options)
    stacks = _stacks(good)
    work = [(key, number, block) for key, members in stacks.items() for number, block in _blocks(members, options)]
    sums = _sum(work, table, options, communicator)
    if sums is None:
        return Outcome()
    merged = [merge_sums([one for key, one in sums if key == stack]) for stack in stacks]
    maps = fit_noise_maps(merged, good[0].geometry, good[0].k_gain, telemetry_rows=options.telemetry_rows)
    warnings = [f"left out {name}: {reason}" for name, reason in left_out] + list(maps.warnings)
    files = {"frames": [frame.path for frame in good]}
    if nonlinearity is not None:
        files["nonlinearity"] = [nonlinearity]
    _write(noise_maps, maps, good[0].geometry, files)
    quality = {
        "frames": len(good),
        "left_out": len(left_out),
        "stacks": len(stacks),
        "read_noise_e": maps.read_noise,
        "bias_offset_dn": maps.bias_offset,
        "fixed_pattern_sd_e": float(np.nanstd(maps.fixed_pattern)),
        "dark_current_mean_e_s": float(np.nanmean(maps.dark_current)),
        "clock_induced_charge_mean_e": float(np.nanmean(maps.clock_induced_charge)),
    }
    return Outcome(quality=quality, warnings=tuple(warnings))


def _inspect(frames: Sequence[Path], options: MakeNoiseMaps) -> tuple[list[_Frame], list[tuple[str, str]]]:
    good, left_out = [], []
    for path in frames:
        try:
            frame = read_level1(path)
            header = frame.header
            k_gain = detector_value(options, frame, "k_gain")
            good.append(_Frame(path, header.gain, header.exposure_time, k_gain, frame.geometry))
        except InvalidInput as error:
            left_out.append((path.name, str(error)))
    if not good:
        raise InvalidInput(
            f"none of {len(frames)} dark frames can be used; the first: {left_out[0][1] if left_out else ''}"
        )
    for what in ("geometry", "k_gain"):
        values = {getattr(frame, what) for frame in good}
        if len(values) > 1:
            raise InvalidInput(f"dark frames of different {what.replace('_', ' ')} can't be combined")
    return good, left_out


def _stacks(frames: Sequence[_Frame]) -> dict[tuple[float, float], list[_Frame]]:
    stacks: dict[tuple[float, float], list[_Frame]] = {}
    for frame in frames:
        stacks.setdefault((frame.gain, frame.exposure_time), []).append(frame)
    return dict(sorted(stacks.items()))


def _blocks(members: list[_Frame], options: MakeNoiseMaps) -> list[tuple[int, list[_Frame]]]:
    cut = mpi.blocks(len(members), options.frames_per_block)
    return [(number, members[block.start : block.stop]) for number, block in enumerate(cut)]


Work = tuple[tuple[float, float], int, list[_Frame]]


def _sum(
    work: Sequence[Work], table: NonlinearityTable | None, options: MakeNoiseMaps, communicator: mpi.Communicator
) -> list[tuple[tuple[float, float], StackSums]] | None:
    """Sum the blocks, one a rank at a time; rank 0 gets them all in order, the others None."""
    share = work[communicator.rank :: communicator.size]
    mine = [(one[0], _sum_block(one, table, options)) for one in track(share, len(share), "blocks summed")]
    gathered = communicator.gather(mine)
    if gathered is None:
        return None
    return [gathered[number % communicator.size][number // communicator.size] for number in range(len(work))]


def _sum_block(work: Work, table: NonlinearityTable | None, options: MakeNoiseMaps) -> StackSums:
    (gain, exposure_time), number, members = work
    geometry = members[0].geometry
    whole = Region(*geometry.shape, 0, 0)
    sums = StackSums.empty(geometry.shape, gain, exposure_time, number)
    curve = None if table is None else curve_at_gain(table, gain)
    for member in members:
        try:
            linear = to_level2a(read_level1(member.path), curve, options, region=whole)
        except InvalidInput as error:
            raise LevelworksError(f"{member.path.name} became unusable while it was summed: {error}") from error
        sums.add(linear.counts * linear.k_gain, (linear.dq & np.uint16(UNUSABLE)) == 0)
    return sums


def _write(path: Path, maps: NoiseMaps, geometry: Geometry, files: dict[str, list[Path]]) -> None:
    cards = [
        *primary_cards("noise maps"),
        card("ARRTYPE", geometry.name, "geometry"),
        card("B_O", maps.bias_offset, "[DN] bias offset"),
        card("B_O_ERR", maps.bias_offset_error, "[DN] its error"),
        card("RN", maps.read_noise, "[e-] read noise"),
        card("RN_CORR", maps.read_noise_from_correlation, "[e-] read noise as cgi_iit_drp"),
    ]
    planes = []
    for name, values, errors, unit in (
        ("FPN", maps.fixed_pattern, maps.fixed_pattern_error, "electron"),
        ("CIC", maps.clock_induced_charge, maps.clock_induced_charge_error, "electron"),
        ("DC", maps.dark_current, maps.dark_current_error, "electron/s"),
    ):
        planes += [Plane(name, values, [card("BUNIT", unit)]), Plane(f"{name}_ERR", errors, [card("BUNIT", unit)])]
    planes += [
        Plane("ADJ_R2", maps.adjusted_r2.astype(np.float32)),
        Plane("STACKS", maps.good_stacks),
        Plane("DQ", maps.dq),
    ]
    write_planes(path, cards, planes, [provenance(files)])
