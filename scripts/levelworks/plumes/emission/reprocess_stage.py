"""Make emission rates again from Level-3 files as they stand, with what people say of their plumes.

Source: specs/plumes.md 1.1, 1.2 (l3b_reprocess), D12: the wind that is asked for is the one that counts.
"""

from __future__ import annotations

import json
import math
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.outcome import InvalidInput, Outcome
from levelworks.plumes.emission.background_error import MovableBackground
from levelworks.plumes.emission.emission_measures import has_error, measure
from levelworks.plumes.emission.emission_rows import (
    choose,
    describe,
    estimate,
    surface_pressure,
    winds_over,
    with_manual,
)
from levelworks.plumes.emission.emission_table import number, read_rows, write_table
from levelworks.plumes.emission.quantify_options import ReprocessPlumes
from levelworks.plumes.emission.quantify_plumes import read_detected
from levelworks.plumes.emission.quantify_products import StoredPlume, read_plume
from levelworks.plumes.emission.quantify_stage import (
    OUTLINES,
    REJECTED,
    SCENE,
    TABLE,
    outline_of,
    quantified_plumes,
    write_files,
    write_products,
)
from levelworks.plumes.emission.reprocess_edits import Edit, read_edits
from levelworks.plumes.emission.wind_files import Winds, read_wind

KEPT_TEXTS = (
    "plume_id",
    "datetime",
    "country",
    "state",
    "city",
    "name",
    "ipcc_sector",
    "instrument",
    "platform",
    "provider",
    "land_mask_source",
    "scene",
    "fp_reasons",
)
KEPT_NUMBERS = ("azimuth_diff_max", "dist_max", "source_confidence", "fp_score", "signal_to_noise")


def reprocess_plumes(
    folder: Path,
    wind: Path | None,
    edits: Path | None,
    effective_winds: Path | None = None,
    *,
    folder_out: Path,
    options: ReprocessPlumes,
) -> Outcome:
    """Quantify again the plumes of a folder of `quantify`.

    Parameters
    ----------
    folder : Path
        Its Level-3 files may have been edited: ``<gas>_mask`` says which cells are the plume.
    wind : Path, optional
        Winds in place of those in the files.
    edits : Path, optional
        CSV with ``plume_id`` and any of keep, reject, name, ipcc_sector, wind_source, wind_speed_manual,
        pressure_manual.
    effective_winds : Path, optional
        Table of ``calibrate-wind`` in place of the bundled ones.
    folder_out : Path
        A folder like that of `quantify`.

    Raises
    ------
    InvalidInput
        Where the folder has no table, or a plume of it no row.
    InvalidReference
        Where the edits name what is not there.
    """
    winds = read_wind(wind) if wind is not None else None
    old = {row["plume_id"]: row for row in read_rows(folder / TABLE, ["plume_id"])}
    said = read_edits(edits, old, _time_of(folder)) if edits is not None else {}
    outlines = {
        str(plume.properties.get("plume_id")): plume.geometry
        for plume in read_detected(folder / OUTLINES)
        if plume.geometry
    }
    folder_out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = [dict(row) for row in _rejected_before(folder)]
    geometries: list[dict[str, Any]] = []
    edited = 0
    for stem, path in quantified_plumes(folder):
        stored = read_plume(path, take_edits=options.reprocess_nc)
        plume_id = str(stored.crop.attributes.get("plume_id", ""))
        if plume_id not in old:
            raise InvalidInput(f"{path} is of plume {plume_id!r}, which {folder / TABLE} does not have")
        edit = said.get(plume_id, Edit())
        if not edit.keep:
            rejected.append(dict(old[plume_id]) | {"status": "rejected"})
            continue
        if not stored.crop.mask.any():
            rejected.append(dict(old[plume_id]) | {"status": "rejected", "notes": "no pixel is left in its mask"})
            continue
        rows.append(_again(stem, stored, old[plume_id], edit, winds, folder_out, options, effective_winds))
        edited += stored.edited
        kept = outlines.get(plume_id)
        geometries.append(kept if kept and not stored.edited else outline_of(stored.crop))
    write_products(folder_out, rows, geometries)
    if (folder / SCENE).is_file():  # what was looked at, for the overflights of sites
        shutil.copyfile(folder / SCENE, folder_out / SCENE)
    if rejected:
        write_table(folder_out / REJECTED, rejected)
    total = [float(row["emission"]) for row in rows if np.isfinite(row["emission"])]
    quality = {
        "plumes": len(rows),
        "rejected": len(rejected),
        "edited_masks": edited,
        "total_emission_kg_h": float(np.sum(total)) if total else None,
    }
    return Outcome(quality=quality)


