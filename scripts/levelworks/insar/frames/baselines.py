"""Perpendicular baselines of a frame's dates, as planning needs them to choose pairs.

They are of the state vectors of annotations: these never change, where orbit files are exchanged for better ones, by
which pairs that stand would be chosen otherwise. Some centimetres are nothing to the choice.
"""

from __future__ import annotations

from collections.abc import Mapping

from levelworks.core.outcome import InvalidInput
from levelworks.insar.frames.frame import Frame
from levelworks.insar.frames.products import PlannedAcquisition
from levelworks.insar.geometry.planned_baseline import middle_point, perpendicular_baseline, state_abeam
from levelworks.insar.orbits.annotated_vectors import Vector, read_annotated_vectors


def planned_baselines(
    frame: Frame, acquisitions: Mapping[str, PlannedAcquisition]
) -> tuple[dict[str, float], dict[str, str]]:
    """Compute the perpendicular baseline of each date to the reference, at the middle of the frame.

    Parameters
    ----------
    frame : Frame
    acquisitions : mapping of str to PlannedAcquisition
        By date (YYYYMMDD), the reference among them.

    Returns
    -------
    baselines : dict of str to float
        m, of the dates of which it is known; none where that of the reference is not.
    unknown : dict of str to str
        Why it isn't, by date.
    """
    point = middle_point(burst.polygon for burst in frame.bursts)
    states: dict[str, tuple[Vector, Vector]] = {}
    unknown: dict[str, str] = {}
    for date, found in acquisitions.items():
        try:
            states[date] = _state(found, point)
        except InvalidInput as error:
            unknown[date] = str(error)
    reference = states.get(f"{frame.reference:%Y%m%d}")
    if reference is None:
        return {}, unknown
    return {date: perpendicular_baseline(reference, state, point) for date, state in states.items()}, unknown


def _state(found: PlannedAcquisition, point: Vector) -> tuple[Vector, Vector]:
    """Return where the satellite was abeam of a point, from the annotation of the slice that tells."""
    for product in found.products:
        state = state_abeam(read_annotated_vectors(product.path), point)
        if state is not None:
            return state
    names = ", ".join(product.id for product in found.products)
    raise InvalidInput(f"the state vectors of {names} do not reach to the middle of the frame")
