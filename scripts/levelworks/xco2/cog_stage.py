"""From the gridded captures of a granule to GeoTIFFs and their STAC Items, in one folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from levelworks.core.aggregate import refuse_quarantined
from levelworks.core.outcome import InvalidOptions, Outcome, Status
from levelworks.xco2.capture_files import CutGranule, read_captures
from levelworks.xco2.cogs import cog_name, known_cog_options, write_cog
from levelworks.xco2.grid_files import Entry, GridFile, Source, open_grids
from levelworks.xco2.layers import ABOUT_CELLS, SETS, Layer, without_values
from levelworks.xco2.options import WriteCog
from levelworks.xco2.overlap import place_on_grid
from levelworks.xco2.stac import cog_asset, make_collection, make_item

COLLECTION = "collection.json"


def write_cogs(captures: Path, grids: Path, folder: Path, options: WriteCog) -> Outcome:
    """Write a GeoTIFF of each capture, quality set and variable, an Item of each capture, and a Collection.

    Raises
    ------
    InvalidOptions
        Where a variable is asked for that is not gridded.
    """
    refuse_quarantined(grids)
    cut = read_captures(captures)
    folder.mkdir()
    _, ignored = known_cog_options(options.options)
    warnings = [f"write-cog.options: {name} is no option of GDAL's COG driver and is ignored" for name in ignored]
    items, written = [], 0
    with open_grids(grids) as file:
        for number, entry in enumerate(file.entries):
            assets = _write_capture(folder, file, number, cut.granule.missing_variables, options)
            if not assets:
                warnings.append(f"capture {entry.id}: without a value, nothing written")
                continue
            written += len(assets)
            item = _item(cut, entry, file.source, assets, f"./{COLLECTION}")
            items.append(item)
            _write_json(folder / f"{entry.id}.json", item)
        source = file.source
    _write_json(folder / COLLECTION, _collection(source, items))
    quality = {"captures": len(items), "files": written}
    if not items:
        return Outcome(Status.SKIPPED, "no capture with a value", quality, tuple(warnings))
    return Outcome(quality=quality, warnings=tuple(warnings))


def _write_capture(
    folder: Path, file: GridFile, number: int, missing: Sequence[str], options: WriteCog
) -> dict[str, dict[str, Any]]:
    """Write the GeoTIFFs of one capture and return them as assets by key."""
    entry, source = file.entries[number], file.source
    cells, assets = file.cells(number), {}
    same = [(one.target_id, int(one.start)) for one in file.entries[:number]]
    earlier = same.count((entry.target_id, int(entry.start)))
    for quality_set in (one for one in SETS if one in options.quality_sets):
        layers = file.layers(number, quality_set)
        if entry.count(quality_set) == 0 or (options.drop_empty and without_values(layers)):
            continue
        for variable in _chosen(layers, source.dataset, missing, options):
            name = _numbered(
                cog_name(source.dataset, entry.target_id, entry.start, quality_set == "post", variable), earlier
            )
            _write_layer(folder / name, entry, source, cells, variable, layers[variable], quality_set, options)
            key = f"{'filtered' if quality_set == 'post' else 'unfiltered'}_{variable.strip('/').replace('/', '.')}"
            roles = ("metadata",) if variable in ABOUT_CELLS else ("data",)
            assets[key] = cog_asset(folder / name, f"./{name}", variable=variable, quality_set=quality_set, roles=roles)
    return assets


def _numbered(name: str, earlier: int) -> str:
    """Return a file's name, numbered where captures of the target began earlier in the same second."""
    return name.replace("Z_", f"Z-{earlier + 1}_", 1) if earlier else name


def _chosen(layers: dict[str, Layer], dataset: str, missing: Sequence[str], options: WriteCog) -> Sequence[str]:
    named = options.variables.get(dataset)  # type: ignore[call-overload]
    if named is None:
        return list(layers)
    wanted = ["/" + name.strip("/") for name in named]
    absent = [name for name in wanted if name not in layers and name not in missing]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        raise InvalidOptions(
            f"write-cog.variables.{dataset}: {', '.join(absent)} {verb} not gridded; there are {', '.join(layers)}"
        )
    return [name for name in wanted if name in layers]


def _write_layer(
    path: Path,
    entry: Entry,
    source: Source,
    cells: np.ndarray,
    variable: str,
    layer: Layer,
    quality_set: str,
    options: WriteCog,
) -> None:
    grid = entry.spec.grid
    values = place_on_grid(cells, grid.shape, layer.values, layer.fill)
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
    elif values.dtype.itemsize == 8:
        values = values.astype(np.int32)  # GDAL's tools know few of eight bytes
    resampling: Literal["average", "nearest"] = "average" if values.dtype.kind == "f" else "nearest"
    tags = {
        "capture_id": entry.id,
        "target_id": entry.target_id,
        "target_name": entry.target_name,
        "operation_mode": entry.mode,
        "orbit": str(entry.orbit),
        "quality_flag_filtered": "yes" if quality_set == "post" else "no",
        "interpolation_method": entry.methods[quality_set],
        "number_of_soundings": str(entry.count(quality_set)),
        "source_file": source.name,
        "source_build": source.build,
    }
    write_cog(
        path,
        values,
        grid,
        units=str(layer.attributes.get("units", "")),
        description=str(layer.attributes.get("long_name", variable.strip("/"))),
        tags=tags,
        nodata=layer.fill,
        options=options.options,
        resampling=resampling,
        start_seconds=entry.start,
    )


def _item(
    cut: CutGranule, entry: Entry, source: Source, assets: dict[str, dict[str, Any]], collection: str
) -> dict[str, Any]:
    capture = next(one for one in cut.captures if one.id == entry.id)
    used = capture.indices[cut.usable[capture.indices]]
    longitude, latitude = cut.granule.vertex_longitude[used], cut.granule.vertex_latitude[used]
    return make_item(
        entry,
        source,
        longitude,
        latitude,
        assets,
        collection=_collection_id(source),
        collection_href=collection,
    )


def _collection_id(source: Source) -> str:
    return f"{source.dataset}-{source.day.isoformat()}"


def _collection(source: Source, items: list[dict[str, Any]]) -> dict[str, Any]:
    return make_collection(
        items,
        collection_id=_collection_id(source),
        title=f"Captures of {source.dataset} on {source.day.isoformat()}",
        description=f"Gridded captures of {source.name}.",
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
