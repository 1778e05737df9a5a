"""Bad input of every kind through every stage: how it ends, what is said, and what pages and tables make of it.

Readers and single stages have tests of their own; here a granule goes the whole way.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import pytest
from plume_chain import PlumeChain

from levelworks.cli import main
from levelworks.core.outcome import InvalidReference, Status
from levelworks.core.record import read_record
from levelworks.core.stage import stages
from levelworks.plumes.layers import open_layers
from levelworks.plumes.readers.prisma_layout import SWATH
from levelworks.plumes.retrieval.quality import FLAGS
from levelworks.plumes.simulation.simulate import SceneDescription
from levelworks.plumes.simulation.simulated_campaigns import simulate_granule
from levelworks.plumes.simulation.simulated_scenes import simulate_emit
from levelworks.plumes.simulation.transport import Plume, Wind

NOISE = re.compile(r"Traceback|np\.\w+\(|\[Errno|<[\w.]+ object at|object is not|__\w+__|\w+Error\b|NoneType|indices")
QUICK: dict[str, dict[str, Any]] = {"plot-scene": {"figures": False}}
STAGES = set(stages("plumes")) - {"calibrate-wind", "revisit", "map-scenes"}
"""Those of a granule."""
SOURCE = (30, 14)
"""Row and column."""


def describe(**more: Any) -> SceneDescription:
    plumes = [Plume(15.0, *map(float, SOURCE), kind="gaussian")]
    return SceneDescription(**{"plumes": plumes, "wind": Wind(4.0, 250.0), "seed": 41, **more})


@dataclass(frozen=True)
class Granule:
    """A granule in a folder of its own, whose files a test may spoil."""

    radiance: Path

    @property
    def observations(self) -> Path:
        return self.radiance.with_name(self.radiance.name.replace("L1B_RAD", "L1B_OBS"))

    @property
    def mask(self) -> Path:
        return self.radiance.with_name(self.radiance.name.replace("L1B_RAD", "L2A_MASK"))

    def edit(self, change: Callable[[Any], None], path: Path | None = None) -> None:
        """Change the radiance, or another of the files."""
        with h5py.File(path or self.radiance, "r+") as file:
            change(file)

    def shorten(self) -> None:
        """Cut the end off the radiance."""
        content = self.radiance.read_bytes()
        self.radiance.write_bytes(content[: len(content) // 2])


@pytest.fixture(scope="module")
def emit_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_emit(tmp_path_factory.mktemp("emit"), describe(), 100, 36, mask=True).radiance


@pytest.fixture
def granule(emit_files: Path, tmp_path: Path) -> Granule:
    shutil.copytree(emit_files.parent, tmp_path / "raw")
    return Granule(tmp_path / "raw" / emit_files.name)


@pytest.fixture
def chain(tmp_path: Path) -> PlumeChain:
    return PlumeChain(tmp_path / "products")


@pytest.fixture(scope="module")
def good(emit_files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[PlumeChain, str]:
    """The chain of the granule as it is."""
    made = PlumeChain(tmp_path_factory.mktemp("good"))
    return made, made.chain(emit_files, QUICK)


@pytest.fixture(autouse=True)
def no_record_shows_the_inside_of_a_program(tmp_path: Path) -> Iterator[None]:
    yield
    for path in tmp_path.rglob("*.json"):
        record = read_record(path.with_name(path.name.removesuffix(".json")))
        for text in (record["reason"], *record["warnings"]) if record else ():
            assert not NOISE.search(text), text


def flagged(chain: PlumeChain, scene: str, status: Status, reason: str, after: str = "") -> None:
    """Assert that from some stage on every product of a granule is empty and valid, and says why."""
    made = {stage: (found, said) for stage, _, found, said in chain.endings() if stage != after}
    assert {found for found, _ in made.values()} == {status}
    for stage, (_, said) in made.items():
        assert re.search(reason, said), (stage, said)
    assert set(made) | {after} - {""} == STAGES
    for stage in ("retrieve", "mask-plumes", "retrieve-again", "denoise", "detect-plumes", "orthorectify"):
        (product,) = (chain.folder / stage).glob("*.nc")
        with open_layers(product) as layers:
            assert layers.attributes["outcome"] == status.value
            assert layers.names == []
    (outlines,) = (chain.folder / "detect-plumes").glob("*.geojson")
    assert json.loads(outlines.read_text())["features"] == []
    assert json.loads((chain.product("orthorectify", scene) / "outcome.json").read_text())["outcome"] == status.value
    for stage in ("quantify", "reprocess-plumes"):
        assert len((chain.product(stage, scene) / "plumes.csv").read_text().splitlines()) == 1
    for stage in ("plot-scene", "plot-plume"):
        assert status.value in (chain.product(stage, scene) / "outcome.html").read_text()
        assert (chain.product(stage, scene) / "outcome.png").stat().st_size > 0


def beside_a_good_one(chain: PlumeChain, scene: str, good: tuple[PlumeChain, str], status: Status) -> None:
    """Assert that sites and maps are made of the other scenes, and say what became of this one."""
    other, name = good
    for stage in ("reprocess-plumes", "plot-scene"):
        shutil.copytree(other.product(stage, name), chain.product(stage, "GOOD"))
        shutil.copy(other.product(stage, f"{name}.json"), chain.product(stage, "GOOD.json"))
    visits, pages = chain.aggregate(scene, "GOOD")
    assert (visits.status, pages.status) == (Status.DONE, Status.DONE)
    with chain.product("revisit", "sites.csv").open() as file:
        (site,) = csv.DictReader(file)
    assert (site["times_seen"], site["times_overflown"]) == ("1", "1")
    bad = status is Status.QUARANTINED
    assert visits.warnings == ((f"{scene} is quarantined and does not count",) if bad else ())
    assert pages.warnings == (f"left out, as nothing was drawn of them: {scene}",)
    assert scene in (chain.product("map-scenes", "maps") / "maps.html").read_text()


def imperial(file: Any) -> None:
    file["radiance"].attrs["units"] = "BTU/ft^2"


def of_another_scene(granule: Granule, folder: Path) -> None:
    other = simulate_emit(folder, describe(seed=42), 90, 36)
    shutil.copy(other.observations, granule.observations)


BAD = {
    "truncated": (lambda granule, _: granule.shorten(), "whole HDF5 file"),
    "units": (lambda granule, _: granule.edit(imperial), r"BTU/ft\^2"),
    "observations": (of_another_scene, "of another scene"),
    "login page": (lambda granule, _: granule.radiance.write_text("<html>"), "whole HDF5 file"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_granule_is_quarantined_by_every_stage(granule, chain, good, tmp_path, kind):
    spoil, reason = BAD[kind]
    spoil(granule, tmp_path / "other")
    scene = chain.chain(granule.radiance, QUICK)
    flagged(chain, scene, Status.QUARANTINED, reason)
    beside_a_good_one(chain, scene, good, Status.QUARANTINED)


@pytest.mark.parametrize("sensor", ["EnMAP", "PRISMA"])
def test_truncated_granules_of_other_sensors_are_quarantined_by_every_stage(chain, tmp_path, sensor):
    written = Granule(simulate_granule(tmp_path / "raw", sensor, "desert", 20, 16, seed=3).radiance)
    written.shorten()
    scene = chain.chain(written.radiance, QUICK)
    flagged(chain, scene, Status.QUARANTINED, "whole")
    visits, pages = chain.aggregate(scene)
    assert visits.warnings == (f"{scene} is quarantined and does not count",)
    assert (pages.status, pages.reason) == (Status.SKIPPED, "none of 1 scenes was drawn")


def cover(file: Any) -> None:
    file["mask"][:, :, 0] = 1


def test_a_scene_under_clouds_is_skipped_by_every_stage_but_absorption(granule, chain, good):
    granule.edit(cover, granule.mask)
    scene = chain.chain(granule.radiance, QUICK)
    flagged(chain, scene, Status.SKIPPED, r"^no pixel can be filtered \(cloud 100 %\)$", after="absorption")
    beside_a_good_one(chain, scene, good, Status.SKIPPED)


def test_a_scene_of_water_is_skipped_by_every_stage_but_absorption(granule, chain, tmp_path):
    sea = tmp_path / "land.geojson"
    corners = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    island = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [corners]}}
    sea.write_text(json.dumps({"type": "FeatureCollection", "features": [island]}))
    scene = chain.chain(granule.radiance, QUICK, land=sea)
    flagged(chain, scene, Status.SKIPPED, r"no pixel can be filtered \(.*water 100 %\)$", after="absorption")


def rows(chain: PlumeChain, scene: str, stage: str = "reprocess-plumes") -> list[dict[str, str]]:
    """Return the rows of a scene's plumes."""
    with (chain.product(stage, scene) / "plumes.csv").open() as file:
        return list(csv.DictReader(file))


