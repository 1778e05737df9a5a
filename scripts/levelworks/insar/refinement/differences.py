"""Values of nodes from measured differences between them: weighted least squares over a graph, its parts and loops.

Dates with shifts between them and bursts with phases between them are one problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Difference:
    """A measurement: the value of ``second`` less that of ``first``, and its standard deviation (above 0)."""

    first: str
    second: str
    value: float
    sigma: float


def components(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return the connected parts of a graph: nodes in order, parts in the order of their first nodes."""
    parent = {node: node for node in sorted(nodes)}

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, two in edges:
        first, second = sorted((root(one), root(two)))
        parent[second] = first
    parts: dict[str, list[str]] = {}
    for node in parent:
        parts.setdefault(root(node), []).append(node)
    return [tuple(part) for part in sorted(parts.values())]


def spanning_tree(nodes: Iterable[str], differences: Sequence[Difference]) -> list[int]:
    """Return which differences connect all that can be connected, the surest first (Kruskal 1956)."""
    order = sorted(range(len(differences)), key=lambda k: (differences[k].sigma, _name(differences[k])))
    group = {node: node for node in nodes}

    def root(node: str) -> str:
        while group[node] != node:
            node = group[node]
        return node

    chosen = []
    for k in order:
        one, two = root(differences[k].first), root(differences[k].second)
        if one != two:
            group[max(one, two)] = min(one, two)
            chosen.append(k)
    return chosen


def unchecked(nodes: Sequence[str], differences: Sequence[Difference]) -> list[int]:
    """Return the differences that no loop checks: without one of them a part would fall in two."""
    edges = [(item.first, item.second) for item in differences]
    parts = len(components(nodes, edges))
    return [k for k in range(len(edges)) if len(components(nodes, edges[:k] + edges[k + 1 :])) > parts]


def solve_differences(
    nodes: Sequence[str], differences: Sequence[Difference], fixed: Sequence[str], weights: np.ndarray | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Solve for the nodes' values by weighted least squares.

    Parameters
    ----------
    nodes : sequence of str
    differences : sequence of Difference
    fixed : sequence of str
        Nodes whose value is 0: one in each connected part.
    weights : ndarray, shape (differences,), optional
        Of the differences; ``1 / sigma^2`` where they aren't given.

    Returns
    -------
    values, sigmas : dict of str to float
        ``sigmas`` are the square roots of the diagonal of ``(A^T W A)^-1 A^T W S W A (A^T W A)^-1``, ``S`` the
        variances of the differences: with weights of least squares that is ``(A^T W A)^-1``.
    """
    free = [node for node in sorted(nodes) if node not in set(fixed)]
    column = {node: k for k, node in enumerate(free)}
    values, sigmas = dict.fromkeys(fixed, 0.0), dict.fromkeys(fixed, 0.0)
    if not free:
        return values, sigmas
    matrix = np.zeros((len(differences), len(free)))
    for k, item in enumerate(differences):
        for node, sign in ((item.first, -1.0), (item.second, 1.0)):
            if node in column:
                matrix[k, column[node]] = sign
    variance = np.array([item.sigma**2 for item in differences])
    weight = 1 / variance if weights is None else weights
    normal = matrix.T @ (weight[:, None] * matrix)
    gain = np.linalg.solve(normal, matrix.T * weight)
    found = gain @ np.array([item.value for item in differences])
    spread = np.sqrt(np.einsum("ij,j,ij->i", gain, variance, gain))
    values.update(zip(free, found.tolist(), strict=True))
    sigmas.update(zip(free, spread.tolist(), strict=True))
    return values, sigmas


def residuals(values: dict[str, float], differences: Sequence[Difference]) -> np.ndarray:
    """Return the measured differences less those of the values, float64."""
    return np.array([item.value - (values[item.second] - values[item.first]) for item in differences], np.float64)


def _name(item: Difference) -> tuple[str, str]:
    return item.first, item.second
