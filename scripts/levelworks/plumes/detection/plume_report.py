"""What is known of each plume of a scene, put together from its retrieval, winds, spectra and people's files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely.affinity

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.detection.detect_options import DetectPlumes
from levelworks.plumes.detection.false_positives import GAS_WINDOWS, Finding, combine, judge_spectra
from levelworks.plumes.detection.found_plumes import FoundPlume
from levelworks.plumes.detection.markers import Rejection, marked_pixel
from levelworks.plumes.detection.outlines import ground_outline, ground_position, pixel_outline
from levelworks.plumes.detection.plume_features import PlumeProperties
from levelworks.plumes.detection.plume_flags import judge_place
from levelworks.plumes.detection.plume_spectra import evidence_of_plume, widened
from levelworks.plumes.detection.source_points import SourcePoint, find_source, grid_wind, nearest_site
from levelworks.plumes.emission.wind_files import Winds, read_wind
from levelworks.plumes.layers import Layers
from levelworks.plumes.readers.open_scene import open_scene
from levelworks.plumes.retrieval.absorption import Absorption
from levelworks.plumes.retrieval.absorption_files import read_absorption
from levelworks.plumes.retrieval.quality import FLAGS
from levelworks.plumes.scene import Scene
from levelworks.plumes.sites import NamedSite
from levelworks.plumes.units import MOLAR_MASS, PPM_M


@dataclass(frozen=True)
class SceneView:
    """The layers that every plume of a scene is described with."""

    product: Layers
    attributes: dict[str, Any]
    longitude: np.ndarray
    latitude: np.ndarray
    area: np.ndarray
    quality: np.ndarray
    classes: np.ndarray | None
    radiance_2100: np.ndarray | None
    pixel_size: float
    winds: Winds | None
    scene: Scene | None
    absorption: dict[str, Absorption]

    @classmethod
    def open(
        cls,
        product: Layers,
        wind: Path | None,
        absorption: Path | None,
        radiance: Path | None,
        stack: ExitStack,
        options: DetectPlumes,
        warnings: list[str],
    ) -> SceneView:
        """Read the layers of a retrieval; winds and spectra are left out, with a warning, where they can't be read."""
        attributes = product.attributes
        longitude, latitude = product.read("longitude"), product.read("latitude")
        pixel_size = float(attributes.get("pixel_size", 60.0))
        area = product.read("pixel_area") if "pixel_area" in product else np.full(longitude.shape, pixel_size**2)
        winds, scene, known = None, None, {}
        try:
            winds = read_wind(wind) if wind is not None else None
        except InvalidInput as error:
            warnings.append(str(error))
        if radiance is not None and absorption is not None and options.spectra == "on":
            try:
                known = read_absorption(absorption)
                scene = stack.enter_context(open_scene(radiance))
            except InvalidInput as error:
                warnings.append(f"spectra were not compared: {error}")
        return cls(
            product,
            attributes,
            longitude,
            latitude,
            area,
            product.read("quality") if "quality" in product else np.zeros(longitude.shape, dtype=np.uint16),
            product.read("segmentation") if "segmentation" in product else None,
            product.read("radiance_2100") if "radiance_2100" in product else None,
            pixel_size,
            winds if winds is not None and winds.sources else None,
            scene,
            known,
        )

    def flagged(self, *names: str, within: tuple[slice, slice]) -> np.ndarray:
        """Return the pixels with any of some flags, in some rows and columns."""
        return (self.quality[within] & sum(FLAGS[name] for name in names)) > 0

    def wind_at(self, row: int, column: int) -> tuple[tuple[float, float] | None, str]:
        """Return the direction to which the wind blows at a pixel (rows, columns) and the wind's source."""
        if self.winds is None:
            return None, ""
        source = self.winds.preferred or self.winds.sources[0]
        u, v, _ = self.winds.at(source, np.array(row), np.array(column))
        if not (np.isfinite(u) and np.isfinite(v)):
            return None, ""
        return grid_wind(float(u), float(v), self.longitude, self.latitude, row, column), source


