"""Dark targets of a scene: cells of its field taken together by place and by colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.ard.aerosol.coarse import WATER, CoarseScene
from levelworks.ard.aerosol.inversion import RadiativeTransfer, Sites, air_above, ground_reflectance
from levelworks.ard.aerosol.scene_fit import Targets
from levelworks.ard.aerosol.surroundings import square_means

COLOUR_STEP = 0.2
"""Size of a kind in logarithms of NIR, SWIR1 and SWIR2 for vegetation, of GREEN and RED for water."""
MOST_KINDS = 48
"""Kinds of a scene that are looked at: those with the most pixels."""
MOST_IN_BLOCK = 6
"""Kinds of one block that are looked at."""
BLACKEST = 0.001
"""Reflectance in blue light that all ground has."""
MOST_DARK = 0.5
"""Share of targets in shadow beyond which the others are taken to be half in it."""
VEGETATION_SHARE, WATER_SHARE = 0.1, 0.6
"""Least share of a cell's pixels that must be a target: few pixels of vegetation are enough, water must be open."""


@dataclass(frozen=True)
class Cells:
    """Cells of the field that hold a kind of targets.

    Parameters
    ----------
    reflectance : ndarray, shape (bands, cells), float64
        At the top of the atmosphere.
    squares : ndarray, shape (squares, bands, cells), float32, optional
        Means of the clear pixels around, where light from the side counts.
    count : ndarray, shape (cells,), float64
    sites : Sites
    block : ndarray, shape (cells,), int64
        Number of the block in which each lies.
    kind : ndarray, shape (cells,), int64
        Number of its colour.
    """

    reflectance: np.ndarray
    squares: np.ndarray | None
    count: np.ndarray
    sites: Sites
    block: np.ndarray
    kind: np.ndarray

    def __len__(self) -> int:
        return len(self.count)


