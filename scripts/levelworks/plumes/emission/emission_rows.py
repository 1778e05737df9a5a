"""From measures of a plume to its row of the table: the winds over it, the one that counts, and all rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levelworks import __version__
from levelworks.plumes.emission.effective_wind import EffectiveWind, Kind, effective_wind
from levelworks.plumes.emission.emission_measures import Measures
from levelworks.plumes.emission.emission_rates import SECONDS_PER_HOUR, PlumeWind, Rate, Rates, rates
from levelworks.plumes.emission.emission_table import SOURCES
from levelworks.plumes.emission.quantify_crop import Crop
from levelworks.plumes.emission.quantify_options import AREA_SECTORS, EmissionSettings
from levelworks.plumes.emission.wind_files import MANUAL, Winds
from levelworks.plumes.emission.wind_grids import components, direction_from
from levelworks.plumes.units import standard_pressure

WESTERLY = 270.0


@dataclass(frozen=True)
class Estimate:
    """The rates of one plume by source of wind, and the wind that the reported ones are for."""

    chosen: PlumeWind | None
    by_source: Mapping[str, Rates]
    effective: EffectiveWind | None

    @property
    def rates(self) -> Rates:
        """Return the reported rates."""
        return self.by_source[self.chosen.source] if self.chosen is not None else Rates()


def winds_over(crop: Crop, winds: Winds | None) -> list[PlumeWind]:
    """Return the wind of each source, its components averaged over the plume's pixels."""
    if winds is None:
        return []
    rows, columns = crop.rows_and_columns()
    found = []
    for source in winds.sources:
        u, v, pressure = (float(field.mean()) for field in winds.at(source, rows, columns))
        found.append(PlumeWind(source, u, v, pressure, source == MANUAL))
    return found


def with_manual(winds: Sequence[PlumeWind], speed: float | None) -> list[PlumeWind]:
    """Return winds with one that a person gave before them; its direction and pressure are the first source's."""
    if speed is None:
        return list(winds)
    others = [wind for wind in winds if wind.source != MANUAL]
    first = next(iter(winds), None)
    direction = float(direction_from(first.u, first.v)) if first is not None and first.speed > 0 else WESTERLY
    given = PlumeWind(
        MANUAL, *components(speed, direction), first.pressure if first is not None else np.nan, manual=True
    )
    return [given, *others]


def choose(winds: Sequence[PlumeWind], wanted: str, preferred: str) -> PlumeWind | None:
    """Return the wind that counts: the wanted source, else a manual one, else the preferred, else the first."""
    by_source = {wind.source: wind for wind in winds}
    order = (wanted, MANUAL, preferred) if wanted != "auto" else (MANUAL, preferred)
    return next((by_source[source] for source in order if source in by_source), next(iter(winds), None))


def surface_pressure(
    crop: Crop, winds: Sequence[PlumeWind], chosen: PlumeWind | None, settings: EmissionSettings
) -> float:
    """Return the surface pressure (Pa): given, of the chosen wind (D12), of another, or the standard atmosphere's.

    In compatibility with HyperGas the mean of all sources.
    """
    if settings.pressure_manual is not None:
        return settings.pressure_manual
    known = [wind.pressure for wind in winds if np.isfinite(wind.pressure)]
    if settings.compat == "hypergas" and known:
        return float(np.mean(known))
    if chosen is not None and np.isfinite(chosen.pressure):
        return chosen.pressure
    if known:
        return known[0]
    heights = crop.elevation[crop.mask & np.isfinite(crop.elevation)]
    return float(standard_pressure(heights.mean() if heights.size else np.zeros(1)).mean())


def estimate(
    crop: Crop,
    measures: Measures,
    winds: Sequence[PlumeWind],
    chosen: PlumeWind | None,
    plume_id: str,
    sector: str,
    settings: EmissionSettings,
    own: Path | None = None,
) -> Estimate:
    """Return the rates of a plume under every wind; ``own`` is a table of calibrate-wind that goes before ours."""
    kind: Kind = "area" if sector in AREA_SECTORS else "point"
    effective = effective_wind(crop.gas, crop.sensor, kind, settings.table, own)
    hypergas = settings.compat == "hypergas"
    found = {
        wind.source: rates(measures, wind, effective, plume_id, draws=settings.draws, hypergas=hypergas)
        for wind in winds
    }
    return Estimate(chosen, found, effective)


