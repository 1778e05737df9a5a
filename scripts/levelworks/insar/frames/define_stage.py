"""The stage `define-frame`: the bursts of a pass to the definition of a frame."""

from __future__ import annotations

from pathlib import Path

from levelworks.core.outcome import InvalidOptions, Outcome, Status
from levelworks.insar.frames.catalogue import list_bursts, within
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.define_options import DefineFrame
from levelworks.insar.frames.frame import Looks, write_frame
from levelworks.insar.safe.acquisition import read_acquisition


def define(products: list[Path], *, frame: Path, options: DefineFrame) -> Outcome:
    """Define a frame of the bursts of a pass, whose reference it becomes.

    Parameters
    ----------
    products : list of Path
        SAFE folders or zips of the slices of one pass.
    frame : Path
        JSON that is written.

    Raises
    ------
    InvalidInput
        Where a product is damaged.
    InvalidOptions
        Where no burst meets the bounds.
    """
    found = read_acquisition(products, options.polarisation)
    bursts = list_bursts(found)
    if options.bounds is not None:
        west, south, east, north = options.bounds
        bursts = within(bursts, (west, south, east, north), found.pass_direction)
        if not bursts:
            raise InvalidOptions(f"bounds: no burst of {', '.join(found.products)} meets {options.bounds}")
    looks = Looks(range=options.range_looks, azimuth=options.azimuth_looks)
    defined = define_frame(bursts, found.epoch, step=options.step, looks=looks, polarisation=options.polarisation)
    write_frame(frame, defined)
    rows, columns = defined.grid.shape
    quality = {"frame": defined.frame, "bursts": len(defined.bursts), "rows": rows, "columns": columns}
    return Outcome(Status.DONE, quality=quality, warnings=found.notes)
