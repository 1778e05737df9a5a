"""The stage `validate-tree`: a published tree against all that its readers take for granted."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from levelworks.core.aggregate import refuse_flagged
from levelworks.core.outcome import InvalidOptions, Outcome
from levelworks.core.record import described_product
from levelworks.insar.products.products_options import ValidateTree
from levelworks.insar.products.validate_tree import refuse_invalid, validate_tree


def validate_tree_stage(
    tree: Path,
    *,
    report: Path,
    options: ValidateTree,  # noqa: ARG001 - of the contract
) -> Outcome:
    """Validate a published tree and write what was found.

    Parameters
    ----------
    tree : Path
        Folder of `publish`, or the record beside it; or a folder GEOC of anybody.
    report : Path
        JSON that is written: the number of rasters, and the violations that are no errors.

    Raises
    ------
    InvalidTree
        With the list, where readers would fail or err.
    InvalidOptions
        Where there is no such folder.
    """
    folder = tree if tree.is_dir() else described_product(tree)
    refuse_flagged(folder)
    if not folder.is_dir():
        raise InvalidOptions(f"{folder} is no folder: validate-tree takes a published tree")
    violations = validate_tree(folder)
    refuse_invalid(violations, folder)
    rasters = sum(1 for _ in folder.rglob("*.geo*.tif"))
    content = {"rasters": rasters, "violations": [asdict(one) for one in violations]}
    report.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    counted = Counter(one.rule for one in violations)
    return Outcome(quality={"rasters": rasters, **counted}, warnings=tuple(str(one) for one in violations))
