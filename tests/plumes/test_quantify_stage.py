"""From products of a scene to rates: the whole stage on a written scene, its files, options and bad inputs."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput, InvalidReference, NothingToProduce, Outcome, Status
from levelworks.plumes.detection.plume_features import PlumeProperties, feature
from levelworks.plumes.drawing.level2_view import open_level2
from levelworks.plumes.drawing.quantified_files import read_plumes
from levelworks.plumes.emission.effective_wind import effective_wind
from levelworks.plumes.emission.emission_table import COLUMNS, HYPERGAS_COLUMNS, format_cell
from levelworks.plumes.emission.quantify_options import SECTORS, Quantify, ReprocessPlumes
from levelworks.plumes.emission.quantify_plane import Plane
from levelworks.plumes.emission.quantify_stage import quantify, write_empty_quantified
from levelworks.plumes.emission.reprocess_stage import reprocess_plumes
from levelworks.plumes.emission.wind_options import FindWind
from levelworks.plumes.emission.wind_stage import find_wind
from levelworks.plumes.layers import Layer, write_empty, write_layers
from levelworks.plumes.simulation.simulated_winds import write_winds
from levelworks.plumes.units import MOLAR_MASS

START = datetime(2023, 6, 1, 9, 37, 12, tzinfo=UTC)
GRANULE = "EMIT_L1B_RAD_001_20230601T093712_2315206_021"
RATE, SPEED = 30.0, 4.0  # mol s-1 of methane, m s-1
NOISE = 4e-4
SHAPE = (120, 130)


class Scene:
    """Two plumes, one of them rejected, in a scene whose columns point 12 degrees south of east."""

    def __init__(self, folder: Path, *, gas: str = "ch4", number: int = 1, **attributes: Any) -> None:
        self.folder, self.gas = folder, gas
        folder.mkdir(parents=True, exist_ok=True)
        turn = np.radians(-12.0)
        matrix = np.array([[60 * np.sin(turn), 58 * np.cos(turn)], [-60 * np.cos(turn), 58 * np.sin(turn)]])
        self.plane = Plane(8.5, 44.5, matrix, -matrix @ [50.0, 40.0])
        rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
        self.longitude, self.latitude = self.plane.unproject(*self.plane.metres(rows, columns))
        east, north = self.plane.metres(rows, columns)
        heading = np.radians(-20.0)
        along, aside = (
            east * np.cos(heading) + north * np.sin(heading),
            north * np.cos(heading) - east * np.sin(heading),
        )
        sigma = 50.0 + 0.09 * np.clip(along, 0, None)
        clean = RATE / (SPEED * np.sqrt(2 * np.pi) * sigma) * np.exp(-0.5 * (aside / sigma) ** 2)
        self.clean = np.where(along > 0, clean, 0.0)
        self.field = self.clean + np.random.default_rng(44).normal(0, NOISE, SHAPE)
        self.labels = np.where(self.clean > 2.5 * NOISE, number, 0).astype(np.int32)
        self.number = number
        self.water = np.zeros(SHAPE, dtype=bool)
        self.water[:, 110:] = True
        self.attributes = {
            "scene": GRANULE,
            "sensor": "EMIT",
            "platform": "EMIT",
            "start_time": "2023-06-01T09:37:06Z",
            "end_time": "2023-06-01T09:37:18Z",
            "gases": gas,
            "sza": 30.0,
            "vza": 5.0,
            "pixel_size": 60.0,
        } | attributes
        self.features = [self.feature(number)]

    def feature(self, number: int, **properties: Any) -> dict[str, Any]:
        known = {"label": number, "gas": self.gas, "source_longitude": 8.5, "source_latitude": 44.5}
        known |= {"source_confidence": 0.8, "fp_score": 0.1, "signal_to_noise": 22.0}
        box = [[8.5, 44.4], [8.6, 44.4], [8.6, 44.5], [8.5, 44.4]]
        geometry = {"type": "Polygon", "coordinates": [box]}
        return {"type": "Feature", "geometry": geometry, "properties": known | properties}

    def write(self) -> tuple[Path, Path, Path]:
        retrieval, labels, plumes = (self.folder / name for name in ("r.nc", "l.nc", "p.geojson"))
        area = np.full(SHAPE, abs(np.linalg.det(self.plane.matrix)))
        layers = [
            Layer(self.gas, self.field, "mol m-2"),
            Layer(f"{self.gas}_unc_noise", np.full(SHAPE, NOISE), "mol m-2"),
            Layer("quality", np.where(self.water, 4, 0).astype(np.uint16)),
            Layer("longitude", self.longitude),
            Layer("latitude", self.latitude),
            Layer("elevation", np.full(SHAPE, 300.0)),
            Layer("pixel_area", area),
        ]
        write_layers(retrieval, layers, self.attributes)
        write_layers(labels, [Layer(f"{self.gas}_mask", self.labels)], {})
        plumes.write_text(json.dumps({"type": "FeatureCollection", "features": self.features}), encoding="utf-8")
        return retrieval, labels, plumes

    def wind(self, speed: float = SPEED, **options: Any) -> Path:
        heading = np.radians(-20.0)
        u, v = speed * np.cos(heading), speed * np.sin(heading)
        files = write_winds(self.folder / "winds", START, (8.2, 44.2, 8.9, 44.8), u, v, 97000.0)
        path = self.folder / "wind.nc"
        find_wind(self.folder / "r.nc", files["era5_netcdf"], files["geos_fp"], wind=path, options=FindWind(**options))
        return path

    def quantify(self, wind: Path | None, name: str = "out", boundaries: Path | None = None, **options: Any) -> Outcome:
        return quantify(*self.write(), wind, boundaries, folder=self.folder / name, options=Quantify(**options))


def rows_of(folder: Path, name: str = "plumes.csv") -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.write()
    return made


def test_rates_follow_from_mass_wind_and_table(scene: Scene) -> None:
    outcome = scene.quantify(scene.wind(), effective_wind="hypergas")
    assert outcome.status is Status.DONE
    row = rows_of(scene.folder / "out")[0]
    assert row["plume_id"] == "emi-20230601t093706-plume1"
    area = abs(np.linalg.det(scene.plane.matrix))
    inside = scene.labels == 1
    mass = scene.field[inside].sum() * area * MOLAR_MASS["ch4"]
    assert float(row["ime"]) == pytest.approx(mass, rel=1e-5)
    assert float(row["leff_ime"]) == pytest.approx(np.sqrt(inside.sum() * area), rel=1e-5)
    assert float(row["wind_speed"]) == pytest.approx(SPEED, rel=1e-4)
    assert float(row["wind_direction"]) == pytest.approx(290.0, abs=0.1)
    expected = (0.43 + 0.36 * SPEED) * mass / np.sqrt(inside.sum() * area) * 3600
    assert float(row["emission"]) == pytest.approx(expected, rel=1e-4)
    assert float(row["emission_uncertainty_wind"]) == pytest.approx(
        expected * 0.36 * 1.5 / (0.43 + 0.36 * SPEED), rel=1e-3
    )
    noise = NOISE * area * np.sqrt(inside.sum()) * MOLAR_MASS["ch4"]
    assert float(row["ime_uncertainty"]) == pytest.approx(noise, rel=0.4)
    parts = [float(row[f"emission_uncertainty_{part}"]) for part in ("random", "wind", "calibration")]
    assert float(row["emission_uncertainty"]) == pytest.approx(np.sqrt(np.sum(np.square(parts))), rel=1e-4)
    true_integral = RATE / SPEED * MOLAR_MASS["ch4"]
    assert float(row["emission_csf"]) == pytest.approx(1.12 * SPEED * true_integral * 3600, rel=0.05)
    assert float(row["emission_p5"]) < float(row["emission_p50"]) < float(row["emission_p95"])
    assert float(row["emission_era5"] if "emission_era5" in row else row["emission_ime_era5"]) == float(row["emission"])
    assert row["source_confidence"] == "0.8"
    assert row["surface_pressure"] == "97000"


def test_table_has_every_column_of_hypergas_first_and_in_order(scene: Scene) -> None:
    scene.quantify(scene.wind())
    text = (scene.folder / "out" / "plumes.csv").read_text()
    heading = text.splitlines()[0].split(",")
    assert tuple(heading[:55]) == HYPERGAS_COLUMNS
    assert tuple(heading) == COLUMNS
    assert len(set(COLUMNS)) == len(COLUMNS)
    alone = rows_of(scene.folder / "out", "EMIT_L3B_001_20230601T093712_2315206_021_plume1.csv")
    assert alone == rows_of(scene.folder / "out")


def test_two_runs_give_the_same_bytes(scene: Scene) -> None:
    wind = scene.wind()
    for name in ("a", "b"):
        scene.quantify(wind, name)
    names = sorted(path.name for path in (scene.folder / "a").iterdir())
    assert len(names) == 6
    for name in names:
        assert (scene.folder / "a" / name).read_bytes() == (scene.folder / "b" / name).read_bytes(), name


def test_pictures_read_what_quantify_writes(scene: Scene) -> None:
    scene.quantify(scene.wind())
    folder = scene.folder / "out"
    path = folder / "EMIT_L3B_001_20230601T093712_2315206_021_plume1.nc"
    with open_level2(path) as view:
        assert view.units("ch4") == "ppb"
        assert view.grid.crs.to_epsg() == 32632
        assert [wind.source for wind in view.winds()] == ["ERA5", "GEOS-FP"]
        assert {"ch4", "ch4_cm", "ch4_mask", "longitude", "latitude"} <= set(view.names)
        enhancement = view.read("ch4")
    on_map = np.nansum(enhancement) * 3600.0  # 60 m cells
    area = abs(np.linalg.det(scene.plane.matrix))
    factor = 1e9 / (97000 / (9.80665 * 28.9647e-3))
    assert on_map == pytest.approx(scene.field[scene.labels == 1].sum() * area * factor, rel=0.1)
    summary = read_plumes(folder)
    assert len(summary) == 1
    assert summary[0].rings


def test_without_wind_masses_stay_and_rates_are_unknown(scene: Scene) -> None:
    for wind in (None, scene.wind(sources=[])):
        outcome = scene.quantify(wind)
        assert outcome.status is Status.DONE
        assert any("no wind" in warning for warning in outcome.warnings)
        row = rows_of(scene.folder / "out")[0]
        assert float(row["ime"]) > 0
        assert row["emission"] == row["emission_p95"] == row["wind_source"] == ""
        assert float(row["surface_pressure"]) == pytest.approx(97773, rel=1e-3)  # of 300 m


def test_d12_a_manual_wind_of_zero_counts_and_has_no_error(scene: Scene) -> None:
    scene.quantify(scene.wind(), wspd_manual=0.0, effective_wind="hypergas")
    row = rows_of(scene.folder / "out")[0]
    assert row["wind_source"] == "manual"
    assert row["wind_speed"] == "0"
    assert row["emission_uncertainty_wind"] == "0"
    assert float(row["emission"]) == pytest.approx(0.43 * float(row["ime"]) / float(row["leff_ime"]) * 3600, rel=1e-4)
    assert float(row["emission_csf"]) == 0
    assert float(row["emission_ime_era5"]) > float(row["emission"])


def test_d12_pressure_is_that_of_the_chosen_wind(scene: Scene) -> None:
    wind = scene.wind()
    with netCDF4.Dataset(wind, "a") as file:
        file.variables["sp"][1] = 90000.0
    for source, expected in (("ERA5", "97000"), ("GEOS-FP", "90000")):
        scene.quantify(wind, wind_source=source)
        row = rows_of(scene.folder / "out")[0]
        assert (row["wind_source"], row["surface_pressure"]) == (source, expected)
    scene.quantify(wind, compat="hypergas")
    assert rows_of(scene.folder / "out")[0]["surface_pressure"] == "93500"
    scene.quantify(wind, pressure_manual=88000.0)
    assert rows_of(scene.folder / "out")[0]["surface_pressure"] == "88000"


def test_d10_an_area_source_does_not_change_the_next_point_source(scene: Scene) -> None:
    wind = scene.wind()
    found = []
    for sector in ("Oil & Gas (1B2)", "Solid Waste (6A)", "Oil & Gas (1B2)"):
        scene.quantify(wind, ipcc_sector=sector, effective_wind="hypergas")
        found.append(rows_of(scene.folder / "out")[0])
    assert found[0] == found[2]
    assert (found[1]["alpha2"], found[1]["alpha3"]) == ("0.64", "0.39")
    per_length = float(found[1]["ime"]) / float(found[1]["leff_ime"]) * 3600
    difference = (0.64 + 0.39 * SPEED) - (0.43 + 0.36 * SPEED)
    assert float(found[1]["emission_uncertainty_calibration"]) == pytest.approx(difference * per_length, rel=1e-3)
    assert len(SECTORS) == 7


def test_compat_hypergas_reproduces_its_arithmetic(scene: Scene) -> None:
    scene.quantify(scene.wind(), compat="hypergas")
    row = rows_of(scene.folder / "out")[0]
    ppb = scene.field[scene.labels == 1] * 2900.0
    mass = ppb.sum() * 1e-9 * (16.04e-3 / 28.964e-3) * 97000.0 / 9.8 * 60.0**2
    assert float(row["ime"]) == pytest.approx(mass, rel=1e-5)
    assert float(row["leff_ime"]) == pytest.approx(60 * np.sqrt(ppb.size), rel=1e-5)
    assert float(row["ueff_ime"]) == pytest.approx(0.43 + 0.36 * SPEED, rel=1e-4)
    csf = next((scene.folder / "out").glob("*_csf.nc"))
    with netCDF4.Dataset(csf) as file:
        assert "ceter_line" in file.dimensions
        rates = file.variables["emission_rate"][...]
    assert float(row["emission_csf"]) == pytest.approx(float(rates.mean()), rel=1e-5)
    scene.quantify(scene.wind())
    with netCDF4.Dataset(csf) as file:
        assert {"csf_line", "center_line"} <= set(file.dimensions)
        names = {"emission_rate", "x_start", "x_end", "y_start", "y_end", "x_center", "y_center"}
        assert names <= set(file.variables)


def test_gases_without_coefficients_have_mass_and_no_rate(tmp_path: Path) -> None:
    made = Scene(tmp_path, gas="no2")
    made.write()
    made.quantify(made.wind())
    row = rows_of(tmp_path / "out")[0]
    assert row["plume_id"] == "emi-20230601t093706-no2-plume1"
    assert float(row["ime"]) > 0
    assert row["emission"] == row["emission_csf"] == row["emission_cm"] == row["alpha2"] == ""
    assert effective_wind("co", "EMIT") is None


def test_rejected_plumes_are_listed_apart(scene: Scene) -> None:
    scene.labels[100:104, 20:26] = 2
    scene.features.append(scene.feature(2, rejected=True, reasons=["road", "shape"]))
    outcome = scene.quantify(scene.wind())
    assert outcome.quality["plumes"] == outcome.quality["rejected"] == 1
    rejected = rows_of(scene.folder / "out", "rejected.csv")
    assert [(row["fp_reasons"], row["status"]) for row in rejected] == [("road; shape", "rejected")]


def test_features_of_detection_are_understood(scene: Scene) -> None:
    """Ids count over all gases from 0, labels are those of a gas's mask, rejected plumes are in none."""
    values: dict[str, Any] = dict.fromkeys(PlumeProperties.__dataclass_fields__, 0.0)
    values |= {"label": 1, "gas": "ch4", "source_longitude": 8.5, "source_latitude": 44.5, "source_confidence": 0.6}
    values |= {"plume_id": "emi-20230601t093706-plume4", "site": "North well", "peak_snr": 31.0, "fp_score": 0.3}
    values |= {"fp_reasons": ["weak spectrum"], "rejected": False, "rejected_reason": ""}
    geometry = scene.features[0]["geometry"]
    kept = PlumeProperties(**values)
    values |= {"plume_id": "emi-20230601t093706-plume5", "label": 2, "rejected": True, "rejected_reason": "a road"}
    scene.features = [feature(kept, geometry), feature(PlumeProperties(**values), geometry)]
    outcome = scene.quantify(scene.wind())
    assert not outcome.warnings
    row = rows_of(scene.folder / "out")[0]
    assert row["plume_id"] == "emi-20230601t093706-plume4"
    assert (row["name"], row["signal_to_noise"], row["fp_reasons"]) == ("North well", "31", "weak spectrum")
    assert (scene.folder / "out" / "EMIT_L3B_001_20230601T093712_2315206_021_plume4.nc").is_file()
    rejected = rows_of(scene.folder / "out", "rejected.csv")
    assert [(one["plume_id"], one["fp_reasons"]) for one in rejected] == [
        ("emi-20230601t093706-plume5", "a road; weak spectrum")
    ]


