"""Stages over whole datasets: `combine` and `count-photons`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from levelworks.core import mpi
from levelworks.core.aggregate import Inputs, usable_inputs
from levelworks.core.outcome import InvalidInput, InvalidReference, NothingToProduce, Outcome
from levelworks.coronagraph.combine import Combination, enough_for_read_noise
from levelworks.coronagraph.dark_stage import read_noise_maps
from levelworks.coronagraph.datasets import combine_dataset, count_dataset
from levelworks.coronagraph.desmear import desmear, desmear_variance
from levelworks.coronagraph.dq import DQ, UNUSABLE
from levelworks.coronagraph.fits_writer import Plane, card
from levelworks.coronagraph.headers import round_setting
from levelworks.coronagraph.options import Combine, CountPhotons
from levelworks.coronagraph.peer_view import detector_cards, write_peer_file
from levelworks.coronagraph.product_reader import Product, common_cards, open_dataset
from levelworks.coronagraph.products import write_combination
from levelworks.coronagraph.readers import read_map
from levelworks.coronagraph.references import read_bad_pixels

PeerFiles = tuple[Path | None, Path | None, Path | None, Path | None]


def _open(
    frames: list[Path],
    max_quarantined: float | None,
    planes: tuple[str, ...],
    equal: tuple[str, ...],
    level: str,
    communicator: mpi.Communicator,
) -> tuple[Inputs, list[Product]]:
    with mpi.together(communicator):
        inputs = usable_inputs(frames, max_quarantined, "frames")
        if not inputs.usable:
            raise InvalidInput("every frame of the dataset was left out")
        products = open_dataset(inputs.usable, planes, equal, level)
    return inputs, products


def combine(frames: list[Path], mean: Path, median: Path, peer: PeerFiles, options: Combine) -> Outcome:
    """Combine Level 2b frames and write mean and median.

    Raises
    ------
    TooManyQuarantined
        Where more frames are quarantined than allowed.
    InvalidInput
        Where frames of different settings are mixed, or none is left.
    """
    communicator = mpi.world()
    wanted, equal = ("SCI", "ERR", "DQ"), ("GAIN", "EXPTIME")
    inputs, products = _open(frames, options.max_quarantined, wanted, equal, "L2b", communicator)
    whole = combine_dataset(
        products,
        communicator,
        memory_mb=options.memory_mb,
        empty_value=0.0 if options.compat == "iit" else np.nan,
        scale_to_sum=options.scale_to_sum,
    )
    if whole is None:
        return Outcome()
    files = {"frames": list(inputs.usable)}
    cards = (common_cards(products, "PRIMARY"), common_cards(products, "SCI"))
    summed = card("SUMMED", options.scale_to_sum, "values are sums over the frames")
    names = [product.path.name for product in products]
    enough = enough_for_read_noise(int(whole.count.min()), len(products))
    for path, kind, values, errors in (
        (mean, "mean", whole.mean, whole.mean_error),
        (median, "median", whole.median, whole.median_error),
    ):
        planes = [
            Plane("SCI", values.astype(whole.median.dtype), [card("COMBINED", kind), card("ENOUGHRN", enough), summed]),
            Plane("ERR", np.asarray(errors, dtype=np.float32), [card("BUNIT", "photoelectron")]),
            Plane("DQ", whole.dq),
            Plane("SAMPLES", _counts(whole.count), [card("BUNIT", "", "usable frames by pixel")]),
        ]
        write_combination(path, f"{kind} of frames", cards, names, planes, files)
    if any(peer):
        _write_peer_view(peer, whole, products[-1])
    masked = int((whole.count == 0).sum())
    quality = {
        "frames": len(products),
        "left_out": len(inputs.left_out),
        "fewest_samples": int(whole.count.min()),
        "all_masked_pixels": masked,
        "mean_e": float(np.nanmean(whole.mean)),
        "median_e": float(np.nanmedian(whole.median)),
        "mean_error_e": float(np.nanmean(np.asarray(whole.mean_error))),
    }
    desmeared = sum(product.units["SCI"].values.get("DESMEAR") is True for product in products)
    mixed = 0 < desmeared < len(products)
    notes = (f"{desmeared} of {len(products)} frames are desmeared, the others are not",) if mixed else ()
    return Outcome(quality=quality, warnings=(*inputs.warnings, *notes))


def _counts(values: np.ndarray) -> np.ndarray:
    """Return numbers of frames as uint16; a dataset holds fewer than 65536."""
    return np.minimum(values, 65535).astype(np.uint16)


def _write_peer_view(peer: PeerFiles, whole: Combination, last: Product) -> None:
    """Write the peer's four files; like its own, their headers are those of the last frame."""
    values = last.units["SCI"].values
    detector = detector_cards(
        last.value("KGAINPAR"), last.value("FWC_EM_E"), last.value("FWC_PP_E"), float(values.get("B_O", 0.0))
    )
    empty = whole.count == 0
    for image, bpmap, kind, data in (
        (peer[0], peer[1], "MEAN", whole.mean),
        (peer[2], peer[3], "MEDIAN", whole.median),
    ):
        cards = {
            "MEDIAN_COMBINED": kind == "MEDIAN",
            "MEAN_COMBINED": kind == "MEAN",
            "DESMEARED": bool(values.get("DESMEAR", False)),
            **detector,
        }
        for path, plane in ((image, np.where(empty, 0.0, data)), (bpmap, empty.astype(np.float64))):
            if path is not None:
                write_peer_file(
                    path,
                    plane,
                    last.units["PRIMARY"].cards,
                    last.units["SCI"].cards,
                    "L2b",
                    cards,
                    _reference_names(last),
                )