def describe_plume(
    view: SceneView,
    gas: str,
    plume: FoundPlume,
    label: int,
    index: int,
    enhancement: np.ndarray,
    taken: np.ndarray,
    rejections: Sequence[Rejection],
    sites: Sequence[NamedSite],
    options: DetectPlumes,
) -> tuple[PlumeProperties, dict[str, Any]]:
    """Return what is known of a plume, and its outline.

    Parameters
    ----------
    label, index : int
        Its number in the gas's mask, and its index among all plumes of the scene.
    enhancement : ndarray, shape (rows, columns)
        mol m-2, not denoised.
    taken : ndarray of bool, shape (rows, columns)
        The pixels of all plumes of the gas.
    """
    mask, box = plume.mask, plume.box
    inside = mask[box]
    rows, columns = np.nonzero(inside)
    rows, columns = rows + box[0].start, columns + box[1].start
    start = str(view.attributes.get("start_time", ""))
    instrument = str(view.attributes.get("instrument", "")) or "unknown"
    plume_id = f"{instrument}-{_stamp(start)}-plume{index}"
    values = np.nan_to_num(enhancement[box][inside].astype(np.float64))
    area = np.nan_to_num(view.area[box][inside].astype(np.float64))
    source, origin, place, wind_source = _source(view, plume, enhancement)
    site, distance = nearest_site(list(sites), *place) or ("", float("nan"))
    findings, correlation = _judge(view, gas, plume, enhancement, taken, plume_id, options)
    score, reasons = combine(findings)
    why = _rejected(view, mask, plume_id, rejections)
    if not why and score > options.max_fp_score:
        why = f"its false-positive score {score:.2f} is above {options.max_fp_score:g}"
    peak = plume.peak(enhancement)
    height, width = mask.shape
    properties = PlumeProperties(
        plume_id=plume_id,
        gas=gas,
        label=label,
        scene=str(view.attributes.get("scene", "")),
        datetime=start,
        marker=plume.marker.name if plume.marker is not None else "automatic",
        source_longitude=round(place[0], 6),
        source_latitude=round(place[1], 6),
        source_row=round(source.row, 3),
        source_column=round(source.column, 3),
        source_confidence=round(source.confidence, 3),
        source_origin=origin,
        elongation=round(source.elongation, 3),
        wind_source=wind_source,
        pixels=int(rows.size),
        area_m2=float(area.sum()),
        mass_kg=float((values * area).sum() * MOLAR_MASS[gas]),
        peak=peak,
        peak_ppm_m=peak / PPM_M,
        peak_snr=round(plume.peak_snr, 3),
        row_min=int(rows.min()),
        row_max=int(rows.max()),
        column_min=int(columns.min()),
        column_max=int(columns.max()),
        touches_edge=bool(
            rows.min() == 0 or columns.min() == 0 or rows.max() == height - 1 or columns.max() == width - 1
        ),
        site=site,
        site_distance_m=round(distance, 1),
        spectral_correlation=correlation,
        fp_score=round(score, 4),
        fp_reasons=reasons,
        rejected=bool(why),
        rejected_reason=why,
    )
    outline = shapely.affinity.translate(pixel_outline(inside), box[1].start, box[0].start)
    return properties, ground_outline(outline, view.longitude, view.latitude)


def _stamp(start: str) -> str:
    """Return a time as plume ids have it: 20220815T04:28:38Z as 20220815t042838."""
    return "".join(one for one in start.lower() if one.isdigit() or one == "t")[:15]


def _source(
    view: SceneView, plume: FoundPlume, enhancement: np.ndarray
) -> tuple[SourcePoint, str, tuple[float, float], str]:
    """Return the source of a plume, where it comes from, its longitude and latitude, and the wind's source."""
    box = plume.box
    inside, origin = plume.mask[box], (box[0].start, box[1].start)
    middle = np.round(np.mean(np.nonzero(inside), axis=1)).astype(int) + origin
    wind, wind_source = view.wind_at(*middle)
    found = find_source(enhancement[box], inside, wind, plume.peak_snr)
    found = replace(found, row=found.row + origin[0], column=found.column + origin[1])
    marker = plume.marker
    if marker is not None and marker.outline is None:
        pixel = marked_pixel(marker.longitude, marker.latitude, view.longitude, view.latitude, view.pixel_size)
        row, column = pixel if pixel is not None else (found.row, found.column)
        source = SourcePoint(float(row), float(column), 1.0, found.axis, found.elongation)
        return source, "marker", (marker.longitude, marker.latitude), wind_source
    longitude, latitude = ground_position(np.array(found.row), np.array(found.column), view.longitude, view.latitude)
    turned = (float(longitude) + 180) % 360 - 180
    return found, "automatic", (turned, float(latitude)), wind_source


def _judge(
    view: SceneView,
    gas: str,
    plume: FoundPlume,
    enhancement: np.ndarray,
    taken: np.ndarray,
    plume_id: str,
    options: DetectPlumes,
) -> tuple[list[Finding], float]:
    around = widened(plume.box, plume.mask.shape)
    inside, amounts = plume.mask[around], enhancement[around]
    cloud, flare = view.flagged("cloud", "cirrus", within=around), view.flagged("flare", within=around)
    classes = view.classes[around] if view.classes is not None else None
    radiance = view.radiance_2100[around] if view.radiance_2100 is not None else None
    findings = judge_place(inside, amounts, radiance, cloud, flare, classes)
    if view.scene is None or gas not in view.absorption:
        return findings, float("nan")
    clear = np.isfinite(amounts) & ~taken[around] & ~flare
    if classes is not None:
        clear &= np.isin(classes, np.unique(classes[inside]))
    origin = (around[0].start, around[1].start)
    evidence = evidence_of_plume(
        view.scene, view.absorption[gas], inside, amounts, clear, plume_id, options.controls, origin
    )
    return findings + judge_spectra(evidence, GAS_WINDOWS[gas]), round(evidence.correlation, 4)


def _rejected(view: SceneView, mask: np.ndarray, plume_id: str, rejections: Sequence[Rejection]) -> str:
    """Return why a person rejected a plume; empty where nobody did."""
    for rejection in rejections:
        if rejection.plume_id and rejection.plume_id == plume_id:
            return rejection.reason
        if not rejection.plume_id and np.isfinite(rejection.longitude):
            pixel = marked_pixel(
                rejection.longitude, rejection.latitude, view.longitude, view.latitude, view.pixel_size
            )
            if pixel is not None and mask[pixel]:
                return rejection.reason
    return ""
