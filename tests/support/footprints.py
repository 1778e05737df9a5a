"""Synthetic captures: frames of eight sheared footprints in adjacent swaths, or in sweeps over one site."""

from __future__ import annotations

import numpy as np

KM_PER_DEGREE = 111.195


def capture(seed, *, swaths=5, frames=12, site=(-118.2, 34.05), target_mode=False, fan=17.0, kept=0.9):
    """Return vertices in degrees, float32 values in float64, shape (soundings, 4) each, clockwise.

    Sweeps over one site differ in azimuth by ``fan`` degrees.
    """
    rng = np.random.default_rng(seed)
    corners = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, 0.5], [0.5, -0.5]])
    quads = []
    for swath in range(swaths):
        turn = np.deg2rad(12.0 + (fan * (swath - swaths // 2) if target_mode else 1.5 * swath))
        shear = 0.35 if target_mode else 0.2
        across = 1.7 * np.array([np.cos(turn), -np.sin(turn)])
        along = 2.3 * np.array([np.sin(turn) + shear * np.cos(turn), np.cos(turn) - shear * np.sin(turn)])
        middle = rng.normal(0.0, 0.8, 2) if target_mode else 12.3 * (swath - swaths // 2) * across / 1.7
        for frame in range(frames):
            for footprint in range(8):
                centre = middle + (footprint - 3.5) * across + (frame - frames / 2) * along + rng.normal(0.0, 0.03, 2)
                quads.append(centre + corners[:, :1] * across + corners[:, 1:] * along * rng.uniform(0.97, 1.03))
    quads = np.array(quads)[rng.random(len(quads)) < kept]
    longitude = site[0] + quads[..., 0] / (KM_PER_DEGREE * np.cos(np.deg2rad(site[1])))
    latitude = site[1] + quads[..., 1] / KM_PER_DEGREE
    return longitude.astype(np.float32).astype(np.float64), latitude.astype(np.float32).astype(np.float64)


def box_around(site=(-118.2, 34.05), half_width=0.6):
    """Return min_lon, min_lat, max_lon, max_lat."""
    return site[0] - half_width, site[1] - half_width, site[0] + half_width, site[1] + half_width
