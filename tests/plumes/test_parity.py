"""Everything that HyperGas's batch scripts offer is there: options, files, variables, attributes and columns.

The lists are those of specs/plumes.md 1.1, 1.2, 1.13 and 1.14. Options of HyperGas are constants in its scripts; here
each is a key of the configuration. The rules of plumes of emit-ghg (5.1) are options too: what people
outlined is taken as it is (markers with polygons), ``detect-plumes.min_pixels`` 15 and ``min_peak_ppm_m`` 200 are its
least size and least maximum, and ``scales`` its Gaussian; its threshold in ppm m has ``grow_sigma`` in its place, which
is in units of the local clutter.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import h5py
import netCDF4
import numpy as np
import pytest
import rasterio
from proofs import known_tests
from pydantic import BaseModel
from rasterio.errors import NotGeoreferencedWarning

from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions, NothingToProduce
from levelworks.plumes.detection.detect_options import DetectPlumes
from levelworks.plumes.detection.detect_stage import detect_plumes
from levelworks.plumes.emission.emission_table import HYPERGAS_COLUMNS
from levelworks.plumes.emission.quantify_options import SECTORS, Quantify
from levelworks.plumes.emission.quantify_scene import GasField
from levelworks.plumes.emission.quantify_stage import quantify
from levelworks.plumes.layers import open_layers
from levelworks.plumes.mapping.ground_control import read_points
from levelworks.plumes.options import Plumes
from levelworks.plumes.retrieval.retrieval_options import NEVER, Retrieve
from levelworks.plumes.retrieval.retrieve_stage import retrieve
from levelworks.plumes.tables import emit_spectral
from levelworks.plumes.units import GASES, dry_column


@dataclass(frozen=True)
class Twin:
    """An option of one of HyperGas's scripts, our key, and a test that shows what the key does."""

    script: str
    option: str
    key: str
    proof: str

    def __str__(self) -> str:
        return f"{self.script}.{self.option}"


