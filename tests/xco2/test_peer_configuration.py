"""Run configurations of OCO3-data-transformer, of both generations, as keys of the section xco2."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from levelworks.core.options import validate
from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.options import Xco2
from levelworks.xco2.peer_configuration import read_peer_configuration

OCO2 = "/raw/oco2_LtCO2_191012_B11100Ar_230603005524s.nc4"
OCO3 = "/raw/oco3_LtCO2_191012_B10400Br_220317234818s.nc4"
SIF = "/raw/oco3_LtSIF_191012_B10309r_211129210717s.nc4"
OBJECT = {"path": "s3://bucket/a.nc4", "accessKeyID": "NAME", "secretAccessKey": "SECRET"}

OLD: dict[str, Any] = {
    "input": {"files": [OCO3, {"oco2": OCO2, "oco3": None, "oco3_sif": SIF}]},
    "output": {
        "local": "/data/zarr",
        "global": False,
        "naming": {"pre_qf": "all", "post_qf": "good"},
        "title": {"pre_qf": "All of it", "post_qf": "The good"},
        "cog": {"output": {"local": "/data/cog"}, "options": {"blocksize": 128}},
    },
    "grid": {"latitude": 800, "longitude": 600, "method": "nearest"},
    "chunking": {"latitude": 200, "longitude": 300, "time": 7},
    "exclude-groups": ["/Preprocessors", "Meteorology"],
    "drop-dims": [{"group": "/Retrieval", "name": "dp_o2a"}, {"group": "Retrieval", "name": "s31"}],
    "target-file": "/data/targets.json",
    "max-workers": 4,
    "mask-scaling": 1.1,
}
NEW: dict[str, Any] = {
    "input": {"files": [{"oco3": OCO3}, {"oco3_sif": f"file://{SIF}", "oco2": None}]},
    "output": {
        "local": "file:///data/zarr/",
        "global": False,
        "naming": {"pre_qf": "all.zarr", "post_qf": "good.zarr"},
        "drop-empty": True,
        "cog": {
            "output": {"local": "file:///data/cog/"},
            "options": {"BLOCKSIZE": 128, "compress": "zstd", "max_z_error": 0.5, "sparse_ok": True, "unknown": "x"},
            "efs": True,
        },
    },
    "variables": {
        "oco3": [{"group": "/", "name": "xco2"}, {"group": "/Retrieval", "name": "psurf"}],
        "oco2": [{"group": "Retrieval/", "name": "psurf"}],
    },
    "grid": {"latitude": 800, "longitude": 600, "method": "linear", "resolution_attr": "1km"},
    "chunking": {"latitude": 200, "longitude": 300, "time": 7},
    "max-workers": 1,
    "mask-scaling": 1,
    "target-file": {"oco3": "/data/targets.json", "oco2": "file:///data/targets_oco2.json"},
}
GONE = object()
Read = Callable[..., dict[str, Any]]


def changed(configuration: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy with other values at dotted keys; `GONE` removes a key."""
    result: dict[str, Any] = copy.deepcopy(dict(configuration))
    for key, value in changes.items():
        *parents, last = key.split(".")
        section = result
        for parent in parents:
            section = section.setdefault(parent, {})
        if value is GONE:
            del section[last]
        else:
            section[last] = value
    return result


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.yaml"


@pytest.fixture
def read(file: Path) -> Read:
    def reader(
        configuration: Mapping[str, Any], changes: Mapping[str, Any] | None = None, **values: Any
    ) -> dict[str, Any]:
        file.write_text(yaml.safe_dump(changed(configuration, changes or {})))
        given = {"peer": str(file), **values}
        before = copy.deepcopy(given)
        found = read_peer_configuration(file, given)
        assert given == before
        assert found == read_peer_configuration(file, given)
        # It is what a person could have written; the model itself reads the file as well.
        section = validate(Xco2, {**found, "peer": None}, "config: xco2")
        read_by_model = validate(Xco2, given, "config: xco2")
        assert read_by_model.model_copy(update={"peer": None}) == section
        return found

    return reader


