"""Fixtures of the line's tests: the real annotations, and one simulated pair."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelworks.insar.safe.annotation_reader import read_annotation
from levelworks.insar.safe.manifest import read_manifest
from levelworks.insar.safe.names import parse_file_name
from levelworks.insar.safe.package import open_package
from levelworks.insar.simulation.scenario import Pass, Scenario, cuts
from levelworks.insar.simulation.simulate import simulate


@pytest.fixture(scope="session")
def insar_data(shared_data) -> Path:
    """Return the folder of the line's real files."""
    return shared_data / "insar"


@pytest.fixture(scope="session")
def real_products(insar_data) -> list[Path]:
    """Return all real products: three SAFE folders and three zips."""
    found = [*insar_data.rglob("S1?_IW_SLC__*.SAFE"), *insar_data.rglob("S1?_IW_SLC__*.zip")]
    return sorted(found, key=lambda path: path.name)


@pytest.fixture(scope="session")
def real_pair(real_products) -> list[Path]:
    """Return the two products of one track twelve days apart."""
    return [path for path in real_products if "_2025" in path.name]


@pytest.fixture(scope="session")
def real_annotations(real_products) -> list:
    """Return manifest and annotation of every swath of every real product."""
    found = []
    for path in real_products:
        package = open_package(path)
        manifest = read_manifest(package)
        for member in package.members:
            name = parse_file_name(member.rsplit("/", 1)[-1])
            if name and name.kind == "product" and name.suffix == "xml":
                found.append((manifest, read_annotation(package.read(member), member)))
    return found


@pytest.fixture(scope="session")
def simulated_pair(tmp_path_factory):
    """Return a simulated pair of the smallest size: the geometry of the real pair, all known."""
    return simulate(Scenario((Pass(0), Pass(12, "20250418")), cuts("ci")), tmp_path_factory.mktemp("pair"))
