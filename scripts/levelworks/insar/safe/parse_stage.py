"""The stage `parse-safe`: the products of one pass to the bursts of a frame, what is missing said, and the orbit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome, Status
from levelworks.core.record import read_record
from levelworks.insar.frames.coverage import cover_frame
from levelworks.insar.frames.frame import read_frame
from levelworks.insar.orbits.choose_orbit import choose_orbit
from levelworks.insar.orbits.orbit_names import identify_orbit_files
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.acquisition_files import write_acquisition
from levelworks.insar.safe.parse_options import ParseSafe

ORBITS = ("annotated", "restituted", "precise")
"""Kinds of orbits, the better the later."""


def parse_safe(
    frame: Path, products: list[Path], orbits: list[Path] | None, *, acquisition: Path, options: ParseSafe
) -> Outcome:
    """Find the bursts of a frame in the products of a pass, and choose its orbit; pixels stay where they are.

    Parameters
    ----------
    frame : Path
    products : list of Path
        SAFE folders or zips of the slices of one pass.
    orbits : list of Path or None
        Orbit files that may cover the pass.
    acquisition : Path
        JSON of `safe.acquisition_files`.

    Raises
    ------
    InvalidInput
        Where a product is damaged, or has no burst of the frame.
    InvalidReference
        Where an orbit file is damaged.
    NothingToProduce
        Where the orbit or the coverage is less than the options ask for.
    """
    wanted = read_frame(frame)
    products, left_out = _fetched(products)
    swaths = tuple(sorted({burst.swath for burst in wanted.bursts}))
    found = read_acquisition(products, wanted.polarisation, swaths)
    covered = cover_frame(wanted, found)
    start, stop = found.span
    orbit, facts = choose_orbit(
        identify_orbit_files(orbits or []), found.mission, found.epoch, start, stop, found.state_vectors
    )
    if ORBITS.index(orbit.kind) < ORBITS.index(options.least_orbit):
        raise NothingToProduce(f"its best orbit is {orbit.kind}, least-orbit asks for {options.least_orbit}")
    if covered.fraction < options.least_coverage:
        raise NothingToProduce(
            f"it has {len(covered.bursts)} of {len(wanted.bursts)} bursts, least-coverage asks for "
            f"{options.least_coverage:g} of them"
        )
    write_acquisition(
        acquisition,
        replace(
            found,
            bursts=covered.bursts,
            gaps=covered.missing,
            state_vectors=orbit.vectors,
            orbit_kind=orbit.kind,
            orbit_sources=tuple(facts["orbit_files"]),
        ),
    )
    missing = tuple(f"{gap.swath} {gap.id} is missing: {gap.reason}" for gap in covered.missing)
    state = "degraded" if missing else "done"
    unsure = (
        "no orbit file covers it: the annotation's is taken, which may be off by decimetres; stage a POEORB or RESORB",
    )
    said = (*found.notes, *missing, *(unsure if orbit.kind == "annotated" else ()))
    about = {"state": state, "mission": found.mission, "absolute_orbit": found.absolute_orbit}
    return Outcome(Status.DONE, quality=about | covered.facts() | facts, warnings=(*left_out, *said))


def _fetched(products: list[Path]) -> tuple[list[Path], list[str]]:
    """Part products from those that could not be fetched, of which a sentence each is returned.

    Raises
    ------
    InvalidInput
        Where none is left.
    """
    reasons = {}
    for product in products:
        record = read_record(product)
        if record is not None and record["outcome"] != Status.DONE:
            reasons[product] = str(record["reason"])
    usable = [product for product in products if product not in reasons]
    if reasons and not usable:
        raise InvalidInput("; ".join(reasons.values()))
    return usable, [f"left out {product.name}: {reason}" for product, reason in reasons.items()]