def all_done(chain: PlumeChain) -> None:
    assert {
        (stage, status, reason) for stage, _, status, reason in chain.endings() if status is not Status.DONE
    } == set()


def plumes_at_the_source(chain: PlumeChain, granule: Granule) -> list[np.ndarray]:
    """Return the labels of plumes, and those of them about the true source."""
    with open_layers(chain.product("detect-plumes", f"{granule.radiance.stem}.nc")) as layers:
        labels = layers.read("ch4_mask")
    row, column = SOURCE
    return [labels, labels[row - 4 : row + 12, column - 6 : column + 7]]


def test_without_winds_there_are_masses_pages_and_sites_but_no_rates(good):
    chain, scene = good
    all_done(chain)
    (plume,) = rows(chain, scene)
    assert float(plume["ime"]) > 0
    assert (plume["emission"], plume["wind_source"], plume["wind_speed"]) == ("", "", "")
    visits, pages = chain.aggregate(scene)
    assert (visits.quality["plumes"], pages.quality["scenes"]) == (1, 1)
    with chain.product("revisit", "sites.csv").open() as file:
        (site,) = csv.DictReader(file)
    assert (site["times_seen"], site["emission_mean"], site["series_emission"]) == ("1", "", "NaN")
    with netCDF4.Dataset(chain.product("orthorectify", f"{scene}.nc")) as file:
        assert "u10" not in file.variables
    (page,) = chain.product("plot-scene", scene).glob("*.html")
    assert plume["plume_id"] in page.read_text()


