"""From a granule to its captures: read, cut, screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from levelworks.core.outcome import Outcome, Status
from levelworks.xco2.capture_files import CutGranule, write_captures
from levelworks.xco2.captures import MODES, Capture, Dropped, cut_captures
from levelworks.xco2.granule import Granule
from levelworks.xco2.lite_names import parse_name
from levelworks.xco2.lite_variables import DEFAULT_VARIABLES, never_gridded
from levelworks.xco2.options import CutCaptures
from levelworks.xco2.readers import list_variables, read_granule
from levelworks.xco2.screening import Screen, screen_capture, screen_captures, screen_footprints
from levelworks.xco2.sounding_errors import needed_for_errors
from levelworks.xco2.swath_jumps import compare_swaths, flag_swath_jumps, number_swaths
from levelworks.xco2.targets import read_targets

Part = TypeVar("Part", Capture, Dropped)


def wanted_variables(path: Path, options: CutCaptures) -> tuple[list[str], tuple[str, ...]]:
    """Return the full paths of the variables to grid, and those asked for that are never gridded.

    Parameters
    ----------
    path : Path
        Lite file, looked into where everything is asked for.
    options : CutCaptures
    """
    kind = parse_name(path.name).kind
    if options.everything and options.variables is None:
        groups = {"/" + group.strip("/") for group in options.left_out_groups}
        left_out = {"/" + name.strip("/") for name in options.left_out_variables}
        names = [
            name for name in list_variables(path) if name.rpartition("/")[0] not in groups and name not in left_out
        ]
    else:
        chosen = DEFAULT_VARIABLES[kind] if options.variables is None else options.variables
        names = ["/" + name.strip("/") for name in chosen]
    refused = tuple(name for name in names if never_gridded(kind, name))
    return [name for name in dict.fromkeys(names) if name not in refused], refused


def cut(path: Path, targets_file: Path | None, product: Path, options: CutCaptures) -> Outcome:
    """Cut a granule into captures and write them; a granule without any is skipped."""
    names, refused = wanted_variables(path, options)
    granule = read_granule(path, [*names, *needed_for_errors(names)])
    targets = read_targets(targets_file) if targets_file is not None else {}
    captures, dropped = cut_captures(
        granule, targets, gap_s=options.gap_s, cap_km=options.cap_km, modes=options.modes, compat=options.compat
    )
    if options.screen:
        captures, excluded = screen_captures(
            granule, captures, excluded=options.excluded_targets, mirrored=options.mirrored_targets
        )
        dropped = sorted([*dropped, *excluded], key=lambda one: int(one.indices[0]))
    kept = _kept(granule, [*captures, *dropped], options)
    place = np.full(len(granule), -1)
    place[kept] = np.arange(kept.size)
    captured = granule.take(kept)
    moved = tuple(_moved(one, place) for one in captures)
    flags, jumps = _screen(captured, moved, names, options)
    left_out = tuple(_moved(one, place) for one in dropped)
    write_captures(product, CutGranule(captured, moved, left_out, flags, tuple(names), kept))
    return _outcome(captured, len(granule), moved, dropped, flags, jumps, refused)


def _kept(granule: Granule, parts: Sequence[Capture | Dropped], options: CutCaptures) -> np.ndarray:
    """Return the positions of soundings in capture modes and of those that captures swallowed, ascending."""
    chosen = np.isin(granule.mode, [code for code, mode in MODES.items() if mode in options.modes])
    for one in parts:
        chosen[one.indices] = True
    return np.flatnonzero(chosen)


def _screen(
    granule: Granule, captures: Sequence[Capture], names: Sequence[str], options: CutCaptures
) -> tuple[np.ndarray, list[str]]:
    """Return flags of every sounding and the captures in which swaths are offset against each other."""
    edge = options.max_edge_km
    captured = np.zeros(len(granule), np.bool_)
    for capture in captures if options.screen else ():
        captured[capture.indices] = True
    others = granule.take(np.flatnonzero(~captured))
    flags = np.zeros(len(granule), np.uint8)
    flags[~captured] = screen_footprints(
        others.latitude, others.longitude, others.vertex_latitude, others.vertex_longitude, max_edge_km=edge
    )
    if not options.screen:
        return flags & np.uint8(Screen.POSITION | Screen.SHAPE), []
    jumps = []
    main = next((name for name in names if name in granule.variables), None)
    for capture in captures:
        chosen = capture.indices
        flags[chosen] |= screen_capture(granule, capture, max_edge_km=edge)
        if options.swath_jump_sigmas and capture.mode == "sam" and main is not None:
            values = np.where(granule.good[chosen], granule.variables[main].values[chosen], np.nan)
            swaths = number_swaths(granule.time[chosen])
            compared = compare_swaths(swaths, granule.longitude[chosen], granule.latitude[chosen], values)
            found = flag_swath_jumps(swaths, compared, sigmas=options.swath_jump_sigmas)
            flags[chosen] |= found
            if found.any():
                jumps.append(capture.id)
    return flags, jumps


def _moved(one: Part, place: np.ndarray) -> Part:
    return replace(one, indices=place[one.indices])


def _outcome(
    granule: Granule,
    soundings: int,
    captures: tuple[Capture, ...],
    dropped: list[Dropped],
    flags: np.ndarray,
    jumps: list[str],
    refused: tuple[str, ...],
) -> Outcome:
    screened = {
        f"soundings_{str(flag.name).lower()}": int(np.count_nonzero(flags & np.uint8(flag)))
        for flag in Screen
        if flag.name
    }
    reasons = Counter(one.reason.value for one in dropped)
    quality = {
        "soundings": soundings,
        "soundings_in_capture_modes": len(granule),
        "captures": len(captures),
        "dropped": dict(sorted(reasons.items())),
        **screened,
        "captures_with_swath_jumps": jumps,
    }
    warnings = [f"{granule.path_name}: {name} is not in the file" for name in granule.missing_variables]
    warnings += [f"{name} has no mean over an area and is not gridded" for name in refused]
    warnings += [_say(one) for one in dropped]
    if captures:
        return Outcome(quality=quality, warnings=tuple(warnings))
    reason = "no captures: " + (
        ", ".join(f"{count} dropped ({name})" for name, count in sorted(reasons.items()))
        or f"none of the {soundings} soundings is in a capture mode"
    )
    return Outcome(Status.SKIPPED, reason, quality, tuple(warnings))


def _say(one: Dropped) -> str:
    named = f" of target {one.target_id!r}" if one.target_id else ""
    return f"dropped {one.indices.size} soundings{named} in {one.mode} mode, orbit {one.orbit}: {one.reason}"
