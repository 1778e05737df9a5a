"""What the records of a campaign's images say, one row an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from levelworks.ard.names import identify
from levelworks.core.outcome import InvalidInput
from levelworks.core.record import described_product, read_record

FIGURES = ("data_percent", "water_percent", "snow_percent", "cloud_percent", "aod_green", "water_vapour_g_cm2")
"""Quality figures of `process-image` that a report shows."""


@dataclass(frozen=True)
class Row:
    """An image: its id, sensor and day, what became of it and why, its figures, and what it cost."""

    id: str
    sensor: str
    date: str
    outcome: str
    reason: str
    figures: dict[str, float | None]
    cpu_s: float
    wall_s: float
    memory_mb: float


def collect(images: Sequence[Path]) -> list[Row]:
    """Read the records of images (products of `process-image` or the records beside them), sorted by id."""
    rows = []
    for path in images:
        product = described_product(path)
        record = read_record(product)
        if record is None:
            continue
        quality: dict[str, Any] = record.get("quality") or {}
        sensor, date = _named(product.name)
        rows.append(
            Row(
                product.name,
                str(quality.get("sensor", sensor)),
                str(quality.get("date", date)),
                str(record["outcome"]),
                str(record["reason"]),
                {name: _number(quality.get(name)) for name in FIGURES},
                float(record["cpu_s"]),
                float(record["wall_s"]),
                float(record["peak_memory_mb"]),
            )
        )
    return sorted(rows, key=lambda row: row.id)


def _named(name: str) -> tuple[str, str]:
    """Return sensor and day of an image that has no figures, from its name."""
    try:
        identity = identify(Path(name))
    except InvalidInput:
        return "", ""
    return identity.sensor, identity.date.isoformat()


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