def test_no_plumes_is_done_with_headings(scene: Scene) -> None:
    scene.labels[:] = 0
    scene.features = []
    outcome = scene.quantify(scene.wind())
    assert outcome.status is Status.DONE
    assert outcome.quality["plumes"] == 0
    assert (scene.folder / "out" / "plumes.csv").read_text() == ",".join(COLUMNS) + "\n"
    assert json.loads((scene.folder / "out" / "plumes.geojson").read_text())["features"] == []
    write_empty_quantified(scene.folder / "empty", Outcome(Status.SKIPPED, "all cloud"))
    assert json.loads((scene.folder / "empty" / "outcome.json").read_text())["reason"] == "all cloud"


@pytest.mark.parametrize("shape", ["one pixel", "at the edge", "whole scene", "no value", "over water"])
def test_odd_masks_are_quantified_without_failure(scene: Scene, shape: str) -> None:
    scene.labels[:] = 0
    where = {
        "one pixel": np.s_[51, 43],
        "at the edge": np.s_[45:60, 0:12],
        "whole scene": np.s_[:, :],
        "no value": np.s_[45:50, 45:60],
        "over water": np.s_[50:60, 112:125],
    }[shape]
    scene.labels[where] = 1
    scene.features = []
    if shape == "no value":
        scene.field[where] = np.nan
    outcome = scene.quantify(scene.wind())
    assert outcome.status is Status.DONE
    row = rows_of(scene.folder / "out")[0]
    assert row["touches_edge"] == str(shape in ("at the edge", "whole scene", "no value"))
    assert row["land_only"] == str(shape != "over water")
    if shape == "one pixel":
        assert row["pixels"] == "1"
        assert row["emission_csf"] == ""
        assert float(row["emission"]) > 0
    if shape == "whole scene":
        assert "0 places" in row["notes"]
        assert float(row["emission_uncertainty_random"]) > 0
    if shape == "no value":
        assert row["emission"] == row["ime"] == ""


