"""Places the nodes of a directed graph in layers from top to bottom (Sugiyama, Tagawa and Toda 1981)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 24
GAP = 26.0
"""Between neighbours of a layer."""
BEND = 10.0
"""Width that an edge takes where it passes a layer."""

Node = str | tuple[str, str, int]
"""A node of the graph, or where an edge passes a layer: the edge's ends and the layer."""
Edge = tuple[str, str]


@dataclass(frozen=True)
class Layout:
    """Centre and layer of each node, and the centres and layers that each edge passes, in the unit of the widths."""

    nodes: dict[str, tuple[float, int]]
    edges: dict[Edge, list[tuple[float, int]]]
    width: float
    layers: int


def arrange(nodes: Sequence[str], edges: Sequence[Edge], widths: Mapping[str, float]) -> Layout:
    """Place nodes so that edges go down, cross seldom and are short.

    Parameters
    ----------
    nodes, edges : sequence
        Of a graph that does not go round.
    widths : mapping of str to float
        Width of each node.
    """
    layer = _layers(nodes, edges)
    rows: list[list[Node]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for node in nodes:
        rows[layer[node]].append(node)
    above: dict[Node, list[Node]] = {}
    below: dict[Node, list[Node]] = {}
    chains: dict[Edge, list[Node]] = {}
    for first, second in edges:
        bends: list[Node] = [(first, second, row) for row in range(layer[first] + 1, layer[second])]
        chains[first, second] = [first, *bends, second]
        for bend, row in zip(bends, range(layer[first] + 1, layer[second]), strict=True):
            rows[row].append(bend)
        for upper, lower in pairwise(chains[first, second]):
            below.setdefault(upper, []).append(lower)
            above.setdefault(lower, []).append(upper)
    rows = _ordered(rows, above, below)
    wide = {node: widths[node] if isinstance(node, str) else BEND for row in rows for node in row}
    x = _places(rows, above, below, wide)
    left = min((x[node] - wide[node] / 2 for node in wide), default=0.0)
    right = max((x[node] + wide[node] / 2 for node in wide), default=0.0)
    row_of = {node: row for row, members in enumerate(rows) for node in members}
    return Layout(
        {node: (x[node] - left, layer[node]) for node in nodes},
        {edge: [(x[node] - left, row_of[node]) for node in chain] for edge, chain in chains.items()},
        right - left,
        len(rows),
    )


def _layers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Put each node below all that lead to it; what nothing leads to stands just above what it leads to."""
    layer = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for first, second in edges:
            layer[second] = max(layer[second], layer[first] + 1)
    ends = {second for _, second in edges}
    for node in nodes:
        reached = [layer[second] for first, second in edges if first == node]
        if node not in ends and reached:
            layer[node] = min(reached) - 1
    return layer


def _ordered(
    rows: list[list[Node]], above: Mapping[Node, list[Node]], below: Mapping[Node, list[Node]]
) -> list[list[Node]]:
    """Order layers by the means of their neighbours' places, down and up again; keep what crosses least."""
    best, least = rows, crossings(rows, below)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        beside = above if down else below
        rows = [list(row) for row in rows]
        order = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for row in order:
            place = {node: index for index, node in enumerate(rows[row - 1 if down else row + 1])}
            own = {node: index for index, node in enumerate(rows[row])}
            rows[row].sort(key=_mean_place(beside, place, own))
        if (found := crossings(rows, below)) < least:
            best, least = rows, found
    return best


def _mean_place(
    beside: Mapping[Node, list[Node]], place: Mapping[Node, int], own: Mapping[Node, int]
) -> Callable[[Node], float]:
    def mean(node: Node) -> float:
        found = [place[one] for one in beside.get(node, ())]
        return sum(found) / len(found) if found else own[node]

    return mean


def crossings(rows: Sequence[Sequence[Node]], below: Mapping[Node, Sequence[Node]]) -> int:
    """Count how often edges between neighbouring layers cross."""
    found = 0
    for upper, lower in pairwise(rows):
        place = {node: index for index, node in enumerate(lower)}
        ends = [place[one] for node in upper for one in sorted(below.get(node, ()), key=place.__getitem__)]
        found += sum(first > second for index, first in enumerate(ends) for second in ends[index + 1 :])
    return found


def _places(
    rows: Sequence[Sequence[Node]],
    above: Mapping[Node, Sequence[Node]],
    below: Mapping[Node, Sequence[Node]],
    wide: Mapping[Node, float],
) -> dict[Node, float]:
    """Pull each node to the mean of its neighbours, or beside the node before, as far as those beside it let it."""
    x: dict[Node, float] = {}
    for row in rows:
        edge = 0.0
        for node in row:
            x[node] = edge + wide[node] / 2
            edge += wide[node] + GAP
        for node in row:
            x[node] -= (edge - GAP) / 2
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            wanted: list[float] = []
            for node in row:
                beside = [*above.get(node, ()), *below.get(node, ())]
                before = wanted[-1] if wanted else x[node]
                wanted.append(sum(x[one] for one in beside) / len(beside) if beside else before)
            apart = [(wide[first] + wide[second]) / 2 + GAP for first, second in pairwise(row)]
            x.update(zip(row, spread(wanted, apart), strict=True))
    return x


def spread(wanted: Sequence[float], apart: Sequence[float]) -> list[float]:
    """Return the places nearest to the wanted ones, in the sense of least squares, that are so far apart at least.

    By pooling adjacent violators (Barlow et al. 1972), as places less the sums of distances must not decrease.
    """
    offsets = [0.0]
    for distance in apart:
        offsets.append(offsets[-1] + distance)
    pools: list[tuple[float, int]] = []
    for place, offset in zip(wanted, offsets, strict=False):
        mean, number = place - offset, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean = (mean * number + other * others) / (number + others)
            number += others
        pools.append((mean, number))
    level = [mean for mean, number in pools for _ in range(number)]
    return [place + offset for place, offset in zip(level, offsets, strict=False)]
