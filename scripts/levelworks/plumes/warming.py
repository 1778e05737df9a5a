"""Running every kernel of the line once, on small scenes, so that its compiled code lies on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import levelworks.plumes
from levelworks.core.kernels import say_compiled
from levelworks.plumes.detection.denoise_options import Denoise
from levelworks.plumes.detection.denoise_stage import denoise_fields
from levelworks.plumes.detection.detect_options import DetectPlumes, MaskPlumes
from levelworks.plumes.detection.detect_stage import detect_plumes, mask_plumes
from levelworks.plumes.emission.quantify_options import Quantify
from levelworks.plumes.emission.quantify_stage import quantify
from levelworks.plumes.mapping.orthorectify_options import Orthorectify
from levelworks.plumes.mapping.orthorectify_stage import orthorectify_scene
from levelworks.plumes.retrieval.absorption_stage import tabulate_absorption
from levelworks.plumes.retrieval.retrieval_options import Absorption, Retrieve
from levelworks.plumes.retrieval.retrieve_stage import retrieve
from levelworks.plumes.simulation.simulated_campaigns import simulate_granule

ROWS, COLUMNS = 120, 40


def warm() -> str:
    """Compile the kernels for every type of array that the stages work on, and say how many were new."""
    with tempfile.TemporaryDirectory() as directory:
        for sensor in ("EMIT", "EnMAP", "PRISMA"):
            folder = Path(directory) / sensor
            radiance = simulate_granule(folder, sensor, "desert", ROWS, COLUMNS, plumes=1, rate=60).radiance
            _run(folder, radiance, full=sensor == "EMIT", by_rpc=sensor == "EnMAP")
    return say_compiled(levelworks.plumes)


def _run(folder: Path, radiance: Path, *, full: bool, by_rpc: bool) -> None:
    """Take a scene through the stages that have kernels; all of them where ``full``."""
    absorption, found = folder / "absorption.nc", folder / "retrieved.nc"
    tabulate_absorption(radiance, None, {}, {}, absorption, Absorption())
    retrieve(radiance, None, None, None, absorption, None, found, Retrieve(windows="both" if full else "primary"))
    if full:
        mask_plumes(found, None, folder / "excluded.nc", MaskPlumes())
        denoise_fields(found, folder / "denoised.nc", Denoise())
        labels, plumes = folder / "labels.nc", folder / "plumes.geojson"
        detect_plumes(
            found, None, absorption, radiance, None, None, None, labels=labels, plumes=plumes, options=DetectPlumes()
        )
        (folder / "emissions").mkdir()
        quantify(found, labels, plumes, None, folder=folder / "emissions", options=Quantify())
    for name, options in (("nearest", Orthorectify()), ("area", Orthorectify(weighting="area"))):
        if name == "nearest" or not by_rpc:
            orthorectify_scene(
                found, None, None, None, None, None, radiance if by_rpc else None,
                level2=folder / f"{name}.nc", cogs=None, options=options,
            )  # fmt: skip
