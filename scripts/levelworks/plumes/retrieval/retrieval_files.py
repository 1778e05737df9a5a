"""The product of `retrieve` and `retrieve-again`: enhancements with their errors, flags and geometry, NetCDF."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from levelworks.plumes.layers import Layer, write_layers
from levelworks.plumes.mapping.pixel_area import pixel_area
from levelworks.plumes.retrieval.quality import FLAGS
from levelworks.plumes.retrieval.retrieval_options import Retrieve
from levelworks.plumes.retrieval.scene_planes import Planes, picture_of
from levelworks.plumes.scene import PLATFORMS, Scene
from levelworks.plumes.units import DISPLAY_UNITS, GAS_NAMES

DETECTION_SIGMAS = 3.0


@dataclass
class GasLayers:
    """What was retrieved of one gas, (rows, columns), mol m-2."""

    gas: str
    enhancement: np.ndarray
    other: tuple[str, np.ndarray | None]
    combined: np.ndarray | None
    noise: np.ndarray
    clutter: np.ndarray
    sensitivity: np.ndarray
    score: np.ndarray | None
    few: np.ndarray
    window: list[tuple[float, float]]
    quality: dict[str, float] = field(default_factory=dict)


def write_retrieval(
    path: Path, scene: Scene, planes: Planes, gases: list[GasLayers], sources: dict[str, str], options: Retrieve
) -> None:
    """Write the retrieval of a scene; ``sources`` are attributes that name the files it was made from."""
    geometry = scene.geometry
    flags = planes.flags.T.copy()
    flags[:, [0, -1]] |= FLAGS["edge"]
    flags[[0, -1]] |= FLAGS["edge"]
    for one in gases:
        flags[one.few] |= FLAGS["few_statistics"]
    area = pixel_area(geometry.longitude, geometry.latitude).astype(np.float32)
    layers = [layer for one in gases for layer in _layers_of(one, options)]
    layers += [
        Layer(
            "quality",
            flags,
            long_name="quality flags",
            attributes={
                "flag_masks": np.array(list(FLAGS.values()), dtype=np.uint16),
                "flag_meanings": " ".join(FLAGS),
            },
        ),
        Layer("segmentation", planes.labels.T, long_name="class whose pixels share statistics"),
        Layer("rgb", picture_of(planes.picture.transpose(0, 2, 1)), along="bands", long_name="red, green, blue"),
        Layer("radiance_2100", planes.radiance_2100.T, "uW cm-2 sr-1 nm-1", "radiance at 2100 nm"),
        Layer("longitude", geometry.longitude, "degrees_east", "longitude of pixel centres"),
        Layer("latitude", geometry.latitude, "degrees_north", "latitude of pixel centres"),
        Layer("elevation", geometry.elevation.astype(np.float32), "m", "surface elevation"),
        Layer("pixel_area", area, "m2", "area of pixels on the ground"),
    ]
    for name in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"):
        layers.append(Layer(name, getattr(geometry, name).astype(np.float32), "degree", name.replace("_", " ")))
    instrument, platform, provider = PLATFORMS[scene.sensor]
    known = np.isfinite(area)
    write_layers(
        path,
        [
            Layer(one.name, np.ascontiguousarray(one.data), one.units, one.long_name, one.along, one.attributes)
            for one in layers
        ],
        {
            "scene": scene.name,
            "sensor": scene.sensor,
            "platform": platform,
            "instrument": instrument,
            "provider": provider,
            "start_time": iso_time(scene.start),
            "end_time": iso_time(scene.end),
            "gases": " ".join(one.gas for one in gases),
            "sza": float(np.nanmean(geometry.sun_zenith)),
            "vza": float(np.nanmean(geometry.view_zenith)),
            "pixel_size": float(np.sqrt(np.median(area[known]))) if known.any() else float("nan"),
            **sources,
        },
    )


def _layers_of(one: GasLayers, options: Retrieve) -> list[Layer]:
    gas, unit = one.gas, "mol m-2"
    name = GAS_NAMES[gas].replace("_", " ")
    window = ", ".join(f"{low:g}-{high:g}" for low, high in one.window)
    about = {
        "window_nm": window,
        "matched_filter": " or ".join(filter(None, options.filters)) + " matched filter",
        "units_display": DISPLAY_UNITS[gas],
    }
    total = np.hypot(one.noise, one.clutter)
    found = [
        Layer(gas, one.enhancement, unit, f"{name} enhancement", attributes=about),
        Layer(f"{gas}_unc", total, unit, f"{name} enhancement, standard error"),
        Layer(f"{gas}_unc_noise", one.noise, unit, f"{name} enhancement, standard error from instrument noise"),
        Layer(f"{gas}_unc_clutter", one.clutter, unit, f"{name} enhancement, standard error from the surface"),
        Layer(f"{gas}_sens", one.sensitivity, "1", f"sensitivity to {name}, 1 is nominal"),
        Layer(f"{gas}_detlim", (DETECTION_SIGMAS * total).astype(np.float32), unit, f"{name} detection limit"),
    ]
    if one.score is not None:
        found.append(Layer(f"{gas}_ace", one.score, "1", f"{name}, adaptive cosine estimate"))
    kind, second = one.other
    if second is not None and one.combined is not None:
        found.insert(1, Layer(f"{gas}_{kind}", second, unit, f"{name} enhancement, {kind} window"))
        found.insert(2, Layer(f"{gas}_comb", one.combined, unit, f"{name} enhancement, both windows combined"))
    return found


def iso_time(moment: datetime) -> str:
    """Return a time of a scene as ISO text with a Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
