"""The doctor on this machine, and on machines made sick on purpose."""

from __future__ import annotations

import importlib
import os
import stat
from pathlib import Path

import pytest

import levelworks
from levelworks.core import config, doctor, environment, storage
from levelworks.core.check import Check, name_some, report, sample
from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.geometry import geometries
from levelworks.coronagraph.simulate import simulate_dataset

UNPRIVILEGED = pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {one.name: one for one in checks}


def executable(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_versions_that_fit_are_listed_and_markers_are_respected() -> None:
    needed = (">=3.11", ["numpy>=1", "numpy>=99; python_version < '3'", "pytest; extra == 'test'"])
    checks = by_name(environment.examine_versions(needed))
    assert {name: one.verdict for name, one in checks.items()} == {"Python": "ok", "libraries": "ok"}
    assert checks["libraries"].detail.startswith("numpy ")
    assert "pytest" not in checks["libraries"].detail


def test_missing_and_wrong_libraries_fail_with_the_command_that_helps() -> None:
    checks = by_name(environment.examine_versions((">=99", ["numpy<1", "no-such-library>=2"])))
    assert checks["Python"].verdict == "failure"
    assert "needed is <1" in checks["library numpy"].detail
    assert checks["library numpy"].remedy == "pip install 'numpy<1'"
    assert checks["library no-such-library"].detail == "is missing, needed is no-such-library>=2"


def test_needs_of_this_project_are_known(project: Path) -> None:
    found = environment.needs()
    assert found is not None
    assert any(line.startswith("numpy") for line in found[1])
    assert by_name(environment.examine_versions())["libraries"].verdict == "ok"


def test_compiled_libraries_say_their_versions() -> None:
    checks = by_name(environment.examine_libraries())
    for name in environment.PROBES:
        assert checks[name].verdict == "ok"
        assert any(character.isdigit() for character in checks[name].detail)


def test_a_library_that_kills_its_process_is_a_finding() -> None:
    probes = {
        "GDAL": "import os; os.abort()",
        "HDF5 of a": "print(1)",
        "HDF5 of b": "print(2)",
        "MPI": "import nowhere",
    }
    checks = by_name(environment.examine_libraries(probes))
    assert checks["GDAL"].verdict == "failure"
    assert "signal 6" in checks["GDAL"].detail
    assert "No module named 'nowhere'" in checks["MPI"].detail
    assert "different versions" in checks["HDF5"].detail
    same = environment.examine_libraries({"HDF5 of a": "print(1)", "HDF5 of b": "print(1)"})
    assert "HDF5" not in by_name(same)


def test_two_ranks_meet() -> None:
    check = environment.examine_ranks()
    assert check.verdict == "ok", check.detail


def test_a_launcher_of_another_mpi_makes_two_worlds(tmp_path: Path) -> None:
    launcher = executable(tmp_path / "mpiexec", '#!/bin/sh\nshift 2\n"$@"\n"$@"\n')
    check = environment.examine_ranks(launcher)
    assert check.verdict == "failure"
    assert "rank 0 of 1 met 1; rank 0 of 1 met 1" in check.detail


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("#!/bin/sh\necho no fabric >&2\nexit 7\n", "no fabric (exit code 7)"),
        ("#!/bin/sh\nsleep 60 & wait\n", "no answer within 0.2 s"),
        ("#!/no/such/shell\n", "can't be started"),
    ],
)
def test_a_launcher_that_fails_or_hangs_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, detail: str
) -> None:
    monkeypatch.setattr(environment, "SECONDS", 0.2)
    check = environment.examine_ranks(executable(tmp_path / "mpiexec", text))
    assert check.verdict == "failure"
    assert detail in check.detail


def test_results_are_examined_for_real_and_nothing_stays(tmp_path: Path) -> None:
    results = tmp_path / "campaign" / "results"
    checks = by_name(storage.examine_results(results))
    assert {one.verdict for one in checks.values()} == {"ok"}
    assert set(checks) == {"results folder", "atomic rename"}
    assert list(tmp_path.iterdir()) == []


