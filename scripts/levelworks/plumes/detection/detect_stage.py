"""From enhancements to plumes: what the second pass leaves out, and the plumes of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.plumes.detection.detect import Criteria, excluded_mask
from levelworks.plumes.detection.detect_options import JOINING, DetectPlumes, MaskPlumes, PlumeCriteria
from levelworks.plumes.detection.found_plumes import FoundPlume, of_markers, search
from levelworks.plumes.detection.markers import Marker, Rejection, outlined_pixels, read_markers, read_rejections
from levelworks.plumes.detection.plume_features import feature, write_features
from levelworks.plumes.detection.plume_report import SceneView, describe_plume
from levelworks.plumes.layers import Layer, Layers, open_layers, write_layers
from levelworks.plumes.retrieval.quality import FLAGS
from levelworks.plumes.sites import NamedSite, read_sites

UNUSABLE = ("cloud", "cirrus", "fill", "bad_column")
"""Flags of pixels in which no plume is sought."""

SUFFIXES = {"plain": "", "combination": "_comb", "denoised": "_denoise", "denoised combination": "_comb_denoise"}


def mask_plumes(retrieval: Path, markers: Path | None, out: Path, options: MaskPlumes) -> Outcome:
    """Write the pixels that the second pass leaves out of its statistics: plumes of any gas, and what people outlined.

    Raises
    ------
    InvalidInput
        Where the retrieval can't be read.
    NothingToProduce
        Where no gas has a valid pixel.
    """
    with open_layers(retrieval) as product:
        excluded = None
        for gas in _gases(product, retrieval):
            enhancement = _usable(product, gas)
            if not np.isfinite(enhancement).any():
                continue
            mask = excluded_mask(enhancement, _criteria(options), options.margin)
            excluded = mask if excluded is None else excluded | mask
        if excluded is None:
            raise NothingToProduce("no valid pixel of any gas")
        for marker in read_markers(markers) if markers is not None else []:
            if marker.outline is not None:
                excluded |= outlined_pixels(marker.outline, product.read("longitude"), product.read("latitude"))
        attributes = product.attributes
    layer = Layer("excluded", excluded.astype(np.uint8), "1", "left out of the statistics of the second pass")
    write_layers(out, [layer], attributes)
    return Outcome(quality={"excluded_share": float(excluded.mean())})


def detect_plumes(
    retrieval: Path,
    denoised: Path | None,
    absorption: Path | None,
    radiance: Path | None,
    wind: Path | None,
    markers: Path | None,
    rejected: Path | None,
    sites: Path | None = None,
    *,
    labels: Path,
    plumes: Path,
    options: DetectPlumes,
) -> Outcome:
    """Write the plumes of a scene: masks by gas, and a GeoJSON of what is known of each.

    Parameters
    ----------
    absorption, radiance : Path, optional
        With both, spectra are compared with the background's.
    markers : Path, optional
        People's; with any in it the plumes are theirs, else they are found automatically.

    Raises
    ------
    InvalidInput
        Where a product can't be read.
    InvalidReference
        Where people's files can't be read.
    NothingToProduce
        Where no gas has a valid pixel.
    """
    marked = read_markers(markers) if markers is not None else []
    rejections = read_rejections(rejected) if rejected is not None else []
    known_sites = read_sites(sites) if sites is not None else []
    warnings: list[str] = []
    with ExitStack() as stack:
        product = stack.enter_context(open_layers(retrieval))
        gases = _gases(product, retrieval)
        smoothed = stack.enter_context(open_layers(denoised)) if denoised is not None else None
        view = SceneView.open(product, wind, absorption, radiance, stack, options, warnings)
        layers, features, quality = _plumes_of_gases(
            view, smoothed, marked, rejections, known_sites, options, warnings, gases
        )
        # the table of emission rates says how pieces of plumes were joined
        attributes = product.attributes | options.model_dump(include=set(JOINING))
    write_layers(labels, layers, attributes)
    write_features(plumes, features, scene=str(attributes.get("scene", "")))
    return Outcome(quality=quality, warnings=tuple(dict.fromkeys(warnings)))


def _plumes_of_gases(
    view: SceneView,
    smoothed: Layers | None,
    marked: Sequence[Marker],
    rejections: Sequence[Rejection],
    sites: Sequence[NamedSite],
    options: DetectPlumes,
    warnings: list[str],
    gases: Sequence[str],
) -> tuple[list[Layer], list[dict[str, Any]], dict[str, Any]]:
    layers: list[Layer] = []
    features: list[dict[str, Any]] = []
    figures: dict[str, Any] = {}
    dropped = 0
    for gas in gases:
        enhancement = _usable(view.product, gas)
        if not np.isfinite(enhancement).any():
            continue
        sought = _sought(view.product, smoothed, gas, enhancement, options, warnings)
        found, mirrored = _find(view, sought, enhancement, marked, options, warnings)
        figures[f"{gas}_mirrored"] = mirrored
        taken = np.zeros(enhancement.shape, dtype=bool)
        for plume in found:
            taken |= plume.mask
        mask = np.zeros(enhancement.shape, dtype=np.int32)
        for label, plume in enumerate(found, start=1):
            properties, geometry = describe_plume(
                view, gas, plume, label, len(features), enhancement, taken, rejections, sites, options
            )
            features.append(feature(properties, geometry))
            if properties.rejected:
                dropped += 1
            else:
                mask[plume.mask] = label
        meaning = {"long_name": f"{gas} plumes", "comment": "0 background, n the n-th plume of the GeoJSON's label"}
        layers.append(Layer(f"{gas}_mask", mask, "1", attributes=meaning))
    if not layers:
        raise NothingToProduce("no valid pixel of any gas")
    return layers, features, {"plumes": len(features) - dropped, "rejected": dropped, **figures}


def _find(
    view: SceneView,
    sought: np.ndarray,
    enhancement: np.ndarray,
    marked: Sequence[Marker],
    options: DetectPlumes,
    warnings: list[str],
) -> tuple[list[FoundPlume], int]:
    criteria = _criteria(options, view.pixel_size)
    known = (lambda row, column: view.wind_at(row, column)[0]) if view.winds is not None else None
    found, detection = search(sought, enhancement, view.area, criteria, known)
    if marked:
        picked = of_markers(
            marked, detection, criteria, enhancement, view.longitude, view.latitude, view.pixel_size,
            options.dist_max, options.azimuth_diff_max, warnings,
        )  # fmt: skip
        others = (
            [] if options.markers_only else [one for one in found if not any((one.mask & p.mask).any() for p in picked)]
        )
        found = picked + others
    least = options.min_peak_ppm_m
    return [one for one in found if one.marker or one.peak_ppm_m(enhancement) >= least], detection.mirrored


def _criteria(options: PlumeCriteria, pixel_size: float = 60.0) -> Criteria:
    common = {
        "scales": tuple(options.scales),
        "window": options.window,
        "seed": options.seed_sigma,
        "grow": min(options.grow_sigma, options.seed_sigma),
        "min_pixels": options.min_pixels,
    }
    if isinstance(options, DetectPlumes):
        common |= {
            "rim": options.rim,
            "reach": options.dist_max / pixel_size,
            "widest": float(np.radians(options.azimuth_diff_max)),
            "downwind": options.downwind_gap / pixel_size,
            "cone": float(np.radians(options.downwind_cone)),
        }
    return Criteria(**common)  # type: ignore[arg-type]


def _gases(product: Layers, path: Path) -> list[str]:
    """Return the gases of a retrieval.

    Raises
    ------
    NothingToProduce
        Where the retrieval is an empty product.
    InvalidInput
        Where it names no gas.
    """
    attributes = product.attributes
    if attributes.get("outcome") and not product.names:
        raise NothingToProduce(f"there is no retrieval: {attributes.get('reason', '')}")
    gases = str(attributes.get("gases", "")).split()
    if not gases:
        raise InvalidInput(f"{path} names no gas; it is no product of retrieve")
    return gases


def _usable(product: Layers, name: str) -> np.ndarray:
    """Return an enhancement, not a number where flags forbid to look for plumes."""
    enhancement = product.read(name).astype(np.float32)
    if "quality" in product:
        bits = sum(FLAGS[flag] for flag in UNUSABLE)
        enhancement[(product.read("quality") & bits) > 0] = np.nan
    return enhancement


def _sought(
    product: Layers,
    smoothed: Layers | None,
    gas: str,
    enhancement: np.ndarray,
    options: DetectPlumes,
    warnings: list[str],
) -> np.ndarray:
    """Return the field in which plumes are sought, the plain enhancement where there is none as asked for."""
    if options.field == "plain":
        return enhancement
    name = f"{gas}{SUFFIXES[options.field]}"
    holder = smoothed if name.endswith("_denoise") else product
    if holder is None or name not in holder:
        warnings.append(f"{gas}: there is no {options.field} enhancement; plumes are sought in the plain one")
        return enhancement
    return np.where(np.isfinite(enhancement), holder.read(name), np.nan).astype(np.float32)
