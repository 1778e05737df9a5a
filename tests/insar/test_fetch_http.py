"""Fetching over HTTP: resumed, patient, checked, and with credentials only where they belong."""

from __future__ import annotations

import email.utils
import io
import json
import logging
import subprocess
import sys
import threading
import time

import pytest
from archive_products import ID, LATER, make_product, row_of, write_table
from archive_server import busy, cut, redirect, serving

from levelworks.core.outcome import InvalidOptions, InvalidReference, Status, TransientError
from levelworks.core.stage import run, stages
from levelworks.insar.archives.archive_options import FetchProduct
from levelworks.insar.archives.credentials import Credentials
from levelworks.insar.archives.http_client import Client, retry_after

SECRET = "kestrel-7731"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as archive:
        yield archive


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch, tmp_path):
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("LEVELWORKS_ARCHIVE_TOKEN", raising=False)


@pytest.fixture
def product(tmp_path):
    return make_product(tmp_path / "archive")


class Job:
    """A fetch job of one product at an address of a server."""

    def __init__(self, folder, product, address, **row):
        self.folder = folder
        self.catalogue = write_table(folder / "catalogue.tsv", row_of(product, address, **row))
        self.options = {"kind": "http", "pause": 0.01, "patience": 2.0, "timeout": 5.0}
        self.result = folder / "results" / f"{product.stem}.zip"

    def __call__(self, checksum="archive", **options):
        archive = self.folder / "archive.json"
        archive.write_text(json.dumps(self.options | options))
        files = {"catalogue": [self.catalogue], "archive": [archive], "product": [self.result]}
        return run(stages("insar")["fetch-product"], files, FetchProduct(id=self.result.stem, checksum=checksum))

    @property
    def leftovers(self):
        return sorted(path.name for path in self.result.parent.iterdir() if path.name.startswith(".part."))


@pytest.fixture
def job(tmp_path, product, server):
    server.files["/product.zip"] = product.read_bytes()
    return Job(tmp_path, product, server.address())


def test_a_product_comes_whole_with_a_record(job, product, server):
    done = job()
    assert done.status is Status.DONE
    assert job.result.read_bytes() == product.read_bytes()
    record = json.loads(job.result.with_name(f"{job.result.name}.json").read_text())
    assert record["quality"]["source"] == server.address()
    assert record["quality"]["checksum"].startswith("md5:")
    assert record["inputs"]["catalogue"][0]["path"] == str(job.catalogue)
    assert job.leftovers == []


def test_a_lost_connection_is_gone_on_with(job, product, server):
    server.faults += [cut(9000), cut(50)]
    done = job()
    assert job.result.read_bytes() == product.read_bytes()
    assert server.header("Range") == [None, "bytes=9000-", "bytes=9050-"]
    assert (done.quality["requests"], done.quality["resumed_bytes"]) == (3, 0)


def test_a_job_goes_on_from_what_an_earlier_one_brought(job, product, server):
    server.faults += [cut(9000)]
    with pytest.raises(TransientError, match=r"lost at 9000 of \d+ bytes"):
        job(patience=0.0)
    assert not job.result.exists()
    assert len(job.leftovers) == 2
    done = job()
    assert done.quality["resumed_bytes"] == 9000
    assert server.header("Range")[-1] == "bytes=9000-"
    assert job.result.read_bytes() == product.read_bytes()
    assert job.leftovers == []


def test_what_changed_meanwhile_begins_anew(job, product, server, tmp_path):
    """If-Range: the part of another version of the file is dropped, though a checksum is known."""
    other = make_product(tmp_path / "other", damage=True)
    server.files["/product.zip"] = other.read_bytes()
    server.faults += [cut(9000)]
    with pytest.raises(TransientError):
        job(patience=0.0)
    server.files["/product.zip"] = product.read_bytes()
    done = job()
    assert server.header("If-Range")[-1] is not None
    assert done.quality["resumed_bytes"] == 0
    assert job.result.read_bytes() == product.read_bytes()


