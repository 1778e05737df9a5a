"""What stands in place of a product where there is none."""

from __future__ import annotations

import json
from pathlib import Path

from levelworks.core.outcome import Outcome


def write_empty_product(path: Path, outcome: Outcome) -> None:
    """Write a product without data that says why, by the ending of its name.

    Parameters
    ----------
    path : Path
        JSON and HDF5 hold the outcome and its reason; a folder (no ending of letters: what follows the last dot of
        a temporary name is the id of a pair or frame) holds them in ``reason.txt``, any other file is that text.
    outcome : Outcome
    """
    said = {"outcome": outcome.status.value, "reason": outcome.reason}
    text = f"{outcome.status.value}: {outcome.reason}\n"
    if path.suffix == ".json":
        path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    elif path.suffix == ".h5":
        import h5py

        with h5py.File(path, "w") as file:
            file.attrs.update(said)
    elif path.suffix[1:].isalpha():
        path.write_text(text, encoding="utf-8")
    else:
        path.mkdir()
        (path / "reason.txt").write_text(text, encoding="utf-8")
