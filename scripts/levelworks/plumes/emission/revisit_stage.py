"""Put the plumes of many scenes together: a table of sites, the series of each, and a picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput, Outcome, Status
from levelworks.core.record import status_of
from levelworks.core.sphere import mean_position
from levelworks.plumes.emission.emission_table import number, read_rows
from levelworks.plumes.emission.quantify_stage import SCENE, TABLE
from levelworks.plumes.emission.revisit import MeanRate, Sighting, assign, inside, mean_rate
from levelworks.plumes.emission.revisit_options import Revisit
from levelworks.plumes.sites import NamedSite, read_sites

COLUMNS = (
    "site",
    "gas",
    "latitude",
    "longitude",
    "times_seen",
    "times_overflown",
    "persistence",
    "emission_mean",
    "emission_mean_error",
    "emission_spread",
    "emission_counted",
    "emission_mean_persistent",
    "first_seen",
    "last_seen",
    "series_time",
    "series_emission",
    "series_uncertainty",
    "plume_ids",
)
RATES = {"ime": "emission", "csf": "emission_csf", "fetch": "emission_fetch"}


@dataclass(frozen=True)
class Overflight:
    """A scene that was looked at: its name, time, and outline (longitude, latitude), empty where unknown."""

    scene: str
    time: str
    outline: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Site:
    """A site with what was seen of it, in the order of time."""

    name: str
    gas: str
    longitude: float
    latitude: float
    sightings: tuple[Sighting, ...]
    overflown: int
    rate: MeanRate

    @property
    def seen(self) -> int:
        """Return the scenes in which it was seen."""
        return len({one.scene for one in self.sightings})

    @property
    def persistence(self) -> float:
        """Return the share of overflights in which it was seen; not a number where none is known."""
        return self.seen / self.overflown if self.overflown else np.nan


def revisit(folders: list[Path], sites: Path | None, *, table: Path, picture: Path | None, options: Revisit) -> Outcome:
    """Tabulate the sites of a campaign: times seen and overflown, persistence, mean rates with errors, series.

    Parameters
    ----------
    folders : list of Path
        Of `quantify`; quarantined ones are passed over, scenes without plumes count as overflights.
    sites : Path, optional
        CSV with name, latitude, longitude; a named site without a plume is in the table too.
    """
    named = read_sites(sites) if sites is not None else []
    sightings: list[Sighting] = []
    overflights: list[Overflight] = []
    passed_over = []
    for folder in sorted(folders, key=lambda path: (path.name, path)):
        if status_of(folder) is Status.QUARANTINED:
            passed_over.append(folder.name)
            continue
        sightings += _sightings(folder, options)
        overflights.append(_overflight(folder))
    found = sites_of(sightings, overflights, named, options)
    table.write_text(_table_text(found), encoding="utf-8")
    if picture is not None:
        from levelworks.plumes.emission.revisit_picture import draw_series

        draw_series(picture, found)
    quality = {
        "sites": len(found),
        "seen_again": sum(site.seen > 1 for site in found),
        "plumes": len(sightings),
        "scenes": len(overflights),
    }
    return Outcome(quality=quality, warnings=tuple(f"{name} is quarantined and does not count" for name in passed_over))


def sites_of(
    sightings: Sequence[Sighting], overflights: Sequence[Overflight], named: Sequence[NamedSite], options: Revisit
) -> list[Site]:
    """Return the sites of each gas: named ones first, those without a plume too, then clusters in the order of time."""
    found = []
    for gas in options.gases:
        mine = sorted((one for one in sightings if one.gas == gas), key=lambda one: (one.time, one.plume_id))
        longitude, latitude = (np.array([getattr(one, name) for one in mine]) for name in ("longitude", "latitude"))
        numbers = assign(longitude, latitude, named, options.radius, options.site_radius)
        for index in range(max(len(named), int(numbers.max(initial=-1)) + 1)):
            chosen = [one for one, owner in zip(mine, numbers, strict=True) if owner == index]
            if index < len(named):
                name, place = named[index].name, (named[index].longitude, named[index].latitude)
            else:
                name = f"site-{index - len(named) + 1}"
                place = mean_position(longitude[numbers == index], latitude[numbers == index])
            found.append(_site(name, gas, place, chosen, overflights, options))
    return found


def _site(
    name: str,
    gas: str,
    place: tuple[float, float],
    chosen: Sequence[Sighting],
    overflights: Sequence[Overflight],
    options: Revisit,
) -> Site:
    over = {one.scene for one in overflights if one.outline and inside(*place, one.outline)}
    over |= {one.scene for one in chosen}
    rates, errors = (np.array([getattr(one, part) for one in chosen]) for part in ("rate", "uncertainty"))
    if options.most_uncertain is not None:
        sure = np.nan_to_num(errors, nan=np.inf) <= options.most_uncertain * np.abs(rates)
        rates = np.where(sure, rates, np.nan)
    return Site(name, gas, *place, tuple(chosen), len(over), mean_rate(rates, errors))


def _sightings(folder: Path, options: Revisit) -> list[Sighting]:
    rate = RATES[options.method]
    return [
        Sighting(
            row["plume_id"],
            row.get("scene") or folder.name,
            row["gas"].lower(),
            row["datetime"],
            number(row, "plume_longitude"),
            number(row, "plume_latitude"),
            number(row, rate),
            number(row, f"{rate}_uncertainty"),
        )
        for row in read_rows(folder / TABLE, ["plume_id", "gas", "datetime", "plume_longitude", "plume_latitude"])
        if row["gas"].lower() in options.gases and np.isfinite(number(row, "plume_longitude"))
    ]


def _overflight(folder: Path) -> Overflight:
    path = folder / SCENE
    if not path.is_file():
        return Overflight(folder.name, "", ())
    try:
        said: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        outline = tuple((float(x), float(y)) for x, y in said["outline"])
        return Overflight(str(said["scene"]), str(said["start_time"]), outline)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} does not describe a scene ({error})") from None


def _table_text(sites: Sequence[Site]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for site in sites:
        times = [one.time for one in site.sightings]
        persistent = site.rate.mean * site.persistence
        writer.writerow(
            [
                site.name,
                site.gas.upper(),
                f"{site.latitude:.6f}",
                f"{site.longitude:.6f}",
                site.seen,
                site.overflown,
                *(_figure(value) for value in (site.persistence, site.rate.mean, site.rate.error, site.rate.spread)),
                site.rate.count,
                _figure(persistent),
                min(times, default=""),
                max(times, default=""),
                " ".join(times),
                " ".join(_figure(one.rate) or "NaN" for one in site.sightings),
                " ".join(_figure(one.uncertainty) or "NaN" for one in site.sightings),
                " ".join(one.plume_id for one in site.sightings),
            ]
        )
    return text.getvalue()


def _figure(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""


def write_empty_revisit(path: Path, outcome: Outcome) -> None:
    """Write the table without sites, or the picture that says why there are none."""
    if path.suffix == ".csv":
        path.write_text(_table_text([]), encoding="utf-8")
    else:
        from levelworks.core.plots import draw_outcome

        draw_outcome(path, outcome, "revisit")
