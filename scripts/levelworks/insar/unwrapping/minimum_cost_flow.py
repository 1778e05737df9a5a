"""Unwrap by minimum-cost flow: the cycles that explain all residues and are the least unlikely together."""

from __future__ import annotations

import numpy as np

from levelworks.insar.interferograms.phase_noise import phase_variance
from levelworks.insar.unwrapping.edge_costs_kernels import fill_costs
from levelworks.insar.unwrapping.flow_graph_kernels import build_graph, integrate_cycles, join_loops, wrap_edges
from levelworks.insar.unwrapping.flow_kernels import send_flow

GROUND_VARIANCE = 0.1
"""rad2, that the phase itself may change between neighbours besides the ramp around them."""


def minimum_cost_cycles(
    phase: np.ndarray, coherence: np.ndarray, valid: np.ndarray, looks: float, window: int = 5
) -> np.ndarray:
    """Find the whole cycles to add to each pixel of a wrapped phase.

    The flow is exact: no other set of cycles on edges costs less. Costs are integers and ties go to the first node,
    so that the same phase gives the same cycles everywhere.

    Parameters
    ----------
    phase : ndarray, shape (rows, columns), float32
        Wrapped, rad; what stands at pixels that are not valid is not read into any result.
    coherence : ndarray, shape (rows, columns), float32
    valid : ndarray, shape (rows, columns), bool
    looks : float
        Equivalent number of independent looks of a pixel.
    window : int
        Half the side of the square whose mean difference is expected of an edge.

    Returns
    -------
    ndarray, shape (rows, columns), int32
        Cycles to add, 0 at the first pixel of each region of valid pixels, and where there is no data.

    Notes
    -----
    Costantini (1998), doi:10.1109/36.673674, with the costs of Carballo and Fieguth (2000), doi:10.1109/36.868875.
    """
    phase, valid = np.ascontiguousarray(phase, np.float32), np.ascontiguousarray(valid, np.bool_)
    edges = np.empty((2, *phase.shape), np.int32)
    wrap_edges(phase, valid, edges)
    start, arcs, heads, excess = build_graph(valid, join_loops(valid), edges)
    if excess.any():
        up, down = np.empty_like(edges), np.empty_like(edges)
        variance = phase_variance(coherence, looks).astype(np.float32) + np.float32(GROUND_VARIANCE / 2)
        fill_costs(phase, valid, variance, window, up, down)
        flow = np.zeros_like(edges)
        send_flow(start, arcs, heads, excess, up.ravel(), down.ravel(), flow.ravel())
        edges += flow
    cycles, regions = np.empty(phase.shape, np.int32), np.empty(phase.shape, np.int32)
    integrate_cycles(valid, edges, cycles, regions)
    return cycles
