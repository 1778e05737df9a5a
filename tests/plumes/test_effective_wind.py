"""Effective winds: HyperGas' table, this line's own, and the calibration that makes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from levelworks.core.outcome import InvalidReference, NothingToProduce, Status
from levelworks.plumes.emission import calibrate_wind as calibration
from levelworks.plumes.emission.calibrate_wind import (
    _crop,
    calibrate_wind,
    entry_of,
    fit_effective_wind,
    own_mask,
    trials,
)
from levelworks.plumes.emission.calibrate_wind_options import CalibrateWind
from levelworks.plumes.emission.effective_wind import effective_wind
from levelworks.plumes.emission.emission_measures import Measured, measure
from levelworks.plumes.emission.emission_rates import PlumeWind, rates
from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.simulation.transport import Plume, Wind, gaussian_plume, transport_speed

SPEC = {  # specs/plumes.md 1.12: a2, a3, a_resid, b1, b_resid
    ("ch4", "point", "EMIT"): (0.43, 0.36, 0.05, 1.12, -0.03),
    ("ch4", "point", "EnMAP"): (0.44, 0.33, 0.04, 1.15, -0.01),
    ("ch4", "point", "PRISMA"): (0.43, 0.32, 0.08, 1.12, 0.01),
    ("ch4", "area", "EMIT"): (0.64, 0.39, 0.11, 1.21, 0.04),
    ("ch4", "area", "EnMAP"): (0.67, 0.37, 0.18, 1.29, 0.12),
    ("ch4", "area", "PRISMA"): (0.66, 0.38, 0.25, 1.26, 0.16),
    ("co2", "point", "EMIT"): (0.44, 0.35, 0.04, 1.11, -0.03),
    ("co2", "point", "EnMAP"): (0.46, 0.32, 0.04, 1.14, -0.01),
    ("co2", "point", "PRISMA"): (0.43, 0.33, 0.05, 1.13, -0.03),
}


@pytest.mark.parametrize("key", SPEC)
def test_hypergas_table(key: tuple[str, str, str]) -> None:
    gas, kind, sensor = key
    found = effective_wind(gas, sensor, kind, "hypergas")  # type: ignore[arg-type]
    assert found is not None
    assert (found.a2, found.a3, found.a_residual, found.b1, found.b_residual) == SPEC[key]
    assert (found.a1, found.b2) == (0.0, 0.0)
    assert found.of_mass(4.0) == pytest.approx(SPEC[key][0] + 4 * SPEC[key][1])
    assert found.of_section(4.0) == pytest.approx(4 * SPEC[key][3])


def test_calibration_error_of_points_and_of_areas() -> None:
    point, area = (effective_wind("ch4", "EMIT", kind, "hypergas") for kind in ("point", "area"))
    assert point is not None
    assert area is not None
    assert (point.mass_error(5.0), point.section_error(5.0)) == (0.05, 0.03)
    assert area.mass_error(5.0) == pytest.approx((0.64 + 0.39 * 5) - (0.43 + 0.36 * 5))
    assert area.section_error(5.0) == pytest.approx(5 * (1.21 - 1.12))


def test_what_has_no_coefficients() -> None:
    assert effective_wind("co", "EMIT") is None
    assert effective_wind("no2", "PRISMA", "area") is None
    fallen_back = effective_wind("co2", "EMIT", "area", "hypergas")
    assert fallen_back is not None
    assert fallen_back.kind == "point"


def test_a_broken_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    for text, said in (("{}", "calibrate-wind"), ('{"entries": [{"gas":"ch4","kind":"point","sensor":"EMIT"}]}', "a1")):
        path.write_text(text)
        with pytest.raises(InvalidReference, match=said):
            effective_wind("ch4", "EMIT", "point", "levelworks", path)
        path = tmp_path / "other.json"


def test_own_table_is_complete_and_says_where_it_is_from() -> None:
    for gas, kind, sensor in SPEC:
        found = effective_wind(gas, sensor, kind, "levelworks")  # type: ignore[arg-type]
        assert found is not None
        assert found.kind == kind
        assert 1.0 < found.of_mass(5.0) < 5.5
        assert 4.0 < found.of_section(5.0) < 8.0
        assert found.a_residual > 0


def test_fit_recovers_a_line_through_odd_plumes() -> None:
    generator = np.random.default_rng(71)
    speed = generator.uniform(1, 10, 300)
    effective = 0.5 + 0.4 * speed + generator.normal(0, 0.2, 300)
    effective[:15] *= 4
    found = fit_effective_wind(speed, effective)
    assert (found.constant, found.slope) == pytest.approx((0.5, 0.4), abs=0.09)
    assert found.logarithm == 0
    assert found.residual == pytest.approx(0.2, rel=0.25)
    through_zero = fit_effective_wind(speed, 1.1 * speed, constant=False)
    assert (through_zero.constant, through_zero.slope) == pytest.approx((0.0, 1.1))
    with_logarithm = fit_effective_wind(speed, 0.3 * np.log(speed) + 0.2 + 0.1 * speed, logarithm=True)
    assert with_logarithm.logarithm == pytest.approx(0.3, abs=1e-6)


@pytest.fixture
def small_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate scenes of a few kilometres, and let few plumes make a fit."""
    monkeypatch.setattr(calibration, "SIDE", 100)
    monkeypatch.setattr(calibration, "FEWEST", 2)


