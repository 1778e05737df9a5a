"""The pictures of a campaign for its report: few of each line, of every kind the one that shows most, reduced."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice, zip_longest
from pathlib import Path

from PIL import Image

from levelworks.core.outcome import Status
from levelworks.core.record import status_of

PATTERNS = {
    "coronagraph": ("plot/combine/*.png", "plot/count-photons/*.png", "plot/*/*.png"),
    "plumes": (
        "plot-plume/*/*_plume[0-9].png",
        "plot-plume/*/*_plume[0-9][0-9].png",
        "plot-scene/*/*_rgb_figure.png",
        "plot-scene/*/*_figure.png",
        "revisit/*.png",
    ),
    "xco2": ("plot-target/*/*.png", "plot-capture/*.png"),
    "ard": ("cube/*/*_OVV.jpg", "overview/*/*.jpg"),
    "insar": ("plot-pair/*/*/*.png", "describe-frame/*/*.png"),
}
"""By line, below its folder of products: what tells most first."""
A_LINE = 6
"""Pictures of a line."""
WIDTH = 640
"""Pixels of a picture in the report, at most."""
LOOKED_AT = 40
"""Pictures of a pattern whose records are read."""
QUALITY = 82
"""Of JPEG, where it takes fewer bytes than PNG."""


@dataclass(frozen=True)
class Picture:
    """A picture, reduced, as the page holds it; ``path`` is that of the whole one, relative to the products."""

    line: str
    path: str
    uri: str
    size: tuple[int, int]


def pictures(results: Path, lines: Sequence[str], most: int = A_LINE) -> list[Picture]:
    """Return so many pictures of each line; those of granules that gave nothing are left out.

    Parameters
    ----------
    results : Path
        Folder of products.
    """
    found = []
    for line in lines:
        for path in _choose(results / line, PATTERNS.get(line, ()), most):
            picture = _reduced(results, line, path)
            if picture is not None:
                found.append(picture)
    return found


def _choose(folder: Path, patterns: Sequence[str], most: int) -> list[Path]:
    """Choose pictures: half of those left of each pattern, its kinds in turn, of a kind those of most bytes first."""
    taken: set[Path] = set()
    chosen: list[Path] = []
    spare: list[Path] = []
    for pattern in patterns:
        share = max(1, (most - len(chosen) + 1) // 2)
        kinds: dict[str, list[tuple[int, Path]]] = {}
        for path in folder.glob(pattern):
            if path not in taken:
                kinds.setdefault(re.sub(r"\d+", "", path.name), []).append((-path.stat().st_size, path))
        ordered = [[path for _, path in sorted(kinds[kind])] for kind in sorted(kinds)]
        usable = [path for path in islice(_in_turn(ordered), LOOKED_AT) if _tells(path)]
        taken.update(usable)
        chosen += usable[: min(share, most - len(chosen))]
        spare += usable[share:]
    found = [*chosen, *spare[: most - len(chosen)]]
    order = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    return sorted(found, key=order.index)


def _in_turn(kinds: Sequence[Sequence[Path]]) -> Iterator[Path]:
    for several in zip_longest(*kinds):
        yield from (path for path in several if path is not None)


def _tells(path: Path) -> bool:
    """Tell whether the job of a picture, or of the folder that it is in, was done."""
    return all(status_of(one) is Status.DONE for one in (path, path.parent))


def _reduced(results: Path, line: str, path: Path) -> Picture | None:
    """Return a picture as a data URI; None where it can't be read."""
    try:
        with Image.open(path) as opened:
            image = Image.new("RGB", opened.size, "white")
            image.paste(opened, mask=opened.convert("RGBA").getchannel("A"))
    except (OSError, ValueError):
        return None
    if image.width > WIDTH:
        image = image.resize((WIDTH, max(1, round(image.height * WIDTH / image.width))), Image.Resampling.LANCZOS)
    kinds = {"png": _encoded(image.quantize(128), "PNG"), "jpeg": _encoded(image, "JPEG")}
    kind = min(kinds, key=lambda name: (len(kinds[name]), name))
    uri = f"data:image/{kind};base64,{base64.b64encode(kinds[kind]).decode()}"
    return Picture(line, str(path.relative_to(results)), uri, image.size)


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = BytesIO()
    options = {"quality": QUALITY, "optimize": True} if kind == "JPEG" else {"optimize": True}
    image.save(buffer, kind, **options)
    return buffer.getvalue()