def _time_of(folder: Path) -> str:
    """Return when a scene was seen as ids of plumes say it; empty where `quantify` left no such word."""
    try:
        said = json.loads((folder / SCENE).read_text(encoding="utf-8"))
        return f"{datetime.fromisoformat(said['start_time']):%Y%m%dt%H%M%S}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _rejected_before(folder: Path) -> list[dict[str, str]]:
    return read_rows(folder / REJECTED) if (folder / REJECTED).is_file() else []


def _again(
    stem: str,
    stored: StoredPlume,
    old: dict[str, str],
    edit: Edit,
    winds: Winds | None,
    folder: Path,
    options: ReprocessPlumes,
    table: Path | None,
) -> dict[str, Any]:
    """Quantify one plume again, write its files and return its row."""
    crop = stored.crop
    speed = edit.wind_speed_manual if edit.wind_speed_manual is not None else options.wspd_manual
    own = with_manual(winds_over(crop, winds) if winds is not None else stored.winds, speed)
    wanted = edit.wind_source or options.wind_data
    if wanted == "auto" and speed is None:
        wanted = old.get("wind_source") or "auto"
    chosen = choose(own, wanted, winds.preferred if winds is not None else "")
    settings = options.model_copy(
        update={"pressure_manual": edit.pressure_manual} if edit.pressure_manual is not None else {}
    )
    pressure = surface_pressure(crop, own, chosen, settings)
    hypergas = options.compat == "hypergas"
    same = not stored.edited and stored.background["compat"] == options.compat
    if hypergas:  # its masses, and so their errors, go with the pressure
        same &= math.isclose(pressure, number(old, "surface_pressure"), rel_tol=1e-4)
    known = same and all(has_error(stored.background, name) for name in ("ime", "csf") if name in options.methods)
    land = old.get("land_only") == "True"
    background = None
    if not known:
        usable = crop.usable if land else np.ones_like(crop.usable)
        background = MovableBackground(crop.enhancement, usable, crop.labels > 0)
    measures = measure(
        crop,
        background,
        options.methods,
        hypergas=hypergas,
        pressure=pressure,
        stored=stored.background if same else None,
    )
    common: dict[str, Any] = {name: old.get(name, "") for name in KEPT_TEXTS}
    common |= {name: number(old, name) for name in KEPT_NUMBERS}
    common |= {"land_only": land, "status": "kept", "compat": options.compat}
    common |= {"name": edit.name} if edit.name is not None else {}
    common |= {"ipcc_sector": edit.ipcc_sector} if edit.ipcc_sector is not None else {}
    found = estimate(crop, measures, own, chosen, str(common["plume_id"]), str(common["ipcc_sector"]), settings, table)
    row = describe(crop, measures, own, found, pressure, common)
    attributes = {name: value for name, value in crop.attributes.items() if name != "Conventions"}
    attributes |= {"compat": options.compat, "version": row["version"]}
    write_files(
        folder, _renamed(stem, options), crop, measures, found, own, pressure, row, attributes, hypergas=hypergas
    )
    return row


def _renamed(stem: str, options: ReprocessPlumes) -> str:
    """Return a plume's file name, behind the scene's where one was given."""
    if not options.scene:
        return stem
    scene, separator, rest = stem.rpartition("_plume")
    gas = next((f"_{name}" for name in ("co2", "no2", "co") if scene.endswith(f"_{name}")), "")
    return f"{options.scene.replace('L2', 'L3', 1)}{gas}{separator}{rest}"
