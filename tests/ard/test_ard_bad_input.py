"""Bad input of every kind through the stages: how it ends, what is said, and what later stages make of it.

Readers have tests of their own; here an image goes through the stage contract.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from ard_products import Product, run_stage
from rasterio.transform import Affine

from levelworks.ard.masks.quality import NO_DATA
from levelworks.ard.options import Ard
from levelworks.ard.peer.parameter_file import write_parameters
from levelworks.ard.plan import plan_campaign
from levelworks.ard.simulation.damage import ESCAPE, bands_of, simulate_damaged
from levelworks.ard.simulation.scene_description import Clouds, Damage, Landscape, SceneDescription
from levelworks.ard.simulation.simulate import simulate
from levelworks.ard.simulation.truth import SimulatedScene
from levelworks.cli import main
from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions, InvalidReference, Status
from levelworks.core.record import read_record

NOISE = re.compile(r"Traceback|np\.\w+\(|\[Errno|<[\w.]+ object at|object is not|__\w+__|\w+Error\b|NoneType|indices")
SCENE = SceneDescription(
    rows=90, columns=80, landscape=Landscape(parcel=400.0, seed=71), clouds=Clouds(cover=0.0), truth="none", seed=71
)
TILE = replace(SCENE, sensor="SEN2A", rows=120, columns=120)


def process(image: Path, folder: Path, settings: dict[str, Any] | None = None, **files: Path) -> Product:
    """Process an image whose product stands in ``folder/image``."""
    return Product(
        folder / "image", run_stage("process-image", settings, image=image, product=folder / "image", **files)
    )


@pytest.fixture(autouse=True)
def no_record_shows_the_inside_of_a_program(tmp_path: Path) -> Iterator[None]:
    yield
    for path in tmp_path.rglob("*.json"):
        record = read_record(path.with_name(path.name.removesuffix(".json")))
        for text in (record["reason"], *record["warnings"]) if record else ():
            assert not NOISE.search(text), text


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> SimulatedScene:
    """A good scene with an elevation model."""
    return simulate(replace(SCENE, truth="full"), tmp_path_factory.mktemp("good"))


@pytest.fixture
def scene(written: SimulatedScene, tmp_path: Path) -> SimulatedScene:
    """A copy that a test may spoil."""
    shutil.copytree(written.path, tmp_path / written.path.name)
    return replace(written, path=tmp_path / written.path.name)


def flagged(product: Product, status: Status, *said: str) -> None:
    """Assert that there is an empty product whose record says why."""
    assert product.outcome.status is status, product.outcome
    for text in said:
        assert re.search(text, product.outcome.reason), product.outcome.reason
    record = read_record(product.folder)
    assert record is not None
    assert (record["outcome"], record["reason"]) == (status.value, product.outcome.reason)
    assert [path.name for path in product.folder.iterdir()] == ["image.json"]
    assert product.facts["outcome"] == status.value
    leftovers = [path.name for path in product.folder.parent.iterdir() if path.name.startswith(".")]
    assert leftovers == []


DAMAGED: dict[Damage, tuple[Status, tuple[str, ...]]] = {
    "missing-band": (Status.QUARANTINED, (r"_B(0?4)\b.* is missing: fetch the image again",)),
    "truncated-band": (Status.QUARANTINED, (r"_B0?4\.\w+ is truncated: .*; fetch the image again",)),
    "missing-metadata": (Status.QUARANTINED, ("holds no image: expected is|no granule metadata|MTD_TL",)),
    "truncated-metadata": (Status.QUARANTINED, (r"MTL\.txt|MTD_TL\.xml", "fetch|whole|again")),
    "wrong-level": (Status.QUARANTINED, ("L2TP product|Level-2A|Level 2|S2MSI2A", "Level 1|Level-1C")),
    "all-cloud": (Status.SKIPPED, (r"^cloud and shadow cover \d+\.\d\d % .* more than max-cloud-cover 75$",)),
    "no-data": (Status.SKIPPED, ("^the image has no data: 0 % of its pixels are valid$",)),
    "truncated-archive": (Status.QUARANTINED, ("is truncated or no archive .*: fetch it again",)),
    "hostile-archive": (Status.QUARANTINED, ("leads out of the folder: the archive is not the agency's",)),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_landsat_scene_ends_as_it_should(tmp_path, damage):
    status, said = DAMAGED[damage]
    made = simulate_damaged(SCENE, tmp_path / "raw", damage)
    flagged(process(made.path, tmp_path), status, *said)
    assert not list(tmp_path.rglob(Path(ESCAPE).name))


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_sentinel2_product_ends_as_it_should(tmp_path, damage):
    pytest.importorskip("levelworks.ard.water_vapour.image")
    status, said = DAMAGED[damage]
    made = simulate_damaged(TILE, tmp_path / "raw", damage)
    flagged(process(made.path, tmp_path), status, *said)
    assert not list(tmp_path.rglob(Path(ESCAPE).name))


def test_a_worse_tier_is_quarantined_and_taken_where_it_is_asked_for(tmp_path):
    made = simulate_damaged(SCENE, tmp_path / "raw", "wrong-tier")
    flagged(process(made.path, tmp_path), Status.QUARANTINED, made.id, "tier 2", "`tier` takes none above 1")
    assert process(made.path, tmp_path, {"tier": 2}).outcome.status is Status.DONE


def test_a_level_2_product_by_its_name_is_quarantined(scene, tmp_path):
    path = scene.path.rename(tmp_path / scene.path.name.replace("L1TP", "L2SP"))
    flagged(process(path, tmp_path), Status.QUARANTINED, "Level-2 product", "Level 1")


def bomb(path: Path) -> Path:
    """Write an archive that would become 500 times as large."""
    zeros, name = bytes(30_000_000), f"{path.name.split('.')[0]}_B4.TIF"
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(name, zeros)
    else:
        with tarfile.open(path, "w:gz") as file:
            member = tarfile.TarInfo(name)
            member.size = len(zeros)
            file.addfile(member, io.BytesIO(zeros))
    return path


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_an_archive_that_would_fill_the_disk_is_quarantined(tmp_path, ending):
    path = bomb(tmp_path / f"LC08_L1TP_193024_20180824_20200831_02_T1{ending}")
    flagged(process(path, tmp_path), Status.QUARANTINED, re.escape(str(path)), "times|large|bytes|MB|GB")


def test_an_archive_without_the_agency_s_name_is_quarantined(scene, tmp_path):
    path = tmp_path / "mine.tar"
    with tarfile.open(path, "w") as file:
        for one in sorted(scene.path.iterdir()):
            file.add(one, one.name)
    flagged(process(path, tmp_path), Status.QUARANTINED, r"mine\.tar has no name of a Level-1 image: expected is LC08")


def test_a_band_that_is_empty_leaves_no_valid_pixel(scene, tmp_path):
    with rasterio.open(next(scene.path.glob("*_B6.TIF")), "r+") as file:
        file.write(np.zeros(file.shape, np.uint16), 1)
    flagged(process(scene.path, tmp_path), Status.SKIPPED, "0 % of its pixels are valid")


def test_bands_of_another_size_and_place_are_quarantined(scene, tmp_path):
    path = next(scene.path.glob("*_B6.TIF"))
    with rasterio.open(path) as file:
        profile, counts = file.profile, file.read(1)
    moved = Affine.translation(300, 0) @ profile["transform"]
    for name, changes, values, said in (
        ("size", {"height": 60}, counts[:60], "60 x 80 pixels where 90 x 80 are expected"),
        ("place", {"transform": moved}, counts, "does not lie where the other bands do"),
    ):
        path.unlink()
        with rasterio.open(path, "w", **(profile | changes)) as file:
            file.write(values, 1)
        (tmp_path / name).mkdir()
        flagged(process(scene.path, tmp_path / name), Status.QUARANTINED, re.escape(str(path)), said)


def test_what_became_of_a_bad_image_is_passed_on_and_the_good_one_of_its_day_is_merged(scene, written, tmp_path):
    next(scene.path.glob("*_B4.TIF")).unlink()
    tiles, settings = [], {"projection": "EPSG:3035", "max-cloud-cover": 100}
    for name, image in (("bad", scene.path), ("good", written.path)):
        (tmp_path / name).mkdir()
        product = process(image, tmp_path / name)
        outcome = run_stage("tile-image", settings, image=product.folder, tiles=tmp_path / name / "tiles")
        assert outcome.status is product.outcome.status
        tiles.append(tmp_path / name / "tiles")
    assert "_B4.TIF" in read_record(tiles[0])["reason"]
    cube = {"cube": str(tmp_path / "cube")}
    merged = run_stage("merge-tile", cube, tiles=tiles, merged=tmp_path / "merged.json")
    assert merged.status is Status.DONE
    assert list((tmp_path / "cube").glob("X*/20180824_LEVEL2_LND08_BOA.tif"))


def write_dem(path: Path, scene: SimulatedScene, columns: slice) -> Path:
    """Write the part of a scene's elevation model that lies over some columns of the scene."""
    with rasterio.open(scene.dem) as file, rasterio.open(bands_of(scene)[0]) as band:
        first = round((band.transform.c - file.transform.c) / 30.0)
        kept = slice(first + columns.start, first + columns.stop)
        heights = file.read(1)[:, kept]
        profile = {"driver": "GTiff", "count": 1, "dtype": heights.dtype, "crs": file.crs, "nodata": -32767}
        profile |= {"height": heights.shape[0], "width": heights.shape[1]}
        profile |= {"transform": file.transform @ Affine.translation(kept.start, 0)}
    with rasterio.open(path, "w", **profile) as file:
        file.write(heights + 100, 1)
    return path


