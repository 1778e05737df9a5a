"""What is true of a simulated stack, on a coarse grid of every burst of the first pass (HDF5)."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from levelworks.insar.simulation.burst_signal import Canvas

FIELDS = {
    "range_difference": "m, slant range of the pass less that of the first, from the ground's place alone",
    "motion": "m, of the ground towards the satellite since the first pass",
    "air": "m, one-way delay in the line of sight",
    "line_offset": "lines, from the burst of the first pass to that of this one, as geometry truly is",
    "sample_offset": "samples, likewise",
    "coherence": "1, with the first pass, that time and noise leave; baselines cost their share besides",
}


def write_ground(path: Path, key: str, grid: Canvas, fields: dict[str, np.ndarray]) -> None:
    """Write what doesn't change: latitude, longitude (degrees), height (m) and amplitude."""
    with h5py.File(path, "a") as file:
        group = file.create_group(key)
        group["lines"], group["samples"] = grid.coarse_lines, grid.coarse_samples
        for name, values in fields.items():
            _write(group, name, values)


def write_pass(path: Path, key: str, date: str, fields: dict[str, np.ndarray]) -> None:
    """Write the fields of a pass (``FIELDS``)."""
    with h5py.File(path, "a") as file:
        group = file[key].create_group(date)
        for name, values in fields.items():
            _write(group, name, values)
            group[name].attrs["meaning"] = FIELDS[name]


def write_targets(path: Path, places: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Write latitudes, longitudes (degrees) and heights (m) of corner reflectors."""
    with h5py.File(path, "a") as file:
        file["targets"] = np.stack(places)


def read_targets(path: Path) -> np.ndarray:
    """Read latitudes, longitudes (degrees) and heights (m) of corner reflectors, (3, targets)."""
    with h5py.File(path) as file:
        return np.asarray(file["targets"][()])


def read_truth(path: Path, key: str, date: str | None = None) -> dict[str, np.ndarray]:
    """Read the fields of a burst that don't change, and those of a pass where one is named."""
    with h5py.File(path) as file:
        group = file[key]
        fields = {name: item[()] for name, item in group.items() if isinstance(item, h5py.Dataset)}
        if date is not None:
            fields.update({name: item[()] for name, item in group[date].items()})
    return fields


def _write(group: h5py.Group, name: str, values: np.ndarray) -> None:
    group.create_dataset(name, data=values, compression="gzip", compression_opts=1, shuffle=True)