def _reference_names(product: Product) -> dict[str, str]:
    with fits.open(product.path, memmap=False) as units:
        table = units["PROVENANCE"].data
        return {str(row["ROLE"]).strip(): str(row["NAME"]).strip() for row in table}


@dataclass(frozen=True)
class CountingReferences:
    """What counts are corrected with; None stands for what leaves them as they are."""

    fixed_pattern: Path | None = None
    noise_maps: Path | None = None
    flat: Path | None = None
    bad_pixels: Path | None = None
    dark: Path | None = None

    def read_fixed_pattern(self, shape: tuple[int, int]) -> np.ndarray | None:
        """Return the fixed pattern behind the register (e-), that of the noise maps where they are given."""
        if self.noise_maps is None:
            return (
                None if self.fixed_pattern is None else read_map(self.fixed_pattern, shape, "references.fixed_pattern")
            )
        pattern = read_noise_maps(self.noise_maps)["fixed_pattern"].value
        if pattern.shape != shape:
            raise InvalidReference(f"{self.noise_maps.name} has an image region of {pattern.shape}, the frames {shape}")
        return pattern


def count_photons(frames: list[Path], references: CountingReferences, photons: Path, options: CountPhotons) -> Outcome:
    """Count photons in Level 2a frames and write the mean electrons per pixel and frame.

    Raises
    ------
    TooManyQuarantined
        Where more frames are quarantined than allowed.
    InvalidInput
        Where frames of different settings are mixed, none is left, or the dark was counted otherwise.
    InvalidOptions
        Where the threshold does not fit gain and read noise.
    """
    communicator = mpi.world()
    equal = ("GAIN", "EXPTIME", "KGAINPAR")
    inputs, products = _open(frames, options.max_quarantined, ("SCI", "DQ"), equal, "L2a", communicator)
    gain, k_gain = products[0].value("GAIN"), products[0].value("KGAINPAR")
    read_noise = options.read_noise or float(np.median([product.value("RN") for product in products]))
    threshold = options.threshold_sigma * read_noise
    if threshold >= gain:
        raise NothingToProduce(
            f"photons can't be counted at gain {gain:g}: the threshold of {options.threshold_sigma:g} times the read "
            f"noise of {read_noise:.4g} e- is not below it"
        )
    with mpi.together(communicator):
        pattern = references.read_fixed_pattern(products[0].shape)
    whole = count_dataset(
        products,
        communicator,
        fixed_pattern=pattern,
        gain=gain,
        k_gain=k_gain,
        threshold=threshold,
        read_noise=read_noise,
    )
    if whole is None:
        return Outcome()
    values, errors, dq = whole.mean.mean, whole.mean.error, whole.mean.dq.copy()
    if references.bad_pixels is not None:
        dq |= read_bad_pixels(references.bad_pixels, dq.shape)
    if references.dark is not None:
        values, errors = _subtract_dark(values, errors, dq, references.dark, products[0])
    desmeared = options.desmear == "on" and products[0].value("EXPTIME") > 0
    if desmeared:
        times = (products[0].value("EXPTIME"), options.row_read_time)
        masked = (dq & np.uint16(UNUSABLE)) != 0
        # Pixels without a sample have no error; as a number that isn't one it would run down their columns.
        known = np.isfinite(errors)
        spread = np.sqrt(desmear_variance(np.where(known, errors, 0.0) ** 2, *times))
        values, errors = desmear(values, *times, fill_mask=masked), np.where(known, spread, np.nan)
    if references.flat is not None:
        values, errors = _divide_flat(values, errors, dq, references.flat)
    sci = [
        card("BUNIT", "electron", "mean per pixel and frame"),
        card("PCTHRESH", threshold, "[e-] counting threshold"),
        card("PCRN", read_noise, "[e-] read noise"),
        card("DESMEAR", desmeared, "smear removed"),
        card("PCDARK", references.dark is not None, "photon-counted dark subtracted"),
    ]
    planes = [
        Plane("SCI", values.astype(np.float32), sci),
        Plane("ERR", errors.astype(np.float32), [card("BUNIT", "electron")]),
        Plane("DQ", dq),
        Plane("COUNTS", _counts(whole.counts), [card("BUNIT", "", "frames above the threshold")]),
        Plane("SAMPLES", _counts(whole.frames), [card("BUNIT", "", "usable frames by pixel")]),
    ]
    files = {"frames": list(inputs.usable), **_named(**vars(references))}
    cards = (common_cards(products, "PRIMARY"), common_cards(products, "SCI"))
    write_combination(photons, "photon counts", cards, [product.path.name for product in products], planes, files)
    mean = float(np.nanmean(whole.mean.mean))
    warnings = [*inputs.warnings, *whole.mean.warnings]
    if mean > options.max_flux and not any("mean" in warning for warning in whole.mean.warnings):
        warnings.append(
            f"mean flux of {mean:.3g} e-/px/frame exceeds max_flux {options.max_flux:g}: too bright to count"
        )
    quality = {
        "frames": len(products),
        "left_out": len(inputs.left_out),
        "threshold_e": threshold,
        "read_noise_e": read_noise,
        "mean_e": mean,
        "too_bright_pixels": int(np.count_nonzero(dq & np.uint16(DQ.TOO_BRIGHT))),
    }
    return Outcome(quality=quality, warnings=tuple(warnings))


