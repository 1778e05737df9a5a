"""What jobs took, and that Snakemake itself could have written their benchmark files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.benchmark import BenchmarkRecord

from snakemake_executor_plugin_jobarray.node import measure
from snakemake_executor_plugin_jobarray.node.measure import (
    COLUMNS,
    Sampler,
    Usage,
    descendants,
    process_usage,
    transfers,
    tree_usage,
    write_benchmark,
)

ticks = st.integers(1, 10**10).map(lambda number: number / 1e4)
amounts = st.floats(0, 1e6, allow_subnormal=False)
HOLD = "import sys; held = bytearray(64 << 20); print('held', flush=True); sys.stdin.read()"
NEST = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-S', '-c', {HOLD!r}]))"


def of_snakemake(usage: Usage) -> BenchmarkRecord:
    """Return Snakemake's own record of the same figures."""
    record = BenchmarkRecord(
        running_time=usage.wall,
        max_rss=usage.rss,
        max_vms=usage.vms,
        max_uss=usage.uss,
        max_pss=usage.pss,
        io_in=usage.read,
        io_out=usage.written,
        cpu_usage=100 * usage.cpu,
        cpu_time=usage.cpu,
    )
    record.data_collected = True
    return record


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmarks")


def test_the_columns_are_snakemakes() -> None:
    assert list(COLUMNS) == BenchmarkRecord.get_header()


@settings(deadline=None)
@given(st.builds(Usage, ticks, ticks, *[amounts] * 6))
def test_a_benchmark_file_is_the_one_that_snakemake_writes(scratch: Path, usage: Usage) -> None:
    write_benchmark(str(scratch / "one.tsv"), usage)
    record = of_snakemake(usage)
    header = "\t".join(BenchmarkRecord.get_header())
    assert (scratch / "one.tsv").read_text() == f"{header}\n{record.to_tsv(extended_fmt=False)}\n"
    write_benchmark(str(scratch / "one.jsonl"), usage)
    assert (scratch / "one.jsonl").read_text() == f"{record.to_json(extended_fmt=False)}\n"


def test_what_was_not_measured_is_not_available(tmp_path: Path) -> None:
    write_benchmark(str(tmp_path / "one.tsv"), Usage(wall=90_061.5, cpu=1.0))
    header, row = (line.split("\t") for line in (tmp_path / "one.tsv").read_text().splitlines())
    assert len(row) == len(header) == len(BenchmarkRecord.get_header())
    assert dict(zip(header, row, strict=True)) == {
        "s": "90061.50",
        "h:m:s": "1 day, 1:01:01",
        "cpu_time": "1.00",
        "mean_load": "0.00",
    } | dict.fromkeys(("max_rss", "max_vms", "max_uss", "max_pss", "io_in", "io_out"), "NA")


def test_a_job_of_no_time_has_a_benchmark_file_too(tmp_path: Path) -> None:
    write_benchmark(str(tmp_path / "one.jsonl"), Usage())
    assert json.loads((tmp_path / "one.jsonl").read_text())["mean_load"] == 0


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.one_of(st.none(), amounts)] * 6), min_size=1, max_size=5))
def test_peaks_are_the_largest_that_was_seen(samples: list[tuple[float | None, ...]]) -> None:
    total = Usage(wall=2.0, cpu=1.0)
    for sample in samples:
        total.raise_to(Usage(5.0, 5.0, *sample))
    expected = [max((one for one in column if one is not None), default=None) for column in zip(*samples, strict=True)]
    assert [total.rss, total.vms, total.uss, total.pss, total.read, total.written] == expected
    assert (total.wall, total.cpu) == (2.0, 1.0)


def test_the_status_file_is_told_memory_only_where_it_was_measured() -> None:
    assert Usage(wall=1.23456, cpu=0.5).to_json() == {"wall": 1.2346, "cpu": 0.5}
    assert Usage(wall=1.0, cpu=0.5, rss=10.26).to_json() == {"wall": 1.0, "cpu": 0.5, "rss": 10.3}


def test_a_process_is_measured_with_all_that_it_started() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", NEST], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        below = descendants(process.pid)
        assert below == [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
        assert len(below) == 1
        alone, whole = process_usage(process.pid), tree_usage(process.pid)
        assert alone.rss < 64 < whole.rss
        assert whole.rss == pytest.approx(alone.rss + process_usage(below[0]).rss, rel=0.05)
        # What processes share counts once in the proportional set, and not at all in the unique one.
        assert whole.uss <= whole.pss <= whole.rss <= whole.vms
        assert whole.uss > 64
        process.stdin.close()


def test_of_a_process_that_is_gone_nothing_is_measured() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert tree_usage(process.pid) == Usage()
    assert descendants(process.pid) == []
    assert transfers(process.pid) == (None, None)


def test_transfers_are_those_of_storage(tmp_path: Path) -> None:
    before = transfers("self")
    with open(tmp_path / "data", "wb") as file:
        file.write(os.urandom(4 << 20))
        os.fsync(file.fileno())
    after = transfers("self")
    if None in (*before, *after):
        pytest.skip("this kernel does not tell transfers")
    assert after[1] - before[1] in (0, pytest.approx(4, abs=1.5))  # 0 where the folder is in memory


def test_the_peak_of_memory_is_forgotten_between_jobs() -> None:
    program = (
        "import sys; from snakemake_executor_plugin_jobarray.node.measure import forget_peak, peak_memory\n"
        "held = bytearray(128 << 20); first = peak_memory()[0]; del held; forget_peak(); print(first, peak_memory()[0])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = map(float, done.stdout.split())
    assert first > 128
    assert second < 100


def test_samples_are_taken_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now, taken = [0.0], []
    monkeypatch.setattr(measure.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(measure, "tree_usage", lambda _: taken.append(now[0]) or Usage(rss=now[0]))
    sampler = Sampler(1)
    for tick in range(6000):
        now[0] = tick / 100
        sampler.look()
    pauses = [later - one for one, later in pairwise(taken)]
    assert taken[0] == 0.5
    assert pauses == sorted(pauses)
    assert max(pauses) == pytest.approx(10, abs=0.02)
    assert asdict(sampler.peaks)["rss"] == taken[-1]
