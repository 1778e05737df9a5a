"""Level-2 products: what xarray, rasterio, rio-cogeo and pystac read in them, units, and what is missing or wrong."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import netCDF4
import numpy as np
import pystac
import pytest
import rasterio
import xarray
from plume_scenes import GRANULES, Products, swath, write_products
from pyproj import CRS
from pystac.validation.local_validator import get_local_schema_cache
from rasterio.transform import Affine
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import Point, shape

from levelworks.core.options import validate
from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce, Outcome, Status
from levelworks.plumes.emission.wind_files import write_empty_wind
from levelworks.plumes.layers import open_layers, write_empty, write_layers
from levelworks.plumes.mapping.level2_unortho import write_unortho
from levelworks.plumes.mapping.orthorectify_options import Orthorectify
from levelworks.plumes.mapping.orthorectify_stage import orthorectify_scene, write_empty_level2
from levelworks.plumes.mapping.placement import chosen_method
from levelworks.plumes.scene import LookupTable, Rpc
from levelworks.plumes.units import GRAVITY, MOLAR_MASS_AIR, standard_pressure

STEM = "EMIT_L2B_001_20230612T162103_2316311_006"
SCHEMAS = Path(__file__).parents[1] / "support" / "schemas"


@dataclass(frozen=True)
class Level2:
    products: Products
    file: Path
    cogs: Path
    outcome: Outcome


def run(
    products: Products, folder: Path, *, wind=True, cogs=False, points=None, radiance=None, dem=None, **options
) -> Level2:
    folder.mkdir(parents=True, exist_ok=True)
    file, images = folder / f"{STEM}.nc", folder / STEM
    outcome = orthorectify_scene(
        products.retrieval,
        products.denoised,
        products.labels,
        products.wind if wind is True else wind,
        dem,
        points,
        radiance,
        level2=file,
        cogs=images if cogs else None,
        options=Orthorectify(**options),
    )
    return Level2(products, file, images, outcome)


@pytest.fixture(scope="module")
def products(tmp_path_factory) -> Products:
    longitude, latitude, _, _ = swath(32613, 560000, 3540000)
    return write_products(tmp_path_factory.mktemp("products"), (longitude, latitude), gases=("ch4", "co2"))


@pytest.fixture(scope="module")
def made(products, tmp_path_factory) -> Level2:
    return run(products, tmp_path_factory.mktemp("level2"), cogs=True)


def test_has_every_variable_of_hypergas_and_ours(made):
    with xarray.open_dataset(made.file) as data:
        of_gas = (
            "",
            "_comb",
            "_denoise",
            "_comb_denoise",
            "_mask",
            "_unc",
            "_unc_noise",
            "_unc_clutter",
            "_sens",
            "_detlim",
        )
        names = {f"{gas}{suffix}" for gas in ("ch4", "co2") for suffix in of_gas}
        names |= {"u10", "v10", "sp", "rgb", "quality_mask", "quality", "segmentation", "radiance_2100"}
        names |= {"sza", "saa", "vza", "vaa", "raa", "sga", "EMIT_utm"}
        assert set(data.data_vars) == names
        assert set(data.coords) == {"x", "y", "longitude", "latitude", "source", "bands", "quality_flag"}
        assert data.u10.dims == ("source", "y", "x")
        assert data.rgb.dims == ("bands", "y", "x")
        assert data.quality_mask.dims == ("quality_flag", "y", "x")
        assert list(data.quality_flag.values) == ["water", "cloud", "cirrus", "invalid"]
        assert list(data.source.values) == ["GEOS-FP", "ERA5"]


def test_attributes_are_those_of_hypergas(made):
    with xarray.open_dataset(made.file) as data:
        ch4 = data.ch4.attrs
        assert ch4["standard_name"] == "methane_enhancement"
        assert (ch4["units"], data.co2.units) == ("ppb", "ppm")
        assert ch4["matched_filter"] == "lognormal matched filter"
        assert "2110-2450 nm" in ch4["description"]
        assert "orthorectified by positions" in ch4["description"]
        assert "total variation of weight 0.0123, 0.02" in data.ch4_denoise.description
        assert (ch4["start_time"], ch4["sensor"], ch4["platform_name"]) == ("2023-06-12T16:21:03Z", "emi", "EMIT")
        assert (ch4["sza"], ch4["vza"]) == (35.0, 10.0)
        assert data.attrs["filename"] == f"{GRANULES['EMIT']}.nc"
        assert data.attrs["version"].startswith("levelworks_")
        assert data.attrs["surface_pressure"] == "ERA5"
        assert data.attrs["Conventions"] in ("CF-1.8", "CF-1.9", "CF-1.10", "CF-1.11", "CF-1.12")
        flags = data.quality.attrs
        assert flags["flag_meanings"].split()[:3] == ["cloud", "cirrus", "water"]
        assert list(flags["flag_masks"][:3]) == [1, 2, 4]
        assert flags["flag_masks"].dtype == data.quality.dtype


def test_the_grid_mapping_says_where_it_is(made):
    with xarray.open_dataset(made.file) as data:
        mapping = data[data.ch4.encoding.get("grid_mapping", data.ch4.attrs.get("grid_mapping"))]
        crs = CRS.from_cf(mapping.attrs)
        assert crs.to_epsg() == CRS.from_wkt(mapping.attrs["crs_wkt"]).to_epsg() == 32613
        assert mapping.grid_mapping_name == "transverse_mercator"
        assert mapping.scale_factor_at_central_meridian == 0.9996
        assert data.x.standard_name == "projection_x_coordinate"
        assert float(data.y[0]) > float(data.y[-1])
        x, y = np.meshgrid(data.x, data.y)
        from pyproj import Transformer

        longitude, latitude = Transformer.from_crs(32613, 4326, always_xy=True).transform(x, y)
        np.testing.assert_allclose(data.longitude, longitude, atol=6e-8)
        np.testing.assert_allclose(data.latitude, latitude, atol=6e-8)


@pytest.mark.parametrize("name", ["ch4", "rgb", "quality"])
def test_rasterio_reads_projection_and_transform(made, name):
    with xarray.open_dataset(made.file) as data, rasterio.open(f"netcdf:{made.file}:{name}") as file:
        assert file.crs.to_epsg() == 32613
        assert file.transform.to_gdal() == (float(data.x[0]) - 30, 60, 0, float(data.y[0]) + 30, 0, -60)
        np.testing.assert_array_equal(file.read().squeeze(), data[name].values)


def test_the_same_pixels_in_every_layer(made):
    fields = made.products.fields
    with xarray.open_dataset(made.file, mask_and_scale=False) as data:
        shown = data.quality.values & 512 == 0
        # Random colours and radiance tell pixels apart.
        order = np.argsort(fields["radiance_2100"].ravel())
        place = np.searchsorted(fields["radiance_2100"].ravel()[order], data.radiance_2100.values[shown])
        pixel = order[place]
        for name in ("segmentation", "quality", "ch4_mask", "ch4_sens", "co2_sens"):
            np.testing.assert_array_equal(data[name].values[shown], fields[name].ravel()[pixel], err_msg=name)
        np.testing.assert_array_equal(data.rgb.values[:, shown], fields["rgb"].reshape(3, -1)[:, pixel])
        quality = fields["quality"].ravel()[pixel]
        planes = [quality & 4 > 0, quality & 1 > 0, quality & 2 > 0, quality & 7 > 0]
        np.testing.assert_array_equal(data.quality_mask.values[:, shown], planes)
        assert np.unique(pixel).size > 2700
        outside = ~shown
        assert (data.segmentation.values[outside] == -1).all()
        assert (data.quality_mask.values[:, outside] == 255).all()
        assert (data.ch4_mask.values[outside] == 0).all()
        assert np.isnan(data.ch4.values[outside]).all()
        assert np.isnan(data.sga.values[outside]).all()
        assert not np.isnan(data.ch4_unc.values[shown]).any()


def test_angles_and_winds(made):
    with xarray.open_dataset(made.file) as data:
        shown = np.isfinite(data.sza.values)
        assert data.raa.values[shown] == pytest.approx(30.0)
        cosine = np.cos(np.radians(10)) * np.cos(np.radians(35))
        cosine -= np.sin(np.radians(10)) * np.sin(np.radians(35)) * np.cos(np.radians(30))
        assert data.sga.values[shown] == pytest.approx(np.degrees(np.arccos(cosine)), abs=1e-4)
        east = data.u10.sel(source="ERA5").values
        assert np.nanmin(east) == pytest.approx(1.0, abs=0.3)
        assert np.nanmax(east) == pytest.approx(7.0, abs=0.3)
        np.testing.assert_allclose(data.v10.sel(source="ERA5").values, 2 * east, rtol=1e-6)
        np.testing.assert_allclose(data.u10.sel(source="GEOS-FP").values, east + 1, rtol=1e-6)
        assert np.isnan(data.sp.sel(source="GEOS-FP")).all()
        assert data.sp.sel(source="ERA5").values[shown] == pytest.approx(95000.0)


def factor_of(file: Path, products: Products, gas: str) -> float:
    """Return what columns were multiplied by, from uncertainties, which are the same everywhere."""
    with xarray.open_dataset(file) as data:
        values = data[f"{gas}_unc"].values
    values = values[np.isfinite(values)]
    assert np.ptp(values) < 1e-5 * values.mean()
    return float(values.mean() / products.fields[f"{gas}_unc"][0, 0])


@pytest.mark.parametrize(
    ("options", "gas", "expected"),
    [
        ({}, "ch4", 1e9 * GRAVITY * MOLAR_MASS_AIR / 95000.0),
        ({}, "co2", 1e6 * GRAVITY * MOLAR_MASS_AIR / 95000.0),
        ({"units": "mol m-2"}, "ch4", 1.0),
        ({"units": "ppm m"}, "ch4", 22400.0),
        ({"compat": "hypergas"}, "ch4", 2900.0),
        ({"compat": "hypergas"}, "co2", 2.9),
        ({"compat": "hypergas", "units": "ppm m"}, "ch4", 2.9 * 8000),
        ({"compat": "hypergas", "units": "umol m-2"}, "ch4", 1e6),
    ],
)
def test_units(products, tmp_path, options, gas, expected):
    assert factor_of(run(products, tmp_path, **options).file, products, gas) == pytest.approx(expected, rel=1e-5)


def test_without_wind_the_atmosphere_is_standard(products, tmp_path):
    made = run(products, tmp_path, wind=None)
    pressure = float(standard_pressure(np.array(820.0)))
    assert pressure == pytest.approx(91840.0, rel=1e-3)  # U.S. Standard Atmosphere 1976, table I
    assert factor_of(made.file, products, "ch4") == pytest.approx(1e9 * GRAVITY * MOLAR_MASS_AIR / pressure, rel=1e-5)
    with xarray.open_dataset(made.file) as data:
        assert "u10" not in data
        assert "source" not in data.dims
    assert made.outcome.warnings == ("no wind: u10, v10 and sp are left out",)


def test_the_empty_product_of_the_wind_stage_is_no_wind(products, tmp_path):
    write_empty_wind(tmp_path / "wind.nc", Outcome(Status.SKIPPED, "no winds"))
    made = run(products, tmp_path / "level2", wind=tmp_path / "wind.nc")
    assert made.outcome.warnings == ("no wind: u10, v10 and sp are left out",)


def test_what_stages_skipped_is_left_out(products, tmp_path):
    for name in ("denoised", "labels"):
        write_empty(tmp_path / f"{name}.nc", Outcome(Status.SKIPPED, "nothing"))
    less = Products(products.retrieval, tmp_path / "denoised.nc", tmp_path / "labels.nc", products.wind, {})
    with xarray.open_dataset(run(less, tmp_path / "level2").file) as data:
        assert "ch4" in data
        assert not {"ch4_denoise", "ch4_mask"} & set(data)


def test_quality_figures(made):
    quality = made.outcome.quality
    assert made.outcome.warnings == ()
    assert (quality["method"], quality["epsg"], quality["resolution_m"]) == ("geolocation", 32613, 60.0)
    assert quality["area_ratio"] == pytest.approx(1.0, abs=0.01)
    assert quality["ch4_plume_mass_ratio"] == pytest.approx(1.0, abs=0.1)


def test_means_by_overlap_keep_the_mass_in_the_file(products, tmp_path):
    made = run(products, tmp_path, weighting="area", units="mol m-2")
    fields = products.fields
    with xarray.open_dataset(made.file) as data:
        on_map = float(np.nansum(data.ch4_denoise.values.astype(np.float64))) * 3600.0
        plume_only = {"ch4_mask", "quality"} <= set(data)
    mass = (fields["ch4_denoise"].astype(np.float64) * fields["pixel_area"]).sum()
    assert plume_only
    assert on_map == pytest.approx(mass, rel=2e-3)  # of which the map's scale is 0.8e-3 at most
    assert made.outcome.quality["ch4_plume_mass_ratio"] == pytest.approx(1.0, abs=1e-3)


def test_the_same_inputs_give_the_same_bytes(products, made, tmp_path):
    again = run(products, tmp_path, cogs=True)
    for first, second in (
        (made.file, again.file),
        *zip(sorted(made.cogs.iterdir()), sorted(again.cogs.iterdir()), strict=True),
    ):
        assert first.name == second.name
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second)]
        assert digests[0] == digests[1], first.name


def test_storage(made):
    with netCDF4.Dataset(made.file) as file:
        for name in ("ch4", "rgb", "quality_mask", "longitude"):
            variable = file.variables[name]
            assert variable.filters()["zlib"]
            assert variable.filters()["complevel"] == 4
            shape = variable.shape
            assert variable.chunking() == [1] * (len(shape) - 2) + [min(256, size) for size in shape[-2:]]


@pytest.mark.parametrize("epsg", [32733, 32601, 5041])
def test_elsewhere_on_the_globe(tmp_path, epsg):
    place = {32733: (450000, 6200000), 32601: (166500, 30000), 5041: (2000000, 2000000)}[epsg]
    longitude, latitude, _, _ = swath(epsg, *place, rows=30, columns=25)
    products = write_products(tmp_path / "products", (longitude, latitude))
    made = run(products, tmp_path / "level2", cogs=True)
    with xarray.open_dataset(made.file) as data, rasterio.open(f"netcdf:{made.file}:ch4") as file:
        assert file.crs.to_epsg() == made.outcome.quality["epsg"]
        assert data.sizes["x"] * data.sizes["y"] < 2 * 750
        assert np.abs(data.longitude.values).max() <= 180.0
    item = json.loads((made.cogs / f"{STEM}.json").read_text())
    check_item(item)
    if epsg == 32601:
        assert item["geometry"]["type"] == "MultiPolygon"


def check_item(item: dict) -> None:
    extensions = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))]
    known = get_local_schema_cache() | {schema["$id"].rstrip("#"): schema for schema in extensions}
    registry = Registry().with_resources((uri, Resource(schema, DRAFT7)) for uri, schema in known.items())
    core = f"https://schemas.stacspec.org/v{item['stac_version']}/item-spec/json-schema/item.json"
    for uri in (core, *item["stac_extensions"]):
        checker = jsonschema.Draft7Validator.FORMAT_CHECKER
        jsonschema.Draft7Validator(known[uri], registry=registry, format_checker=checker).validate(item)


def test_the_item_is_valid_and_true(made):
    item = json.loads((made.cogs / f"{STEM}.json").read_text())
    check_item(item)
    read = pystac.Item.from_dict(item)
    assert (read.id, read.common_metadata.platform) == (STEM, "iss")
    outline = shape(item["geometry"])
    fields = made.products.fields
    for row, column in ((1, 1), (30, 25), (-2, -2)):
        assert outline.contains(Point(fields["longitude"][row, column], fields["latitude"][row, column]))
    square_degree = 111320**2 * np.cos(np.radians(fields["latitude"].mean()))
    assert outline.area * square_degree == pytest.approx(fields["pixel_area"].sum(), rel=0.03)
    for asset in item["assets"].values():
        path = made.cogs / asset["href"]
        assert path.resolve().is_file()
        assert asset["file:size"] == path.stat().st_size
        assert asset["file:checksum"] == "1220" + hashlib.sha256(path.read_bytes()).hexdigest()
    ch4 = item["assets"]["ch4"]
    assert ch4["proj:code"] == "EPSG:32613"
    assert ch4["bands"][0]["unit"] == "ppb"
    assert ch4["bands"][0]["nodata"] == "nan"
    assert [band["name"] for band in item["assets"]["rgb"]["bands"]] == ["red", "green", "blue"]


def test_geotiffs_are_cloud_optimised_and_true(made):
    names = sorted(path.name for path in made.cogs.glob("*.tif"))
    assert f"{STEM}_ch4.tif" in names
    assert f"{STEM}_co2_detlim.tif" in names
    with xarray.open_dataset(made.file, mask_and_scale=False) as data:
        for name in names:
            valid, errors, warnings = cog_validate(made.cogs / name, strict=True, quiet=True)
            assert (valid, errors, warnings) == (True, [], []), name
            layer = data[name.removeprefix(f"{STEM}_").removesuffix(".tif")]
            with rasterio.open(made.cogs / name) as file:
                assert file.crs.to_epsg() == 32613
                assert (file.transform.c, file.transform.f) == (float(data.x[0]) - 30, float(data.y[0]) + 30)
                np.testing.assert_array_equal(file.read().squeeze(), layer.values)
                if layer.dtype.kind == "f":
                    assert np.isnan(file.nodata)
                    mean = np.nanmean(layer.values.astype(np.float64))
                    assert float(file.tags(1)["STATISTICS_MEAN"]) == pytest.approx(mean)


def test_large_images_have_overviews(tmp_path):
    from levelworks.plumes.mapping.level2_cogs import write_cog
    from levelworks.plumes.mapping.utm import OrthoGrid

    grid = OrthoGrid(32613, 300000.0, 3600000.0, 60.0, 700, 900)
    values = np.random.default_rng(3).normal(size=grid.shape).astype(np.float32)
    write_cog(tmp_path / "a.tif", values, grid, nodata=float("nan"), units="ppb", description="x", tags={})
    assert cog_validate(tmp_path / "a.tif", strict=True, quiet=True)[0]
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.overviews(1) == [2, 4, 8]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_chosen_layers(products, tmp_path):
    made = run(products, tmp_path, cogs=True, cog_layers=["ch4", "sga"])
    assert sorted(path.name for path in made.cogs.iterdir()) == [f"{STEM}.json", f"{STEM}_ch4.tif", f"{STEM}_sga.tif"]
    with pytest.raises(InvalidOptions, match="no layer ch5; there are"):
        run(products, tmp_path / "again", cogs=True, cog_layers=["ch5"])


def write_points(path: Path, fields: dict[str, np.ndarray], shift: float = 0.0) -> Path:
    """Write control points at pixel centres, moved to the east by degrees."""
    lines = ["#CRS: EPSG:4326", "mapX,mapY,sourceX,sourceY,enable"]
    for row in (0, 20, 40, 59):
        for column in (0, 25, 49):
            x, y = fields["longitude"][row, column] + shift, fields["latitude"][row, column]
            lines.append(f"{x},{y},{column + 0.5},{-(row + 0.5)},1")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_control_points_move_the_scene(products, made, tmp_path):
    points = write_points(tmp_path / "a.points", products.fields, shift=0.01)
    moved = run(products, tmp_path / "level2", points=points, gcp_order=2)
    assert moved.outcome.quality["method"] == "gcp"
    assert moved.outcome.quality["control_point_rms_m"] < 30.0
    with xarray.open_dataset(made.file) as before, xarray.open_dataset(moved.file) as after:
        assert "ground control points" in after.ch4.description
        centres = [
            float((data.longitude.values * (data.ch4_mask.values > 0)).sum() / (data.ch4_mask.values > 0).sum())
            for data in (before, after)
        ]
    assert centres[1] - centres[0] == pytest.approx(0.01, abs=2e-4)


def test_control_points_that_miss_are_named(products, tmp_path):
    points = write_points(tmp_path / "a.points", products.fields)
    text = points.read_text().splitlines()
    x, rest = text[5].split(",", 1)
    text[5] = f"{float(x) + 0.02},{rest}"
    points.write_text("\n".join(text) + "\n")
    outcome = run(products, tmp_path / "level2", points=points).outcome
    assert "the worst is point 4 of those enabled" in outcome.warnings[0]


@pytest.mark.parametrize(
    ("sensor", "have", "options", "expected"),
    [
        ("EMIT", {}, {}, "geolocation"),
        ("PRISMA", {"points": True}, {}, "gcp"),
        ("EnMAP", {"radiance": True}, {}, "rpc"),
        ("EnMAP", {}, {}, "geolocation"),
        ("EnMAP", {"radiance": True}, {"weighting": "area"}, "geolocation"),
        ("EMIT", {"radiance": True}, {"method": "glt"}, "glt"),
        ("EMIT", {"points": True}, {"method": "geolocation"}, "geolocation"),
    ],
)
def test_methods(sensor, have, options, expected):
    given = {"points": False, "radiance": False} | have
    assert chosen_method(sensor, **given, options=Orthorectify(**options)) == expected


def granule_with(monkeypatch, **geometry) -> None:
    """Let the reader give a granule with a lookup table or polynomials."""

    @contextmanager
    def opened(_):
        yield SimpleNamespace(geometry=SimpleNamespace(**{"lookup": None, "rpc": None} | geometry))

    monkeypatch.setattr("levelworks.plumes.readers.open_scene.open_scene", opened)


def test_by_lookup_table(products, tmp_path, monkeypatch):
    shape_ = products.fields["longitude"].shape
    step = 0.0004
    west, north = products.fields["longitude"].min(), products.fields["latitude"].max()
    column, row = np.meshgrid(np.arange(shape_[1]), np.arange(shape_[0]))
    table = LookupTable(column + 1, -(row + 1), (west, step, 0.0, north, 0.0, -step))
    granule_with(monkeypatch, lookup=table)
    made = run(products, tmp_path, method="glt", radiance=tmp_path / "granule.nc")
    assert made.outcome.quality["method"] == "glt"
    with xarray.open_dataset(made.file, mask_and_scale=False) as data:
        shown = data.quality.values & 512 == 0
        east, up = (data[name].values[shown] * 1e-7 for name in ("longitude", "latitude"))
        pixel = np.floor((north - up) / step).astype(int), np.floor((east - west) / step).astype(int)
        sure = np.abs((east - west) / step % 1 - 0.5) < 0.49
        np.testing.assert_array_equal(
            data.radiance_2100.values[shown][sure],
            products.fields["radiance_2100"][pixel[0].clip(0, 59), pixel[1].clip(0, 49)][sure],
        )


@pytest.mark.parametrize("with_dem", [True, False])
def test_by_polynomials(products, tmp_path, monkeypatch, with_dem):
    longitude, latitude = products.fields["longitude"], products.fields["latitude"]
    zero = (0.0,) * 20
    line, sample, one = (0.0, 0.0, -1.0, *zero[3:]), (0.0, 1.0, 0.0, 0.1, *zero[4:]), (1.0, *zero[1:])
    middle = float(latitude.mean()), float(longitude.mean())
    rpc = Rpc(29.5, 24.5, *middle, 820.0, 30.0, 25.0, 0.016, 0.016, 1000.0, line, one, sample, one)
    granule_with(monkeypatch, rpc=rpc)
    dem = None
    if with_dem:
        dem = tmp_path / "dem.tif"
        transform = Affine(1 / 3600, 0, middle[1] - 0.1, 0, -1 / 3600, middle[0] + 0.1)
        profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326", "transform": transform}
        with rasterio.open(dem, "w", height=720, width=720, **profile) as file:
            file.write(np.full((720, 720), 1320.0, np.float32), 1)
    made = run(products, tmp_path / "level2", method="rpc", radiance=tmp_path / "granule.zip", dem=dem)
    assert made.outcome.quality["method"] == "rpc"
    assert ("no elevation model" in " ".join(made.outcome.warnings)) != with_dem
    height = 0.5 if with_dem else 0.0
    with xarray.open_dataset(made.file, mask_and_scale=False) as data:
        assert ("heights of dem.tif" in data.ch4.description) == with_dem
        shown = data.quality.values & 512 == 0
        east, up = (data[name].values[shown] * 1e-7 for name in ("longitude", "latitude"))
        row = 29.5 - 30 * (up - middle[0]) / 0.016
        column = 24.5 + 25 * ((east - middle[1]) / 0.016 + 0.1 * height)
        sure = (np.abs(row % 1 - 0.5) > 0.01) & (np.abs(column % 1 - 0.5) > 0.01)
        expected = products.fields["radiance_2100"][np.rint(row[sure]).astype(int), np.rint(column[sure]).astype(int)]
        np.testing.assert_array_equal(data.radiance_2100.values[shown][sure], expected)
        assert shown.sum() > 2500


def test_refuses_granules_without_table_or_polynomials(products, tmp_path, monkeypatch):
    granule_with(monkeypatch)
    for method, message in (("glt", "no geographic lookup table"), ("rpc", "no rational polynomial")):
        with pytest.raises(InvalidOptions, match=message):
            run(products, tmp_path, method=method, radiance=tmp_path / "granule.nc")


def test_refuses_methods_without_their_inputs(products, tmp_path):
    for method, message in (
        ("gcp", "no file of ground control"),
        ("glt", "needs the granule"),
        ("rpc", "needs the granule"),
    ):
        with pytest.raises(InvalidOptions, match=message):
            run(products, tmp_path, method=method)
    with pytest.raises(InvalidOptions, match="has no pixel outlines"):
        validate(Orthorectify, {"method": "rpc", "weighting": "area"}, "orthorectify")


def test_an_empty_retrieval_gives_nothing(products, tmp_path):
    write_empty(tmp_path / "retrieval.nc", Outcome(Status.SKIPPED, "all cloud"))
    empty = Products(tmp_path / "retrieval.nc", products.denoised, products.labels, products.wind, {})
    with pytest.raises(NothingToProduce, match="all cloud"):
        run(empty, tmp_path / "level2")


def test_refuses_positions_that_are_none(products, tmp_path):
    nowhere = np.full(products.fields["longitude"].shape, np.nan)
    with open_layers(products.retrieval) as file:
        attributes = file.attributes
    from levelworks.plumes.layers import Layer

    names = ("ch4", "longitude", "latitude")
    write_layers(tmp_path / "retrieval.nc", [Layer(name, nowhere) for name in names], {**attributes, "gases": "ch4"})
    damaged = Products(tmp_path / "retrieval.nc", products.denoised, products.labels, products.wind, {})
    with pytest.raises(InvalidInput, match="no pixel has a longitude"):
        run(damaged, tmp_path / "level2")


def test_empty_products(tmp_path):
    outcome = Outcome(Status.QUARANTINED, "truncated")
    write_empty_level2(tmp_path / "a.nc", outcome)
    write_empty_level2(tmp_path / "a", outcome)
    with xarray.open_dataset(tmp_path / "a.nc") as data:
        assert (data.attrs["outcome"], data.attrs["reason"]) == ("quarantined", "truncated")
    assert json.loads((tmp_path / "a" / "outcome.json").read_text())["reason"] == "truncated"


def test_before_orthorectification(products, tmp_path):
    write_unortho(products.retrieval, tmp_path / "a.nc", compat="hypergas")
    with xarray.open_dataset(tmp_path / "a.nc") as data:
        np.testing.assert_allclose(data.ch4, 2900.0 * products.fields["ch4"], rtol=1e-6)
        assert data.ch4.units == "ppb"
        assert {"ch4_comb", "co2", "co2_comb", "segmentation", "longitude", "latitude"} <= set(data.variables)