RERUN = "test_run_makes_products_and_a_second_run_nothing"
LAND = "test_land_mask_takes_the_place_of_reflectance"
PLACE = "test_zoomed_page_shows_the_zoomed_pictures"
TWINS = [
    Twin("l2b_process", "skip_exist", "", RERUN),
    Twin("l2b_process", "unortho_export", "unortho", "test_a_scene_before_orthorectification"),
    Twin("l2b_process", "species", "gases", "test_gases_are_all_or_one_or_some"),
    Twin("l2b_process", "drop_waterbands", "retrieve.excluded_bands", "test_bands_of_water_vapour_are_dropped"),
    Twin("l2b_process", "skip_water", "retrieve.water", LAND),
    Twin("l2b_process", "skip_cloud", "retrieve.clouds", "test_clouds_are_left_out_or_kept"),
    Twin("l2b_process", "data_dir", "granules", "test_granules_are_found_in_folders"),
    Twin("l2b_process", "rad_dist", "retrieve.method", "test_auto_is_lognormal_where_the_enhancement_is_strong"),
    Twin("l2b_process", "cluster", "retrieve.classes", "test_clusters_share_statistics"),
    Twin("l2b_process", "land_mask", "retrieve.classes", "test_without_a_land_mask_all_pixels_share_statistics"),
    Twin("l2b_process", "land_mask_source", "land", LAND),
    Twin("l2b_plot", "root_dir", "plots", "test_stage_writes_the_pictures_of_a_scene_and_the_same_bytes_again"),
    Twin("l2b_plot", "skip_exist", "", RERUN),
    Twin("l2b_plot", "plot_markers", "map-points", "test_lists_of_places_need_coordinates"),
    Twin("l2b_plot", "chunk", "map-scenes.chunk", "test_names_of_pages"),
    Twin("l2b_plot", "map_allinone", "map-scenes.chunk", "test_names_of_pages"),
    Twin("l2b_plot", "species", "plot-scene.gases", "test_layers_come_in_order_and_the_denoised_one_is_shown_first"),
    Twin("l2b_plot", "vmax", "plot-scene.vmax", "test_limits_of_each_kind"),
    Twin("l2b_plot", "pad", "plot-scene.pad", PLACE),
    Twin("l2b_plot", "lat_zoom", "plot-scene.latitude_zoom", "test_zoom_outside_of_the_scene_is_said"),
    Twin("l2b_plot", "lon_zoom", "plot-scene.longitude_zoom", "test_zoom_outside_of_the_scene_is_said"),
    Twin("l3b_process", "root_dir", "granules", "test_granules_are_found_in_folders"),
    Twin("l3b_process", "skip_exist", "", RERUN),
    Twin("l3b_process", "gas", "quantify.gas", "test_gases_without_coefficients_have_mass_and_no_rate"),
    Twin("l3b_process", "ipcc_sector", "quantify.ipcc_sector",
         "test_d10_an_area_source_does_not_change_the_next_point_source"),
    Twin("l3b_process", "wind_source", "quantify.wind_source", "test_d12_pressure_is_that_of_the_chosen_wind"),
    Twin("l3b_process", "land_only", "quantify.land_only", "test_background_of_land_only_leaves_water_out"),
    Twin("l3b_process", "wspd_manual", "quantify.wspd_manual",
         "test_d12_a_manual_wind_of_zero_counts_and_has_no_error"),
    Twin("l3b_process", "land_mask_source", "land", LAND),
    Twin("l3b_process", "azimuth_diff_max", "detect-plumes.azimuth_diff_max", "test_pick_follows_the_chain"),
    Twin("l3b_process", "dist_max", "detect-plumes.dist_max",
         "test_pick_from_the_background_takes_the_nearest_pixel_and_the_reach_counts"),
    Twin("l2b_reprocess", "species", "gases", "test_gases_are_all_or_one_or_some"),
    Twin("l2b_reprocess", "rad_dist", "retrieve.method", "test_auto_is_lognormal_where_the_enhancement_is_strong"),
    Twin("l2b_reprocess", "rad_dist='auto'", "retrieve.strong", "test_thresholds_of_strong_enhancements"),
    Twin("l2b_reprocess", "unortho_export", "unortho", "test_a_scene_before_orthorectification"),
    Twin("l2b_reprocess", "land_mask_source", "land", LAND),
    Twin("l2b_reprocess", "skip_water", "retrieve.water", LAND),
    Twin("l2b_reprocess", "skip_cloud", "retrieve.clouds", "test_clouds_are_left_out_or_kept"),
    Twin("l2b_reprocess", "plume masks", "two-pass", "test_second_pass_finds_what_the_first_loses"),
    Twin("l3b_reprocess", "wind_data", "reprocess-plumes.wind_data",
         "test_d12_reprocessing_takes_the_wind_that_is_asked_for"),
    Twin("l3b_reprocess", "reprocess_nc", "reprocess-plumes.reprocess_nc",
         "test_an_edited_mask_on_the_map_changes_the_mass"),
    Twin("l3b_reprocess", "wspd_manual", "reprocess-plumes.wspd_manual", "test_edits_reject_rename_and_choose_winds"),
    Twin("l3b_plot", "skip_exist", "", RERUN),
    Twin("l3b_plot", "plot_csf", "plot-plume.plot_csf",
         "test_cross_sections_are_drawn_with_their_rates_where_asked_for"),
    Twin("l3b_plot", "plot_cm", "plot-plume.plot_cm",
         "test_carbon_mapper_panel_is_beside_and_full_field_covers_the_base"),
    Twin("l3b_plot", "plot_minimal", "plot-plume.minimal",
         "test_minimal_picture_is_the_frame_alone_with_each_pixel_in_its_place"),
    Twin("l3b_plot", "pad", "plot-plume.pad", "test_frame_holds_the_plume_and_its_source_or_what_is_asked_for"),
    Twin("l3b_plot", "plot_full_field", "plot-plume.full_field",
         "test_carbon_mapper_panel_is_beside_and_full_field_covers_the_base"),
    Twin("l3b_plot", "plot_markers", "plot-plume.plot_markers", "test_other_sources_are_marked_where_asked_for"),
    Twin("convert_l2_tiff", "rgb", "unortho", "test_an_image_for_control_points"),
    Twin("convert_l2_tiff", "points", "control-points", "test_control_points_move_the_scene"),
    Twin("wind_calibration", "sectors", "calibrate-wind", "test_calibration_writes_a_table_that_is_read_back"),
    Twin("wind.py", "sources", "wind.sources", "test_d20_one_missing_source_leaves_the_others"),
    Twin("denoise.py", "weight", "denoise.weight", "test_stage_writes_denoised_layers_with_their_strength"),
]  # fmt: skip


