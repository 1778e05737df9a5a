"""Benchmarks of the xco2 line: CPU time of a granule, exact weights, peak memory, and a campaign in two ways."""

from __future__ import annotations

import datetime as dt
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from figure import Figure

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

LINE = "xco2"
DAY = dt.date(2020, 3, 3)
CAPTURES = 4
REPEATS = 7
ONE = ["/xco2", "/xco2_uncertainty"]
TEN = [
    *ONE,
    *(
        f"/Retrieval/{name}"
        for name in ("psurf", "tcwv", "windspeed", "aod_total", "albedo_o2a", "dp", "co2_grad_del", "dws", "h2o_scale")
    ),
]
"""XCO2 with its error counts as one variable, as in the peer's default list; nine more make ten."""


def _granule(folder: Path) -> tuple[Path, Path, list[str]]:
    """Write a day of four captures of about 1,430 soundings each; return it, its targets file and their ids."""
    from levelworks.xco2.simulate import simulate_day
    from levelworks.xco2.simulated_campaigns import campaign_targets, looks_of_day
    from levelworks.xco2.target_tools import Centre, targets_from_centres
    from levelworks.xco2.targets import write_targets

    centres = [Centre(one.id, one.name, one.centre) for one in campaign_targets(CAPTURES)]
    targets = targets_from_centres(centres, 1.5)  # boxes of 3 degrees, as the OCO-3 project has them
    write_targets(targets, folder / "targets.json")
    looks = looks_of_day(targets, DAY, "oco3", looks=CAPTURES)
    return simulate_day(folder, "oco3", DAY, looks), folder / "targets.json", [one.id for one in targets]


def _to_cubes(folder: Path, files: tuple[Path, Path, list[str]], cells: int, variables: list[str]) -> float:
    """Take a granule through every stage to both cubes of each target; CPU seconds, records and flushing included."""
    from levelworks.core.stage import run, stages

    known = stages(LINE)
    granule, targets, names = files

    def call(stage: str, options: dict[str, object], **paths: list[Path]) -> None:
        run(known[stage], paths, known[stage].options(**options))

    # What was made stays until the end: ext4 looks long for inodes where many files were deleted seconds ago.
    products = Path(tempfile.mkdtemp(dir=folder))
    os.utime(granule)  # a granule never seen before: its checksum is taken anew
    start = time.process_time()
    captures, grids, listing = products / "captures.nc", products / "grids.nc", products / "oco3.tsv"
    call("cut-captures", {"variables": variables}, granule=[granule], targets=[targets], captures=[captures])
    size = {"latitude": cells, "longitude": cells}
    call("grid-capture", size, captures=[captures], targets=[targets], grids=[grids])
    call("list-captures", {}, grids=[grids], captures=[listing])
    chunks = {"chunks": {"latitude": cells, "longitude": cells}}
    for target in names:
        for quality_set in ("pre", "post"):
            cube = products / quality_set / f"{target}.zarr"
            options = {"target": target, "quality_set": quality_set, **chunks}
            call("update-cube", options, captures=[listing], cube=[cube])
    return time.process_time() - start


def _quiet() -> None:
    from levelworks.core.allocation import keep_freed_memory

    keep_freed_memory()
    logging.getLogger("levelworks").setLevel(logging.ERROR)


def _seed(files: tuple[Path, Path, list[str]], cells: int) -> float:
    """Grid one variable of the same captures, both sets, as OCO3-data-transformer does; CPU seconds, no I/O."""
    from seed_reference import grid_capture

    from levelworks.xco2.capture_files import read_captures
    from levelworks.xco2.cut_stage import cut
    from levelworks.xco2.options import CutCaptures
    from levelworks.xco2.targets import read_targets

    with tempfile.TemporaryDirectory() as name:
        cut(files[0], files[1], Path(name) / "captures.nc", CutCaptures())
        captured = read_captures(Path(name) / "captures.nc")
    targets = read_targets(files[1])
    start = time.process_time()
    for capture in captured.captures:
        granule = captured.granule.take(capture.indices[captured.usable[capture.indices]])
        names = ("longitude", "latitude", "vertex_longitude", "vertex_latitude", "quality")
        soundings = {one: getattr(granule, one) for one in names} | {"/xco2": granule.variables["/xco2"].values}
        box = targets[capture.target_id].box
        grid_capture("oco3", soundings, (0, len(granule)), "/xco2", tuple(box), (cells, cells), "linear")
    return time.process_time() - start


