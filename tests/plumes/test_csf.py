"""Cross-sectional flux: closed forms of Gaussian plumes, free of direction (T5, D8), background, bad masks."""

from __future__ import annotations

import numpy as np
import pytest

from levelworks.plumes.emission.csf import Sections, bilinear, sections, touched_pixel_integral
from levelworks.plumes.emission.csf_lines import Lines, lines_across
from levelworks.plumes.emission.quantify_plane import Plane, fit_plane, metres_per_degree

RATE, SPEED = 0.05, 4.0  # mol s-1 and m s-1: a line integral is RATE / SPEED whatever the distance


def plane(angle: float = 0.0, across: float = 60.0, along: float = 60.0, size: int = 121) -> Plane:
    """Return a plane whose columns point ``angle`` degrees north of east, the origin in the middle."""
    turn = np.radians(angle)
    matrix = np.array([[along * np.sin(turn), across * np.cos(turn)], [-along * np.cos(turn), across * np.sin(turn)]])
    centre = (size - 1) / 2
    return Plane(8.0, 45.0, matrix, -matrix @ [centre, centre])


def gaussian(scene: Plane, heading: float, size: int = 121, bend: float = 0.0) -> np.ndarray:
    """Return a plume from the origin towards ``heading`` degrees north of east, (size, size) in mol m-2."""
    rows, columns = np.mgrid[:size, :size]
    east, north = scene.metres(rows, columns)
    turn = np.radians(heading)
    x, y = east * np.cos(turn) + north * np.sin(turn), north * np.cos(turn) - east * np.sin(turn)
    y = y - bend * np.clip(x, 0, None) ** 2
    sigma = 60.0 + 0.08 * np.clip(x, 0, None)
    density = RATE / (SPEED * np.sqrt(2 * np.pi) * sigma) * np.exp(-0.5 * (y / sigma) ** 2)
    return np.where(x > 0, density, 0.0)


def measure(
    field: np.ndarray, scene: Plane, mask: np.ndarray, valid: np.ndarray | None = None
) -> tuple[Sections, Lines]:
    rows, columns = np.nonzero(mask)
    lines = lines_across(*scene.metres(rows, columns), field[mask], (0.0, 0.0), scene.pixel_size)
    good = np.isfinite(field) if valid is None else valid
    return sections(field, good, mask, lines, scene), lines


def plume_mask(field: np.ndarray, share: float = 0.1) -> np.ndarray:
    return field > share * field.max()


@pytest.mark.parametrize("heading", [0.0, 15.0, 30.0, 45.0, 100.0, 217.0])
def test_t5_line_integral_of_a_gaussian_is_free_of_direction(heading: float) -> None:
    scene = plane()
    field = gaussian(scene, heading)
    found, lines = measure(field, scene, plume_mask(field))
    assert found.mean == pytest.approx(RATE / SPEED, rel=0.03)
    known = found.integrals[np.isfinite(found.integrals)]
    assert known.size > 15
    assert np.std(known) < 0.03 * RATE / SPEED  # and constant along the plume
    assert lines.length > 1500


