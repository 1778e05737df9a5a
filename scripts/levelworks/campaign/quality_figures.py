"""The quality figures of each line that a report shows: which of a stage's own figures, in which unit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Any

from levelworks.campaign.job_records import JobRecord
from levelworks.core.outcome import Status

DAY_AND_TIME = re.compile(r"(?<!\d)((?:19|20)\d\d)([01]\d)([0-3]\d)(?:[tT](\d\d)(\d\d)(\d\d)|(?!\d))")
LITE_DAY = re.compile(r"_(\d\d)(\d\d)(\d\d)_B\d")
"""Of OCO's Lite files: year without its century, month, day."""
LOWERED = str.maketrans("0123456789_", "₀₁₂₃₄₅₆₇₈₉ ")
"""Writes a gas as its formula."""


@dataclass(frozen=True)
class Figure:
    """A figure of a line.

    Attributes
    ----------
    title : str
        ``*`` stands for what the key's own ``*`` matches, a gas say.
    stages : tuple of str
        That compute it; of a granule the first counts that has it.
    key : str
        Of the stage's quality; its value is a number, or a list of them.
    factor : float
        From the stage's unit to that of the figure.
    log : bool
        Whether its values span powers of ten.
    where : tuple of str
        Key and value of the quality that jobs must have to count; all do where empty.
    """

    title: str
    unit: str
    stages: tuple[str, ...]
    key: str
    factor: float = 1.0
    log: bool = False
    where: tuple[str, ...] = ()


FIGURES: dict[str, tuple[Figure, ...]] = {
    "coronagraph": (
        Figure("Read noise", "electrons", ("calibrate-frame",), "read_noise_e"),
        Figure("Bias, median of the frame", "DN", ("calibrate-frame",), "bias_median_dn"),
        Figure("Masked pixels", "% of the frame", ("calibrate-frame",), "masked_share", 100.0),
        Figure("Pixels hit by cosmic rays", "% of the frame", ("calibrate-frame",), "cosmic_ray_share", 100.0),
        Figure("Mean error of combinations", "electrons", ("combine",), "mean_error_e"),
    ),
    "plumes": (
        Figure("Noise of the * enhancement", "mol m⁻²", ("retrieve-again", "retrieve"), "*_scatter_mol_m2"),
        Figure("Stripes of the * enhancement", "index", ("retrieve-again", "retrieve"), "*_stripe_index"),
        Figure("Cloud", "% of the scene", ("retrieve-again", "retrieve"), "cloud_share", 100.0),
        Figure("Plumes", "per scene", ("quantify",), "plumes"),
        Figure("Largest emission rate", "kg h⁻¹", ("quantify",), "largest_emission_kg_h", log=True),
        Figure("Wind speed", "m s⁻¹", ("wind",), "speed_m_s"),
    ),
    "xco2": (
        Figure("Soundings in target and area modes", "per granule", ("cut-captures",), "soundings_in_capture_modes"),
        Figure("Soundings of good quality", "per capture", ("grid-capture",), "good_soundings"),
        Figure("Cells with a value", "per capture", ("grid-capture",), "cells", log=True),
        Figure("XCO₂, last median of targets", "ppm", ("plot-target",), "last_median", where=("variable", "/xco2")),
    ),
    "ard": (
        Figure("Aerosol optical depth, green band", "", ("process-image",), "aod_green"),
        Figure("Error of the scene's aerosol optical depth", "", ("process-image",), "scene_aod_error"),
        Figure("Cloud and shadow", "% of valid pixels", ("process-image",), "cloud_percent"),
        Figure("Water vapour", "g cm⁻²", ("process-image",), "water_vapour_g_cm2"),
        Figure("Misfit of the aerosol, reduced χ²", "", ("process-image",), "aerosol_chi2", log=True),
    ),
    "insar": (
        Figure("Mean coherence, debiased", "", ("form-interferogram",), "mean_coherence_debiased"),
        Figure("Step at the seams of bursts", "rad", ("form-interferogram",), "seam_step_rad"),
        Figure("Unwrapped", "% of pixels with data", ("unwrap",), "unwrapped_share_of_data", 100.0),
        Figure("Closure of triplets, median", "rad rms", ("check-closure",), "median_rms_rad"),
        Figure("Error of the azimuth shift", "lines", ("estimate-diversity",), "azimuth_shift_sigma", log=True),
        Figure("Step between tiles of unwrapping", "cycles", ("unwrap",), "tile_disagreement"),
    ),
}


