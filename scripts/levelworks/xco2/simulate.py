"""Lite days with known truth: byte-faithful LtCO2 and LtSIF files of overpasses that one asks for.

A file is a function of its arguments alone. Where footprints lie and which of them are retained depends on the
overpass, so that XCO2 and SIF of one overpass, both halves of one that crosses midnight, and two productions of one day
agree; noise, quality and fills are drawn from the granule's id.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from levelworks.core.atomic import atomic_outputs
from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.granule import DATASETS, Dataset, Mode
from levelworks.xco2.lite_dataset import FILL
from levelworks.xco2.lite_files import Day, Target, write_lite
from levelworks.xco2.lite_times import day_start
from levelworks.xco2.overpasses import FRAME_TIME, Footprints, Mission, Overpass, lay_footprints
from levelworks.xco2.truth import footprint_mean, truth_sif, truth_xco2

BUILDS: dict[Dataset, str] = {"oco2": "B11210Ar", "oco3": "B11072Ar", "oco3_sif": "B10309r"}
TRACK_SHARE = 0.6
"""Share of the soundings of a track that survive into a Lite file."""
SIF_NOISE = 0.4
"""W/m2/sr/um of SIF for each ppm of noise."""
TRACK = 960
"""Most soundings of one straight track."""
QUIET = 1800.0
"""Seconds between two overpasses from which on other soundings are put between them."""


def simulate_day(
    folder: Path,
    dataset: Dataset,
    day: dt.date,
    overpasses: Sequence[Overpass],
    *,
    background: int = 300,
    bad_share: float = 0.15,
    drop: float = 0.1,
    noise: float = 0.5,
    fill_share: float = 0.002,
    seed: int = 0,
    build: str | None = None,
    production: str | None = None,
) -> Path:
    """Write the Lite file of one day.

    Parameters
    ----------
    folder : Path
        Where it is written, under the agency's name.
    dataset : {"oco2", "oco3", "oco3_sif"}
        Which file.
    day : datetime.date
        UTC day; soundings of an overpass that fall on another are left to the file of that day.
    overpasses : sequence of Overpass
        In any order.
    background : int
        Number of nadir and glint soundings. They stand before the first overpass and between overpasses of different
        targets half an hour apart, never between two of one target, and after the last where they fit nowhere else.
    bad_share : float
        Share of soundings of bad quality, whose noise is three times as large.
    drop : float
        Share of soundings of overpasses that are not in the file; of each overpass at least one is.
    noise : float
        Mean standard deviation, ppm; for SIF four tenths of it in W/m2/sr/um. Each sounding's own is its uncertainty.
    fill_share : float
        Share of soundings whose position, corners or value is a fill.
    seed : int
        Base of all draws.
    build, production : str, optional
        Of the name, e.g. ``B11072Ar`` and ``240915205334``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidOptions
        Where the dataset is unknown, or a share is none.
    """
    if dataset not in DATASETS:
        raise InvalidOptions(f"dataset {dataset!r} is none of {', '.join(DATASETS)}")
    for name, share in {"bad_share": bad_share, "drop": drop, "fill_share": fill_share}.items():
        if not 0 <= share <= 1:
            raise InvalidOptions(f"{name} is {share}: from 0 to 1")
    mission: Mission = "oco2" if dataset == "oco2" else "oco3"
    product = "LtSIF" if dataset == "oco3_sif" else "LtCO2"
    production = production or f"{day + dt.timedelta(days=200):%y%m%d}000013"
    granule = f"{mission}_{product}_{day:%y%m%d}_{build or BUILDS[dataset]}_{production}s"
    looks = [_Look(one, None) for one in sorted(overpasses, key=lambda one: one.start_time)]
    looks += _background([one.overpass for one in looks], day, background, random_stream(f"{mission}-{day}", seed))
    parts = [_retained(look, mission, drop, seed) for look in looks]
    soundings = Footprints.join(parts) if parts else Footprints.none()
    number = np.repeat(np.arange(len(looks)), [len(part) for part in parts])
    # A sounding belongs to the day that its id names.
    start = round(day_start(day) * 10)
    order = np.lexsort((soundings.footprint, soundings.frame))
    order = order[(soundings.frame[order] >= start) & (soundings.frame[order] < start + 864_000)]
    rounded = _as_stored(soundings.take(order))
    flown = [look.overpass for look in looks]
    drawn = _Draws(bad_share, noise, fill_share, random_stream(granule, seed))
    path = Path(folder) / f"{granule}.nc4"
    with atomic_outputs({"granule": path}) as temporary:
        write_lite(temporary["granule"], granule, _measure(dataset, day, flown, rounded, number[order], drawn))
    return path


@dataclass(frozen=True)
class _Look:
    """An overpass and how many of its soundings are retained, where that is not left to chance."""

    overpass: Overpass
    count: int | None


@dataclass(frozen=True)
class _Draws:
    """Shares and noise of a day, and the random numbers of its granule."""

    bad_share: float
    noise: float
    fill_share: float
    random: np.random.Generator


def random_stream(name: str, seed: int) -> np.random.Generator:
    """Return the random numbers that belong to a name, whatever else is drawn."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])
    return np.random.default_rng(np.random.SeedSequence([seed, digest]))


