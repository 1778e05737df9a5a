"""The stages of the plumes line: file to file, from readers through algorithms to products."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import Outcome
from levelworks.core.stage import stage
from levelworks.plumes.detection.denoise_options import Denoise
from levelworks.plumes.detection.detect_options import DetectPlumes, MaskPlumes
from levelworks.plumes.drawing.plot_options import MapScenes, PlotPlume, PlotScene
from levelworks.plumes.emission.calibrate_wind_options import CalibrateWind
from levelworks.plumes.emission.quantify_options import Quantify, ReprocessPlumes
from levelworks.plumes.emission.revisit_options import Revisit
from levelworks.plumes.emission.wind_options import FindWind
from levelworks.plumes.mapping.orthorectify_options import Orthorectify
from levelworks.plumes.retrieval.retrieval_options import Absorption, Retrieve


def _empty_layers(path: Path, outcome: Outcome) -> None:
    from levelworks.plumes.layers import write_empty

    write_empty(path, outcome)


def _empty_wind(path: Path, outcome: Outcome) -> None:
    from levelworks.plumes.emission.wind_files import write_empty_wind

    write_empty_wind(path, outcome)


def _empty_absorption(path: Path, outcome: Outcome) -> None:
    from levelworks.plumes.retrieval.absorption_files import write_empty_absorption

    write_empty_absorption(path, outcome)


def _empty_plumes(path: Path, outcome: Outcome) -> None:
    from levelworks.plumes.detection.plume_features import write_no_features
    from levelworks.plumes.layers import write_empty

    write = write_no_features if path.suffix == ".geojson" else write_empty
    write(path, outcome)


def _empty_level2(path: Path, outcome: Outcome) -> None:
    from levelworks.plumes.mapping.orthorectify_stage import write_empty_level2

    write_empty_level2(path, outcome)


def _empty_quantified(path: Path, outcome: Outcome) -> None:
    from levelworks.plumes.emission.quantify_stage import write_empty_quantified

    write_empty_quantified(path, outcome)


def _empty_pictures(path: Path, outcome: Outcome) -> None:
    from levelworks.plumes.drawing.outcome_pages import write_empty_pictures

    write_empty_pictures(path, outcome)


def _empty_table(path: Path, outcome: Outcome) -> None:
    from levelworks.plumes.emission.revisit_stage import write_empty_revisit

    write_empty_revisit(path, outcome)


def _empty_text(path: Path, outcome: Outcome) -> None:
    import json

    path.write_text(json.dumps({"outcome": outcome.status.value, "reason": outcome.reason}) + "\n", encoding="utf-8")


def _refuse_flagged(path: Path) -> None:
    """Pass on the outcome of a granule that an earlier stage skipped or quarantined."""
    from levelworks.core.aggregate import refuse_flagged

    refuse_flagged(path)


@stage("plumes", "absorption", version=1, empty=_empty_absorption)
def absorption(
    radiance: Path,
    observations: Path | None,
    ch4_table: Path | None,
    co2_table: Path | None,
    ch4_sections: Path | None,
    co2_sections: Path | None,
    co_sections: Path | None,
    no2_sections: Path | None,
    dem: Path | None,
    *,
    absorption: Path,
    options: Absorption,
) -> Outcome:
    """Tabulate how each band of a scene darkens as gas is added, from look-up tables, cross-sections or the library."""
    from levelworks.plumes.retrieval import absorption_stage

    tables = {"ch4": ch4_table, "co2": co2_table}
    sections = {"ch4": ch4_sections, "co2": co2_sections, "co": co_sections, "no2": no2_sections}
    return absorption_stage.tabulate_absorption(radiance, observations, tables, sections, absorption, options, dem=dem)


@stage("plumes", "retrieve", version=1, empty=_empty_layers, mpi=True)
def retrieve(
    radiance: Path,
    observations: Path | None,
    mask: Path | None,
    land: Path | None,
    absorption: Path,
    dem: Path | None,
    noise: Path | None,
    *,
    enhancement: Path,
    options: Retrieve,
) -> Outcome:
    """Retrieve the gases of a scene, all its clear spectra making the statistics."""
    from levelworks.plumes.retrieval import retrieve_stage

    _refuse_flagged(absorption)
    return retrieve_stage.retrieve(
        radiance, observations, mask, land, absorption, None, enhancement, options, dem=dem, noise=noise
    )


@stage("plumes", "mask-plumes", version=1, empty=_empty_layers)
def mask_plumes(retrieval: Path, markers: Path | None, *, excluded: Path, options: MaskPlumes) -> Outcome:
    """Mark what looks like a plume, to be left out of the statistics of the second pass."""
    from levelworks.plumes.detection import detect_stage

    _refuse_flagged(retrieval)
    return detect_stage.mask_plumes(retrieval, markers, excluded, options)


@stage("plumes", "retrieve-again", version=1, empty=_empty_layers, mpi=True)
def retrieve_again(
    radiance: Path,
    observations: Path | None,
    mask: Path | None,
    land: Path | None,
    absorption: Path,
    excluded: Path,
    dem: Path | None,
    noise: Path | None,
    *,
    enhancement: Path,
    options: Retrieve,
) -> Outcome:
    """Retrieve the gases of a scene with the plumes left out of the statistics, which they would lower."""
    from levelworks.plumes.retrieval import retrieve_stage

    _refuse_flagged(excluded)
    return retrieve_stage.retrieve(
        radiance, observations, mask, land, absorption, excluded, enhancement, options, dem=dem, noise=noise
    )


@stage("plumes", "denoise", version=1, empty=_empty_layers)
def denoise(retrieval: Path, *, denoised: Path, options: Denoise) -> Outcome:
    """Denoise enhancements by total variation, as strongly as held-out pixels say."""
    from levelworks.plumes.detection import denoise_stage

    _refuse_flagged(retrieval)
    return denoise_stage.denoise_fields(retrieval, denoised, options)


@stage("plumes", "wind", version=1, empty=_empty_wind)
def wind(
    retrieval: Path, era5: list[Path] | None, geos_fp: list[Path] | None, *, wind: Path, options: FindWind
) -> Outcome:
    """Find the winds of a scene in every source that has them."""
    from levelworks.plumes.emission import wind_stage

    _refuse_flagged(retrieval)
    return wind_stage.find_wind(retrieval, era5 or [], geos_fp or [], wind=wind, options=options)


@stage("plumes", "detect-plumes", version=1, empty=_empty_plumes)
def detect_plumes(
    retrieval: Path,
    denoised: Path | None,
    absorption: Path | None,
    radiance: Path | None,
    wind: Path | None,
    markers: Path | None,
    rejected: Path | None,
    sites: Path | None,
    *,
    labels: Path,
    plumes: Path,
    options: DetectPlumes,
) -> Outcome:
    """Find plumes and their sources, or those that people marked, and say how likely each is false."""
    from levelworks.plumes.detection import detect_stage

    _refuse_flagged(retrieval)
    return detect_stage.detect_plumes(
        retrieval, denoised, absorption, radiance, wind, markers, rejected, sites,
        labels=labels, plumes=plumes, options=options,
    )  # fmt: skip


@stage("plumes", "orthorectify", version=1, empty=_empty_level2)
def orthorectify(
    retrieval: Path,
    denoised: Path | None,
    labels: Path | None,
    wind: Path | None,
    dem: Path | None,
    points: Path | None,
    radiance: Path | None,
    reference: Path | None,
    geoid: Path | None,
    *,
    level2: Path,
    cogs: Path | None,
    unortho: Path | None,
    colours: Path | None,
    options: Orthorectify,
) -> Outcome:
    """Put a scene on the map: the Level-2 product; where asked for its GeoTIFFs, and the scene before that."""
    from levelworks.plumes.mapping import orthorectify_stage

    _refuse_flagged(retrieval)
    return orthorectify_stage.orthorectify_scene(
        retrieval, denoised, labels, wind, dem, points, radiance, reference=reference, geoid=geoid,
        level2=level2, cogs=cogs, unortho=unortho, colours=colours, options=options,
    )  # fmt: skip


@stage("plumes", "calibrate-wind", version=1, empty=_empty_text)
def calibrate_wind(*, table: Path, options: CalibrateWind) -> Outcome:
    """Fit the winds that turn masses and cross-sections into rates, to simulated plumes as this line detects them."""
    from levelworks.plumes.emission import calibrate_wind as calibration

    return calibration.calibrate_wind(table=table, options=options)


@stage("plumes", "quantify", version=1, empty=_empty_quantified)
def quantify(
    retrieval: Path,
    labels: Path,
    plumes: Path,
    wind: Path | None,
    boundaries: Path | None,
    effective_winds: Path | None,
    *,
    emissions: Path,
    options: Quantify,
) -> Outcome:
    """Find the emission rate of every plume by every method and every wind."""
    from levelworks.plumes.emission import quantify_stage

    _refuse_flagged(labels)
    return quantify_stage.quantify(
        retrieval, labels, plumes, wind, boundaries, effective_winds, folder=emissions, options=options
    )


@stage("plumes", "reprocess-plumes", version=1, empty=_empty_quantified)
def reprocess_plumes(
    quantified: Path,
    wind: Path | None,
    edits: Path | None,
    effective_winds: Path | None,
    *,
    emissions: Path,
    options: ReprocessPlumes,
) -> Outcome:
    """Find emission rates again from Level 3 and people's edits."""
    from levelworks.core.record import described_product
    from levelworks.plumes.emission import reprocess_stage

    folder = described_product(quantified)
    _refuse_flagged(folder)
    return reprocess_stage.reprocess_plumes(folder, wind, edits, effective_winds, folder_out=emissions, options=options)


