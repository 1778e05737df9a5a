"""The stages `retrieve` and `retrieve-again`: radiance to enhancements, on ranks that share the detector columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from levelworks.core import mpi
from levelworks.core.outcome import InvalidInput, InvalidReference, NothingToProduce, Outcome
from levelworks.plumes.layers import open_layers
from levelworks.plumes.readers.open_scene import open_scene
from levelworks.plumes.retrieval.absorption import Absorption
from levelworks.plumes.retrieval.absorption_files import read_absorption
from levelworks.plumes.retrieval.dead_elements import bridge, dead_elements
from levelworks.plumes.retrieval.enhancement import (
    Retrieved,
    Settings,
    Window,
    group_size,
    retrieve_group,
)
from levelworks.plumes.retrieval.gas_layers import air_mass_of, gas_layers
from levelworks.plumes.retrieval.land_masks import read_land
from levelworks.plumes.retrieval.noise import noise_of
from levelworks.plumes.retrieval.plane_kernels import dimmest
from levelworks.plumes.retrieval.quality import FLAGS
from levelworks.plumes.retrieval.retrieval_files import write_retrieval
from levelworks.plumes.retrieval.retrieval_options import Retrieve
from levelworks.plumes.retrieval.scene_planes import Bands, Planes, consecutive, find_planes
from levelworks.plumes.scene import Scene

SAMPLED_COLUMNS = 16
DARK = 5.0
"""Times the least radiance of a spectrum, which a band must reach in the median."""
KEPT_BANDS = 80
"""Bands of a window that are read once for all columns; those of wider ones are read block by block."""
LEAST_BANDS = 5
"""In a window, below which a filter can't tell a gas from a surface."""

MOST_DEAD = 0.25
"""Share of a window's bands from which on a detector column without them is not filtered."""


@dataclass(frozen=True, eq=False)
class GasWindow:
    """A gas, the kind of window, the bands of the scene in it, and a, b, c of their noise, (3, bands)."""

    gas: str
    kind: str
    bands: np.ndarray
    noise: np.ndarray


def retrieve(
    radiance: Path,
    observations: Path | None,
    mask: Path | None,
    land: Path | None,
    absorption: Path,
    excluded: Path | None,
    enhancement: Path,
    options: Retrieve,
    *,
    dem: Path | None = None,
    noise: Path | None = None,
) -> Outcome:
    """Retrieve the gases of a scene.

    Parameters
    ----------
    land : Path or None
        Map of land and water.
    excluded : Path or None
        Product of `mask-plumes`: what is left out of the statistics.
    enhancement : Path
        Written by rank 0.
    dem : Path, optional
        Elevation model, of EnMAP and PRISMA.
    noise : Path, optional
        Table of the instrument's noise; that of the sensor without one.

    Raises
    ------
    NothingToProduce
        Where no pixel can be filtered: all cloud, all water, all fill.
    """
    communicator = mpi.world()
    tables = read_absorption(absorption)
    with open_scene(radiance, observations, mask, terrain=dem) as scene:
        windows = _windows(scene, tables, options, noise)
        size = max(group_size(one.bands.size, scene.rows, options.columns_per_group) for one in windows)
        groups = mpi.blocks(scene.columns, size)
        share = mpi.split(len(groups), communicator.size, communicator.rank)
        mine = [groups[index] for index in share]
        columns = range(mine[0].start, mine[-1].stop) if mine else range(0)
        # The bands that planes are made of are read with those of a window that fits the memory.
        kept = [one for one in windows if one.bands.size <= KEPT_BANDS]
        bands = Bands.of(scene, np.unique(np.concatenate([windows[0].bands[::4], *(one.bands for one in kept)])))
        with mpi.together(communicator):
            spectra = _read(scene, columns, bands.read)
        first = bands.places(kept[0].bands if kept else windows[0].bands[::4])
        planes = find_planes(scene, spectra, columns, bands, first, options, _land(land, scene), communicator)
        if planes.unfit(options).all():
            raise NothingToProduce(_why_nothing(planes))
        background = planes.background(options, _excluded(excluded, scene))
        results: dict[tuple[str, str], Retrieved] = {}
        empty: list[GasWindow] = []
        for one in windows:
            with mpi.together(communicator):
                if one in kept:
                    own = spectra[..., consecutive(bands.places(one.bands))]
                    part = _filter(scene, own, columns, mine, one, tables, planes, background, options)
                else:
                    part = _filter_in_blocks(scene, mine, one, tables, planes, background, options)
            if not any(communicator.allgather(bool(np.isfinite(part.slant).any()))):
                empty.append(one)
            gathered = communicator.gather(part)
            if gathered is not None:
                results[one.gas, one.kind] = _joined(gathered)
        if len(empty) == len(windows):
            raise NothingToProduce("no pixel can be filtered (every spectrum is dark or not a number in some band)")
        quality: dict[str, float] = {}
        if communicator.rank == 0:
            layers = [gas_layers(gas, results, scene, planes, background, options) for gas in options.gases]
            quality = {key: value for one in layers for key, value in one.quality.items()}
            sources = {"source_file": radiance.name, "land_mask_source": land.name if land is not None else "radiance"}
            write_retrieval(enhancement, scene, planes, layers, sources, options)
        shares = {f"{name}_share": float((planes.flags & FLAGS[name] > 0).mean()) for name in ("cloud", "water")}
        lacking = [f"{one.gas}: {_why_empty(scene, one, options)}" for one in empty if one.kind == options.primary]
        return Outcome(quality={**quality, **shares}, warnings=(*scene.notes, *lacking))