def _named(**files: Path | None) -> dict[str, list[Path]]:
    return {os.fspath(role): [path] for role, path in files.items() if path is not None}


def _subtract_dark(
    values: np.ndarray, errors: np.ndarray, dq: np.ndarray, dark: Path, frame: Product
) -> tuple[np.ndarray, np.ndarray]:
    """Subtract photon-counted darks; nothing is clipped, a clipped mean would be biased."""
    product = open_dataset((dark,), ("SCI", "ERR", "DQ"), equal=())[0]
    if product.shape != frame.shape:
        raise InvalidInput(
            f"the photon-counted dark {dark.name} has the shape {product.shape}, the frames {frame.shape}"
        )
    for keyword, what in (("GAIN", "gain"), ("EXPTIME", "exposure time")):
        of_dark, of_frame = product.value(keyword), frame.value(keyword)
        if round_setting(of_dark) != round_setting(of_frame):
            raise InvalidInput(
                f"the photon-counted dark {dark.name} has {what} {of_dark:g}, the frames have {of_frame:g}"
            )
    rows = range(product.shape[0])
    dq |= product.rows("DQ", rows)
    return values - product.rows("SCI", rows), np.hypot(errors, product.rows("ERR", rows))


def _divide_flat(values: np.ndarray, errors: np.ndarray, dq: np.ndarray, flat: Path) -> tuple[np.ndarray, np.ndarray]:
    response = read_map(flat, values.shape, "references.flat")
    dead = ~(response > 0)
    dq[dead] |= np.uint16(DQ.DEAD)
    safe = np.where(dead, 1.0, response)
    return np.where(dead, 0.0, values / safe), errors / safe
