"""The run configuration of OCO3-data-transformer as models: the keys of both generations, their types and ranges."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, field_validator, model_validator

from levelworks.core.options import Options, option

SMALLEST_SCALING, GREATEST_SCALING = 1.0, 1.5
NEVER_LEFT_OUT = ("/Sounding/operation_mode", "/Sounding/target_id", "/Sounding/target_name")


class PeerOptions(Options):
    """Base: types are exact, keys are the peer's, and a key without a value counts as not given."""

    model_config = ConfigDict(strict=True, populate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        known = {info.alias or name for name, info in cls.model_fields.items()}
        return {key: value for key, value in values.items() if value is not None or key not in known}


class Input(PeerOptions):
    """Section `input`."""

    files: list[Any] | None = option(None, "Lite files")
    queue: Any = option(None, "queue of messages that name Lite files")

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        return _one_of(self, "files", "queue")


class Place(PeerOptions):
    """Where something is written to."""

    local: str | None = option(None, "folder")
    # What is refused later needs no form; its secrets stay out of messages.
    s3: Any = option(None, "bucket")

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        return _one_of(self, "local", "s3")


class Naming(PeerOptions):
    """Section `output.naming`."""

    pre_qf: str = option(..., "folder of all soundings", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    post_qf: str = option(..., "folder of good soundings", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


class Title(PeerOptions):
    """Section `output.title`."""

    pre_qf: str = option(..., "title of all soundings")
    post_qf: str = option(..., "title of good soundings")


class Cog(PeerOptions):
    """Section `output.cog`."""

    output: Place = option(..., "where GeoTIFFs are written to")
    options: dict[str, str | int | float | bool] = option({}, "creation options of GDAL's COG driver")
    efs: bool = option(False, "files are copied from a temporary folder; of no effect here")


class Output(Place):
    """Section `output`."""

    # The text demands `global: false` for cubes of targets, so both generations mean the world where nothing is said.
    world: bool = option(True, "make mosaics of the world in place of cubes of targets", alias="global")
    naming: Naming = option(..., "names of both quality sets")
    title: Title | None = option(None, "titles of both quality sets")
    drop_empty: bool = option(False, "leave out captures without any value", alias="drop-empty")
    cog: Cog | None = option(None, "GeoTIFFs")


class Grid(PeerOptions):
    """Section `grid`."""

    latitude: int = option(..., "nodes from south to north", ge=1)
    longitude: int = option(..., "nodes from west to east", ge=1)
    method: Literal["nearest", "linear", "cubic"] = option("cubic", "interpolation between footprint centres")
    resolution_attr: str = option("", "text of the attribute resolution")

    @field_validator("latitude", "longitude")
    @classmethod
    def _check_nodes(cls, value: int) -> int:
        if value < 2:
            raise ValueError("nodes stand on both edges of a box, which takes at least 2")
        return value


class Chunking(PeerOptions):
    """Section `chunking`."""

    latitude: int = option(250, "rows in a chunk", ge=1)
    longitude: int = option(250, "columns in a chunk", ge=1)
    time: int = option(5, "slices in a chunk", ge=1)


class PeerVariable(PeerOptions):
    """A variable by its group and its name."""

    group: str = option(..., "group, / for the root")
    name: str = option(..., "name in the group", pattern=r"^[^/]+$")

    @property
    def path(self) -> str:
        """Return the full path."""
        return "/".join(("", *filter(None, (self.group.strip("/"), self.name))))


class Variables(PeerOptions):
    """Section `variables`."""

    oco2: list[PeerVariable] = option([], "variables of OCO-2")
    oco3: list[PeerVariable] = option([], "variables of OCO-3")
    oco3_sif: list[PeerVariable] = option([], "variables of OCO-3 SIF")

    @property
    def paths(self) -> dict[str, list[str]]:
        """Return full paths by dataset; one without any gets its defaults, as in the peer."""
        chosen = {"oco2": self.oco2, "oco3": self.oco3, "oco3_sif": self.oco3_sif}
        return {dataset: [one.path for one in variables] for dataset, variables in chosen.items() if variables}


class TargetFile(PeerOptions):
    """Section `target-file`."""

    oco2: str | None = option(None, "targets of OCO-2")
    oco3: str | None = option(None, "targets of OCO-3")

    @property
    def paths(self) -> dict[str, str]:
        """Return the files by dataset, those of OCO-3 first."""
        return {name: path for name, path in (("oco3", self.oco3), ("oco2", self.oco2)) if path is not None}


def _group(name: str) -> str:
    if not name.strip("/ "):
        raise ValueError("the root group can't be left out")
    return "/" + name.strip("/ ")


def _droppable(variable: PeerVariable) -> PeerVariable:
    if variable.path.count("/") == 1 or variable.path in NEVER_LEFT_OUT:
        raise ValueError(
            f"the variable {variable.path} can't be left out; those of the root group and "
            f"{', '.join(NEVER_LEFT_OUT)} always stay"
        )
    return variable


def _clamped(value: float) -> float:
    return min(max(value, SMALLEST_SCALING), GREATEST_SCALING)


def _as_target_file(value: Any) -> Any:
    return {"oco3": value} if isinstance(value, str) else value


class PeerConfiguration(PeerOptions):
    """A run configuration of either generation."""

    input: Input = option(..., "where Lite files are")
    output: Output = option(..., "where products are written to")
    grid: Grid = option(..., "size of grids")
    chunking: Chunking = option(Chunking(), "size of chunks")
    variables: Variables | None = option(None, "variables to grid, by dataset")
    exclude_groups: list[Annotated[str, AfterValidator(_group)]] | None = option(
        None, "groups to leave out", alias="exclude-groups"
    )
    drop_dims: list[Annotated[PeerVariable, AfterValidator(_droppable)]] | None = option(
        None, "variables to leave out", alias="drop-dims"
    )
    target_file: Annotated[TargetFile, BeforeValidator(_as_target_file)] = option(
        TargetFile(), "targets: one file, or one of each mission", alias="target-file"
    )
    max_workers: int = option(
        1, "threads; of no effect here, where Snakemake is told the cores", alias="max-workers", ge=1
    )
    mask_scaling: Annotated[float, AfterValidator(_clamped)] = option(
        1.0, "footprints are scaled by this, within 1..1.5", alias="mask-scaling"
    )

    @property
    def says_what_to_leave_out(self) -> bool:
        """Return whether variables are chosen as in the text's generation."""
        return self.exclude_groups is not None or self.drop_dims is not None

    def grids_everything(self, *, one_target_file: bool) -> bool:
        """Tell whether every number of a file is gridded, which is what the text's generation does.

        A file that says what to leave out is of that generation. One that says nothing of variables is where the
        newer generation, which then grids its defaults, would refuse it: with one targets file for all, or without a
        key that only the newer one requires.

        Parameters
        ----------
        one_target_file : bool
            Whether ``target-file`` is a plain path.
        """
        if self.says_what_to_leave_out:
            return True
        target_file = self.model_fields_set & {"target_file"} and not one_target_file
        if self.variables is not None or target_file or "drop_empty" in self.output.model_fields_set:
            return False
        complete = {"chunking", "max_workers"} <= self.model_fields_set and "method" in self.grid.model_fields_set
        return one_target_file or not complete


def _one_of(section: Any, first: str, second: str) -> Any:
    given = [name for name in (first, second) if getattr(section, name) is not None]
    if len(given) != 1:
        raise ValueError(f"{first} and {second} are {'both' if given else 'neither'} given; name one of them")
    return section
