"""From where the sensors look: tracks against ephemerides, coefficients against geometry, nodes against planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from levelworks.ard.geometry.directions import spread_to_neighbours, to_angles, to_vectors
from levelworks.ard.geometry.places import coordinates, earth_fixed, local_direction, to_geographic
from levelworks.ard.geometry.track import track_of_row, track_through
from levelworks.ard.geometry.view import (
    at_cells,
    directions_of_track,
    extend_by_plane,
    mean_over_bands,
    view_of_detectors,
)
from levelworks.ard.readers.angle_coefficients import AngleCoefficients, read_angle_coefficients
from levelworks.ard.readers.mtl import read_mtl
from levelworks.ard.readers.sentinel2 import grid_at
from levelworks.ard.readers.sentinel2_angles import granule_angles
from levelworks.ard.readers.sentinel2_xml import read_granule
from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import SENSORS
from levelworks.core.outcome import InvalidInput

OLI = "LC09_L1TP_112081_20220209_20220209_02_T1"
ETM = "data/LE07_L1TP_107068_20220310_20220405_02_T1/LE07_L1TP_107068_20220310_20220405_02_T1"
SCENES = {
    OLI: ImageGrid("EPSG:32650", 384585.0, -3236385.0, 3000.0, 78, 77),
    ETM: ImageGrid("EPSG:32652", 399585.0, -1174785.0, 3000.0, 69, 81),
}


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the angle between unit vectors, degrees."""
    chord = np.linalg.norm(one - other, axis=-1)
    return np.degrees(2 * np.arcsin(chord / 2))


def coefficients_of(shared_data: Path, name: str) -> AngleCoefficients:
    return read_angle_coefficients(shared_data / "ard/meta/landsat_mtl" / f"{name}_ANG.txt")


def numbers(coefficients: AngleCoefficients, tag: str) -> np.ndarray:
    return np.array([float(text) for text in coefficients.tags[tag].strip("()").split(",")])


def test_vectors_and_angles_are_each_other_s_inverse() -> None:
    zenith, azimuth = np.meshgrid([0.5, 8.0, 70.0], [0.0, 90.0, 179.9, 350.0, 359.999])
    back = to_angles(to_vectors(zenith, azimuth))
    np.testing.assert_allclose(back[0], zenith, atol=1e-9)
    np.testing.assert_allclose(back[1], azimuth, atol=1e-7)
    assert to_angles(3.0 * to_vectors(np.array(10.0), np.array(200.0)))[0] == pytest.approx(10.0)
    assert np.isnan(to_angles(np.full(3, np.nan))).all()


