"""How long jobs take, from this run or from benchmark files."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from snakemake_executor_plugin_jobarray.durations import REMEMBERED, SAMPLE, Durations
from snakemake_executor_plugin_jobarray.node.measure import Usage, write_benchmark


def benchmarks(folder: Path, *seconds: float) -> str:
    folder.mkdir(exist_ok=True)
    for number, wall in enumerate(seconds):
        write_benchmark(str(folder / f"{number}.tsv"), Usage(wall=wall))
    return str(folder)


def test_nothing_is_known_at_first(tmp_path: Path) -> None:
    durations = Durations()
    assert durations.of("calibrate", None) is None
    assert durations.of("calibrate", str(tmp_path)) is None
    assert durations.of("calibrate", str(tmp_path / "absent")) is None


def test_benchmark_files_of_earlier_runs_tell(tmp_path: Path) -> None:
    folder = benchmarks(tmp_path / "b", 1.0, 3.0, 100.0)
    assert Durations().of("calibrate", folder) == 3.0


def test_what_has_ended_in_this_run_tells_better(tmp_path: Path) -> None:
    durations, folder = Durations(), benchmarks(tmp_path / "b", 50.0)
    assert durations.of("calibrate", folder) == 50.0
    durations.add("calibrate", 2.0)
    assert durations.of("calibrate", folder) == 2.0
    assert durations.of("combine", folder) == 50.0


def test_what_is_no_benchmark_is_passed_over(tmp_path: Path) -> None:
    folder = benchmarks(tmp_path / "b", 4.0)
    for name, text in (("empty.tsv", ""), ("header.tsv", "s\tx\n"), ("odd.tsv", "a\tb\n1\t2\n"), ("x.tsv", "s\nNA\n")):
        (tmp_path / "b" / name).write_text(text)
    (tmp_path / "b" / "notes.txt").write_text("s\n999\n")
    (tmp_path / "b" / "folder.tsv").mkdir()
    assert Durations().of("calibrate", folder) == 4.0


def test_a_folder_is_read_once_and_not_whole(tmp_path: Path) -> None:
    durations, folder = Durations(), benchmarks(tmp_path / "b", *[2.0] * (SAMPLE + 5))
    assert durations.of("calibrate", folder) == 2.0
    for path in (tmp_path / "b").iterdir():
        path.unlink()
    assert durations.of("calibrate", folder) == 2.0


@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=20))
def test_half_of_the_jobs_take_no_longer_than_the_median(walls: list[float]) -> None:
    durations = Durations()
    for wall in walls:
        durations.add("calibrate", wall)
    found = durations.of("calibrate", None)
    assert found is not None
    assert sum(wall <= found for wall in walls) >= len(walls) / 2 <= sum(wall >= found for wall in walls)


def test_the_latest_jobs_count() -> None:
    durations = Durations()
    for wall in [1.0] * REMEMBERED + [9.0] * REMEMBERED:
        durations.add("calibrate", wall)
    assert durations.of("calibrate", None) == 9.0
