"""Meandering, patchy plumes of known emission rate: puffs let go at a constant rate and carried by a turbulent wind.

The turbulence is a sum of waves of many lengths whose amplitudes follow the -5/3 law of Kolmogorov; it drifts with the
mean wind (Taylor 1938) and changes on the turnover time of each wave. Small-scale mixing widens the puffs. Nothing is
lost: what lies on the ground is the rate times the time that gas has been let go, less what has left the scene.
"""

from __future__ import annotations

import numpy as np

from levelworks.plumes.simulation.simulated_ground import Ground
from levelworks.plumes.simulation.transport import Plume, Wind, transport_speed
from levelworks.plumes.simulation.transport_kernels import carry_puffs, deposit_puffs

INTENSITY: dict[str, float] = {"A": 0.26, "B": 0.23, "C": 0.18, "D": 0.13, "E": 0.09, "F": 0.06}
"""Standard deviation of one horizontal component of the wind over its mean, by Pasquill class."""
LONGEST, SHORTEST = 2500.0, 120.0
"""Wavelengths of the turbulence (m)."""
WAVES = 32
STEP = 10.0
"""Seconds between two changes of direction of a puff."""
RELEASE = 2.0
"""Seconds between two puffs."""
MIXING_LENGTH = 20.0
"""m: diffusivity of what the waves don't resolve over the standard deviation of the wind."""


def turbulent_modes(speed: float, stability: str, random: np.random.Generator) -> np.ndarray:
    """Draw the waves of `carry_puffs`, (WAVES, 5)."""
    lengths = np.geomspace(LONGEST, SHORTEST, WAVES)
    wavenumber = 2 * np.pi / lengths
    # energy between equal steps of ln k goes with k E(k) = k^(-2/3)
    energy = wavenumber ** (-2.0 / 3.0)
    # each component of the wind has half the variance of all waves, and a wave half its squared amplitude
    amplitude = np.sqrt(4 * energy / energy.sum()) * INTENSITY[stability] * speed
    angle = random.uniform(0, 2 * np.pi, WAVES)
    frequency = random.normal(0, 1, WAVES) * wavenumber * amplitude
    phase = random.uniform(0, 2 * np.pi, WAVES)
    return np.stack([wavenumber * np.cos(angle), wavenumber * np.sin(angle), frequency, phase, amplitude], axis=1)


def turbulent_plume(ground: Ground, plume: Plume, wind: Wind, *, seconds: float, seed: int) -> np.ndarray:
    """Return the column of a plume whose source has emitted for some time, (rows, columns) mol m-2.

    Parameters
    ----------
    seconds : float
        How long; the plume reaches about this times the wind.
    seed : int
        Of the turbulence.
    """
    random = np.random.default_rng(seed)
    speed = transport_speed(wind, plume.stability)
    modes = turbulent_modes(speed, plume.stability, random)
    ages = np.arange(0.5 * RELEASE, seconds, RELEASE)
    source_east, source_north = ground.to_plane(np.array(plume.row), np.array(plume.column))
    east, north = np.full(ages.size, float(source_east)), np.full(ages.size, float(source_north))
    factor = speed / wind.speed
    carry_puffs(east, north, ages, STEP, np.array([wind.eastward, wind.northward]) * factor, modes)
    diffusivity = MIXING_LENGTH * INTENSITY[plume.stability] * speed
    sigma = np.sqrt(plume.source_size**2 + 2 * diffusivity * ages)
    rows, columns = ground.to_pixel(east, north)
    amount = np.full(ages.size, plume.molar_rate * seconds / ages.size)
    moles = deposit_puffs(rows, columns, sigma / ground.pixel, amount, (ground.rows, ground.columns))
    return np.asarray(moles / ground.area(*ground.grid()))