@pytest.fixture
def complaint(file: Path) -> Callable[..., str]:
    def complain(configuration: Mapping[str, Any], changes: Mapping[str, Any], **values: Any) -> str:
        file.write_text(yaml.safe_dump(changed(configuration, changes)))
        with pytest.raises(InvalidOptions) as caught:
            validate(Xco2, {"peer": str(file), **values}, "config: xco2")
        assert str(caught.value).startswith(f"peer configuration {file}: ")
        assert "SECRET" not in str(caught.value)
        return str(caught.value).removeprefix(f"peer configuration {file}: ")

    return complain


class TestGenerations:
    def test_old(self, read: Read, file: Path) -> None:
        assert read(OLD) == {
            "peer": str(file),
            "granules": [OCO3, OCO2, SIF],
            "targets": {"oco3": "/data/targets.json"},
            "cubes": "on",
            "cogs": "on",
            "world": "off",
            "quality-sets": {"pre": "all", "post": "good"},
            "cube-folder": "/data/zarr",
            "cog-folder": "/data/cog",
            "cut-captures": {
                "everything": True,
                "left_out_groups": ["/Preprocessors", "/Meteorology"],
                "left_out_variables": ["/Retrieval/dp_o2a", "/Retrieval/s31"],
            },
            "grid-capture": {
                "latitude": 800,
                "longitude": 600,
                "convention": "node",
                "method": "nearest",
                "scaling": 1.1,
            },
            "update-cube": {
                "title_pre": "All of it",
                "title_post": "The good",
                "resolution": "",
                "drop_empty": False,
                "chunks": {"latitude": 200, "longitude": 300, "time": 7},
            },
            "update-global": {"title_pre": "All of it", "title_post": "The good"},
            "write-cog": {"drop_empty": False, "options": {"blocksize": 128}},
        }

    def test_new(self, read: Read, file: Path) -> None:
        assert read(NEW) == {
            "peer": str(file),
            "granules": [OCO3, SIF],
            "targets": {"oco3": "/data/targets.json", "oco2": "/data/targets_oco2.json"},
            "cubes": "on",
            "cogs": "on",
            "world": "off",
            "quality-sets": {"pre": "all.zarr", "post": "good.zarr"},
            "cube-folder": "/data/zarr",
            "cog-folder": "/data/cog",
            "variables": {"oco3": ["/xco2", "/Retrieval/psurf"], "oco2": ["/Retrieval/psurf"]},
            "grid-capture": {
                "latitude": 800,
                "longitude": 600,
                "convention": "node",
                "method": "linear",
                "scaling": 1.0,
            },
            "update-cube": {
                "title_pre": "all",
                "title_post": "good",
                "resolution": "1km",
                "drop_empty": True,
                "chunks": {"latitude": 200, "longitude": 300, "time": 7},
            },
            "update-global": {"title_pre": "all", "title_post": "good"},
            "write-cog": {
                "drop_empty": True,
                "options": {
                    "BLOCKSIZE": 128,
                    "compress": "zstd",
                    "max_z_error": 0.5,
                    "sparse_ok": True,
                    "unknown": "x",
                },
            },
        }

    @pytest.mark.parametrize("configuration", [OLD, NEW])
    def test_world(self, read: Read, configuration: dict[str, Any]) -> None:
        found = read(configuration, {"output.global": True, "grid.resolution_attr": "1km"})
        assert (found["cubes"], found["world"]) == ("off", "on")
        assert found["grid-capture"]["world_latitude"] == 800
        assert found["grid-capture"]["world_longitude"] == 600
        assert found["grid-capture"]["convention"] == "node"
        assert not {"latitude", "longitude"} & set(found["grid-capture"])
        assert found["update-global"]["chunks"] == {"latitude": 200, "longitude": 300, "time": 7}
        assert found["update-global"]["resolution"] == "1km"
        assert "chunks" not in found["update-cube"]
        # The peer writes none of the world.
        assert "cogs" not in found
        assert "cog-folder" not in found

    @pytest.mark.parametrize("configuration", [OLD, NEW])
    def test_world_where_nothing_is_said(self, read: Read, configuration: dict[str, Any]) -> None:
        assert read(configuration, {"output.global": GONE}) == read(configuration, {"output.global": True})
        assert read(configuration, {"output.global": None})["world"] == "on"