def test_d8_touched_pixels_overestimate_by_direction_and_sampling_does_not() -> None:
    size, sigma = 241, 240.0
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    everywhere = np.ones((size, size), dtype=bool)
    factors = []
    for angle in np.radians([0.0, 15.0, 30.0, 45.0]):
        # A plume along the direction normal to the line, constant along itself.
        across = 60.0 * (columns * np.cos(angle) + rows * np.sin(angle))
        field = np.exp(-0.5 * (across / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)
        sums = []
        for offset in np.linspace(0, 1, 40, endpoint=False) + 0.0123:  # all positions of a line within pixels
            middle = np.array([120 + offset * np.cos(angle), 120 - offset * np.sin(angle)])
            middle += 0.37 * offset * np.array([np.sin(angle), np.cos(angle)])
            reach = 100 * np.array([np.sin(angle), np.cos(angle)])
            sums.append(touched_pixel_integral(field, everywhere, tuple(middle - reach), tuple(middle + reach), 60.0))
        factors.append(np.mean(sums))
    assert factors == pytest.approx([1.000, 1.225, 1.366, 1.414], rel=0.005)


@pytest.mark.parametrize(("angle", "across", "along"), [(20.0, 60.0, 60.0), (-12.0, 45.0, 70.0)])
def test_pixels_that_are_turned_and_oblong_give_the_same_integral(angle: float, across: float, along: float) -> None:
    scene = plane(angle, across, along)
    field = gaussian(scene, 33.0)
    found, _ = measure(field, scene, plume_mask(field))
    assert found.mean == pytest.approx(RATE / SPEED, rel=0.03)


def test_a_curved_plume_is_followed() -> None:
    scene = plane()
    field = gaussian(scene, 20.0, bend=1e-4)
    found, lines = measure(field, scene, plume_mask(field, 0.08))
    turned = np.degrees(np.arctan2(-lines.across[:, 0], lines.across[:, 1]))
    assert turned[-1] - turned[0] > 10
    # Along the wind the gas still goes at SPEED: where the plume is slanted by an angle, it is faster by its cosine.
    expected = RATE / SPEED * np.cos(np.radians(turned - 20.0))
    known = np.isfinite(found.integrals)
    assert known.sum() > 15
    assert found.integrals[known] == pytest.approx(expected[known], rel=0.05)


def test_a_sloping_background_is_taken_off_and_nothing_of_the_plume() -> None:
    scene = plane()
    clean = gaussian(scene, 30.0)
    rows, columns = np.mgrid[:121, :121]
    slope = 2e-5 + 4e-8 * rows - 6e-8 * columns
    mask = plume_mask(clean)
    lines = lines_across(*scene.metres(*np.nonzero(mask)), clean[mask], (0.0, 0.0), 60.0)
    flat, sloping = (sections(field, mask | ~mask, mask, lines, scene).mean for field in (clean, clean + slope))
    assert sloping == pytest.approx(flat, rel=1e-6)


def test_noise_does_not_bias_the_integral() -> None:
    scene = plane(size=101)
    clean = gaussian(scene, 25.0, size=101)
    mask = plume_mask(clean, 0.12)
    generator = np.random.default_rng(314)
    noise = 0.1 * clean.max()
    means = [measure(clean + generator.normal(0, noise, clean.shape), scene, mask)[0].mean for _ in range(60)]
    error = np.std(means) / np.sqrt(len(means))
    assert np.mean(means) == pytest.approx(RATE / SPEED, abs=3 * error + 0.03 * RATE / SPEED)


def test_weights_give_the_mean_integral() -> None:
    scene = plane()
    field = gaussian(scene, 70.0) + np.random.default_rng(2).normal(0, 2e-7, (121, 121))
    field[60:63, 66] = np.nan
    found, _ = measure(field, scene, plume_mask(np.nan_to_num(field)))
    known = np.isfinite(found.integrals)
    assert np.sum(found.weights * np.nan_to_num(field)) == pytest.approx(np.mean(found.integrals[known]), rel=1e-10)


def test_another_plume_beside_is_neither_background_nor_plume() -> None:
    scene = plane()
    clean = gaussian(scene, 0.0)
    field = clean.copy()
    other = np.zeros(clean.shape, dtype=bool)
    other[40:45, 70:100] = True
    field[other] += 10 * clean.max()
    mask = plume_mask(clean)
    found, _ = measure(field, scene, mask, ~other)
    assert found.mean == pytest.approx(RATE / SPEED, rel=0.03)


def test_bad_masks_give_no_numbers_and_no_failure() -> None:
    scene = plane(size=21)
    field = gaussian(scene, 0.0, size=21)
    one = np.zeros((21, 21), dtype=bool)
    one[10, 11] = True
    found, lines = measure(field, scene, one)
    assert lines.east.size == 0
    assert np.isnan(found.mean)
    assert np.isnan(found.spread)
    everything = np.ones((21, 21), dtype=bool)
    found, _ = measure(field, scene, everything)  # spans the scene: no flank, no background
    assert found.integrals.size > 0
    found, _ = measure(-np.ones((21, 21)), scene, everything)
    assert found.integrals.size == 0
    found, _ = measure(np.full((21, 21), np.nan), scene, everything)
    assert np.isnan(found.mean)


def test_a_plume_at_the_edge_of_the_scene_has_one_flank() -> None:
    scene = plane()
    field = gaussian(scene, 0.0)[53:]
    shifted = Plane(scene.longitude, scene.latitude, scene.matrix, scene.offset + scene.matrix @ [53, 0])
    found, _ = measure(field, shifted, plume_mask(field))
    known = found.integrals[np.isfinite(found.integrals)]
    assert 0 < known.size < found.integrals.size  # where it leaves the scene, it isn't guessed
    assert np.all(np.abs(known / (RATE / SPEED) - 1) < 0.1)


def test_hypergas_lines_reach_both_ends_with_one_width() -> None:
    scene = plane()
    field = gaussian(scene, 10.0)
    mask = plume_mask(field)
    lines = lines_across(*scene.metres(*np.nonzero(mask)), field[mask], (0.0, 0.0), 60.0, ends=True)
    assert np.hypot(lines.east[0], lines.north[0]) == pytest.approx(0.0, abs=1e-9)
    assert np.hypot(lines.east[-1], lines.north[-1]) == pytest.approx(lines.length, rel=0.01)
    assert np.unique(lines.half_width).size == 1


def test_bilinear_shares_are_exact_on_planes_and_zero_outside() -> None:
    rows, columns = np.mgrid[:5, :6]
    field = 2.0 * rows - 3.0 * columns + 1.0
    row, column = np.array([0.0, 3.99, 4.0, 1.3, -0.1, 2.0]), np.array([0.0, 4.99, 5.0, 2.7, 2.0, 5.2])
    pixels, shares = bilinear(row, column, field.shape)
    values = np.sum(shares * field.ravel()[pixels], axis=0)
    assert np.allclose(values[:4], (2 * row - 3 * column + 1)[:4])
    assert np.array_equal(values[4:], [0, 0])


def test_plane_of_a_scene_across_the_antimeridian() -> None:
    true = plane(15.0, 58.0, 61.0, size=41)
    true = Plane(179.999, -33.0, true.matrix, true.offset)
    rows, columns = np.mgrid[:41, :41]
    longitude, latitude = true.unproject(*true.metres(rows, columns))
    assert longitude.min() < -179
    assert longitude.max() > 179
    longitude[:2] = np.nan
    found = fit_plane(longitude, latitude)
    assert found.matrix == pytest.approx(true.matrix, rel=1e-3, abs=0.03)
    row, column = found.pixels(*found.project(longitude[20, 30], latitude[20, 30]))
    assert (float(row), float(column)) == pytest.approx((20.0, 30.0), abs=1e-3)


def test_metres_per_degree_at_the_equator_and_the_pole() -> None:
    assert metres_per_degree(0.0) == pytest.approx((111319.49, 110574.28), abs=0.01)
    assert metres_per_degree(90.0) == pytest.approx((0.0, 111693.98), abs=0.01)
