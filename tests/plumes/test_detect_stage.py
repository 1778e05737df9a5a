from __future__ import annotations

import json
from datetime import UTC, datetime

import netCDF4
import numpy as np
import pytest
import shapely
from plume_fields import METHANE, PIXEL, clutter, gaussian_plume, places, write_retrieval

from levelworks.core.outcome import InvalidInput, InvalidReference, NothingToProduce
from levelworks.plumes.detection.detect_options import DetectPlumes, MaskPlumes
from levelworks.plumes.detection.detect_stage import detect_plumes, mask_plumes
from levelworks.plumes.detection.plume_spectra import evidence_of_plume
from levelworks.plumes.emission.wind_files import Winds, write_wind
from levelworks.plumes.layers import open_layers, write_layers
from levelworks.plumes.retrieval.absorption import Absorption
from levelworks.plumes.scene import Geometry, Scene, Spectral

SHAPE = (150, 170)
SOURCES = ((50.0, 40.0), (110.0, 60.0))


def field(seed, rates=(6.0, 3.0)):
    rng = np.random.default_rng(seed)
    plumes = sum(gaussian_plume(SHAPE, at, rate, 5.0, 0.1) for at, rate in zip(SOURCES, rates, strict=True))
    return (plumes + clutter(rng, SHAPE)).astype(np.float32)


def run(folder, enhancement, options=None, *, longitude=54.0, quality=None, sites=None, tag="", **inputs):
    retrieval = write_retrieval(folder / "r.nc", {"ch4": enhancement}, quality, longitude)
    given = {name: inputs.get(name) for name in ("denoised", "absorption", "radiance", "wind", "markers", "rejected")}
    labels, plumes = folder / f"labels{tag}.nc", folder / f"plumes{tag}.json"
    outcome = detect_plumes(
        retrieval, *given.values(), sites, labels=labels, plumes=plumes, options=options or DetectPlumes()
    )
    with open_layers(labels) as product:
        mask = product.read("ch4_mask")
    return outcome, mask, json.loads(plumes.read_text())["features"]


def markers(path, *places_of):
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Point", "coordinates": [x, y]}}
        for name, x, y in places_of
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_plumes_are_described_as_they_are(tmp_path):
    enhancement = field(91)
    outcome, mask, features = run(tmp_path, enhancement)
    assert outcome.quality["plumes"] == 2
    assert outcome.quality["ch4_mirrored"] == 0
    assert [f["properties"]["label"] for f in features] == [1, 2]
    assert [f["id"] for f in features] == [f"emi-20220815t042838-plume{k}" for k in (0, 1)]
    for found, at in zip(features, SOURCES, strict=True):
        values = found["properties"]
        inside = mask == values["label"]
        assert values["pixels"] == inside.sum()
        assert values["mass_kg"] == pytest.approx(enhancement[inside].sum(dtype=float) * PIXEL**2 * METHANE, rel=1e-5)
        assert values["peak"] == pytest.approx(enhancement[inside].max())
        assert values["peak_ppm_m"] == pytest.approx(values["peak"] / 4.4642857e-5)
        assert np.hypot(values["source_row"] - at[0], values["source_column"] - at[1]) < 2
        rows, columns = np.nonzero(inside)
        assert (values["row_min"], values["row_max"]) == (rows.min(), rows.max())
        assert (values["column_min"], values["column_max"]) == (columns.min(), columns.max())
        assert values["marker"] == "automatic"
        assert values["site"] == ""
        assert values["site_distance_m"] is None
        outline = shapely.from_geojson(json.dumps(found["geometry"]))
        longitude, latitude = places(SHAPE)
        within = shapely.contains_xy(outline, longitude, latitude)
        assert np.count_nonzero(within ^ inside) < 0.1 * inside.sum()


def test_same_inputs_give_the_same_bytes(tmp_path):
    enhancement = field(92)
    for tag in ("a", "b"):
        run(tmp_path, enhancement, tag=tag)
    assert (tmp_path / "labelsa.nc").read_bytes() == (tmp_path / "labelsb.nc").read_bytes()
    assert (tmp_path / "plumesa.json").read_bytes() == (tmp_path / "plumesb.json").read_bytes()


def test_no_plume_is_done_and_all_cloud_is_nothing(tmp_path):
    outcome, mask, features = run(tmp_path, clutter(np.random.default_rng(93), SHAPE))
    assert outcome.quality["plumes"] == 0
    assert features == []
    assert not mask.any()
    with pytest.raises(NothingToProduce, match="no valid pixel"):
        run(tmp_path, np.full(SHAPE, np.nan))
    with pytest.raises(NothingToProduce, match="no valid pixel"):
        run(tmp_path, field(93), quality=np.ones(SHAPE, np.uint16))


