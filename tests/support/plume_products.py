"""One simulated EMIT scene through every stage of the plumes line, offline."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from levelworks.core.outcome import Outcome, Status
from levelworks.core.stage import run, stages
from levelworks.plumes.layout import Layout
from levelworks.plumes.names import level2_name, level3_name
from levelworks.plumes.options import Plumes
from levelworks.plumes.plan import Plan
from levelworks.plumes.readers.open_scene import open_scene
from levelworks.plumes.simulation.simulated_scenes import WrittenEmit
from levelworks.plumes.simulation.simulated_winds import write_winds

MARGIN = 0.5
"""Degrees of wind about the scene."""


@dataclass
class SceneProducts:
    """The products of one scene, named as a campaign names them."""

    emit: WrittenEmit
    results: Path
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        """Return where products stand."""
        return Layout(Plan(Plumes(unortho=True, cogs=True), {}), self.results)

    @property
    def scene(self) -> str:
        """Return the stem of Level-2 names."""
        return level2_name(self.emit.radiance.stem)

    @property
    def level3(self) -> str:
        """Return the stem of Level-3 names."""
        return level3_name(self.emit.radiance.stem)

    def path(self, pattern: str) -> Path:
        """Return a product by its pattern in the layout."""
        return Path(pattern.format(granule=self.emit.radiance.stem, scene=self.scene, folder="raw"))

    def run(self, stage: str, files: Mapping[str, Path | list[Path]], **options: Any) -> None:
        """Run a stage with its records; its outcome must be `done`."""
        found = stages("plumes")[stage]
        listed = {key: value if isinstance(value, list) else [value] for key, value in files.items()}
        for path in (path for port in found.outputs for path in listed.get(port.name, [])):
            path.parent.mkdir(parents=True, exist_ok=True)
        outcome = run(found, listed, found.options(**options))
        assert outcome.status is Status.DONE, f"{stage}: {outcome.reason}"
        self.outcomes[stage] = outcome

    def run_all(self, era5: list[Path], geos_fp: list[Path]) -> None:
        """Run every stage that a scene goes through, once."""
        to, granule = self.layout, {"radiance": self.emit.radiance, "observations": self.emit.observations}
        first, second, excluded = self.path(to.first), self.path(to.second), self.path(to.excluded)
        known = granule | {"absorption": self.path(to.absorption)}
        self.run("absorption", known)
        self.run("retrieve", known | {"enhancement": first}, windows="primary")
        self.run("mask-plumes", {"retrieval": first, "excluded": excluded})
        self.run("retrieve-again", known | {"excluded": excluded, "enhancement": second})
        denoised, wind, labels = self.path(to.denoised), self.path(to.wind), self.path(to.labels)
        self.run("denoise", {"retrieval": second, "denoised": denoised})
        self.run("wind", {"retrieval": first, "era5": era5, "geos_fp": geos_fp, "wind": wind})
        retrieved = {"retrieval": second, "denoised": denoised, "wind": wind}
        found = {"labels": labels, "plumes": self.path(to.plumes)}
        spectra = {"absorption": known["absorption"], "radiance": self.emit.radiance}
        self.run("detect-plumes", retrieved | spectra | found)
        level2 = {name: self.path(path) for name, path in to.level2_files.items()}
        self.run("orthorectify", retrieved | {"labels": labels} | level2 | {"cogs": self.path(to.cogs)})
        emissions = {"retrieval": second, "wind": wind} | found | {"emissions": self.path(to.quantified)}
        self.run("quantify", emissions, scene=self.scene)
        record, pictures = self.path(to.record_of(to.quantified)), self.path(to.scene_pictures)
        self.run("reprocess-plumes", {"quantified": record, "wind": wind, "emissions": self.path(to.reprocessed)})
        drawn = {"level2": level2["level2"], "emissions": record}
        self.run("plot-scene", drawn | {"pictures": pictures}, pad=0.01)
        self.run("plot-plume", drawn | {"pictures": self.path(to.plume_pictures)})
        self.run("map-scenes", {"scenes": [pictures], "pages": self.path(to.folder_pages)})


@contextmanager
def offline() -> Iterator[None]:
    """Refuse every connection."""

    def refuse(*_: object) -> None:
        raise AssertionError("a stage wants the network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        yield


def through_every_stage(emit: WrittenEmit, folder: Path, u: float, v: float) -> SceneProducts:
    """Take a granule through every stage under a wind (m s-1)."""
    made = SceneProducts(emit, folder / "results")
    start, bounds = _time_and_bounds(emit)
    files = write_winds(folder / "winds", start, bounds, u, v, 96000.0)
    with offline():
        made.run_all(files["era5_netcdf"], files["geos_fp"])
    return made


def _time_and_bounds(emit: WrittenEmit) -> tuple[datetime, tuple[float, float, float, float]]:
    with open_scene(emit.radiance, emit.observations, None) as scene:
        axes = (scene.geometry.longitude, scene.geometry.latitude)
        west, south = (float(np.nanmin(axis)) - MARGIN for axis in axes)
        east, north = (float(np.nanmax(axis)) + MARGIN for axis in axes)
        return scene.start, (west, south, east, north)
