"""Files appear whole or not at all, and the leftovers of dead attempts go."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from levelworks.core import atomic
from levelworks.core.atomic import (
    ASIDE,
    PREFIX,
    atomic_outputs,
    put_back,
    remove,
    replace,
    temporary_name,
    write_text,
)


def temporary_of(path: Path, process: int, host: str | None = None) -> Path:
    return path.with_name(f"{PREFIX}{host or socket.gethostname()}.{process}.{path.name}")


def dead_process() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_temporary_name_is_hidden_in_the_same_folder_with_the_same_suffix(tmp_path: Path) -> None:
    name = temporary_name(tmp_path / "a.fits")
    assert name == temporary_of(tmp_path / "a.fits", os.getpid())
    assert (name.parent, name.suffix, name.name[0]) == (tmp_path, ".fits", ".")


def test_nothing_has_its_final_name_before_all_is_written(tmp_path: Path) -> None:
    finals = {"one": tmp_path / "new" / "a.txt", "two": tmp_path / "other" / "b.txt"}
    with atomic_outputs(finals) as temporary:
        for name, path in temporary.items():
            path.write_text(name)
        assert not any(path.exists() for path in finals.values())
    assert {name: path.read_text() for name, path in finals.items()} == {"one": "one", "two": "two"}
    assert names(tmp_path / "new") == ["a.txt"]


def fail_half_way(finals: dict[str, Path], error: type[BaseException]) -> None:
    with atomic_outputs(finals) as temporary:
        temporary["a"].write_text("new")
        temporary["b"].mkdir()
        (temporary["b"] / "part").write_text("part")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_removes_all_and_keeps_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    old = tmp_path / "a.txt"
    old.write_text("old")
    with pytest.raises(error):
        fail_half_way({"a": old, "b": tmp_path / "b.txt"}, error)
    assert names(tmp_path) == ["a.txt"]
    assert old.read_text() == "old"


def test_an_output_not_written_is_named_and_no_other_appears(tmp_path: Path) -> None:
    finals = {"a": tmp_path / "a.txt", "b": tmp_path / "b.txt"}
    with pytest.raises(FileNotFoundError, match=r"not written: .*b\.txt$"), atomic_outputs(finals) as temporary:
        temporary["a"].write_text("a")
    assert names(tmp_path) == []


def test_a_folder_product_replaces_the_older_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "cube.zarr"
    for content in ({"0": "old", "1": "old"}, {"0": "new"}):
        with atomic_outputs({"cube": target}) as temporary:
            (temporary["cube"] / "inner").mkdir(parents=True)
            for name, text in content.items():
                (temporary["cube"] / "inner" / name).write_text(text)
    assert names(tmp_path) == ["cube.zarr"]
    assert {path.name: path.read_text() for path in (target / "inner").iterdir()} == {"0": "new"}


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "kept", target_is_directory=True)
    (tmp_path / "new").write_text("new")
    replace(tmp_path / "new", tmp_path / "link")
    assert (tmp_path / "link").read_text() == "new"
    assert (tmp_path / "kept" / "file").read_text() == "mine"
    (tmp_path / "again").symlink_to(tmp_path / "kept", target_is_directory=True)
    remove(tmp_path / "again")
    assert (tmp_path / "kept" / "file").read_text() == "mine"


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_and_other_hosts_stay(tmp_path: Path) -> None:
    target, gone = tmp_path / "a.txt", dead_process()
    strays = [temporary_of(target, gone), temporary_of(target.with_suffix(".zarr"), gone)]
    kept = [
        temporary_of(target, os.getppid()),
        temporary_of(target, gone, host="another-host"),
        temporary_of(tmp_path / "c.txt", gone),
        tmp_path / f"{PREFIX}{socket.gethostname()}.notes.a.txt",
    ]
    for path in (strays[0], *kept):
        path.write_text("half")
    strays[1].mkdir()
    (strays[1] / "chunk").write_text("half")
    with atomic_outputs({"a": target, "cube": target.with_suffix(".zarr")}) as temporary:
        temporary["a"].write_text("whole")
        temporary["cube"].mkdir()
    assert set(names(tmp_path)) == {"a.txt", "a.zarr", *(path.name for path in kept)}


def test_leftovers_of_a_dead_process_with_this_number_do_not_get_into_the_product(tmp_path: Path) -> None:
    target = tmp_path / "cube.zarr"
    stray = temporary_of(target, os.getpid())
    stray.mkdir()
    (stray / "chunk").write_text("of a dead attempt")
    with atomic_outputs({"cube": target}) as temporary:
        temporary["cube"].mkdir(exist_ok=True)
    assert names(target) == []


def test_a_text_file_is_written_atomically(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "notes.txt", "Größe in µm\n")
    assert (tmp_path / "deep" / "notes.txt").read_bytes() == "Größe in µm\n".encode()
    assert names(tmp_path / "deep") == ["notes.txt"]


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "chunk").write_text(content)
    return path


@pytest.fixture(params=["exchange", "aside"])
def exchanging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Replace folders by an exchange of names, and as where the system has none."""
    if request.param == "aside":
        monkeypatch.setattr(atomic, "_exchange", lambda first, second: False)
    return request.param


