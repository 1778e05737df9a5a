"""Catalogues, what is wanted of them, and fetching from folders and from tape."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import pytest
import tape_emulator
from archive_products import FOOTPRINT, ID, LATER, make_product, row_of, write_table
from hypothesis import given
from hypothesis import strategies as st

from levelworks.core.outcome import InvalidOptions, InvalidReference, Status, TransientError
from levelworks.core.record import record_path
from levelworks.core.stage import run, stages
from levelworks.insar.archives.addresses import address_of
from levelworks.insar.archives.archive_files import read_archive
from levelworks.insar.archives.archive_options import Archive, FetchProduct, RequestProducts
from levelworks.insar.archives.catalogue import CatalogueRow, parse_polygons, read_catalogue
from levelworks.insar.archives.examine import examine_archive
from levelworks.insar.archives.footprints import covered_share
from levelworks.insar.archives.request_table import read_requests
from levelworks.insar.archives.tickets import Ticket
from levelworks.insar.archives.wanted import request_batches, wanted_products
from levelworks.insar.frames.catalogue import list_bursts
from levelworks.insar.frames.define import define_frame
from levelworks.insar.frames.frame import Frame
from levelworks.insar.frames.products import plan_acquisitions, read_product
from levelworks.insar.safe.acquisition import read_acquisition
from levelworks.insar.safe.manifest import read_manifest
from levelworks.insar.safe.names import parse_product_name
from levelworks.insar.safe.package import open_package
from levelworks.insar.safe.relative_orbits import relative_orbit

S1B = "S1B_IW_SLC__1SDV_20210102T032031_20210102T032058_024970_02F8C3_C081"
S1C = "S1C_IW_SLC__1SDV_20250407T022008_20250407T022035_001770_003456_12AB"
CORNERS = [[-150.172562, 65.53125], [-149.246063, 63.942123], [-144.136368, 64.386414], [-144.751495, 65.99025]]


def asf(**properties):
    """Return a feature of ASF's search, as its own tests have it."""
    found = {
        "beamModeType": "IW",
        "bytes": 4193723581,
        "fileID": f"{S1B}-SLC",
        "flightDirection": "ASCENDING",
        "md5sum": "6dd7f6a56ed98ba7037dfeb833217d5b",
        "pathNumber": 94,
        "polarization": "VV+VH",
        "processingLevel": "SLC",
        "sceneName": S1B,
        "startTime": "2021-01-02T03:20:31.092Z",
        "url": f"https://datapool.asf.alaska.edu/SLC/SB/{S1B}.zip",
    }
    geometry = {"type": "Polygon", "coordinates": [[*CORNERS, CORNERS[0]]]}
    return {"type": "Feature", "geometry": geometry, "properties": found | properties}


def cdse(**values):
    """Return a product of CDSE's OData service, as its documentation has it."""
    wkt = ", ".join(f"{x} {y}" for x, y in [*CORNERS, CORNERS[0]])
    found = {
        "@odata.mediaContentType": "application/octet-stream",
        "Id": "72ac8773-c55d-526a-a9a9-22ddb9b595ef",
        "Name": f"{S1B}.SAFE",
        "ContentType": "application/octet-stream",
        "ContentLength": 4193723581,
        "Online": True,
        "S3Path": f"/eodata/Sentinel-1/SAR/SLC/2021/01/02/{S1B}.SAFE",
        "Checksum": [
            {"Value": "3b44d7346a9e8c2e59487f8a9cb86a3f", "Algorithm": "MD5", "ChecksumDate": "2024-07-09T08:45:31Z"},
            {"Value": "1c83b6242f72f7da" * 4, "Algorithm": "BLAKE3", "ChecksumDate": "2024-07-09T08:45:31Z"},
        ],
        "Footprint": f"geography'SRID=4326;POLYGON (({wkt}))'",
        "GeoFootprint": {"type": "Polygon", "coordinates": [[*CORNERS, CORNERS[0]]]},
        "Attributes": [
            {"@odata.type": "#OData.CSC.IntegerAttribute", "Name": "relativeOrbitNumber", "Value": 94},
            {"@odata.type": "#OData.CSC.StringAttribute", "Name": "orbitDirection", "Value": "ASCENDING"},
        ],
    }
    return found | values


def write_json(path, content):
    path.write_text(json.dumps(content))
    return path


