"""Options of the xco2 line: one model a stage, and the line's section of the configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from levelworks.core.options import OneOrMore, OnOff, Options, option

LITE_NAMES = r"(oco2_LtCO2|oco3_LtCO2|oco3_LtSIF)_\d{6}_B\d+[A-Za-z]*_[0-9A-Za-z]+\.nc4?"
DatasetName = Literal["oco2", "oco3", "oco3_sif"]
Method = Literal["area", "nearest", "linear", "cubic"]

SEED_GRID = {"convention": "node", "method": "cubic", "metric": "plane", "precision": "float64", "polar": "degrees"}
"""What `compat: seed` sets where the user says nothing else; cutting and masking follow the flag."""


class CutCaptures(Options):
    """Options of `cut-captures`."""

    compat: Literal["none", "seed"] = option("none", "seed cuts as OCO3-data-transformer does: no time or orbit split")
    modes: list[Literal["sam", "target", "nadir", "glint"]] = option(
        ["sam", "target"], "modes in which captures are sought"
    )
    gap_s: float = option(120.0, "longest pause inside a capture", unit="s", gt=0)
    cap_km: float = option(200.0, "greatest distance of an OCO-2 capture from its target", unit="km", gt=0)
    variables: list[str] | None = option(
        None, "full paths of the variables to grid; null takes the default list of the dataset"
    )
    everything: bool = option(False, "take every number that each sounding has, but for what is left out below")
    left_out_groups: list[str] = option([], "groups to leave out of everything, e.g. /Retrieval")
    left_out_variables: list[str] = option([], "full paths to leave out of everything")
    screen: bool = option(True, "leave out strays of the pointing mirror, excluded and mirrored targets")
    max_edge_km: float = option(10.0, "longest edge of a footprint that is used", unit="km", gt=0)
    excluded_targets: list[str] = option(["fossil0240"], "targets whose captures are left out")
    mirrored_targets: list[str] = option(
        ["val001", "volcano0036"], "targets in the west whose captures east of Greenwich are left out"
    )
    swath_jump_sigmas: float = option(
        5.0, "offset between swaths of an area map from which they are flagged; 0 looks for none", unit="sigma", ge=0
    )


class GridCapture(Options):
    """Options of `grid-capture`."""

    compat: Literal["none", "seed"] = option(
        "none", "seed grids as OCO3-data-transformer does: its mask, plain interpolation of every variable"
    )
    latitude: int = option(400, "cells of a target's grid from south to north", ge=1, le=20000)
    longitude: int = option(400, "cells of a target's grid from west to east", ge=1, le=20000)
    convention: Literal["cell", "node"] = option(
        "cell", "cell divides the box; node puts centres on its edges too, as OCO3-data-transformer does"
    )
    method: Method = option("area", "area weights by footprint overlap; the others interpolate between centres")
    geometry: Literal["sphere", "planar"] = option("sphere", "where footprints have straight edges")
    area_power: float = option(0.0, "0 averages over a cell's area, 1 gives each footprint the same vote", ge=0, le=1)
    error_power: float = option(0.0, "2 weights soundings by their inverse variance", ge=0, le=2)
    correlation: float = option(0.3, "correlation of the errors of two soundings of one capture", ge=0, le=1)
    scaling: float = option(1.0, "footprints are scaled by this about their middle", ge=1, le=1.5)
    metric: Literal["local", "plane"] = option("local", "plane of interpolation: true on the ground, or plain degrees")
    polar: Literal["auto", "degrees"] = option(
        "auto", "grid of targets; auto takes an equal-area one beyond 80 degrees of latitude"
    )
    precision: Literal["float32", "float64"] = option("float32", "type of gridded numbers")
    world_latitude: int = option(1800, "cells of the global mosaic from pole to pole", ge=2, le=90000)
    world_longitude: int = option(3600, "cells of the global mosaic around the Earth", ge=2, le=180000)

    @model_validator(mode="before")
    @classmethod
    def _fill_in_seed(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("compat") == "seed":
            return {**SEED_GRID, **values}
        return values

    @model_validator(mode="after")
    def _check_nodes(self) -> Self:
        if self.convention == "node":
            for name in ("latitude", "longitude"):
                if getattr(self, name) < 2:
                    raise ValueError(f"{name} is 1: nodes on both edges of a box need at least 2")
        if self.compat == "seed" and self.convention == "cell":
            raise ValueError("convention is cell: compat seed needs node")
        return self


class ListCaptures(Options):
    """Options of `list-captures`."""

    max_quarantined: float | None = option(
        None, "share of quarantined granules above which it fails; null takes campaign.max_quarantined", ge=0, le=1
    )


class Chunks(Options):
    """Chunks of a store."""

    time: int = option(1, "slices in a chunk; 1 never writes a slice twice", ge=1)
    latitude: int = option(400, "rows in a chunk", ge=1)
    longitude: int = option(400, "columns in a chunk", ge=1)


class Store(Options):
    """How cubes and mosaics are stored."""

    zarr_format: Literal[2, 3] = option(2, "version of the Zarr format; 3 puts chunks together in shards")
    chunks: Chunks = option(Chunks(), "size of chunks")
    shard: int = option(32, "slices in a shard, where the format is 3; rounded up to whole chunks", ge=1)
    compressor: Literal["zstd", "lz4", "blosclz", "zlib"] = option("zstd", "codec inside Blosc")
    level: int = option(1, "level of compression", ge=0, le=9)
    title_pre: str = option("", "title of the set before the quality flag; empty makes one")
    title_post: str = option("", "title of the set after the quality flag; empty makes one")
    resolution: str = option("", "text of the attribute resolution; empty leaves it out")
    drop_empty: bool = option(False, "leave out slices without any value")


class UpdateCube(Store):
    """Options of `update-cube`; what follows from the cube's name comes from the rule."""

    dataset: DatasetName = option("oco3", "dataset of the cube")
    target: str = option("", "id of the target")
    quality_set: Literal["pre", "post"] = option("post", "all soundings, or the good ones")


