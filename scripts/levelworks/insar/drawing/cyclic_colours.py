"""A cyclic colour map for wrapped phase: hue once around at one chroma, so that no phase looks like missing data.

Lightness falls from phase 0 to half a cycle either way: fringes stay visible in grey, and to people who see few hues.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from matplotlib.colors import ListedColormap

from levelworks.core.plots import LEVELS

LIGHTNESS, SWING, CHROMA = 0.66, 0.15, 0.115
HUE_AT_ZERO = 1.92
"""rad: green-yellow, light of itself, is phase 0."""

TO_CONE = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
"""From Oklab to cone responses' cube roots, and from responses to linear sRGB (Ottosson 2020)."""


@cache
def phase_colours() -> ListedColormap:
    """Return the map, from -pi to pi."""
    phase = (np.arange(LEVELS) + 0.5) / LEVELS * 2 * np.pi - np.pi
    hue = phase + HUE_AT_ZERO
    lab = np.stack([LIGHTNESS + SWING * np.cos(phase), CHROMA * np.cos(hue), CHROMA * np.sin(hue)], axis=1)
    linear = np.clip((lab @ TO_CONE.T) ** 3 @ TO_RGB.T, 0, 1)
    gamma = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return ListedColormap(gamma, "phase")
