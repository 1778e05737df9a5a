"""Noise maps from dark frames: `make-noise-maps`.

Frames are grouped by gain and exposure time into stacks. Sums run over fixed blocks of frames, which ranks share in
turns and rank 0 adds up in order: any number of ranks gives the same bits, any number of frames the same memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.core import mpi
from levelworks.core.aggregate import refuse_too_many
from levelworks.core.outcome import InvalidInput, Outcome
from levelworks.core.progress import track
from levelworks.coronagraph.calibrate import detector_value, to_level2a
from levelworks.coronagraph.dq import UNUSABLE
from levelworks.coronagraph.fits_writer import Plane, card, write_planes
from levelworks.coronagraph.geometry import Geometry, Region
from levelworks.coronagraph.noise_maps import NoiseMaps, fit_noise_maps, inverse_variances
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
    summed = _sum(work, table, options, communicator)
    if summed is None:
        return Outcome()
    sums, unusable = summed
    left_out += [(path.name, reason) for path, reason in unusable.items()]
    refuse_too_many(left_out, len(frames), options.max_quarantined, "dark frames")
    maps = _fit(sums, good[0], options)
    warnings = [f"left out {name}: {reason}" for name, reason in left_out] + list(maps.warnings)
    files = {"frames": [frame.path for frame in good if frame.path not in unusable]}
    if nonlinearity is not None:
        files["nonlinearity"] = [nonlinearity]
    _write(noise_maps, maps, good[0].geometry, files)
    quality = {
        "frames": len(files["frames"]),
        "left_out": len(left_out),
        "stacks": len(sums),
        "read_noise_e": maps.read_noise,
        "bias_offset_dn": maps.bias_offset,
        "fixed_pattern_sd_e": float(np.nanstd(maps.fixed_pattern)),
        "dark_current_mean_e_s": float(np.nanmean(maps.dark_current)),
        "clock_induced_charge_mean_e": float(np.nanmean(maps.clock_induced_charge)),
    }
    return Outcome(quality=quality, warnings=tuple(warnings))


def _fit(sums: list[StackSums], frame: _Frame, options: MakeNoiseMaps) -> NoiseMaps:
    """Fit the maps; where weights are wanted, they come from a first fit without."""
    maps = fit_noise_maps(sums, frame.geometry, frame.k_gain, telemetry_rows=options.telemetry_rows)
    if not options.weighted:
        return maps
    charge, current = float(np.nanmean(maps.clock_induced_charge)), float(np.nanmean(maps.dark_current))
    weights = inverse_variances(sums, maps.read_noise, charge, current)
    return fit_noise_maps(sums, frame.geometry, frame.k_gain, weights=weights, telemetry_rows=options.telemetry_rows)


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
) -> tuple[list[StackSums], dict[Path, str]] | None:
    """Sum the blocks, one a rank in each turn; rank 0 adds them to their stacks at once, so that few are in memory.

    Returns
    -------
    list of StackSums, dict of Path to str, or None
        On rank 0 the stacks that have frames, and why frames were left out; None on the others.
    """
    stacks: dict[tuple[float, float], StackSums] = {}
    unusable: dict[Path, str] = {}
    turns = mpi.blocks(len(work), communicator.size)
    for turn in track(turns, len(turns), "turns of blocks summed"):
        mine = turn.start + communicator.rank
        block = _sum_block(work[mine], table, options) if mine in turn else None
        if communicator.rank > 0:
            if block is not None:
                communicator.send(block, 0)
            continue
        for number in turn:
            sums, faults = block if block and number == mine else communicator.receive(number - turn.start)
            key = work[number][0]
            stacks[key] = merge_sums([stacks[key], sums]) if key in stacks else sums
            unusable |= faults
    return ([sums for sums in stacks.values() if sums.frames], unusable) if communicator.rank == 0 else None


def _sum_block(
    work: Work, table: NonlinearityTable | None, options: MakeNoiseMaps
) -> tuple[StackSums, dict[Path, str]]:
    (gain, exposure_time), number, members = work
    geometry = members[0].geometry
    whole = Region(*geometry.shape, 0, 0)
    sums = StackSums.empty(geometry.shape, gain, exposure_time, number)
    curve = None if table is None else curve_at_gain(table, gain)
    unusable: dict[Path, str] = {}
    for member in members:
        try:
            linear = to_level2a(read_level1(member.path), curve, options, region=whole)
        except InvalidInput as error:
            unusable[member.path] = str(error)
            continue
        sums.add(linear.counts * linear.k_gain, (linear.dq & np.uint16(UNUSABLE)) == 0)
    return sums, unusable


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