def test_a_scene_that_was_skipped_is_skipped(scene: Scene) -> None:
    retrieval, labels, plumes = scene.write()
    write_empty(retrieval, Outcome(Status.SKIPPED, "all cloud"))
    with pytest.raises(NothingToProduce, match="all cloud"):
        quantify(retrieval, labels, plumes, None, folder=scene.folder / "x", options=Quantify())
    with pytest.raises(NothingToProduce, match="all cloud"):
        find_wind(retrieval, [], [], wind=scene.folder / "w.nc", options=FindWind())


def test_a_wind_that_was_asked_for_and_is_missing_is_replaced_and_said(scene: Scene) -> None:
    outcome = scene.quantify(scene.wind(sources=["ERA5"]), wind_source="GEOS-FP")
    assert any("no wind of GEOS-FP" in warning for warning in outcome.warnings)
    assert rows_of(scene.folder / "out")[0]["wind_source"] == "ERA5"


def test_places_come_from_a_file(scene: Scene) -> None:
    def box(west: float, east: float, **names: str) -> dict[str, Any]:
        ring = [[west, 40], [east, 40], [east, 50], [west, 50], [west, 40]]
        return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": names}

    path = scene.folder / "places.json"
    features = [box(0, 20, ADMIN="Italy"), box(8, 9, NAME_1="Liguria", country="Italy"), box(10, 11, city="Elsewhere")]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    scene.quantify(scene.wind(), boundaries=path)
    row = rows_of(scene.folder / "out")[0]
    assert (row["country"], row["state"], row["city"]) == ("Italy", "Liguria", "")
    path.write_text("{}")
    with pytest.raises(InvalidReference, match=r"places\.json"):
        scene.quantify(scene.wind(), boundaries=path)


