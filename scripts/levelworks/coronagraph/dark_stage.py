"""Darks and bad-pixel maps from calibration maps: `make-dark` and `make-bad-pixel-map`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.io import fits

from levelworks.core.outcome import InvalidOptions, InvalidReference, Outcome
from levelworks.coronagraph.bad_pixels import combine_bad_pixels, dead_pixels, hot_pixels
from levelworks.coronagraph.dark import NoiseMap, master_dark
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.fits_writer import Plane, card, write_planes
from levelworks.coronagraph.geometry import geometries
from levelworks.coronagraph.options import MakeBadPixelMap, MakeDark
from levelworks.coronagraph.products import primary_cards, provenance, write_dark
from levelworks.coronagraph.readers import read_any_map

MANY_BAD = 0.05
"""Share of bad pixels from which a map is told to be suspicious."""

MAP_PLANES = {"fixed_pattern": "FPN", "dark_current": "DC", "clock_induced_charge": "CIC"}


def make_dark(maps: Mapping[str, Path | None], noise_maps: Path | None, dark: Path, options: MakeDark) -> Outcome:
    """Build and write a master dark from three maps or one set of noise maps.

    Raises
    ------
    InvalidReference
        Where a map can't be read, is negative where it must not be, or is mostly not finite.
    """
    files = {role: [path] for role, path in maps.items() if path is not None}
    if noise_maps is not None:
        found = read_noise_maps(noise_maps)
        files["noise_maps"] = [noise_maps]
    else:
        found = {role: NoiseMap(read_any_map(path, f"references.{role}")) for role, path in maps.items() if path}
    if not found:
        raise InvalidOptions("make-dark: needs at least one of its maps")
    zero = NoiseMap(np.zeros(next(iter(found.values())).value.shape))
    result = master_dark(
        found.get("fixed_pattern", zero),
        found.get("dark_current", zero),
        found.get("clock_induced_charge", zero),
        options.gain,
        options.exposure_time,
    )
    if result.invalid_share > options.max_invalid:
        names = ", ".join(path.name for paths in files.values() for path in paths)
        raise InvalidReference(
            f"{100 * result.invalid_share:.1f} % of the dark's pixels are not finite, more than max_invalid "
            f"{100 * options.max_invalid:g} % ({names})"
        )
    write_dark(dark, result, options.gain, options.exposure_time, files)
    warnings = []
    if result.invalid_share:
        number = int((result.dq != 0).sum())
        warnings.append(f"{number} pixels of the maps are not finite; they are flagged and their dark is 0")
    if not result.variance.any():
        warnings.append("the maps have no errors: the dark's counts as 0 in VAR_CAL")
    quality = {
        "dark_mean_e": float(result.dark.mean()),
        "dark_sd_e": float(result.dark.std()),
        "invalid_share": result.invalid_share,
    }
    return Outcome(quality=quality, warnings=tuple(warnings))


def read_noise_maps(path: Path) -> dict[str, NoiseMap]:
    """Read the maps of `make-noise-maps`, cut to the image region.

    Raises
    ------
    InvalidReference
        Where the file is no such product.
    """
    try:
        with fits.open(path, memmap=False) as units:
            rows, columns = geometries()[units[0].header["ARRTYPE"]].image.slices
            return {
                role: NoiseMap(
                    units[plane].data[rows, columns].astype(np.float64),
                    units[f"{plane}_ERR"].data[rows, columns].astype(np.float64),
                )
                for role, plane in MAP_PLANES.items()
            }
    except (OSError, KeyError) as error:
        raise InvalidReference(f"{path.name} is no product of make-noise-maps ({error})") from None


def make_bad_pixel_map(
    dark_current: Path | None, flat: Path | None, bad_pixels: Path, options: MakeBadPixelMap
) -> Outcome:
    """Flag hot pixels of a dark-current map, or of a set of noise maps, and dead pixels of a flat."""
    maps, files = [], {}
    if dark_current is not None:
        files["dark_current"] = [dark_current]
        found = _read_dark_current(dark_current)
        hot = hot_pixels(found.value, options.hot_sigma, robust=options.robust)
        # A map of few frames is mostly noise: what its own error explains is not hot.
        certain = found.value > np.nanmedian(found.value) + options.hot_sigma * np.asarray(found.error)
        hot[~certain] &= ~np.uint16(DQ.HOT)
        maps.append(hot)
    if flat is not None:
        files["flat"] = [flat]
        maps.append(dead_pixels(read_any_map(flat, "references.flat"), options.dead_fraction, options.dead_width))
    if not maps:
        raise InvalidOptions("make-bad-pixel-map: needs a dark-current map, a flat, or both")
    dq = combine_bad_pixels(*maps)
    write_planes(
        bad_pixels, primary_cards("bad-pixel map"), [Plane("DQ", dq, [card("BUNIT", "")])], [provenance(files)]
    )
    bits = {"hot": DQ.HOT, "dead": DQ.DEAD, "unreliable": DQ.UNRELIABLE}
    quality = {f"{name}_pixels": int(np.count_nonzero(dq & np.uint16(bit))) for name, bit in bits.items()}
    share = np.count_nonzero(dq) / dq.size
    warnings = (f"{100 * share:.1f} % of the pixels are flagged",) if share > MANY_BAD else ()
    return Outcome(quality=quality, warnings=warnings)


def _read_dark_current(path: Path) -> NoiseMap:
    with fits.open(path, memmap=False) as units:
        product = "DC" in units
    if product:
        return read_noise_maps(path)["dark_current"]
    return NoiseMap(read_any_map(path, "references.dark_current"))
