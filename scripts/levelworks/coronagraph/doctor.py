"""Examining the inputs of the coronagraph line before a campaign: frames, references, room; and warming its kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from levelworks.core.aggregate import MAX_QUARANTINED
from levelworks.core.check import Check, name_some, number_of, sample
from levelworks.core.discover import discover
from levelworks.core.outcome import InvalidInput, InvalidOptions, InvalidReference
from levelworks.core.quarantine import put_aside, read_quarantine
from levelworks.coronagraph.geometry import Geometry
from levelworks.coronagraph.inventory import Setting
from levelworks.coronagraph.nonlinearity import curve_at_gain
from levelworks.coronagraph.options import Coronagraph, MakeDark
from levelworks.coronagraph.readers import read_level1, read_map, read_nonlinearity
from levelworks.coronagraph.warming import warm

__all__ = ["examine", "space_needed", "warm"]

FRAME_BYTES = 34_000_000
"""Level 2a and 2b of one frame of 1024x1024 pixels in single precision, with flags and error components."""
FRAME_BYTES_PEER_VIEW = 100_000_000
"""The same with the peer's files in double precision."""

FEWEST_STACKS = 4
"""Settings of darks from which noise maps can be fitted."""


@dataclass
class Met:
    """What the frames of one dataset, or of all, showed."""

    frames: int = 0
    opened: int = 0
    ignored: int = 0
    settings: Counter[Setting] = field(default_factory=Counter)
    geometries: dict[str, Geometry] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def examine(section: Coronagraph) -> Iterator[Check]:
    """Examine frames and references.

    Parameters
    ----------
    section : Coronagraph
        Its relative paths begin in the working directory.
    """
    if not section.datasets:
        yield Check("coronagraph", "warning", "no datasets: nothing to do", "name frames in coronagraph.datasets")
    known: dict[str, str] = {}
    everything: dict[str, Met] = {}
    for name in section.datasets:
        met, checks = _examine_dataset(section, name, known)
        everything[name] = met
        yield from checks
    yield from _examine_darks(section, everything)
    yield from _examine_references(section, list(everything.values()))


def space_needed(section: Coronagraph) -> int:
    """Estimate the bytes of all products from the number of frames.

    Raises
    ------
    InvalidOptions
        Where a dataset's source does not exist.
    """
    found = [discover(one.frames, section.pattern, _key(name)) for name, one in section.datasets.items()]
    frames = sum(len(discovery.granules) for discovery in found)
    return frames * (FRAME_BYTES_PEER_VIEW if section.peer_view else FRAME_BYTES)


def _key(dataset: str) -> str:
    return f"coronagraph.datasets.{dataset}.frames"


def _examine_dataset(section: Coronagraph, name: str, known: dict[str, str]) -> tuple[Met, list[Check]]:
    title, key, dataset = f"coronagraph: dataset {name}", _key(name), section.datasets[name]
    met = Met()
    try:
        found = discover(dataset.frames, section.pattern, key)
    except InvalidOptions as error:
        return met, [Check(title, "failure", str(error), f"correct {key}")]
    met.frames, met.ignored = len(found.granules), len(found.ignored)
    names = name_some([path.name for path in found.ignored], 3)
    others = f"{number_of(met.ignored, 'other file')} passed over ({names})"
    if not found.granules:
        detail = f"no frames in {', '.join(dataset.frames)}" + (f"; {others}" if met.ignored else "")
        remedy = f"correct {key}, or coronagraph.pattern, which is {section.pattern}"
        return met, [Check(title, "failure", detail, remedy)]
    reasons = read_quarantine()
    for granule in sample([one for one in found.granules if not put_aside(one.path, reasons)]):
        _meet(granule.path, met)
    detail = f"{number_of(met.frames, 'frame')} ({met.opened} opened, {len(met.unreadable)} unreadable)"
    detail += f"; {others}" if met.ignored else ""
    detail += f"; {', '.join(f'{count} of {_say(one)}' for one, count in sorted(met.settings.items()))}"
    checks = [Check(title, "ok", detail)]
    if met.unreadable:
        limit = section.combine.max_quarantined
        too_many = len(met.unreadable) > (MAX_QUARANTINED if limit is None else limit) * met.opened
        remedy = "copy these frames again, or leave them out; they will be quarantined"
        named = f"{len(met.unreadable)} of {met.opened} can't be used: {name_some(met.unreadable)}"
        checks.append(Check(f"{title}: frames", "failure" if too_many else "warning", named, remedy))
    twice = [f"{granule.id} (in {known[granule.id]})" for granule in found.granules if granule.id in known]
    known.update((granule.id, name) for granule in found.granules)
    if twice:
        checks.append(Check(f"{title}: ids", "failure", f"in two datasets: {name_some(twice)}", "leave them in one"))
    if len(met.geometries) > 1:
        detail = f"frames of {len(met.geometries)} geometries: {', '.join(sorted(met.geometries))}"
        checks.append(Check(f"{title}: geometry", "failure", detail, "make a dataset of each geometry"))
    if dataset.kind == "science" and len(met.settings) > 1:
        detail = f"{len(met.settings)} settings: frames of each are combined apart"
        checks.append(Check(f"{title}: settings", "warning", detail, "make a dataset of each where that isn't meant"))
    return met, checks


