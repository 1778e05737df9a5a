"""cgi_iit_drp's view of the products: four files a frame and four a dataset, float64 images and 0/1 maps.

Every file is the input's empty primary HDU and one image HDU with the input's header, updated as the peer does.
Two cards differ on purpose: DESMEARED tells the truth, and paths are file names without folders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

from levelworks import __version__
from levelworks.coronagraph.dq import UNUSABLE
from levelworks.coronagraph.fits_writer import STRUCTURAL

PATH_KEYWORDS = {
    "BADPIX_PATH": "bad_pixels",
    "NONLIN_PATH": "nonlinearity",
    "DARK_C_PATH": "dark_current",
    "F_NOISE_PATH": "fixed_pattern",
    "CIC_PATH": "clock_induced_charge",
    "FLAT_PATH": "flat",
}


def bad_pixel_map(dq: np.ndarray, bits: int = int(UNUSABLE)) -> np.ndarray:
    """Project DQ flags to the peer's map: int64, 1 where a pixel is masked."""
    return ((dq & np.uint16(bits)) != 0).astype(np.int64)


def detector_cards(
    k_gain: float, register_full_well: float, pixel_full_well: float, bias_offset: float
) -> dict[str, float]:
    """Return the peer's cards of detector parameters."""
    return {
        "FWC_EM_E": register_full_well,
        "FWC_PP_E": pixel_full_well,
        "EPERDN": k_gain,
        "BIAS_OFFSET": bias_offset,
    }


def write_peer_file(
    path: Path,
    data: np.ndarray,
    primary_cards: Sequence[str],
    image_cards: Sequence[str],
    level: str,
    cards: Mapping[str, object],
    references: Mapping[str, str],
) -> None:
    """Write one file of the peer's view.

    Parameters
    ----------
    data : ndarray
        Image (float64) or map (int64; float64 in combinations).
    primary_cards, image_cards : sequence of str
        Card images of the Level-1 headers.
    level : {'L2a', 'L2b'}
    cards : mapping
        Values by keyword: MEDIAN_COMBINED, MEAN_COMBINED, DESMEARED and those of `detector_cards`.
    references : mapping of str to str
        File names of references by role.
    """
    primary = fits.PrimaryHDU(header=_header(primary_cards))
    image = fits.ImageHDU(data=data, header=_header(image_cards))
    header = image.header
    values: dict[str, object] = {"DATA_LEVEL": level, **cards}
    values |= {keyword: references.get(role, "") for keyword, role in PATH_KEYWORDS.items()}
    values["GIT_COMMIT"] = f"levelworks {__version__}"
    for keyword, value in values.items():
        header[keyword if len(keyword) <= 8 or keyword in header else f"HIERARCH {keyword}"] = value
    fits.HDUList([primary, image]).writeto(path, overwrite=True, output_verify="silentfix+ignore")


def _header(cards: Sequence[str]) -> fits.Header:
    header = fits.Header.fromstring("".join(cards))
    for keyword in STRUCTURAL - {"SIMPLE", "XTENSION"}:
        header.remove(keyword, ignore_missing=True)
    return header
