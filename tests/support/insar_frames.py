"""Frames of one burst over any place."""

from __future__ import annotations

import datetime as dt

from levelworks.insar.frames.frame import Frame, FrameGrid, write_frame

FRAME = "108A_04500_010000"


def frame_file(folder, west, south, east, north, step=0.001):
    """Write a frame whose grid has these bounds (degrees); return its path."""
    grid = FrameGrid(step=step, west=west, south=south, east=east, north=north)
    corners = ((west, south), (east, south), (east, north), (west, north))
    frame = Frame.model_validate(
        {
            "frame": FRAME,
            "track": 108,
            "pass_direction": "ascending",
            "reference": dt.date(2025, 4, 6),
            "bursts": [{"swath": "IW1", "burst_id": 230132, "polygon": corners}],
            "grid": grid,
        }
    )
    write_frame(folder / "frame.json", frame)
    return folder / "frame.json"
