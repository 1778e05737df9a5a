"""Fixtures of the coronagraph line."""

from __future__ import annotations

import pytest

from levelworks.coronagraph.geometry import Geometry, geometries


@pytest.fixture
def small() -> Geometry:
    """Return the geometry of small frames for quick tests."""
    return geometries()["TEST"]
