"""Calibrate effective winds: simulated plumes of known rate, seen with noise, found by this line's own detection.

What HyperGas does with large-eddy simulations (specs/plumes.md 1.12, pseudo-observations and calibration), here with
the turbulent puffs of `turbulent_transport`. Masks and operators are those that rates are made with, since an effective
wind belongs to them (risk R3).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import least_squares

from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.plumes.detection.detect import Criteria, find_plumes
from levelworks.plumes.emission.calibrate_wind_options import CalibrateWind
from levelworks.plumes.emission.emission_measures import measure
from levelworks.plumes.emission.quantify_crop import Crop
from levelworks.plumes.emission.quantify_plane import Plane
from levelworks.plumes.mapping.orthorectify import RESOLUTION
from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.simulation.transport import Plume, Stability, Wind
from levelworks.plumes.simulation.turbulent_transport import turbulent_plume
from levelworks.plumes.units import MOLAR_MASS

MaskOf = Callable[[np.ndarray, tuple[float, float]], np.ndarray]
"""Plumes of a field and the direction to which the wind blows (rows, columns), as int labels."""

BACKGROUND = 10e-3
"""kg m-2 of methane, which noise is a share of."""
SIDE = 256
"""Pixels of a simulated scene."""
UPWIND = 0.3
"""Of the source from the middle, in sides, so that most plumes end within the scene."""
AREA_SOURCE = 275.0 / np.sqrt(12.0)
"""Standard deviation (m) of an area source, HyperGas' square of 275 m."""
POINT_SOURCE = 20.0
CLUTTER_LENGTH = 3.0
"""Pixels."""
FEWEST = 10
"""Plumes that must be found for a fit."""


@dataclass(frozen=True)
class Trial:
    """One simulated plume: its rate (kg s-1), wind at 10 m (m s-1), and the effective winds that give the rate back."""

    rate: float
    speed: float
    of_mass: float
    of_section: float


@dataclass(frozen=True)
class Fit:
    """A line, its terms (logarithm, constant, slope), and 1 sigma of single plumes about it, m s-1."""

    logarithm: float
    constant: float
    slope: float
    residual: float


def own_mask(enhancement: np.ndarray, downwind: tuple[float, float]) -> np.ndarray:
    """Return the plumes that this line's detection finds, int labels."""
    return find_plumes(enhancement, Criteria(), wind=lambda *_: downwind).labels


def trials(
    sensor: str, kind: Literal["point", "area"], options: CalibrateWind, mask_of: MaskOf = own_mask
) -> Iterator[Trial]:
    """Simulate plumes and yield those that detection finds.

    Parameters
    ----------
    mask_of : callable
        Labels of plumes, int (rows, columns), of an enhancement in mol m-2.
    """
    seeds = [options.seed, sum(sensor.encode()), sum(kind.encode())]
    for number in range(options.plumes):
        random = np.random.default_rng([*seeds, number])
        found = _trial(sensor, kind, options, mask_of, random)
        if found is not None:
            yield found


def _trial(
    sensor: str, kind: str, options: CalibrateWind, mask_of: MaskOf, random: np.random.Generator
) -> Trial | None:
    pixel = RESOLUTION[sensor]
    speed = float(random.uniform(options.slowest, options.fastest))
    wind = Wind(speed, float(random.uniform(0, 360)))
    rate = float(np.exp(random.uniform(np.log(options.weakest), np.log(options.strongest))))
    ground = Ground(SIDE, SIDE, pixel, 0.0, 0.0, float(random.uniform(0, 360)), 0.0)
    shift = -UPWIND * SIDE * pixel / speed
    row, over = ground.to_pixel(np.array(shift * wind.eastward), np.array(shift * wind.northward))
    plume = Plume(
        rate,
        float(row) + float(random.uniform(-0.5, 0.5)),
        float(over) + float(random.uniform(-0.5, 0.5)),
        kind="turbulent",
        stability=_stability(speed, random),
        source_size=AREA_SOURCE if kind == "area" else POINT_SOURCE,
    )
    column = turbulent_plume(ground, plume, wind, seconds=SIDE * pixel / speed, seed=int(random.integers(2**31)))
    sigma = options.noise.get(sensor, 0.02) * BACKGROUND / MOLAR_MASS["ch4"]  # type: ignore[call-overload]
    clutter = gaussian_filter(random.normal(size=column.shape), CLUTTER_LENGTH, mode="wrap")
    clutter *= options.clutter * sigma / clutter.std()
    field = column + random.normal(0, sigma, column.shape) + clutter
    origin, step = (
        ground.to_pixel(np.array(far * wind.eastward), np.array(far * wind.northward)) for far in (0.0, 1.0)
    )
    along = np.array([float(step[0] - origin[0]), float(step[1] - origin[1])])
    along /= np.hypot(*along)
    labels = mask_of(field, (float(along[0]), float(along[1])))
    number = _label_of(labels, column)
    if number == 0:
        return None
    crop = _crop(field, labels, number, ground, plume, sensor)
    found = measure(crop, None, ("ime", "csf"))
    if crop.touches_edge or not (found.mass.mass > 0 and found.section.value > 0):
        return None
    kilograms = rate * 1000 / 3600
    return Trial(kilograms, speed, kilograms * found.mass.length / found.mass.mass, kilograms / found.section.value)