def test_an_elevation_model_of_elsewhere_is_refused(written, tmp_path):
    dem = write_dem(tmp_path / "dem.tif", written, slice(-95, -5))
    with pytest.raises(InvalidReference, match=r"dem\.tif does not cover the image at all: name a model") as caught:
        process(written.path, tmp_path, dem=dem)
    assert caught.value.exit_code == 64
    assert [path.name for path in tmp_path.iterdir()] == ["dem.tif"]


def test_an_elevation_model_of_a_part_warns_and_leaves_the_rest_out(written, tmp_path):
    dem = write_dem(tmp_path / "dem.tif", written, slice(-5, 50))
    product = process(written.path, tmp_path, {"water-vapour": 2.0}, dem=dem)
    assert product.outcome.status is Status.DONE
    (warning,) = product.outcome.warnings
    assert re.search(r"^dem\.tif does not cover \d+ % of the grid: no data is produced there$", warning)
    off = product.stored("QAI") == NO_DATA
    assert not off[:, :48].any()
    assert off[:, 51:].all()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "can't be read as an elevation model"), (b"II*\0 and no more", "can't be read as an elevation model")],
)
def test_an_elevation_model_that_is_none_is_refused(written, tmp_path, content, said):
    (tmp_path / "dem.tif").write_bytes(content)
    with pytest.raises(InvalidReference, match=said) as caught:
        process(written.path, tmp_path, dem=tmp_path / "dem.tif")
    assert str(tmp_path / "dem.tif") in str(caught.value)