def model_at(key: str) -> Any:
    """Return the field of a key of the line's section; None where there is none."""
    model: type[BaseModel] = Plumes
    found = None
    for part in key.split("."):
        found = next((one for name, one in model.model_fields.items() if part in (name, one.alias)), None)
        if found is None:
            return None
        nested = [one for one in (found.annotation, *get_args(found.annotation)) if isinstance(one, type)]
        model = next((one for one in nested if issubclass(one, BaseModel)), model)
    return found


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_every_option_has_a_key_with_a_meaning_and_a_proof(twin: Twin) -> None:
    """An empty key is Snakemake's own logic of what to make again."""
    if twin.key:
        found = model_at(twin.key)
        assert found is not None, f"no key plumes.{twin.key}"
        assert found.description
    assert twin.proof in known_tests()


def test_no_key_is_made_up() -> None:
    assert model_at("quantify.dist_maximum") is None
    assert model_at("plot-scene.pad") is not None


def test_gases_are_all_or_one_or_some() -> None:
    assert validate(Plumes, {"gases": "all"}, "").gases == list(GASES)
    assert validate(Plumes, {"gases": "co2"}, "").gases == ["co2"]
    assert validate(Plumes, {"gases": ["ch4", "co"]}, "").gases == ["ch4", "co"]
    with pytest.raises(InvalidOptions, match="one is named twice"):
        validate(Plumes, {"gases": ["ch4", "ch4"]}, "")


def test_sectors_are_those_of_hypergas() -> None:
    codes = {"Electricity Generation (1A1)", "Coal Mining (1B1a)", "Oil & Gas (1B2)", "Livestock (4B)"}
    assert set(SECTORS) == codes | {"Solid Waste (6A)", "Other", ""}


def test_bands_of_water_vapour_are_dropped(emit, absorption, tmp_path) -> None:
    """(1358, 1453) and (1814, 1961) nm: 32 of EMIT's 285 bands."""
    spectral = emit_spectral(smile=False)
    water = [window for window in NEVER if window[0] > 1321]
    assert water == [(1358.0, 1453.0), (1814.0, 1961.0)]
    assert spectral.bands - spectral.within(water).size == 253
    with_them = run(emit, absorption, tmp_path / "a.nc", excluded_bands=[])
    without = run(emit, absorption, tmp_path / "b.nc")
    assert not np.array_equal(read(with_them, "ch4"), read(without, "ch4"), equal_nan=True)


def test_clouds_are_left_out_or_kept(emit, absorption, tmp_path) -> None:
    mask = tmp_path / emit.mask.name
    mask.write_bytes(emit.mask.read_bytes())
    with h5py.File(mask, "r+") as file:
        file["mask"][:, :, 0] = 1
    with pytest.raises(NothingToProduce, match="cloud 100 %"):
        run(emit, absorption, tmp_path / "a.nc", mask=mask)
    # kept in the image; nothing is left for the background, so that all of it is
    kept = read(run(emit, absorption, tmp_path / "b.nc", mask=mask, clouds="keep"), "ch4")
    assert np.isfinite(kept).mean() > 0.9


