"""From the two cubes of a target to a report on them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from levelworks.core.checksum import checksum
from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce, Outcome, Status
from levelworks.core.record import described_product, read_record
from levelworks.xco2.cubes import StandingCube
from levelworks.xco2.options import VerifyCube
from levelworks.xco2.store_checksum import store_checksum
from levelworks.xco2.verify import compare_sets, examine, summarise

LISTED = 50


def standing_cube(path: Path) -> Path:
    """Return the cube that a path names, by itself or by its record.

    Raises
    ------
    NothingToProduce
        Where the target has none yet.
    """
    cube = described_product(path)
    if not cube.exists():
        raise NothingToProduce("the target has no cube yet")
    return cube


def verify(pre: Path, post: Path, standing: Path | None, report: Path, options: VerifyCube) -> Outcome:
    """Examine both cubes; a cube that did not change since the standing report is not read again.

    Raises
    ------
    NothingToProduce
        Where neither cube exists: the target was not seen.
    """
    named = {"pre": described_product(pre), "post": described_product(post)}
    paths = {name: cube for name, cube in named.items() if cube.exists()}
    if not paths:
        raise NothingToProduce("the target has no cube yet")
    before = _read(standing)
    described = options.model_dump(mode="json")
    content: dict[str, Any] = {"options": described, "cubes": {}, "contradictions": []}
    cubes = {}
    for name, path in paths.items():
        recorded, size = _recorded_checksum(path), _size(path)
        known = before.get("cubes", {}).get(name, {})
        same = before.get("options") == described and recorded is not None and known.get("checksum") == recorded
        if same and known.get("size") == size:
            content["cubes"][name] = known
            continue
        found: dict[str, Any] = {"checksum": checksum(path, "xxh3"), "size": size, "findings": []}
        try:
            cube = StandingCube.read(path)
            cubes[name] = cube
            found |= summarise(cube)
            found["findings"] += examine(cube, compliance=options.compliance)
        except (InvalidOptions, InvalidInput) as error:
            found["findings"].append(str(error))
        if recorded is not None and found["checksum"] != recorded:
            found["findings"].append(f"{path}: its content is not what its record says")
        if options.checksum:
            found |= {"md5_tree": store_checksum(path), "md5_tree_of_chunks": store_checksum(path, chunks_only=True)}
        content["cubes"][name] = found
    if cubes and len(paths) == 2:
        both = {name: cubes.get(name) or _readable(path) for name, path in paths.items()}
        if both["pre"] is not None and both["post"] is not None:
            content["contradictions"] = list(compare_sets(both["pre"], both["post"]))
    elif not cubes:
        content["contradictions"] = before.get("contradictions", [])
    report.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    findings = [f"{name}: {one}" for name, found in content["cubes"].items() for one in found["findings"]]
    findings += content["contradictions"]
    quality = {"cubes": len(paths), "cubes_read": len(cubes), "findings": len(findings)}
    if findings:
        more = f" and {len(findings) - 1} more" if len(findings) > 1 else ""
        return Outcome(Status.QUARANTINED, f"{findings[0]}{more}", quality, tuple(findings[:LISTED]))
    return Outcome(quality=quality)


def _readable(path: Path) -> StandingCube | None:
    try:
        return StandingCube.read(path)
    except InvalidOptions:
        return None  # its own findings say so


def _read(standing: Path | None) -> dict[str, Any]:
    try:
        found = json.loads(standing.read_text(encoding="utf-8")) if standing is not None else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("cubes"), dict) else {}


def _recorded_checksum(path: Path) -> str | None:
    """Return the checksum that a cube's record gives it; None without a record."""
    record = read_record(path)
    found = [one for one in record["outputs"].values() if Path(one["path"]).name == path.name] if record else []
    return str(found[0]["checksum"]) if found else None


def _size(path: Path) -> dict[str, int]:
    """Return the number of files of a cube and their bytes: quickly had, and other where a file was cut or is gone."""
    sizes = [Path(folder, name).stat().st_size for folder, _, names in os.walk(path) for name in names]
    return {"files": len(sizes), "bytes": sum(sizes)}