def test_a_part_from_elsewhere_begins_anew(job, product, server):
    """Archives pack the same product differently: no part of one is gone on with from another."""
    server.faults += [cut(9000)]
    with pytest.raises(TransientError):
        job(patience=0.0)
    server.files["/mirror.zip"] = product.read_bytes()
    job(address=server.address("/mirror.zip"))
    assert server.header("Range")[-1] is None
    assert job.result.read_bytes() == product.read_bytes()


def test_another_part_than_was_asked_for_is_not_appended(tmp_path, product, server):
    content = product.read_bytes()
    server.files["/product.zip"] = content
    wrong = f"bytes 12000-{len(content) - 1}/{len(content)}"
    server.faults += [cut(9000), lambda handler: handler.answer(206, content[12000:], Content_Range=wrong)]
    assert Job(tmp_path, product, server.address(), md5="")().status is Status.DONE
    assert server.header("Range") == [None, "bytes=9000-", None]


def test_without_a_tag_only_a_checksum_lets_a_part_stand(tmp_path, product, server):
    server.files["/product.zip"] = product.read_bytes()
    server.tags = False
    for checksum, begins in ((row_of(product)["md5"], "bytes=9000-"), ("", None)):
        folder = tmp_path / (checksum or "none")
        folder.mkdir()
        job = Job(folder, product, server.address(), md5=checksum)
        server.faults += [cut(9000)]
        with pytest.raises(TransientError):
            job(patience=0.0)
        job()
        assert server.header("Range")[-1] == begins
        assert job.result.read_bytes() == product.read_bytes()


def test_a_server_without_ranges_sends_all_again(job, product, server):
    server.ranges = False
    server.faults += [cut(9000)]
    job()
    assert job.result.read_bytes() == product.read_bytes()


def test_a_part_that_is_all_of_it_is_taken(job, product, server):
    """A job that was killed between the last byte and the rename."""
    server.faults += [cut(9000)]
    with pytest.raises(TransientError):
        job(patience=0.0)
    part = job.result.with_name(next(name for name in job.leftovers if name.endswith(".zip")))
    part.write_bytes(product.read_bytes())
    done = job()
    assert (done.quality["requests"], len(server.requests)) == (0, 1)
    assert job.result.read_bytes() == product.read_bytes()


def test_a_part_that_may_be_all_of_it_is_asked_about(tmp_path, product, server):
    """Without the checksum, or the size, of the catalogue the service must say that it is."""
    content = product.read_bytes()
    server.files["/product.zip"] = content
    for kind in ("md5", "size"):
        folder = tmp_path / kind
        folder.mkdir()
        job = Job(folder, product, server.address(), **{kind: ""})
        server.faults += [cut(9000)]
        with pytest.raises(TransientError):
            job(patience=0.0)
        part = job.result.with_name(next(name for name in job.leftovers if name.endswith(".zip")))
        part.write_bytes(content)
        job()
        assert server.header("Range")[-1] == f"bytes={len(content)}-"
        assert job.result.read_bytes() == content


def test_a_busy_service_is_waited_for_as_it_asks(job, server):
    server.faults += [busy(503, Retry_After="1"), busy(429)]
    begun = time.monotonic()
    assert job().status is Status.DONE
    assert time.monotonic() - begun >= 1.0
    assert len(server.requests) == 3


def test_a_service_that_asks_for_more_than_patience_ends_the_job(job, server):
    server.faults += [busy(503, Retry_After="3600")]
    begun = time.monotonic()
    with pytest.raises(TransientError, match=r"503.*left alone for 3600 s") as error:
        job()
    assert error.value.exit_code == 75
    assert time.monotonic() - begun < 30
    assert len(server.requests) == 1


def test_a_service_that_never_answers_ends_the_job(job, server):
    server.faults += [busy(500)] * 20
    with pytest.raises(TransientError, match="brought nothing"):
        job()
    assert len(server.requests) == 5


def test_a_service_that_brings_the_file_up_is_asked_again(job, server):
    server.faults += [busy(202)]
    assert job().status is Status.DONE


