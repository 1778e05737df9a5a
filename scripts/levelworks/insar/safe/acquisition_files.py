"""Acquisitions as files, so that a pass is parsed once: JSON whose numbers come back to the bit."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.insar.orbits.state_vectors import StateVectors
from levelworks.insar.safe.acquisition import Acquisition, Gap
from levelworks.insar.safe.annotation import RangePolynomial, SpectralWindow
from levelworks.insar.safe.burst import Burst, BurstSource, ValidWindow

LAYOUT = 1


def write_acquisition(path: Path, acquisition: Acquisition) -> None:
    """Write an acquisition; the same one gives the same bytes."""
    content = {"layout": LAYOUT, **asdict(acquisition)}
    path.write_text(json.dumps(content, default=_plain, indent=1) + "\n", encoding="utf-8")


def read_acquisition_file(path: Path) -> Acquisition:
    """Read an acquisition that `write_acquisition` wrote.

    Raises
    ------
    InvalidInput
        Where the file is damaged or of another layout.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("layout") != LAYOUT:
            raise InvalidInput(f"{path} is of another layout than this version reads: run parse-safe again")
        vectors = {name: np.array(values, np.float64) for name, values in content["state_vectors"].items()}
        return Acquisition(
            **content
            | {
                "epoch": dt.date.fromisoformat(content["epoch"]),
                "bursts": tuple(_burst(burst) for burst in content["bursts"]),
                "gaps": tuple(Gap(**gap) for gap in content["gaps"]),
                "state_vectors": StateVectors(**vectors),
                **{name: tuple(content[name]) for name in ("processors", "products", "notes", "orbit_sources")},
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{path} is no acquisition ({error}): run parse-safe again") from None


def _burst(content: dict[str, Any]) -> Burst:
    return Burst(
        **content
        | {
            "epoch": dt.date.fromisoformat(content["epoch"]),
            "range_window": SpectralWindow(**content["range_window"]),
            "azimuth_window": SpectralWindow(**content["azimuth_window"]),
            "valid": ValidWindow(**content["valid"]),
            "fm_rate": _polynomial(content["fm_rate"]),
            "doppler": _polynomial(content["doppler"]),
            "corners": tuple((longitude, latitude) for longitude, latitude in content["corners"]),
            "source": BurstSource(**content["source"]),
        }
    )


def _polynomial(content: dict[str, Any]) -> RangePolynomial:
    return RangePolynomial(**content | {"coefficients": tuple(content["coefficients"])})


def _plain(value: object) -> object:
    """Return what JSON has no words for as what it has."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an acquisition's file")
