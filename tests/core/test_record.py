"""Records: what they name, what they survive, and how they read."""

from __future__ import annotations

import enum
import json
import os
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from campaigns import edit_record, run_copy

from levelworks.core.outcome import Status
from levelworks.core.record import (
    Stopwatch,
    describe_input,
    read_record,
    record_path,
    scheduler,
    status_of,
    to_json,
)


@pytest.fixture
def product(tmp_path: Path) -> Path:
    (tmp_path / "a.raw").write_text("fine")
    run_copy(tmp_path / "a.raw", tmp_path / "results" / "a.txt")
    return tmp_path / "results" / "a.txt"


def sha(path: Path) -> str:
    return f"sha256:{sha256(path.read_bytes()).hexdigest()}"


def xxh3(path: Path) -> str:
    return f"xxh3:{xxhash.xxh3_128_hexdigest(path.read_bytes())}"


def mark(product: Path, **values: Any) -> None:
    """Give a product's record a checksum that reading the file can't give."""
    record = read_record(product)
    assert record is not None
    edit_record(product, outputs={"copy": record["outputs"]["copy"] | {"checksum": "xxh3:mark"} | values})


def test_an_untouched_product_has_the_checksum_of_its_record(product: Path) -> None:
    assert describe_input(product) == {"path": str(product), "size": 4, "checksum": xxh3(product)}
    mark(product)
    assert describe_input(product)["checksum"] == "xxh3:mark"


def test_a_product_of_another_time_is_read(product: Path) -> None:
    mark(product)
    product.write_text("evil")
    os.utime(product, ns=(1, 10**18))
    assert describe_input(product)["checksum"] == xxh3(product)


def test_a_product_of_another_size_is_read(product: Path) -> None:
    mark(product)
    before = product.stat().st_mtime_ns
    product.write_text("longer than it was")
    os.utime(product, ns=(before, before))
    assert describe_input(product) == {"path": str(product), "size": 18, "checksum": sha(product)}


def test_a_product_under_another_name_is_read(product: Path) -> None:
    mark(product, path="elsewhere/b.txt")
    assert describe_input(product)["checksum"] == sha(product)


def test_a_level_1_file_gets_sha256(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_text("fine")
    assert describe_input(tmp_path / "a.raw")["checksum"] == sha(tmp_path / "a.raw")


DAMAGED = {
    "truncated": '{"levelworks_record": 1, "outc',
    "empty": "",
    "binary": "\x00\x01",
    "a list": "[]",
    "of another program": '{"outcome": "done", "outputs": {}}',
    "of another format": '{"levelworks_record": 99, "outcome": "done", "outputs": {}}',
    "without an outcome": '{"levelworks_record": 1, "outputs": {}}',
    "with an unknown outcome": '{"levelworks_record": 1, "outcome": "wonderful", "outputs": {}}',
    "without outputs": '{"levelworks_record": 1, "outcome": "done"}',
    "with a list of outputs": '{"levelworks_record": 1, "outcome": "done", "outputs": ["a.txt"]}',
    "with an output without a path": '{"levelworks_record": 1, "outcome": "done", "outputs": {"copy": {"size": 4}}}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_record_is_ignored(product: Path, content: str) -> None:
    record_path(product).write_text(content)
    assert status_of(product) is Status.DONE
    assert describe_input(product)["checksum"] == sha(product)


def test_a_record_that_is_a_folder_is_ignored(product: Path) -> None:
    record_path(product).unlink()
    record_path(product).mkdir()
    assert read_record(product) is None


def test_not_a_number_becomes_null() -> None:
    values = {"a": float("nan"), "b": [np.float32("inf"), -np.inf], "c": {"d": np.float64("nan")}, "e": 1.5}
    assert json.loads(to_json(values)) == {"a": None, "b": [None, None], "c": {"d": None}, "e": 1.5}


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.uint16(65535), 65535),
        (np.int64(-3), -3),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.array(7), 7),
        (np.datetime64("2024-05-06T07:08:09"), "2024-05-06 07:08:09"),
        (Path("a/b"), "a/b"),
        (Colour.RED, "red"),
        ((1, (2, None)), [1, [2, None]]),
        ({3: "key"}, {"3": "key"}),
        ("Å µ", "Å µ"),
    ],
)
def test_values_become_plain(value: Any, expected: Any) -> None:
    found = json.loads(to_json({"value": value}))["value"]
    assert (found, type(found)) == (expected, type(expected))


def test_json_is_for_people_too() -> None:
    assert to_json({"reason": "zu groß"}) == '{\n "reason": "zu groß"\n}\n'


def test_the_stopwatch_counts_time_of_children_too() -> None:
    watch = Stopwatch()
    end = time.perf_counter() + 0.05
    while time.perf_counter() < end:
        pass
    child = os.fork()
    if not child:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        os._exit(0)
    os.waitpid(child, 0)
    figures = watch.figures()
    assert figures["wall_s"] >= 0.15
    assert 0.1 <= figures["cpu_s"] <= figures["wall_s"] + 0.05


def test_memory_is_the_peak_in_megabytes() -> None:
    status = Path("/proc/self/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    assert Stopwatch().figures()["peak_memory_mb"] == pytest.approx(peak / 1024, rel=0.02)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        ({"SLURM_JOB_ID": "5"}, {"name": "slurm", "slurm_job_id": "5"}),
        ({"LSB_JOBID": "6", "LSB_JOBINDEX": "2"}, {"name": "lsf", "lsb_jobid": "6", "lsb_jobindex": "2"}),
    ],
)
def test_the_scheduler_is_told_by_its_variables(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: dict[str, str]
) -> None:
    for name in ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "LSB_JOBID", "LSB_JOBINDEX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert scheduler() == expected
