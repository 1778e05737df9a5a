"""Level-1 files: headers against the real file and the documented cards, names, times and the writer."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from levelworks.core.outcome import InvalidInput, InvalidOptions
from levelworks.coronagraph.geometry import Geometry, geometries
from levelworks.coronagraph.level1 import level1_headers, write_level1


def test_fft_file_is_the_agency_s_byte_for_byte(shared_data: Path, tmp_path: Path) -> None:
    real = shared_data / "coronagraph" / "example_L1_input.fits"
    raw = fits.getdata(real, 1).astype(np.uint16)
    headers = level1_headers("fft", geometry=geometries()["SCI"], gain=1.0, exposure_time=0.6)
    write_level1(tmp_path / "frame.fits", raw, headers)
    assert (tmp_path / "frame.fits").read_bytes() == real.read_bytes()


def test_flight_headers_hold_every_documented_card_in_order(shared_data: Path, small: Geometry) -> None:
    headers = level1_headers("flight", geometry=small, gain=1000.0, exposure_time=5.0)
    with (shared_data / "coronagraph" / "l1_header_5.1.1.csv").open(newline="") as file:
        documented = [row for row in csv.DictReader(file) if row["Keyword"]]
    kinds = {"bool": bool, "int": int, "float": float, "str": str}
    for header, section in zip(headers, ("Primary", "Image"), strict=True):
        rows = [row for row in documented if row["Section"].startswith(section)]
        assert list(header) == [row["Keyword"] for row in rows]
        assert [type(value) for value in header.values()] == [kinds[row["Datatype"]] for row in rows]
    image = headers[1]
    assert (image["EMGAIN_C"], image["EMGAIN_A"], image["EXPTIME"], image["DATALVL"]) == (1000.0, 1000.0, 5.0, "L1")
    assert image["MJDSRT"] == 60722.0
    assert image["MJDEND"] - image["MJDSRT"] == pytest.approx(5 / 86400, abs=1e-10)
    assert re.fullmatch(r"cgi_\d{19}_\d{8}t\d{7}_l1_\.fits", headers[0]["FILENAME"])


@pytest.mark.parametrize("generation", ["fft", "flight"])
def test_times_come_from_the_frame_number(generation: str, small: Geometry) -> None:
    starts = [
        level1_headers(generation, geometry=small, gain=1.0, exposure_time=2.0, frame_number=n)[1]["SCTSRT"]
        for n in (0, 1, 1, 12)
    ]
    assert starts == sorted(starts)
    assert starts[1] == starts[2] != starts[3]


def test_cards_are_replaced_but_not_invented(small: Geometry) -> None:
    common = {"geometry": small, "gain": 1.0, "exposure_time": 1.0}
    _, image = level1_headers("fft", cards={"OPMODE": "PHOTON", "EXCAMT": -85}, **common)
    assert (image["OPMODE"], image["EXCAMT"]) == ("PHOTON", -85.0)
    with pytest.raises(InvalidOptions, match="EMGAIN_C"):
        level1_headers("fft", cards={"EMGAIN_C": 1.0}, **common)


def test_frame_must_fit_its_header(tmp_path: Path, small: Geometry) -> None:
    headers = level1_headers("fft", geometry=small, gain=1.0, exposure_time=1.0)
    with pytest.raises(InvalidInput, match="under a header"):
        write_level1(tmp_path / "x.fits", np.zeros((5, 5), dtype=np.uint16), headers)
    assert not any(tmp_path.iterdir())