def test_searches_of_both_agencies_tell_the_same(tmp_path):
    first = read_catalogue(write_json(tmp_path / "asf.geojson", {"type": "FeatureCollection", "features": [asf()]}))[
        S1B
    ]
    second = read_catalogue(write_json(tmp_path / "cdse.json", {"value": [cdse()]}))[S1B]
    assert first.address == f"https://datapool.asf.alaska.edu/SLC/SB/{S1B}.zip"
    assert second.address.endswith("/Products(72ac8773-c55d-526a-a9a9-22ddb9b595ef)/$value")
    assert (first.checksum, second.checksum[:8]) == ("md5:6dd7f6a56ed98ba7037dfeb833217d5b", "md5:3b44")
    for row in (first, second):
        assert (row.id, row.size, row.track, row.pass_direction) == (S1B, 4193723581, 94, "ascending")
        assert [list(point) for point in row.footprint[0][:4]] == CORNERS


def test_what_searches_leave_out(tmp_path):
    """CDSE has neither size nor checksum of many products, and no attributes where they are not asked for."""
    bare = cdse(ContentLength=0, Checksum=[], Attributes=None, GeoFootprint=None)
    row = read_catalogue(write_json(tmp_path / "cdse.json", {"value": [bare]}))[S1B]
    assert (row.size, row.checksum, row.pass_direction) == (0, "", "")
    assert row.track == 94, "by the orbit number"
    assert [list(point) for point in row.footprint[0][:4]] == CORNERS


def test_other_products_of_a_search_are_passed_over(tmp_path):
    features = [
        asf(processingLevel="METADATA_SLC", url="https://example.org/x.iso.xml"),
        asf(),
        asf(sceneName="S1B_IW_GRDH"),
    ]
    rows = read_catalogue(write_json(tmp_path / "asf.json", {"features": features}))
    assert [row.address[-4:] for row in rows.values()] == [".zip"]


def test_a_folder_of_catalogues(tmp_path):
    write_json(tmp_path / "1.json", {"value": [cdse()]})
    write_json(tmp_path / "2.geojson", {"features": [asf()]})
    write_table(tmp_path / "3.tsv", row_of(make_product(tmp_path / "archive")))
    (tmp_path / "readme.txt").touch()
    rows = read_catalogue(tmp_path)
    assert set(rows) == {S1B, ID}
    assert rows[S1B].address.startswith("https://datapool"), "the later file counts"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "[]", "neither ASF's GeoJSON"),
        ("a.json", "{", "no JSON"),
        ("a.json", '{"features": [3]}', "feature 1 is not as the search returns it"),
        ("a.json", json.dumps({"features": [asf() | {"geometry": None}]}), "feature 1: .*no polygon"),
        ("a.json", json.dumps({"value": [cdse(Name=None)]}), "product 1 is not as the search returns it"),
        ("a.tsv", "id\taddress\n", "no column 'footprint'"),
        ("a.tsv", f"id\tfootprint\n{ID}\t13 38, 14 38, 14 39\n", "line 2: .*no polygon"),
        ("a.tsv", f"id\tfootprint\tsize\n{ID}\t{FOOTPRINT}\t4 GB\n", "the size is '4 GB'"),
        ("a.tsv", f"id\tfootprint\tmd5\n{ID}\t{FOOTPRINT}\tabc\n", "'abc' is no MD5"),
        ("a.tsv", f"id\tfootprint\trelative_orbit\n{ID}\t{FOOTPRINT}\t176\n", "there are 175"),
        ("a.tsv", f"id\tfootprint\tpass\n{ID}\t{FOOTPRINT}\tup\n", "neither ascending nor descending"),
    ],
)
def test_what_is_no_catalogue(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InvalidReference, match=message):
        read_catalogue(path)


def test_a_catalogue_that_is_absent_or_empty(tmp_path):
    with pytest.raises(InvalidReference, match="can't be read"):
        read_catalogue(tmp_path / "absent.tsv")
    with pytest.raises(InvalidReference, match="holds no catalogue"):
        read_catalogue(tmp_path)


def test_relative_orbits_of_real_products(real_products):
    """specs/insar.md 4.2, against the manifests."""
    for path in real_products:
        manifest = read_manifest(open_package(path))
        assert relative_orbit(manifest.mission, manifest.absolute_orbits[0]) == manifest.relative_orbits[0]
    assert relative_orbit("S1C", 1770) == 0


