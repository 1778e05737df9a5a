"""Scenes of a campaign from the arguments of the command."""

from __future__ import annotations

import argparse
from datetime import date

from levelworks.ard.sensors import SENSORS
from levelworks.ard.simulation.scene_description import Air, Clouds, Landscape, SceneDescription

MULTIPLE = 6
"""Of pixels of Sentinel-2."""


def describe(sensor: str, day: date, number: int, arguments: argparse.Namespace) -> SceneDescription:
    """Return the description of a scene.

    Parameters
    ----------
    sensor : str
    day : date
    number : int
        Of the scene among those of its sensor; its clouds and noise follow from it.
    arguments : Namespace
        Of ``levelworks simulate ard``.
    """
    size = arguments.size or None
    if size is not None and not SENSORS[sensor].is_landsat:
        size = max(size // MULTIPLE, 1) * MULTIPLE
    archive = arguments.archive
    if archive is not None and not SENSORS[sensor].is_landsat:
        archive = "zip"
    return SceneDescription(
        sensor=sensor,
        rows=size,
        columns=size,
        place=(arguments.place[0], arguments.place[1]),
        zone=arguments.zone,
        day=day,
        path_row=(arguments.path_row[0], arguments.path_row[1]),
        baseline=arguments.baseline,
        landscape=Landscape(relief=arguments.relief, snow=arguments.snow, seed=arguments.seed),
        air=Air(aod=arguments.aod, water_vapour=arguments.water_vapour),
        clouds=Clouds(cover=arguments.clouds, cirrus=arguments.cirrus),
        adjacency=not arguments.no_adjacency,
        brdf=arguments.brdf,
        noise=not arguments.no_noise,
        truth=arguments.truth,
        archive=archive,
        seed=arguments.seed + number,
    )
