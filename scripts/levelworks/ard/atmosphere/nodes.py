"""Wavelengths at which 6S solves the scattering, and how it goes from these nodes to others and to bands."""

from __future__ import annotations

import numpy as np

# fmt: off
NODES = np.array([
    0.412, 0.443, 0.470, 0.488, 0.515, 0.550, 0.590, 0.633, 0.670,
    0.694, 0.760, 0.860, 1.240, 1.536, 1.650, 1.950, 2.250, 3.750,
])
# fmt: on
"""Micrometres: those of the twenty of 6S that surround bands between 0.412 and 2.41."""


GRID = np.round(NODES / 0.0025) * 0.0025
"""The wavelengths next to the nodes that a monochromatic run can have: 6S takes others to its grid of 2.5 nm."""


def node_weights(wavelengths: np.ndarray) -> np.ndarray:
    """Return the weights of the nodes in the logarithm of a quantity, linear in the logarithm of wavelength.

    Parameters
    ----------
    wavelengths : ndarray, shape (wavelengths,)
        Micrometres.

    Returns
    -------
    ndarray, shape (wavelengths, nodes), float64
        So that ln y = weights @ ln y(nodes), as subroutine INTERP of 6S has it.
    """
    places = np.log(wavelengths)
    nodes = np.log(NODES)
    lower = np.clip(np.searchsorted(nodes, places, side="left") - 1, 0, len(nodes) - 2)
    share = (places - nodes[lower]) / (nodes[lower + 1] - nodes[lower])
    weights = np.zeros((len(places), len(nodes)))
    rows = np.arange(len(places))
    weights[rows, lower] = 1.0 - share
    weights[rows, lower + 1] = share
    return weights


def nodes_of_grid(values: np.ndarray) -> np.ndarray:
    """Return positive values at the nodes from those of monochromatic runs at `GRID`, last axis."""
    return np.exp(np.linalg.solve(node_weights(GRID), np.log(values)[..., None])[..., 0])


def fit_nodes(wavelengths: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the values at the nodes that explain a spectrum printed with few digits, by least squares.

    Parameters
    ----------
    wavelengths : ndarray, shape (wavelengths,)
        Micrometres, every 2.5 nm.
    values : ndarray, shape (wavelengths,)
        Positive quantity that 6S interpolated from its nodes and rounded.

    Returns
    -------
    ndarray, shape (nodes,), float64
    """
    weights = node_weights(wavelengths)
    logs = np.log(np.maximum(np.interp(NODES, wavelengths, values), 2e-5))
    for _ in range(30):
        model = np.exp(weights @ logs)
        step, *_ = np.linalg.lstsq(weights * model[:, None], values - model, rcond=1e-9)
        logs += np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            break
    return np.exp(logs)


def band_mean(values: np.ndarray, wavelengths: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean over a band of a positive quantity known at the nodes.

    Parameters
    ----------
    values : ndarray, shape (..., nodes)
    wavelengths, weights : ndarray, shape (wavelengths,)
        Of the band: micrometres, and response times solar irradiance with sum 1.

    Returns
    -------
    ndarray, shape (...), float64
    """
    spectra = np.exp(np.log(values) @ node_weights(wavelengths).T)
    return np.asarray(spectra @ weights)
