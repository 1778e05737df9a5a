"""Products of the line: one FITS file a frame and level, a combination, a dark, a set of maps.

Planes carry EXTNAMEs: SCI, ERR, DQ (uint16, bits of `dq`), and by product BIAS, VAR_POISSON, VAR_RNOISE, VAR_CAL,
SAMPLES, COUNTS, ... The table PROVENANCE names every file that went in, with the checksum of its content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from levelworks import __version__
from levelworks.core.outcome import Outcome
from levelworks.core.record import describe_input
from levelworks.coronagraph.calibrate import Level2a, Level2b
from levelworks.coronagraph.dark import MasterDark
from levelworks.coronagraph.fits_writer import Plane, TextTable, card, update_cards, write_planes
from levelworks.coronagraph.options import CalibrateFrame
from levelworks.coronagraph.readers import Level1Frame

Files = Mapping[str, Sequence[Path]]


def provenance(files: Files) -> TextTable:
    """Return the table of input files: role, name, checksum. Names without folders: bytes must not depend on them."""
    rows = [(role, path) for role, paths in files.items() for path in paths]
    columns = {
        "ROLE": [role for role, _ in rows],
        "NAME": [path.name for _, path in rows],
        "CHECKSUM": [str(describe_input(path)["checksum"]) for _, path in rows],
    }
    return TextTable("PROVENANCE", columns)


def _level_cards(level: str, unit: str, level2a: Level2a, options: CalibrateFrame) -> list[str]:
    bias_columns = "sigma of one bias sample"
    return [
        card("DATALVL", level, "data level"),
        card("DATA_LEVEL", level),
        card("BUNIT", unit, "unit of the image"),
        card("GAIN", level2a.gain, "EM gain used"),
        card("EXPTIME", level2a.exposure_time, "[s] exposure time"),
        card("KGAINPAR", level2a.k_gain, "[e-/DN] K gain used"),
        card("FWC_PP_E", level2a.pixel_full_well, "[e-] full well of a pixel"),
        card("FWC_EM_E", options.register_full_well, "[e-] full well of the gain register"),
        card("SAT_DN", level2a.saturation_level, "[DN] saturation level"),
        card("RN", options.read_noise or level2a.read_noise, "[e-] read noise"),
        card("BIAS_SD", level2a.bias.noise, f"[DN] {bias_columns}"),
        card("B_O", options.bias_offset, "[DN] bias offset"),
        card("COMPAT", options.compat, "peer reproduced"),
    ]


def primary_cards(kind: str) -> list[str]:
    """Return the cards that every primary header of ours has."""
    return [
        card("ORIGIN", "levelworks", "software"),
        card("LWVERSN", __version__, "its version"),
        card("PRODUCT", kind),
    ]


def write_level2a(
    path: Path, frame: Level1Frame, level2a: Level2a, counts_error: np.ndarray, options: CalibrateFrame, files: Files
) -> None:
    """Write a Level 2a frame: linear counts in DN with error, flags and row bias."""
    sci = update_cards(frame.header.image_cards, _level_cards("L2a", "DN", level2a, options))
    planes = [
        Plane("SCI", level2a.counts, sci),
        Plane("ERR", counts_error, [card("BUNIT", "DN")]),
        Plane("DQ", level2a.dq),
        Plane("BIAS", level2a.bias.level.astype(np.float32), [card("BUNIT", "DN")]),
    ]
    write_planes(path, update_cards(frame.header.primary_cards, primary_cards("L2a")), planes, [provenance(files)])


def write_level2b(
    path: Path, frame: Level1Frame, level2a: Level2a, level2b: Level2b, options: CalibrateFrame, files: Files
) -> None:
    """Write a Level 2b frame: photoelectrons per pixel and frame with error, its components, flags and row bias."""
    cards = _level_cards("L2b", "photoelectron", level2a, options)
    cards += [card("DESMEAR", level2b.desmeared, "smear removed"), card("CTI_CORR", False, "CTI corrected")]
    errors = level2b.errors
    planes = [
        Plane("SCI", level2b.electrons, update_cards(frame.header.image_cards, cards)),
        Plane("ERR", errors.error, [card("BUNIT", "photoelectron")]),
        Plane("DQ", level2b.dq),
        Plane("BIAS", level2a.bias.level.astype(np.float32), [card("BUNIT", "DN")]),
    ]
    if options.error_components:
        unit = [card("BUNIT", "photoelectron2")]
        planes += [
            Plane("VAR_POISSON", errors.poisson, unit),
            Plane("VAR_RNOISE", errors.read_noise, unit),
            Plane("VAR_CAL", errors.calibration, unit),
        ]
    write_planes(path, update_cards(frame.header.primary_cards, primary_cards("L2b")), planes, [provenance(files)])


def write_dark(path: Path, dark: MasterDark, gain: float, exposure_time: float, files: Files) -> None:
    """Write a master dark: DARK, the part that passed the register, variance and flags."""
    cards = [*primary_cards("master dark"), card("GAIN", gain, "EM gain"), card("EXPTIME", exposure_time, "[s]")]
    unit = [card("BUNIT", "electron", "at the register input, per pixel and frame")]
    planes = [
        Plane("DARK", dark.dark, unit),
        Plane("REGISTER", dark.register, unit),
        Plane("VAR", dark.variance, [card("BUNIT", "electron2")]),
        Plane("DQ", dark.dq),
    ]
    write_planes(path, cards, planes, [provenance(files)])


def write_combination(
    path: Path,
    kind: str,
    cards: tuple[list[str], list[str]],
    names: Sequence[str],
    planes: Sequence[Plane],
    files: Files,
) -> None:
    """Write a combination of frames; its SCI header lists every input.

    Parameters
    ----------
    cards : tuple of list of str
        Primary and SCI cards common to the inputs.
    names : sequence of str
        Files combined, in order.
    planes : sequence of Plane
        SCI first.
    """
    listed = [card("NUM_FR", len(names), "frames combined"), *(card(f"FILE{i}", name) for i, name in enumerate(names))]
    sci = planes[0]
    combined = [Plane(sci.name, sci.data, update_cards(update_cards(cards[1], sci.cards), listed)), *planes[1:]]
    write_planes(path, update_cards(cards[0], primary_cards(kind)), combined, [provenance(files)])


def write_empty(path: Path, outcome: Outcome) -> None:
    """Write the valid, empty product of a skipped or quarantined granule; its header says why."""
    reason = outcome.reason.encode("ascii", "replace").decode().replace("\n", " ")
    cards = [*primary_cards("empty"), card("OUTCOME", outcome.status.value)]
    cards += [card("REASON", reason[start : start + 60]) for start in range(0, max(len(reason), 1), 60)][:1]
    write_planes(
        path, cards, [Plane("SCI", np.zeros((0,), dtype=np.float32))], [TextTable("REASON", {"REASON": [reason]})]
    )