def _windows(scene: Scene, tables: dict[str, Absorption], options: Retrieve, noise: Path | None) -> list[GasWindow]:
    """Return what is to be filtered; bands that a gas's absorption does not cover are left out."""
    found = []
    kinds = ("narrow", "wide") if options.windows == "both" else (options.primary,)
    never = scene.spectral.within(options.excluded_bands)
    for gas in options.gases:
        if gas not in tables:
            raise InvalidReference(f"the product of absorption has {', '.join(tables) or 'no gas'}, not {gas}")
        covered = np.isfinite(tables[gas].ln_transmittance).all(axis=(0, 2))
        for kind in kinds:
            inside = scene.spectral.within(options.windows_of(gas, kind))  # type: ignore[arg-type]
            bands = _lit(scene, np.setdiff1d(inside[covered[inside]], never), options)
            if bands.size < LEAST_BANDS:
                raise InvalidInput(
                    f"{scene.name} has {bands.size} bands in the {kind} window of {gas} with known absorption; "
                    f"at least {LEAST_BANDS} are needed"
                )
            found.append(GasWindow(gas, kind, bands, noise_of(scene.sensor, scene.spectral.mean[bands], noise)))
    return found


def _lit(scene: Scene, bands: np.ndarray, options: Retrieve) -> np.ndarray:
    """Return the bands that are bright enough, by the median of some columns: water vapour makes others black.

    A band without any number is left out too: with it no spectrum would be whole.
    """
    if bands.size == 0:
        return bands
    step = max(1, scene.columns // SAMPLED_COLUMNS)
    sample = np.concatenate([scene.read(range(at, at + 1), bands)[0] for at in range(step // 2, scene.columns, step)])
    measured = np.isfinite(sample).any(axis=0)
    if measured.any():
        bands, sample = bands[measured], sample[:, measured]
    known = sample[np.isfinite(sample).all(axis=1)]
    if known.shape[0] == 0:
        return bands
    return bands[np.median(known, axis=0) > DARK * options.min_radiance]


def _read(scene: Scene, columns: range, bands: np.ndarray) -> np.ndarray:
    """Read spectra; in bands that are dead in a column stand its neighbours', which no filter uses."""
    spectra = scene.read(columns, bands)
    bridge(spectra, dead_elements(scene, columns, bands))
    return spectra


def _excluded(path: Path | None, scene: Scene) -> np.ndarray | None:
    """Return what is left out of the statistics, (columns, rows); None where there is nothing to leave out."""
    if path is None:
        return None
    with open_layers(path) as layers:
        if "excluded" not in layers:
            return None
        found = layers.read("excluded").astype(bool)
    if found.shape != (scene.rows, scene.columns):
        raise InvalidInput(f"{path} has {found.shape} pixels, the scene {(scene.rows, scene.columns)}")
    return found.T


def _land(path: Path | None, scene: Scene) -> np.ndarray | None:
    if path is None:
        return None
    return read_land(path, scene.geometry.longitude, scene.geometry.latitude).T


def _scored(one: GasWindow, options: Retrieve) -> bool:
    return one.kind == options.primary and options.detector_score == "on"


def _why_nothing(planes: Planes) -> str:
    shares = {name: float((planes.flags & FLAGS[name] > 0).mean()) for name in ("fill", "cloud", "cirrus", "water")}
    listed = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items() if share > 0)
    return f"no pixel can be filtered ({listed or 'too dark'})"


def _why_empty(scene: Scene, one: GasWindow, options: Retrieve) -> str:
    """Return why a gas has no number in a scene where others have some."""
    window = ", ".join(f"{low:g}-{high:g} nm" for low, high in options.windows_of(one.gas, options.primary))
    dead = dead_elements(scene, range(scene.columns), one.bands).mean(axis=1)
    if (dead > MOST_DEAD).all():
        return f"no pixel can be filtered: every detector column is dead in more than {MOST_DEAD:.0%} of {window}"
    return (
        f"no pixel can be filtered: every spectrum is dark (below {options.min_radiance:g} uW cm-2 sr-1 nm-1) or not a "
        f"number in some band of {window}"
    )


def _filter(
    scene: Scene,
    spectra: np.ndarray,
    columns: range,
    groups: list[range],
    one: GasWindow,
    tables: dict[str, Absorption],
    planes: Planes,
    background: np.ndarray,
    options: Retrieve,
) -> Retrieved:
    """Filter some groups of columns whose spectra have been read."""
    table = tables[one.gas]
    method, strong = options.filters
    settings = Settings(
        method, options.least_pixels, options.shrinkage, options.destripe == "on", _scored(one, options), strong
    )
    threshold = options.strong_column(one.gas) * air_mass_of(scene, options) if strong else None
    wanted = ~planes.unfit(options)
    parts = []
    size = group_size(one.bands.size, scene.rows, options.columns_per_group)
    for group in (range(own.start, own.stop) for whole in groups for own in _pieces(whole, size)):
        place = slice(group.start - columns.start, group.stop - columns.start)
        own = slice(group.start, group.stop)
        block = spectra[place]
        dead = dead_elements(scene, group, one.bands)
        # A group goes without every band that is dead in one of its columns: one that has lost most is left out itself.
        lost = dead.mean(axis=1) > MOST_DEAD
        fit = wanted[own] & (dimmest(block) > options.min_radiance) & ~lost[:, None]
        alive = ~dead[~lost].any(axis=0)
        if alive.sum() < LEAST_BANDS:
            parts.append(Retrieved.of_nothing(len(group), scene.rows))
            continue
        if not alive.all():
            block = block[..., alive]
        window = Window(
            one.bands[alive],
            table.ln_transmittance[:, one.bands[alive]],
            table.slant_columns,
            one.noise[:, alive],
        )
        part = retrieve_group(
            block,
            group,
            window,
            planes.labels[own],
            background[own] & fit,
            fit,
            settings,
            None if threshold is None else threshold[own],
        )
        parts.append(part)
    return _joined(parts) if parts else Retrieved.of_nothing(0, scene.rows)


def _pieces(columns: range, size: int) -> list[range]:
    """Cut the columns of a unit of work into groups that share a covariance."""
    return [range(columns[part.start], columns[part.stop - 1] + 1) for part in mpi.blocks(len(columns), size)]


def _filter_in_blocks(
    scene: Scene,
    groups: list[range],
    one: GasWindow,
    tables: dict[str, Absorption],
    planes: Planes,
    background: np.ndarray,
    options: Retrieve,
) -> Retrieved:
    """Filter groups of columns block by block, as all spectra of a wide window would fill the memory."""
    parts = []
    size = max(1, options.block_columns // max(len(groups[0]), 1)) if groups else 1
    for block in mpi.blocks(len(groups), size):
        chosen = [groups[index] for index in block]
        columns = range(chosen[0].start, chosen[-1].stop)
        spectra = _read(scene, columns, one.bands)
        parts.append(_filter(scene, spectra, columns, chosen, one, tables, planes, background, options))
    return _joined(parts) if parts else Retrieved.of_nothing(0, scene.rows)


def _joined(parts: list[Retrieved]) -> Retrieved:
    names = list(vars(parts[0]))
    return Retrieved(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