class TestDefaults:
    def test_least_of_the_old_generation(self, read: Read) -> None:
        found = read(
            {
                "input": {"files": []},
                "output": {"local": "out", "global": False, "naming": {"pre_qf": "all", "post_qf": "good"}},
                "grid": {"latitude": 2, "longitude": 3},
            }
        )
        assert found["granules"] == []
        assert found["cube-folder"] == "out"
        assert found["grid-capture"]["method"] == "cubic"
        assert found["grid-capture"]["scaling"] == 1.0
        assert found["update-cube"]["chunks"] == {"latitude": 250, "longitude": 250, "time": 5}
        assert found["cut-captures"] == {"everything": True, "left_out_groups": [], "left_out_variables": []}
        assert not {"targets", "cogs", "cog-folder", "variables"} & set(found)

    def test_chunks_one_by_one(self, read: Read) -> None:
        assert read(OLD, {"chunking": {"time": 9}})["update-cube"]["chunks"] == {
            "latitude": 250,
            "longitude": 250,
            "time": 9,
        }

    def test_new_generation_grids_its_defaults(self, read: Read) -> None:
        for variables in (GONE, None, {}, {"oco3": [], "oco2": None}):
            found = read(NEW, {"variables": variables})
            assert "variables" not in found
            assert "cut-captures" not in found

    @pytest.mark.parametrize(
        "change",
        [
            {"target-file": "/data/targets.json"},
            {"target-file": GONE, "max-workers": GONE},
            {"target-file": GONE, "chunking": GONE},
            {"target-file": GONE, "grid.method": GONE},
        ],
    )
    def test_a_file_that_the_new_generation_refuses_is_of_the_old(self, read: Read, change: dict[str, Any]) -> None:
        bare = changed(NEW, {"variables": GONE, "output.drop-empty": GONE})
        assert "cut-captures" not in read(bare)
        assert read(bare, change)["cut-captures"]["everything"] is True

    def test_keys_of_the_new_generation_say_so(self, read: Read) -> None:
        assert "cut-captures" not in read(NEW, {"max-workers": GONE, "target-file": "/data/targets.json"})
        assert "cut-captures" not in read(NEW, {"max-workers": GONE, "variables": GONE})
        bare = {"max-workers": GONE, "variables": GONE, "target-file": GONE}
        assert "cut-captures" not in read(NEW, bare)
        assert "cut-captures" in read(NEW, {**bare, "output.drop-empty": GONE})

    def test_one_of_the_old_pair(self, read: Read) -> None:
        assert read(OLD, {"drop-dims": GONE})["cut-captures"]["left_out_variables"] == []
        assert read(OLD, {"exclude-groups": GONE})["cut-captures"]["left_out_groups"] == []
        old = {"variables": GONE, "drop-dims": []}
        assert read(NEW, old)["cut-captures"]["everything"] is True

    @pytest.mark.parametrize(("scaling", "clamped"), [(0.5, 1.0), (1, 1.0), (1.25, 1.25), (2, 1.5)])
    def test_scaling_is_clamped(self, read: Read, scaling: float, clamped: float) -> None:
        assert read(OLD, {"mask-scaling": scaling})["grid-capture"]["scaling"] == clamped

    def test_unknown_variables_are_passed_on(self, read: Read) -> None:
        dropped = [{"group": "/Nowhere", "name": "nothing"}]
        assert read(OLD, {"drop-dims": dropped})["cut-captures"]["left_out_variables"] == ["/Nowhere/nothing"]

    @pytest.mark.parametrize("name", ["oco2", "oco3"])
    def test_targets_of_one_mission(self, read: Read, name: str) -> None:
        assert read(NEW, {"target-file": {name: "t.json"}})["targets"] == {name: "t.json"}