def granules() -> Iterator[Figure]:
    """CPU seconds of a granule with four captures, read to cube, in a warm process; medians."""
    _quiet()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _granule(folder)
        medians = {}
        for label, cells, variables in (("400", 400, ONE), ("800", 800, ONE), ("ten", 400, TEN), ("again", 400, ONE)):
            _to_cubes(folder, files, cells, variables)
            medians[label] = float(np.median([_to_cubes(folder, files, cells, variables) for _ in range(REPEATS)]))
        peer = "griddata and a loop over shapely boxes, the same captures, gridding alone"
        for label, target in (("400", 0.6), ("800", 1.0)):
            yield Figure(
                LINE,
                f"granule-{label}",
                medians[label],
                "CPU s",
                REPEATS,
                target,
                peer=peer,
                peer_value=_seed(files, int(label)),
            )
        ratio = medians["ten"] / np.mean([medians["400"], medians["again"]])
        yield Figure(LINE, "ten-variables", float(ratio), "times one variable", REPEATS, 1.3)


def weights() -> Iterator[Figure]:
    """CPU seconds of exact area weights of a capture at 400 by 400, beside shapely's intersections in bulk."""
    import shapely

    from levelworks.xco2.granule import Mode
    from levelworks.xco2.grids import Grid
    from levelworks.xco2.overlap import footprint_overlaps
    from levelworks.xco2.readers import read_granule
    from levelworks.xco2.targets import read_targets
    from levelworks.xco2.weights import area_weights

    with tempfile.TemporaryDirectory() as name:
        path, targets, _ = _granule(Path(name))
        granule, boxes = read_granule(path), read_targets(targets)
    target = granule.target_id[np.argmax(granule.mode == Mode.AREA_MAP)]
    chosen = granule.take((granule.target_id == target) & granule.located)
    grid = Grid.from_box(boxes[target].box, 400, 400)
    corners = chosen.vertex_longitude, chosen.vertex_latitude
    area_weights(footprint_overlaps(grid, *corners))
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        area_weights(footprint_overlaps(grid, *corners))
        times.append(time.process_time() - start)
    start = time.process_time()
    quads = shapely.polygons(np.stack(corners, axis=-1))
    edges = grid.x_edges, grid.y_edges
    cells = shapely.box(*np.meshgrid(edges[0][:-1], edges[1][:-1]), *np.meshgrid(edges[0][1:], edges[1][1:])).ravel()
    pairs = shapely.STRtree(cells).query(quads)
    shapely.area(shapely.intersection(quads[pairs[0]], cells[pairs[1]]))
    bulk = time.process_time() - start
    peer = "shapely: tree, intersections and areas in bulk"
    yield Figure(LINE, "weights-400", float(np.median(times)), "CPU s", REPEATS, 0.03, peer=peer, peer_value=bulk)


