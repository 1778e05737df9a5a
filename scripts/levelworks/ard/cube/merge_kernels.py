"""The inner loops of merging: one value of all images of a day in a pixel, the same in whatever order they come.

Source of the rules: specification section 17; means are weighted sums of integers, divided once.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def merge_means(values: np.ndarray, weights: np.ndarray, nodata: int, merged: np.ndarray) -> None:
    """Take the weighted mean of the images with data, rounded to the nearest integer, halves up.

    Parameters
    ----------
    values : (images, rows, columns) of an integer type
    weights : (images, rows, columns) uint8
        Where there are data, 1 at least counts.
    merged : (rows, columns) of the type of the values
        Written.
    """
    for i in range(values.shape[1]):
        for j in range(values.shape[2]):
            total, weight = 0, 0
            for image in range(values.shape[0]):
                value = int(values[image, i, j])
                if value != nodata:
                    own = max(int(weights[image, i, j]), 1)
                    total += own * value
                    weight += own
            merged[i, j] = (2 * total + weight) // (2 * weight) if weight else nodata


@numba.njit(cache=True, nogil=True)
def merge_strongest(values: np.ndarray, weights: np.ndarray, nodata: int, merged: np.ndarray) -> None:
    """Take the value of the image with the largest weight, of equals the first."""
    for i in range(values.shape[1]):
        for j in range(values.shape[2]):
            best = -1
            found = nodata
            for image in range(values.shape[0]):
                if values[image, i, j] != nodata and int(weights[image, i, j]) > best:
                    best = int(weights[image, i, j])
                    found = values[image, i, j]
            merged[i, j] = found


@numba.njit(cache=True, nogil=True)
def merge_least(values: np.ndarray, nodata: int, merged: np.ndarray) -> None:
    """Take the least value of the images with data."""
    for i in range(values.shape[1]):
        for j in range(values.shape[2]):
            found = nodata
            for image in range(values.shape[0]):
                value = values[image, i, j]
                if value != nodata and (found == nodata or value < found):
                    found = value
            merged[i, j] = found


@numba.njit(cache=True, nogil=True)
def merge_quality(
    values: np.ndarray, nodata: int, cloud: int, aerosol: int, illumination: int, flags: int, merged: np.ndarray
) -> None:
    """Merge quality bits: the highest state of cloud and aerosol, the best illumination, every flag that one has.

    Parameters
    ----------
    values : (images, rows, columns) int16
    nodata : int
        The value without data; kept where every image has it.
    cloud, aerosol, illumination, flags : int
        Masks of the fields, the last one of all single bits.
    merged : (rows, columns) int16
        Written.
    """
    for i in range(values.shape[1]):
        for j in range(values.shape[2]):
            any_data = False
            most_cloud, most_aerosol, least_illumination, any_flag = 0, 0, illumination, 0
            for image in range(values.shape[0]):
                value = int(values[image, i, j])
                if value != nodata:
                    any_data = True
                    most_cloud = max(most_cloud, value & cloud)
                    most_aerosol = max(most_aerosol, value & aerosol)
                    least_illumination = min(least_illumination, value & illumination)
                    any_flag |= value & flags
            merged[i, j] = most_cloud | most_aerosol | least_illumination | any_flag if any_data else nodata