def test_without_a_land_mask_all_pixels_share_statistics(emit, absorption, tmp_path) -> None:
    darker = {"water_reflectance": 0.3, "water": "own"}
    apart = run(emit, absorption, tmp_path / "a.nc", **darker)
    assert set(np.unique(read(apart, "segmentation"))) == {0, 1}
    together = run(emit, absorption, tmp_path / "b.nc", classes="none", **darker)
    assert set(np.unique(read(together, "segmentation"))) == {1}


@pytest.mark.parametrize("compat", ["none", "hypergas"])
def test_auto_is_lognormal_where_the_enhancement_is_strong(emit, absorption, tmp_path, compat: str) -> None:
    """Where either estimate reaches a threshold, pixel by pixel; no emission rate is asked for (1.2, 2)."""
    kinds = ("hypergas-normal", "hypergas-lognormal") if compat == "hypergas" else ("normal", "lognormal")
    windows = {"compat": compat, "primary": "wide"}
    normal, lognormal = (
        read(run(emit, absorption, tmp_path / f"{method}.nc", method=method, **windows), "ch4") for method in kinds
    )
    path = tmp_path / "auto.nc"
    outcome = retrieve(
        emit.radiance, emit.observations, None, None, absorption, None, path,
        Retrieve(method="auto", strong={"ch4": 400.0}, windows="primary", **windows),
    )  # fmt: skip
    auto = read(path, "ch4")
    largest = np.fmax(normal, lognormal) * 1e9 / dry_column(101325.0)
    strong, weak = largest > 400.001, largest < 399.999
    assert strong.sum() > 20
    assert np.array_equal(auto[strong], lognormal[strong])
    assert np.array_equal(auto[weak], normal[weak])
    assert outcome.quality["ch4_strong_share"] == pytest.approx(strong.mean(), abs=1e-3)
    with open_layers(path) as layers:
        assert layers.attributes_of("ch4")["matched_filter"] == " or ".join(kinds) + " matched filter"


def test_thresholds_of_strong_enhancements() -> None:
    column = dry_column(101325.0)
    assert Retrieve(method="auto").strong_column("ch4") == pytest.approx(1200e-9 * column)
    assert Retrieve(method="auto", strong={"ch4": 600.0}).strong_column("ch4") == pytest.approx(600e-9 * column)
    assert Retrieve(method="auto", strong={"co2": 50.0}).strong_column("co2") == pytest.approx(50e-6 * column)
    assert Retrieve(method="auto").strong_column("co2") == np.inf
    with pytest.raises(ValueError, match="greater than 0"):
        Retrieve(strong={"ch4": 0.0})


def test_files_have_the_names_of_hypergas(products_of_emit) -> None:
    """Of 1.1, with the level in place of Level 1's alone; the layers of 1.15 are drawn whole and zoomed."""
    to, scene, level3 = products_of_emit.layout, products_of_emit.scene, products_of_emit.level3
    assert scene == products_of_emit.emit.radiance.stem.replace("L1B_RAD", "L2B")
    maps = {path.name for path in products_of_emit.path(to.level2).parent.iterdir() if path.suffix != ".json"}
    assert maps == {f"{scene}.nc", f"{scene}_unortho.nc", f"{scene}_rgb.tif", scene}
    pictures = {path.name for path in products_of_emit.path(to.scene_pictures).iterdir()}
    layers = ["rgb", "radiance_2100", *(f"ch4{kind}" for kind in ("", "_comb", "_denoise", "_comb_denoise", "_mask"))]
    for zoom in ("", "_zoomin"):
        assert f"{scene}{zoom}.html" in pictures
        assert {f"{scene}_{layer}{zoom}.png" for layer in layers} <= pictures
    assert (products_of_emit.path(to.folder_pages) / "raw.html").is_file()
    for pattern in (to.quantified, to.reprocessed):
        files = {path.name for path in products_of_emit.path(pattern).iterdir()}
        assert {f"{level3}_plume0{ending}" for ending in (".nc", ".csv", "_csf.nc")} <= files
    drawn = {path.name for path in products_of_emit.path(to.plume_pictures).iterdir()}
    assert {f"{level3}_plume0{ending}" for ending in (".png", ".html", "_ch4.png", "_ch4_mask.png")} <= drawn
    page = (products_of_emit.path(to.plume_pictures) / f"{level3}_plume0.html").read_text()
    assert f"{level3}_plume0_ch4.png" in page
    assert "emi-20230801t065312-plume0" in page