def test_empty_and_broken_retrievals(tmp_path):
    write_layers(tmp_path / "e.nc", [], {"outcome": "skipped", "reason": "all cloud"})
    given = [None] * 6
    out = {"labels": tmp_path / "l.nc", "plumes": tmp_path / "p.json"}
    with pytest.raises(NothingToProduce, match="all cloud"):
        detect_plumes(tmp_path / "e.nc", *given, **out, options=DetectPlumes())
    write_layers(tmp_path / "n.nc", [], {})
    with pytest.raises(InvalidInput, match="names no gas"):
        mask_plumes(tmp_path / "n.nc", None, tmp_path / "m.nc", MaskPlumes())
    (tmp_path / "t.nc").write_bytes(b"truncated")
    with pytest.raises(InvalidInput):
        detect_plumes(tmp_path / "t.nc", *given, **out, options=DetectPlumes())


def test_markers_choose_and_name_plumes(tmp_path):
    longitude, latitude = places(SHAPE)
    path = markers(
        tmp_path / "m.geojson",
        ("pond", longitude[110, 62], latitude[110, 62]),
        ("elsewhere", 10.0, 10.0),
        ("again", longitude[111, 64], latitude[111, 64]),
    )
    outcome, mask, features = run(tmp_path, field(94), markers=path)
    assert [f["properties"]["marker"] for f in features] == ["pond"]
    assert mask[110, 63] == 1
    assert mask[50, 45] == 0
    values = features[0]["properties"]
    assert (values["source_row"], values["source_column"], values["source_confidence"]) == (110, 62, 1)
    assert any("outside of the scene" in text for text in outcome.warnings)
    assert any("another marker" in text for text in outcome.warnings)
    _, mask, features = run(tmp_path, field(94), DetectPlumes(markers_only=False), markers=path)
    assert [f["properties"]["marker"] for f in features] == ["pond", "automatic"]
    assert mask[50, 45] == 2


def test_empty_markers_detect_and_malformed_ones_are_refused(tmp_path):
    path = tmp_path / "m.geojson"
    path.write_text("")
    assert len(run(tmp_path, field(95), markers=path)[2]) == 2
    path.write_text("{")
    with pytest.raises(InvalidReference):
        run(tmp_path, field(95), markers=path)


def test_marked_outline_is_the_plume(tmp_path):
    longitude, latitude = places(SHAPE)
    half = 1e-4
    west, east = longitude[0, 30] - half, longitude[0, 90] + half
    box = shapely.box(west, latitude[125, 0] - half, east, latitude[95, 0] + half)
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(box)}
    path = tmp_path / "m.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    _, mask, features = run(tmp_path, field(96), markers=path)
    assert mask.sum() == 31 * 61
    assert features[0]["properties"]["source_origin"] == "automatic"
    mask_plumes(tmp_path / "r.nc", path, tmp_path / "x.nc", MaskPlumes())
    with open_layers(tmp_path / "x.nc") as product:
        excluded = product.read("excluded")
    assert excluded.dtype == np.uint8
    assert excluded[mask > 0].all()
    assert excluded[50, 45] == 1


def test_rejected_plumes_are_listed_and_dropped(tmp_path):
    table = tmp_path / "rejected.csv"
    table.write_text("plume_id,reason\nemi-20220815t042838-plume1,a roof\n")
    outcome, mask, features = run(tmp_path, field(97), rejected=table)
    assert (outcome.quality["plumes"], outcome.quality["rejected"]) == (1, 1)
    assert [f["properties"]["rejected"] for f in features] == [False, True]
    assert features[1]["properties"]["rejected_reason"] == "a roof"
    assert set(np.unique(mask)) == {0, 1}


def test_wind_and_sites_are_used(tmp_path):
    longitude, latitude = places(SHAPE)
    nodes = np.array([0.0, 149.0]), np.array([0.0, 169.0])
    blown = np.full((1, 2, 2), 5.0)
    winds = Winds(("ERA5",), *nodes, blown, -0.5 * blown / 5, np.full((1, 2, 2), 1e5), "ERA5")
    write_wind(tmp_path / "w.nc", winds, np.zeros((2, 2)), np.zeros((2, 2)), "x")
    sites = tmp_path / "sites.csv"
    sites.write_text(f"name,latitude,longitude\nvent,{latitude[50, 40]},{longitude[50, 40]}\n")
    _, _, features = run(tmp_path, field(98), wind=tmp_path / "w.nc", sites=sites)
    values = features[0]["properties"]
    assert values["wind_source"] == "ERA5"
    assert values["site"] == "vent"
    assert values["site_distance_m"] < 120
    assert values["source_confidence"] > 0.7
    _, _, calm = run(tmp_path, field(98))
    assert calm[0]["properties"]["source_confidence"] < values["source_confidence"]
    (tmp_path / "bad.nc").write_bytes(b"")
    outcome, _, features = run(tmp_path, field(98), wind=tmp_path / "bad.nc")
    assert len(features) == 2
    assert any("product of the wind stage" in text for text in outcome.warnings)


