"""What a campaign finds and where its products stand: folders, archives, manifests, FORCE's queue; and reports."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from ard_products import run_stage
from browser import open_page

from levelworks.ard.doctor import examine, space_needed
from levelworks.ard.layout import Layout
from levelworks.ard.options import Ard
from levelworks.ard.peer.parameter_file import read_parameter_file, write_parameters
from levelworks.ard.plan import plan_campaign
from levelworks.ard.simulation.damage import simulate_damaged
from levelworks.ard.simulation.scene_description import Clouds, SceneDescription
from levelworks.ard.simulation.simulate import simulate
from levelworks.core.aggregate import TooManyQuarantined
from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions, Status

LANDSAT = "LC08_L1TP_193024_20180824_20200831_02_T1"
SAME_DAY = "LC08_L1TP_193025_20180824_20200831_02_T1"
LATER = "LE07_L1TP_193024_20180901_20200831_02_T1"
SENTINEL2 = "S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM_20180629T012042"
OTHER = "S2B_MSIL1C_20180824T102019_N0206_R065_T33UUT_20180824T132252"


def section(**values) -> Ard:
    return validate(Ard, {name.replace("_", "-"): value for name, value in values.items()}, "config: ard")


@pytest.fixture
def level1(tmp_path: Path) -> Path:
    """Write a folder with images of every kind and what else lies about."""
    folder = tmp_path / "level1"
    for name in (LANDSAT, f"{SENTINEL2}.SAFE", "notes", f"{LANDSAT}_truth"):
        (folder / name).mkdir(parents=True)
    (folder / f"{SAME_DAY}.tar").touch()
    (folder / f"{OTHER}.zip").touch()
    renamed = folder / "a folder of mine"
    renamed.mkdir()
    (renamed / f"{LATER}_MTL.txt").touch()
    (folder / "readme.txt").touch()
    return folder


def test_a_folder_gives_its_images_folders_and_archives(level1):
    plan = plan_campaign(section(images=str(level1)))
    assert sorted(plan.images) == sorted([LANDSAT, SENTINEL2, SAME_DAY, OTHER, LATER])
    assert plan.images[LATER].path == level1 / "a folder of mine"
    assert plan.images[OTHER].path == level1 / f"{OTHER}.zip"


def test_images_of_a_day_and_sensor_are_one_acquisition(level1):
    plan = plan_campaign(section(images=str(level1)))
    found = {name: [one.id for one in images] for name, images in plan.acquisitions.items()}
    assert found == {
        "20180629_SEN2A": [SENTINEL2],
        "20180824_LND08": [LANDSAT, SAME_DAY],
        "20180824_SEN2B": [OTHER],
        "20180901_LND07": [LATER],
    }
    assert list(found) == sorted(found)


def test_one_image_a_wildcard_and_a_manifest(level1, tmp_path):
    assert list(plan_campaign(section(images=str(level1 / LANDSAT))).images) == [LANDSAT]
    found = plan_campaign(section(images=[str(level1 / "LC08*_T1"), str(level1 / "*.tar"), str(level1 / "*.zip")]))
    assert sorted(found.images) == sorted([LANDSAT, SAME_DAY, OTHER])
    manifest = tmp_path / "images.tsv"
    manifest.write_text(f"note\tpath\ngood\tlevel1/{LANDSAT}\nsmall\t{level1 / SENTINEL2}.SAFE\n")
    assert sorted(plan_campaign(section(images=str(manifest))).images) == sorted([LANDSAT, SENTINEL2])


def test_an_image_that_is_named_twice_is_one(level1):
    found = plan_campaign(section(images=[str(level1), str(level1 / LANDSAT), f"{level1}/../level1/{LANDSAT}"]))
    assert len(found.images) == 5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: str(folder / "nowhere"), "ard.images: .*nowhere is neither a file nor a folder"),
        (lambda folder: str(folder / "X*"), "nothing matches"),
        (lambda folder: str(folder / "readme.txt"), r"readme\.txt has no name of a Level-1 image: expected is LC08"),
        (lambda folder: str(folder / "LC08*"), "_T1_truth has no name of a Level-1 image"),
        (lambda folder: str(folder / "*.txt"), r"readme\.txt has no name of a Level-1 image"),
    ],
)
def test_sources_that_are_none_are_refused(level1, make, said):
    with pytest.raises(InvalidOptions, match=said):
        plan_campaign(section(images=make(level1)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image\nx\n", "has no column 'path'"),
        ("", "has no column 'path'"),
        ("path\nnowhere\n", r"images\.tsv line 2: nowhere does not exist"),
        (f"path\nlevel1/{LANDSAT}\n\t\n", "line 3:  does not exist"),
    ],
)
def test_manifests_that_will_not_do_are_refused(level1, tmp_path, text, said):
    (tmp_path / "images.tsv").write_text(text)
    with pytest.raises(InvalidOptions, match=said):
        plan_campaign(section(images=str(tmp_path / "images.tsv")))


def test_two_places_of_one_image_are_refused(level1):
    (level1 / f"{LANDSAT}.tar.gz").touch()
    with pytest.raises(InvalidOptions, match=f"two images have the id {LANDSAT}: .* and ") as caught:
        plan_campaign(section(images=str(level1)))
    assert f"{LANDSAT}.tar.gz" in str(caught.value)


@pytest.mark.parametrize("key", ["dem", "area-of-interest", "water-vapour-tables", "aerosol-tables", "tiles"])
def test_what_goes_with_images_must_exist(level1, key):
    with pytest.raises(InvalidOptions, match=f"config: ard.{key}: /nowhere/at/all does not exist"):
        plan_campaign(section(images=str(level1), **{key: "/nowhere/at/all"}))


def test_of_a_queue_what_is_queued_and_what_is_done_by_us_is_planned(level1, tmp_path):
    queue, done = tmp_path / "queue.txt", tmp_path / "done"
    done.mkdir()
    queue.write_text(
        f"{level1 / LANDSAT} QUEUED\n{level1 / SAME_DAY}.tar\tDONE\n{level1 / OTHER}.zip DONE\n"
        f"{level1 / SENTINEL2}.SAFE FAIL\n"
    )
    (done / f"{SAME_DAY}.json").write_text("{}")
    found = plan_campaign(section(queue=str(queue)), done)
    assert sorted(found.images) == sorted([LANDSAT, SAME_DAY])
    assert [one.state for one in found.queue] == ["QUEUED", "DONE", "DONE", "FAIL"]
    assert sorted(plan_campaign(section(queue=str(queue))).images) == [LANDSAT]
    # An image may be named by both.
    assert sorted(plan_campaign(section(queue=str(queue), images=str(level1 / LANDSAT)), done).images) == sorted(
        [LANDSAT, SAME_DAY]
    )


def test_products_stand_where_the_layout_says(level1, tmp_path):
    plan = plan_campaign(section(images=str(level1), dem=str(level1)))
    layout = Layout(plan, tmp_path / "results")
    root = tmp_path / "results" / "ard"
    image = layout.image_inputs(SimpleNamespace(image=LANDSAT))
    assert image == {
        "image": str(level1 / LANDSAT),
        "dem": str(level1),
        "area_of_interest": [],
        "water_vapour_tables": [],
        "aerosol_tables": [],
        "coregistration_base": [],
    }
    tile = layout.tile_inputs(SimpleNamespace(image=LANDSAT))
    assert tile == {"image": str(root / "process-image" / f"{LANDSAT}.json"), "allow_list": []}
    merge = layout.merge_inputs(SimpleNamespace(acquisition="20180824_LND08"))
    assert merge["tiles"] == [str(root / "tile-image" / f"{name}.json") for name in (LANDSAT, SAME_DAY)]
    assert layout.all_merged() == [
        str(root / "merge-tile" / f"{name}.json")
        for name in ("20180629_SEN2A", "20180824_LND08", "20180824_SEN2B", "20180901_LND07")
    ]
    assert layout.cube == root / "cube"
    assert len(layout.granules()) == 5
    targets = layout.targets()
    assert str(root / "report-level2" / "report.html") in targets
    assert not any("tabulate-grid" in one or "queue" in one or "overview" in one for one in targets)


def test_there_is_nothing_to_make_without_images():
    layout = Layout(plan_campaign(section()), Path("results"))
    assert layout.targets() == []
    assert [check.verdict for check in examine(section())] == ["warning"]


def test_water_vapour_tables_are_made_of_a_reanalysis(level1, tmp_path):
    (tmp_path / "era5").mkdir()
    for name in ("b.nc", "a.nc", "note.txt"):
        (tmp_path / "era5" / name).touch()
    plan = plan_campaign(section(images=str(level1), reanalysis=str(tmp_path / "era5")))
    layout = Layout(plan, Path("results"))
    assert plan.reanalysis == [str(tmp_path / "era5" / name) for name in ("a.nc", "b.nc")]
    made = layout.image_inputs(SimpleNamespace(image=LANDSAT))["water_vapour_tables"]
    assert made == "results/ard/build-water-vapour-table/tables.json"
    assert made in layout.targets()


def test_planning_imports_neither_numpy_nor_rasterio(level1):
    code = (
        "import sys; from levelworks.ard.options import Ard; from levelworks.ard.layout import Layout;"
        "from levelworks.ard.plan import plan_campaign; from pathlib import Path; import levelworks.ard.stages;"
        f"Layout(plan_campaign(Ard(images=[{str(level1)!r}])), Path('r')).targets();"
        "print(*(name for name in ('numpy', 'rasterio', 'numba', 'scipy') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_doctor_counts_images_and_names_what_is_missing(tmp_path):
    made = simulate(SceneDescription(rows=40, columns=40, clouds=Clouds(cover=0.0), truth="none"), tmp_path)
    checks = list(examine(section(images=str(made.path))))
    assert {check.verdict for check in checks} == {"ok", "warning"}
    said = " / ".join(check.detail for check in checks)
    assert "1 of LND08" in said
    assert "no elevation model" in said
    assert "1 Landsat image without water vapour" in said
    sizes = sum(one.stat().st_size for one in made.path.iterdir())
    assert sizes < space_needed(section(images=str(made.path))) < 10 * sizes
    (failure,) = examine(section(images=str(tmp_path / "nowhere")))
    assert failure.verdict == "failure"


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Process four images: one is done, one has no data, one no metadata, one is not processed."""
    folder = tmp_path_factory.mktemp("campaign")
    plain = SceneDescription(rows=60, columns=60, clouds=Clouds(cover=0.0), truth="none")
    scenes = {
        "done": simulate(plain, folder / "raw" / "done"),
        "no-data": simulate_damaged(plain.changed(path_row=(193, 25)), folder / "raw" / "empty", "no-data"),
        "bad": simulate_damaged(plain.changed(path_row=(193, 26)), folder / "raw" / "bad", "missing-band"),
        "waiting": simulate(plain.changed(path_row=(193, 27)), folder / "raw" / "waiting"),
    }
    for name, one in scenes.items():
        if name != "waiting":
            run_stage("process-image", image=one.path, product=folder / "products" / one.id)
    (folder / "paths.json").write_text(json.dumps({name: str(one.path) for name, one in scenes.items()}))
    return folder


