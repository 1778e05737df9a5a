"""From where the sensor looks, on the field of an image: Landsat by its track, Sentinel-2 by the nodes of its metadata.

Directions are unit vectors (east, north, up) throughout; angles are made of them at the end (specs/ard.md 28 D5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

import numpy as np

from levelworks.ard.geometry.directions import to_angles
from levelworks.ard.geometry.places import centres, coordinates
from levelworks.ard.geometry.sun import sun_vectors
from levelworks.ard.geometry.track import Track
from levelworks.ard.scene import Angles, ImageGrid

NODE_SPACING = 3000.0
"""Metres between places at which directions along a track are computed."""


def nodes_about(field: ImageGrid, spacing: float = NODE_SPACING) -> ImageGrid:
    """Return a grid whose cells' centres are nodes about a field, the first on its upper-left corner."""
    rows, columns = (math.ceil(count * field.resolution / spacing) + 1 for count in field.shape)
    return ImageGrid(field.crs, field.west - spacing / 2, field.north + spacing / 2, spacing, rows, columns)


def directions_of_track(field: ImageGrid, track: Track, time: datetime) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors to sun and satellite where a satellite passes along its track.

    Both turn so slowly over the ground that they are computed every 3 km and interpolated, within 3e-6.

    Parameters
    ----------
    field : ImageGrid
    track : Track
    time : datetime
        At the centre of the scene; each line has the sun of the moment that it was seen.

    Returns
    -------
    sun, view : ndarray, shape (rows, columns, 3)
    """
    nodes = nodes_about(field)
    view, seconds = track.look(*coordinates(nodes))
    both = np.concatenate([sun_vectors(nodes, time, seconds=seconds), view], axis=-1)
    found = at_cells(both, (nodes.resolution, nodes.resolution), field.west, field.north, field)
    return found[..., :3], found[..., 3:]


def at_cells(
    nodes: np.ndarray, spacing: tuple[float, float], west: float, north: float, field: ImageGrid
) -> np.ndarray:
    """Interpolate nodes bilinearly to the centres of a field's cells; beyond the outer nodes their values hold.

    Parameters
    ----------
    nodes : ndarray, shape (rows, columns, n)
        The first stands at (`west`, `north`).
    spacing : tuple of float
        Metres between rows and between columns of nodes.

    Returns
    -------
    ndarray, shape (field.rows, field.columns, n)
    """
    x, y = centres(field)
    rows = _between(nodes, (north - y) / spacing[0], axis=0)
    return _between(rows, (x - west) / spacing[1], axis=1)


def _between(nodes: np.ndarray, places: np.ndarray, *, axis: int) -> np.ndarray:
    places = np.clip(places, 0.0, nodes.shape[axis] - 1.0)
    before = np.minimum(places.astype(int), max(nodes.shape[axis] - 2, 0))
    after = np.minimum(before + 1, nodes.shape[axis] - 1)
    share = (places - before).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    return np.asarray(nodes.take(before, axis) * (1.0 - share) + nodes.take(after, axis) * share)


def extend_by_plane(nodes: np.ndarray) -> np.ndarray:
    """Fill nodes outside a detector with the plane through those inside.

    A detector's directions are planes in the ground's coordinates within 0.02 degrees over a tile. Where fewer than
    three nodes, or nodes in one line, are known, their mean stands everywhere.

    Parameters
    ----------
    nodes : ndarray, shape (rows, columns, 3)
        NaN where the detector did not look.
    """
    known = np.isfinite(nodes).all(axis=-1)
    if known.all() or not known.any():
        return nodes
    row, column = np.indices(known.shape)
    terms = np.stack([np.ones(known.shape), row, column], axis=-1)
    if np.linalg.matrix_rank(terms[known]) < 3:
        plane = np.broadcast_to(nodes[known].mean(axis=0), nodes.shape)
    else:
        coefficients = np.linalg.lstsq(terms[known], nodes[known], rcond=None)[0]
        plane = (terms[..., None] * coefficients).sum(axis=-2)
    return np.where(known[..., None], nodes, plane)


def view_of_detectors(
    detectors: Mapping[int, np.ndarray],
    spacing: tuple[float, float],
    west: float,
    north: float,
    field: ImageGrid,
    footprint: np.ndarray | None = None,
) -> np.ndarray:
    """Return unit vectors to the satellite of a band that several detectors saw.

    Parameters
    ----------
    detectors : mapping of int to ndarray, shape (rows, columns, 3)
        Unit vectors at nodes by the detector's number; NaN where it did not look.
    footprint : ndarray of int, shape (field.rows, field.columns), optional
        The detector that saw each cell, 0 where none did. Without it, detectors are weighted by how many of the
        nodes about a cell they saw.

    Returns
    -------
    ndarray, shape (field.rows, field.columns, 3)
        NaN where no detector looked.
    """
    total = np.zeros((field.rows, field.columns, 3))
    weight = np.zeros((field.rows, field.columns, 1))
    for number, nodes in sorted(detectors.items()):
        known = np.isfinite(nodes).all(axis=-1, keepdims=True)
        if not known.any():
            continue
        share = at_cells(known.astype(float), spacing, west, north, field)
        if footprint is not None:
            # A footprint read at a coarser resolution may name a detector by mistake where it borders no data.
            share = np.where((footprint == number)[..., None] & (share > 0.0), 1.0, 0.0)
        total += share * at_cells(extend_by_plane(nodes), spacing, west, north, field)
        weight += share
    length = np.linalg.norm(total, axis=-1, keepdims=True)
    return np.divide(total, length, out=np.full_like(total, np.nan), where=(weight > 0.0) & (length > 0.0))


def mean_over_bands(bands: list[np.ndarray]) -> np.ndarray:
    """Return the mean direction of bands' unit vectors, each cell over the bands that looked; NaN where none did."""
    total = np.zeros_like(bands[0])
    for vectors in bands:
        total += np.where(np.isfinite(vectors), vectors, 0.0)
    length = np.linalg.norm(total, axis=-1, keepdims=True)
    return np.divide(total, length, out=np.full_like(total, np.nan), where=length > 0.0)


def angles_of(sun: np.ndarray, view: np.ndarray) -> Angles:
    """Return the angles of unit vectors to sun and satellite, both of shape (rows, columns, 3)."""
    pairs = [*to_angles(sun), *to_angles(view)]
    return Angles(*(values.astype(np.float32) for values in pairs))