def test_bad_inputs_are_named(scene: Scene) -> None:
    retrieval, labels, plumes = scene.write()
    plumes.write_text("[1, 2]")
    with pytest.raises(InvalidInput, match=r"p\.geojson"):
        quantify(retrieval, labels, plumes, None, folder=scene.folder / "x", options=Quantify())
    scene.attributes["sensor"] = "Landsat"
    with pytest.raises(InvalidInput, match="Landsat"):
        scene.quantify(None)
    scene.attributes["sensor"] = "EMIT"
    scene.labels = scene.labels[:-1]
    with pytest.raises(InvalidInput, match="mask of its plumes"):
        scene.quantify(None)


def edit(folder: Path, **cells: str) -> Path:
    path = folder / "edits.csv"
    path.write_text(",".join(cells) + "\n" + ",".join(cells.values()) + "\n", encoding="utf-8")
    return path


def test_reprocessing_what_was_not_edited_gives_the_same_table(scene: Scene) -> None:
    for options in ({}, {"compat": "hypergas"}):
        scene.quantify(scene.wind(), **options)
        reprocess_plumes(
            scene.folder / "out", None, None, folder_out=scene.folder / "again", options=ReprocessPlumes(**options)
        )
        assert rows_of(scene.folder / "again") == rows_of(scene.folder / "out")
        first, second = (json.loads((scene.folder / name / "plumes.geojson").read_text()) for name in ("out", "again"))
        assert first == second


