"""Sites over many scenes: clusters, overflights, persistence, mean rates, and the table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from levelworks.core.outcome import InvalidInput, InvalidReference, Outcome, Status
from levelworks.core.sphere import mean_position
from levelworks.plumes.emission.emission_table import write_table
from levelworks.plumes.emission.revisit import assign, inside, mean_rate
from levelworks.plumes.emission.revisit_options import Revisit
from levelworks.plumes.emission.revisit_stage import COLUMNS, revisit, write_empty_revisit
from levelworks.plumes.sites import NamedSite

METRES = 111320.0


def scene(folder: Path, number: int, plumes: list[tuple[float, float, float]], *, west: float = 8.0) -> Path:
    """Write a folder of `quantify`: plumes of longitude, latitude and rate, in a scene of one degree."""
    path = folder / f"scene{number}"
    path.mkdir()
    rows: list[dict[str, Any]] = [
        {
            "plume_id": f"emi-{number}-plume{index}",
            "plume_longitude": longitude,
            "plume_latitude": latitude,
            "datetime": f"2023-06-{number:02d}T10:00:00Z",
            "gas": "CH4",
            "emission": rate,
            "emission_uncertainty": 0.3 * rate,
            "scene": f"S{number}",
        }
        for index, (longitude, latitude, rate) in enumerate(plumes, start=1)
    ]
    write_table(path / "plumes.csv", rows)
    outline = [[west, 44.0], [west + 1, 44.0], [west + 1, 45.0], [west, 45.0]]
    said = {"scene": f"S{number}", "start_time": f"2023-06-{number:02d}T10:00:00Z", "outline": outline}
    (path / "scene.json").write_text(json.dumps(said))
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_sites_are_seen_again_and_overflown(tmp_path: Path) -> None:
    step = 200 / METRES
    folders = [
        scene(tmp_path, 1, [(8.5, 44.5, 1000.0), (8.2, 44.2, 400.0)]),
        scene(tmp_path, 2, [(8.5, 44.5 + step, 2000.0)]),
        scene(tmp_path, 3, []),
        scene(tmp_path, 4, [(8.5, 44.5 - step, 3000.0)]),
        scene(tmp_path, 5, [(11.5, 44.5, 900.0)], west=11.0),
    ]
    table, picture = tmp_path / "sites.csv", tmp_path / "sites.png"
    outcome = revisit(folders, None, table=table, picture=picture, options=Revisit())
    rows = read(table)
    assert tuple(rows[0]) == COLUMNS
    assert [row["site"] for row in rows] == ["site-1", "site-2", "site-3"]
    assert [(row["times_seen"], row["times_overflown"]) for row in rows] == [("3", "4"), ("1", "4"), ("1", "1")]
    assert rows[0]["persistence"] == "0.75"
    assert float(rows[0]["emission_mean"]) == 2000
    assert float(rows[0]["emission_mean_persistent"]) == 1500
    assert float(rows[0]["emission_mean_error"]) == pytest.approx(1000 / np.sqrt(3), rel=1e-5)
    assert rows[0]["series_emission"] == "1000 2000 3000"
    assert float(rows[0]["latitude"]) == pytest.approx(44.5, abs=1e-4)
    assert outcome.quality == {"sites": 3, "seen_again": 1, "plumes": 5, "scenes": 5}
    again, other = tmp_path / "again.csv", tmp_path / "again.png"
    revisit(folders[::-1], None, table=again, picture=other, options=Revisit())
    assert again.read_bytes() == table.read_bytes()
    assert other.read_bytes() == picture.read_bytes()


def test_named_sites_take_the_plumes_about_them(tmp_path: Path) -> None:
    folders = [scene(tmp_path, 1, [(8.5, 44.5, 1000.0), (8.9, 44.9, 10.0)]), scene(tmp_path, 2, [])]
    sites = tmp_path / "names.csv"
    sites.write_text("name,latitude,longitude\nNorth field,44.505,8.5\nQuiet,44.3,8.3\nFar,10,10\n")
    revisit(folders, sites, table=tmp_path / "t.csv", picture=None, options=Revisit(gases=["ch4"]))
    found = {row["site"]: row for row in read(tmp_path / "t.csv")}
    assert list(found) == ["North field", "Quiet", "Far", "site-1"]
    assert (found["North field"]["times_seen"], found["North field"]["times_overflown"]) == ("1", "2")
    assert (found["Quiet"]["times_seen"], found["Quiet"]["persistence"]) == ("0", "0")
    assert (found["Far"]["times_overflown"], found["Far"]["persistence"], found["Far"]["emission_mean"]) == (
        "0",
        "",
        "",
    )
    sites.write_text("name,latitude,longitude\nNowhere,,8.5\n")
    with pytest.raises(InvalidReference, match="Nowhere"):
        revisit(folders, sites, table=tmp_path / "t.csv", picture=None, options=Revisit())
    sites.write_text("name,lat\n")
    with pytest.raises(InvalidReference, match="latitude"):
        revisit(folders, sites, table=tmp_path / "t.csv", picture=None, options=Revisit())


def test_named_sites_without_any_plume_are_in_the_table(tmp_path: Path) -> None:
    sites = tmp_path / "names.csv"
    sites.write_text("name,latitude,longitude\nQuiet,44.3,8.3\n")
    folders = [scene(tmp_path, 1, []), scene(tmp_path, 2, [])]
    revisit(folders, sites, table=tmp_path / "t.csv", picture=tmp_path / "p.png", options=Revisit(gases=["ch4"]))
    (row,) = read(tmp_path / "t.csv")
    assert (row["site"], row["gas"], row["times_seen"], row["times_overflown"]) == ("Quiet", "CH4", "0", "2")


def test_plumes_without_a_rate_count_as_seen(tmp_path: Path) -> None:
    folders = [scene(tmp_path, 1, [(8.5, 44.5, float("nan"))]), scene(tmp_path, 2, [(8.5, 44.5, 50.0)])]
    revisit(folders, None, table=tmp_path / "t.csv", picture=tmp_path / "p.png", options=Revisit())
    row = read(tmp_path / "t.csv")[0]
    assert (row["times_seen"], row["emission_counted"], row["emission_mean"]) == ("2", "1", "50")
    assert row["series_emission"] == "NaN 50"
    revisit(folders, None, table=tmp_path / "t.csv", picture=None, options=Revisit(most_uncertain=0.1))
    assert read(tmp_path / "t.csv")[0]["emission_mean"] == ""


def test_no_plumes_make_an_empty_table_and_a_picture(tmp_path: Path) -> None:
    revisit([scene(tmp_path, 1, [])], None, table=tmp_path / "t.csv", picture=tmp_path / "p.png", options=Revisit())
    assert (tmp_path / "t.csv").read_text() == ",".join(COLUMNS) + "\n"
    assert (tmp_path / "p.png").stat().st_size > 0
    for name in ("e.csv", "e.png"):
        write_empty_revisit(tmp_path / name, Outcome(Status.SKIPPED, "nothing"))
        assert (tmp_path / name).stat().st_size > 0


def test_clusters_are_chains_of_short_steps_across_the_antimeridian() -> None:
    step = 400 / METRES
    longitude = np.array([180 - step, -180.0, -180 + step, 0.0, 0.0])
    latitude = np.array([0.0, 0.0, 0.0, 89.9999, 10.0])
    assert assign(longitude, latitude, [], 500.0, 1000.0).tolist() == [0, 0, 0, 1, 2]
    assert assign(longitude, latitude, [], 300.0, 1000.0).tolist() == [0, 1, 2, 3, 4]
    named = [NamedSite("a", 179.9999, 0.0), NamedSite("b", 50.0, 50.0)]
    assert assign(longitude, latitude, named, 500.0, 100.0).tolist() == [2, 0, 3, 4, 5]
    assert assign(np.zeros(0), np.zeros(0), named, 500.0, 100.0).size == 0
    middle = mean_position(longitude[:3], latitude[:3])
    assert abs(middle[0]) == pytest.approx(180.0)


def test_mean_rate_has_the_larger_of_both_errors() -> None:
    found = mean_rate(np.array([10.0, 10.0, np.nan]), np.array([3.0, 4.0, 1.0]))
    assert (found.mean, found.count, found.spread) == (10.0, 2, 0.0)
    assert found.error == pytest.approx(2.5)
    found = mean_rate(np.array([0.0, 20.0]), np.array([1.0, 1.0]))
    assert found.error == pytest.approx(10.0)
    assert mean_rate(np.array([np.nan]), np.array([1.0])).count == 0
    assert np.isnan(mean_rate(np.array([5.0]), np.array([2.0])).spread)


def test_places_in_outlines() -> None:
    square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    assert inside(0.5, 0.5, square)
    assert not inside(1.5, 0.5, square)
    assert not inside(180.5, 0.5, square)
    across = [(179.5, 0.0), (-179.5, 0.0), (-179.5, 1.0), (179.5, 1.0)]
    assert inside(180.0, 0.5, across)
    assert inside(-179.9, 0.5, across)
    assert not inside(0.0, 0.5, across)


def test_a_damaged_scene_is_named(tmp_path: Path) -> None:
    folder = scene(tmp_path, 1, [])
    (folder / "scene.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"scene\.json"):
        revisit([folder], None, table=tmp_path / "t.csv", picture=None, options=Revisit())
    (folder / "scene.json").unlink()
    (folder / "plumes.csv").write_text("plume_id\n")
    with pytest.raises(InvalidInput, match=r"plumes\.csv"):
        revisit([folder], None, table=tmp_path / "t.csv", picture=None, options=Revisit())
