"""Hermite interpolation of state vectors: degree 7, through positions and velocities of four nodes."""

from __future__ import annotations

import numpy as np

NODES = 4


def interpolate(
    nodes: np.ndarray, positions: np.ndarray, velocities: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate positions and their derivatives.

    Parameters
    ----------
    nodes : ndarray, shape (n,), float64
        Times of the state vectors, ascending, at least four.
    positions, velocities : ndarray, shape (n, 3), float64
    times : ndarray, float64

    Returns
    -------
    positions, velocities : ndarray, shape (..., 3), float64
        Of the polynomial through the two nodes before and the two after each time (four at an end).

    Notes
    -----
    ``p(t) = sum_k [1 - 2 (t - t_k) L_k'(t_k)] L_k(t)^2 p_k + (t - t_k) L_k(t)^2 v_k`` (specs/insar.md 4.3).
    """
    flat = np.asarray(times, np.float64).reshape(-1)
    first = np.clip(np.searchsorted(nodes, flat, side="right") - NODES // 2, 0, nodes.size - NODES)
    which = first[:, None] + np.arange(NODES)
    at, from_node = nodes[which], flat[:, None] - nodes[which]
    position, velocity = np.zeros((flat.size, 3)), np.zeros((flat.size, 3))
    for k in range(NODES):
        others = [j for j in range(NODES) if j != k]
        apart = at[:, [k]] - at[:, others]
        basis = (from_node[:, others] / apart).prod(axis=1)
        slope = np.zeros(flat.size)
        for j in range(NODES - 1):
            rest = [i for i in range(NODES - 1) if i != j]
            slope += (from_node[:, [others[i] for i in rest]] / apart[:, rest]).prod(axis=1) / apart[:, j]
        at_node = (1 / apart).sum(axis=1)
        t = from_node[:, k]
        weight_p, weight_v = (1 - 2 * t * at_node) * basis**2, t * basis**2
        slope_p = -2 * at_node * basis**2 + (1 - 2 * t * at_node) * 2 * basis * slope
        slope_v = basis**2 + t * 2 * basis * slope
        p, v = positions[which[:, k]], velocities[which[:, k]]
        position += weight_p[:, None] * p + weight_v[:, None] * v
        velocity += slope_p[:, None] * p + slope_v[:, None] * v
    shape = (*np.shape(times), 3)
    return position.reshape(shape), velocity.reshape(shape)
