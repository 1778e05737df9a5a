"""The stage `report-frame`: how a frame stands, as a page and as a table, from the records beside its products."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import NothingToProduce, Outcome
from levelworks.core.record import described_product
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.products.network_table import merged_verdicts
from levelworks.insar.products.products_options import ReportFrame
from levelworks.insar.products.progress import JOB_TYPES, PlannedFrame, measure_progress, records_beside
from levelworks.insar.products.progress_files import COLUMNS, write_units
from levelworks.insar.products.progress_page import progress_page


def report_frame(
    frame: Path,
    acquisitions: list[Path],
    coregistered: list[Path],
    verified: list[Path],
    diversity: list[Path],
    interferograms: list[Path],
    filtered: list[Path],
    unwrapped: list[Path],
    pairs: list[Path],
    closure: list[Path],
    *,
    page: Path,
    table: Path,
    options: ReportFrame,
) -> Outcome:
    """Report how a frame's dates and pairs stand.

    Parameters
    ----------
    frame : Path
        Definition of the frame.
    acquisitions : list of Path
        Of `parse-safe`: the dates that are planned.
    coregistered, verified, diversity, interferograms, filtered, unwrapped : list of Path
        Of `coregister`, `verify-coregistration`, `estimate-diversity`, `form-interferogram`, `filter-phase` and
        `unwrap`.
    pairs : list of Path
        Of `geocode`: the pairs that are planned.
    closure : list of Path
        Of `check-closure`.
    page, table : Path
        HTML, and CSV with a row for each unit of each job type.

    Raises
    ------
    NothingToProduce
        Where no date is planned.
    """
    if not acquisitions:
        raise NothingToProduce("the frame has no date")
    defined = read_frame(frame)
    folders = [described_product(path) for path in (*coregistered, *pairs)]
    records = records_beside([*acquisitions, *folders, *verified, *diversity, *interferograms, *filtered, *unwrapped])
    planned = PlannedFrame(
        acquisitions[0].parent.name,
        tuple(path.stem for path in acquisitions),
        tuple(described_product(path).name for path in pairs),
        f"{defined.reference:%Y%m%d}",
    )
    verdicts = {str(pair): verdict for pair, verdict in merged_verdicts(closure).items()}
    progress = measure_progress([planned], records, {planned.frame: verdicts})
    page.write_text(progress_page(f"{options.title}: {defined.frame}", progress), encoding="utf-8")
    write_units(table, progress)
    found = progress[0]
    quality: dict[str, object] = {}
    for job in JOB_TYPES:
        percent = found.percent(job.name)
        quality[f"{job.name}_percent"] = None if percent is None else round(percent, 2)
        quality[f"{job.name}_planned"] = found.counts(job.name)["planned"]
    return Outcome(quality=quality)


def write_empty_frame_report(path: Path, outcome: Outcome) -> None:
    """Write what stands in place of a page or a table where there is nothing to report."""
    if path.suffix == ".html":
        text = f"<!doctype html><title>report</title><p>{outcome.status.value}: {outcome.reason}</p>\n"
    else:
        text = ",".join(COLUMNS) + "\n"
    path.write_text(text, encoding="utf-8")
