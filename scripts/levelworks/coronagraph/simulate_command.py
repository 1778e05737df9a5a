"""Arguments and run of ``levelworks simulate coronagraph``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

log = logging.getLogger("levelworks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes a set of simulated frames."""
    parser.add_argument("--frames", type=int, default=8, help="number of frames (default 8)")
    parser.add_argument("--first-frame", type=int, default=0, help="number of the first, where sets share a folder")
    parser.add_argument("--gain", type=float, default=1000.0, help="EM gain, 1 to 7000 (default 1000)")
    parser.add_argument("--exposure-time", type=float, default=5.0, help="seconds (default 5)")
    parser.add_argument("--generation", choices=("flight", "fft"), default="flight", help="headers (default flight)")
    parser.add_argument("--geometry", default="SCI", help="SCI, ENG, ENG_EM, ENG_CONV or TEST (default SCI)")
    parser.add_argument("--dark", action="store_true", help="dark frames")
    parser.add_argument("--flux-map", type=Path, help="FITS image of photons/pixel/s to put in the centre")
    parser.add_argument("--no-cosmic-rays", action="store_true", help="leave cosmic rays out")
    parser.add_argument("--seed", type=int, default=0, help="base seed (default 0)")


def simulate(folder: Path, arguments: argparse.Namespace) -> None:
    """Write frames, their truth and the references that calibrate them.

    Raises
    ------
    InvalidOptions
        Where gain, exposure time, number or geometry are out of range.
    """
    from levelworks.core.outcome import InvalidOptions
    from levelworks.core.progress import track
    from levelworks.coronagraph.geometry import geometries
    from levelworks.coronagraph.scenes import dark_scene, flux_map_scene
    from levelworks.coronagraph.simulate import simulate_dataset

    if arguments.geometry not in geometries():
        raise InvalidOptions(f"--geometry: {arguments.geometry!r} is none of {', '.join(geometries())}")
    if arguments.frames < 1:
        raise InvalidOptions(f"--frames: {arguments.frames}; at least 1")
    geometry = geometries()[arguments.geometry]
    scene = dark_scene(geometry) if arguments.dark else None
    if arguments.flux_map is not None:
        scene = flux_map_scene(arguments.flux_map, geometry)
    numbers = range(arguments.first_frame, arguments.first_frame + arguments.frames)
    for number in track(numbers, len(numbers), "frames simulated"):
        simulate_dataset(
            folder,
            frames=1,
            first_frame=number,
            gain=arguments.gain,
            exposure_time=arguments.exposure_time,
            generation=arguments.generation,
            seed=arguments.seed,
            geometry=geometry,
            scene=scene,
            cosmic_rays=not arguments.no_cosmic_rays,
        )
    log.info("%d frames in %s, truth and references beside them", len(numbers), folder)
