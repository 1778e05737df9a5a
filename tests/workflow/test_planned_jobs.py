"""Jobs that Snakemake plans for a campaign that asks for everything, held against the signatures of the stages."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from levelworks.cli import stage_parser
from levelworks.core.config import LINES
from levelworks.core.options import parse_options
from levelworks.core.stage import Port, Stage, stages
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.safe.acquisition import Acquisition, read_acquisition
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate as simulate_stack
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.simulated_campaigns import campaign_targets, looks_of_day
from levelworks.xco2.targets import write_targets
from workflow import ROOT, Workflow, environment, references, simulated

STAGES = [(line, name) for line in LINES for name in stages(line)]
HOUSE = {"check_outcomes", "link_peer_names", "link_cogs"}
"""Rules that run no stage."""

DAY = dt.date(2020, 3, 3)

Job = dict[str, Any]


def everything(folder: Path) -> dict[str, Any]:
    """Write Level 1 of every line and return a configuration under which every stage has a job."""
    simulated(folder / "raw", frames=1, gain=5000.0)
    simulated(folder / "darks", frames=1, gain=1.0, first=20)
    made_here = {"fixed_pattern", "dark_current", "clock_induced_charge", "bad_pixels"}
    coronagraph = {
        "datasets": {"night": {"frames": "raw", "count_photons": True}, "darks": {"frames": "darks", "kind": "dark"}},
        "references": {role: path for role, path in references("raw").items() if role not in made_here},
        "make-bad-pixel-map": {},
        "peer_view": True,
        "plots": True,
    }
    level2 = folder / "lite"
    level2.mkdir()
    sites = campaign_targets(1)
    write_targets(sites, level2 / "targets_oco2.json")
    rows = [f"{one.id},{one.name},POINT ({one.centre[0]} {one.centre[1]})" for one in sites]
    (level2 / "sites.csv").write_text("\n".join(["Target_ID,Target_Name,Center_WKT", *rows, ""]))
    for dataset in ("oco2", "oco3", "oco3_sif"):
        simulate_day(level2, dataset, DAY, looks_of_day(sites, DAY, dataset, looks=1, frames=2), background=4)
    xco2 = {
        "granules": "lite",
        "targets": {"oco2": "lite/targets_oco2.json"},
        "centres": "lite/sites.csv",
        "cogs": True,
        "cog-folder": "cogs",
        "world": True,
        "climatologies": ["monthly"],
        "tables": True,
        "plots": True,
    }
    return {
        "coronagraph": coronagraph,
        "plumes": plumes(folder),
        "xco2": xco2,
        "ard": ard(folder),
        "insar": insar(folder),
    }


def insar(folder: Path) -> dict[str, Any]:
    """Name a simulated pair and all that goes with it; planning reads manifests only."""
    passes = Pass(0), Pass(12, "20250418")
    cut = {"IW1": replace(cuts("ci")["IW1"], samples=64)}
    made = simulate_stack(Scenario(tuple(replace(one, swaths=("IW1",)) for one in passes), cut), folder / "sar")
    first = read_acquisition(made.products["20250406"], swaths=("IW1",), pixels=False)
    write_frame(folder / "sar/frame.json", define_frame(list_bursts(first), first.epoch))
    for name in ("geoid.tif", "land.tif"):
        (folder / "sar" / name).touch()
    (folder / "sar/delays").mkdir()
    for name in ("20250406.ztd", "20250406.ztd.rsc", "20250418.ztd.tif"):
        (folder / "sar/delays" / name).touch()
    return {
        "frames": "sar/frame.json",
        "products": [str(path) for path in made.products["20250406"]],
        "archive": tape(folder / "sar", first, made.products["20250418"]),
        "orbits": "sar/orbits",
        "elevation": "sar/dem.tif",
        "geoid": "sar/geoid.tif",
        "land": "sar/land.tif",
        "delays": "sar/delays",
        "correct-atmosphere": {"method": "gacos-height"},
        "offsets": True,
        "along-track": True,
        "new-frame": "here",
        "new-frame-products": [str(path) for path in made.products["20250406"]],
        "plots": True,
    }


def tape(folder: Path, acquisition: Acquisition, products: Sequence[Path]) -> dict[str, Any]:
    """Name a tape library that has the products of a pass over the same ground; no command of it is run."""
    corners = [corner for burst in acquisition.bursts for corner in burst.corners]
    west, east = (choose(x for x, _ in corners) for choose in (min, max))
    south, north = (choose(y for _, y in corners) for choose in (min, max))
    box = f"POLYGON (({west} {south}, {east} {south}, {east} {north}, {west} {north}))"
    rows = [f"{path.stem}\t/tape/{path.stem}.zip\t{box}\n" for path in products]
    (folder / "tape.tsv").write_text("id\taddress\tfootprint\n" + "".join(rows))
    commands = {"status": ["true", "{address}"], "request": ["true", "{list}"]}
    return {"catalogue": "sar/tape.tsv", "kind": "tape", "tape": commands}


def ard(folder: Path) -> dict[str, Any]:
    """Name an image, a queue and all that goes with images; planning opens none of the rasters."""
    archive = folder / "images" / "LC08_L1TP_193024_20180824_20200831_02_T1.tar"
    files = ("dem.tif", "area.geojson", "points.txt", "tcwv.nc", "gdal.txt", "tiles.txt", "cube.prj")
    for path in (archive, *(folder / "ancillary" / name for name in files)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ("base", "aerosol"):
        (folder / "ancillary" / name).mkdir()
    (folder / "queue.txt").write_text(f"{archive} QUEUED\n")
    return {
        "queue": "queue.txt",
        "dem": "ancillary/dem.tif",
        "area-of-interest": "ancillary/area.geojson",
        "reanalysis": "ancillary/tcwv.nc",
        "water-vapour-points": "ancillary/points.txt",
        "aerosol-tables": "ancillary/aerosol",
        "coregistration-base": "ancillary/base",
        "definition": "ancillary/cube.prj",
        "tiles": "ancillary/tiles.txt",
        "output-options": "ancillary/gdal.txt",
        "overviews": True,
        "tabulate-grid": {},
    }


def plumes(folder: Path) -> dict[str, Any]:
    """Name granules, winds and every file of people that the plumes line takes; planning opens none of them."""
    scene = "001_20230612T162103_2316311_006"
    named = {"dem": "dem.tif", "land": "land.geojson", "boundaries": "places.geojson", "rejected": "rejected.csv"}
    named |= {"sites": "sites.csv", "edits": "edits.csv", "map-points": "points.csv"}
    files = [f"EMIT_{kind}_{scene}.nc" for kind in ("L1B_RAD", "L1B_OBS", "L2A_MASK")]
    files += [f"{kind}/EMIT_L2B_{scene}.{ending}" for kind, ending in (("markers", "geojson"), ("control", "points"))]
    files += ["PRS_L1_STD_OFFL_20230506070115_20230506070119_0001.he5", "ch4.hdf5", "co2.txt", "co.txt", "no2.txt"]
    files += ["winds/2023/sl_20230612.grib", "winds/GEOS.fp.asm.tavg1_2d_slv_Nx.20230612_1630.V01.nc4"]
    for name in (*files, *named.values()):
        path = folder / "radiance" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return {
        "granules": "radiance",
        "gases": "all",
        "lookup-tables": {"ch4": "radiance/ch4.hdf5"},
        "cross-sections": {gas: f"radiance/{gas}.txt" for gas in ("co2", "co", "no2")},
        "era5": "radiance/winds/2023",
        "geos-fp": "radiance/winds",
        "markers": "radiance/markers",
        "control-points": "radiance/control",
        "calibrate-wind": {},
        "cogs": True,
        "unortho": True,
        "plots": True,
        **{key: f"radiance/{name}" for key, name in named.items()},
    }


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> list[Job]:
    folder = tmp_path_factory.mktemp("campaign")
    campaign = Workflow(folder, everything(folder))
    campaign.command()  # writes the configuration
    program = ROOT / "tests" / "support" / "planned_jobs.py"
    files = [ROOT / "config" / "config.yaml", folder / "campaign.yaml"]
    done = subprocess.run(
        [sys.executable, str(program), str(ROOT / "Snakefile"), "all", *map(str, files)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


@pytest.fixture(params=STAGES, ids=lambda found: " ".join(found))
def stage(request: pytest.FixtureRequest) -> Stage:
    line, name = request.param
    return stages(line)[name]


@pytest.fixture
def planned(jobs: list[Job], stage: Stage) -> list[Job]:
    """Return the jobs of a stage: those of the rule of its name."""
    found = [job for job in jobs if job["rule"] == stage.name.replace("-", "_")]
    assert found
    return found


def files_of(job: Job, port: Port) -> list[str]:
    """Return the files of a port; of folders and what is updated, Snakemake knows the record, a parameter the rest."""
    named = job["input"] | job["output"]
    if port.name in named:
        return named[port.name]
    path = job["params"][port.name]
    assert job["output"]["record"] == [f"{path}.json"]
    return [path]


def test_every_rule_is_a_stage_s_or_a_target_or_the_house_s(jobs: list[Job]) -> None:
    with_command = {job["rule"] for job in jobs if job["command"]}
    assert with_command - HOUSE == {name.replace("-", "_") for _, name in STAGES}
    assert {job["rule"] for job in jobs} - with_command == {"all"}


def test_names_of_inputs_and_outputs_are_the_ports(planned: list[Job], stage: Stage) -> None:
    for job in planned:
        assert set(job["input"]) == {port.name for port in stage.inputs}
        through_record = {port.name for port in stage.outputs if port.name not in job["output"]}
        assert set(job["output"]) - {"record", "mark"} == {port.name for port in stage.outputs} - through_record
        assert ("record" in job["output"]) == (len(through_record) == 1)
        assert not stage.updates or through_record == {stage.updates}
        for port in (*stage.inputs, *stage.outputs):
            files = files_of(job, port)
            assert len(files) <= 1 or port.many
            assert files or port.optional


def test_the_command_is_the_stage_with_the_files_of_the_job(planned: list[Job], stage: Stage) -> None:
    for job in planned:
        words = shlex.split(job["command"])
        start = words.index("levelworks")
        assert (words[:start] != []) == stage.mpi
        assert words[start : start + 3] == ["levelworks", stage.line, stage.name]
        assert words[-3:] == [">", *job["log"], "2>&1"]
        given = vars(stage_parser(stage.line, stage.name).parse_args(words[start + 3 : -3]))
        assert given.pop("options") == job["params"]["options"]
        for port in (*stage.inputs, *stage.outputs):
            files = files_of(job, port)
            assert given[port.name] == ([job["params"][port.name]] if port.many else files)


def test_parameters_are_the_options_and_version_of_the_stage(planned: list[Job], stage: Stage) -> None:
    for job in planned:
        assert job["params"]["version"] == str(stage.version)
        parse_options(stage.options, job["params"]["options"])


def test_products_logs_and_benchmarks_lie_in_folders_of_the_stage(planned: list[Job], stage: Stage) -> None:
    for job in planned:
        (log,) = job["log"]
        assert log.startswith(f"logs/{stage.line}/{stage.name}/")
        assert job["benchmark"].startswith(f"benchmarks/{stage.line}/{stage.name}/")
        for name, paths in job["output"].items():
            folder = "peer-view" if name.startswith("peer_") else stage.name
            assert all(path.startswith(f"results/{stage.line}/{folder}/") for path in paths)


def test_planning_loads_no_heavy_library() -> None:
    program = (
        "import sys\n"
        "from levelworks.core.stage import stages\n"
        "from levelworks.core.config import LINES\n"
        "for line in LINES:\n"
        "    stages(line)\n"
        "    __import__(f'levelworks.{line}.plan')\n"
        "print([name for name in ('numpy', 'scipy', 'numba', 'astropy', 'rasterio', 'mpi4py') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