def test_polygons():
    assert parse_polygons("MULTIPOLYGON (((1 2, 3 2, 3 4)), ((5 6, 7 6, 7 8)))") == (
        ((1, 2), (3, 2), (3, 4)),
        ((5, 6), (7, 6), (7, 8)),
    )
    assert parse_polygons("POLYGON Z ((1 2 0, 3 2 0, 3 4 0))") == (((1, 2), (3, 2), (3, 4)),)
    for bad in ("", "POINT (1 2)", "POLYGON ((1 2, 3 x, 4 5))", "POLYGON ((1 95, 3 2, 4 5))"):
        assert parse_polygons(bad) == ()


SQUARE = ((10.0, 0.0), (12.0, 0.0), (12.0, 1.0), (10.0, 1.0))


@given(st.floats(-3, 3), st.floats(-2, 2), st.sampled_from([-179.5, -10.0, 0.0, 168.0, 169.0, 179.0]), st.booleans())
def test_shares_of_rectangles(east, north, place, turned):
    """Closed form of two rectangles; both move around the globe together."""
    moved = [((x + place + 180) % 360 - 180, y) for x, y in SQUARE]
    other = [((x + east + place + 180) % 360 - 180, y + north) for x, y in SQUARE]
    expected = max(2 - abs(east), 0) / 2 * max(1 - abs(north), 0)
    ring = [*other, other[0]][:: -1 if turned else 1]
    assert covered_share(moved, [ring]) == pytest.approx(expected, abs=1e-9)
    assert covered_share(moved[::-1], [ring]) == pytest.approx(expected, abs=1e-9)


def test_shares_of_shapely(real_products):
    """Outlines of real bursts under real footprints, against GEOS."""
    from shapely import Polygon

    acquisition = read_acquisition([path for path in real_products if "20250406" in path.name], pixels=False)
    package = open_package(next(path for path in real_products if "20250406" in path.name))
    footprint = read_manifest(package).footprint
    for shift in (0.0, 0.4, -0.7):
        ring = [(x, y + shift) for x, y in footprint]
        for burst in acquisition.bursts:
            outline = Polygon(burst.corners).convex_hull
            expected = outline.intersection(Polygon(ring)).area / outline.area
            assert covered_share(outline.exterior.coords, [ring]) == pytest.approx(expected, abs=1e-9)


def test_a_footprint_of_two_parts_across_the_antimeridian():
    outline = ((179.0, 10.0), (-179.0, 10.0), (-179.0, 11.0), (179.0, 11.0))
    west = ((178.0, 9.0), (180.0, 9.0), (180.0, 12.0), (178.0, 12.0))
    east = ((-180.0, 9.0), (-179.5, 9.0), (-179.5, 12.0), (-180.0, 12.0))
    assert covered_share(outline, [west, east]) == pytest.approx(0.75)
    assert covered_share(SQUARE, [west, east]) == 0.0


@pytest.fixture(scope="module")
def frame(real_pair) -> Frame:
    first = read_acquisition([real_pair[0]], pixels=False)
    return define_frame(list_bursts(first), first.epoch)


def real_row(path, **values) -> CatalogueRow:
    """Return what a catalogue would have of a real product."""
    manifest = read_manifest(open_package(path))
    found = {"address": "", "path": "", "size": 0, "checksum": "", "track": manifest.relative_orbits[0]}
    found |= {"pass_direction": manifest.pass_direction, "footprint": (manifest.footprint,)}
    return CatalogueRow(parse_product_name(path.name), **found | values)


def choose(frame, rows, standing=(), folder=Path("absent"), missions=(), **options):
    return [one.row.id for one in wanted_products(frame, rows, standing, Archive(**options), missions, folder)]


def test_a_real_pass_is_planned_from_its_catalogue_as_from_its_manifest(frame, real_pair):
    rows = [real_row(path) for path in real_pair]
    wanted = wanted_products(frame, rows, [], Archive(), [], Path("fetched"))
    from_rows = plan_acquisitions(frame, [one.product for one in wanted])
    from_manifests = plan_acquisitions(frame, [read_product(path) for path in real_pair])
    assert [(one.date, one.mission) for one in from_rows] == [(one.date, one.mission) for one in from_manifests]
    for one, other in zip(from_rows, from_manifests, strict=True):
        assert one.products[0].data_take == other.products[0].data_take
        assert one.products[0].path == Path("fetched") / f"{other.products[0].id}.zip"
        least, greatest = other.products[0].burst_ids
        assert least <= one.products[0].burst_ids[0] <= one.products[0].burst_ids[1] <= greatest