def test_errors_that_were_not_stored_are_made_again(scene: Scene) -> None:
    """A method that quantify was not asked for has no stored error; that of the mass stays as it was."""
    scene.quantify(scene.wind(), methods=["ime"])
    folder = scene.folder
    reprocess_plumes(folder / "out", None, None, folder_out=folder / "again", options=ReprocessPlumes())
    before, after = rows_of(folder / "out")[0], rows_of(folder / "again")[0]
    assert before["emission_csf"] == ""
    assert float(after["emission_csf_uncertainty_random"]) > 0
    assert after["emission_uncertainty_random"] == before["emission_uncertainty_random"]


def test_errors_of_hypergas_go_with_the_pressure(scene: Scene) -> None:
    """Its masses are proportional to the surface pressure, and so is what the background scatters by."""
    scene.quantify(scene.wind(), compat="hypergas")
    folder = scene.folder
    pressure = float(rows_of(folder / "out")[0]["surface_pressure"])
    errors = []
    for name, factor in (("whole", 0.999), ("half", 0.4995)):
        options = ReprocessPlumes(compat="hypergas", pressure_manual=factor * pressure)
        reprocess_plumes(folder / "out", None, None, folder_out=folder / name, options=options)
        errors.append(float(rows_of(folder / name)[0]["emission_uncertainty_random"]))
    assert errors[1] == pytest.approx(errors[0] / 2, rel=1e-3)