@pytest.mark.parametrize("band", ["2", "4", "7"])
def test_coefficients_agree_with_the_ephemeris(shared_data: Path, band: str) -> None:
    """A push-broom's chip 7: the raw line gives the time, the time where the satellite stood."""
    found = coefficients_of(shared_data, OLI)
    field = SCENES[OLI]
    directions = found.directions(field, [band])
    group = f"BAND{int(band):02d}"
    # The raw line of places in chip 7, by its own polynomial at the mean height.
    x, y = coordinates_in(field)
    numerator, denominator = (numbers(found, f"{group}_SCA07_LINE_{part}_COEF") for part in ("NUM", "DEN"))
    sample = [numbers(found, f"{group}_SCA07_SAMP_{part}_COEF") for part in ("NUM", "DEN")]
    centre, raw = (numbers(found, f"{group}_SCA07_MEAN_{level}_LINE_SAMP") for level in ("L1T", "L1R"))
    line, across = (-3236400.0 - y) / 30.0 - centre[0], (x - 384600.0) / 30.0 - centre[1]

    def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
        top = above[0] + above[1] * line + above[2] * across + above[4] * line * across
        return top / (1 + below[0] * line + below[1] * across + below[3] * line * across)

    raw_line, raw_sample = ratio(numerator, denominator) + raw[0], ratio(*sample) + raw[1]
    inside = (raw_sample > 60) & (raw_sample < 430) & (raw_line > 0) & (raw_line < 7500)
    assert inside.sum() > 100
    seconds = float(found.tags[f"{group}_START_TIME"]) + raw_line[inside] * float(found.tags[f"{group}_LINE_TIME"])
    times = numbers(found, "EPHEMERIS_TIME")
    satellite = np.stack([cubic(times, numbers(found, f"EPHEMERIS_ECEF_{axis}"), seconds) for axis in "XYZ"], axis=-1)
    longitude, latitude = (values[inside] for values in coordinates(field))
    height = float(found.tags[f"{group}_MEAN_HEIGHT"])
    place = np.stack(
        Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(
            longitude, latitude, np.full_like(longitude, height)
        ),
        axis=-1,
    )
    expected = local_direction(longitude, latitude, satellite - place)
    assert apart(directions[inside][:, 0], expected).max() < 0.002
    sun = np.stack(
        [np.interp(seconds, numbers(found, "SAMPLE_TIME"), numbers(found, f"SOLAR_ECEF_{axis}")) for axis in "XYZ"], -1
    )
    # The polynomials hold the sun as seen from the ground, the ephemeris its geocentric direction: parallax apart.
    assert apart(directions[inside][:, 1], local_direction(longitude, latitude, sun)).max() < 0.003


def coordinates_in(field: ImageGrid) -> tuple[np.ndarray, np.ndarray]:
    x = field.west + (np.arange(field.columns) + 0.5) * field.resolution
    y = field.north - (np.arange(field.rows) + 0.5) * field.resolution
    return np.meshgrid(x, y)