@dataclass(frozen=True)
class Point:
    """A value of a granule, when that was taken, and whether its stage calls the result degraded."""

    value: float
    granule: str
    group: str = ""
    time: datetime | None = None
    degraded: bool = False


@dataclass(frozen=True)
class Series:
    """A figure's values over a campaign."""

    title: str
    unit: str
    points: tuple[Point, ...]
    log: bool = False

    @property
    def told_apart(self) -> bool:
        """Return whether its values differ, so that a drawing says something."""
        return len({point.value for point in self.points}) > 1

    @property
    def label(self) -> str:
        """Return title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


NOTES = {"insar": "Pairs stand at their first date."}
"""What is to be said of a line's figures."""


def plain(value: float) -> str:
    """Write a number in four digits, below 1,000 with two places, without a power of ten where people need none."""
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.4g}".replace("-", "−")
    exponent = math.floor(math.log10(abs(value)))
    text = f"{value:,.{max(3 - exponent, 2 if exponent < 3 else 0)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def series_of(line: str, records: Sequence[JobRecord]) -> list[Series]:
    """Return the figures of a line that its records have, in the order of the table.

    Parameters
    ----------
    records : sequence of JobRecord
        Of that line. Only jobs that were done count.
    """
    done = [record for record in records if record.job.outcome is Status.DONE]
    return [series for figure in FIGURES.get(line, ()) for series in _expand(figure, done)]


def _expand(figure: Figure, records: Sequence[JobRecord]) -> Iterator[Series]:
    for stage in figure.stages:
        found: dict[str, list[Point]] = {}
        for record in records:
            if record.job.stage != stage or not _chosen(record, figure.where):
                continue
            for key, value in record.quality.items():
                if fnmatchcase(key, figure.key):
                    found.setdefault(key, []).extend(_points(record, value, figure.factor))
        if any(found.values()):
            for key, points in sorted(found.items()):
                if points:
                    before, _, after = figure.key.partition("*")
                    matched = key.removeprefix(before).removesuffix(after)
                    title = figure.title.replace("*", matched.upper().translate(LOWERED))
                    log = figure.log and min(point.value for point in points) > 0
                    yield Series(title, figure.unit, tuple(points), log)
            return


def _chosen(record: JobRecord, where: tuple[str, ...]) -> bool:
    return not where or str(record.quality.get(where[0])) == where[1]


def _points(record: JobRecord, value: Any, factor: float) -> Iterator[Point]:
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one):
            degraded = record.quality.get("state") == "degraded"
            yield Point(one * factor, name_of(record), group_of(record), time_of(record), degraded)


def name_of(record: JobRecord) -> str:
    """Return a granule's name with the folder that tells it from others of the same name, a frame say."""
    product = PurePath(record.job.product)
    parts = product.parts
    folder = product.parent.name
    below = record.job.stage in parts[:-2] and folder != record.job.stage
    return f"{folder}/{record.job.granule}" if below else record.job.granule


def group_of(record: JobRecord) -> str:
    """Return what granules are told apart by: the sensor, the frame, the gain; empty where there is nothing."""
    job = record.job
    quality = record.quality
    match job.line:
        case "coronagraph":
            return f"gain {quality['gain']:g}" if isinstance(quality.get("gain"), int | float) else ""
        case "ard":
            return str(quality.get("sensor") or "")
        case "insar":
            return PurePath(job.product).parent.name
        case "xco2" if job.stage == "plot-target":
            return PurePath(job.product).parent.name
        case "xco2":
            return " ".join(job.granule.split("_")[:2])
        case "plumes":
            return job.granule.partition("_")[0]
    return ""


def time_of(record: JobRecord) -> datetime | None:
    """Return when a granule was taken, UTC, as the stage or the granule's name says; None where neither does."""
    told = record.quality.get("date")
    if isinstance(told, str):
        try:
            return datetime.fromisoformat(told).replace(tzinfo=UTC)
        except ValueError:
            pass
    name = record.job.granule
    if found := LITE_DAY.search(name):
        year, month, day = map(int, found.groups())
        numbers = [2000 + year, month, day, 0, 0, 0]
    elif found := DAY_AND_TIME.search(name):
        numbers = [int(part) for part in found.groups(default="0")]
    else:
        return None
    try:
        return datetime(*numbers[:6], tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        return None