def test_nobody_there(tmp_path, product, server):
    server.files["/product.zip"] = b""
    job = Job(tmp_path, product, "http://127.0.0.1:9/product.zip")
    with pytest.raises(TransientError, match="no connection"):
        job(patience=0.02)


@pytest.mark.parametrize("status", [404, 410])
def test_what_the_archive_has_not_is_quarantined(job, server, status):
    server.faults += [busy(status)]
    done = job()
    assert done.status is Status.QUARANTINED
    assert str(status) in done.reason
    assert job.leftovers == []


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_say_what_to_do(job, server, status):
    server.faults += [busy(status)]
    with pytest.raises(InvalidReference, match=rf"{status}.*machine entry of 127\.0\.0\.1 in ~/\.netrc") as error:
        job()
    assert error.value.exit_code == 64
    assert not job.result.exists()


def test_a_login_page_is_no_product(job, server):
    server.faults += [lambda handler: handler.answer(200, b"<html>log in</html>", Content_Type="text/html")]
    with pytest.raises(InvalidReference, match="a page came instead of a file"):
        job()


def test_a_wrong_checksum_is_fetched_once_more_then_quarantined(tmp_path, product, server):
    server.files["/product.zip"] = product.read_bytes()
    job = Job(tmp_path, product, server.address(), md5="0" * 32)
    done = job()
    assert done.status is Status.QUARANTINED
    assert "MD5" in done.reason
    assert "came twice" in done.reason
    assert len(server.requests) == 2
    assert job.leftovers == []


def test_bytes_that_turned_on_their_way_are_fetched_again(job, product, server):
    bad = bytearray(product.read_bytes())
    bad[20000] ^= 1
    server.faults += [lambda handler: handler.send(bytes(bad))]
    assert job().status is Status.DONE
    assert job.result.read_bytes() == product.read_bytes()


def test_a_service_that_packs_anew_is_checked_by_the_manifest(tmp_path, product, server):
    server.files["/product.zip"] = product.read_bytes()
    job = Job(tmp_path, product, server.address(), md5="0" * 32, size=17)
    done = job("members")
    assert (done.status, done.quality["files_checked"]) == (Status.DONE, 2)
    damaged = make_product(tmp_path / "damaged", damage=True)
    server.files["/product.zip"] = damaged.read_bytes()
    done = job("members")
    assert done.status is Status.QUARANTINED
    assert "measurement/s1a-iw1.tiff is not as its manifest says" in done.reason


def test_without_a_checksum_the_manifest_tells(tmp_path, server):
    damaged = make_product(tmp_path / "archive", damage=True)
    server.files["/product.zip"] = damaged.read_bytes()
    job = Job(tmp_path, damaged, server.address(), md5="", size="")
    assert "its manifest" in job().reason


def test_another_product_under_the_address_is_quarantined(tmp_path, product, server):
    other = make_product(tmp_path / "archive", LATER)
    server.files["/product.zip"] = other.read_bytes()
    done = Job(tmp_path, product, server.address(), md5="", size="")()
    assert done.status is Status.QUARANTINED
    assert f"{LATER}.SAFE instead of {ID}.SAFE" in done.reason


def test_credentials_of_a_host_go_to_no_other(job, product, server, tmp_path):
    """A redirect from one host to another: each gets what is its own."""
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login gull password {SECRET}\ndefault login x password y\n")
    (tmp_path / "netrc").chmod(0o600)
    server.faults += [redirect(server.address("/product.zip", host="localhost"))]
    assert job().status is Status.DONE
    first, second = server.header("Authorization")
    assert first.startswith("Basic ")
    assert second is None


def test_a_token_goes_to_the_hosts_it_is_for(job, server, monkeypatch):
    monkeypatch.setenv("LEVELWORKS_ARCHIVE_TOKEN", SECRET)
    elsewhere = server.address("/product.zip", host="localhost")
    server.faults += [redirect(elsewhere)]
    job()
    assert server.header("Authorization") == [f"Bearer {SECRET}", None]
    server.requests.clear()
    server.faults += [redirect(elsewhere, 307)]
    job(**{"token-hosts": ["localhost"]})
    assert server.header("Authorization") == [f"Bearer {SECRET}"] * 2


