"""Options of `report-level2`."""

from __future__ import annotations

from levelworks.core.options import Options, option


class ReportLevel2(Options):
    """A page and a table of what became of each image."""

    title: str = option("Level-2 processing", "heading of the page")
    max_quarantined: float | None = option(
        None, "share of images that may be quarantined; null takes the campaign's", ge=0, le=1
    )
