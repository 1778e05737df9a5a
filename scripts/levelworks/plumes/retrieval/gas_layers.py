"""From slant amounts along the path of each pixel to the layers of a gas: vertical columns, errors, combination."""

from __future__ import annotations

import numpy as np

from levelworks.plumes.retrieval.absorption import geometric_air_mass, young_path
from levelworks.plumes.retrieval.enhancement import Retrieved, combine_windows
from levelworks.plumes.retrieval.retrieval_files import GasLayers
from levelworks.plumes.retrieval.retrieval_options import Retrieve
from levelworks.plumes.retrieval.scene_planes import Planes
from levelworks.plumes.scene import Scene


def air_mass_of(scene: Scene, options: Retrieve) -> np.ndarray:
    """Return the path over the vertical, (columns, rows) float32: of each pixel, or Young's of the means."""
    geometry = scene.geometry
    if options.air_mass == "young":
        means = np.nanmean(geometry.sun_zenith), np.nanmean(geometry.view_zenith)
        return np.full((scene.columns, scene.rows), float(young_path(*means)), dtype=np.float32)
    return geometric_air_mass(geometry.sun_zenith, geometry.view_zenith).astype(np.float32).T


def gas_layers(
    gas: str,
    results: dict[tuple[str, str], Retrieved],
    scene: Scene,
    planes: Planes,
    background: np.ndarray,
    options: Retrieve,
) -> GasLayers:
    """Turn slant amounts of a gas into vertical columns (mol m-2), and say how they scatter.

    Parameters
    ----------
    results : dict of (gas, kind of window) to Retrieved
        Of all columns of the scene.
    background : (columns, rows) bool
        Pixels whose spectra made the statistics.

    Returns
    -------
    GasLayers
        Layers (rows, columns).
    """
    air_mass = air_mass_of(scene, options)
    other = "narrow" if options.primary == "wide" else "wide"
    found = results[gas, options.primary]
    column = found.slant / air_mass
    second = combined = None
    if (gas, other) in results:
        second = results[gas, other].slant / air_mass
        narrow, wide = (second, column) if other == "narrow" else (column, second)
        combined = combine_windows(narrow, wide, planes.labels).T
        second = second.T
    noise, clutter = found.noise / air_mass, found.clutter / air_mass
    calm = background & np.isfinite(column)
    shrinkage = found.shrinkage[np.isfinite(found.shrinkage)]
    quality = {
        f"{gas}_scatter_mol_m2": float(column[calm].std(dtype=float)) if calm.any() else float("nan"),
        f"{gas}_median_shrinkage": float(np.median(shrinkage)) if shrinkage.size else float("nan"),
        f"{gas}_stripe_index": _stripe_index(found),
        **({f"{gas}_strong_share": float(found.strong.mean())} if options.filters[1] else {}),
    }
    return GasLayers(
        gas=gas,
        enhancement=column.T,
        other=(other, second),
        combined=combined,
        noise=noise.T,
        clutter=clutter.T,
        sensitivity=found.sensitivity.T,
        score=found.score.T if options.detector_score == "on" else None,
        few=found.few.T,
        window=options.windows_of(gas, options.primary),
        quality={key: value for key, value in quality.items() if np.isfinite(value)},
    )


def _stripe_index(found: Retrieved) -> float:
    """Return the scatter of what destriping took from the columns over the scatter within them."""
    known = np.isfinite(found.stripes)
    if known.sum() < 2:
        return 0.0
    within = float(np.nanmedian(np.hypot(found.clutter[known], found.noise[known])))
    return float(found.stripes[known].std()) / within if within > 0 else 0.0
