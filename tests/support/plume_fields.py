"""Simulated enhancement fields of known plumes, and retrieval products of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from levelworks.plumes.layers import Layer, write_layers

PIXEL = 60.0
METHANE = 16.0425e-3
METRES_PER_DEGREE = 111194.9266


def gaussian_plume(shape, source, rate, speed, heading, spread=68.0, split=4):
    """Return a steady plume (mol m-2): rate in t h-1, speed in m s-1, heading of the wind in the grid (radians)."""
    flow = rate * 1000 / 3600 / METHANE
    rows, columns = np.meshgrid(*((np.arange(n * split) + 0.5) / split - 0.5 for n in shape), indexing="ij")
    down, right = (rows - source[0]) * PIXEL, (columns - source[1]) * PIXEL
    along = down * np.sin(heading) + right * np.cos(heading)
    across = right * np.sin(heading) - down * np.cos(heading)
    width = spread * (np.maximum(along, 200.0) / 1000) ** 0.894
    line = flow / speed / (np.sqrt(2 * np.pi) * width)
    field = np.where(along > 0, line * np.exp(-(across**2) / (2 * width**2)), 0)
    return field.reshape(shape[0], split, shape[1], split).mean(axis=(1, 3))


def clutter(rng, shape, white=0.008, correlated=0.0, scale=2.0):
    """Return noise (mol m-2): white, and smooth over ``scale`` pixels."""
    smooth = ndimage.gaussian_filter(rng.standard_normal(shape), scale, mode="wrap")
    return (white * rng.standard_normal(shape) + correlated * smooth / smooth.std()).astype(np.float32)


def places(shape, longitude=54.0, latitude=38.0):
    """Return longitude and latitude of pixels of 60 m, rows southward, columns eastward."""
    rows, columns = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    east = longitude + columns * PIXEL / METRES_PER_DEGREE / np.cos(np.radians(latitude))
    return east, latitude - rows * PIXEL / METRES_PER_DEGREE


def write_retrieval(path: Path, fields, quality=None, longitude=54.0, **more):
    """Write a product as `retrieve` writes it, of fields by gas."""
    shape = next(iter(fields.values())).shape
    east, north = places(shape, longitude)
    layers = [Layer(name, field.astype(np.float32), "mol m-2") for name, field in fields.items()]
    layers += [
        Layer("quality", np.zeros(shape, np.uint16) if quality is None else quality),
        Layer("longitude", east, "degrees_east"),
        Layer("latitude", north, "degrees_north"),
        Layer("pixel_area", np.full(shape, PIXEL**2, np.float32), "m2"),
    ]
    layers += [Layer(name, values) for name, values in more.items()]
    write_layers(
        path,
        layers,
        {
            "scene": "EMIT_L2B_001_20220815T042838_2222703_003",
            "sensor": "EMIT",
            "instrument": "emi",
            "start_time": "2022-08-15T04:28:38Z",
            "pixel_size": PIXEL,
            "gases": " ".join(name for name in fields if "_" not in name),
        },
    )
    return path
