"""The stages `index-queue` and `make-parameter-file`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from levelworks.ard.names import identify
from levelworks.ard.peer.parameter_file import parse, write_parameters
from levelworks.ard.peer.parameters import BY_TAG
from levelworks.ard.peer.peer_options import IndexQueue, MakeParameterFile
from levelworks.ard.peer.queue import read_queue, updated_queue
from levelworks.core.atomic import write_text
from levelworks.core.lock import exclusive
from levelworks.core.outcome import InvalidInput, InvalidOptions, NothingToProduce, Outcome, Status
from levelworks.core.record import described_product, read_record

STATES = {Status.DONE: "DONE", Status.SKIPPED: "DONE", Status.QUARANTINED: "FAIL"}
"""FORCE calls an image done whose clouds it skipped, and failed one that it could not read."""


def index_queue(queue: Path, images: Sequence[Path], *, states: Path, options: IndexQueue) -> Outcome:
    """Find out what became of the images of FORCE's queue, and write it into the queue; other lines stay as they are.

    Parameters
    ----------
    queue : Path
        FORCE's queue; it changes under a lock, in one go.
    images : sequence of Path
        Products of `process-image`, or the records beside them.
    states : Path
        Table of the queue's images and their states, a copy of the queue as it then stands.

    Raises
    ------
    NothingToProduce
        Where no image of the queue was processed.
    """
    outcomes: dict[str, str] = {}
    for path in images:
        product = described_product(path)
        record = read_record(product)
        if record is not None:
            outcomes[product.name] = STATES[Status(record["outcome"])]
    with exclusive([queue] if options.write_back else []):
        found: dict[str, str] = {}
        for entry in read_queue(queue):
            try:
                name = identify(entry.path).id
            except InvalidInput:
                continue
            if name in outcomes:
                found[str(entry.path)] = outcomes[name]
        if not found:
            raise NothingToProduce(f"no image of {queue} was processed")
        text = updated_queue(queue.read_text(encoding="utf-8"), found)
        if options.write_back:
            write_text(queue, text)
    states.write_text(text, encoding="utf-8")
    return Outcome(quality={state.lower(): count for state, count in sorted(Counter(found.values()).items())})


def make_parameter_file(*, parameters: Path, options: MakeParameterFile) -> Outcome:
    """Write FORCE's parameter file; paths need not exist here.

    Raises
    ------
    InvalidOptions
        Where a tag is unknown, or its value is not allowed.
    """
    values = {}
    for tag, text in options.parameters.items():
        if tag not in BY_TAG:
            raise InvalidOptions(f"parameters: {tag} is no parameter of FORCE's Level 2")
        try:
            values[tag] = parse(BY_TAG[tag], text, check_files=False)
        except ValueError as error:
            raise InvalidOptions(f"parameters: {tag} {error}") from None
    parameters.write_text(write_parameters(values), encoding="utf-8")
    return Outcome()


def write_empty_text(path: Path, outcome: Outcome) -> None:
    """Write what stands in place of a text file."""
    path.write_text(f"# {outcome.status.value}: {outcome.reason}\n", encoding="utf-8")
