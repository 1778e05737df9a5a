"""The retrieval of a scene: truth, passes, windows, methods, ranks and blocks, outcomes of bad input."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput, InvalidReference, NothingToProduce
from levelworks.plumes.layers import Layer, open_layers, write_layers
from levelworks.plumes.readers.open_scene import open_scene
from levelworks.plumes.retrieval.absorption_files import read_absorption
from levelworks.plumes.retrieval.absorption_stage import tabulate_absorption
from levelworks.plumes.retrieval.enhancement import combine_windows, group_size
from levelworks.plumes.retrieval.quality import FLAGS
from levelworks.plumes.retrieval.retrieval_options import Absorption, Retrieve
from levelworks.plumes.retrieval.retrieve_stage import retrieve
from levelworks.plumes.simulation.simulate import SceneDescription
from levelworks.plumes.simulation.simulated_scenes import simulate_emit
from levelworks.plumes.units import PPM_M


def run(emit, absorption, path: Path, excluded: Path | None = None, **options):
    return retrieve(emit.radiance, emit.observations, None, None, absorption, excluded, path, Retrieve(**options))


def read(path: Path, *names: str):
    with open_layers(path) as layers:
        found = [layers.read(name) for name in names]
    return found[0] if len(found) == 1 else found


@pytest.fixture(scope="module")
def truth(emit) -> np.ndarray:
    with netCDF4.Dataset(emit.truth) as file:
        return np.asarray(file.variables["ch4"][...].filled(np.nan), dtype=float)


@pytest.fixture(scope="module")
def excluded(truth, tmp_path_factory) -> Path:
    from scipy.ndimage import binary_dilation

    path = tmp_path_factory.mktemp("excluded") / "excluded.nc"
    plume = binary_dilation(truth > 150 * PPM_M, iterations=3)
    write_layers(path, [Layer("excluded", plume.astype(np.uint8))], {})
    return path


@pytest.fixture(scope="module")
def first(emit, absorption, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("first") / "first.nc"
    run(emit, absorption, path)
    return path


def test_layers_and_attributes(first) -> None:
    with open_layers(first) as layers:
        expected = {
            "ch4", "ch4_narrow", "ch4_comb", "ch4_unc", "ch4_unc_noise", "ch4_unc_clutter", "ch4_sens", "ch4_detlim",
            "quality", "segmentation", "rgb", "radiance_2100", "longitude", "latitude", "elevation", "pixel_area",
            "sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth",
        }  # fmt: skip
        assert set(layers.names) == expected
        attributes = layers.attributes
        assert attributes["sensor"] == "EMIT"
        assert attributes["gases"] == "ch4"
        assert str(attributes["start_time"]).endswith("Z")
        assert attributes["pixel_size"] == pytest.approx(60, rel=0.02)
        assert layers.attributes_of("ch4")["units"] == "mol m-2"
        assert layers.read("rgb").shape == (3, 160, 44)
        flags = layers.attributes_of("quality")
        assert flags["flag_meanings"].split() == list(FLAGS)
        errors = [layers.read(f"ch4_unc{part}") for part in ("", "_noise", "_clutter")]
        assert np.nanmax(np.abs(errors[0] - np.hypot(*errors[1:]))) < 1e-6 * np.nanmax(errors[0])
        assert layers.read("ch4_detlim") == pytest.approx(3 * errors[0], rel=1e-5, nan_ok=True)


def test_second_pass_finds_what_the_first_loses(emit, absorption, first, excluded, truth, tmp_path) -> None:
    run(emit, absorption, tmp_path / "second.nc", excluded)
    once, twice = read(first, "ch4"), read(tmp_path / "second.nc", "ch4")
    plume = (truth > 150 * PPM_M) & np.isfinite(twice)
    parts = [found[plume].sum(dtype=float) / truth[plume].sum() for found in (once, twice)]
    assert parts[0] < 0.85
    assert parts[1] == pytest.approx(1, abs=0.1)


def test_t11_errors_are_what_the_background_scatters_by(emit, absorption, excluded, truth, tmp_path) -> None:
    run(emit, absorption, tmp_path / "second.nc", excluded, windows="primary")
    found, error = read(tmp_path / "second.nc", "ch4", "ch4_unc")
    calm = np.isfinite(found) & (read(excluded, "excluded") == 0)
    assert float(np.std(found[calm] / error[calm])) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("method", ["normal", "albedo", "sparse", "hypergas-normal", "hypergas-lognormal"])
def test_every_method_sees_the_plume(emit, absorption, excluded, truth, tmp_path, method: str) -> None:
    run(emit, absorption, tmp_path / "x.nc", excluded, method=method, windows="primary")
    found = read(tmp_path / "x.nc", "ch4")
    plume = (truth > 300 * PPM_M) & np.isfinite(found)
    assert 0.5 < found[plume].sum(dtype=float) / truth[plume].sum() < 1.3


def test_compat_hypergas_is_one_slope_and_its_target(emit, tmp_path) -> None:
    tabulate_absorption(emit.radiance, emit.observations, {}, {}, tmp_path / "a.nc", Absorption(compat="hypergas"))
    table = read_absorption(tmp_path / "a.nc")["ch4"]
    assert table.slant_columns.size == 2
    outcome = run(emit, tmp_path / "a.nc", tmp_path / "x.nc", compat="hypergas")
    options = Retrieve(compat="hypergas")
    assert (options.method, options.primary, options.destripe, options.shrinkage) == (
        "hypergas-normal",
        "narrow",
        "off",
        0.0,
    )
    assert outcome.quality["ch4_median_shrinkage"] == 0
    assert Retrieve(compat="hypergas", method="hypergas-lognormal").method == "hypergas-lognormal"


def test_detector_score_lies_between_minus_one_and_one(emit, absorption, truth, tmp_path) -> None:
    run(emit, absorption, tmp_path / "x.nc", detector_score="on", windows="primary")
    score = read(tmp_path / "x.nc", "ch4_ace")
    known = np.isfinite(score)
    assert np.abs(score[known]).max() <= 1
    assert score[known & (truth > 1500 * PPM_M)].mean() > 5 * np.abs(score[known & (truth < PPM_M)]).mean()


def test_block_size_changes_nothing(emit, absorption, first, tmp_path) -> None:
    for size in (1, 7, 1000):
        run(emit, absorption, tmp_path / f"{size}.nc", block_columns=size)
        assert (tmp_path / f"{size}.nc").read_bytes() == first.read_bytes()


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_change_nothing(emit, absorption, first, tmp_path, project, ranks: int) -> None:
    """The same bytes on 1, 2 and 3 ranks, of enhancements that stand in 44 columns and groups that share them."""
    command = [
        str(Path(sys.executable).parent / "mpiexec"), "-n", str(ranks), "levelworks", "plumes", "retrieve",
        "--radiance", str(emit.radiance), "--observations", str(emit.observations), "--absorption", str(absorption),
        "--enhancement", str(tmp_path / "ranks.nc"),
    ]  # fmt: skip
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path}, check=False)
    assert done.returncode == 0, done.stderr
    found, known = ((tmp_path / "ranks.nc").read_bytes(), first.read_bytes())
    assert hashlib.sha256(found).hexdigest() == hashlib.sha256(known).hexdigest()


def test_clusters_share_statistics(emit, absorption, tmp_path) -> None:
    run(emit, absorption, tmp_path / "x.nc", classes="clusters", clusters=4, windows="primary")
    labels, flags = read(tmp_path / "x.nc", "segmentation", "quality")
    assert set(np.unique(labels[flags & FLAGS["fill"] == 0])) <= {0, 1, 2, 3}
    assert np.unique(labels).size >= 3


def test_land_mask_takes_the_place_of_reflectance(emit, absorption, tmp_path) -> None:
    import rasterio
    from rasterio.transform import from_bounds

    with open_layers_of(emit, absorption, tmp_path) as layers:
        longitude, latitude = layers.read("longitude"), layers.read("latitude")
    middle = float(np.nanmedian(longitude))
    values = np.ones((4, 2), dtype=np.uint8)
    values[:, 0] = 0
    bounds = (middle - 1, float(np.nanmin(latitude)) - 1, middle + 1, float(np.nanmax(latitude)) + 1)
    with rasterio.open(
        tmp_path / "land.tif", "w", driver="GTiff", height=4, width=2, count=1, dtype="uint8", crs="EPSG:4326",
        transform=from_bounds(*bounds, 2, 4),
    ) as file:  # fmt: skip
        file.write(values, 1)
    retrieve(
        emit.radiance, emit.observations, None, tmp_path / "land.tif", absorption, None, tmp_path / "x.nc",
        Retrieve(windows="primary"),
    )  # fmt: skip
    found, flags = read(tmp_path / "x.nc", "ch4", "quality")
    assert np.isnan(found[longitude < middle]).all()
    assert np.isfinite(found[longitude > middle]).mean() > 0.8
    assert (flags[longitude < middle] & FLAGS["water"] > 0).all()
    retrieve(
        emit.radiance, emit.observations, None, tmp_path / "land.tif", absorption, None, tmp_path / "y.nc",
        Retrieve(windows="primary", water="own"),
    )  # fmt: skip
    assert np.isfinite(read(tmp_path / "y.nc", "ch4")).mean() > 0.8


def open_layers_of(emit, absorption, folder):
    path = folder / "places.nc"
    run(emit, absorption, path, windows="primary")
    return open_layers(path)


def test_mask_product_flags_clouds(emit, absorption, tmp_path) -> None:
    retrieve(
        emit.radiance, emit.observations, emit.mask, None, absorption, None, tmp_path / "x.nc",
        Retrieve(windows="primary"),
    )  # fmt: skip
    assert np.isfinite(read(tmp_path / "x.nc", "ch4")).any()


def test_observations_missing_are_computed_with_a_warning(emit, tmp_path) -> None:
    tabulate_absorption(emit.radiance, None, {}, {}, tmp_path / "a.nc", Absorption())
    outcome = retrieve(
        emit.radiance, None, None, None, tmp_path / "a.nc", None, tmp_path / "x.nc", Retrieve(windows="primary")
    )
    assert any("nadir" in warning for warning in outcome.warnings)
    assert np.isfinite(read(tmp_path / "x.nc", "ch4")).any()


def test_all_cloud_and_all_water_are_skipped(emit, absorption, tmp_path) -> None:
    with pytest.raises(NothingToProduce, match=r"no pixel can be filtered \(.*water 100 %"):
        run(emit, absorption, tmp_path / "x.nc", windows="primary", water_reflectance=1.0)
    mask = tmp_path / emit.mask.name
    mask.write_bytes(emit.mask.read_bytes())
    with h5py.File(mask, "r+") as file:
        file["mask"][:, :, 0] = 1
    with pytest.raises(NothingToProduce, match=r"no pixel can be filtered \(cloud 100 %"):
        retrieve(
            emit.radiance, emit.observations, mask, None, absorption, None, tmp_path / "x.nc",
            Retrieve(windows="primary"),
        )  # fmt: skip


def copy_with(emit, folder: Path, change) -> Path:
    path = folder / emit.radiance.name
    path.write_bytes(emit.radiance.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def test_a_gas_that_nothing_can_be_filtered_for_is_said(emit, tmp_path) -> None:
    """Of two bands of its window each measures where the other does not: both are lit, and no spectrum is whole."""
    wavelengths = np.linspace(1900.0, 2300.0, 4001)
    np.savetxt(tmp_path / "co2.txt", np.stack([wavelengths, np.full(4001, 1e-22)], axis=1))
    gases = ["ch4", "co2"]
    with open_scene(emit.radiance, emit.observations) as scene:
        inside = scene.spectral.within([(2000.0, 2060.0)])

    def damage(file) -> None:
        file["radiance"][::2, :, inside[0]] = -9999
        file["radiance"][1::2, :, inside[1]] = -9999

    path = copy_with(emit, tmp_path, damage)
    sections = {"co2": tmp_path / "co2.txt"}
    tabulate_absorption(path, emit.observations, {}, sections, tmp_path / "a.nc", Absorption(gases=gases))
    options = Retrieve(gases=gases, primary="narrow", windows="primary", narrow={"co2": [(2000.0, 2060.0)]})
    outcome = retrieve(path, emit.observations, None, None, tmp_path / "a.nc", None, tmp_path / "x.nc", options)
    methane, dioxide = read(tmp_path / "x.nc", "ch4", "co2")
    assert np.isfinite(methane).any()
    assert not np.isfinite(dioxide).any()
    (said,) = [one for one in outcome.warnings if one.startswith("co2: ")]
    assert "every spectrum is dark" in said
    assert said.endswith("not a number in some band of 2000-2060 nm")
    assert not any(one.startswith("ch4: ") for one in outcome.warnings)


def test_a_noise_table_takes_the_place_of_the_sensors(emit, absorption, tmp_path) -> None:
    """Constant noise c of a table, twice as large, makes the error of the noise twice as large."""
    errors = []
    for name, c in (("once", 0.001), ("twice", 0.002)):
        (tmp_path / f"{name}.txt").write_text(f"300 0 0 {c}\n2600 0 0 {c}\n")
        retrieve(
            emit.radiance, emit.observations, None, None, absorption, None, tmp_path / f"{name}.nc",
            Retrieve(windows="primary"), noise=tmp_path / f"{name}.txt",
        )  # fmt: skip
        errors.append(read(tmp_path / f"{name}.nc", "ch4_unc_noise"))
    assert errors[1] == pytest.approx(2 * errors[0], rel=1e-4, nan_ok=True)


def test_nan_band_and_columns_of_few_pixels(emit, absorption, truth, tmp_path) -> None:
    def damage(file) -> None:
        file["radiance"][:, 7, 240] = -9999  # one band of one column
        file["radiance"][5:, 20, :] = -9999  # five spectra are left
        file["radiance"][:, 30, :] = -9999  # none

    path = copy_with(emit, tmp_path, damage)
    retrieve(path, emit.observations, None, None, absorption, None, tmp_path / "x.nc", Retrieve(windows="primary"))
    found, flags = read(tmp_path / "x.nc", "ch4", "quality")
    assert np.isnan(found[:, [7, 30]]).all()
    assert np.isfinite(found[:5, 20]).all()
    assert (flags[:5, 20] & FLAGS["few_statistics"] > 0).all()
    assert (flags[:, 30] & FLAGS["fill"] > 0).all()
    assert np.isfinite(found[:, 25]).all()


def test_plume_over_all_of_a_column_is_kept_and_flagged(emit, absorption, truth, tmp_path) -> None:
    everywhere = np.zeros(truth.shape, dtype=np.uint8)
    everywhere[:, 8:24] = 1
    write_layers(tmp_path / "excluded.nc", [Layer("excluded", everywhere)], {})
    run(emit, absorption, tmp_path / "x.nc", tmp_path / "excluded.nc", windows="primary")
    found, flags = read(tmp_path / "x.nc", "ch4", "quality")
    assert np.isfinite(found[:, 12]).mean() > 0.8
    known = np.isfinite(found[:, 12])
    assert (flags[known, 12] & FLAGS["few_statistics"] > 0).all()


def test_bad_input_says_what_is_wrong(emit, absorption, tmp_path) -> None:
    with pytest.raises(InvalidReference, match="has ch4, not co2"):
        run(emit, absorption, tmp_path / "x.nc", gases=["co2"])
    with pytest.raises(InvalidInput, match="bands in the narrow window of ch4"):
        run(emit, absorption, tmp_path / "x.nc", narrow={"ch4": [(2300.0, 2310.0)]})
    short = tmp_path / emit.radiance.name
    short.write_bytes(emit.radiance.read_bytes()[: emit.radiance.stat().st_size // 3])
    with pytest.raises(InvalidInput, match=emit.radiance.name):
        retrieve(short, emit.observations, None, None, absorption, None, tmp_path / "x.nc", Retrieve())

    def imperial(file) -> None:
        file["radiance"].attrs["units"] = "BTU/ft^2"

    wrong = copy_with(emit, tmp_path, imperial)
    with pytest.raises(InvalidInput, match=r"BTU/ft\^2"):
        retrieve(wrong, emit.observations, None, None, absorption, None, tmp_path / "x.nc", Retrieve())
    write_layers(tmp_path / "small.nc", [Layer("excluded", np.zeros((3, 3), dtype=np.uint8))], {})
    with pytest.raises(InvalidInput, match=r"has \(3, 3\) pixels"):
        run(emit, absorption, tmp_path / "x.nc", tmp_path / "small.nc")


def test_no_gas_is_guessed(emit, tmp_path) -> None:
    from levelworks.core.outcome import InvalidOptions

    with pytest.raises(InvalidOptions, match=r"nothing says how co2 absorbs; name plumes.lookup-tables.co2"):
        tabulate_absorption(emit.radiance, emit.observations, {}, {}, tmp_path / "a.nc", Absorption(gases=["co2"]))
    (tmp_path / "co2.txt").write_text("300 1e-22\n310 1e-22\n")
    with pytest.raises(InvalidReference, match="covers no band"):
        tabulate_absorption(
            emit.radiance, emit.observations, {}, {"co2": tmp_path / "co2.txt"}, tmp_path / "a.nc",
            Absorption(gases=["co2"]),
        )  # fmt: skip


def test_combination_is_hypergas_rule() -> None:
    narrow = np.array([[4.0, 1.0, -2.0, np.nan]], dtype=np.float32)
    wide = np.array([[3.0, 2.0, -1.0, 5.0]], dtype=np.float32)
    scale = narrow[0, :3].std() / wide[0, :3].std()
    found = combine_windows(narrow, wide, np.ones((1, 4), dtype=int))
    # wide is larger in the second and third: narrow there; else wide, scaled
    assert found[0, :3] == pytest.approx([3 * scale, 1, -2])
    assert np.isnan(found[0, 3])


def test_columns_are_pooled_where_rows_are_few() -> None:
    assert group_size(50, 5000, None) == 1
    assert group_size(50, 1280, None) == 4
    assert group_size(50, 100, 3) == 3


def test_simulated_methane_of_a_flat_scene_comes_back(tmp_path) -> None:
    """No surface to confuse it: the mean over a uniform patch within two standard errors of a per cent."""
    flat = simulate_emit(tmp_path, SceneDescription(surface="flat", seed=9, stripes=0.002), 200, 40)
    tabulate_absorption(flat.radiance, flat.observations, {}, {}, tmp_path / "a.nc", Absorption())
    retrieve(flat.radiance, flat.observations, None, None, tmp_path / "a.nc", None, tmp_path / "x.nc", Retrieve())
    found, error = read(tmp_path / "x.nc", "ch4", "ch4_unc")
    known = np.isfinite(found)
    assert abs(found[known].mean(dtype=float)) < 3 * error[known].mean() / np.sqrt(known.sum())
    assert found[known].std() == pytest.approx(float(error[known].mean()), rel=0.05)
