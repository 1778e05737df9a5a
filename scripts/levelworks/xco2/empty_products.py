"""The valid, empty products of granules that are skipped or quarantined."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidInput, Outcome
from levelworks.xco2.capture_files import CutGranule, write_captures
from levelworks.xco2.granule import Granule
from levelworks.xco2.grid_files import Source, source_of, write_grids


def write_empty_captures(path: Path, outcome: Outcome) -> None:  # noqa: ARG001 - the record says why
    """Write a product of `cut-captures` without soundings, of the granule that its name tells."""
    source = _source(path)
    nothing = np.zeros(0)
    granule = Granule(
        kind=source.dataset,  # type: ignore[arg-type]
        path_name=source.name,
        day=source.day,
        build=source.build,
        production=source.production,
        latitude=nothing,
        longitude=nothing,
        vertex_latitude=np.zeros((0, 4)),
        vertex_longitude=np.zeros((0, 4)),
        time=nothing,
        sounding_id=np.zeros(0, np.uint64),
        mode=np.zeros(0, np.int8),
        quality=np.zeros(0, np.int8),
        target_id=np.zeros(0, "U1"),
        target_name=np.zeros(0, "U1"),
        orbit=np.zeros(0, np.int32),
    )
    write_captures(path, CutGranule(granule, (), (), np.zeros(0, np.uint8), (), np.zeros(0, np.int64)))


def write_empty_grids(path: Path, outcome: Outcome) -> None:  # noqa: ARG001 - the record says why
    """Write a product of `grid-capture` without captures."""
    write_grids(path, _source(path), [])


def write_empty_text(path: Path, outcome: Outcome) -> None:
    """Write a text, table or JSON product that says why it is empty."""
    said = {"outcome": outcome.status.value, "reason": outcome.reason}
    text = json.dumps(said) if path.suffix in (".json", ".geojson") else f"# {outcome.status.value}: {outcome.reason}"
    path.write_text(text + "\n", encoding="utf-8")


def write_empty_folder(path: Path, outcome: Outcome) -> None:
    """Write a folder that holds one file, which says why there is nothing else."""
    path.mkdir()
    write_empty_text(path / "outcome.json", outcome)


def _source(path: Path) -> Source:
    """Return the granule by a product's name, which may be a temporary one."""
    stem = path.name.removesuffix(".nc")
    found = next((stem[start:] for start in range(len(stem)) if stem.startswith(("oco2_", "oco3_"), start)), stem)
    try:
        return source_of(f"{found}.nc4")
    except InvalidInput:
        # Under a name that tells nothing: the product stays valid, and belongs to no day.
        return source_of("oco3_LtCO2_700101_B0_0.nc4")
