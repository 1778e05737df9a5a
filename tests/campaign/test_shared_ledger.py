"""A ledger that another login node reads: a copy is whole, whatever is written meanwhile."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from levelworks.campaign import ledger as ledgers
from levelworks.campaign import shared_ledger
from levelworks.campaign.ledger import Ledger, plan_jobs, reading
from levelworks.campaign.shared_ledger import copy_ledger, on_network

ROWS = 2000

WRITER = f"""
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA wal_autocheckpoint = 60")
connection.execute("CREATE TABLE pages (number INTEGER PRIMARY KEY, value INTEGER, filling TEXT)")
connection.execute("BEGIN")
for number in range({ROWS}):
    connection.execute("INSERT INTO pages VALUES (?, 0, ?)", (number, "x" * 300))
connection.execute("COMMIT")
print("ready", flush=True)
value = 0
while True:
    value += 1
    connection.execute("BEGIN")
    connection.execute("UPDATE pages SET value = ? WHERE number % 40 = 0", (value,))
    connection.execute("COMMIT")
"""


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    """Return a file whose every page is written all the time, by another process."""
    path = tmp_path / "written.sqlite"
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
        yield path
        writer.kill()


def test_copies_are_whole_and_go_on(written: Path, tmp_path: Path) -> None:
    seen = []
    for place in range(25):
        folder = tmp_path / f"{place}"
        folder.mkdir()
        with closing(sqlite3.connect(copy_ledger(written, folder))) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            values = {value for (value,) in copy.execute("SELECT value FROM pages WHERE number % 40 = 0")}
        assert len(values) == 1  # of one transaction
        seen.extend(values)
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_a_log_that_begins_anew_meanwhile_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, log = tmp_path / "ledger.sqlite", tmp_path / "ledger.sqlite-wal"
    path.write_bytes(b"pages")
    copied, began = shared_ledger.shutil.copyfile, []

    def begins_anew(source: Path, target: Path) -> None:
        if source == path:
            began.append(source)
            log.write_bytes(os.urandom(40))
        copied(source, target)

    monkeypatch.setattr(shared_ledger.shutil, "copyfile", begins_anew)
    folder = tmp_path / "copy"
    folder.mkdir()
    with pytest.raises(sqlite3.OperationalError, match="changes faster"):
        copy_ledger(path, folder)
    assert len(began) == shared_ledger.ATTEMPTS


def test_a_file_without_a_log_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE jobs (job)")
    folder = tmp_path / "copy"
    folder.mkdir()
    with closing(sqlite3.connect(copy_ledger(path, folder))) as copy:
        assert copy.execute("SELECT name FROM sqlite_master").fetchall() == [("jobs",)]


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw,vers=4.2
31 30 8:2 / /home/fast rw,relatime - xfs /dev/sdb rw
32 22 0:41 / /with\\040space rw - lustre mds@tcp:/scratch rw
33 22 0:42 / /mnt/other rw - fuse.sshfs other: rw
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/tmp/x", False),
        ("/home/me/ledger.sqlite", True),
        ("/home/fast/me/ledger.sqlite", False),
        ("/homes/me", False),
        ("/with space/ledger.sqlite", True),
        ("/mnt/other/ledger.sqlite", True),
    ],
)
def test_file_systems_are_told_apart(
    path: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    monkeypatch.setattr(shared_ledger, "MOUNTS", mounts)
    assert on_network(Path(path)) is expected
    monkeypatch.setattr(shared_ledger, "MOUNTS", tmp_path / "none")
    assert on_network(Path(path)) is False


def test_readers_of_a_shared_ledger_leave_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "on_network", lambda _path: True)
    ledger = Ledger(tmp_path / "shared/ledger.sqlite")
    ledger.begin(began=1.0, host="login1")
    ledger.put(plan_jobs, [(1, "ard", "merge-tile", "g", "p", "", "p")], "results")
    ledger.flush()
    opened: list[object] = []
    monkeypatch.setattr(
        ledgers.sqlite3, "connect", lambda name, **options: opened.append(name) or sqlite3.Connection(name, **options)
    )
    with reading(ledger.path) as connection:
        assert connection.execute("SELECT host FROM runs").fetchone()[0] == "login1"
        assert connection.execute("SELECT granule FROM jobs").fetchone()[0] == "g"
    assert opened
    assert not any(str(tmp_path) in str(name) for name in opened)
    ledger.close()
