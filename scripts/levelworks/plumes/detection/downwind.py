"""What drifts downwind of a plume and is weaker than it is part of it: puffs that turbulence tore off.

Without this a meandering plume counts as many, each of which lacks the gas of the others. With it, a weaker source
that lies straight downwind of a stronger one counts as part of that one's plume; people's markers can part them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from levelworks.plumes.detection.plume_pieces import Piece, gap

HEAD_SHARE = 0.1
"""Part of a group's pixels, the most upwind ones, that are its head."""
STRONGEST = 5
"""Pixels whose mean stands for how strong a group is."""
SLACK = 3.0
"""Pixels that a puff may lie aside or upwind however near it is."""
FAR = 60.0
"""Pixels between boxes, from which their gap is not looked at more closely."""

Wind = Callable[[int, int], tuple[float, float] | None]
"""Direction to which the wind blows at a pixel, a unit vector (rows, columns) of the grid; None where unknown."""


@dataclass(frozen=True)
class _Group:
    pixels: np.ndarray
    strength: float
    head: np.ndarray
    axis: np.ndarray


def gather_downwind(
    groups: Sequence[list[int]],
    pieces: Sequence[Piece],
    enhancement: np.ndarray,
    wind: Wind,
    reach: float,
    widest: float,
) -> list[list[int]]:
    """Gather groups of pieces with those upwind of them that they come from.

    Parameters
    ----------
    groups : sequence of list of int
        Indices of pieces.
    enhancement : ndarray, shape (rows, columns)
        Not a number in gaps.
    reach : float
        Widest gap (pixels) between a puff and what is upwind of it.
    widest : float
        Half opening of the cone downwind of a head in which puffs lie (radians).

    Returns
    -------
    list of list of int
        Fewer groups of the same pieces; each begins with those of its head.
    """
    described = [_describe(group, pieces, enhancement, wind) for group in groups]
    axis = np.mean([one.axis for one in described], axis=0) if described else np.zeros(2)
    # from upwind on, so that a plume's own parts hand on those further downwind
    order = sorted(range(len(groups)), key=lambda one: (float(described[one].head @ axis), one))
    members: dict[int, list[int]] = {}
    for index in order:
        parent = _parent(described[index], described, members, reach, widest)
        if parent is None:
            members[index] = [index]
        else:
            members[parent].append(index)
    return [[piece for part in parts for piece in groups[part]] for parts in members.values()]


def _describe(group: list[int], pieces: Sequence[Piece], enhancement: np.ndarray, wind: Wind) -> _Group:
    pixels = np.concatenate([pieces[index].pixels for index in group])
    values = np.nan_to_num(enhancement[tuple(pixels.T)])
    strength = float(np.sort(values)[-STRONGEST:].mean())
    middle = np.round(pixels.mean(axis=0)).astype(int)
    found = wind(int(middle[0]), int(middle[1]))
    axis = np.array(found) if found is not None else np.zeros(2)
    along = pixels @ axis
    head = pixels[along <= np.quantile(along, HEAD_SHARE)].mean(axis=0)
    return _Group(pixels, strength, head, axis)


def _parent(
    one: _Group,
    described: Sequence[_Group],
    members: dict[int, list[int]],
    reach: float,
    widest: float,
) -> int | None:
    """Return the plume that a group comes from: of stronger ones whose cone holds it, the one with the nearest axis."""
    best: tuple[float, int] | None = None
    for root, parts in members.items():
        leader = described[root]
        if not leader.axis.any() or leader.strength < one.strength:
            continue
        offset = one.head - leader.head
        along = float(offset @ leader.axis)
        across = abs(float(offset @ np.array([-leader.axis[1], leader.axis[0]])))
        if along < -SLACK or across > SLACK + np.tan(widest) * max(along, 0.0):
            continue
        if min(_gap(described[part], one) for part in parts) > reach:
            continue
        turn = across / max(along, 1.0)
        if best is None or (turn, root) < best:
            best = (turn, root)
    return best[1] if best else None


def _gap(first: _Group, second: _Group) -> float:
    """Return the gap between two groups; a quick bound by their boxes first."""
    low = np.maximum(first.pixels.min(axis=0) - second.pixels.max(axis=0), 0)
    high = np.maximum(second.pixels.min(axis=0) - first.pixels.max(axis=0), 0)
    bound = float(np.hypot(*np.maximum(low + high - 1, 0)))
    return bound if bound > FAR else gap(first.pixels, second.pixels)