class TestInputs:
    def test_objects_on_this_machine(self, read: Read) -> None:
        items = [{**OBJECT, "path": OCO3}, {"oco2": {**OBJECT, "path": f"file://{OCO2}", "region": "eu-west-1"}}]
        assert read(NEW, {"input.files": items})["granules"] == [OCO3, OCO2]

    def test_names_go_before_the_peers_default(self, read: Read) -> None:
        assert read(NEW, {"input.files": [OCO2, {"oco2": "raw/day.nc4"}]})["granules"] == [OCO2, "raw/day.nc4"]

    @pytest.mark.parametrize(
        ("item", "message"),
        [
            ("s3://bucket/a.nc4", "0: s3://bucket/a.nc4: only files of this machine's file systems"),
            (OBJECT, "0.path: s3://bucket/a.nc4: only files of this machine's file systems"),
            ({**OBJECT, "region": "us-west-2"}, "0.path: s3://bucket/a.nc4: only files of this machine's"),
            ({"oco2": {**OBJECT, "region": "us-west-2"}}, "0.oco2.path: s3://bucket/a.nc4: only files of this"),
            ({"oco3": OCO2}, f"0.oco3: {OCO2} is a file of oco2 by its name; list it under oco2"),
            ({"oco3": SIF}, f"0.oco3: {SIF} is a file of oco3_sif by its name; list it under oco3_sif"),
            ({}, "0: names no file; give one of oco2, oco3, oco3_sif a path, or remove the item"),
            ({"oco2": None, "oco3": None}, "0: names no file;"),
            ({"oco4": OCO3}, "0.oco4: unknown key; did you mean 'oco"),
            ({"sentinel": OCO3}, "0.sentinel: unknown key; known here: oco2, oco3, oco3_sif"),
            ({**OBJECT, "acessKeyID": "NAME"}, "0.acessKeyID: unknown key; did you mean 'accessKeyID'?"),
            ({"path": "a.nc4", "accessKeyID": "NAME"}, "0.secretAccessKey: must be a text, and is missing"),
            ({**OBJECT, "secretAccessKey": 12345}, "0.secretAccessKey: must be a text"),
            ({**OBJECT, "region": 5}, "0.region: must be a text"),
            (5, "0: is a int; it must be a path, or a mapping with path, accessKeyID, secretAccessKey"),
            (None, "0: is a NoneType; it must be a path"),
            ({"oco3": ["SECRET"]}, "0.oco3: is a list; it must be a path"),
            ("", "0: '' names no file or folder"),
        ],
    )
    def test_refused_items(self, complaint: Callable[..., str], item: Any, message: str) -> None:
        found = complaint(NEW, {"input.files": [item]})
        assert found.startswith(f"input.files.{message}")
        assert "12345" not in found

    def test_queues_are_refused(self, complaint: Callable[..., str]) -> None:
        queue = {"host": "h", "port": 5672, "username": "u", "password": "SECRET", "queue": "oco3"}
        assert complaint(NEW, {"input": {"queue": queue}}) == (
            "input.queue: queues are not read; list the files under input.files, or as xco2.granules in the "
            "campaign's configuration"
        )
        assert complaint(NEW, {"input.queue": queue}).startswith(
            "input: files and queue are both given; name one of them"
        )

    @pytest.mark.parametrize("section", [{}, {"files": None}])
    def test_something_is_read(self, complaint: Callable[..., str], section: dict[str, Any]) -> None:
        assert complaint(NEW, {"input": section}).startswith("input: files and queue are neither given")


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"input": GONE}, "input: is required"),
            ({"output": GONE}, "output: is required"),
            ({"grid": GONE}, "grid: is required"),
            ({"output.naming": GONE}, "output.naming: is required"),
            ({"output.naming": {"pre_qf": "a"}}, "output.naming.post_qf: is required"),
            ({"output.naming.pre_qf": "a/b"}, "output.naming.pre_qf: is 'a/b': string should match pattern"),
            ({"output.title": {"pre_qf": "a"}}, "output.title.post_qf: is required"),
            (
                {"output.title": {"pre_qf": "a", "post_qf": 5}},
                "output.title.post_qf: is 5: input should be a valid str",
            ),
            ({"output.local": GONE}, "output: local and s3 are neither given; name one of them"),
            ({"output.s3": {"url": "s3://b"}}, "output: local and s3 are both given; name one of them"),
            ({"output.local": "s3://bucket/a"}, "output.local: s3://bucket/a: only files of this machine's"),
            ({"output.global": "no"}, "output.global: is 'no': input should be a valid boolean"),
            ({"output.drop-empty": 1}, "output.drop-empty: is 1: input should be a valid boolean"),
            ({"output.drop_empty": True}, "output.drop_empty: unknown key; did you mean 'drop-empty'?"),
            ({"output.nameing": None}, "output.nameing: unknown key; did you mean 'naming'?"),
            ({"output.cog": {}}, "output.cog.output: is required"),
            ({"output.cog.output": {}}, "output.cog.output: local and s3 are neither given"),
            ({"output.cog.output.s3": {}}, "output.cog.output: local and s3 are both given"),
            ({"output.cog.options": {"blocksize": [1]}}, "output.cog.options.blocksize: input should be a valid str"),
            ({"output.cog.efs": "yes"}, "output.cog.efs: is 'yes': input should be a valid boolean"),
            ({"grid.latitude": GONE}, "grid.latitude: is required (nodes from south to north)"),
            ({"grid.latitude": 0}, "grid.latitude: is 0: input should be greater than or equal to 1"),
            ({"grid.latitude": 0.1}, "grid.latitude: is 0.1: input should be a valid integer"),
            ({"grid.latitude": True}, "grid.latitude: is True: input should be a valid integer"),
            ({"grid.longitude": "400"}, "grid.longitude: is '400': input should be a valid integer"),
            (
                {"grid.longitude": 1},
                "grid.longitude: is 1: nodes stand on both edges of a box, which takes at least 2 (nodes from west to",
            ),
            ({"grid.method": "area"}, "grid.method: is 'area': input should be 'nearest', 'linear' or 'cubic'"),
            ({"grid.resolution_attr": 1}, "grid.resolution_attr: is 1: input should be a valid string"),
            ({"grid.lattitude": 4}, "grid.lattitude: unknown key; did you mean 'latitude'?"),
            ({"chunking.time": 0}, "chunking.time: is 0: input should be greater than or equal to 1"),
            ({"max-workers": 0}, "max-workers: is 0: input should be greater than or equal to 1"),
            ({"mask-scaling": "big"}, "mask-scaling: is 'big': input should be a valid number"),
            ({"mask-scaling": float("nan")}, "mask-scaling: is nan: input should be a finite number"),
            ({"mask_scaling": 1.1}, "mask_scaling: unknown key; did you mean 'mask-scaling'?"),
            ({"target-file": 5}, "target-file: is 5: input should be a valid dictionary"),
            ({"target-file": {"oco3_sif": "t.json"}}, "target-file.oco3_sif: unknown key; did you mean 'oco3'?"),
            ({"target-file": "s3://b/t.json"}, "target-file.oco3: s3://b/t.json: only files of this machine's"),
            ({"exclude-group": []}, "exclude-group: unknown key; did you mean 'exclude-groups'?"),
        ],
    )
    def test_wrong_keys_and_values(self, complaint: Callable[..., str], change: dict[str, Any], message: str) -> None:
        assert complaint(OLD, change).startswith(message)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"variables": {"oco4": []}}, "variables.oco4: unknown key; did you mean 'oco3'?"),
            ({"variables": {"oco3": ["/xco2"]}}, "variables.oco3.0: is '/xco2': input should be a valid dictionary"),
            ({"variables": {"oco3": [{"name": "xco2"}]}}, "variables.oco3.0.group: is required"),
            ({"variables": {"oco3": [{"group": "/", "name": ""}]}}, "variables.oco3.0.name: is '': string should"),
            ({"variables": [{"group": "/", "name": "xco2"}]}, "variables: input should be a valid dictionary"),
        ],
    )
    def test_wrong_variables(self, complaint: Callable[..., str], change: dict[str, Any], message: str) -> None:
        assert complaint(NEW, change).startswith(message)

    @pytest.mark.parametrize("group", ["/", ""])
    def test_root_group_stays(self, complaint: Callable[..., str], group: str) -> None:
        assert complaint(OLD, {"exclude-groups": ["/Sounding", group]}).startswith(
            f"exclude-groups.1: is {group!r}: the root group can't be left out"
        )

    @pytest.mark.parametrize(
        ("group", "name", "path"),
        [
            ("/", "xco2", "/xco2"),
            ("/Sounding", "operation_mode", "/Sounding/operation_mode"),
            ("Sounding", "target_id", "/Sounding/target_id"),
            ("/Sounding/", "target_name", "/Sounding/target_name"),
        ],
    )
    def test_variables_that_stay(self, complaint: Callable[..., str], group: str, name: str, path: str) -> None:
        assert complaint(OLD, {"drop-dims": [{"group": group, "name": name}]}).startswith(
            f"drop-dims.0: the variable {path} can't be left out; those of the root group and "
            "/Sounding/operation_mode, /Sounding/target_id, /Sounding/target_name always stay"
        )

    def test_two_ways_to_choose_variables(self, complaint: Callable[..., str]) -> None:
        assert complaint(NEW, {"exclude-groups": ["/Sounding"]}) == (
            "variables says what to grid, exclude-groups and drop-dims what not to: keep one of the two"
        )

    def test_buckets(self, complaint: Callable[..., str], read: Read) -> None:
        bucket = {"s3": {"url": "s3://b/p", "auth": {"accessKeyID": "NAME", "secretAccessKey": "SECRET"}}}
        output = {**{key: value for key, value in NEW["output"].items() if key != "local"}, **bucket}
        assert complaint(NEW, {"output": output}) == (
            "output.s3: products are written to this machine's file systems only; name a folder as output.local, or as "
            "xco2.cube-folder in the campaign's configuration, and copy it to the bucket afterwards"
        )
        assert complaint(NEW, {"output.cog.output": bucket}).startswith("output.cog.output.s3: products are written")
        # Nothing is written there of the world.
        assert read(NEW, {"output.cog.output": bucket, "output.global": True})["world"] == "on"

    def test_several_lines(self, complaint: Callable[..., str], file: Path) -> None:
        first, second = complaint(OLD, {"grid.latitude": 0, "chunking.time": 0}).splitlines()
        assert first.startswith("grid.latitude: ")
        assert second.startswith(f"peer configuration {file}: chunking.time: ")

    def test_files_that_are_none(self, file: Path) -> None:
        def complain() -> str:
            with pytest.raises(InvalidOptions) as caught:
                read_peer_configuration(file, {"peer": str(file)})
            return str(caught.value)

        assert complain() == f"peer configuration {file}: can't be read (No such file or directory)"
        file.write_text("input: [")
        assert complain().startswith(f"peer configuration {file}: is no YAML (")
        file.write_bytes(b"input: \xff\xfe")
        assert complain().startswith(f"peer configuration {file}: is no YAML (")
        for text in ("", "- input", "input"):
            file.write_text(text)
            assert complain() == f"peer configuration {file}: must hold keys and values (input, output, grid, ...)"


