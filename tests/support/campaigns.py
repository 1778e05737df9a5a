"""Results folders for tests, made by a real stage: products, records, quarantine and all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from levelworks.core.options import Options, option
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.core.record import record_path
from levelworks.core.stage import Port, Stage, run

LINE = "trial"


class CopyTwice(Options):
    """Options of the stage."""

    warn: bool = option(False, "give a warning")


def _copy_twice(granule: Path, *, copy: Path, second: Path | None, options: CopyTwice) -> Outcome:
    text = granule.read_text()
    if text == "bad":
        raise InvalidInput(f"{granule.name}: truncated,\n 3 of 9 bytes are there")
    if text == "empty":
        raise NothingToProduce(f"{granule.name}: all cloud")
    for target in (copy, second):
        if target is not None and target.suffix == ".zarr":
            target.mkdir()
            (target / "zarr.json").write_text(json.dumps({"zarr_format": 3}))
            (target / "0").write_text(text)
        elif target is not None:
            target.write_text(text)
    return Outcome(warnings=("two copies look alike",) if options.warn else ())


def _empty(path: Path, outcome: Outcome) -> None:
    path.write_text(outcome.reason)


STAGE = Stage(
    line=LINE,
    name="copy-twice",
    version=1,
    function=_copy_twice,
    inputs=(Port("granule", optional=False, many=False),),
    outputs=(Port("copy", optional=False, many=False), Port("second", optional=True, many=False)),
    options=CopyTwice,
    empty=_empty,
    mpi=False,
)


def _update(granule: Path, standing: Path | None, *, cube: Path, options: CopyTwice) -> Outcome:
    if granule.read_text() == "empty":
        raise NothingToProduce(f"{granule.name}: nothing in it")
    cube.mkdir()
    (cube / "0").write_text(granule.read_text())
    return Outcome()


UPDATING = Stage(
    line=LINE,
    name="update",
    version=1,
    function=_update,
    inputs=(Port("granule", optional=False, many=False),),
    outputs=(Port("cube", optional=False, many=False),),
    options=CopyTwice,
    empty=_empty,
    mpi=False,
    updates="cube",
)


def run_update(granule: Path, cube: Path) -> Outcome:
    """Run the stage that updates a folder product, and leaves it out where the granule is empty."""
    return run(UPDATING, {"granule": [granule], "cube": [cube]}, CopyTwice())


def run_copy(granule: Path, copy: Path, second: Path | None = None, *, warn: bool = False) -> Outcome:
    """Run the stage that copies a granule once or twice."""
    files = {"granule": [granule], "copy": [copy], "second": [second] if second else []}
    return run(STAGE, files, CopyTwice(warn=warn))


def make_campaign(folder: Path, contents: dict[str, str], suffix: str = ".txt") -> Path:
    """Write granules of these contents to ``raw`` and copy each twice; returns the results folder."""
    raw, results = folder / "raw", folder / "results"
    raw.mkdir(exist_ok=True)
    for name, content in contents.items():
        granule = raw / f"{name}.raw"
        granule.write_text(content)
        target = results / LINE / "copy-twice"
        run_copy(granule, target / f"{name}{suffix}", target / "second" / f"{name}{suffix}")
    return results


def edit_record(product: Path, **values: Any) -> None:
    """Change entries of the record beside a product."""
    record = json.loads(record_path(product).read_text())
    record_path(product).write_text(json.dumps(record | values, indent=1))


def multiply_records(results: Path, number: int) -> None:
    """Stand a real record and product under many names, as many jobs of one stage would."""
    product = results / LINE / "copy-twice" / "a.txt"
    edit_record(product, quality={f"share_of_pixels_of_kind_{i}": i / 7 for i in range(60)})
    record = record_path(product).read_text()
    for i in range(number):
        folder = results / LINE / f"stage-{i % 4}"
        folder.mkdir(exist_ok=True)
        copy = folder / f"granule-{i:06d}.txt"
        shutil.copyfile(product, copy)
        moved = record.replace(f"{LINE}/copy-twice/", f"{LINE}/{folder.name}/").replace("a.txt", copy.name)
        record_path(copy).write_text(moved)