class WorldChunks(Chunks):
    """Chunks of a global mosaic."""

    latitude: int = option(250, "rows in a chunk", ge=1)
    longitude: int = option(250, "columns in a chunk", ge=1)


class WorldStore(Store):
    """How global mosaics are stored."""

    chunks: WorldChunks = option(WorldChunks(), "size of chunks")
    max_quarantined: float | None = option(
        None, "share of quarantined granules above which it fails; null takes campaign.max_quarantined", ge=0, le=1
    )


class UpdateGlobal(WorldStore):
    """Options of `update-global`; the quality set comes from the rule."""

    quality_set: Literal["pre", "post"] = option("post", "all soundings, or the good ones")


class VerifyCube(Options):
    """Options of `verify-cube`."""

    compliance: bool = option(True, "check attributes against the CF conventions")
    checksum: bool = option(False, "add the MD5 tree that OCO3-data-transformer's tool prints")


class WriteCog(Options):
    """Options of `write-cog`."""

    variables: dict[DatasetName, list[str]] = option(
        {}, "full paths of gridded variables by dataset; all of them where not named"
    )
    quality_sets: list[Literal["pre", "post"]] = option(["pre", "post"], "quality sets that are written")
    options: dict[str, str | int | float | bool] = option({}, "creation options of GDAL's COG driver over our own")
    drop_empty: bool = option(False, "leave out captures without any value")


class SelectDays(Options):
    """Options of `select-days`."""

    skipped: list[DatasetName] = option([], "datasets that the campaign does without")
    limit: int | None = option(None, "greatest number of new days in one run", ge=1)
    every_day: bool = option(False, "take every day that has a file, ready or not")


class TabulateTargets(Options):
    """Options of `tabulate-targets`."""

    inference: Literal["none", "all_deg", "all_km", "cent_deg", "cent_km"] = option(
        "none",
        "table of the target each capture seems to be of: nearest to most soundings (all) or to their mean (cent), "
        "in degrees or km",
    )
    outlier: float | None = option(None, "greatest distance from a centre in the inference, in its unit", gt=0)


class MakeTargets(Options):
    """Options of `make-targets`."""

    offset: float = option(1.5, "how far boxes reach from their centres", gt=0)
    unit: Literal["deg", "km"] = option("deg", "unit of the offset")


class Climatologies(Options):
    """What is averaged over time."""

    variables: dict[DatasetName, str] = option({}, "full path of the variable by dataset; the first where not named")


class MakeClimatology(Climatologies):
    """Options of `make-climatology`; the span comes from the rule."""

    span: Literal["monthly", "seasonal", "annual", "monthly-consolidated"] = option(
        "monthly", "time over which is averaged"
    )


class PlotCapture(Options):
    """Options of `plot-capture`."""

    variables: dict[DatasetName, str] = option({}, "full path of the variable by dataset; the first where not named")


class PlotTarget(Options):
    """Options of `plot-target`."""

    variables: dict[DatasetName, str] = option({}, "full path of the variable by dataset; the first where not named")
    most: int = option(12, "greatest number of slices shown, the latest ones", ge=1, le=60)


class TargetFiles(Options):
    """Targets files; LtSIF has the targets of OCO-3."""

    oco3: Path | None = option(None, "targets of OCO-3 as JSON")
    oco2: Path | None = option(None, "targets of OCO-2 as JSON, with centroid_wkt; null takes those of OCO-3")


