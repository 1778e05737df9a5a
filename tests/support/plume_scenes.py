"""Small scenes on the ground with a plume, and their products in sensor geometry, for tests of Level 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyproj import Transformer

from levelworks.plumes.emission.wind_files import Winds, write_wind
from levelworks.plumes.layers import Layer, write_layers
from levelworks.plumes.mapping.pixel_area import pixel_area


def swath(
    epsg: int,
    x: float,
    y: float,
    *,
    rows: int = 60,
    columns: int = 50,
    step: tuple[float, float] = (63.0, 57.0),
    turn: float = 20.0,
    bend: float = 2e-4,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return longitude, latitude (degrees), easting and northing (m) of pixel centres, each (rows, columns).

    Parameters
    ----------
    x, y : float
        Middle of the scene (m).
    step : tuple of float
        Metres between columns and between rows.
    turn : float
        Of the rows, degrees clockwise from west-east.
    bend : float
        Second-order part: pixels of change of a step at the far edge, over the square of pixels.
    """
    column, row = np.meshgrid(np.arange(columns) - (columns - 1) / 2, np.arange(rows) - (rows - 1) / 2)
    right, down = step[0] * (column + bend * row**2), step[1] * (row + bend * column * row)
    angle = np.radians(turn)
    east = x + right * np.cos(angle) - down * np.sin(angle)
    north = y - right * np.sin(angle) - down * np.cos(angle)
    longitude, latitude = Transformer.from_crs(epsg, 4326, always_xy=True).transform(east, north)
    return longitude, latitude, east, north


def plume(rows: int, columns: int, width: float = 3.0) -> np.ndarray:
    """Return a plume that widens down the scene and ends inside it (mol m-2)."""
    column, row = np.meshgrid(np.arange(columns) - columns / 2, np.arange(rows) - rows / 4)
    spread = width + 0.08 * np.maximum(row, 0)
    along = np.exp(-np.maximum(row, 0) / (rows / 8)) * (row >= 0)
    return 0.05 * along * np.exp(-0.5 * (column / spread) ** 2) * width / spread


QUALITY = {"cloud": 1, "cirrus": 2, "water": 4, "shadow": 8, "flare": 16, "saturated": 32, "edge": 64,
           "few_statistics": 128, "fill": 512, "bad_column": 1024}  # fmt: skip
GRANULES = {
    "EMIT": "EMIT_L1B_RAD_001_20230612T162103_2316311_006",
    "EnMAP": "ENMAP01-____L1B-DT0000004950_20221203T075553Z_001_V010400_20240101T000000Z",
    "PRISMA": "PRS_L1_STD_OFFL_20230506070115_20230506070119_0001",
}


@dataclass(frozen=True)
class Products:
    """Products of a scene before orthorectification, and what they hold."""

    retrieval: Path
    denoised: Path
    labels: Path
    wind: Path
    fields: dict[str, np.ndarray]