def target_cells(
    scene: CoarseScene, kinds: tuple[int, ...], sites: Sites, block_side: int, *, adjacency: bool
) -> Cells | None:
    """Collect the cells with enough pixels of one sort of targets.

    Parameters
    ----------
    kinds : tuple of int
        ``(DARK_VEGETATION, VEGETATION)``, each by itself, or ``(WATER,)``.
    sites : Sites
        Of all cells of the field, in the order of its rows.
    block_side : int
        Cells along a side of a block.
    adjacency : bool
        Light from the side counts.

    Returns
    -------
    Cells or None
        None where there is none.
    """
    rows, columns = np.indices(scene.shape)
    block = (rows // block_side) * -(-scene.shape[1] // block_side) + columns // block_side
    parts = []
    for kind in kinds:
        share = WATER_SHARE if kind == WATER else VEGETATION_SHARE
        index = np.flatnonzero(scene.counts[kind] >= max(1.0, share * scene.step**2))
        if not len(index):
            continue
        reflectance = scene.mean(kind).reshape(len(scene.bands), -1)[:, index]
        names = ("GREEN", "RED") if kind == WATER else ("NIR", "SWIR1", "SWIR2")
        parts.append(
            Cells(
                reflectance,
                square_means(scene, index) if adjacency else None,
                scene.counts[kind].ravel()[index].astype(np.float64),
                sites.take(index),
                block.ravel()[index],
                _colour_numbers(np.stack([reflectance[scene.bands.index(name)] for name in names])),
            )
        )
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else _joined(parts)


def lit_cells(
    cells: Cells | None, tables: RadiativeTransfer, model: str, bands: Sequence[str]
) -> tuple[Cells | None, float]:
    """Leave out cells that are darker in blue light than air without aerosol over nearly black ground.

    Such targets lie in a shadow that the masks missed.

    Returns
    -------
    cells : Cells or None
        None where most are too dark: then none of them can be trusted.
    share : float
        Of cells that are too dark.
    """
    if cells is None:
        return None, 0.0
    index = [number for number, name in enumerate(bands) if name in ("ULTRABLUE", "BLUE")]
    names = [bands[number] for number in index]
    air = air_above(tables, model, names, cells.sites.with_load(np.zeros(len(cells))), np.zeros(1), 0.0)
    lit = (ground_reflectance(air, cells.reflectance[index])[:, 0] > BLACKEST).all(axis=0)
    share = 1.0 - float(lit.mean())
    if share > MOST_DARK:
        return None, share
    keep = np.flatnonzero(lit)
    squares = None if cells.squares is None else cells.squares[:, :, keep]
    return (
        Cells(
            cells.reflectance[:, keep],
            squares,
            cells.count[keep],
            cells.sites.take(keep),
            cells.block[keep],
            cells.kind[keep],
        ),
        share,
    )


def _joined(parts: list[Cells]) -> Cells:
    squares = [one.squares for one in parts]
    sites = {name: np.concatenate([getattr(one.sites, name) for one in parts]) for name in Sites.__dataclass_fields__}
    return Cells(
        np.concatenate([one.reflectance for one in parts], axis=1),
        None if squares[0] is None else np.concatenate(squares, axis=2),  # type: ignore[arg-type]
        np.concatenate([one.count for one in parts]),
        Sites(**sites),
        np.concatenate([one.block for one in parts]),
        np.concatenate([one.kind for one in parts]),
    )


def _colour_numbers(values: np.ndarray) -> np.ndarray:
    """Return one whole number for each cube of colours, (cells,) int64."""
    steps = np.floor(np.log(np.maximum(values, 1e-3)) / COLOUR_STEP).astype(np.int64) + 64
    number = np.zeros(values.shape[1], np.int64)
    for one in steps:
        number = number * 128 + one
    return number


def grouped(cells: Cells, groups: np.ndarray, shares: np.ndarray | None) -> tuple[Targets, np.ndarray]:
    """Take cells together, weighted by their pixels.

    Parameters
    ----------
    groups : ndarray, shape (cells,), int64
    shares : ndarray, shape (squares, bands), optional
        Of the squares around.

    Returns
    -------
    targets : Targets
        In the order of the groups' numbers.
    first : ndarray, shape (targets,)
        Place of the first cell of each.
    """
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    count = np.bincount(inverse, cells.count)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(inverse, cells.count * one) / count for one in values])

    around = None
    if cells.squares is not None and shares is not None:
        around = mean(np.einsum("sbc,sb->bc", cells.squares, shares))
    sites = cells.sites.means(inverse, cells.count, len(count))
    return Targets(mean(cells.reflectance), around, sites, count), first


def kinds_of(cells: Cells, shares: np.ndarray | None) -> Targets:
    """Take the cells of each colour together, those with the most pixels first."""
    targets, _ = grouped(cells, cells.kind, shares)
    order = np.argsort(-targets.count, kind="stable")[:MOST_KINDS]
    return take(targets, order)


def kinds_in_blocks(cells: Cells, shares: np.ndarray | None) -> tuple[Targets, np.ndarray, np.ndarray]:
    """Take the cells of each colour together block by block.

    Returns
    -------
    targets : Targets
    block, kind : ndarray, shape (targets,)
        Numbers of the block and of the colour; colours counted from 0.
    """
    _, colour = np.unique(cells.kind, return_inverse=True)
    colours = int(colour.max()) + 1
    targets, first = grouped(cells, cells.block * colours + colour, shares)
    block, kind = cells.block[first], colour[first]
    order = np.lexsort((-targets.count, block))
    starts = np.searchsorted(block[order], block[order], side="left")
    keep = np.sort(order[np.arange(len(order)) - starts < MOST_IN_BLOCK])
    return take(targets, keep), block[keep], kind[keep]


def take(targets: Targets, index: np.ndarray) -> Targets:
    """Return some of the targets."""
    around = None if targets.surroundings is None else targets.surroundings[:, index]
    return Targets(targets.reflectance[:, index], around, targets.sites.take(index), targets.count[index])