def test_an_edited_mask_on_the_map_changes_the_mass(scene: Scene) -> None:
    scene.quantify(scene.wind())
    path = next((scene.folder / "out").glob("*_plume1.nc"))
    with netCDF4.Dataset(path, "a") as file:
        mask = file.variables["ch4_mask"][...]
        columns = np.flatnonzero(mask.any(axis=0))
        cut = int(columns.mean())
        file.variables["ch4_mask"][:, cut:] = 0
        kept = int(file.variables["ch4_mask"][...].sum())
    folder = scene.folder
    reprocess_plumes(folder / "out", None, None, folder_out=folder / "again", options=ReprocessPlumes())
    before, after = rows_of(folder / "out")[0], rows_of(folder / "again")[0]
    assert int(after["pixels"]) == pytest.approx(kept * 3600 / 3480, rel=0.05)
    assert float(after["ime"]) < float(before["ime"])
    reprocess_plumes(
        folder / "out", None, None, folder_out=folder / "kept", options=ReprocessPlumes(reprocess_nc=False)
    )
    assert rows_of(folder / "kept")[0]["ime"] == before["ime"]


def test_edits_reject_rename_and_choose_winds(scene: Scene) -> None:
    scene.quantify(scene.wind())
    folder = scene.folder

    def again(edits: Path | None, wind: Path | None = None, **options: Any) -> list[dict[str, str]]:
        reprocess_plumes(folder / "out", wind, edits, folder_out=folder / "again", options=ReprocessPlumes(**options))
        return rows_of(folder / "again")

    plume = "emi-20230601t093706-plume1"
    assert again(edit(folder, plume_id=plume, keep="no")) == []
    assert rows_of(folder / "again", "rejected.csv")[0]["plume_id"] == plume
    row = again(edit(folder, plume_id=plume, name="North well", ipcc_sector="Solid Waste (6A)", wind_source="GEOS-FP"))[
        0
    ]
    assert (row["name"], row["wind_source"], row["ueff_kind"]) == ("North well", "GEOS-FP", "area")
    row = again(edit(folder, plume_id=plume, wind_speed_manual="0"))[0]
    assert (row["wind_source"], row["wind_speed"]) == ("manual", "0")
    row = again(None, wind_data="GEOS-FP", reprocess_nc=False)[0]
    assert row["wind_source"] == "GEOS-FP"  # D12: the table's own source doesn't stay
    row = again(None, scene.wind(7.0))[0]
    assert float(row["wind_speed"]) == pytest.approx(7.0, rel=1e-4)
    assert float(row["emission"]) > float(rows_of(folder / "out")[0]["emission"])
    with pytest.raises(InvalidReference, match="nobody"):
        again(edit(folder, plume_id="nobody", keep="no"))
    with pytest.raises(InvalidReference, match="Waste"):
        again(edit(folder, plume_id=plume, ipcc_sector="Waste"))
    with pytest.raises(InvalidReference, match="fast"):
        again(edit(folder, plume_id=plume, wind_speed_manual="fast"))


def test_cells_have_fixed_digits() -> None:
    assert format_cell("emission", 2758.00512) == "2758.01"
    assert format_cell("plume_latitude", 44.5) == "44.500000"
    assert format_cell("plume_bounds", [8.0, 44.123456789]) == "[8.000000, 44.123457]"
    assert format_cell("emission", float("nan")) == format_cell("emission", None) == ""
    assert format_cell("wind_speed_all", [1.0, float("nan")]) == "[1, NaN]"
    assert format_cell("wind_source_all", ["ERA5"]) == '["ERA5"]'
    assert format_cell("land_only", True) == "True"
    assert format_cell("emission", -0.0) == "0"