def paths_of(campaign: Path) -> dict[str, Path]:
    return {name: Path(text) for name, text in json.loads((campaign / "paths.json").read_text()).items()}


def records_of(campaign: Path, *names: str) -> list[Path]:
    paths = paths_of(campaign)
    return [campaign / "products" / f"{paths[name].name}.json" for name in names]


def test_after_a_crash_only_images_that_were_processed_change_their_state(campaign, tmp_path):
    paths = paths_of(campaign)
    queue = tmp_path / "queue.txt"
    before = [f"{paths[name]}  QUEUED" for name in paths]
    queue.write_text("\n".join([*before, f"/elsewhere/{LANDSAT} DONE", ""]))
    files = {"queue": queue, "states": tmp_path / "states.txt"}
    assert run_stage("index-queue", images=records_of(campaign, "done"), **files).quality == {"done": 1}
    assert queue.read_text().splitlines() == [
        f"{paths['done']} DONE", *before[1:], f"/elsewhere/{LANDSAT} DONE"
    ]  # fmt: skip
    rest = run_stage("index-queue", images=records_of(campaign, "done", "no-data", "bad"), **files)
    assert rest.quality == {"done": 2, "fail": 1}
    assert files["states"].read_text() == queue.read_text()
    states = [line.split()[1] for line in queue.read_text().splitlines()]
    assert states == ["DONE", "DONE", "FAIL", "QUEUED", "DONE"]
    found = plan_campaign(section(queue=str(queue)), campaign / "products")
    assert sorted(found.images) == sorted(paths[name].name for name in ("done", "no-data", "waiting"))


