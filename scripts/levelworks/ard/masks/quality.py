"""The quality bits of a product: what each means, packed into 16 bits and taken apart again (spec section 16)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

NO_DATA = 1
"""The whole value where there is no data: no other bit is set."""


class Cloud(IntEnum):
    """State of cloud, bits 1 and 2."""

    CLEAR = 0
    BUFFER = 1
    CONFIDENT = 2
    CIRRUS = 3


class Aerosol(IntEnum):
    """Where the aerosol optical depth comes from, bits 6 and 7."""

    ESTIMATED = 0
    INTERPOLATED = 1
    HIGH = 2
    FILL = 3


class Illumination(IntEnum):
    """Angle between the sun and the surface's normal, bits 11 and 12."""

    GOOD = 0
    """Below 55 degrees."""
    MEDIUM = 1
    """55 to 80 degrees."""
    POOR = 2
    """Above 80 degrees."""
    SHADED = 3
    """The surface faces away from the sun."""


@dataclass(frozen=True)
class Field:
    """A run of bits."""

    name: str
    shift: int
    width: int = 1
    states: type[IntEnum] | None = None

    @property
    def mask(self) -> int:
        """Return the bits of the field, set."""
        return ((1 << self.width) - 1) << self.shift


FIELDS = (
    Field("nodata", 0),
    Field("cloud", 1, 2, Cloud),
    Field("shadow", 3),
    Field("snow", 4),
    Field("water", 5),
    Field("aerosol", 6, 2, Aerosol),
    Field("subzero", 8),
    Field("saturation", 9),
    Field("low_sun", 10),
    Field("illumination", 11, 2, Illumination),
    Field("slope", 13),
    Field("water_vapour_fill", 14),
)
"""The fields of the product's bits, in their order; bit 15 is never set, so that values fit 16-bit signed integers."""

BY_NAME = {field.name: field for field in FIELDS}


def pack(shape: tuple[int, ...] | None = None, **states: np.ndarray | int | bool) -> np.ndarray:
    """Pack the states of fields into quality bits.

    Parameters
    ----------
    shape : tuple of int, optional
        Of the result; else that of the states, broadcast.
    **states
        By the names of `FIELDS`; those not given are zero.

    Returns
    -------
    ndarray, int16
        `NO_DATA` wherever ``nodata`` is set.

    Raises
    ------
    KeyError
        For a name that is none.
    ValueError
        For a state that does not fit its field.
    """
    result = np.zeros(
        shape if shape is not None else np.broadcast_shapes(*(np.shape(s) for s in states.values())), np.int16
    )
    for name, state in states.items():
        field = BY_NAME[name]
        values = np.asarray(state)
        if values.size and (values.min() < 0 or values.max() >= 1 << field.width):
            raise ValueError(
                f"quality field {name} holds 0 to {(1 << field.width) - 1}, not {values.min()} to {values.max()}"
            )
        result |= values.astype(np.int16) << np.int16(field.shift)
    result[(result & NO_DATA) != 0] = NO_DATA
    return result


def unpack(value: int) -> dict[str, int | IntEnum]:
    """Return the states of one value by the names of the fields; enumerations where a field has them.

    Raises
    ------
    ValueError
        Where the value has bits of no field.
    """
    if not 0 <= int(value) < 1 << 15:
        raise ValueError(f"{value} is no value of quality bits: 0 to 32767")
    found: dict[str, int | IntEnum] = {}
    for field in FIELDS:
        state = (int(value) & field.mask) >> field.shift
        found[field.name] = field.states(state) if field.states else state
    return found


def inflate(quality: np.ndarray) -> dict[str, np.ndarray]:
    """Return one array per field, uint8, of the shape of the quality bits."""
    return {field.name: ((quality & field.mask) >> field.shift).astype(np.uint8) for field in FIELDS}
