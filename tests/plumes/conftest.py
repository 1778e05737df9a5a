"""Simulated scenes that tests of the plumes line share."""

from __future__ import annotations

import numpy as np
import pytest
from plume_products import SceneProducts, through_every_stage

from levelworks.plumes.retrieval.absorption_stage import tabulate_absorption
from levelworks.plumes.retrieval.retrieval_options import Absorption
from levelworks.plumes.simulation.simulate import SceneDescription
from levelworks.plumes.simulation.simulated_scenes import WrittenEmit, simulate_emit
from levelworks.plumes.simulation.transport import Plume, Wind


@pytest.fixture(scope="session")
def emit(tmp_path_factory) -> WrittenEmit:
    """A small EMIT granule with one plume of 20 t/h."""
    description = SceneDescription(
        surface="desert", plumes=[Plume(20.0, 90.0, 14.0, kind="gaussian")], wind=Wind(5.0, 250.0), seed=41
    )
    return simulate_emit(tmp_path_factory.mktemp("emit"), description, 160, 44, mask=True)


@pytest.fixture(scope="session")
def absorption(emit, tmp_path_factory):
    """Absorption of methane for that granule."""
    path = tmp_path_factory.mktemp("absorption") / "absorption.nc"
    tabulate_absorption(emit.radiance, emit.observations, {}, {}, path, Absorption())
    return path


@pytest.fixture(scope="session")
def products_of_emit(emit, tmp_path_factory) -> SceneProducts:
    """Every product of that granule, made by the stages without network."""
    heading = np.radians(250.0 - 180.0)
    return through_every_stage(emit, tmp_path_factory.mktemp("products"), 5 * np.sin(heading), 5 * np.cos(heading))