def cubic(times: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    from scipy.interpolate import CubicSpline

    return CubicSpline(times, values)(wanted)


@pytest.mark.parametrize("name", [OLI, ETM])
def test_coefficients_give_the_mtl_s_sun_at_the_centre(shared_data: Path, name: str) -> None:
    mtl = read_mtl(shared_data / "ard/meta/landsat_mtl" / f"{name}_MTL.txt")
    scene = SCENES[name]
    lines, samples = int(mtl.number("REFLECTIVE_LINES")), int(mtl.number("REFLECTIVE_SAMPLES"))
    centre = ImageGrid(scene.crs, scene.west + samples * 15.0 - 15.0, scene.north - lines * 15.0 + 15.0, 30.0, 1, 1)
    zenith, azimuth = to_angles(coefficients_of(shared_data, name).directions(centre, ["4"])[0, 0, 1])
    assert float(zenith) == pytest.approx(90.0 - mtl.number("SUN_ELEVATION"), abs=0.01)
    assert float(azimuth) == pytest.approx(mtl.number("SUN_AZIMUTH"), abs=0.03)


@pytest.mark.parametrize(("name", "steered", "keys"), [(OLI, True, "234567"), (ETM, False, "123457")])
def test_a_track_through_the_centre_sees_what_the_coefficients_say(
    shared_data: Path, name: str, steered: bool, keys: str
) -> None:
    """ETM+ within 0.2 degrees; the staggered chips of OLI look up to 0.9 degrees fore and aft of the track."""
    field = SCENES[name]
    mtl = read_mtl(shared_data / "ard/meta/landsat_mtl" / f"{name}_MTL.txt")
    exact = coefficients_of(shared_data, name).directions(field, list(keys))
    x, y = field.west + mtl.number("REFLECTIVE_SAMPLES") * 15, field.north - mtl.number("REFLECTIVE_LINES") * 15
    middle = [float(value) for value in to_geographic(field.crs, x, y)]
    track = track_through(*middle, steered=steered)
    sun, view = directions_of_track(field, track, mtl.scene_centre_time)
    seen = np.isfinite(exact[..., 0, 0])
    assert 0.7 < seen.mean() < 0.8
    difference = apart(view, exact[:, :, 0])[seen]
    assert difference.max() < (0.95 if name == OLI else 0.21)
    zenith = to_angles(view)[0][seen] - to_angles(exact[:, :, 0])[0][seen]
    assert abs(zenith.mean()) < 0.07
    edge = seen & (to_angles(exact[:, :, 0])[0] > 6.0)
    assert np.abs(to_angles(view)[0][edge] - to_angles(exact[:, :, 0])[0][edge]).max() < 0.15
    # The sun as it stood when the satellite passed each line.
    assert apart(sun, exact[:, :, 1])[seen].max() < 0.015
    # Interpolation between nodes is no other than the track itself.
    itself, seconds = track.look(*coordinates(field))
    assert apart(view, itself).max() < 2e-4
    assert np.ptp(seconds) == pytest.approx(38, abs=4)


def test_the_reference_system_gives_the_scenes_centres(shared_data: Path) -> None:
    """Satellites keep within some 5 km of the nominal track; frames along it within 2 km."""
    geographic = Transformer.from_crs("EPSG:4978", "EPSG:4326", always_xy=True)
    for path in sorted((shared_data / "ard/meta/landsat_mtl").rglob("L[CTE]0*_MTL.[tT]*")):
        mtl = read_mtl(path)
        track = track_of_row(int(mtl.number("WRS_PATH")), int(mtl.number("WRS_ROW")), steered=True)
        longitude, latitude = geographic.transform(*track.position(np.asarray(track.centre)), radians=False)[:2]
        corners = [
            np.mean([mtl.number(f"CORNER_{corner}_{axis}_PRODUCT") for corner in ("UL", "UR", "LL", "LR")])
            for axis in ("LON", "LAT")
        ]
        assert abs(longitude - corners[0]) * 111.3 * np.cos(np.radians(latitude)) < 5.5, path.name
        assert abs(latitude - corners[1]) * 111.2 < 2.0, path.name


def test_a_track_is_seen_from_right_above_at_its_centre_and_from_the_sides_beside() -> None:
    """92.5 km beside: the Earth's curve makes 8.3 degrees of the 7.5 that a flat one would have."""
    track = track_through(12.0, 40.0, steered=True)
    vectors, seconds = track.look(np.array([12.0, 12.0]), np.array([40.0, 40.2]))
    # Above as the Earth's centre has it: the ellipsoid's normal leans by 0.19 degrees at most from that.
    assert to_angles(vectors)[0][0] == pytest.approx(0.1924 * np.sin(np.radians(80.0)), abs=0.005)
    assert abs(seconds[0]) < 0.01
    assert seconds[1] < -3  # southward: the north was seen before
    motion = track.forward(np.asarray(track.centre))
    turn = to_angles(local_direction(np.array(12.0), np.array(40.0), motion))[1]
    east, north = (92500.0 * value for value in (-np.cos(np.radians(turn)), np.sin(np.radians(turn))))
    crs = "+proj=aeqd +lat_0=40 +lon_0=12 +datum=WGS84"
    beside = [to_geographic(crs, sign * east, sign * north) for sign in (1, -1)]
    for longitude, latitude in beside:
        view, when = track.look(longitude, latitude)
        zenith, azimuth = to_angles(view)
        assert abs(when) < 0.3
        assert float(zenith) == pytest.approx(8.3, abs=0.12)
        across = float((azimuth - turn) % 180.0)
        assert across == pytest.approx(90.0, abs=1.5)


def test_nodes_are_interpolated_bilinearly_and_held_beyond() -> None:
    row, column = np.indices((3, 4), dtype=float)
    nodes = np.stack([column, 2 * row, row * column], axis=-1)
    field = ImageGrid("EPSG:32633", 1000.0, 9000.0, 500.0, 5, 8)
    found = at_cells(nodes, (1000.0, 1000.0), 1000.0, 9000.0, field)
    assert found.shape == (5, 8, 3)
    places = (0.25 + 0.5 * np.arange(8), 0.25 + 0.5 * np.arange(5))
    np.testing.assert_allclose(found[:, :, 0], np.minimum(places[0], 3.0) * np.ones((5, 1)))
    np.testing.assert_allclose(found[:, :, 1], 2 * np.minimum(places[1], 2.0)[:, None] * np.ones(8))
    np.testing.assert_allclose(found[1, 2, 2], places[1][1] * places[0][2])


def test_a_detector_s_plane_fills_its_missing_nodes() -> None:
    row, column = np.indices((6, 7), dtype=float)
    plane = np.stack([0.01 * column, 0.02 - 0.003 * row, 0.99 + 0.0001 * row], axis=-1)
    nodes = plane.copy()
    nodes[np.abs(column - 3) > 1] = np.nan
    np.testing.assert_allclose(extend_by_plane(nodes), plane, atol=1e-12)
    alone = np.full_like(plane, np.nan)
    alone[2, 3] = plane[2, 3]
    np.testing.assert_allclose(extend_by_plane(alone), np.broadcast_to(plane[2, 3], plane.shape))


def two_detectors() -> dict[int, np.ndarray]:
    column = np.arange(23) * np.ones((23, 1))
    west, east = (to_vectors(4.0 * np.ones((23, 23)), azimuth * np.ones((23, 23))) for azimuth in (350.0, 20.0))
    west[column > 11], east[column < 11] = np.nan, np.nan
    return {5: west, 6: east}


def test_azimuths_about_north_are_averaged_as_vectors() -> None:
    """350 and 20 degrees make 5, not 185 (specs/ard.md 28 D5)."""
    field = ImageGrid("EPSG:32633", 300000.0, 5800020.0, 300.0, 366, 366)
    found = view_of_detectors(two_detectors(), (5000.0, 5000.0), 300000.0, 5800020.0, field)
    zenith, azimuth = to_angles(found)
    # Both detectors saw the nodes of column 11, 55 km from the west.
    west, east = field.west + 54850.0, field.west + 55150.0
    middle = [int((x - field.west) // 300) for x in (west, east)]
    assert azimuth[100, middle[0]] % 360 == pytest.approx(5.0, abs=1.5)
    assert azimuth[100, 10] == pytest.approx(350.0)
    assert azimuth[100, 350] == pytest.approx(20.0)
    assert zenith.max() <= 4.0 + 1e-9
    steps = np.abs((np.diff(azimuth, axis=1) + 180) % 360 - 180)
    assert steps.max() < 2.5


def test_a_footprint_picks_the_detector() -> None:
    field = ImageGrid("EPSG:32633", 300000.0, 5800020.0, 300.0, 366, 366)
    footprint = np.where(np.arange(366) < 186, 5, 6) * np.ones((366, 1), int)
    footprint[:, :3] = 9
    footprint[:, 360:] = 0
    found = view_of_detectors(two_detectors(), (5000.0, 5000.0), 300000.0, 5800020.0, field, footprint)
    azimuth = to_angles(found)[1]
    assert np.isnan(azimuth[:, :3]).all()
    assert np.isnan(azimuth[:, 360:]).all()
    np.testing.assert_allclose(azimuth[:, 3:186], 350.0)
    np.testing.assert_allclose(azimuth[:, 186:360], 20.0)


def test_bands_that_did_not_look_drop_out_of_the_mean() -> None:
    one, other = (to_vectors(np.full((1, 2), 5.0), np.full((1, 2), azimuth)) for azimuth in (10.0, 30.0))
    other[0, 1] = np.nan
    azimuth = to_angles(mean_over_bands([one, other]))[1]
    np.testing.assert_allclose(azimuth, [[20.0, 10.0]])
    assert np.isnan(mean_over_bands([np.full((1, 1, 3), np.nan)])).all()


def test_directions_spread_so_far_and_no_farther() -> None:
    vectors = np.full((1, 9, 3), np.nan)
    vectors[0, 4] = (0.0, 0.1, 1.0)
    known = np.isfinite(spread_to_neighbours(vectors, 2.0)[0, :, 0])
    assert known.tolist() == [False, False, True, True, True, True, True, False, False]
    assert np.isnan(spread_to_neighbours(np.full((2, 2, 3), np.nan), 2.0)).all()


TILES = {"T56JMM": 9.25, "T53JQJ": 9.8, "T48LWP": 2.9, "T46RER": 11.0, "T55HFA": 6.67}


@pytest.mark.parametrize("tile", list(TILES))
def test_real_tiles_have_angles_near_their_own_means(shared_data: Path, tile: str) -> None:
    folder = shared_data / "ard/meta/sentinel2_l1c"
    path = next(one for one in [*folder.rglob("MTD_TL.xml"), *folder.rglob("metadata.xml")] if tile in str(one))
    granule = read_granule(path)
    angles = granule_angles(granule, SENSORS["SEN2A"], grid_at(granule, 10), lambda key: None)
    assert angles.view_zenith.shape == (366, 366)
    assert np.isfinite(angles.sun_zenith).all()
    seen = np.isfinite(angles.view_zenith)
    assert (seen == np.isfinite(angles.view_azimuth)).all()
    assert 0.3 < seen.mean() <= 1.0
    assert float(angles.view_zenith[seen].mean()) == pytest.approx(TILES[tile], abs=0.05)
    # Every node that any detector saw has cells with a direction about it, and near to the nodes' mean.
    known = np.mean([
        np.any([np.isfinite(one.vectors[..., 0]) for one in granule.view[SENSORS["SEN2A"].band(name).key].values()], 0)
        for name in SENSORS["SEN2A"].product
    ], axis=0) == 1.0  # fmt: skip
    rows, columns = np.nonzero(known[:22, :22])
    assert seen[(rows * 5000) // 300, (columns * 5000) // 300].all()
    steps = np.abs(np.diff(angles.view_zenith, axis=1))
    assert np.nanmax(steps) < 0.5


def test_coefficients_that_are_not_whole_are_refused(shared_data: Path, tmp_path: Path) -> None:
    whole = (shared_data / "ard/meta/landsat_mtl" / f"{OLI}_ANG.txt").read_text()
    path = tmp_path / "a_ANG.txt"
    path.write_text(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match="BAND07_"):
        read_angle_coefficients(path).directions(SCENES[OLI], ["7"])
    path.write_text("nothing")
    with pytest.raises(InvalidInput, match="no angle coefficient file"):
        read_angle_coefficients(path)


def test_places_on_the_ellipsoid() -> None:
    longitude, latitude = np.array([0.0, 90.0, -45.0]), np.array([0.0, 45.0, -80.0])
    to_fixed = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    expected = np.stack(to_fixed.transform(longitude, latitude, np.zeros(3)), axis=-1)
    np.testing.assert_allclose(earth_fixed(longitude, latitude), expected, atol=1e-6)
    up = local_direction(
        longitude, latitude, np.stack(to_fixed.transform(longitude, latitude, np.full(3, 1e6)), -1) - expected
    )
    np.testing.assert_allclose(up, np.broadcast_to([0.0, 0.0, 1.0], (3, 3)), atol=1e-9)


def test_tracks_pass_the_antimeridian() -> None:
    track = track_through(179.95, 10.0, steered=True)
    vectors, _ = track.look(np.array([179.9, -180.0, -179.9]), np.full(3, 10.0))
    east = np.degrees(vectors[:, 0])
    assert east[1] == pytest.approx((east[0] + east[2]) / 2, abs=0.02)
    assert np.diff(east) == pytest.approx([-0.98, -0.98], abs=0.04)
    assert track_through(-180.0, 10.0, steered=True) == track_through(180.0, 10.0, steered=True)