def test_without_observations_the_scene_is_made_with_a_warning(granule, chain, good):
    granule.observations.unlink()
    scene = chain.chain(granule.radiance, QUICK)
    all_done(chain)
    record = read_record(chain.product("retrieve-again", f"{granule.radiance.stem}.nc"))
    assert record is not None
    assert any("taken as nadir" in warning for warning in record["warnings"])
    (plume,), (known,) = rows(chain, scene), rows(*good)
    assert float(plume["ime"]) == pytest.approx(float(known["ime"]), rel=0.05)


def test_bands_without_a_number_are_left_out(granule, chain, good):
    def lose(file: Any) -> None:
        file["radiance"][:, :, 250] = -9999
        file["radiance"][:, :, 270] = np.nan

    granule.edit(lose)
    scene = chain.chain(granule.radiance, QUICK)
    all_done(chain)
    (plume,), (known,) = rows(chain, scene), rows(*good)
    assert float(plume["ime"]) == pytest.approx(float(known["ime"]), rel=0.05)


def test_spectra_without_a_number_in_some_band_end_in_a_skipped_scene(granule, chain):
    def lose(file: Any) -> None:
        file["radiance"][::2, :, 250] = -9999
        file["radiance"][1::2, :, 251] = -9999

    granule.edit(lose)
    scene = chain.chain(granule.radiance, QUICK)
    flagged(chain, scene, Status.SKIPPED, "^no pixel can be filtered", after="absorption")


def test_a_band_that_is_there_twice_counts_once(granule, chain, good):
    def double(file: Any) -> None:
        file["sensor_band_parameters/wavelengths"][251] = file["sensor_band_parameters/wavelengths"][250]
        file["radiance"][:, :, 251] = file["radiance"][:, :, 250]

    granule.edit(double)
    scene = chain.chain(granule.radiance, QUICK)
    all_done(chain)
    (plume,), (known,) = rows(chain, scene), rows(*good)
    assert float(plume["ime"]) == pytest.approx(float(known["ime"]), rel=0.05)


def test_damaged_columns_are_flagged_on_the_map_and_the_plume_beside_them_is_found(granule, chain):
    def damage(file: Any) -> None:
        file["radiance"][5:, 33, :] = -9999  # five spectra are left
        file["radiance"][:, 2, :] = -9999  # none
        file["radiance"][:, 30, 240] = -9999  # one band

    granule.edit(damage)
    scene = chain.chain(granule.radiance, QUICK)
    all_done(chain)
    labels, near = plumes_at_the_source(chain, granule)
    assert near.any()
    assert not labels[:, [2, 30]].any()
    assert not labels[5:, 33].any()
    assert any(float(plume["ime"]) > 0 for plume in rows(chain, scene))
    with netCDF4.Dataset(chain.product("orthorectify", f"{scene}.nc")) as file:
        flags = np.asarray(file.variables["quality"][...].filled(0))
    assert (flags & FLAGS["fill"]).any()
    assert (flags & FLAGS["few_statistics"]).any()