def _background(overpasses: list[Overpass], day: dt.date, count: int, random: np.random.Generator) -> list[_Look]:
    """Plan tracks whose soundings are ``count`` together, where none of them parts what stands together."""
    slots = _slots(overpasses, day, count)
    shares = [len(part) for part in np.array_split(np.arange(count), len(slots))]
    looks: list[_Look] = []
    for (begin, orbit), share in zip(slots, shares, strict=True):
        start = begin
        for part in [min(TRACK, share - done) for done in range(0, share, TRACK)]:
            track = Overpass(
                target_id="",
                target_name="",
                lon=random.uniform(-180, 180),
                lat=random.uniform(-50, 50),
                mode=(Mode.NADIR, Mode.GLINT)[len(looks) % 2],
                orbit=orbit,
                start_time=start,
                frames=_frames(part),
                swaths=1,
            )
            looks.append(_Look(track, part))
            start = track.stop_time
    return looks


def _frames(count: int) -> int:
    return math.ceil(count / 8 / TRACK_SHARE)


def _slots(overpasses: list[Overpass], day: dt.date, count: int) -> list[tuple[float, int]]:
    """Find when tracks may start, and in which orbit: an equal share of the soundings fits each time."""
    dawn, dusk = day_start(day), day_start(day) + 86400
    flown = [one for one in overpasses if one.stop_time > dawn and one.start_time < dusk]
    if not flown:
        return [(dawn, 1)]
    found = [(dawn, flown[0].start_time, flown[0].orbit - 1)]
    for before, after in itertools.pairwise(flown):
        if before.target_id != after.target_id and after.start_time - before.stop_time > QUIET:
            found.append((before.stop_time, after.start_time, before.orbit))
    while found:
        # One frame more for each track that is begun.
        duration = (_frames(math.ceil(count / len(found))) + count // TRACK + 1) * FRAME_TIME
        fitting = [slot for slot in found if slot[1] - slot[0] > duration + 2]
        if len(fitting) == len(found):
            return [((begin + end - duration) / 2, orbit) for begin, end, orbit in found]
        found = fitting
    return [(flown[-1].stop_time + 1, flown[-1].orbit)]


def _retained(look: _Look, mission: Mission, drop: float, seed: int) -> Footprints:
    one = look.overpass
    random = random_stream(f"{mission}-{one.orbit}-{one.target_id}-{one.mode}-{one.start_time:.3f}", seed)
    seen = lay_footprints(one, mission, random)
    draw = random.random(len(seen))
    if look.count is not None:
        return seen.take(np.sort(np.argsort(draw)[: look.count]))
    kept = draw >= drop
    kept[np.argmax(draw)] = True
    return seen.take(np.flatnonzero(kept))


def _as_stored(soundings: Footprints) -> Footprints:
    """Round positions to the single precision of the files: truth is that of the footprints as they are stored."""
    names = ("latitude", "longitude", "vertex_latitude", "vertex_longitude")
    return replace(soundings, **{name: getattr(soundings, name).astype(np.float32) for name in names})


def _measure(
    dataset: Dataset, day: dt.date, flown: list[Overpass], soundings: Footprints, look: np.ndarray, draws: _Draws
) -> Day:
    size, random = len(soundings), draws.random
    truth = truth_sif if dataset == "oco3_sif" else truth_xco2
    scale = SIF_NOISE if dataset == "oco3_sif" else 1.0
    shares = np.array([draws.bad_share if one.bad_share is None else one.bad_share for one in flown])
    bad = random.random(size) < (shares[look] if size else 0.0)
    sigma = (draws.noise or 0.4) * scale * random.uniform(0.8, 1.2, size) * np.where(bad, 3.0, 1.0)
    value = random.normal(size=size) * sigma * (draws.noise > 0)
    unassigned = np.zeros(size, dtype=bool)
    chance = random.random(size)
    for number, one in enumerate(flown):
        mine = np.flatnonzero(look == number)
        corners = soundings.vertex_longitude[mine], soundings.vertex_latitude[mine]
        value[mine] += footprint_mean(partial(truth, lon0=one.lon, lat0=one.lat, day=day), *corners)
        unassigned[mine] = chance[mine] < one.unassigned
        unassigned[mine[:1]] |= one.unassigned > 0 and len(mine) > 1
    # The finer grades of SIF: best or good, failed or not investigated.
    grade = random.random(size)
    quality = bad.astype(np.int8)
    if dataset == "oco3_sif":
        quality = np.where(bad, np.where(grade < 0.1, -1, 2), np.where(grade < 0.3, 1, 0)).astype(np.int8)
    fills = random.permutation(size)[: round(draws.fill_share * size)]
    for fill, which in enumerate(fills):
        if fill % 3 == 0:
            value[which] = FILL
        elif fill % 3 == 1:
            soundings.latitude[which] = soundings.longitude[which] = FILL
        if fill % 3 >= 1:
            soundings.vertex_latitude[which] = soundings.vertex_longitude[which] = FILL
    named = [number for number, one in enumerate(flown) if one.target_id]
    sequence = np.full(len(flown), -1)
    sequence[named] = np.arange(len(named))
    return Day(
        dataset=dataset,
        footprints=soundings,
        mode=np.array([one.mode for one in flown], dtype=np.int8)[look],
        orbit=np.array([one.orbit for one in flown], dtype=np.int32)[look],
        sequence=sequence[look],
        unassigned=unassigned,
        targets=[Target(flown[number].target_id, flown[number].target_name, flown[number].mode) for number in named],
        quality=quality,
        value=value,
        uncertainty=sigma,
        random=random,
    )
