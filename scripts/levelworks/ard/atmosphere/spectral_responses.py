"""Spectral responses of the sensors' bands, sunlight, and the weights that both give a band.

Sources: data/README.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
STEP = 0.0025
"""Micrometres between the values of a response."""

STAND_INS = {"LND04": "LND05", "SEN2D": "SEN2C"}
"""Sensors that take the responses of another one, since none of their own are in hand."""


@dataclass(frozen=True)
class BandResponse:
    """Response of a band.

    Parameters
    ----------
    first : float
        Wavelength of the first value, micrometres.
    response : tuple of float
        Every 2.5 nm, largest near 1.
    solar_irradiance : float
        Mean above the atmosphere at one astronomical unit, W m-2 um-1.
    """

    first: float
    response: tuple[float, ...]
    solar_irradiance: float

    @property
    def wavelengths(self) -> np.ndarray:
        """Return the wavelengths of the values, micrometres."""
        return self.first + STEP * np.arange(len(self.response))

    @property
    def weights(self) -> np.ndarray:
        """Return response times sunlight, with sum 1, as 6S integrates over a band."""
        values = np.array(self.response) * np.interp(self.wavelengths, *_sunlight())
        values[[0, -1]] *= 0.5
        return np.asarray(values / values.sum())

    @property
    def centre(self) -> float:
        """Return the mean wavelength under the response, micrometres."""
        return float(np.average(self.wavelengths, weights=self.response))


@cache
def _document() -> dict[str, dict[str, dict[str, object]]]:
    document: dict[str, dict[str, dict[str, object]]] = json.loads((DATA / "spectral_responses.json").read_text())
    return document


@cache
def _sunlight() -> tuple[np.ndarray, np.ndarray]:
    sun = json.loads((DATA / "spectral_responses.json").read_text())["sunlight"]
    irradiance = np.array(sun["irradiance"])
    return sun["first"] + STEP * np.arange(len(irradiance)), irradiance


@cache
def band_responses(sensor: str) -> dict[str, BandResponse]:
    """Return the reflective bands of a sensor by name.

    Raises
    ------
    KeyError
        The sensor isn't known.
    """
    sensors: dict[str, dict[str, dict[str, object]]] = _document()["sensors"]  # type: ignore[assignment]
    bands = sensors[STAND_INS.get(sensor, sensor)]
    return {
        name: BandResponse(band["first"], tuple(band["response"]), band["solar_irradiance"])  # type: ignore[arg-type]
        for name, band in bands.items()
    }