def test_a_plume_over_whole_columns_is_found_and_quantified(chain, tmp_path):
    heading = 40.0
    plume = Plume(60.0, 0.0, 30.0, kind="gaussian")
    description = describe(plumes=[plume], wind=Wind(2.0, heading + 180), heading=heading, seed=44)
    granule = Granule(simulate_emit(tmp_path / "raw", description, 32, 60).radiance)
    scene = chain.chain(granule.radiance, QUICK)
    all_done(chain)
    with open_layers(chain.product("detect-plumes", f"{granule.radiance.stem}.nc")) as layers:
        labels = layers.read("ch4_mask")
    assert (labels > 0).mean(axis=0).max() > 0.8
    assert max(float(plume["ime"]) for plume in rows(chain, scene)) > 0


def test_a_scene_across_the_antimeridian_goes_the_whole_way(chain, good, tmp_path):
    radiance = simulate_emit(tmp_path / "raw", describe(place=(180.0, 38.5)), 100, 36, mask=True).radiance
    scene = chain.chain(radiance, QUICK)
    all_done(chain)
    visits, _ = chain.aggregate(scene)
    (plume,), (known,) = rows(chain, scene), rows(*good)
    assert abs(abs(float(plume["plume_longitude"])) - 180) < 0.05
    assert float(plume["ime"]) == pytest.approx(float(known["ime"]), rel=0.25)
    assert visits.quality["plumes"] == 1
    with chain.product("revisit", "sites.csv").open() as file:
        (site,) = csv.DictReader(file)
    assert site["times_overflown"] == "1"
    with netCDF4.Dataset(chain.product("orthorectify", f"{scene}.nc")) as file:
        assert file.variables["ch4"].shape[1] < 200
    said = json.loads((chain.product("plot-scene", scene) / "scene.json").read_text())
    (south, west), (north, east) = said["bounds"]
    assert 0 < east - west < 0.2
    assert 0 < north - south < 0.2


def test_empty_markers_leave_plumes_as_they_are_found(granule, chain, good, tmp_path):
    nothing = tmp_path / "markers.geojson"
    nothing.write_text('{"type": "FeatureCollection", "features": []}')
    scene = chain.chain(granule.radiance, QUICK, markers=nothing)
    other, name = good
    assert rows(chain, scene) == rows(other, name)


def test_a_scene_without_a_plume_is_an_overflight(granule, chain, good, tmp_path):
    calm = simulate_emit(tmp_path / "calm", describe(plumes=[], seed=42, surface="flat"), 100, 36, mask=True).radiance
    scene = chain.chain(calm, QUICK)
    endings = {stage: (status, reason) for stage, _, status, reason in chain.endings() if status is not Status.DONE}
    assert endings == {"plot-plume": (Status.SKIPPED, f"{scene} has no plume")}
    other, name = good
    shutil.copytree(other.product("reprocess-plumes", name), chain.product("reprocess-plumes", "GOOD"))
    shutil.copy(other.product("reprocess-plumes", f"{name}.json"), chain.product("reprocess-plumes", "GOOD.json"))
    shutil.copytree(chain.product("plot-scene", scene), chain.product("plot-scene", "GOOD"))
    shutil.copy(chain.product("plot-scene", f"{scene}.json"), chain.product("plot-scene", "GOOD.json"))
    chain.aggregate(scene, "GOOD")
    with chain.product("revisit", "sites.csv").open() as file:
        (site,) = csv.DictReader(file)
    assert (site["times_seen"], site["times_overflown"]) == ("1", "2")


PEOPLE = {
    "markers": (".geojson", b'{"type":', "is no GeoJSON"),
    "rejected": (".csv", b"latitude,longitude\nx,y\n", "line 2: needs plume_id, or longitude and latitude"),
    "rejected in another encoding": (".csv", b"\xff\xfe\x00", "can't be read as CSV"),
    "sites": (".csv", b"name,lat\na,1\n", "has no column latitude, longitude"),
    "sites in another encoding": (".csv", b"\xff\xfe\x00", "can't be read as CSV"),
    "edits": (".csv", b"plume_id,keep\nnobody,no\n", "line 2: 'nobody' is no plume's id"),
    "boundaries": (".geojson", b"[1]", "is no GeoJSON of outlines"),
    "points": (".points", b"mapX,mapY\n1,2\n", "the first line must be '#CRS:'"),
    "map_points": (".csv", b"name,easting\na,1\n", "has no columns latitude and longitude"),
    "land": (".geojson", b'{"type":', "is no GeoJSON of land polygons"),
}