def test_a_command_prints_the_token(job, server, tmp_path):
    job(**{"token-command": ["echo", SECRET]})
    assert server.header("Authorization") == [f"Bearer {SECRET}"]
    with pytest.raises(TransientError, match="printed no token"):
        job(**{"token-command": ["false"]})
    with pytest.raises(InvalidOptions, match="can't be run"):
        job(**{"token-command": [str(tmp_path / "absent")]})


def token_command(tmp_path):
    """Return a command that prints another token each time: T1, T2, …"""
    calls, script = tmp_path / "calls", tmp_path / "token"
    script.write_text(f"#!/bin/sh\necho >> {calls}\necho T$(wc -l < {calls})\n")
    script.chmod(0o755)
    return [str(script)]


def expired(handler):
    """Refuse the first token."""
    return handler.answer(401) if handler.headers.get("Authorization") == "Bearer T1" else False


def test_a_token_that_expired_on_the_way_is_asked_for_again(job, product, server, tmp_path):
    server.faults += [cut(9000), expired, cut(20), lambda _: False]
    assert job(**{"token-command": token_command(tmp_path)}).status is Status.DONE
    assert server.header("Authorization") == ["Bearer T1", "Bearer T1", "Bearer T2", "Bearer T2"]
    assert server.header("Range") == [None, *["bytes=9000-"] * 2, "bytes=9020-"]
    assert job.result.read_bytes() == product.read_bytes()


def test_a_new_token_that_is_refused_ends_the_job(job, server, tmp_path):
    server.faults += [cut(9000), busy(401), busy(401)]
    with pytest.raises(InvalidReference, match=r"401.*other credentials"):
        job(**{"token-command": token_command(tmp_path)})
    assert server.header("Authorization") == ["Bearer T1", "Bearer T1", "Bearer T2"]


def test_no_token_is_asked_for_where_none_was_shown(job, server, tmp_path):
    """The other host's refusal says nothing of the token."""
    server.faults += [redirect(server.address("/product.zip", host="localhost")), busy(401)]
    with pytest.raises(InvalidReference, match="401"):
        job(**{"token-command": token_command(tmp_path)})
    assert server.header("Authorization") == ["Bearer T1", None]


def test_cookies_of_a_login_come_back(job, server):
    server.faults += [redirect(server.address(), Set_Cookie="session=7; Path=/")]
    job()
    assert server.header("Cookie") == [None, "session=7"]