def test_neighbouring_slices_are_left_where_they_are(frame, real_pair):
    """A product before or after along the track shares the edge of a burst with the frame, and holds none of it."""
    manifest = read_manifest(open_package(real_pair[0]))
    (x0, y0), (x1, y1) = manifest.footprint[0], manifest.footprint[3]
    along = (x1 - x0, y1 - y0)
    for part, taken in ((0.0, True), (0.5, True), (-0.5, True), (0.98, False), (-0.98, False)):
        ring = tuple((x + part * along[0], y + part * along[1]) for x, y in manifest.footprint)
        assert bool(choose(frame, [real_row(real_pair[0], footprint=(ring,))])) is taken


def test_what_is_not_wanted(frame, real_pair):
    row = real_row(real_pair[0])
    day = dt.date(2025, 4, 6)
    assert choose(frame, [row], first=day, last=day) == [ID]
    assert choose(frame, [row], first=day + dt.timedelta(days=1)) == []
    assert choose(frame, [row], last=day - dt.timedelta(days=1)) == []
    assert choose(frame, [row], missions=["S1B"]) == []
    assert choose(frame, [row], standing=[read_product(real_pair[0])]) == []
    assert choose(frame, [real_row(real_pair[0], track=107)]) == []
    assert choose(frame, [real_row(real_pair[0], pass_direction="descending")]) == []
    assert choose(frame, [real_row(real_pair[0], pass_direction="")]) == [ID]
    assert choose(frame.model_copy(update={"polarisation": "HH"}), [row]) == []


def test_a_product_made_anew_is_the_same_echoes(frame, real_pair, tmp_path):
    row = real_row(real_pair[0])
    again = CatalogueRow(parse_product_name(f"{ID[:-4]}FFFF"), *(list(vars(row).values())[1:]))
    assert choose(frame, [again, row]) == [again.id]
    assert choose(frame, [again], standing=[read_product(real_pair[0])]) == []
    (tmp_path / f"{ID}.zip").touch()
    assert choose(frame, [again, row], folder=tmp_path) == [ID], "what was fetched stays"


def test_later_satellites_need_a_relative_orbit(frame, real_pair):
    row = CatalogueRow(parse_product_name(S1C), *(list(vars(real_row(real_pair[0], track=0)).values())[1:]))
    with pytest.raises(InvalidReference, match=r"S1C.*relative orbit.*expand=Attributes"):
        choose(frame, [row])
    assert choose(frame, [row], missions=["S1A"]) == []


def test_across_the_node_a_product_has_either_track(frame, real_pair):
    south = min(y for burst in frame.bursts for _, y in burst.polygon)
    bursts = [
        burst.model_copy(update={"polygon": tuple((x, y - south - 0.5) for x, y in burst.polygon)})
        for burst in frame.bursts
    ]
    moved = frame.model_copy(update={"bursts": tuple(bursts)})
    ring = tuple((x, y - south - 0.5) for x, y in real_row(real_pair[0]).footprint[0])
    tracks = [
        track for track in range(1, 176) if choose(moved, [real_row(real_pair[0], footprint=(ring,), track=track)])
    ]
    assert tracks == [107, 108, 109]


def test_addresses():
    row = CatalogueRow(parse_product_name(ID), "https://a.org/x", "/eodata/x", 0, "", 108, "", ())
    assert address_of(row, Archive(kind="http")) == "https://a.org/x"
    assert address_of(row, Archive(kind="folder")) == "/eodata/x"
    pattern = "/neodc/{mission}/{year}/{month}/{day}/{id}.zip"
    assert address_of(row, Archive(address=pattern)) == f"/neodc/S1A/2025/04/06/{ID}.zip"
    with pytest.raises(InvalidReference, match="names no address"):
        address_of(CatalogueRow(row.name, "", "", 0, "", 108, "", ()), Archive())
    for bad in ("/x/{name}", "/x/{id"):
        with pytest.raises(ValueError, match=r"is none of|braces do not match"):
            Archive(address=bad)