def _meet(path: Path, met: Met) -> None:
    met.opened += 1
    try:
        frame = read_level1(path)
        setting = Setting(frame.header.gain, frame.header.exposure_time)
    except InvalidInput as error:
        reason = str(error)
        met.unreadable.append(reason if path.name in reason else f"{path.name}: {reason}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        met.unreadable.append(f"{path.name}: {type(error).__name__}: {error}")
    else:
        met.settings[setting] += 1
        met.geometries[frame.geometry.name] = frame.geometry


def _say(setting: Setting) -> str:
    return f"gain {setting.gain:g} and {setting.exposure_time:g} s"


def _examine_darks(section: Coronagraph, everything: dict[str, Met]) -> Iterator[Check]:
    darks = [name for name, dataset in section.datasets.items() if dataset.kind == "dark" and not dataset.count_photons]
    if not any(everything[name].settings for name in darks):
        return
    settings = {setting for name in darks for setting in everything[name].settings}
    gains, times = {one.gain for one in settings}, {one.exposure_time for one in settings}
    if len(settings) < FEWEST_STACKS or len(gains) < 2 or len(times) < 2:
        detail = f"{len(settings)} settings of {len(gains)} gains and {len(times)} exposure times"
        remedy = f"noise maps need at least {FEWEST_STACKS} settings of 2 gains and 2 exposure times"
        yield Check("coronagraph: darks", "warning", detail, remedy)


def _examine_references(section: Coronagraph, everything: list[Met]) -> Iterator[Check]:
    geometries = {name: one for met in everything for name, one in met.geometries.items()}
    shapes = sorted({(one.image.rows, one.image.columns) for one in geometries.values()})
    gains = sorted({setting.gain for met in everything for setting in met.settings})
    absent = []
    for name in type(section.references).model_fields:
        path: Path | None = getattr(section.references, name)
        title = f"coronagraph: references.{name}"
        if path is None:
            absent.append(name)
        elif not path.is_file():
            detail = f"{path} does not exist" if not path.exists() else f"{path} is no file"
            yield Check(title, "failure", detail, f"correct coronagraph.references.{name}, or leave it out")
        elif name == "nonlinearity":
            yield from _examine_nonlinearity(title, path, gains)
        elif len(shapes) != 1:
            detail = f"{path} was not examined: the frames' size is not known, or not one"
            yield Check(title, "warning", detail, "correct the datasets first")
        else:
            yield _examine_map(title, name, path, shapes[0])
    if absent:
        yield Check("coronagraph: references", "ok", f"not given, their steps change nothing: {', '.join(absent)}")


def _examine_nonlinearity(title: str, path: Path, gains: list[float]) -> Iterator[Check]:
    try:
        table = read_nonlinearity(path)
    except InvalidReference as error:
        yield Check(title, "failure", str(error), "correct the table")
        return
    lowest, highest = table.gains[0], table.gains[-1]
    extent = f"counts {table.counts[0]:g} to {table.counts[-1]:g} DN, gains {lowest:g} to {highest:g}"
    yield Check(title, "ok", f"{path.name}: {extent}")
    for gain in gains:
        findings = list(curve_at_gain(table, gain).findings)
        if not lowest <= gain <= highest:
            findings.append("the gain lies outside the table, whose nearest column is taken")
        if findings:
            remedy = "pixels there are flagged; take a table made for this gain where there is one"
            yield Check(f"{title} at gain {gain:g}", "warning", "; ".join(findings), remedy)


def _examine_map(title: str, name: str, path: Path, shape: tuple[int, int]) -> Check:
    try:
        values = read_map(path, shape, f"references.{name}")
    except InvalidReference as error:
        return Check(title, "failure", str(error), f"correct coronagraph.references.{name}")
    finite = values[np.isfinite(values)]
    invalid = 1 - finite.size / values.size
    most = float(MakeDark.model_fields["max_invalid"].default)
    if invalid > most:
        return Check(title, "failure", f"{100 * invalid:.1f} % of the pixels are not finite", "take another map")
    detail = f"{path.name}: {shape[0]}x{shape[1]}, {finite.min():g} to {finite.max():g}, mean {finite.mean():g}"
    faults, doubts = _judge(name, finite)
    if invalid:
        doubts.append(f"{values.size - finite.size} pixels are not finite and will be flagged")
    if faults:
        return Check(title, "failure", "; ".join([detail, *faults, *doubts]), "take another map, or leave it out")
    if doubts:
        return Check(title, "warning", "; ".join([detail, *doubts]), "see whether this is the map that you mean")
    return Check(title, "ok", detail)


def _judge(name: str, values: np.ndarray) -> tuple[list[str], list[str]]:
    """Return what makes a map unusable, and what is strange in it, from its finite values."""
    faults: list[str] = []
    doubts: list[str] = []
    if name in ("dark_current", "clock_induced_charge") and values.min() < 0:
        faults.append(f"{np.count_nonzero(values < 0)} pixels are negative")
    if name == "flat":
        if not 0.5 < np.median(values) < 2:
            faults.append(f"its median is {np.median(values):g}, that of a flat is near 1")
        elif not 0.95 < values.mean() < 1.05:
            doubts.append("its mean is not near 1")
        for what, count in (("0", np.count_nonzero(values == 0)), ("negative", np.count_nonzero(values < 0))):
            if count:
                doubts.append(f"{count} pixels are {what}")
    if name == "bad_pixels":
        whole = (values >= 0) & (values <= 65535) & (values == np.rint(values))
        if not whole.all():
            faults.append(f"{np.count_nonzero(~whole)} pixels are no whole numbers of 0 to 65535")
        bad = np.count_nonzero(values) / values.size
        if bad > 0.5:
            doubts.append(f"{100 * bad:.0f} % of the pixels are bad; good ones are 0")
    return faults, doubts