LEVEL2 = {
    ("source", "y", "x"): ["u10", "v10", "sp"],
    ("bands", "y", "x"): ["rgb"],
    ("quality_flag", "y", "x"): ["quality_mask"],
    ("y", "x"): [
        "longitude", "latitude", "segmentation", "radiance_2100", "sza", "saa", "vza", "vaa", "raa", "sga",
        "ch4", "ch4_comb", "ch4_denoise", "ch4_comb_denoise", "ch4_mask",
    ],
}  # fmt: skip


def test_level2_has_the_variables_and_attributes_of_hypergas(products_of_emit) -> None:
    with netCDF4.Dataset(products_of_emit.path(products_of_emit.layout.level2)) as file:
        for dimensions, names in LEVEL2.items():
            assert {name: file.variables[name].dimensions for name in names} == dict.fromkeys(names, dimensions)
        assert (file.dimensions["bands"].size, file.dimensions["quality_flag"].size) == (3, 4)
        assert file.variables["EMIT_utm"].grid_mapping_name == "transverse_mercator"
        for name in ("ch4", "ch4_comb", "ch4_denoise", "ch4_comb_denoise"):
            found = file.variables[name]
            wanted = {"standard_name", "long_name", "units", "description", "matched_filter", "start_time", "sensor"}
            assert wanted | {"platform_name", "sza", "vza", "grid_mapping"} <= set(found.ncattrs())
            assert found.standard_name == "methane_enhancement"
            assert found.units == "ppb"
            assert found.matched_filter == "lognormal matched filter"
            assert "orthorectified" in found.description
        assert "weight" in file.variables["ch4_denoise"].description
        assert [file.variables[name].units for name in ("u10", "v10", "sp", "sza")] == [
            "m s-1",
            "m s-1",
            "Pa",
            "degrees",
        ]
        labels = np.unique(file.variables["ch4_mask"][...])
        assert labels.tolist() == list(range(labels.max() + 1))
        assert file.filename == products_of_emit.emit.radiance.name
        assert file.version.startswith("levelworks_")


def test_level3_has_the_variables_and_attributes_of_hypergas(products_of_emit) -> None:
    folder = products_of_emit.path(products_of_emit.layout.quantified)
    with netCDF4.Dataset(folder / f"{products_of_emit.level3}_plume0.nc") as file:
        assert {name: file.variables[name].dimensions for name in ("ch4", "ch4_cm", "u10", "v10", "sp")} == {
            "ch4": ("y", "x"), "ch4_cm": ("y", "x"), "u10": ("source",), "v10": ("source",), "sp": ("source",),
        }  # fmt: skip
        wanted = {"version", "filename", "start_time", "sza", "vza", "plume_longitude", "plume_latitude"}
        assert wanted <= set(file.ncattrs())
        assert file.filename == products_of_emit.emit.radiance.name
        assert list(file.variables["source"][...]) == ["ERA5", "GEOS-FP"]
        assert "EMIT_utm" in file.variables
        outside = file.variables["ch4_mask"][...] == 0
        assert np.ma.masked_invalid(file.variables["ch4"][...]).mask[outside].all()


