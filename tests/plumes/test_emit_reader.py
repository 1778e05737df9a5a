"""EMIT granules opened: what independent libraries find in the files, and every way in which files can be bad."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import h5py
import netCDF4
import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.readers import emit_layout as layout
from levelworks.plumes.readers.emit_masks import saturated
from levelworks.plumes.readers.emit_reader import open_emit
from levelworks.plumes.readers.radiance_units import radiance_factor
from levelworks.plumes.simulation.simulate import SceneDescription
from levelworks.plumes.simulation.simulated_scenes import simulate_emit
from levelworks.plumes.simulation.transport import Plume, Wind

ROWS, COLUMNS, BANDS = 30, 18, 285
START = datetime(2022, 8, 15, 6, 28, 38, tzinfo=UTC)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    description = SceneDescription(
        plumes=[Plume(10.0, 15.0, 9.0, kind="gaussian")],
        wind=Wind(3.0, 100.0),
        start=START,
        clouds=0.1,
        flares=1,
        seed=12,
    )
    return simulate_emit(tmp_path_factory.mktemp("emit"), description, ROWS, COLUMNS, mask=True)


@pytest.fixture
def copies(files, tmp_path):
    """Return copies of radiance, observations and mask that a test may spoil."""
    paths = (files.radiance, files.observations, files.mask)
    return tuple(shutil.copyfile(path, tmp_path / path.name) for path in paths)


def test_radiance_is_what_netcdf4_reads(files):
    with netCDF4.Dataset(files.radiance) as file:
        cube = np.asarray(file["radiance"][...])
    with open_emit(files.radiance, files.observations) as scene:
        assert scene.mapped is not None
        every = scene.read(range(COLUMNS), np.arange(BANDS))
        some = scene.read(range(3, 11), np.array([280, 7, 100]))
    assert every.shape == (COLUMNS, ROWS, BANDS)
    assert every.dtype == np.float32
    assert every.flags.c_contiguous
    np.testing.assert_array_equal(every, cube.transpose(1, 0, 2))
    np.testing.assert_array_equal(some, cube[:, 3:11][..., [280, 7, 100]].transpose(1, 0, 2))


def test_places_and_angles_are_what_xarray_reads(files):
    import xarray

    with open_emit(files.radiance, files.observations) as scene:
        geometry = scene.geometry
        assert scene.notes == []
        assert (scene.rows, scene.columns, scene.sensor) == (ROWS, COLUMNS, "EMIT")
        assert scene.name == files.radiance.stem
        assert scene.start == START
        assert scene.start.utcoffset().total_seconds() == 0
        assert scene.end >= scene.start
    location = xarray.open_dataset(files.radiance, group="location", engine="netcdf4")
    np.testing.assert_array_equal(geometry.longitude, location["lon"])
    np.testing.assert_array_equal(geometry.latitude, location["lat"])
    np.testing.assert_allclose(geometry.elevation, location["elev"], rtol=1e-6)
    np.testing.assert_array_equal(geometry.lookup.sample, location["glt_x"].fillna(0))
    observed = xarray.open_dataset(files.observations, engine="netcdf4")["obs"].values
    names = xarray.open_dataset(files.observations, group="sensor_band_parameters", engine="netcdf4")
    titles = list(names["observation_bands"].values)
    for field, title in (
        ("view_azimuth", layout.OBSERVATION_BANDS[1]),
        ("view_zenith", layout.OBSERVATION_BANDS[2]),
        ("sun_azimuth", layout.OBSERVATION_BANDS[3]),
        ("sun_zenith", layout.OBSERVATION_BANDS[4]),
    ):
        np.testing.assert_array_equal(getattr(geometry, field), observed[..., titles.index(title)])


def test_bands_are_found_by_name_and_not_by_place(files, copies):
    radiance, observations, _ = copies
    order = np.random.default_rng(3).permutation(len(layout.OBSERVATION_BANDS))
    with h5py.File(observations, "r+") as file:
        file["obs"][...] = file["obs"][...][..., order]
        names = file["sensor_band_parameters/observation_bands"]
        names[...] = names[...][order]
    with open_emit(radiance, observations) as scene, open_emit(files.radiance, files.observations) as straight:
        np.testing.assert_array_equal(scene.geometry.sun_zenith, straight.geometry.sun_zenith)
        np.testing.assert_array_equal(scene.geometry.view_azimuth, straight.geometry.view_azimuth)
        assert scene.earth_sun == straight.earth_sun


def test_the_lookup_table_gives_the_pixel_that_lies_there(files):
    with open_emit(files.radiance) as scene:
        table, geometry = scene.geometry.lookup, scene.geometry
    west, width, _, north, _, height = table.geotransform
    line, sample = np.nonzero(table.sample)
    assert line.size > 0.8 * ROWS * COLUMNS
    pixel = table.line[line, sample] - 1, table.sample[line, sample] - 1
    apart = np.hypot(
        (west + (sample + 0.5) * width - geometry.longitude[pixel]) * np.cos(np.radians(geometry.latitude[pixel])),
        north + (line + 0.5) * height - geometry.latitude[pixel],
    )
    assert apart.max() * 111_195 < 60 * np.sqrt(0.5) * 1.01
    seen = set(zip(*pixel, strict=True))
    assert len(seen) > 0.9 * ROWS * COLUMNS


def test_without_observations_the_sun_is_computed(files):
    with open_emit(files.radiance) as bare, open_emit(files.radiance, files.observations) as scene:
        assert any("nadir" in note for note in bare.notes)
        np.testing.assert_allclose(bare.geometry.sun_zenith, scene.geometry.sun_zenith, atol=0.02)
        np.testing.assert_allclose(bare.geometry.sun_azimuth, scene.geometry.sun_azimuth, atol=0.02)
        assert (bare.geometry.view_zenith == 0).all()
        assert bare.earth_sun == pytest.approx(scene.earth_sun, abs=3e-4)


def test_fills_are_not_a_number(copies):
    radiance, observations, _ = copies
    with h5py.File(radiance, "r+") as file:
        file["radiance"][4, 5, 6] = layout.FILL
        file["location/lon"][0, 0] = layout.FILL
    with h5py.File(observations, "r+") as file:
        file["obs"][1, 1, :] = layout.FILL
    with open_emit(radiance, observations) as scene:
        values = scene.read(range(COLUMNS), np.arange(BANDS))
        assert np.argwhere(np.isnan(values)).tolist() == [[5, 4, 6]]
        assert np.argwhere(np.isnan(scene.geometry.longitude)).tolist() == [[0, 0]]
        assert np.argwhere(np.isnan(scene.geometry.sun_zenith)).tolist() == [[1, 1]]


def rewrite_radiance(path, **how):
    """Store radiance anew, e.g. in compressed chunks."""
    with h5py.File(path, "r+") as file:
        old = file["radiance"]
        values, attributes = old[...], {name: old.attrs[name] for name in ("units", "_FillValue", "long_name")}
        del file["radiance"]
        new = file.create_dataset("radiance", data=how.pop("values", values), **how)
        for name, value in attributes.items():
            new.attrs[name] = value


@pytest.mark.parametrize(
    "how",
    [
        {"chunks": (7, 18, 50), "compression": "gzip", "shuffle": True},
        {"chunks": (30, 5, 285)},
        {"dtype": ">f4"},
        {"dtype": "f8"},
    ],
)
def test_other_layouts_give_the_same(files, copies, how):
    rewrite_radiance(copies[0], **how)
    bands = np.array([0, 200, 284])
    with open_emit(copies[0]) as scene, open_emit(files.radiance) as straight:
        assert scene.mapped is None
        np.testing.assert_array_equal(scene.read(range(2, 9), bands), straight.read(range(2, 9), bands))


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        ("uW/cm^2/SR/nm", 1.0),
        ("uW cm-2 sr-1 nm-1", 1.0),
        ("µW cm^-2 sr^-1 nm^-1", 1.0),
        ("microwatt/(cm^2 sr nm)", 1.0),
        ("W m-2 sr-1 um-1", 0.1),
        ("W/m^2/sr/micron", 0.1),
        ("mW m-2 sr-1 nm-1", 0.1),
        ("mW/(m**2*sr*nm)", 0.1),
    ],
)
def test_units_are_converted(files, copies, units, factor):
    with h5py.File(copies[0], "r+") as file:
        file["radiance"].attrs["units"] = units
    with open_emit(copies[0]) as scene, open_emit(files.radiance) as straight:
        there, here = (one.read(range(4), np.arange(BANDS)) for one in (scene, straight))
        np.testing.assert_allclose(there, here * np.float32(factor), rtol=1e-6)


@pytest.mark.parametrize(
    "units", ["", "W m-2 sr-1 nm-1", "MW m-2 sr-1 nm-1", "1", "DN", "uW cm-2 sr-1", "uW cm2 sr nm"]
)
def test_other_units_are_refused(copies, units):
    with h5py.File(copies[0], "r+") as file:
        file["radiance"].attrs["units"] = units
    with pytest.raises(InvalidInput) as found:
        open_emit(copies[0])
    assert repr(units) in str(found.value)


def test_units_mean_what_they_say():
    assert radiance_factor("W m-2 sr-1 um-1", "x") == 1e6 * 1e-4 * 1e-3


def test_the_mask_gives_its_flags(files):
    with netCDF4.Dataset(files.mask) as file:
        mask = np.asarray(file["mask"][...])
    with open_emit(files.radiance, files.observations, files.mask) as scene:
        assert scene.attributes["water_vapour"] == pytest.approx(1.5)
        for name, band in (("cloud", 0), ("cirrus", 1), ("water", 2), ("dilated_cloud", 4)):
            np.testing.assert_array_equal(scene.masks[name], mask[..., band] > 0)
        assert 0.02 < scene.masks["cloud"].mean() < 0.2
        assert (scene.masks["cloud"] <= scene.masks["dilated_cloud"]).all()


def test_saturation_is_what_a_column_does_not_always_have():
    packed = np.zeros((5, 3, 4), dtype=np.uint8)
    packed[:, 1] = [255, 0, 0, 1]  # a column of nine dead elements
    packed[2, 1, 2] = 0b1010
    packed[4, 0, 0] = 1
    assert np.argwhere(saturated(packed)).tolist() == [[2, 1], [4, 0]]


def test_duplicate_and_unsorted_bands_are_put_in_order(files, copies):
    with h5py.File(copies[0], "r+") as file:
        waves = file["sensor_band_parameters/wavelengths"][...]
        waves[[10, 11]] = waves[[11, 10]]
        waves[200] = waves[199]
        file["sensor_band_parameters/wavelengths"][...] = waves
    with open_emit(copies[0], files.observations) as scene, open_emit(files.radiance) as straight:
        assert scene.spectral.bands == BANDS - 1
        assert (np.diff(scene.spectral.mean) > 0).all()
        assert len(scene.notes) == 2
        read = scene.read(range(COLUMNS), np.array([10, 199, 200]))
        np.testing.assert_array_equal(read, straight.read(range(COLUMNS), np.array([11, 199, 201])))


def test_no_lookup_table_is_noted(copies):
    with h5py.File(copies[0], "r+") as file:
        del file["location/glt_x"]
    with open_emit(copies[0]) as scene:
        assert scene.geometry.lookup is None
        assert any("lookup" in note for note in scene.notes)


def test_the_name_tells_the_time_where_attributes_do_not(files, copies, tmp_path):
    def forget(file):
        del file.attrs["time_coverage_start"]

    spoil(copies[0], forget)
    with open_emit(copies[0]) as scene, open_emit(files.radiance) as whole:
        assert scene.start == START
        assert scene.end == whole.end
    nameless = shutil.copyfile(copies[0], tmp_path / "granule.nc")
    with pytest.raises(InvalidInput, match="time"):
        open_emit(nameless)


def test_no_distance_among_the_observations_is_computed(files, copies):
    def forget(file):
        names = file["sensor_band_parameters/observation_bands"]
        values = names[...]
        values[10] = b"something"
        names[...] = values

    spoil(copies[1], forget)
    with open_emit(*copies[:2]) as scene, open_emit(files.radiance, files.observations) as whole:
        assert scene.earth_sun == pytest.approx(whole.earth_sun, abs=3e-4)


def spoil(path, action):
    with h5py.File(path, "r+") as file:
        action(file)


BAD = {
    "no radiance": (lambda file: file.move("radiance", "other"), "radiance"),
    "two dimensions": (
        lambda file: (file.move("radiance", "o"), file.create_dataset("radiance", data=np.ones((3, 4)))),
        "dimensions",
    ),
    "no wavelengths": (lambda file: file.move("sensor_band_parameters/wavelengths", "o"), "wavelengths"),
    "wavelengths in um": (
        lambda file: file["sensor_band_parameters/wavelengths"].write_direct(
            np.linspace(0.38, 2.5, BANDS).astype("f4")
        ),
        "nm",
    ),
    "wavelengths not finite": (
        lambda file: file["sensor_band_parameters/wavelengths"].write_direct(np.full(BANDS, np.nan, "f4")),
        "wavelength",
    ),
    "no longitude": (lambda file: file.move("location/lon", "o"), "lon"),
    "all longitudes fills": (
        lambda file: file["location/lon"].write_direct(np.full((ROWS, COLUMNS), layout.FILL)),
        "lon",
    ),
    "lookup outside": (
        lambda file: file["location/glt_x"].write_direct(np.full(file["location/glt_x"].shape, 99, "i4")),
        "lookup",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_radiance_is_refused(copies, case):
    action, word = BAD[case]
    spoil(copies[0], action)
    with pytest.raises(InvalidInput) as found:
        open_emit(copies[0], copies[1])
    assert word in str(found.value)
    assert copies[0].name in str(found.value)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_a_truncated_file_is_refused(copies, share):
    radiance = copies[0]
    radiance.write_bytes(radiance.read_bytes()[: int(share * radiance.stat().st_size)])
    with pytest.raises(InvalidInput) as found:
        open_emit(radiance)
    assert radiance.name in str(found.value)


def test_what_is_no_hdf5_or_absent_is_refused(tmp_path):
    text = tmp_path / "EMIT_L1B_RAD_001_20220815T042838_2222703_003.nc"
    with pytest.raises(InvalidInput, match="does not exist"):
        open_emit(text)
    text.write_text("not found")
    with pytest.raises(InvalidInput, match="HDF5"):
        open_emit(text)


def test_observations_of_another_scene_are_refused(files, copies, tmp_path):
    other = shutil.copyfile(files.observations, tmp_path / "EMIT_L1B_OBS_001_20220816T062838_2222703_003.nc")
    with pytest.raises(InvalidInput, match="another scene"):
        open_emit(files.radiance, other)
    small = simulate_emit(tmp_path / "small", SceneDescription(start=START), ROWS - 2, COLUMNS)
    with pytest.raises(InvalidInput, match="shape"):
        open_emit(files.radiance, small.observations)


def test_observations_without_the_sun_are_refused(copies):
    def rename(file):
        names = file["sensor_band_parameters/observation_bands"]
        values = names[...]
        values[4] = b"something"
        names[...] = values

    spoil(copies[1], rename)
    with pytest.raises(InvalidInput, match="to-sun zenith"):
        open_emit(*copies[:2])


def test_angles_out_of_range_are_refused(copies):
    def turn(file):
        file["obs"][..., 4] += 90

    spoil(copies[1], turn)
    with pytest.raises(InvalidInput, match="0 to 90"):
        open_emit(*copies[:2])


def test_a_mask_of_another_shape_or_kind_is_refused(files, copies, tmp_path):
    small = simulate_emit(tmp_path / "small", SceneDescription(start=START), ROWS - 2, COLUMNS, mask=True)
    with pytest.raises(InvalidInput, match="shape"):
        open_emit(files.radiance, files.observations, small.mask)
    with pytest.raises(InvalidInput, match="mask"):
        open_emit(files.radiance, files.observations, files.radiance)
