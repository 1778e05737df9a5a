"""The truth of a simulated granule, beside it: columns of gas in sensor geometry, and the plumes as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from levelworks.core.atomic import atomic_outputs
from levelworks.plumes.layers import Layer, write_layers
from levelworks.plumes.simulation.simulated_scene import SimulatedScene
from levelworks.plumes.simulation.transport import transport_speed


def plume_labels(scene: SimulatedScene) -> np.ndarray:
    """Return which plume gives a pixel the most gas, 1 to N; 0 where there is less than a thousandth of its most."""
    labels = np.zeros((scene.rows, scene.columns), dtype=np.int32)
    most = np.zeros((scene.rows, scene.columns))
    for number, column in enumerate(scene.plume_columns, start=1):
        larger = (column > 1e-3 * max(float(column.max()), 1e-12)) & (column > most)
        labels[larger] = number
        most = np.maximum(most, column)
    return labels


def plume_parameters(scene: SimulatedScene) -> list[dict[str, Any]]:
    """Return what is true of each plume: rate, source, wind that carries it, moles of gas in the scene."""
    found = []
    for number, (plume, column) in enumerate(zip(scene.plumes, scene.plume_columns, strict=True), start=1):
        place = scene.ground.to_plane(np.array(plume.row), np.array(plume.column))
        longitude, latitude = scene.ground.to_geographic(*place)
        found.append(
            {
                "label": number,
                **asdict(plume),
                "rate_t_h": plume.rate,
                "rate_mol_s": plume.molar_rate,
                "longitude": float(longitude),
                "latitude": float(latitude),
                "transport_speed_m_s": transport_speed(scene.wind, plume.stability),
                "amount_mol": float((column * scene.pixel_area).sum()),
                "largest_column_mol_m2": float(column.max()),
            }
        )
    return found


def write_truth(folder: Path, scene: SimulatedScene) -> Path:
    """Write ``<name>_truth.nc`` and ``<name>_truth.json``; returns the first."""
    layers = [
        Layer(gas, column.astype(np.float32), "mol m-2", f"added column of {gas}")
        for gas, column in scene.gas_columns.items()
    ]
    if scene.plumes:
        each = np.stack(scene.plume_columns).astype(np.float32)
        layers.append(Layer("plume_columns", each, "mol m-2", "added column of each plume", along="plume"))
    nothing = np.zeros((scene.rows, scene.columns), dtype=np.uint8)
    flare = nothing.copy()
    flare[tuple(scene.flares.T)] = 1
    layers += [
        Layer("plume", plume_labels(scene), long_name="label of the plume that gives the most gas"),
        Layer("pixel_area", scene.pixel_area.astype(np.float32), "m2"),
        Layer("water", scene.surface.water.astype(np.uint8)),
        Layer("flare", flare),
        Layer("cloud", scene.clouds.cloudy.astype(np.uint8) if scene.clouds else nothing),
        Layer("shadow", scene.clouds.shaded.astype(np.uint8) if scene.clouds else nothing),
    ]
    synthetic = [gas for gas in scene.gas_columns if gas != "ch4"]
    parameters = {
        "scene": scene.name,
        "sensor": scene.sensor,
        "start_time": scene.start.isoformat(),
        "surface": scene.surface.kind,
        "seed": scene.seed,
        "wind_speed_10m_m_s": scene.wind.speed,
        "wind_direction_from_deg": scene.wind.direction,
        "plumes": plume_parameters(scene),
        "synthetic_absorption": synthetic,
    }
    attributes = {
        "title": "Truth of a simulated granule",
        "scene": scene.name,
        "sensor": scene.sensor,
        "absorption": "ch4: MODTRAN library of mag1c" + "".join(f"; {gas}: SYNTHETIC bands" for gas in synthetic),
        "parameters": json.dumps(parameters),
    }
    path = folder / f"{scene.name}_truth.nc"
    with atomic_outputs({"layers": path, "parameters": path.with_suffix(".json")}) as temporary:
        write_layers(temporary["layers"], layers, attributes)
        temporary["parameters"].write_text(json.dumps(parameters, indent=1) + "\n")
    return path