@pytest.mark.parametrize("kind", PEOPLE)
def test_malformed_files_of_people_are_refused_by_name(emit_files, good, tmp_path, kind):
    ending, content, reason = PEOPLE[kind]
    port = kind.split()[0]
    path = tmp_path / f"{port}{ending}"
    path.write_bytes(content)
    chain = PlumeChain(tmp_path / "products")
    shutil.copytree(good[0].folder, chain.folder)
    options = QUICK | ({"orthorectify": {"method": "gcp"}} if port == "points" else {})
    run = chain.chain if port == "land" else chain.later
    with pytest.raises(InvalidReference, match=re.escape(reason)) as caught:
        run(emit_files, options, **{port: path})
    assert caught.value.exit_code == 64
    assert str(path) in str(caught.value)
    assert not NOISE.search(str(caught.value))


def test_a_lookup_table_without_the_gas_is_refused(granule, tmp_path, capsys):
    table = tmp_path / "dataset_co2_full.hdf5"
    with h5py.File(table, "w") as file:
        file["something"] = np.zeros(3)
    product = tmp_path / "absorption.nc"
    words = ["--radiance", granule.radiance, "--observations", granule.observations, "--ch4-table", table]
    assert main(["plumes", "absorption", *map(str, words), "--absorption", str(product)]) == 64
    said = capsys.readouterr().err
    assert str(table) in said
    assert not NOISE.search(said)
    assert not product.exists()


def test_edits_of_other_scenes_are_passed_over_and_of_this_one_obeyed(good, tmp_path):
    source, scene = good
    (plume,) = rows(source, scene, "quantify")
    other = plume["plume_id"].replace("t0", "t1", 1)
    edits = tmp_path / "edits.csv"
    edits.write_text(f"plume_id,keep,name\n{other},no,\n{plume['plume_id']},,North well\n")
    chain = PlumeChain(tmp_path / "products")
    shutil.copytree(source.folder, chain.folder)
    files = {"quantified": source.product("quantify", f"{scene}.json"), "edits": edits}
    chain.run("reprocess-plumes", {}, **files, emissions=chain.product("reprocess-plumes", scene))
    assert [row["name"] for row in rows(chain, scene)] == ["North well"]
    edits.write_text(f"plume_id,keep\n{plume['plume_id'].replace('plume0', 'plume7')},no\n")
    with pytest.raises(InvalidReference, match="there is no plume 'emi-"):
        chain.run("reprocess-plumes", {}, **files, emissions=chain.product("reprocess-plumes", scene))


def test_the_command_says_what_is_wrong_in_one_line(granule, tmp_path, capsys):
    granule.shorten()
    words = ["--radiance", granule.radiance, "--absorption", tmp_path / "absorption.nc"]
    assert main(["plumes", "absorption", *map(str, words)]) == 0
    said = capsys.readouterr().err
    assert f"plumes absorption quarantined: {granule.radiance}" in said
    assert not NOISE.search(said)


def test_a_damaged_part_that_one_rank_alone_reads_quarantines_the_granule(tmp_path):
    """Bands of wide windows are read block by block, by each rank its own columns."""
    radiance = simulate_granule(tmp_path / "raw", "PRISMA", "desert", 30, 40, seed=3).radiance
    chain = PlumeChain(tmp_path / "products")
    absorption = chain.product("absorption", "a.nc")
    chain.run("absorption", radiance=radiance, absorption=absorption)
    spoil_chunks(radiance, column=38, bands=range(6, 7))
    out = chain.product("retrieve", "x.nc")
    folder = Path(sys.executable).parent
    command = [str(folder / "mpiexec"), "-n", "2", "levelworks", "plumes", "retrieve", "--radiance", str(radiance)]
    command += ["--absorption", str(absorption), "--enhancement", str(out)]
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PATH": path}, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    record = read_record(out)
    assert record is not None
    assert record["outcome"] == "quarantined"
    assert "can't be read" in record["reason"]


def spoil_chunks(path: Path, column: int, bands: range) -> None:
    """Compress the SWIR cube, chunk by column and band, and overwrite some chunks."""
    name = f"{SWATH}/Data Fields/SWIR_Cube"
    with h5py.File(path, "r+") as file:
        values, attributes = file[name][...], dict(file[name].attrs)
        del file[name]
        cube = file.create_dataset(name, data=values, chunks=(1, 1, values.shape[2]), compression="gzip")
        cube.attrs.update(attributes)
        chunks = [cube.id.get_chunk_info(number) for number in range(cube.id.get_num_chunks())]
    content = bytearray(path.read_bytes())
    spoiled = [one for one in chunks if one.chunk_offset[0] == column and one.chunk_offset[1] in bands]
    assert len(spoiled) == len(bands)
    for one in spoiled:
        content[one.byte_offset : one.byte_offset + one.size] = bytes(one.size)
    path.write_bytes(content)
