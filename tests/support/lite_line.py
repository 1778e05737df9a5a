"""Small Lite days through the stages of the xco2 line, one folder a test."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import netCDF4
import xarray as xr

from levelworks.core.outcome import Status
from levelworks.core.record import read_record
from levelworks.core.stage import run, stages
from levelworks.xco2.granule import Mode
from levelworks.xco2.overpasses import Overpass
from levelworks.xco2.simulate import simulate_day

FIRST = dt.date(2020, 3, 3)
LA = "fossil0005"
SITES = {LA: ("Los Angeles", -118.2, 34.0), "tccon0007": ("Lamont", -97.5, 36.6)}
SMALL = {"latitude": 40, "longitude": 40}
Box = tuple[float, float, float, float]


def moment(day: int, hour: float) -> float:
    """Return seconds since 1970 of an hour of a day counted from the first."""
    return dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(), dt.UTC).timestamp() + 3600 * hour


def overpass(target: str = LA, day: int = 0, hour: float = 12.0, **given: Any) -> Overpass:
    """Return a small area map of a site, or whatever else is given."""
    name, lon, lat = SITES.get(target, (target, -118.2, 34.0))
    usual = {"lon": lon, "lat": lat, "mode": Mode.AREA_MAP, "orbit": 5000 + 20 * day + int(hour), "frames": 6}
    return Overpass(target, name, **{"start_time": moment(day, hour), "swaths": 2, **usual, **given})


def write_boxes(path: Path, boxes: dict[str, Box], **centres: str) -> Path:
    """Write a targets file of boxes (west, south, east, north), with centres as WKT where given."""
    keys = ("min_lon", "min_lat", "max_lon", "max_lat")
    content: dict[str, Any] = {
        name: {"name": SITES.get(name, (name,))[0], "bbox": dict(zip(keys, box, strict=True))}
        for name, box in boxes.items()
    }
    for name, centre in centres.items():
        content[name]["centroid_wkt"] = centre
    path.write_text(json.dumps(content))
    return path


def edit(path: Path, **values: Any) -> Path:
    """Put values into variables of a Lite file; two underscores stand for a slash."""
    with netCDF4.Dataset(path, "a") as file:
        file.set_auto_maskandscale(False)
        for name, value in values.items():
            file[name.replace("__", "/")][...] = value
    return path


@cache
def lite_day(dataset: str, day: dt.date, passes: tuple[Overpass, ...], **given: Any) -> tuple[str, bytes]:
    """Return name and bytes of a simulated Lite file; what is asked for again is not simulated again."""
    with TemporaryDirectory() as folder:
        path = simulate_day(Path(folder), dataset, day, passes, **given)  # type: ignore[arg-type]
        return path.name, path.read_bytes()


class LiteLine:
    """The stages of the line on small days; products stand in folders named for their stage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        half = 0.5
        boxes = {name: (x - half, y - half, x + half, y + half) for name, (_, x, y) in SITES.items()}
        self.targets = write_boxes(folder / "targets.json", boxes)

    def day(self, number: int = 0, *passes: Overpass, dataset: str = "oco3", folder: str = "raw", **given: Any) -> Path:
        """Write the Lite file of a day."""
        flown = passes or (overpass(day=number),)
        usual = {"background": 10, "fill_share": 0.0}
        date = FIRST + dt.timedelta(days=number)
        name, content = lite_day(dataset, date, flown, **{**usual, **given})
        path = self.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def run(self, stage: str, options: dict[str, Any], **files: Path | Sequence[Path] | None) -> Any:
        """Run a stage and return its outcome."""
        found = stages("xco2")[stage]
        given = {name: [one] if isinstance(one, Path) else list(one) for name, one in files.items() if one is not None}
        return run(found, given, found.options(**options))

    def product(self, stage: str, name: str) -> Path:
        """Return where a product stands."""
        return self.folder / stage / name

    def cut(self, granule: Path, targets: Path | None = None, **options: Any) -> Path:
        """Cut a granule."""
        path = self.product("cut-captures", f"{granule.stem}.nc")
        self.run("cut-captures", options, granule=granule, targets=targets or self.targets, captures=path)
        return path

    def grid(self, captures: Path, targets: Path | None = None, **options: Any) -> Path:
        """Grid the captures of a granule."""
        path = self.product("grid-capture", captures.name)
        options = {**SMALL, **options}
        self.run("grid-capture", options, captures=captures, targets=targets or self.targets, grids=path)
        return path

    def grids(self, granule: Path, targets: Path | None = None, **options: Any) -> Path:
        """Cut and grid a granule."""
        return self.grid(self.cut(granule, targets), targets, **options)

    def listing(self, *grids: Path, max_quarantined: float = 1.0) -> Path:
        """List captures."""
        path = self.product("list-captures", "captures.tsv")
        self.run("list-captures", {"max_quarantined": max_quarantined}, grids=grids, captures=path)
        return path

    def update(self, *grids: Path, name: str = "cube.zarr", **options: Any) -> Path:
        """List captures and bring a cube up to date with them."""
        path = self.product("update-cube", name)
        self.run("update-cube", {"target": LA, **options}, captures=self.listing(*grids), cube=path)
        return path

    def verify(self, cube: Path, name: str = "report.json") -> Path:
        """Examine a cube."""
        path = self.product("verify-cube", name)
        self.run("verify-cube", {}, pre=cube, post=cube, report=path)
        return path


def ending(product: Path) -> tuple[Status, str, tuple[str, ...]]:
    """Return outcome, reason and warnings from the record beside a product."""
    record = read_record(product)
    assert record is not None, f"{product} has no record"
    return Status(record["outcome"]), str(record["reason"]), tuple(record["warnings"])


def quality(product: Path) -> dict[str, Any]:
    """Return quality figures from the record beside a product."""
    record = read_record(product)
    assert record is not None, f"{product} has no record"
    return dict(record["quality"])


def read(cube: Path) -> xr.Dataset:
    """Read a cube whole."""
    with xr.open_zarr(cube, chunks=None) as data:
        return data.load()


def tree(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files in a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