def write_products(
    folder: Path,
    positions: tuple[np.ndarray, np.ndarray],
    *,
    sensor: str = "EMIT",
    gases: tuple[str, ...] = ("ch4",),
    pressure: float = 95000.0,
) -> Products:
    """Write the products of a scene of one plume and noise, a cloud in one corner, a lake in another.

    Parameters
    ----------
    positions : pair of ndarray
        Longitude and latitude of pixel centres (degrees).
    pressure : float
        Of ERA5 at the surface (Pa).
    """
    folder.mkdir(parents=True, exist_ok=True)
    shape = positions[0].shape
    random = np.random.default_rng(12)
    signal = plume(*shape)
    fields: dict[str, np.ndarray] = {}
    quality = np.zeros(shape, np.uint16)
    quality[:6, :6], quality[-5:, -5:], quality[-5:, :4] = QUALITY["cloud"], QUALITY["water"], QUALITY["cirrus"]
    about = {"window_nm": "2110-2450", "matched_filter": "lognormal matched filter", "units_display": "ppb"}
    layers = []
    for gas in gases:
        fields[gas] = (signal + random.normal(0, 2e-3, shape)).astype(np.float32)
        fields[gas][quality == QUALITY["cloud"]] = np.nan
        fields[f"{gas}_comb"] = (signal + random.normal(0, 1e-3, shape)).astype(np.float32)
        for name in ("unc", "unc_noise", "unc_clutter", "detlim"):
            fields[f"{gas}_{name}"] = np.full(shape, {"unc": 2e-3, "detlim": 6e-3}.get(name, 1.5e-3), np.float32)
        fields[f"{gas}_sens"] = random.uniform(0.5, 1.5, shape).astype(np.float32)
        names = [gas, *(f"{gas}_{one}" for one in ("comb", "unc", "unc_noise", "unc_clutter", "detlim"))]
        layers += [Layer(name, fields[name], "mol m-2", attributes=about if name == gas else {}) for name in names]
        layers.append(Layer(f"{gas}_sens", fields[f"{gas}_sens"], "1"))
    flags = {"flag_masks": np.array(list(QUALITY.values()), np.uint16), "flag_meanings": " ".join(QUALITY)}
    fields |= {
        "quality": quality,
        "segmentation": np.where(quality == QUALITY["water"], 0, 1).astype(np.int16),
        "rgb": random.integers(1, 256, (3, *shape)).astype(np.uint8),
        "radiance_2100": random.uniform(0.1, 2.0, shape).astype(np.float32),
        "longitude": positions[0],
        "latitude": positions[1],
        "elevation": np.full(shape, 820.0, np.float32),
        "pixel_area": pixel_area(*positions),
        "sun_zenith": np.full(shape, 35.0, np.float32),
        "sun_azimuth": np.full(shape, 350.0, np.float32),
        "view_zenith": np.full(shape, 10.0, np.float32),
        "view_azimuth": np.full(shape, 20.0, np.float32),
    }
    units = {"radiance_2100": "uW cm-2 sr-1 nm-1", "elevation": "m", "pixel_area": "m2", "longitude": "degrees_east",
             "latitude": "degrees_north"}  # fmt: skip
    for name in list(fields)[list(fields).index("quality") :]:
        angle = "degree" if name.endswith(("zenith", "azimuth")) else ""
        attributes = flags if name == "quality" else {}
        along = "bands" if name == "rgb" else ""
        layers.append(Layer(name, fields[name], units.get(name, angle), along=along, attributes=attributes))
    attributes = {
        "scene": GRANULES[sensor], "sensor": sensor, "platform": sensor, "instrument": "emi", "provider": "NASA-JPL",
        "start_time": "2023-06-12T16:21:03Z", "end_time": "2023-06-12T16:21:15Z", "gases": " ".join(gases),
        "sza": 35.0, "vza": 10.0, "pixel_size": 60.0, "source_file": f"{GRANULES[sensor]}.nc",
    }  # fmt: skip
    write_layers(folder / "retrieval.nc", layers, attributes)
    denoised, labels = [], []
    for gas in gases:
        fields[f"{gas}_denoise"] = fields[f"{gas}_comb_denoise"] = signal.astype(np.float32)
        fields[f"{gas}_mask"] = np.where(signal > 0.01, 1, 0).astype(np.int32)
        weights = {"weight": np.array([0.0123, 0.02])}
        names = (f"{gas}_denoise", f"{gas}_comb_denoise")
        denoised += [Layer(name, fields[name], "mol m-2", attributes=weights) for name in names]
        labels.append(Layer(f"{gas}_mask", fields[f"{gas}_mask"]))
    write_layers(folder / "denoised.nc", denoised, attributes)
    write_layers(folder / "labels.nc", labels, attributes)
    nodes = np.array([0.0, shape[0] - 1.0]), np.array([0.0, shape[1] - 1.0])
    corners = np.array([[1.0, 3.0], [5.0, 7.0]])
    none = np.full((2, 2), np.nan)
    winds = Winds(
        ("GEOS-FP", "ERA5"),
        *nodes,
        np.stack([corners + 1, corners]),
        np.stack([-corners, 2 * corners]),
        np.stack([none, np.full((2, 2), pressure)]),
        "ERA5",
    )
    ends = np.ix_([0, -1], [0, -1])
    write_wind(folder / "wind.nc", winds, positions[0][ends], positions[1][ends], GRANULES[sensor])
    products = (folder / f"{name}.nc" for name in ("retrieval", "denoised", "labels", "wind"))
    return Products(*products, fields)