def test_no_secret_is_written_anywhere(job, server, monkeypatch, tmp_path, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("LEVELWORKS_ARCHIVE_TOKEN", SECRET)
    server.faults += [redirect(server.address(f"/product.zip?signature={SECRET}")), busy(503)]
    job()
    server.faults += [redirect(server.address(f"/product.zip?signature={SECRET}")), busy(403)]
    with pytest.raises(InvalidReference) as error:
        job()
    written = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    said = "".join(capsys.readouterr())
    assert len(server.header("Authorization")) == 5
    assert SECRET not in written + caplog.text + said + str(error.value)


def test_a_password_in_an_address_is_refused(tmp_path, product, server):
    job = Job(tmp_path, product, server.address().replace("//", f"//gull:{SECRET}@"))
    with pytest.raises(InvalidReference, match="put it and the password in") as error:
        job()
    assert SECRET not in str(error.value)
    assert server.requests == []


@pytest.mark.parametrize("there", ["ftp://127.0.0.1/product.zip", "file:///etc/hostname"])
def test_redirects_lead_to_http_only(job, server, there):
    server.faults += [redirect(there)]
    with pytest.raises(InvalidReference, match=r"has addresses https://"):
        job()


def test_redirects_end(job, server):
    server.faults += [redirect(server.address())] * 30
    with pytest.raises(InvalidReference, match="redirects more than 10 times"):
        job()


def test_two_attempts_at_once_do_not_mix(job, product, server):
    """The second waits for the first, which loses its connection and goes on, and then brings the file itself."""
    job()
    job.result.unlink()
    began, second_is_there = threading.Event(), threading.Event()

    def slow(handler):
        began.set()
        second_is_there.wait(20)
        handler.send(product.read_bytes(), 9000)

    server.requests.clear()
    server.faults += [slow]
    words = ["--catalogue", str(job.catalogue), "--archive", str(job.folder / "archive.json")]
    words += ["--product", str(job.result), "--options", json.dumps({"id": ID})]
    command = [sys.executable, "-m", "levelworks.cli", "insar", "fetch-product", *words]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        assert began.wait(20)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as second:
            time.sleep(2.0)
            alone = len(server.requests) == 1
            second_is_there.set()
            assert (first.wait(20), second.wait(20)) == (0, 0)
    assert alone
    assert [begins for begins in server.header("Range") if begins] == ["bytes=9000-"]
    assert job.result.read_bytes() == product.read_bytes()
    assert job.leftovers == []


def test_a_file_of_another_size_is_not_even_fetched(tmp_path, product, server):
    server.files["/product.zip"] = product.read_bytes()
    done = Job(tmp_path, product, server.address(), size=12345)()
    assert done.status is Status.QUARANTINED
    assert "the catalogue 12345" in done.reason
    assert len(server.requests) == 1


def test_a_body_of_unknown_length_ends_by_itself(tmp_path, product, server):
    """HTTP/1.0 without a length: the end of the connection is the end; size and checksum tell whether it is."""

    def unmeasured(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(product.read_bytes()[: unmeasured.stop])
        handler.close_connection = True

    server.files["/product.zip"] = product.read_bytes()
    unmeasured.stop = None
    server.faults += [unmeasured]
    assert Job(tmp_path, product, server.address(), size="", md5="")().status is Status.DONE
    unmeasured.stop = 9000
    server.faults += [unmeasured]
    job = Job(tmp_path, product, server.address())
    assert job().status is Status.DONE
    assert server.header("Range")[-1] == "bytes=9000-"


class Answer(io.BytesIO):
    def __init__(self, status, **headers):
        super().__init__()
        self.status, self.reason, self.headers = status, "", headers


def test_from_tls_no_redirect_leads_to_plain_http(monkeypatch):
    client = Client(Credentials([]), 5.0)
    monkeypatch.setattr(client, "_get", lambda *_: Answer(302, Location="http://a.org/x?signature=7"))
    with pytest.raises(InvalidReference, match=r"https://a\.org/y redirects to http://a\.org/x: from TLS"):
        client.open("https://a.org/y", {})


def test_credentials_go_over_tls_or_stay_on_this_machine(tmp_path):
    (tmp_path / "netrc").write_text("".join(f"machine {host} login a password b\n" for host in ("a.org", "localhost")))
    shown = Credentials([], netrc_file=tmp_path / "netrc")
    assert shown.header("https://a.org/x") == shown.header("http://localhost:8000/x") == "Basic YTpi"
    assert shown.header("http://a.org/x") == shown.header("https://b.a.org/x") == ""
    (tmp_path / "netrc").write_text(f"machine a.org {SECRET}")
    with pytest.raises(InvalidReference, match="must be yours") as error:
        assert Credentials([], netrc_file=tmp_path / "netrc").header("https://a.org/x")
    assert SECRET not in str(error.value)


def test_when_a_service_wants_to_be_asked_again():
    """RFC 9110, 10.2.3: seconds, or a date."""
    now = 1_700_000_000.0
    assert retry_after("120", now) == 120.0
    assert retry_after(email.utils.formatdate(now + 90, usegmt=True), now) == 90.0
    assert retry_after(email.utils.formatdate(now - 90, usegmt=True), now) == 0.0
    assert retry_after("soon", now) is None
    assert retry_after("", now) is None


def test_a_product_that_the_catalogue_lacks(job):
    job.result = job.result.with_name(f"{LATER}.zip")
    with pytest.raises(InvalidReference, match="has no product"):
        job()
