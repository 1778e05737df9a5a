"""Cutting a day of soundings into captures: one overpass of one target in one mode.

A capture is what the soundings of one dataset, orbit, target and mode make that follow each other without a pause.
Soundings of other modes in between don't part it. Nothing is lost silently: every sounding that was taken in snapshot
area map or target mode ends in one capture, or in one `Dropped` that says why not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from levelworks.core.outcome import InvalidOptions
from levelworks.core.sphere import mean_position
from levelworks.xco2.fused_runs import fill_forward_then_back, fused_runs
from levelworks.xco2.geography import Box, bounding_box
from levelworks.xco2.granule import Granule, Mode
from levelworks.xco2.targets import CAP_KM, Target, nearest_in_degrees, nearest_target

CaptureMode = Literal["sam", "target", "nadir", "glint"]
MODES: dict[int, CaptureMode] = {
    Mode.AREA_MAP: "sam",
    Mode.TARGET: "target",
    Mode.NADIR: "nadir",
    Mode.GLINT: "glint",
}
TARGETED: tuple[CaptureMode, ...] = ("sam", "target")
UNASSIGNED = ("", "none", "missing", "Missing")
GAP_S = 120.0

Indices = NDArray[np.int64]


class Reason(StrEnum):
    """Why soundings of a capture mode are in no capture."""

    NO_TARGET_ID = "the soundings carry no target id"
    UNKNOWN_TARGET = "the target is not in the targets file"
    NO_TARGET_NEAR = "no target of the targets file is near"
    NO_POSITION = "no sounding has a position to find the target by"
    NO_TIME = "the soundings have no time"
    EXCLUDED_TARGET = "the target is excluded"
    MIRRORED = "the capture was taken at the mirrored longitude of its target"


@dataclass(frozen=True)
class Capture:
    """One overpass of one target in one mode.

    Attributes
    ----------
    dataset : {"oco2", "oco3", "oco3_sif"}
        Of the granule.
    orbit : int
        Orbit number, -9999 where the file gives none.
    target_id, target_name : str
        As in the targets file.
    mode : {"sam", "target"}
        Snapshot area map or target mode.
    indices : ndarray of int64
        Positions of the soundings in the granule, ascending.
    id : str
        ``<orbit>-<target>-<mode>-<first sounding_id>``.
    start, end : float
        Times of the first and the last sounding (s since 1970-01-01 UTC), whatever their quality.
    """

    dataset: str
    orbit: int
    target_id: str
    target_name: str
    mode: CaptureMode
    indices: Indices = field(compare=False, repr=False)
    id: str
    start: float
    end: float


@dataclass(frozen=True)
class Dropped:
    """Soundings of a capture mode that are in no capture, and why; fields as in `Capture`, times NaN where unknown."""

    reason: Reason
    dataset: str
    orbit: int
    target_id: str
    mode: CaptureMode
    indices: Indices = field(compare=False, repr=False)
    start: float
    end: float

    @classmethod
    def of(cls, capture: Capture, reason: Reason) -> Dropped:
        """Return a capture as one that was dropped."""
        return cls(
            reason,
            capture.dataset,
            capture.orbit,
            capture.target_id,
            capture.mode,
            capture.indices,
            capture.start,
            capture.end,
        )


def cut_captures(
    granule: Granule,
    targets: Mapping[str, Target],
    *,
    gap_s: float = GAP_S,
    cap_km: float = CAP_KM,
    modes: Collection[str] = TARGETED,
    compat: Literal["none", "seed"] = "none",
) -> tuple[list[Capture], list[Dropped]]:
    """Cut a granule into captures.

    Parameters
    ----------
    granule : Granule
        One day of one dataset. OCO-3 soundings name their target; those of SIF may leave it open and then take it
        from their neighbours; for OCO-2 it is found by `nearest_target`.
    targets : mapping of str to Target
        Targets by id.
    gap_s : float
        Longest pause inside a capture (s); a longer one, or a change of orbit, parts two captures.
    cap_km : float
        Greatest distance of an OCO-2 capture from its target's centre (km).
    modes : collection of str
        Modes in which captures are sought.
    compat : {"none", "seed"}
        ``seed`` cuts as OCO3-data-transformer does: runs in file order, fused where they are adjacent, whatever the
        time and the orbit; a sounding that a run swallows may then stand in a second capture of its own mode, and
        OCO-2 targets are found by distance in degrees.

    Returns
    -------
    captures : list of Capture
        In order of their first sounding.
    dropped : list of Dropped
        What is in no capture, in the same order.

    Raises
    ------
    InvalidOptions
        Where ``gap_s``, ``cap_km`` or ``compat`` is out of range.
    """
    if not gap_s > 0:
        raise InvalidOptions(f"gap_s must be a time above 0 s, not {gap_s!r}")
    if not cap_km > 0:
        raise InvalidOptions(f"cap_km must be a distance above 0 km, not {cap_km!r}")
    if compat not in ("none", "seed"):
        raise InvalidOptions(f"compat must be 'none' or 'seed', not {compat!r}")
    sought = tuple(code for code, mode in MODES.items() if mode in modes)
    codes, names = _target_codes(granule)
    captures: list[Capture] = []
    dropped: list[Dropped] = []

    def keep(indices: Indices, mode: int, name: str) -> None:
        target, reason = _target_of(granule, indices, name, targets, cap_km=cap_km, seed=compat == "seed")
        if target is None:
            dropped.append(_dropped(granule, indices, mode, name, reason))
        else:
            captures.append(_capture(granule, indices, mode, target))

    if compat == "seed":
        wildcard, fuse = granule.kind == "oco3_sif", granule.kind != "oco2"
        for run in fused_runs(granule.mode, codes, sought, wildcard=wildcard, fuse=fuse):
            keep(np.arange(run.start, run.stop), run.mode, names[run.code])
    else:
        for indices, mode, code in _groups(granule, codes, gap_s, sought):
            if np.isnan(granule.time[indices[0]]):
                dropped.append(_dropped(granule, indices, mode, names[code], Reason.NO_TIME))
            else:
                keep(indices, mode, names[code])
    return sorted(captures, key=_first), sorted(dropped, key=_first)


def _first(one: Capture | Dropped) -> int:
    return int(one.indices[0])


def _target_codes(granule: Granule) -> tuple[Indices, list[str]]:
    """Return target ids as numbers, 0 where none is assigned, and the ids by number."""
    if granule.kind == "oco2" or len(granule.target_id) == 0:
        return np.zeros(len(granule.target_id), np.int64), [""]
    found, inverse = np.unique(granule.target_id, return_inverse=True)
    names = ["", *(str(name) for name in found if name not in UNASSIGNED)]
    numbers = np.array([0 if name in UNASSIGNED else names.index(str(name)) for name in found], np.int64)
    return numbers[inverse], names


def _groups(granule: Granule, codes: Indices, gap_s: float, sought: tuple[int, ...]) -> list[tuple[Indices, int, int]]:
    """Return soundings by orbit, mode and target without pauses, as indices, mode and code."""
    observed = np.flatnonzero(np.isin(granule.mode, sought))
    timeless = np.isnan(granule.time[observed])
    groups = _split(granule, observed[timeless], granule.mode, codes, np.inf)
    observed = observed[~timeless]
    width = 2 if granule.kind == "oco3_sif" else 1
    modes, codes = granule.mode.astype(np.int64), codes.copy()
    if granule.kind == "oco3_sif":
        _fill_open(granule, observed, codes, gap_s, sought)
    _adopt_strays(granule, observed, modes, codes, gap_s, width, sought)
    groups += _split(granule, observed, modes, codes, gap_s)
    return _swallow(len(granule.mode), groups, width)


def _split(
    granule: Granule, chosen: Indices, modes: NDArray[np.integer], codes: Indices, gap_s: float
) -> list[tuple[Indices, int, int]]:
    if chosen.size == 0:
        return []
    keys = np.stack([granule.orbit[chosen], modes[chosen], codes[chosen]])
    order = np.lexsort(keys)  # stable: soundings of one key stay in the order of the file
    chosen, keys = chosen[order], keys[:, order]
    parted = (np.diff(keys) != 0).any(axis=0) | (np.abs(np.diff(granule.time[chosen])) > gap_s)
    parts = np.split(chosen, np.flatnonzero(parted) + 1)
    return [(part, int(modes[part[0]]), int(codes[part[0]])) for part in parts]


def _fill_open(granule: Granule, observed: Indices, codes: Indices, gap_s: float, sought: tuple[int, ...]) -> None:
    """Give soundings without target id that of the ones before, or else behind, in the same mode, orbit and stretch."""
    for mode in sought:
        chosen = observed[granule.mode[observed] == mode]
        if chosen.size == 0:
            continue
        parted = (np.diff(granule.orbit[chosen]) != 0) | (np.abs(np.diff(granule.time[chosen])) > gap_s)
        for part in np.split(chosen, np.flatnonzero(parted) + 1):
            codes[part] = fill_forward_then_back(codes[part])


def _adopt_strays(
    granule: Granule,
    observed: Indices,
    modes: Indices,
    codes: Indices,
    gap_s: float,
    width: int,
    sought: tuple[int, ...],
) -> None:
    """Let few soundings of another mode or without id join the capture around them, unless they name another target."""
    orbit, time = granule.orbit, granule.time
    for mode in sought:
        for span in range(1, width + 1):
            before, behind = observed[: -span - 1], observed[span + 1 :]
            same = (modes[before] == mode) & (modes[behind] == mode) & (codes[before] == codes[behind])
            same &= (orbit[before] == orbit[behind]) & (np.abs(time[behind] - time[before]) <= gap_s)
            strays = [observed[step : step + len(before)] for step in range(1, span + 1)]
            for one in strays:
                same &= (orbit[one] == orbit[before]) & ((codes[one] == 0) | (codes[one] == codes[before]))
            for one in strays:
                modes[one[same]], codes[one[same]] = mode, codes[before[same]]


def _swallow(size: int, groups: list[tuple[Indices, int, int]], width: int) -> list[tuple[Indices, int, int]]:
    """Add few soundings of other modes that stand between two of one group in the file."""
    owner = np.full(size, -1)
    for number, (indices, _, code) in enumerate(groups):
        owner[indices] = number if code else -2  # what names no target swallows nothing
    joined = owner.copy()
    for span in range(1, width + 1):
        before, behind = owner[: -span - 1], owner[span + 1 :]
        between = [slice(step, step + len(before)) for step in range(1, span + 1)]
        inside = (before == behind) & (before >= 0)
        for one in between:
            inside &= owner[one] == -1
        for one in between:
            joined[one][inside] = before[inside]
    added = np.flatnonzero((joined >= 0) & (owner == -1))
    return [
        (np.sort(np.concatenate([indices, added[joined[added] == number]])), mode, code)
        for number, (indices, mode, code) in enumerate(groups)
    ]


def _target_of(
    granule: Granule, indices: Indices, name: str, targets: Mapping[str, Target], *, cap_km: float, seed: bool
) -> tuple[Target | None, Reason]:
    if granule.kind != "oco2":
        return targets.get(name), Reason.UNKNOWN_TARGET if name else Reason.NO_TARGET_ID
    lon, lat = granule.longitude[indices], granule.latitude[indices]
    located = np.isfinite(lon) & np.isfinite(lat)
    if not located.any():
        return None, Reason.NO_POSITION
    lon, lat = lon[located], lat[located]
    if seed:
        extent = Box(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
        return nearest_in_degrees(float(lon.mean()), float(lat.mean()), extent, targets), Reason.NO_TARGET_NEAR
    return nearest_target(*mean_position(lon, lat), bounding_box(lon, lat), targets, cap_km), Reason.NO_TARGET_NEAR


def _span(granule: Granule, indices: Indices) -> tuple[float, float]:
    times = granule.time[indices]
    times = times[np.isfinite(times)]
    return (float(times.min()), float(times.max())) if times.size else (float("nan"), float("nan"))


def _capture(granule: Granule, indices: Indices, mode: int, target: Target) -> Capture:
    first = indices[0]
    orbit, kind = int(granule.orbit[first]), MODES[mode]
    name = f"{orbit}-{target.id}-{kind}-{int(granule.sounding_id[first])}"
    return Capture(granule.kind, orbit, target.id, target.name, kind, indices, name, *_span(granule, indices))


def _dropped(granule: Granule, indices: Indices, mode: int, name: str, reason: Reason) -> Dropped:
    orbit = int(granule.orbit[indices[0]])
    return Dropped(reason, granule.kind, orbit, name, MODES[mode], indices, *_span(granule, indices))