@pytest.mark.parametrize("kind", ["ours", "hypergas"])
def test_cross_sections_have_the_variables_of_hypergas(products_of_emit, tmp_path, kind: str) -> None:
    """Its misspelt dimension too, where compatibility is asked for."""
    to = products_of_emit.layout
    compat = "hypergas" if kind == "hypergas" else "none"
    quantify(
        products_of_emit.path(to.second), products_of_emit.path(to.labels), products_of_emit.path(to.plumes),
        products_of_emit.path(to.wind), folder=tmp_path, options=Quantify(compat=compat),
    )  # fmt: skip
    centre = "ceter_line" if kind == "hypergas" else "center_line"
    with netCDF4.Dataset(tmp_path / f"{products_of_emit.level3}_plume0_csf.nc") as file:
        expected = dict.fromkeys(("x_center", "y_center"), (centre,))
        expected |= dict.fromkeys(("emission_rate", "x_start", "x_end", "y_start", "y_end"), ("csf_line",))
        assert {name: file.variables[name].dimensions for name in expected} == expected
        assert file.variables["emission_rate"].units == "kg h-1"
        assert {file.variables[name].units for name in expected if name != "emission_rate"} == {"m"}


COLUMNS = [
    "plume_id", "plume_latitude", "plume_longitude", "datetime", "country", "state", "city", "name", "ipcc_sector",
    "gas", "plume_bounds", "instrument", "platform", "provider", "emission", "emission_uncertainty",
    "emission_uncertainty_random", "emission_uncertainty_wind", "emission_uncertainty_calibration", "emission_cm",
    "emission_fetch", "emission_fetch_uncertainty", "emission_fetch_uncertainty_ime",
    "emission_fetch_uncertainty_wind", "emission_csf", "emission_csf_uncertainty",
    "emission_csf_uncertainty_random", "emission_csf_uncertainty_wind", "emission_csf_uncertainty_calibration",
    "surface_pressure", "wind_source", "wind_speed", "wind_direction", "ime", "l_ime", "ueff_ime", "leff_ime",
    "ime_cm", "l_cm", "ueff_csf", "n_csf", "l_csf", "alpha1", "alpha2", "alpha3", "beta1", "beta2",
    "wind_speed_all", "wind_direction_all", "wind_source_all", "azimuth_diff_max", "dist_max", "land_only",
    "land_mask_source", "version",
]  # fmt: skip