def test_a_queue_of_others_stays_as_it_is(campaign, tmp_path):
    queue = tmp_path / "queue.txt"
    queue.write_text(f"/elsewhere/{LANDSAT}   QUEUED\n")
    files = {"images": records_of(campaign, "bad"), "states": tmp_path / "states.txt"}
    outcome = run_stage("index-queue", queue=queue, **files)
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, f"no image of {queue} was processed")
    assert queue.read_text() == f"/elsewhere/{LANDSAT}   QUEUED\n"
    with pytest.raises(InvalidOptions, match="does not exist"):
        run_stage("index-queue", queue=tmp_path / "none.txt", **files)
    assert not (tmp_path / "none.txt").exists()


def test_a_parameter_file_of_a_campaign_is_read_as_that_campaign(level1, tmp_path):
    values = {"dem": str(level1), "process-image": {"tier": 2, "water-vapour": 1.5, "resolution-merge": "starfm"}}
    first = section(images=str(level1), cube=str(tmp_path / "cube"), **values)
    (tmp_path / "cube").mkdir()
    layout = Layout(plan_campaign(first), tmp_path)
    path = tmp_path / "level2.prm"
    settings = {"parameters": layout.parameters_of_force()}
    assert run_stage("make-parameter-file", settings, parameters=path).status is Status.DONE
    found = read_parameter_file(path)
    assert (found["TIER"], found["WATER_VAPOR"], found["RES_MERGE"]) == (2, 1.5, "STARFM")
    again = section(peer=str(path), images=str(level1))
    for key in ("process_image", "tile_image", "dem", "cube"):
        assert getattr(again, key) == getattr(first, key), key
    for wrong, said in (({"TEIR": "1"}, "TEIR is no parameter"), ({"TIER": "7"}, "TIER is 7, not 1 or more and 3")):
        with pytest.raises(InvalidOptions, match=said):
            run_stage("make-parameter-file", {"parameters": wrong}, parameters=tmp_path / "wrong.prm")


