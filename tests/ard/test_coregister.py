"""Co-registration: known shifts come back, clouds and water don't mislead, and no match is said so."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from scipy.ndimage import fourier_shift, gaussian_filter

from levelworks.ard.registration.base_image import base_file
from levelworks.ard.registration.coregister import find_shift, moved
from levelworks.ard.registration.tie_points import TiePoints, robust_shift
from levelworks.ard.scene import ImageGrid
from levelworks.core.mpi import Serial
from levelworks.core.outcome import InvalidReference

GRID = ImageGrid("EPSG:32633", 400000.0, 5500020.0, 30.0, 768, 800)


def landscape(seed: int) -> np.ndarray:
    """Return near-infrared reflectance of fields with edges and texture."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal(GRID.shape), 6)
    fields = np.digitize(smooth / smooth.std(), [-1, -0.3, 0.3, 1]) * 0.06 + 0.15
    return (fields + 0.01 * gaussian_filter(rng.standard_normal(GRID.shape), 1.5)).astype(np.float32)


def displaced(image: np.ndarray, down: float, right: float) -> np.ndarray:
    return np.fft.ifft2(fourier_shift(np.fft.fft2(image), (down, right))).real.astype(np.float32)


def write_base(path: Path, image: np.ndarray) -> None:
    profile = {"driver": "GTiff", "count": 12, "dtype": "int16", "crs": GRID.crs, "nodata": -9999}
    profile |= {"height": image.shape[0], "width": image.shape[1], "transform": Affine(*GRID.transform)}
    with rasterio.open(path, "w", **profile) as file:
        for month in range(1, 13):
            file.write(np.rint(image * 1e4).astype(np.int16), month)


def shift_of(tmp_path: Path, image: np.ndarray) -> tuple:
    return find_shift(tmp_path, date(2019, 8, 3), GRID, lambda start, stop: image[start:stop], -9999, Serial())


@pytest.mark.parametrize(("down", "right"), [(0.0, 0.0), (0.4, -0.65), (-3.2, 2.1)])
def test_a_known_shift_is_found_and_undone(tmp_path, down, right):
    base = landscape(31)
    write_base(tmp_path / "2018_base.tif", base)
    image = displaced(base, down, right) * 1.1 + 0.01
    shift, message = shift_of(tmp_path, image)
    assert message == ""
    assert shift.down == pytest.approx(down, abs=0.08)
    assert shift.right == pytest.approx(right, abs=0.08)
    assert shift.ties >= 12
    grid = moved(GRID, shift)
    assert grid.west == pytest.approx(GRID.west - right * 30, abs=2.4)
    assert grid.north == pytest.approx(GRID.north + down * 30, abs=2.4)


def test_clouds_of_the_image_do_not_mislead(tmp_path):
    base = landscape(32)
    write_base(tmp_path / "2019_base.tif", base)
    image = displaced(base, 1.5, 1.0)
    image[:300, :400] = np.nan
    shift, message = shift_of(tmp_path, image)
    assert message == ""
    assert (shift.down, shift.right) == pytest.approx((1.5, 1.0), abs=0.1)


def test_another_place_or_water_is_no_match(tmp_path):
    write_base(tmp_path / "2019_base.tif", landscape(33))
    for image in (landscape(34), np.full(GRID.shape, 0.02, np.float32)):
        shift, message = shift_of(tmp_path, image)
        assert shift is None
        assert "not co-registered" in message


def test_the_year_of_the_base_is_that_of_the_image_or_the_one_before(tmp_path):
    for name in ("2015_x.tif", "2018_x.tif", "2020_x.tif", "readme.txt"):
        (tmp_path / name).touch()
    assert base_file(tmp_path, date(2018, 1, 1)).name == "2018_x.tif"
    assert base_file(tmp_path, date(2019, 1, 1)).name == "2018_x.tif"
    with pytest.raises(InvalidReference, match="2014"):
        base_file(tmp_path, date(2014, 1, 1))


def test_a_base_with_too_few_months_is_refused(tmp_path):
    with rasterio.open(
        tmp_path / "2019.tif", "w", driver="GTiff", count=1, dtype="int16", height=10, width=10, crs=GRID.crs,
        transform=Affine(*GRID.transform),
    ) as file:  # fmt: skip
        file.write(np.ones((1, 10, 10), np.int16))
    with pytest.raises(InvalidReference, match="one for each month"):
        shift_of(tmp_path, landscape(3))


def test_a_few_wrong_ties_do_not_move_the_shift():
    rng = np.random.default_rng(6)
    down, right = np.full(40, 0.5), np.full(40, -0.2)
    down[:10] = rng.uniform(-10, 10, 10)
    shift = robust_shift(TiePoints(rng.uniform(0, 700, 40), rng.uniform(0, 700, 40), down, right))
    assert (shift.down, shift.right) == pytest.approx((0.5, -0.2), abs=0.1)
    assert robust_shift(TiePoints(*rng.uniform(-10, 10, (4, 40)))) is None