@pytest.mark.parametrize(
    ("port", "name", "content", "said"),
    [
        ("water_vapour_tables", "WVP_2018-08-24.txt", "here be dragons\n", r"WVP_2018-08-24\.txt"),
        ("water_vapour_tables", "WVP_0000-01-00.txt", "1 2 3 4 5\n", r"WVP_0000-08-00\.txt"),
        ("aerosol_tables", "AOD_236.txt", "1 2 3\n", "lines of five numbers"),
        ("aerosol_tables", "AOD_001.txt", "1 2 3 4 5\n", r"AOD_236\.txt can't be read"),
        ("aerosol_tables", "AOD_236.txt", "", "is empty"),
        ("coregistration_base", "readme.txt", "no image\n", "base"),
    ],
)
def test_tables_and_base_images_that_will_not_do_are_refused_by_name(written, tmp_path, port, name, content, said):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / name).write_text(content)
    with pytest.raises(InvalidReference, match=said) as caught:
        process(written.path, tmp_path, **{port: folder})
    assert str(folder) in str(caught.value)
    assert not NOISE.search(str(caught.value))


@pytest.mark.parametrize(("place", "zone"), [((179.995, -17.0), 60), ((-179.995, -17.0), 1), ((179.995, 66.0), 1)])
def test_an_image_across_the_antimeridian_is_processed(tmp_path, place, zone):
    description = replace(SCENE, place=place, zone=zone, truth="full", path_row=(74, 72), day=date(2018, 5, 3))
    made = simulate(description, tmp_path / "raw")
    tables = tmp_path / "tables"
    tables.mkdir()
    # The nearest line lies on the other side.
    for day in (2, 3):  # at the international date line the morning of a day is the evening before in UTC
        (tables / f"WVP_2018-05-0{day}.txt").write_text(
            f"{-np.sign(place[0]) * 179.9} {place[1]} 2.0 MOD\n0 {place[1]} 5 MOD\n"
        )
    west, east = 179.9, -179.9
    rings = [[[west, -89], [180, -89], [180, 89], [west, 89], [west, -89]]]
    other = [[[-180, -89], [east, -89], [east, 89], [-180, 89], [-180, -89]]]
    south, north = place[1] - 0.5, place[1] + 0.5
    rings, other = ([[[x, south if y < 0 else north] for x, y in one[0]]] for one in (rings, other))
    area = tmp_path / "area.geojson"
    area.write_text(json.dumps({"type": "MultiPolygon", "coordinates": [rings, other]}))
    product = process(
        made.path, tmp_path, {"brdf-correction": False, "aerosol-retrieval": False},
        dem=made.dem, water_vapour_tables=tables, area_of_interest=area,
    )  # fmt: skip
    assert product.outcome.status is Status.DONE
    assert product.quality["water_vapour_g_cm2"] == 2.0
    # The two halves of the area meet at 180 degrees: at the most a pixel in each row lies in neither.
    assert (product.stored("QAI") == NO_DATA).sum() <= 90
    for band in ("GREEN", "NIR"):
        assert abs(np.nanmedian(product.band(band) - made.surface(band))) < 0.01, band