def test_relative_paths_of_a_parameter_file_begin_beside_it(tmp_path):
    (tmp_path / "heights.tif").touch()
    path = tmp_path / "level2.prm"
    path.write_text(write_parameters({"FILE_DEM": "heights.tif"}))
    assert section(peer=str(path)).dem == tmp_path / "heights.tif"


class Tags(HTMLParser):
    """Sees that tags are closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "rect", "line", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def report(campaign: Path, folder: Path, *names: str, **settings: object) -> tuple[Path, Path]:
    page, table = folder / "report.html", folder / "images.csv"
    options = {"max_quarantined": 1.0, **settings}
    run_stage("report-level2", options, images=records_of(campaign, *names), page=page, table=table)
    return page, table


def test_the_report_counts_what_became_of_images(campaign, tmp_path):
    page, table = report(campaign, tmp_path, "done", "no-data", "bad", title="Dahme & Spree <2018>")
    with table.open() as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    paths = paths_of(campaign)
    outcomes = {name: rows[paths[name].name]["outcome"] for name in ("done", "no-data", "bad")}
    assert outcomes == {"done": "done", "no-data": "skipped", "bad": "quarantined"}
    done = rows[paths["done"].name]
    assert (done["sensor"], done["date"], done["data_percent"]) == ("LND08", "2018-08-24", "100")
    assert float(done["cpu_s"]) > 0
    text = page.read_text()
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.seen.count("svg") >= 5
    assert "Dahme &amp; Spree &lt;2018&gt;" in text
    assert "_B4.TIF is missing" in text
    assert "http" not in text
    assert '<tr><td>all</td><td class="number">1</td><td class="number">1</td><td class="number">1</td>' in text


def test_every_image_of_a_report_has_its_sensor_and_day(campaign, tmp_path):
    """Also those that were not done: their names say both."""
    _, table = report(campaign, tmp_path, "done", "no-data", "bad")
    with table.open() as file:
        assert {(row["sensor"], row["date"]) for row in csv.DictReader(file)} == {("LND08", "2018-08-24")}


def test_the_page_opens_in_a_browser(campaign, tmp_path):
    page, _ = report(campaign, tmp_path, "done", "no-data", "bad")
    opened = open_page(page, tmp_path / "profile")
    assert opened.wrong == []
    assert "Images that were done" in opened.text
    assert not any(one.startswith("http") for one in opened.resources)


def test_a_report_of_too_many_bad_images_is_refused_and_of_none_skipped(campaign, tmp_path):
    with pytest.raises(TooManyQuarantined, match=r"_B4\.TIF is missing"):
        report(campaign, tmp_path, "done", "bad", max_quarantined=0.1)
    names = {"page": tmp_path / "report.html", "table": tmp_path / "images.csv"}
    (tmp_path / "no-record").mkdir()
    outcome = run_stage("report-level2", images=[tmp_path / "no-record"], **names)
    assert outcome.status is Status.SKIPPED
    assert "no image was processed" in names["page"].read_text()
    assert names["table"].read_text().startswith("id,sensor,date,outcome")
