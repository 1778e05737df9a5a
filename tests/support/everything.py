"""A campaign that asks for everything of every line: a planned job of every stage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import write_frame
from levelworks.insar.safe.acquisition import Acquisition, read_acquisition
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate as simulate_stack
from levelworks.xco2.simulate import simulate_day
from levelworks.xco2.simulated_campaigns import campaign_targets, looks_of_day
from levelworks.xco2.targets import write_targets
from workflow import references, simulated

DAY = dt.date(2020, 3, 3)


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
        "tides": True,
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
