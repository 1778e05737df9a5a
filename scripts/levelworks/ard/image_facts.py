"""What is known of an image once it is processed: its figures, and the file beside its layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.ard.geometry.directions import to_angles, to_vectors
from levelworks.ard.image_options import ProcessImage
from levelworks.ard.level1 import Level1
from levelworks.ard.masks.settings import Masks
from levelworks.ard.names import Identity
from levelworks.ard.scene import Angles


def cover_figures(level1: Level1, identity: Identity, masks: Masks) -> dict[str, Any]:
    """Return what the image is, and percentages of data, water, snow and cloud (with its shadow)."""
    found, metadata = masks.statistics, level1.metadata
    return {
        "sensor": metadata.sensor.id,
        "date": f"{identity.date:%Y-%m-%d}",
        "reference": metadata.reference,
        "data_percent": round(found.data_cover, 4),
        "water_percent": round(found.water_cover, 4),
        "snow_percent": round(found.snow_cover, 4),
        "cloud_percent": round(found.cloud_cover, 4),
    }


def write_facts(path: Path, level1: Level1, identity: Identity, figures: dict[str, Any], options: ProcessImage) -> None:
    """Write what is known of the image; its day is that of its name, which its centre may be seen after (UTC)."""
    metadata = level1.metadata
    facts = {
        "id": metadata.id,
        "sensor": metadata.sensor.id,
        "date": f"{identity.date:%Y%m%d}",
        "time": metadata.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reference": metadata.reference,
        "tier": metadata.tier,
        **_mean_angles(level1.angles),
        "quality": figures,
        "options": options.model_dump(mode="json", by_alias=True),
    }
    path.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _mean_angles(angles: Angles) -> dict[str, float]:
    """Return the directions to sun and satellite, in the mean over the image where it was seen, degrees."""
    seen = np.isfinite(angles.view_zenith) & np.isfinite(angles.sun_zenith)
    found: dict[str, float] = {}
    for name in ("sun", "view"):
        zenith, azimuth = (getattr(angles, f"{name}_{part}")[seen] for part in ("zenith", "azimuth"))
        mean = to_angles(to_vectors(zenith, azimuth).mean(axis=0))
        found |= {f"{name}_zenith": round(float(mean[0]), 3), f"{name}_azimuth": round(float(mean[1]), 3)}
    return found
