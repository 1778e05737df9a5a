"""The stage `check-closure`: loops of three pairs, verdicts on pairs, repairs of whole cycles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from levelworks.core import mpi
from levelworks.core.aggregate import Inputs, usable_inputs
from levelworks.core.outcome import InvalidInput, NothingToProduce, Outcome
from levelworks.insar.network.closure import (
    CYCLE,
    Verdict,
    close_triplet,
    closure_chi_square,
    judge_pairs,
    measure_closure,
    whole_cycles,
)
from levelworks.insar.network.closure_files import (
    Judged,
    Measured,
    write_errors,
    write_repairs,
    write_triplets,
    write_verdicts,
)
from levelworks.insar.network.closure_options import CheckClosure
from levelworks.insar.network.epochs import Pair, parse_pair
from levelworks.insar.network.pair_stack import PairStack
from levelworks.insar.network.repair import Area, Repair, apply_repair, closure_areas, find_repair
from levelworks.insar.network.triplets import Triplet, find_triplets

NO_REFERENCE = "no data at the reference cells"


def check_closure(unwrapped: list[Path], *, folder: Path, options: CheckClosure) -> Outcome:
    """Close the loops of three pairs, judge the pairs, and find whole cycles that mend their components.

    Only triplets that have a pair of this batch count, and only those pairs are repaired: what an earlier batch gave
    out stays as it is, and its pairs are judged by those triplets alone.

    Parameters
    ----------
    unwrapped : list of Path
        Of `unwrap`, named by their pairs; flagged ones are left out and listed.
    folder : Path
        That is written: ``triplets.csv``, ``bad.csv`` (all pairs), ``repairs.json``, and ``n_loop_err.tif``, on the
        radar's grid ``n_loop_err.h5``: of how many triplets each cell is in error after the repair.

    Raises
    ------
    InvalidInput
        Where a file is damaged, misnamed, or on another grid than the others.
    NothingToProduce
        Where all pairs are flagged.

    Notes
    -----
    Ranks share triplets; the same bytes come from any number of them (specs/insar.md 4.14).
    """
    communicator = mpi.world()
    inputs = usable_inputs(unwrapped, options.max_quarantined, "pairs")
    if not inputs.usable:
        raise NothingToProduce("no pair was unwrapped")
    stack = PairStack({_pair_of(path): path for path in inputs.usable})
    reference, referred = stack.choose_reference(options.reference_share, communicator)
    lost = stack.refer(reference, communicator)
    pairs = [pair for pair in sorted(stack.paths) if pair not in lost]
    decided = {pair for pair in stack.paths if options.pairs is None or str(pair) in options.pairs}
    triplets = [triplet for triplet in find_triplets(pairs) if any(pair in decided for pair, _ in triplet.signed)]
    before, areas, errors = _close_all(stack, triplets, reference, options.least_pixels, communicator)
    repair = find_repair(areas, decided) if options.repair and communicator.rank == 0 else Repair({}, ())
    repair = communicator.broadcast(repair)
    after, change = _close_again(stack, before, reference, repair, communicator)
    if communicator.rank > 0:
        done: Outcome = communicator.broadcast(None)
        return done
    judged = _judge(inputs, pairs, lost, decided, after)
    folder.mkdir()
    write_triplets(folder, [(before[triplet], after[triplet]) for triplet in triplets])
    write_verdicts(folder, judged)
    write_repairs(folder, repair)
    write_errors(folder, errors + change, stack.grid)
    apart = len(stack.paths) - referred
    said = f"{apart} of {len(stack.paths)} pairs have no data at cells that the most pairs have" if apart else ""
    quality = _quality(triplets, before, after, repair, judged)
    done = Outcome(quality=quality, warnings=(*inputs.warnings, *([said] if said else [])))
    communicator.broadcast(done)
    return done


def write_empty_closure(path: Path, outcome: Outcome) -> None:
    """Write a folder of tables without rows, and no repairs."""
    path.mkdir()
    write_triplets(path, ())
    write_verdicts(path, ())
    write_repairs(path, Repair({}, ()))
    (path / "reason.txt").write_text(f"{outcome.status.value}: {outcome.reason}\n", encoding="utf-8")


def _pair_of(path: Path) -> Pair:
    try:
        return parse_pair(path.stem)
    except ValueError as error:
        raise InvalidInput(f"{path} has no pair's name ({error})") from None


def _close_all(
    stack: PairStack,
    triplets: Sequence[Triplet],
    reference: np.ndarray,
    least_pixels: int,
    communicator: mpi.Communicator,
) -> tuple[dict[Triplet, Measured], list[Area], np.ndarray]:
    """Measure all triplets; return them with their areas in order, and the count of errors at each cell."""
    own: list[tuple[Triplet, Measured, list[Area]]] = []
    errors = np.zeros(stack.shape, np.int32)
    with mpi.together(communicator):
        for k in mpi.split(len(triplets), communicator.size, communicator.rank):
            triplet = triplets[k]
            layers = stack.of(pair for pair, _ in triplet.signed)
            phases = _level(triplet, {pair: one.phase for pair, one in layers.items()}, reference)
            measured, wrong = _measure(triplet, phases, [one.variance for one in layers.values()])
            errors += wrong
            components = {pair: one.components for pair, one in layers.items()}
            own.append((triplet, measured, closure_areas(phases, components, [triplet], least_pixels)))
    parts = [part for other in communicator.allgather(own) for part in other]
    before = {triplet: measured for triplet, measured, _ in parts}
    return before, [area for *_, found in parts for area in found], _sum(errors, communicator)


def _close_again(
    stack: PairStack,
    before: Mapping[Triplet, Measured],
    reference: np.ndarray,
    repair: Repair,
    communicator: mpi.Communicator,
) -> tuple[dict[Triplet, Measured], np.ndarray]:
    """Measure the triplets of repaired pairs again; return all, and the change of the count of errors at each cell."""
    repaired = {pair for pair, _ in repair.cycles}
    touched = [triplet for triplet in before if any(pair in repaired for pair, _ in triplet.signed)]
    own = {}
    change = np.zeros(stack.shape, np.int32)
    with mpi.together(communicator):
        for k in mpi.split(len(touched), communicator.size, communicator.rank):
            layers = stack.of(pair for pair, _ in touched[k].signed)
            variances = [one.variance for one in layers.values()]
            old = _level(touched[k], {pair: one.phase for pair, one in layers.items()}, reference)
            new = {pair: apply_repair(old[pair], one.components, pair, repair) for pair, one in layers.items()}
            own[touched[k]], wrong = _measure(touched[k], new, variances)
            change += wrong - _measure(touched[k], old, variances)[1]
    after = dict(before)
    for part in communicator.allgather(own):
        after |= part
    return after, _sum(change, communicator)


def _level(triplet: Triplet, phases: Mapping[Pair, np.ndarray], reference: np.ndarray) -> dict[Pair, np.ndarray]:
    """Take off the closing pair what the closure of the reference cells has beyond whole cycles.

    Medians of three pairs don't add up exactly: that part of a cycle is of the reference, not of the pairs.
    """
    closure = close_triplet(phases, triplet)
    known = np.isfinite(closure)
    values = closure[known & reference] if (known & reference).any() else closure[known]
    median = float(np.median(values)) if values.size else 0.0
    part = median - CYCLE * round(median / CYCLE)
    return {**phases, triplet.closing: phases[triplet.closing] + np.float32(part)}


def _measure(
    triplet: Triplet, phases: Mapping[Pair, np.ndarray], variances: Sequence[np.ndarray]
) -> tuple[Measured, np.ndarray]:
    """Return the figures of a triplet, and where it has whole cycles."""
    closure = close_triplet(phases, triplet)
    ratio = closure_chi_square(closure, variances)
    known = np.isfinite(ratio)
    mean = float(ratio[known].mean(dtype=np.float64)) if known.any() else np.nan
    return Measured(measure_closure(triplet, closure), mean), (whole_cycles(closure) != 0).astype(np.int32)


def _sum(own: np.ndarray, communicator: mpi.Communicator) -> np.ndarray:
    """Return the sum over ranks on rank 0; what this rank has elsewhere."""
    total = own
    for rank in range(1, communicator.size):
        if communicator.rank == rank:
            communicator.send(own, 0)
        elif communicator.rank == 0:
            total = total + communicator.receive(rank)
    return total


def _judge(
    inputs: Inputs,
    pairs: Sequence[Pair],
    lost: Sequence[Pair],
    decided: set[Pair],
    after: Mapping[Triplet, Measured],
) -> list[Judged]:
    """Say of every pair what its triplets say after the repair; of one that was left out, why."""
    closures = [one.closure for one in after.values() if one.closure.pixels]
    tested: Counter[Pair] = Counter(pair for one in closures for pair, _ in one.triplet.signed)
    failed: Counter[Pair] = Counter(pair for one in closures if one.fails for pair, _ in one.triplet.signed)
    found = []
    for pair, verdict in judge_pairs(pairs, closures).items():
        reason = f"{failed[pair]} of {tested[pair]} triplets fail" if tested[pair] else "in no triplet that counts"
        if verdict is Verdict.BAD and pair not in decided:
            reason = f"{reason}; it was decided before and is not altered"
        found.append(Judged(str(pair), pair in decided, verdict.value, tested[pair], failed[pair], reason))
    found += [Judged(str(pair), pair in decided, Verdict.UNTESTED.value, 0, 0, NO_REFERENCE) for pair in lost]
    for name, reason in inputs.left_out:
        found.append(Judged(Path(name).stem, False, "left out", 0, 0, reason))
    return sorted(found, key=lambda one: one.pair)


def _quality(
    triplets: Sequence[Triplet],
    before: Mapping[Triplet, Measured],
    after: Mapping[Triplet, Measured],
    repair: Repair,
    judged: Sequence[Judged],
) -> dict[str, object]:
    rms, ratio = ([value for value in values if np.isfinite(value)] for values in zip(
        *((one.closure.rms, one.chi_square) for one in after.values()), strict=True
    )) if after else ([], [])  # fmt: skip
    verdicts = Counter(one.verdict for one in judged)
    return {
        "triplets": len(triplets),
        "failing_triplets_before": sum(one.closure.fails for one in before.values()),
        "failing_triplets_after": sum(one.closure.fails for one in after.values()),
        "median_rms_rad": round(float(np.median(rms)), 4) if rms else None,
        "median_chi_square": round(float(np.median(ratio)), 4) if ratio else None,
        "repaired_components": len(repair.cycles),
        "undecided_components": len(repair.undecided),
        **{f"{verdict.value}_pairs": verdicts[verdict.value] for verdict in Verdict},
        "left_out_pairs": verdicts["left out"],
    }