class Job:
    """Fetch jobs on an archive with these options."""

    def __init__(self, folder, catalogue, **options):
        self.folder = folder
        self.catalogue = catalogue
        self.options = options
        self.requests = None

    def archive(self, **options):
        path = self.folder / "archive.yaml"
        path.write_text(json.dumps(self.options | options))
        return path

    def __call__(self, identifier=ID, checksum="archive", **options):
        self.result = self.folder / "results" / f"{identifier}.zip"
        files = {"catalogue": [self.catalogue], "archive": [self.archive(**options)], "product": [self.result]}
        if self.requests is not None:
            files["requests"] = [record_path(self.requests)]
        return run(stages("insar")["fetch-product"], files, FetchProduct(id=identifier, checksum=checksum))

    def request(self, *identifiers, label="frame: a -> b", **options):
        self.requests = self.folder / "results" / "202504.tsv"
        files = {"catalogue": [self.catalogue], "archive": [self.archive(**options)], "requests": [self.requests]}
        return run(stages("insar")["request-products"], files, RequestProducts(ids=list(identifiers), label=label))

    @property
    def leftovers(self):
        return sorted(path.name for path in self.result.parent.iterdir() if path.name.startswith(".part."))


@pytest.fixture
def product(tmp_path):
    return make_product(tmp_path / "archive")


def test_a_copy_of_a_folder_s_file(tmp_path, product):
    job = Job(tmp_path, write_table(tmp_path / "c.tsv", row_of(product, product)))
    assert job().status is Status.DONE
    assert job.result.read_bytes() == product.read_bytes()
    assert not job.result.is_symlink()
    assert job.leftovers == []


def test_a_link_to_a_folder_s_file(tmp_path, product):
    job = Job(tmp_path, write_table(tmp_path / "c.tsv", row_of(product, product)), link=True)
    assert job().status is Status.DONE
    assert job.result.readlink() == product
    assert job().status is Status.DONE, "over itself"
    assert product.is_file()


def test_a_folder_in_an_archive_is_packed(tmp_path, product):
    """As CDSE's file system has products; pixels stay in place, and twice the same bytes come."""
    import zipfile

    with zipfile.ZipFile(product) as archive:
        archive.extractall(tmp_path / "eodata")
    table = write_table(tmp_path / "c.tsv", row_of(product, "", md5="0" * 32, size=5))
    job = Job(tmp_path, table, address=str(tmp_path / "eodata/{id}.SAFE"))
    done = job()
    assert (done.status, done.quality["packed"], done.quality["files_checked"]) == (Status.DONE, True, 2)
    assert open_package(job.result).in_place("measurement/s1a-iw1.tiff") is not None
    before = job.result.read_bytes()
    job()
    assert job.result.read_bytes() == before
    (tmp_path / f"eodata/{ID}.SAFE/measurement/s1a-iw1.tiff").write_bytes(b"short")
    assert "size or MD5 differ" in job().reason


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"size": 5}, "the catalogue has 5"),
        ({"sha256": "0" * 64}, "SHA256"),
        ({"address": "absent.zip"}, "is not in the archive"),
    ],
)
def test_what_is_wrong_in_a_folder_is_quarantined(tmp_path, product, values, reason):
    job = Job(tmp_path, write_table(tmp_path / "c.tsv", row_of(product, product) | values))
    done = job()
    assert done.status is Status.QUARANTINED
    assert reason in done.reason
    assert job.leftovers == []


def test_options_of_an_archive_that_are_wrong(tmp_path):
    path = tmp_path / "archive.yaml"
    for text, message in (("kind: tap", "kind"), ("[", "can't be read"), ("3", "keys and values")):
        path.write_text(text)
        with pytest.raises(InvalidOptions, match=message):
            read_archive(path)


class Tape:
    """A tape library of products, with a job on it."""

    def __init__(self, folder, *products, **turns):
        self.state = folder / "tape.json"
        self.names = {path.stem: str(path) for path in products}
        files = {
            str(path): {"state": "offline", "asked": False, "turns": list(turns.get(path.stem, ["queued", "online"]))}
            for path in products
        }
        self.write({"files": files, "requests": []})
        program = [sys.executable, "-S", tape_emulator.__file__, str(self.state)]
        commands = {"status": [*program, "status", "{address}"], "request": [*program, "request", "{list}", "{label}"]}
        table = write_table(folder / "c.tsv", *(row_of(path, path) for path in products))
        self.job = Job(folder, table, kind="tape", tape=commands, pause=0.01, patience=1.0)

    def read(self):
        return json.loads(self.state.read_text())

    def write(self, content):
        self.state.write_text(json.dumps(content))

    @property
    def requests(self):
        return [one["files"] for one in self.read()["requests"]]


