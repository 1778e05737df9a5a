"""Compiled minimum-cost flow by successive shortest paths (Ahuja, Magnanti and Orlin 1993, section 9.7).

Each search begins at one loop with cycles too many, and ends at the first with too few; only potentials of the nodes
that it settled change, so that its price is that of its surroundings. Searches are first short: most residues have
their partner beside them. A search that ends without a partner keeps the potentials, and none of its work is lost.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FAR = np.int64(1) << 40
NODE_BITS = 31


@njit(cache=True, nogil=True)
def _push(heap, size, key):  # type: ignore[no-untyped-def]
    """Put a key into a heap that has room."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= key:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = key


@njit(cache=True, nogil=True)
def _pop(heap, size):  # type: ignore[no-untyped-def]
    """Return the least key of a heap of that size, and close the gap."""
    least, key = heap[0], heap[size - 1]
    size -= 1
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= key:
            break
        heap[at] = heap[below]
        at = below
    heap[at] = key
    return least


@njit(cache=True, nogil=True)
def _cost(flow, up, down, arc):  # type: ignore[no-untyped-def]
    """Return what one more unit costs on an arc in its direction."""
    edge = arc >> 1
    if arc & 1:
        return -up[edge] if flow[edge] > 0 else down[edge]
    return -down[edge] if flow[edge] < 0 else up[edge]


@njit(cache=True, nogil=True)
def send_flow(
    start: np.ndarray,
    arcs: np.ndarray,
    heads: np.ndarray,
    excess: np.ndarray,
    up: np.ndarray,
    down: np.ndarray,
    flow: np.ndarray,
) -> int:
    """Send all excess to where it is lacking at the least cost; return how many units moved.

    Parameters
    ----------
    start, arcs, heads, excess : ndarray, int32
        The graph; excess is 0 when it ends.
    up, down : ndarray, shape (edges,), int32
        Cost of each cycle added to or taken off an edge, > 0.
    flow : ndarray, shape (edges,), int32
        Cycles added to each edge; 0 at the beginning.
    """
    nodes = start.size - 1
    potential, distance = np.zeros(nodes, np.int64), np.full(nodes, FAR, np.int64)
    through, before = np.empty(nodes, np.int32), np.empty(nodes, np.int32)
    settled = np.zeros(nodes, np.bool_)
    reached = np.empty(nodes, np.int32)
    heap = np.empty(1024, np.int64)
    sources = np.flatnonzero(excess > 0).astype(np.int32)
    moved, limit = 0, 32
    mask = (np.int64(1) << NODE_BITS) - 1
    while sources.size:
        left = 0
        for source in sources:
            while excess[source] > 0:
                count, size, ended, last = 1, 1, -1, np.int64(0)
                reached[0], distance[source], heap[0] = source, 0, source
                scanned = 0
                while size:
                    key = _pop(heap, size)
                    size -= 1
                    node, far = key & mask, key >> NODE_BITS
                    if settled[node]:
                        continue
                    last = far
                    if excess[node] < 0:
                        ended = node
                        break
                    if scanned > limit:
                        break
                    settled[node] = True
                    scanned += start[node + 1] - start[node]
                    if size + start[node + 1] - start[node] > heap.size:
                        larger = np.empty(2 * (size + start[node + 1] - start[node]), np.int64)
                        larger[:size] = heap[:size]
                        heap = larger
                    for k in range(start[node], start[node + 1]):
                        head = heads[k]
                        if settled[head]:
                            continue
                        there = far + _cost(flow, up, down, arcs[k]) + potential[node] - potential[head]
                        if there < distance[head]:
                            if distance[head] == FAR:
                                reached[count] = head
                                count += 1
                            distance[head], through[head], before[head] = there, arcs[k], node
                            _push(heap, size, (there << NODE_BITS) | head)
                            size += 1
                if ended >= 0:
                    node = ended
                    while node != source:
                        flow[through[node] >> 1] += -1 if through[node] & 1 else 1
                        node = before[node]
                    excess[source] -= 1
                    excess[ended] += 1
                    moved += 1
                for k in range(count):
                    node = reached[k]
                    if settled[node]:
                        potential[node] += distance[node] - last
                        settled[node] = False
                    distance[node] = FAR
                if ended < 0:
                    break
            if excess[source] > 0:
                sources[left] = source
                left += 1
        if limit > 8 * arcs.size:
            break
        sources = sources[:left].copy()
        limit *= 8
    return moved