def parameter_file(path: Path, **changes: str) -> Path:
    lines = write_parameters({}).splitlines()
    known = {line.partition(" = ")[0]: number for number, line in enumerate(lines)}
    for tag, value in changes.items():
        lines[known.get(tag, 3)] = f"{tag} = {value}"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CLOUD_BUFFERS": "300"}, "CLOUD_BUFFERS is no parameter of FORCE's Level 2"),
        ({"MAX_CLOUD_COVER_FRAME": "101"}, "MAX_CLOUD_COVER_FRAME"),
        ({"TIER": "0"}, "TIER"),
        ({"FILE_DEM": "/nowhere/dem.vrt"}, "FILE_DEM"),
        ({"DO_TOPO": "yes"}, "DO_TOPO"),
    ],
)
def test_mistakes_in_force_s_parameter_file_are_those_of_the_configuration(tmp_path, changes, said):
    path = parameter_file(tmp_path / "level2.prm", **changes)
    with pytest.raises(InvalidOptions, match=said) as caught:
        validate(Ard, {"peer": str(path)}, "config: ard")
    assert str(path) in str(caught.value)
    assert re.search(r"line \d+", str(caught.value))
    assert not NOISE.search(str(caught.value))


def test_a_parameter_file_that_is_none_is_refused_by_name(tmp_path):
    for peer, said in ((tmp_path / "none.prm", "can't be read"), (tmp_path, "can't be read")):
        with pytest.raises(InvalidOptions, match=said) as caught:
            validate(Ard, {"peer": str(peer)}, "config: ard")
        assert not NOISE.search(str(caught.value))
    with pytest.raises(InvalidOptions, match="peer is 7: it must name a file"):
        validate(Ard, {"peer": 7}, "config: ard")


def test_the_configuration_stands_over_the_parameter_file_and_is_checked_as_well(tmp_path):
    path = parameter_file(tmp_path / "level2.prm", CLOUD_BUFFER="120", TIER="2")
    section = validate(Ard, {"peer": str(path), "process-image": {"tier": 3}}, "config: ard")
    assert (section.process_image.tier, section.process_image.cloud_buffer) == (3, 120)
    with pytest.raises(InvalidOptions, match=r"config: ard: process-image\.tier"):
        validate(Ard, {"peer": str(path), "process-image": {"tier": 4}}, "config: ard")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("scenes/LC08_L1TP_193024_20180824_20200831_02_T1 QUEUED", "line 1: .* is not absolute"),
        ("/a/LC08_L1TP_193024_20180824_20200831_02_T1 WAITING", "line 1: .*QUEUED.DONE.FAIL"),
        ("/a b/LC08_L1TP_193024_20180824_20200831_02_T1 QUEUED", "paths hold no blanks"),
        ("/nowhere/LC08_L1TP_193024_20180824_20200831_02_T1 QUEUED", "does not exist"),
        ("/nowhere/my_scene QUEUED", "has no name of a Level-1 image"),
        ("/a/LC08_L2SP_193024_20180824_20200831_02_T1 QUEUED", "Level-2 product"),
    ],
)
def test_bad_entries_of_the_queue_are_those_of_the_configuration(tmp_path, line, said):
    queue = tmp_path / "queue.txt"
    queue.write_text(f"{line}\n")
    with pytest.raises(InvalidOptions, match=said) as caught:
        plan_campaign(validate(Ard, {"queue": str(queue)}, "config: ard"))
    assert not NOISE.search(str(caught.value))


def test_the_command_says_what_is_wrong_in_one_line(scene, tmp_path, capsys):
    next(scene.path.glob("*_MTL.txt")).unlink()
    words = ["--image", scene.path, "--product", tmp_path / "product"]
    assert main(["ard", "process-image", *map(str, words)]) == 0
    said = capsys.readouterr().err
    assert f"ard process-image quarantined: {scene.path}" in said
    assert not NOISE.search(said)
    assert main(["ard", "process-image", *map(str, words), "--options", '{"aerosol-model": "soot"}']) == 64
    assert "aerosol-model" in capsys.readouterr().err