def test_tape_is_asked_once_and_waited_for(tmp_path, product):
    tape = Tape(tmp_path, product, **{ID: ["queued", "queued", "online"]})
    assert tape.job().status is Status.DONE
    assert tape.requests == [[str(product)]]
    assert tape.job.result.read_bytes() == product.read_bytes()
    assert tape.job.leftovers == []


def test_a_job_that_ran_out_of_patience_is_gone_on_with(tmp_path, product):
    tape = Tape(tmp_path, product, **{ID: ["queued"] * 2 + ["online"]})
    for _ in range(2):
        with pytest.raises(TransientError, match=r"asked for at 20.*ask again") as error:
            tape.job(patience=0.0)
        assert error.value.exit_code == 75
    assert not tape.job.result.exists()
    tape.job(patience=1.0)
    assert tape.requests == [[str(product)]]


def test_a_library_that_is_slow_to_take_a_request_up_is_not_asked_again(tmp_path, product):
    tape = Tape(tmp_path, product, **{ID: ["offline", "offline", "queued", "online"]})
    with pytest.raises(TransientError):
        tape.job(patience=0.0)
    assert tape.job().status is Status.DONE
    assert len(tape.requests) == 1


def test_what_expired_is_asked_for_again(tmp_path, product):
    tape = Tape(tmp_path, product, **{ID: ["queued", "expired", "queued", "online"]})
    assert tape.job().status is Status.DONE
    assert len(tape.requests) == 2


def test_what_fails_twice_is_quarantined(tmp_path, product):
    tape = Tape(tmp_path, product, **{ID: ["queued", "failed", "queued", "failed"]})
    done = tape.job()
    assert (done.status, len(tape.requests)) == (Status.QUARANTINED, 2)
    assert "failed it 2 times" in done.reason
    assert tape.job.leftovers == []


def test_a_library_out_of_order_is_no_fault_of_the_product(tmp_path, product):
    tape = Tape(tmp_path, product)
    tape.write(tape.read() | {"broken": True})
    with pytest.raises(TransientError, match=r"status of tape.*ended with 3: the robot is stuck"):
        tape.job()


def test_words_of_a_site(tmp_path, product):
    tape = Tape(tmp_path, product, **{ID: ["A", "A", "R"]})
    with pytest.raises(InvalidOptions, match=r"printed 'A'.*archive\.tape\.states"):
        tape.job()
    commands = tape.job.options["tape"] | {"states": {"A": "queued", "R": "online", "T": "offline"}}
    assert tape.job(tape=commands).status is Status.DONE
    with pytest.raises(InvalidOptions, match="can't be run"):
        tape.job(tape=commands | {"status": [str(tmp_path / "absent")]})


def test_a_place_of_its_own(tmp_path, product):
    """Where the library puts files; what it calls online and has not put there yet is waited for."""
    tape = Tape(tmp_path, product, **{ID: ["online"]})
    commands = tape.job.options["tape"] | {"place": str(tmp_path / "stage/{id}.zip")}
    with pytest.raises(TransientError, match=r"is online, but .* is not there"):
        tape.job(tape=commands, patience=0.1)
    (tmp_path / "stage").mkdir()
    (tmp_path / f"stage/{ID}.zip").write_bytes(product.read_bytes())
    assert tape.job(tape=commands).status is Status.DONE


def test_a_month_is_asked_for_at_once(tmp_path, product):
    later = make_product(tmp_path / "archive", LATER)
    tape = Tape(tmp_path, product, later)
    done = tape.job.request(ID, LATER, label="108A: 2025-04-06 -> 2025-04-18")
    assert (done.quality["requested"], done.quality["products"]) == (2, 2)
    assert tape.read()["requests"] == [{"label": "108A: 2025-04-06 -> 2025-04-18", "files": [str(product), str(later)]}]
    for identifier in (ID, LATER):
        assert tape.job(identifier).status is Status.DONE
    assert len(tape.requests) == 1, "the jobs that fetch find them asked for"