def test_results_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "product").write_text("mine")
    storage.examine_results(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["product"]


def test_results_below_a_file_fail(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    (check,) = storage.examine_results(tmp_path / "results" / "below")
    assert check.verdict == "failure"
    assert "campaign.results" in check.remedy


@UNPRIVILEGED
def test_results_that_may_not_be_written_fail(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert storage.examine_results(tmp_path / "results")[0].verdict == "failure"


def test_a_rename_that_is_not_atomic_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace_slowly(source: Path, target: Path) -> None:
        target.write_bytes(b"")
        target.write_bytes(source.read_bytes())
        source.unlink()

    monkeypatch.setattr(storage, "replace", replace_slowly)
    monkeypatch.setattr(storage, "REPLACEMENTS", 20_000)
    check = by_name(storage.examine_results(tmp_path))["atomic rename"]
    assert check.verdict == "failure"
    assert list(tmp_path.iterdir()) == []


def test_space_is_compared_with_what_is_still_missing(tmp_path: Path) -> None:
    (tmp_path / "product").write_bytes(bytes(1_000_000))
    assert storage.examine_space(tmp_path, 2_000_000).verdict == "ok"
    assert "beyond 1 MB that are there" in storage.examine_space(tmp_path, 2_000_000).detail
    statistics = os.statvfs(tmp_path)
    free = statistics.f_bavail * statistics.f_frsize
    assert storage.examine_space(tmp_path, 2 * free + 10**9).verdict == "failure"
    assert storage.examine_space(tmp_path / "not" / "yet", int(free / 1.1)).verdict == "warning"


def test_sizes_are_of_files_below_not_behind_links(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "outside").write_bytes(bytes(5000))
    (tmp_path / "a" / "b" / "file").write_bytes(bytes(700))
    (tmp_path / "a" / "file").write_bytes(bytes(70))
    assert storage.size_below(tmp_path / "a") == 770
    (tmp_path / "a" / "link").symlink_to(tmp_path / "outside")
    assert 770 < storage.size_below(tmp_path / "a") < 2000


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the examination of this machine's software to the tests that are about it."""
    monkeypatch.setattr(doctor, "examine_environment", list)


@pytest.mark.usefixtures("settled")
def test_a_line_with_inputs_is_examined_where_the_campaign_runs(tmp_path: Path) -> None:
    simulate_dataset(tmp_path / "raw", frames=2, gain=100.0, exposure_time=5.0, geometry=geometries()["TEST"])
    settings = config.load({"coronagraph": {"datasets": {"target": {"frames": "raw"}}}})
    here = Path.cwd()
    checks = by_name(doctor.examine(settings, tmp_path))
    assert Path.cwd() == here
    assert checks["coronagraph: dataset target"].verdict == "ok"
    assert "68 MB needed" in checks["disk space"].detail
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("settled")
def test_a_line_without_a_section_is_not_examined(tmp_path: Path) -> None:
    names = by_name(doctor.examine(config.load({}), tmp_path))
    assert set(names) == {"results folder", "atomic rename", "disk space"}


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    ("error", "detail"), [(InvalidOptions("frames are where?"), "frames are where?"), (KeyError("x"), "KeyError: 'x'")]
)
def test_an_examination_that_breaks_off_keeps_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, detail: str
) -> None:
    def examine(section: object) -> object:
        yield Check("first", "ok", "well")
        raise error

    monkeypatch.setattr("levelworks.coronagraph.doctor.examine", examine)
    checks = by_name(doctor.examine(config.load({"coronagraph": {"plots": True}}), tmp_path))
    assert checks["first"].verdict == "ok"
    assert checks["coronagraph"].verdict == "failure"
    assert detail in checks["coronagraph"].detail
    assert "disk space" in checks


@pytest.mark.usefixtures("settled")
def test_what_both_parts_of_an_examination_stumble_over_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def space(section: object) -> int:
        raise InvalidOptions("nothing there")

    monkeypatch.setattr(
        "levelworks.coronagraph.doctor.examine", lambda section: [Check("frames", "failure", "nothing there")]
    )
    monkeypatch.setattr("levelworks.coronagraph.doctor.space_needed", space)
    checks = doctor.examine(config.load({"coronagraph": {"plots": True}}), tmp_path)
    assert [one.name for one in checks if one.verdict == "failure"] == ["frames"]


def test_warming_reports_each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("levelworks.coronagraph.doctor.warm", lambda: "3 kernels compiled")
    (check,) = doctor.warm(["coronagraph"])
    assert (check.name, check.verdict) == ("coronagraph kernels", "ok")
    assert check.detail.startswith("3 kernels compiled (")

    def fail() -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("levelworks.coronagraph.doctor.warm", fail)
    (check,) = doctor.warm(["coronagraph"])
    assert check.verdict == "failure"
    assert "No space left" in check.detail


def test_a_line_without_a_doctor_has_nothing_to_warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "__init__.py").write_text("")
    monkeypatch.setattr(levelworks, "__path__", [*levelworks.__path__, str(tmp_path)])
    assert doctor.warm(["bare"]) == []
    (tmp_path / "bare" / "doctor.py").write_text("def warm():\n    return 'nothing to compile'\n")
    importlib.invalidate_caches()
    assert [one.name for one in doctor.warm(["bare"])] == ["bare kernels"]


def test_reports_name_findings_and_remedies() -> None:
    checks = [Check("one", "ok", "fine"), Check("second", "failure", "not [fine]", "mend it")]
    plain = report(checks, terminal=False).splitlines()
    assert plain[0].split() == ["verdict", "check", "found"]
    assert plain[1].index("fine") == plain[2].index("not [fine]")
    assert plain[3].strip() == "mend it"
    assert plain[-1] == "1 ok, 0 warnings, 1 failure"
    coloured = report(checks, terminal=True)
    assert "\x1b[" in coloured
    assert "not [fine]" in coloured


def test_samples_hold_first_and_last_and_are_spread() -> None:
    assert sample([1, 2, 3], 3) == [1, 2, 3]
    taken = sample(range(10_001), 101)
    assert taken == list(range(0, 10_001, 100))


def test_long_lists_are_cut_and_counted() -> None:
    assert name_some(["a", "b", "c", "d"], 2) == "a; b; and 2 more"
    assert name_some(["a", "b"], 2) == "a; b"