class QualitySets(Options):
    """Names of the folders of both quality sets."""

    pre: str = option("pre_qf", "all soundings", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    post: str = option("post_qf", "soundings of good quality", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


def _one_file_for_both(value: Any) -> Any:
    return {"oco3": value} if isinstance(value, str | Path) else {} if value is None else value


class Xco2(Options):
    """OCO-2 and OCO-3 target captures: Lite files to cubes, GeoTIFFs and global mosaics."""

    granules: Annotated[list[str], OneOrMore] = option([], "folders, files, wildcards or manifests of Lite files")
    peer: Path | None = option(
        None, "run configuration of OCO3-data-transformer, either generation; stands for the keys that it has"
    )
    targets: Annotated[TargetFiles, BeforeValidator(_one_file_for_both, json_schema_input_type=str | TargetFiles)] = (
        option(TargetFiles(), "targets files: one for all, or one of each mission")
    )
    centres: Path | None = option(None, "list of sites (CSV) that targets are made from, in place of targets.oco3")
    gaps: Path | None = option(None, "known gaps (JSON); null takes those known to us")
    state: Path | None = option(None, "what was processed before (JSON); null takes that of this campaign")
    cubes: Annotated[Literal["off", "on"], OnOff] = option("on", "make a cube of each target")
    cogs: Annotated[Literal["off", "on"], OnOff] = option("off", "write GeoTIFFs of each capture")
    world: Annotated[Literal["off", "on"], OnOff] = option("off", "make global mosaics")
    climatologies: list[Literal["monthly", "seasonal", "annual", "monthly-consolidated"]] = option(
        [], "time means of every cube"
    )
    tables: bool = option(False, "write boxes, distances and counts of the captures of each target")
    plots: bool = option(False, "draw captures and targets")
    quality_sets: QualitySets = option(QualitySets(), "names of both quality sets", alias="quality-sets")
    only_targets: list[str] = option([], "targets whose cubes are made; empty makes those of all", alias="only-targets")
    layout: str = option(
        "{quality}/{dataset}/{target}.zarr",
        "path of a cube below its root, from {quality}, {dataset} and {target}",
    )
    cube_folder: Path | None = option(
        None, "root of the cubes; null takes update-cube of the results", alias="cube-folder"
    )
    cog_folder: Path | None = option(
        None, "folder in which GeoTIFFs stand under the peer's names too", alias="cog-folder"
    )
    select_days: SelectDays = option(SelectDays(), "which days are ready", alias="select-days")
    cut_captures: CutCaptures = option(CutCaptures(), "granules to captures", alias="cut-captures")
    variables: dict[DatasetName, list[str]] = option(
        {}, "variables by dataset, full paths; they go before those of cut-captures"
    )
    grid_capture: GridCapture = option(GridCapture(), "captures to grids", alias="grid-capture")
    list_captures: ListCaptures = option(ListCaptures(), "the list of all captures", alias="list-captures")
    update_cube: Store = option(Store(), "grids to cubes", alias="update-cube")
    update_global: WorldStore = option(WorldStore(), "grids to global mosaics", alias="update-global")
    verify_cube: VerifyCube = option(VerifyCube(), "cubes are examined", alias="verify-cube")
    write_cog: WriteCog = option(WriteCog(), "grids to GeoTIFFs", alias="write-cog")
    tabulate_targets: TabulateTargets = option(TabulateTargets(), "tables of targets", alias="tabulate-targets")
    make_targets: MakeTargets = option(MakeTargets(), "targets from centres", alias="make-targets")
    make_climatology: Climatologies = option(Climatologies(), "time means", alias="make-climatology")
    plot_capture: PlotCapture = option(PlotCapture(), "pictures of captures", alias="plot-capture")
    plot_target: PlotTarget = option(PlotTarget(), "pictures of targets", alias="plot-target")

    @model_validator(mode="before")
    @classmethod
    def _take_peer(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("peer"):
            return values
        from levelworks.core.location import local_path
        from levelworks.xco2.peer_configuration import read_peer_configuration

        if not isinstance(values["peer"], str | Path):
            raise ValueError(f"peer is {values['peer']!r}: it must name a file")  # noqa: TRY004 - as pydantic wants it
        return read_peer_configuration(local_path(str(values["peer"]), "config: xco2.peer"), values)

    @model_validator(mode="after")
    def _check_layout(self) -> Self:
        fields = re.findall(r"{(\w*)}", self.layout)
        apart = all(part.count("{") <= 1 for part in self.layout.split("/"))
        known = sorted(fields) == ["dataset", "quality", "target"]
        if not known or not apart or self.layout.startswith("/") or ".." in self.layout:
            raise ValueError(
                f"layout is {self.layout!r}: {{quality}}, {{dataset}} and {{target}}, parted by /, below the root"
            )
        if self.quality_sets.pre == self.quality_sets.post:
            raise ValueError(f"quality-sets: pre and post are both {self.quality_sets.pre!r}")
        return self


Section = Xco2
