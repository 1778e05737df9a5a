"""Level-1 files of EXCAM as the agency writes them: names, headers of both generations, and the writer."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from astropy.io import fits

from levelworks.core.atomic import atomic_outputs
from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.geometry import Geometry

Generation = Literal["fft", "flight"]

_EPOCHS = {"fft": datetime(2023, 11, 20, 16, 9, 42, 519000, UTC), "flight": datetime(2025, 2, 16, tzinfo=UTC)}
_READOUT = timedelta(seconds=2.375)
_HOUSEKEEPING_AGE = timedelta(seconds=0.4)
_CLOCK = 40_000_000
_CYCLES_AT_EPOCH = 93623449391
_VISIT = "0200001001001001001"


def frame_times(generation: Generation, frame_number: int, exposure_time: float) -> tuple[datetime, datetime]:
    """Return first and last packet (UTC) of a frame in an unbroken series that began at the generation's epoch."""
    duration = timedelta(seconds=exposure_time) + _READOUT
    start = _EPOCHS[generation] + frame_number * (duration + _HOUSEKEEPING_AGE)
    return start, start + duration


def level1_name(generation: Generation, frame_number: int, exposure_time: float, visit: str = _VISIT) -> str:
    """Return the agency's name of a file: ``CGI_EXCAM_L1_<number>.fits`` or ``cgi_<visit>_<time>_l1_.fits``."""
    if generation == "fft":
        return f"CGI_EXCAM_L1_{frame_number:010d}.fits"
    start, _ = frame_times(generation, frame_number, exposure_time)
    return f"cgi_{visit}_{start:%Y%m%dt%H%M%S}{start.microsecond // 100000}_l1_.fits"


def level1_headers(
    generation: Generation,
    *,
    geometry: Geometry,
    gain: float,
    exposure_time: float,
    frame_number: int = 0,
    k_gain: float = 8.7,
    photon_counting: bool = False,
    dark: bool = False,
    visit: str = _VISIT,
    cards: Mapping[str, bool | int | float | str] | None = None,
) -> tuple[fits.Header, fits.Header]:
    """Build the two headers of a Level-1 file with the cards, order and types of the real ones.

    Parameters
    ----------
    generation : str
        "fft" (coronagraph spec, section 6.1) or "flight" (section 6.2).
    frame_number : int
        Gives the times: frame 0 of generation "fft" has those of the agency's example file.
    visit : str
        19 digits, flight only; ``k_gain`` (e-/DN), ``photon_counting`` and ``dark`` (the visit type) too.
    cards : mapping, optional
        Values that replace those of existing keywords.

    Returns
    -------
    tuple of Header
        Of the empty primary HDU and of the image.

    Raises
    ------
    InvalidOptions
        Where ``cards`` names a keyword that the generation does not have.
    """
    start, end = frame_times(generation, frame_number, exposure_time)
    cycles = round(exposure_time * _CLOCK)
    array_type = geometry.name if geometry.name.startswith("ENG") else "SCI"
    values: dict[str, Any] = {
        "NAXIS1": geometry.shape[1],
        "NAXIS2": geometry.shape[0],
        "ARRTYPE": array_type,
        "SCTSRT": _timestamp(start),
        "SCTEND": _timestamp(end),
        "DATETIME": _timestamp(start - _HOUSEKEEPING_AGE),
        "EXPTIME": exposure_time,
        "CYCLES": _CYCLES_AT_EPOCH + round((start - _EPOCHS[generation]).total_seconds() * _CLOCK),
        "LASTEXP": cycles,
        "EXPCYC": cycles,
    }
    if generation == "fft":
        values |= {"CMDGAIN": gain}
    else:
        parts = ("PROGNUM", 0, 5), ("EXECNUM", 5, 7), ("CAMPAIGN", 7, 10), ("SEGMENT", 10, 13), ("OBSNUM", 13, 16)
        values |= {keyword: visit[first:stop] for keyword, first, stop in (*parts, ("VISNUM", 16, 19))}
        midnight = datetime(1858, 11, 17, tzinfo=UTC)
        values |= {
            "VISITID": visit,
            "CPGSFILE": f"campaign_{visit}.xml",
            "AUXFILE": f"aux_{visit}.txt",
            "FILENAME": level1_name(generation, frame_number, exposure_time, visit),
            "FILETIME": _timestamp(end),
            "FTIMEUTC": _timestamp(start),
            "MJDSRT": (start - midnight) / timedelta(days=1),
            "MJDEND": (start - midnight + timedelta(seconds=exposure_time)) / timedelta(days=1),
            "OPGAIN": f"{gain:g}",
            "FRAMET": f"{exposure_time:g}",
            "PHTCNT": str(photon_counting).upper(),
            "ISPC": int(photon_counting),
            "EMGAIN_C": gain,
            "EMGAIN_A": gain,
            "KGAINPAR": k_gain,
        }
        if dark:
            values["VISTYPE"] = "CGIVST_CAL_DRK"
    values |= cards or {}
    headers = fits.Header(), fits.Header()
    kinds: dict[str, Callable[[Any], Any]] = {
        "bool": lambda value: value in (True, "True"),
        "int": int,
        "float": float,
        "str": str,
    }
    text = files("levelworks.coronagraph").joinpath(f"data/level1_{generation}.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        keyword = row["keyword"]
        value = values.pop(keyword, row["value"])
        name = f"HIERARCH {keyword}" if len(keyword) > 8 else keyword
        headers[int(row["hdu"])].append((name, kinds[row["type"]](value), row["comment"]), end=True)
    if values:
        raise InvalidOptions(f"Level-1 headers of generation {generation} have no {', '.join(sorted(values))}")
    return headers


def _timestamp(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds")


def write_level1(path: Path, raw: np.ndarray, headers: tuple[fits.Header, fits.Header]) -> None:
    """Write a Level-1 file: empty primary HDU, then the frame as int16 with BZERO 32768; whole or not at all.

    Parameters
    ----------
    path : Path
        File to write.
    raw : ndarray, uint16
        The frame.
    headers : tuple of Header
        From `level1_headers`, or those of a real file read without scaling; written card for card.

    Raises
    ------
    InvalidInput
        Where the frame is not of uint16 or not of the header's size.
    """
    size = headers[1]["NAXIS2"], headers[1]["NAXIS1"]
    if raw.dtype != np.uint16 or raw.shape != size:
        raise InvalidInput(f"{path}: frame of {raw.dtype} {raw.shape} under a header of uint16 {size}")
    data = (raw ^ np.uint16(0x8000)).astype(">u2").tobytes()
    with atomic_outputs({"frame": path}) as temporary, temporary["frame"].open("wb") as file:
        for header in headers:
            file.write(header.tostring().encode("ascii"))
        file.write(data + bytes(-len(data) % 2880))
