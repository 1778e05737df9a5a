"""Simulated scenes of each sensor, and their files: granules as the agency writes them, with the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from levelworks.core.atomic import atomic_outputs
from levelworks.core.outcome import InvalidOptions
from levelworks.plumes.simulation.emit_files import write_emit_mask, write_emit_observations, write_emit_radiance
from levelworks.plumes.simulation.simulate import SceneDescription, make_scene, start_of
from levelworks.plumes.simulation.simulated_scene import SimulatedScene
from levelworks.plumes.simulation.simulated_truth import write_truth
from levelworks.plumes.tables import EMIT_COLUMNS, emit_spectral


def emit_scene(
    description: SceneDescription, rows: int = 1280, columns: int = EMIT_COLUMNS, *, first_column: int | None = None
) -> SimulatedScene:
    """Put an EMIT scene together: 60 m pixels from the space station, a cut of the 1242 columns from ``first_column``.

    The cut is from the middle of the detector by default.
    """
    if not 1 <= columns <= EMIT_COLUMNS:
        raise InvalidOptions(f"columns: {columns}; from 1 to {EMIT_COLUMNS}")
    first = (EMIT_COLUMNS - columns) // 2 if first_column is None else first_column
    if not 0 <= first <= EMIT_COLUMNS - columns:
        raise InvalidOptions(f"first_column: {first}; from 0 to {EMIT_COLUMNS - columns}")
    start = start_of(description)
    number = f"{start:%y%j}{description.seed % 16 + 1:02d}_{description.seed % 40 + 1:03d}"
    return make_scene(
        description,
        f"EMIT_L1B_RAD_001_{start:%Y%m%dT%H%M%S}_{number}",
        "EMIT",
        emit_spectral(range(first, first + columns)),
        rows,
        columns,
        pixel=60.0,
        altitude=415_000.0,
        full_columns=EMIT_COLUMNS,
        first_column=first,
    )


@dataclass(frozen=True)
class WrittenEmit:
    """The files of one simulated EMIT scene."""

    radiance: Path
    observations: Path
    mask: Path | None
    truth: Path


def simulate_emit(
    folder: Path,
    description: SceneDescription | None = None,
    rows: int = 1280,
    columns: int = EMIT_COLUMNS,
    *,
    mask: bool = False,
    **changes: object,
) -> WrittenEmit:
    """Write an EMIT granule, its observations, its mask where asked for, and the truth.

    Parameters
    ----------
    folder : Path
        Made where it isn't there.
    description : SceneDescription, optional
    **changes
        Fields of the description that are to be other than it says, e.g. ``surface="urban"``.
    """
    scene = emit_scene(replace(description or SceneDescription(), **changes), rows, columns)  # type: ignore[arg-type]
    return write_emit(folder, scene, mask=mask)


def write_emit(folder: Path, scene: SimulatedScene, *, mask: bool = False) -> WrittenEmit:
    """Write the files of an EMIT scene; none stands under its name before all are whole."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {
        "radiance": folder / f"{scene.name}.nc",
        "observations": folder / f"{scene.name.replace('_RAD_', '_OBS_')}.nc",
    }
    if mask:
        paths["mask"] = folder / f"{scene.name.replace('L1B_RAD', 'L2A_MASK')}.nc"
    with atomic_outputs(paths) as temporary:
        write_emit_radiance(temporary["radiance"], scene)
        write_emit_observations(temporary["observations"], scene)
        if mask:
            write_emit_mask(temporary["mask"], scene)
    return WrittenEmit(paths["radiance"], paths["observations"], paths.get("mask"), write_truth(folder, scene))
