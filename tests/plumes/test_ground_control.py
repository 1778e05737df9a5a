"""Ground control points: files of QGIS, exact transformations, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS, Geod, Transformer

from levelworks.core.outcome import InvalidReference
from levelworks.plumes.mapping.ground_control import fit_points, positions_of_pixels, read_points

COLUMNS = (0.5, 999.5, 0.5, 999.5, 500.0, 250.0, 700.0, 640.5)
ROWS = (0.5, 0.5, 999.5, 999.5, 500.0, 700.0, 300.0, 80.5)
TO_DEGREES = Transformer.from_crs(32633, 4326, always_xy=True)


def ground(column, row, bend: float = 0.0):
    """Return eastings and northings of places in the image, counted from its corner."""
    x = 400000.0 + 29.0 * column - 6.0 * row + bend * (column / 1000) ** 2
    y = 5200000.0 - 6.0 * column - 29.0 * row - bend * (column / 1000) * (row / 1000)
    return x, y


def write_points(
    path,
    *,
    degrees=False,
    bend=0.0,
    noise=0.0,
    sign=-1,
    header="mapX,mapY,sourceX,sourceY,enable",
    crs=None,
    disabled=(),
    columns=COLUMNS,
    rows=ROWS,
):
    code = 4326 if degrees else 32633
    lines = [f"#CRS: {CRS.from_epsg(code).to_wkt()}" if crs is None else crs, header]
    shifts = np.random.default_rng(11).normal(0.0, noise, (len(columns), 2))
    for number, (column, row) in enumerate(zip(columns, rows, strict=True)):
        x, y = np.add(ground(column, row, bend), shifts[number])
        x, y = TO_DEGREES.transform(x, y) if degrees else (x, y)
        enabled = 0 if number in disabled else 1
        if number in disabled:
            x += 5e4
        lines.append(f"{x!r},{y!r},{column},{sign * row},{enabled},0,0,0".replace("np.float64(", "").replace(")", ""))
    path.write_text("\n".join(lines) + "\n")
    return path


def distance(longitude, latitude, column, row, bend=0.0):
    """Return metres between fitted positions of pixel centres and the truth."""
    true = TO_DEGREES.transform(*ground(column + 0.5, row + 0.5, bend))
    return np.asarray(Geod(ellps="WGS84").inv(longitude, latitude, *true)[2])


@pytest.mark.parametrize("degrees", [False, True])
@pytest.mark.parametrize(("order", "bend"), [(1, 0.0), (2, 0.0), (2, 300.0), ("thin-plate", 0.0)])
def test_exact_points_give_the_exact_transformation(tmp_path, degrees, order, bend):
    fitted = fit_points(read_points(write_points(tmp_path / "a.points", degrees=degrees, bend=bend)), order)
    longitude, latitude = positions_of_pixels(fitted, 40, 30)
    column, row = np.meshgrid(np.arange(30), np.arange(40))
    assert distance(longitude, latitude, column, row, bend).max() < 0.01
    assert fitted.root_mean_square < 0.01


def test_a_thin_plate_spline_meets_its_points(tmp_path):
    points = read_points(write_points(tmp_path / "a.points", noise=100.0))
    assert fit_points(points, "thin-plate").root_mean_square < 1e-3
    assert fit_points(points, 1).root_mean_square > 20.0


def test_least_squares_leaves_residuals(tmp_path):
    fitted = fit_points(read_points(write_points(tmp_path / "a.points", noise=30.0)), 1)
    assert fitted.residuals.shape == (8, 2)
    np.testing.assert_allclose(fitted.residuals.mean(axis=0), 0.0, atol=1e-3)
    # Sixteen numbers less six parameters.
    assert 10.0 < fitted.root_mean_square < 60.0


@pytest.mark.parametrize(
    "words",
    [
        {"sign": 1},
        {"header": "mapX,mapY,pixelX,pixelY,enable,dX,dY,residual"},
        {"crs": "#CRS: EPSG:32633"},
        {"disabled": (3, 5)},
    ],
)
def test_variants_of_the_file(tmp_path, words):
    points = read_points(write_points(tmp_path / "a.points", **words))
    assert len(points.x) == 8 - len(words.get("disabled", ()))
    longitude, latitude = positions_of_pixels(fit_points(points), 10, 10)
    column, row = np.meshgrid(np.arange(10), np.arange(10))
    assert distance(longitude, latitude, column, row).max() < 0.01


def test_too_few_points(tmp_path):
    points = read_points(write_points(tmp_path / "a.points", columns=COLUMNS[:2], rows=ROWS[:2]))
    with pytest.raises(InvalidReference, match=r"a\.points has 2 enabled points; order 1 needs 3"):
        fit_points(points)
    points = read_points(write_points(tmp_path / "a.points", disabled=(0, 1, 2)))
    with pytest.raises(InvalidReference, match="has 5 enabled points; order 2 needs 6"):
        fit_points(points, 2)


def test_points_on_a_line_or_at_one_place(tmp_path):
    line = write_points(tmp_path / "a.points", columns=(1, 2, 3, 4), rows=(10, 20, 30, 40))
    with pytest.raises(InvalidReference, match="in the image lie on a line"):
        fit_points(read_points(line))
    same = write_points(tmp_path / "a.points", columns=(5, 5, 5), rows=(5, 5, 5))
    with pytest.raises(InvalidReference, match="in the image lie on a line"):
        fit_points(read_points(same))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mapX,mapY,sourceX,sourceY,enable\n1,2,3,4,1\n", "first line must be '#CRS:'"),
        ("#CRS: nonsense\nmapX,mapY,sourceX,sourceY,enable\n1,2,3,4,1\n", "first line must be '#CRS:'"),
        ("#CRS: EPSG:32633\nmapX,mapY,sourceX,sourceY,enable\n", "no enabled control point"),
        ("#CRS: EPSG:32633\nmapX,mapY,sourceX,enable\n1,2,3,1\n", "point 1 has no numbers"),
        ("#CRS: EPSG:32633\nmapX,mapY,sourceX,sourceY,enable\n1,2,3,4,1\n1,2,x,4,1\n", "point 2 has no numbers"),
        ("#CRS: EPSG:32633\nmapX,mapY,sourceX,sourceY,enable\n1,nan,3,4,1\n", "point 1 is not finite"),
    ],
)
def test_refuses_what_is_no_points_file(tmp_path, text, message):
    (tmp_path / "a.points").write_text(text)
    with pytest.raises(InvalidReference, match=message):
        read_points(tmp_path / "a.points")


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(InvalidReference, match="can't be read"):
        read_points(tmp_path / "none.points")