def steady_mask(field: np.ndarray, downwind: tuple[float, float]) -> np.ndarray:
    """Stand in for detection: what stands out of the smoothed field."""
    smooth = gaussian_filter(field, 1.5)
    return np.asarray(label(smooth > 4 * 1.4826 * np.median(np.abs(smooth)))[0])


def test_steady_plume_gives_the_transport_wind_back_across_it() -> None:
    """The section's effective wind is the speed that carries the gas, exactly known here."""
    wind, plume = Wind(5.0, 250.0), Plume(8.0, 60.0, 40.0, kind="gaussian", stability="B")
    ground = Ground(121, 121, 60.0, 0.0, 0.0, 15.0, 0.0)
    field = gaussian_plume(ground, plume, wind, oversample=4)
    crop = _crop(field, (field > 0.05 * field.max()).astype(int), 1, ground, plume, "EMIT")
    found = measure(crop, None, ("csf",)).section.value
    assert plume.rate / 3.6 / found == pytest.approx(transport_speed(wind, "B"), rel=0.03)


@pytest.mark.usefixtures("small_scenes")
def test_trials_are_reproducible_and_other_seeds_are_others() -> None:
    options = CalibrateWind(plumes=6, slowest=4.0, fastest=8.0, weakest=6.0, strongest=9.0, seed=991)
    first, second = (
        next(trials("EMIT", "point", options.model_copy(update={"seed": seed})), None) for seed in (991, 992)
    )
    assert first == next(trials("EMIT", "point", options))
    assert first != second
    assert first is not None
    assert 4 < first.speed < 8


@pytest.mark.long
def test_own_table_gives_the_rates_of_other_seeds_back() -> None:
    """Two ensembles that the table was not fitted to."""
    table = effective_wind("ch4", "EMIT", "point", "levelworks")
    assert table is not None
    ensembles = (CalibrateWind(plumes=9, seed=77001), CalibrateWind(plumes=9, seed=5550123))
    found = [one for options in ensembles for one in trials("EMIT", "point", options)]
    assert len(found) >= 10
    for ratios in (
        np.array([float(table.of_mass(one.speed)) / one.of_mass for one in found]),
        np.array([float(table.of_section(one.speed)) / one.of_section for one in found]),
    ):
        error = 1.25 * np.std(ratios) / np.sqrt(ratios.size)
        assert abs(np.median(ratios) - 1) < 3 * error


@pytest.mark.usefixtures("small_scenes")
def test_calibration_writes_a_table_that_is_read_back(tmp_path: Path) -> None:
    options = CalibrateWind(
        sensors=["EMIT"],
        kinds=["point"],
        plumes=20,
        slowest=3.0,
        fastest=9.0,
        weakest=4.0,
        strongest=8.0,
        noise={"EMIT": 0.02},
        seed=3,
    )
    table = tmp_path / "table.json"
    try:
        outcome = calibrate_wind(table=table, options=options)
    except NothingToProduce as reason:
        pytest.fail(str(reason))
    assert outcome.status is Status.DONE
    content = json.loads(table.read_text())
    assert [entry["gas"] for entry in content["entries"]] == ["ch4", "co2"]
    found = effective_wind("co2", "EMIT", "point", "levelworks", table)
    assert found is not None
    assert found.table == "table.json"


@pytest.mark.usefixtures("small_scenes")
def test_too_few_plumes_are_no_calibration(tmp_path: Path) -> None:
    options = CalibrateWind(plumes=5, noise={"EMIT": 50.0}, sensors="EMIT", kinds="point", slowest=8.0, weakest=20.0)
    with pytest.raises(NothingToProduce, match="EMIT shows 0"):
        calibrate_wind(table=tmp_path / "t.json", options=options)


@pytest.mark.usefixtures("small_scenes")
def test_entry_is_rounded_and_counts_its_plumes() -> None:
    options = CalibrateWind(plumes=6, slowest=5.0, weakest=4.0, strongest=9.0, seed=5)
    found = list(trials("EMIT", "point", options, steady_mask))
    entry = entry_of("ch4", "EMIT", "point", found, logarithm=False)
    assert entry["plumes"] == len(found)
    assert all(value == round(value, 4) for value in entry.values() if isinstance(value, float))
    assert own_mask(np.zeros((30, 30)), (1.0, 0.0)).max() == 0


def test_rates_without_wind_or_coefficients_are_unknown() -> None:
    ground, plume = Ground(41, 41, 60.0, 0.0, 0.0, 0.0, 0.0), Plume(5.0, 20.0, 8.0, kind="gaussian")
    field = gaussian_plume(ground, plume, Wind(4.0, 270.0), oversample=2)
    crop = _crop(field, (field > 0.1 * field.max()).astype(int), 1, ground, plume, "EMIT")
    measures = measure(crop, None, ("ime", "csf", "fetch", "carbon-mapper"))
    table = effective_wind("ch4", "EMIT", "point", "hypergas")
    for wind, coefficients in (
        (None, table),
        (PlumeWind("ERA5", np.nan, 1.0), table),
        (PlumeWind("ERA5", 1.0, 1.0), None),
    ):
        found = rates(measures, wind, coefficients, "id")
        assert np.isnan([found.ime.value, found.csf.value, found.fetch.value, found.carbon_mapper.uncertainty]).all()
    found = rates(measures, PlumeWind("ERA5", 4.0, 0.0), table, "id")
    assert found.fetch.value > 0
    assert found.carbon_mapper.value > 0
    assert Measured(1.0).shifts == 0