@stage("plumes", "revisit", version=1, empty=_empty_table)
def revisit(
    emissions: list[Path], sites: Path | None, *, table: Path, picture: Path | None, options: Revisit
) -> Outcome:
    """Follow sites over time: when each was seen, and what it emitted."""
    from levelworks.core.record import described_product
    from levelworks.plumes.emission import revisit_stage

    folders = [described_product(path) for path in emissions]
    return revisit_stage.revisit(folders, sites, table=table, picture=picture, options=options)


@stage("plumes", "plot-scene", version=1, empty=_empty_pictures)
def plot_scene(
    level2: Path, emissions: Path | None, points: Path | None, *, pictures: Path, options: PlotScene
) -> Outcome:
    """Draw the layers of a scene, and write its page with a map."""
    from levelworks.core.record import described_product
    from levelworks.plumes.drawing import plot_scene_stage

    _refuse_flagged(level2)
    folder = described_product(emissions) if emissions else None
    return plot_scene_stage.plot_scene(level2, folder, points, folder=pictures, options=options)


@stage("plumes", "plot-plume", version=1, empty=_empty_pictures)
def plot_plume(emissions: Path, level2: Path | None, *, pictures: Path, options: PlotPlume) -> Outcome:
    """Draw each plume of a scene with its cross-sections."""
    from levelworks.core.record import described_product
    from levelworks.plumes.drawing import plot_plume_stage

    folder = described_product(emissions)
    _refuse_flagged(folder)
    return plot_plume_stage.plot_plumes(folder, level2, folder=pictures, options=options)


@stage("plumes", "map-scenes", version=1, empty=_empty_pictures)
def map_scenes(scenes: list[Path], *, pages: Path, options: MapScenes) -> Outcome:
    """Write pages with a map of the scenes of a folder, some at a time."""
    from levelworks.core.record import described_product
    from levelworks.plumes.drawing import map_scenes_stage

    folders = [described_product(path) for path in scenes]
    return map_scenes_stage.map_scenes(folders, folder=pages, options=options)
