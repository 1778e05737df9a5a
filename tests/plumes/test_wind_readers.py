"""Winds: files of ERA5 and GEOS-FP read back, linear on components, and what happens where they are missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput, Outcome, Status
from levelworks.plumes.emission.wind_files import read_wind, write_empty_wind
from levelworks.plumes.emission.wind_grids import (
    NoWind,
    WindGrid,
    between,
    bracket,
    components,
    direction_from,
    interpolate,
)
from levelworks.plumes.emission.wind_options import FindWind
from levelworks.plumes.emission.wind_readers import era5_wind, geos_fp_wind
from levelworks.plumes.emission.wind_stage import find_wind
from levelworks.plumes.layers import Layer, write_layers
from levelworks.plumes.simulation.simulated_winds import write_winds

INSTANT = datetime(2023, 6, 1, 9, 37, 12, tzinfo=UTC)
BOUNDS = (8.1, 44.2, 8.9, 44.8)
CENTRE = np.array([8.5]), np.array([44.5])


def retrieval(folder: Path, west: float = 8.2, east: float = 8.8, start: datetime = INSTANT) -> Path:
    """Write what the wind stage reads of a retrieval: places with a hole, and times."""
    longitude, latitude = np.meshgrid(np.linspace(west, east, 30), np.linspace(44.75, 44.25, 20))
    longitude = (longitude + 180) % 360 - 180
    longitude[:3, :4] = latitude[:3, :4] = np.nan
    path = folder / "scene.nc"
    stamps = {
        "start_time": (start - timedelta(seconds=6)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "end_time": (start + timedelta(seconds=6)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    layers = [Layer("longitude", longitude), Layer("latitude", latitude)]
    write_layers(path, layers, {"scene": "SCENE"} | stamps)
    return path


@pytest.mark.parametrize("kind", ["era5_grib", "era5_netcdf"])
def test_era5_is_linear_in_time_and_space(tmp_path: Path, kind: str) -> None:
    files = write_winds(tmp_path, INSTANT, BOUNDS, 3.25, -1.5, 96500.0, gradient=(0.8, -0.4), trend=0.7)
    grid = era5_wind(files[kind], INSTANT)
    longitude, latitude = np.array([8.5, 8.3, 8.77]), np.array([44.5, 44.31, 44.62])
    u, v, pressure = interpolate(grid, latitude, longitude)
    expected = 0.8 * (longitude - 8.5) - 0.4 * (latitude - 44.5)
    packing = 2e-4 if kind == "era5_grib" else 1e-6
    assert np.allclose(u, 3.25 + expected, atol=packing)
    assert np.allclose(v, -1.5 + expected, atol=packing)
    assert np.allclose(pressure, 96500.0, atol=0.1)


def test_era5_archive_by_year_and_over_midnight(tmp_path: Path) -> None:
    for instant in (datetime(2023, 12, 31, 12, tzinfo=UTC), datetime(2024, 1, 1, 12, tzinfo=UTC)):
        write_winds(tmp_path, instant, BOUNDS, 2.0, 1.0)
    u, _, _ = interpolate(
        era5_wind([tmp_path / "era5"], datetime(2023, 12, 31, 23, 30, tzinfo=UTC)), CENTRE[1], CENTRE[0]
    )
    assert u == pytest.approx(2.0, abs=1e-3)


def test_era5_netcdf_of_the_old_store_with_expver_packing_and_time(tmp_path: Path) -> None:
    path = tmp_path / "old.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, values, units in (
            ("time", [1081593, 1081594], "hours since 1900-01-01 00:00:00.0"),
            ("latitude", [45.0, 44.0], "degrees_north"),
            ("longitude", [8.0, 9.0], "degrees_east"),
        ):
            file.createDimension(name, len(values))
            axis = file.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        file.createDimension("expver", 2)
        for name, value in (("u10", 4.0), ("v10", -2.0)):
            packed = file.createVariable(name, "i2", ("time", "expver", "latitude", "longitude"), fill_value=-32767)
            packed.scale_factor, packed.add_offset = 0.001, 1.0
            packed[:, 1] = value
    instant = datetime(1900, 1, 1, tzinfo=UTC) + timedelta(hours=1081593.5)
    u, v, pressure = interpolate(era5_wind([path], instant), np.array([44.5]), np.array([8.5]))
    assert (u[0], v[0]) == pytest.approx((4.0, -2.0), abs=1e-3)
    assert np.isnan(pressure[0])


def test_geos_fp_is_the_file_of_the_hour(tmp_path: Path) -> None:
    files = write_winds(tmp_path, INSTANT, BOUNDS, 3.0, 1.0, 95000.0, trend=2.0)["geos_fp"]
    u, v, pressure = interpolate(geos_fp_wind(files, INSTANT), CENTRE[1], CENTRE[0])
    half_hour = (datetime(2023, 6, 1, 9, 30, tzinfo=UTC) - INSTANT).total_seconds() / 3600
    assert (u[0], v[0]) == pytest.approx((3.0 + 2 * half_hour, 1.0 + 2 * half_hour), abs=1e-5)
    assert pressure[0] == pytest.approx(95000.0, abs=0.01)
    with pytest.raises(NoWind, match=r"GEOS\.fp\.asm\.tavg1_2d_slv_Nx\.20230601_1430"):
        geos_fp_wind([tmp_path / "geos_fp"], INSTANT + timedelta(hours=5))


@pytest.mark.parametrize("first", [0.0, -180.0, 90.0])
def test_interpolation_goes_around_the_earth(first: float) -> None:
    longitude = first + np.arange(0, 360, 2.0)
    latitude = np.array([10.0, 0.0])
    u = np.broadcast_to(np.cos(np.radians(longitude)), (2, 180))
    grid = WindGrid(latitude, longitude, u, -u)
    places = np.array([-180.0, 180.0, 179.0, -179.0, 0.0, 359.0, 721.0])
    got, _, _ = interpolate(grid, np.full(7, 5.0), places)
    assert np.allclose(got, np.cos(np.radians(places)), atol=2e-4)


def test_interpolation_outside_a_regional_grid_is_refused() -> None:
    grid = WindGrid(np.array([1.0, 0.0]), np.array([179.0, 181.0]), np.ones((2, 2)), np.ones((2, 2)))
    u, _, _ = interpolate(grid, np.array([0.5, 0.5]), np.array([-179.5, 179.5]))
    assert np.array_equal(u, [1, 1])
    for latitude, longitude in ((0.5, 178.0), (0.5, -178.0), (2.0, 180.0)):
        with pytest.raises(NoWind, match="outside"):
            interpolate(grid, np.array([latitude]), np.array([longitude]))


def test_t7_direction_and_back() -> None:
    assert direction_from(3.0, 0.0) == 270.0
    for speed, direction in ((3.0, 270.0), (2.0, 10.0), (5.0, 180.0)):
        u, v = components(speed, direction)
        assert np.hypot(u, v) == pytest.approx(speed)
        assert direction_from(u, v) == pytest.approx(direction)


def test_d11_winds_about_north_do_not_turn_over_south() -> None:
    """T8: between directions 359 and 1 lies 0, not 180."""
    u, v = np.array([components(4.0, angle) for angle in (359.0, 1.0)]).T
    grid = WindGrid(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.tile(u, (2, 1)), np.tile(v, (2, 1)))
    east, north, _ = interpolate(grid, np.array([0.5]), np.array([0.5]))
    direction = direction_from(float(east[0]), float(north[0]))
    assert min(direction, 360 - direction) < 1e-6


def test_bracket_refuses_what_it_would_have_to_extrapolate() -> None:
    times = [INSTANT + timedelta(hours=hours) for hours in (3, 0, 1)]
    assert bracket(times, INSTANT + timedelta(minutes=15), timedelta(hours=6)) == (1, 2, 0.25)
    assert bracket(times, times[2], timedelta(hours=6)) == (2, 2, 0.0)
    for instant, longest in ((INSTANT - timedelta(1), 6), (INSTANT + timedelta(hours=2), 1)):
        with pytest.raises(NoWind):
            bracket(times, instant, timedelta(hours=longest))
    one = WindGrid(np.array([0.0]), np.array([0.0]), np.zeros((1, 1)), np.zeros((1, 1)))
    other = WindGrid(np.array([1.0]), np.array([0.0]), np.zeros((1, 1)), np.zeros((1, 1)))
    with pytest.raises(NoWind, match="one grid"):
        between(one, other, 0.5)


def test_stage_writes_every_source_and_reads_back_onto_pixels(tmp_path: Path) -> None:
    files = write_winds(tmp_path, INSTANT, BOUNDS, 3.0, 1.0, 98000.0, gradient=(0.5, 0.25))
    scene, product = retrieval(tmp_path), tmp_path / "wind.nc"
    outcome = find_wind(scene, files["era5_grib"], files["geos_fp"], wind=product, options=FindWind())
    assert outcome.status is Status.DONE
    assert not outcome.warnings
    winds = read_wind(product)
    assert winds.sources == ("ERA5", "GEOS-FP")
    assert winds.preferred == "ERA5"
    u, v, pressure = winds.at("ERA5", *np.meshgrid(np.arange(20), np.arange(30), indexing="ij"))
    longitude, latitude = np.meshgrid(np.linspace(8.2, 8.8, 30), np.linspace(44.75, 44.25, 20))
    expected = 0.5 * (longitude - 8.5) + 0.25 * (latitude - 44.5)
    inside = np.s_[4:, 5:]
    assert np.allclose(u[inside], 3 + expected[inside], atol=0.02)
    assert np.allclose(v[10:, 10:], (1 + expected)[10:, 10:], atol=0.002)
    assert np.allclose(pressure, 98000, atol=0.1)


def test_stage_is_safe_across_the_antimeridian(tmp_path: Path) -> None:
    files = write_winds(tmp_path, INSTANT, (179.5, 44.2, 180.5, 44.8), -2.0, 4.0, gradient=(1.0, 0.0))
    scene = retrieval(tmp_path, 179.7, 180.3)
    for kind in ("era5_grib", "era5_netcdf"):
        find_wind(scene, files[kind], files["geos_fp"], wind=tmp_path / "wind.nc", options=FindWind())
        winds = read_wind(tmp_path / "wind.nc")
        assert winds.sources == ("ERA5", "GEOS-FP")
        assert winds.u[:, -1, 0] == pytest.approx([-2.3, -2.3], abs=1e-3)
        assert winds.u[:, -1, -1] == pytest.approx([-1.7, -1.7], abs=1e-3)


def test_d20_one_missing_source_leaves_the_others(tmp_path: Path) -> None:
    files = write_winds(tmp_path, INSTANT, BOUNDS, 3.0, 1.0)
    broken = tmp_path / "sl_20230601.grib"
    broken.write_bytes(b"no grib")
    without_v = tmp_path / "without_v.nc"
    with netCDF4.Dataset(files["era5_netcdf"][0]) as source, netCDF4.Dataset(without_v, "w") as copy:
        for name in ("valid_time", "latitude", "longitude", "u10"):
            for axis in source.variables[name].dimensions:
                if axis not in copy.dimensions:
                    copy.createDimension(axis, len(source.dimensions[axis]))
            made = copy.createVariable(name, source.variables[name].dtype, source.variables[name].dimensions)
            made.units = source.variables[name].units
            made[...] = source.variables[name][...]
    for era5, said in (([broken], "sl_20230601.grib"), ([without_v], "v10"), ([], "no file"), (files["era5_grib"], "")):
        start = INSTANT if era5 != files["era5_grib"] else INSTANT + timedelta(days=3)
        outcome = find_wind(
            retrieval(tmp_path, start=start), era5, files["geos_fp"], wind=tmp_path / "w.nc", options=FindWind()
        )
        assert outcome.status is Status.DONE
        assert any("ERA5" in warning and said in warning for warning in outcome.warnings)
        assert read_wind(tmp_path / "w.nc").sources == (() if start != INSTANT else ("GEOS-FP",))


def test_no_wind_at_all_is_done_with_a_warning(tmp_path: Path) -> None:
    outcome = find_wind(retrieval(tmp_path), [], [], wind=tmp_path / "w.nc", options=FindWind())
    assert outcome.status is Status.DONE
    assert any("emission rates are not a number" in warning for warning in outcome.warnings)
    winds = read_wind(tmp_path / "w.nc")
    assert winds.sources == ()
    assert len(winds.notes) == 3
    write_empty_wind(tmp_path / "empty.nc", Outcome(Status.QUARANTINED, "bad"))
    assert read_wind(tmp_path / "empty.nc").notes == ("bad",)
    (tmp_path / "text.nc").write_text("no")
    with pytest.raises(InvalidInput):
        read_wind(tmp_path / "text.nc")


def test_d12_a_manual_wind_of_zero_is_a_wind(tmp_path: Path) -> None:
    files = write_winds(tmp_path, INSTANT, BOUNDS, 3.0, 0.0, 91000.0)
    scene, product = retrieval(tmp_path), tmp_path / "w.nc"
    find_wind(scene, files["era5_grib"], [], wind=product, options=FindWind(wind_speed_manual=0.0))
    winds = read_wind(product)
    assert winds.preferred == "manual"
    assert np.all(winds.u[winds.sources.index("manual")] == 0)
    options = FindWind(wind_speed_manual=4.0, pressure_manual=90000.0)
    find_wind(scene, files["era5_grib"], [], wind=product, options=options)
    winds = read_wind(product)
    assert winds.sources[0] == "manual"
    assert (winds.u[0].mean(), winds.v[0].mean()) == pytest.approx((4.0, 0.0), abs=1e-3)  # ERA5's direction
    assert np.all(winds.pressure[0] == 90000.0)
    options = FindWind(wind_speed_manual=4.0, wind_direction_manual=0.0)
    find_wind(scene, [], [], wind=product, options=options)
    winds = read_wind(product)
    assert (winds.u[0].mean(), winds.v[0].mean()) == pytest.approx((0.0, -4.0), abs=1e-9)


def test_files_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = (write_winds(tmp_path / name, INSTANT, BOUNDS, 3.0, 1.0, trend=0.1) for name in ("a", "b"))
    assert first["era5_grib"][0].read_bytes() == second["era5_grib"][0].read_bytes()
    scene = retrieval(tmp_path)
    products = [tmp_path / "one.nc", tmp_path / "two.nc"]
    for product, files in zip(products, (first, second), strict=True):
        find_wind(scene, files["era5_netcdf"], files["geos_fp"], wind=product, options=FindWind())
    assert products[0].read_bytes() == products[1].read_bytes()


def test_a_retrieval_without_places_or_time_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "r.nc"
    nothing = np.full((4, 4), np.nan)
    layers = [Layer("longitude", nothing), Layer("latitude", nothing)]
    for attributes, said in (({"start_time": "2023-06-01T00:00:00Z"}, "no pixel"), ({}, "start_time")):
        write_layers(path, layers, attributes)
        with pytest.raises(InvalidInput, match=said):
            find_wind(path, [], [], wind=tmp_path / "w.nc", options=FindWind())
