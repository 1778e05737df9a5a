"""The real annotations that simulated products start from: two passes of Sentinel-1A twelve days apart.

Made by `build_template` from the products of 6 and 18 April 2025, track 108 ascending, IW1 and IW2, VV (Copernicus
Sentinel data 2025, by way of ASF's hyp3-isce2).
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "data"
DAYS = ("20250406", "20250418")
SWATHS = ("IW1", "IW2")


@dataclass(frozen=True)
class Template:
    """Annotations by swath, and the manifest, of one real pass."""

    day: str
    annotations: dict[str, bytes]
    manifest: bytes


def load_template(day: str) -> Template:
    """Return the template of a day (one of ``DAYS``)."""
    folder = FOLDER / day
    annotations = {swath: gzip.decompress((folder / f"{swath.lower()}.xml.gz").read_bytes()) for swath in SWATHS}
    return Template(day, annotations, gzip.decompress((folder / "manifest.safe.gz").read_bytes()))