def test_a_batch_grows_by_what_is_new(tmp_path, product):
    later = make_product(tmp_path / "archive", LATER)
    tape = Tape(tmp_path, product, later)
    tape.job.request(ID)
    tape.job.request(ID, LATER)
    assert tape.requests == [[str(product)], [str(later)]]
    assert set(read_requests(tape.job.requests)) == {ID, LATER}
    done = tape.job.request(ID, LATER)
    assert (done.quality["requested"], len(tape.requests)) == (0, 2)


def test_a_batch_counts_where_the_library_is_slow_to_take_it_up(tmp_path, product):
    tape = Tape(tmp_path, product, **{ID: ["offline", "offline", "queued", "online"]})
    tape.job.request(ID)
    assert tape.job.request(ID).quality["requested"] == 0
    assert tape.job().status is Status.DONE
    assert len(tape.requests) == 1


def test_a_product_that_the_library_does_not_know_holds_up_no_other(tmp_path, product):
    later = make_product(tmp_path / "archive", LATER)
    tape = Tape(tmp_path, product, later)
    content = tape.read()
    del content["files"][str(later)]
    tape.write(content)
    done = tape.job.request(ID, LATER)
    assert tape.requests == [[str(product)]]
    assert [warning.partition(":")[0] for warning in done.warnings] == [f"left {LATER} to the job that fetches it"]
    tape.write(content | {"broken": True})
    with pytest.raises(TransientError, match="the robot is stuck"):
        tape.job.request(LATER)


def test_a_library_without_lists_is_asked_for_each(tmp_path, product):
    later = make_product(tmp_path / "archive", LATER)
    tape = Tape(tmp_path, product, later)
    log = tmp_path / "log"
    commands = tape.job.options["tape"] | {"request": ["sh", "-c", f"echo {{id}} >> {log}"]}
    tape.job.request(ID, LATER, tape=commands)
    assert log.read_text().split() == [ID, LATER]


def test_when_to_ask():
    """A request counts until its state has moved on, or for as long as the options say."""
    asked = Ticket(1, 1000.0, "offline")
    assert Ticket().needs_request("offline", 60.0, 1000.0)
    assert not Ticket().needs_request("queued", 60.0, 1000.0)
    assert not asked.needs_request("offline", 60.0, 1059.0)
    assert asked.needs_request("offline", 60.0, 1060.0)
    assert asked.needs_request("failed", 60.0, 1001.0)
    assert asked.seen("queued").needs_request("offline", 60.0, 1001.0)
    assert not asked.seen("queued").needs_request("online", 60.0, 1001.0)


def test_batches_are_of_the_first_frame_and_a_month(frame, real_pair):
    wanted = wanted_products(frame, [real_row(path) for path in real_pair], [], Archive(), [], Path())
    tape = Archive(kind="tape")
    assert request_batches({"a": wanted, "b": wanted}, tape) == {"a": {"202504": [ID, LATER]}}
    assert request_batches({"a": wanted}, Archive(kind="http")) == {}
    assert request_batches({"a": wanted}, Archive(kind="tape", tape={"batch": "none"})) == {}


def test_an_examination_before_a_campaign(frame, real_pair, tmp_path, monkeypatch):
    """It counts what is to come, and says what a job would miss."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("LEVELWORKS_ARCHIVE_TOKEN", raising=False)
    rows = [real_row(path, size=4_000_000_000, address="https://a.org/x?token=7") for path in real_pair]
    wanted = wanted_products(frame, rows, [], Archive(), [], Path())

    def verdicts(**options):
        return [(one.verdict, one.detail) for one in examine_archive(Archive(**options), wanted)]

    counted = ("ok", "2 products to fetch, 8 GB")
    assert verdicts(kind="http") == [counted, ("warning", "a.org: none")]
    (tmp_path / "netrc").write_text("machine a.org login gull password kestrel\n")
    assert verdicts(kind="http") == [counted, ("ok", "a.org: found")]
    assert verdicts(kind="http", address="s3://a/{id}")[1] == ("failure", f"s3://a/{LATER} is no address of HTTP")
    assert verdicts(address=str(tmp_path / "{id}"))[1][1].startswith("2 of 2 products not there")
    missing = {"status": ["no-such-program"], "request": [sys.executable]}
    assert verdicts(kind="tape", tape=missing)[1:] == [
        ("warning", "no-such-program (status) is not on this machine's path")
    ]