MEMORY = """
import logging, resource, sys
sys.path[:0] = sys.argv[2].split(":")
from pathlib import Path
import xco2
xco2._quiet()
folder = Path(sys.argv[1])
files = xco2._granule(folder)
for _ in range(4):
    xco2._to_cubes(folder, files, 400, xco2.ONE)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def memory() -> Iterator[Figure]:
    """Peak memory of a process that takes four granules to cubes one after the other."""
    with tempfile.TemporaryDirectory() as name:
        paths = f"{ROOT}/tests/benchmarks:{ROOT}/scripts"
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, name, paths], capture_output=True, text=True, check=True, cwd=name
        )
    yield Figure(LINE, "memory", float(done.stdout.split()[-1]), "MB", 4, 400)


def world() -> Iterator[Figure]:
    """CPU seconds and peak memory of one day of three datasets on the global grid of 36,000 by 18,000 cells."""
    from levelworks.core.stage import run, stages
    from levelworks.xco2.simulate import simulate_day
    from levelworks.xco2.simulated_campaigns import campaign_targets, looks_of_day
    from levelworks.xco2.targets import write_targets

    _quiet()
    known = stages(LINE)
    targets = campaign_targets(CAPTURES)
    size = {"world_latitude": 18000, "world_longitude": 36000}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sites = folder / "targets.json"
        write_targets(targets, sites)
        cpu, grids = 0.0, []
        for day in (DAY, DAY + dt.timedelta(days=1)):
            for dataset in ("oco2", "oco3", "oco3_sif"):
                path = simulate_day(folder, dataset, day, looks_of_day(targets, day, dataset, looks=CAPTURES))
                captures, grid = folder / f"{path.stem}.cut.nc", folder / f"{path.stem}.world.nc"
                start = time.process_time()
                run(
                    known["cut-captures"],
                    {"granule": [path], "targets": [sites], "captures": [captures]},
                    known["cut-captures"].options(),
                )
                files = {"captures": [captures], "targets": [sites], "world": [grid]}
                run(known["grid-capture"], files, known["grid-capture"].options(**size))
                grids.append(grid)
                cpu = cpu + time.process_time() - start if day != DAY else 0.0  # the first day warms up
        for quality_set in ("pre", "post"):
            model = known["update-global"].options(quality_set=quality_set)
            run(known["update-global"], {"worlds": grids[:3], "mosaic": [folder / quality_set]}, model)
            start = time.process_time()
            run(known["update-global"], {"worlds": grids, "mosaic": [folder / quality_set]}, model)
            cpu += time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure(LINE, "world-day", cpu, "CPU s", 1)
    yield Figure(LINE, "world-memory", peak, "MB", 1)


def campaign() -> Iterator[Figure]:
    """Sixty days of three datasets over twenty targets through Snakemake, in one go and day by day: the same cubes."""
    from workflow import Workflow

    days, targets = int(os.environ.get("XCO2_CAMPAIGN_DAYS", "60")), int(os.environ.get("XCO2_CAMPAIGN_TARGETS", "20"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["--days", str(days), "--targets", str(targets), "--looks", "3", "--frames", "12", "--background", "40"]
        Workflow(folder).levelworks("simulate", LINE, "raw", *words)
        files = sorted((folder / "raw").glob("*.nc4"))
        section = {"targets": str(folder / "raw" / "targets.json"), "grid-capture": {"latitude": 100, "longitude": 100}}
        times, stores = {}, {}
        for label in ("at-once", "by-day"):
            own = folder / label
            own.mkdir()
            start = time.perf_counter()
            steps = days if label == "by-day" else 1
            for step in range(1, steps + 1):
                there = (
                    files
                    if steps == 1
                    else [one for one in files if one.name.split("_")[2] in _first_days(files, step)]
                )
                run = Workflow(own, {LINE: {"granules": [str(one) for one in there], **section}})
                command = run.command(LINE, "--quiet", "all", profile="local")
                subprocess.run(command, cwd=own, env=run.variables, stdout=subprocess.DEVNULL, check=True)
            times[label] = time.perf_counter() - start
            stores[label] = _tree(own / "results" / LINE / "update-cube")
    same = float(stores["at-once"] == stores["by-day"] and len(stores["at-once"]) > 0)
    yield Figure(LINE, "campaign-identical", same, "1 is yes", len(stores["at-once"]), 1, at_least=True)
    yield Figure(LINE, "campaign-at-once", times["at-once"] / 60, "min", days)
    yield Figure(LINE, "campaign-by-day", times["by-day"] / 60, "min", days)


def _first_days(files: list[Path], number: int) -> set[str]:
    return set(sorted({one.name.split("_")[2] for one in files})[:number])


def _tree(root: Path) -> dict[str, bytes]:
    """Return the bytes of every file of the cubes, records aside."""
    found = (path for path in root.rglob("*") if path.is_file() and ".zarr/" in f"{path.relative_to(root)}")
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


BENCHMARKS = {"granules": granules, "weights": weights, "memory": memory, "world": world, "campaign": campaign}
