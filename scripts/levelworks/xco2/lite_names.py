"""Names of Lite files: dataset, day, build and production stamp."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from levelworks.core.outcome import InvalidInput

Dataset: TypeAlias = Literal["oco2", "oco3", "oco3_sif"]
DATASETS: tuple[Dataset, ...] = ("oco2", "oco3", "oco3_sif")
NAME_PATTERN = r"(oco2_LtCO2|oco3_LtCO2|oco3_LtSIF)_(\d{6})_(B\d+[A-Za-z]*)_([0-9A-Za-z]+)\.nc4?"
"""Of whole file names: dataset, day, build, production stamp."""


@dataclass(frozen=True)
class GranuleName:
    """What the agency's file name says: mission, product, UTC day, build, and when the file was made."""

    mission: str
    product: str
    day: dt.date
    build: str
    production: str

    @property
    def kind(self) -> Dataset:
        """Return the dataset."""
        if self.product == "LtSIF":
            return "oco3_sif"
        return "oco2" if self.mission == "oco2" else "oco3"


def parse_name(name: str) -> GranuleName:
    """Take a file name of the agency apart.

    Raises
    ------
    InvalidInput
        Where it is none of a Lite file of OCO-2 XCO2, OCO-3 XCO2 or OCO-3 SIF.
    """
    found = re.fullmatch(NAME_PATTERN, name)
    if found is None:
        raise InvalidInput(
            f"{name}: not the name of a Lite file, such as oco3_LtCO2_YYMMDD_B11072Ar_240915205334s.nc4 "
            "(oco2_LtCO2, oco3_LtCO2 or oco3_LtSIF, day, build, production stamp)"
        )
    mission, product = found[1].split("_")
    try:
        day = dt.datetime.strptime(found[2], "%y%m%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        raise InvalidInput(f"{name}: {found[2]} is no day (YYMMDD)") from None
    return GranuleName(mission, product, day, found[3], found[4])