def test_a_folder_takes_the_place_of_a_folder_and_the_old_one_goes(tmp_path: Path, exchanging: str) -> None:
    target = folder(tmp_path / "cube.zarr", "old")
    replace(folder(tmp_path / "new", "new"), target)
    assert names(tmp_path) == ["cube.zarr"]
    assert (target / "chunk").read_text() == "new"


def test_a_file_takes_the_place_of_a_folder(tmp_path: Path, exchanging: str) -> None:
    target = folder(tmp_path / "product", "old")
    (tmp_path / "new").write_text("empty product")
    replace(tmp_path / "new", target)
    assert (names(tmp_path), target.read_text()) == (["product"], "empty product")


def test_a_folder_takes_the_place_of_a_file(tmp_path: Path, exchanging: str) -> None:
    target = tmp_path / "product"
    target.write_text("empty product")
    with atomic_outputs({"product": target}) as temporary:
        folder(temporary["product"], "whole")
    assert (names(tmp_path), (target / "chunk").read_text()) == (["product"], "whole")


def test_the_name_stands_for_something_at_every_moment(tmp_path: Path) -> None:
    target = folder(tmp_path / "cube.zarr", "0")
    watch = (
        "import os, sys\n"
        "print('watching', flush=True)\n"
        "while not os.path.exists(sys.argv[2]):\n"
        "    os.stat(sys.argv[1])\n"
    )
    words = [sys.executable, "-c", watch, str(target), str(tmp_path / "enough")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        for number in range(1, 200):
            replace(folder(tmp_path / "new", str(number)), target)
        (tmp_path / "enough").touch()
        _, complaint = watcher.communicate(timeout=30)
    assert (watcher.returncode, complaint) == (0, "")
    assert (target / "chunk").read_text() == "199"


def test_what_was_put_aside_before_a_death_gets_its_name_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = folder(tmp_path / "cube.zarr", "old")
    monkeypatch.setattr(atomic, "_exchange", lambda first, second: False)
    rename = os.replace

    def die_after_the_first(source: Path, goal: Path) -> None:
        if Path(goal) == target:
            raise KeyboardInterrupt
        rename(source, goal)

    with monkeypatch.context() as death:
        death.setattr(os, "replace", die_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            replace(folder(tmp_path / "new", "new"), target)
    assert names(tmp_path) == [f"{ASIDE}cube.zarr", "new"]
    with pytest.raises(ValueError, match="no luck"), atomic_outputs({"cube": target}):
        assert (target / "chunk").read_text() == "old"
        raise ValueError("no luck")
    assert names(tmp_path) == ["cube.zarr", "new"]
    assert (target / "chunk").read_text() == "old"


def test_what_was_put_aside_goes_where_the_new_one_has_the_name(tmp_path: Path) -> None:
    target = folder(tmp_path / "cube.zarr", "new")
    folder(tmp_path / f"{ASIDE}cube.zarr", "old")
    put_back(target)
    assert names(tmp_path) == ["cube.zarr"]
    assert (target / "chunk").read_text() == "new"


def test_put_back_leaves_what_was_never_put_aside(tmp_path: Path) -> None:
    put_back(tmp_path / "absent")
    target = folder(tmp_path / "cube.zarr", "mine")
    (tmp_path / f"{ASIDE}cube.zarr").write_text("a file, no product of a folder")
    put_back(target)
    assert names(tmp_path) == [f"{ASIDE}cube.zarr", "cube.zarr"]


def test_another_error_of_the_exchange_is_raised_and_both_stay(tmp_path: Path) -> None:
    target = folder(tmp_path / "cube.zarr", "old")
    with pytest.raises(FileNotFoundError, match=r"cube\.zarr"):
        replace(tmp_path / "absent", target)
    assert (target / "chunk").read_text() == "old"


def test_an_optional_output_not_written_leaves_what_stands(tmp_path: Path) -> None:
    target = folder(tmp_path / "cube.zarr", "old")
    before = (target / "chunk").stat().st_ino
    with atomic_outputs({"record": tmp_path / "record", "cube": target}, optional=["cube"]) as temporary:
        temporary["record"].write_text("unchanged")
    assert (target / "chunk").stat().st_ino == before
    assert names(tmp_path) == ["cube.zarr", "record"]
    finals = {"record": tmp_path / "record", "cube": target}
    with pytest.raises(FileNotFoundError, match="not written"), atomic_outputs(finals, ["cube"]) as temporary:
        folder(temporary["cube"], "new")
    assert (target / "chunk").read_text() == "old"