def _stability(speed: float, random: np.random.Generator) -> Stability:
    """Draw the stability of a clear day by the wind (Pasquill 1961)."""
    classes: tuple[Stability, Stability] = ("A", "B") if speed < 3 else ("B", "C") if speed < 5 else ("C", "D")
    return classes[int(random.integers(2))]


def _label_of(labels: np.ndarray, column: np.ndarray) -> int:
    """Return the label that holds most of the plume's gas; 0 where none holds a tenth."""
    amounts = np.bincount(labels.ravel(), weights=column.ravel())
    amounts[0] = 0.0
    best = int(np.argmax(amounts))
    return best if amounts[best] > 0.1 * column.sum() else 0


def _crop(field: np.ndarray, labels: np.ndarray, number: int, ground: Ground, plume: Plume, sensor: str) -> Crop:
    rows, columns = ground.grid()
    east, north = ground.to_plane(rows, columns)
    matrix = np.array([[line[1, 0] - line[0, 0], line[0, 1] - line[0, 0]] for line in (east, north)])
    plane = Plane(0.0, 0.0, matrix, np.array([east[0, 0], north[0, 0]]))
    nothing = np.full(field.shape, np.nan)
    source = plane.unproject(*plane.metres(plume.row, plume.column))
    return Crop(
        "ch4",
        sensor,
        number,
        (float(source[0]), float(source[1])),
        (0, 0),
        field,
        nothing,
        labels,
        np.ones(field.shape, dtype=bool),
        np.full(field.shape, ground.pixel**2),
        nothing,
        nothing,
        nothing,
        plane,
    )


def fit_effective_wind(
    speed: np.ndarray, effective: np.ndarray, *, constant: bool = True, logarithm: bool = False
) -> Fit:
    """Fit a line to effective winds, so that single odd plumes don't draw it (soft L1 loss).

    Parameters
    ----------
    speed, effective : ndarray, shape (n,)
        m s-1.
    constant, logarithm : bool
        Terms beside the slope.
    """
    terms = np.stack([np.log(speed) * logarithm, np.full(speed.shape, float(constant)), speed], axis=1)
    used = np.array([logarithm, constant, True])
    start = np.linalg.lstsq(terms[:, used], effective, rcond=None)[0]
    scale = max(_spread(effective - terms[:, used] @ start), 1e-6)
    solved = least_squares(lambda x: (terms[:, used] @ x - effective) / scale, start, loss="soft_l1")
    values = np.zeros(3)
    values[used] = solved.x
    return Fit(float(values[0]), float(values[1]), float(values[2]), _spread(effective - terms @ values))


def _spread(residuals: np.ndarray) -> float:
    """Return 1 sigma of residuals by their median absolute deviation."""
    return float(1.4826 * np.median(np.abs(residuals - np.median(residuals))))


def entry_of(gas: str, sensor: str, kind: str, found: Sequence[Trial], *, logarithm: bool) -> dict[str, Any]:
    """Return the entry of the table that some trials give."""
    speed = np.array([one.speed for one in found])
    mass = fit_effective_wind(speed, np.array([one.of_mass for one in found]), logarithm=logarithm)
    section = fit_effective_wind(speed, np.array([one.of_section for one in found]), constant=False)
    numbers = {
        "a1": mass.logarithm,
        "a2": mass.constant,
        "a3": mass.slope,
        "a_residual": mass.residual,
        "b1": section.slope,
        "b2": section.constant,
        "b_residual": section.residual,
    }
    rounded = {name: round(value, 4) for name, value in numbers.items()}
    return {"gas": gas, "kind": kind, "sensor": sensor, **rounded, "plumes": len(found)}


def calibrate_wind(*, table: Path, options: CalibrateWind) -> Outcome:
    """Calibrate effective winds and write them as a table.

    Raises
    ------
    NothingToProduce
        Where detection finds too few of the simulated plumes of a sensor.
    """
    entries = []
    for kind in options.kinds:
        for sensor in options.sensors:
            found = list(trials(sensor, kind, options))
            if len(found) < FEWEST:
                raise NothingToProduce(
                    f"of {options.plumes} plumes of {kind} sources {sensor} shows {len(found)}; {FEWEST} make a fit"
                )
            # The shape of a mask follows from the ratio of plume to noise, whatever the gas.
            gases = ("ch4", "co2") if kind == "point" else ("ch4",)
            entries += [entry_of(gas, sensor, kind, found, logarithm=options.logarithm) for gas in gases]
    entries.sort(key=lambda entry: (entry["gas"], entry["kind"] != "point", entry["sensor"]))
    citation = (
        "Fitted by calibrate-wind to simulated turbulent plumes seen with noise and clutter, with this line's own "
        "masks, effective lengths and sections: U_eff = a1 ln U10 + a2 + a3 U10, and b1 U10 + b2; residuals are 1 "
        "sigma of single plumes, m s-1. Valid for daytime winds and plumes of the ensemble in options. No "
        "carbon dioxide was simulated: its entries are those of methane."
    )
    content = {"citation": citation, "options": options.model_dump(mode="json"), "entries": entries}
    table.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return Outcome(quality={"entries": len(entries), "plumes": sum(entry["plumes"] for entry in entries)})