class TestMerging:
    def test_nested_keys_one_by_one(self, read: Read) -> None:
        found = read(
            NEW,
            None,
            **{
                "grid-capture": {"method": "area", "convention": "cell", "error_power": 1.0},
                "update-cube": {"chunks": {"time": 1}, "level": 5},
                "write-cog": {"options": {"BLOCKSIZE": 256}},
                "quality-sets": {"pre": "everything"},
                "variables": {"oco3": ["/xco2"]},
                "targets": {"oco2": "mine.json"},
                "cogs": "off",
                "tables": True,
            },
        )
        assert found["grid-capture"] == {
            "latitude": 800,
            "longitude": 600,
            "convention": "cell",
            "method": "area",
            "scaling": 1.0,
            "error_power": 1.0,
        }
        assert found["update-cube"]["chunks"] == {"latitude": 200, "longitude": 300, "time": 1}
        assert found["update-cube"]["level"] == 5
        assert found["write-cog"]["options"]["BLOCKSIZE"] == 256
        assert found["write-cog"]["options"]["compress"] == "zstd"
        assert found["quality-sets"] == {"pre": "everything", "post": "good.zarr"}
        assert found["variables"] == {"oco3": ["/xco2"], "oco2": ["/Retrieval/psurf"]}
        assert found["targets"] == {"oco3": "/data/targets.json", "oco2": "mine.json"}
        assert found["cogs"] == "off"
        assert found["tables"] is True

    def test_whole_values(self, read: Read) -> None:
        found = read(NEW, None, granules="raw", targets="mine.json", **{"cube-folder": None})
        assert found["granules"] == "raw"
        assert found["targets"] == "mine.json"
        assert found["cube-folder"] is None

    def test_keys_under_their_names(self, read: Read) -> None:
        found = read(NEW, None, grid_capture={"method": "area"}, cube_folder="cubes", cog_folder="cogs")
        assert found["grid-capture"]["method"] == "area"
        assert found["grid-capture"]["latitude"] == 800
        assert found["cube-folder"] == "cubes"
        assert found["cog-folder"] == "cogs"
        assert "grid_capture" not in found

    def test_what_is_replaced_is_not_looked_at(self, read: Read) -> None:
        bucket = {"s3": {"url": "s3://b/p"}}
        output = {**{key: value for key, value in NEW["output"].items() if key != "local"}, **bucket}
        output["cog"] = {"output": bucket}
        staged = {"granules": ["raw"], "cube-folder": "cubes", "cog-folder": "cogs", "targets": "t.json"}
        found = read(
            NEW, {"input.files": [OBJECT], "output": output, "target-file": {"oco3": "s3://b/t.json"}}, **staged
        )
        assert {key: found[key] for key in staged} == staged
        assert found["cogs"] == "on"
        found = read(NEW, {"input": {"queue": {"host": "h"}}}, granules=["raw"])
        assert found["granules"] == ["raw"]

    def test_seed(self, read: Read) -> None:
        found = read(NEW, None, **{"grid-capture": {"compat": "seed"}})
        options = validate(Xco2, found, "config: xco2").grid_capture
        assert (options.method, options.convention, options.precision) == ("linear", "node", "float64")

    @pytest.mark.parametrize("choice", [{"variables": ["/xco2"]}, {"everything": True}])
    def test_variables_of_the_stage_go_before_the_peers(self, read: Read, choice: dict[str, Any]) -> None:
        found = read(NEW, None, **{"cut-captures": choice})
        assert "variables" not in found
        assert found["cut-captures"] == choice
        assert "variables" in read(NEW, None, **{"cut-captures": {"gap_s": 60}})

    def test_centres_stand_for_targets(self, read: Read) -> None:
        assert read(NEW, None, centres="sites.csv")["targets"] == {"oco2": "/data/targets_oco2.json"}
        assert "targets" not in read(OLD, None, centres="sites.csv")
        assert read(OLD, None, centres="sites.csv", targets="t.json")["targets"] == "t.json"

    def test_a_wrong_key_of_the_person_is_said_as_theirs(self, file: Path) -> None:
        file.write_text(yaml.safe_dump(NEW))
        with pytest.raises(InvalidOptions, match=r"^config: xco2: grid-capture\.method: is 'best': "):
            validate(Xco2, {"peer": str(file), "grid-capture": {"method": "best"}}, "config: xco2")
