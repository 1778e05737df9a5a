"""What stands in place of an image's layers where there are none."""

from __future__ import annotations

import json
from pathlib import Path

from levelworks.core.outcome import Outcome


def write_empty_image(path: Path, outcome: Outcome) -> None:
    """Write a folder without layers whose facts say why."""
    path.mkdir()
    said = {"outcome": outcome.status.value, "reason": outcome.reason}
    (path / "image.json").write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
