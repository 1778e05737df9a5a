"""What drifts downwind of a plume is joined to it; other sources are not."""

from __future__ import annotations

import numpy as np

from levelworks.plumes.detection.detect import Criteria, find_plumes
from levelworks.plumes.detection.downwind import gather_downwind
from levelworks.plumes.detection.plume_pieces import Piece

EAST = (0.0, 1.0)
SHAPE = (80, 120)


def blob(row: int, column: int, size: int = 4) -> np.ndarray:
    rows, columns = np.mgrid[row - size : row + size + 1, column - size : column + size + 1]
    return np.stack([rows.ravel(), columns.ravel()], axis=1)


def gather(places: list[tuple[int, int, float]], wind=EAST, reach: float = 10.0, widest: float = 0.6) -> list[set[int]]:
    """Gather blobs (row, column, strength), each a group of its own."""
    field = np.zeros(SHAPE)
    pieces = []
    for row, column, strength in places:
        pixels = blob(row, column)
        field[tuple(pixels.T)] = strength
        pieces.append(Piece(pixels, strength, (row, column), None))
    found = gather_downwind([[i] for i in range(len(pieces))], pieces, field, lambda *_: wind, reach, widest)
    return sorted((set(group) for group in found), key=min)


def test_puffs_in_a_row_are_one_plume_in_any_order_of_strength() -> None:
    assert gather([(40, 20, 9), (40, 34, 3), (40, 48, 5), (40, 62, 4)]) == [{0, 1, 2, 3}]


def test_stronger_puff_downwind_is_a_source_of_its_own() -> None:
    assert gather([(40, 20, 3), (40, 34, 9), (40, 48, 2)]) == [{0}, {1, 2}]


def test_puffs_upwind_aside_or_far_away_are_not_joined() -> None:
    assert gather([(40, 60, 9), (40, 40, 3)]) == [{0}, {1}]
    assert gather([(20, 20, 9), (60, 24, 3)], reach=60) == [{0}, {1}]
    assert gather([(40, 20, 9), (40, 60, 3)]) == [{0}, {1}]


def test_puff_between_two_plumes_goes_to_the_nearer_axis() -> None:
    assert gather([(20, 20, 9), (44, 20, 8), (28, 38, 2)], reach=20) == [{0, 2}, {1}]


def test_unknown_wind_joins_nothing() -> None:
    assert gather([(40, 20, 9), (40, 34, 3)], wind=None) == [{0}, {1}]


def test_torn_plume_is_found_as_one_where_the_wind_is_known() -> None:
    rng = np.random.default_rng(8)
    field = rng.normal(0, 0.005, (160, 240))
    rows, columns = np.mgrid[:160, :240]
    for column, strength in ((50, 0.1), (78, 0.06), (106, 0.045), (134, 0.04)):
        field += strength * np.exp(-((rows - 80.0) ** 2 + (columns - column) ** 2) / 18)
    field = field.astype(np.float32)
    apart = Criteria(reach=0.0)
    assert find_plumes(field, apart).count > 1
    found = find_plumes(field, apart, wind=lambda *_: EAST)
    assert found.count == 1
    assert (found.labels == 1)[80, [50, 78, 106, 134]].all()