def describe(
    crop: Crop,
    measures: Measures,
    winds: Sequence[PlumeWind],
    found: Estimate,
    pressure: float,
    common: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a plume's row.

    Parameters
    ----------
    common : mapping
        What does not follow from the measures: ids, time, place, sector, what detection says.
    """
    own, chosen = found.rates, found.chosen
    rows, columns = np.nonzero(crop.mask)
    longitude, latitude = crop.longitude[rows, columns], crop.latitude[rows, columns]
    turned = (longitude - crop.source[0] + 180) % 360 - 180 + crop.source[0]
    west, east = ((float(edge) + 180) % 360 - 180 for edge in (np.nanmin(turned), np.nanmax(turned)))
    row: dict[str, Any] = {
        "plume_latitude": crop.source[1],
        "plume_longitude": crop.source[0],
        "gas": crop.gas.upper(),
        "plume_bounds": [west, float(np.nanmin(latitude)), east, float(np.nanmax(latitude))],
        "surface_pressure": pressure,
        "wind_source": chosen.source if chosen is not None else "",
        "wind_speed": chosen.speed if chosen is not None else np.nan,
        "wind_direction": float(direction_from(chosen.u, chosen.v)) if chosen is not None else np.nan,
        "wind_speed_all": [wind.speed for wind in winds],
        "wind_direction_all": [float(direction_from(wind.u, wind.v)) for wind in winds],
        "wind_source_all": [wind.source for wind in winds],
        "version": f"levelworks_{__version__}",
    }
    row |= _ime(own.ime, measures) | _other_methods(own, measures)
    row |= _coefficients(found.effective)
    row |= {
        "emission_uncertainty_noise": _times(own.ime.effective_wind, measures.mass.noise, measures.mass.length),
        "emission_uncertainty_sources": _spread(found.by_source),
        "emission_csf_spread": own.csf.effective_wind * _spread_of_lines(measures) * SECONDS_PER_HOUR,
        "pixels": measures.mass.pixels,
        "area": measures.mass.area,
        "touches_edge": crop.touches_edge,
        "notes": "; ".join(measures.notes),
    }
    for wind in winds:
        name = SOURCES.get(wind.source)
        if name is None:
            continue
        under = found.by_source[wind.source]
        row[f"wind_speed_{name}"] = wind.speed
        row[f"wind_direction_{name}"] = float(direction_from(wind.u, wind.v))
        for method, rate in _by_method(under).items():
            row[f"emission_{method}_{name}"] = rate.value
    return row | dict(common)


def _by_method(found: Rates) -> dict[str, Rate]:
    return {"ime": found.ime, "csf": found.csf, "fetch": found.fetch, "cm": found.carbon_mapper}


def _ime(rate: Rate, measures: Measures) -> dict[str, Any]:
    return {
        "emission": rate.value,
        "emission_uncertainty": rate.uncertainty,
        "emission_uncertainty_random": rate.random,
        "emission_uncertainty_wind": rate.wind,
        "emission_uncertainty_calibration": rate.calibration,
        "emission_p5": rate.percentiles[0],
        "emission_p50": rate.percentiles[1],
        "emission_p95": rate.percentiles[2],
        "ime": measures.mass.mass,
        "ime_uncertainty": measures.ime.random,
        "background_places": measures.ime.shifts,
        "l_ime": measures.reach,
        "ueff_ime": rate.effective_wind,
        "leff_ime": measures.mass.length,
    }


def _other_methods(found: Rates, measures: Measures) -> dict[str, Any]:
    fetch, csf, mapper = found.fetch, found.csf, found.carbon_mapper
    return {
        "emission_cm": mapper.value,
        "emission_cm_uncertainty": mapper.uncertainty,
        "ime_cm": measures.carbon_mapper.mass,
        "l_cm": measures.carbon_mapper_reach,
        "emission_fetch": fetch.value,
        "emission_fetch_uncertainty": fetch.uncertainty,
        "emission_fetch_uncertainty_ime": fetch.random,
        "emission_fetch_uncertainty_wind": fetch.wind,
        "emission_csf": csf.value,
        "emission_csf_uncertainty": csf.uncertainty,
        "emission_csf_uncertainty_random": csf.random,
        "emission_csf_uncertainty_wind": csf.wind,
        "emission_csf_uncertainty_calibration": csf.calibration,
        "emission_csf_p5": csf.percentiles[0],
        "emission_csf_p50": csf.percentiles[1],
        "emission_csf_p95": csf.percentiles[2],
        "ueff_csf": csf.effective_wind,
        "n_csf": int(np.isfinite(measures.section_values).sum()),
        "l_csf": measures.lines.length,
    }


def _coefficients(effective: EffectiveWind | None) -> dict[str, Any]:
    if effective is None:
        return {}
    return {
        "alpha1": effective.a1,
        "alpha2": effective.a2,
        "alpha3": effective.a3,
        "beta1": effective.b1,
        "beta2": effective.b2,
        "ueff_table": effective.table,
        "ueff_kind": effective.kind,
    }


def _times(speed: float, mass: float, length: float) -> float:
    return speed * mass / length * SECONDS_PER_HOUR if length > 0 else np.nan


def _spread(by_source: Mapping[str, Rates]) -> float:
    """Return the standard deviation of the rate over the models' winds; not a number for fewer than two."""
    values = [found.ime.value for source, found in by_source.items() if source != MANUAL]
    known = [value for value in values if np.isfinite(value)]
    return float(np.std(known, ddof=1)) if len(known) > 1 else np.nan


def _spread_of_lines(measures: Measures) -> float:
    known = measures.section_values[np.isfinite(measures.section_values)]
    return float(known.std()) if known.size else np.nan