def test_the_table_has_the_columns_of_hypergas_in_order_and_filled(products_of_emit) -> None:
    assert tuple(COLUMNS) == HYPERGAS_COLUMNS
    folder = products_of_emit.path(products_of_emit.layout.quantified)
    with (folder / f"{products_of_emit.level3}_plume0.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        (row,) = reader
    assert list(reader.fieldnames or ())[: len(COLUMNS)] == COLUMNS
    # places and names come from people's files, of which this scene has none
    people = {"country", "state", "city", "name", "ipcc_sector"}
    assert {name for name in COLUMNS if not row[name]} == people
    assert row["plume_id"].startswith("emi-")
    assert row["plume_id"].endswith("-plume0")
    assert (row["instrument"], row["platform"], row["provider"]) == ("emi", "EMIT", "NASA-JPL")
    assert (row["azimuth_diff_max"], row["dist_max"]) == ("30", "180")
    assert (row["land_only"], row["land_mask_source"]) == ("True", "radiance")
    assert float(row["wind_direction"]) == pytest.approx(250, abs=0.5)


def test_the_table_names_the_land_mask_and_how_pieces_were_joined(products_of_emit, tmp_path) -> None:
    to = products_of_emit.layout
    second, wind = products_of_emit.path(to.second), products_of_emit.path(to.wind)
    retrieval = tmp_path / "r.nc"
    retrieval.write_bytes(second.read_bytes())
    with netCDF4.Dataset(retrieval, "a") as file:
        file.land_mask_source = "coast.geojson"
    labels, plumes = tmp_path / "l.nc", tmp_path / "p.geojson"
    options = DetectPlumes(dist_max=240.0, azimuth_diff_max=20.0)
    detect_plumes(retrieval, None, None, None, wind, None, None, labels=labels, plumes=plumes, options=options)
    quantify(retrieval, labels, plumes, wind, folder=tmp_path / "q", options=Quantify(methods=["ime"]))
    with (tmp_path / "q" / "plumes.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["azimuth_diff_max"], row["dist_max"], row["land_mask_source"]) == ("20", "240", "coast.geojson")


def test_background_of_land_only_leaves_water_out() -> None:
    """A plume on land, noisy water beside it: its mask moves over land, or over all."""
    rng = np.random.default_rng(4)
    water = np.zeros((60, 60), dtype=bool)
    water[:, 30:] = True
    enhancement = np.where(water, rng.normal(0, 5.0, water.shape), rng.normal(0, 1.0, water.shape))
    labels = np.zeros(water.shape, dtype=np.int32)
    labels[10:14, 10:14] = 1
    field = GasField("ch4", {"enhancement": enhancement}, labels, water)
    land, everywhere = (field.background(land=land).measure((labels == 1).astype(float)) for land in (True, False))
    assert land.spread == pytest.approx(4.0, rel=0.2)
    assert everywhere.spread > 2 * land.spread
    assert everywhere.shifts > 1.5 * land.shifts
    assert Quantify().land_only is True


def test_a_scene_before_orthorectification(products_of_emit) -> None:
    """Gas, its combination and the classes in the rows and columns of the granule (1.1)."""
    to = products_of_emit.layout
    with (
        netCDF4.Dataset(products_of_emit.path(to.unortho)) as file,
        netCDF4.Dataset(products_of_emit.path(to.second)) as retrieval,
    ):
        assert {"ch4", "ch4_comb", "segmentation"} <= set(file.variables)
        assert file.variables["ch4"].shape == retrieval.variables["ch4"].shape == (160, 44)
        assert file.variables["ch4"].units == "ppb"
        ratio = (file.variables["ch4"][...] / retrieval.variables["ch4"][...]).compressed()
        # the standard atmosphere's pressure at the elevation of each pixel
        assert ratio.min() > 1e9 / dry_column(101325.0)
        assert ratio.max() < 1e9 / dry_column(90000.0)


def test_an_image_for_control_points(products_of_emit, tmp_path) -> None:
    """Pixels of the image are those that a .points file counts, without a place of their own."""
    to = products_of_emit.layout
    path = products_of_emit.path(to.colours)
    with pytest.warns(NotGeoreferencedWarning):
        image = rasterio.open(path)
    with image:
        assert (image.count, image.height, image.width, image.dtypes[0]) == (3, 160, 44, "uint8")
        assert image.crs is None
        colours = image.read()
    with open_layers(products_of_emit.path(to.second)) as layers:
        assert np.array_equal(colours, layers.read("rgb"))
    # the middle of the first pixel, as QGIS writes it
    points = tmp_path / "a.points"
    points.write_text("#CRS: EPSG:4326\nmapX,mapY,sourceX,sourceY,enable\n10,50,0.5,-0.5,1\n")
    control = read_points(points)
    assert (control.column[0], control.row[0]) == (0.0, 0.0)


def run(emit, absorption: Path, path: Path, mask: Path | None = None, **options: Any) -> Path:
    """Retrieve a granule without leaving plumes out."""
    settings = Retrieve(**{"windows": "primary"} | options)
    retrieve(emit.radiance, emit.observations, mask, None, absorption, None, path, settings)
    return path


def read(path: Path, name: str) -> np.ndarray:
    with open_layers(path) as layers:
        return layers.read(name)