def test_options_limit_what_is_found(tmp_path):
    enhancement = field(99, (6.0, 1.5))
    high = enhancement[45:56, 38:60].max() / 4.4642857e-5
    outcome, _, features = run(tmp_path, enhancement, DetectPlumes(min_peak_ppm_m=0.9 * high))
    assert outcome.quality["plumes"] == len(features) == 1
    outcome, _, _ = run(tmp_path, enhancement, DetectPlumes(seed_sigma=90.0))
    assert outcome.quality["plumes"] == 0
    outcome, _, _ = run(tmp_path, enhancement, DetectPlumes(field="denoised"))
    assert any("plain one" in text for text in outcome.warnings)
    assert outcome.quality["plumes"] == 2


def test_two_gases_have_masks_of_their_own_and_ids_run_on(tmp_path):
    retrieval = write_retrieval(tmp_path / "r.nc", {"ch4": field(100), "co2": 30 * field(101)})
    detect_plumes(retrieval, *[None] * 6, labels=tmp_path / "l.nc", plumes=tmp_path / "p.json", options=DetectPlumes())
    features = json.loads((tmp_path / "p.json").read_text())["features"]
    assert [(f["properties"]["gas"], f["properties"]["label"]) for f in features] == [
        ("ch4", 1), ("ch4", 2), ("co2", 1), ("co2", 2),
    ]  # fmt: skip
    assert [f["id"][-6:] for f in features] == ["plume0", "plume1", "plume2", "plume3"]
    with netCDF4.Dataset(tmp_path / "l.nc") as file:
        assert file.variables["ch4_mask"].dtype == file.variables["co2_mask"].dtype == np.int32


class Made(Scene):
    """A scene in memory: (columns, rows, bands)."""

    cube: np.ndarray

    def read(self, columns, bands):
        return self.cube[columns.start : columns.stop][..., bands]

    def close(self):
        """Close nothing: it is in memory."""


def made_scene(enhancement, unit, centres, rng):
    flat = np.nan_to_num(enhancement).T[..., None]
    brightness = 1 + 0.3 * np.sin(np.arange(flat.shape[0]) / 7)[:, None, None]
    cube = brightness * np.exp(flat * unit) * (1 + 0.004 * rng.standard_normal((*flat.shape[:2], centres.size)))
    nothing = np.zeros(enhancement.shape)
    scene = Made(
        "made", "EMIT", datetime(2022, 8, 15, tzinfo=UTC), datetime(2022, 8, 15, tzinfo=UTC), *enhancement.shape,
        Spectral(centres[None], np.full((1, centres.size), 8.5)), Geometry(*[nothing] * 7), 1.0,
    )  # fmt: skip
    scene.cube = cube.astype(np.float32)
    return scene


def test_spectra_tell_a_plume_from_a_place_without_one():
    rng = np.random.default_rng(102)
    centres = np.arange(450.0, 2490.0, 7.4)
    depth = sum(np.exp(-(((centres - c) / 10) ** 2)) for c in (1650, 1666, 1695, 2265, 2300, 2345, 2390))
    truth = gaussian_plume(SHAPE, SOURCES[0], 6.0, 5.0, 0.1)
    scene = made_scene(truth, -1.5 * depth, centres, rng)
    nodes = np.array([0.0, 0.1])
    absorption = Absorption("ch4", "made", nodes, (-1.5 * depth)[None, :, None] * nodes)
    plume, nowhere = truth > 0.02, np.zeros(SHAPE, dtype=bool)
    nowhere[100:108, 100:110] = True
    clear = truth < 0.001
    real = evidence_of_plume(scene, absorption, plume, truth, clear, "a-plume0", 20)
    again = evidence_of_plume(scene, absorption, plume, truth, clear, "a-plume0", 20)
    false = evidence_of_plume(scene, absorption, nowhere, truth, clear & ~nowhere, "a-plume1", 20)
    assert real == again
    assert real.correlation > 0.9
    assert real.control == 0
    assert abs(false.correlation) < 0.5
    assert abs(false.column) < 0.1 * real.column
