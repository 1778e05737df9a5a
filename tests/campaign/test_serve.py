"""The server gives the page, its data, records, logs and pictures to this machine, and nothing else to anybody."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from campaign_standings import job, standing

from levelworks.campaign.page import write_page
from levelworks.campaign.page_files import JSON
from levelworks.campaign.serve import HERE, open_server, serve
from levelworks.campaign.standing import State
from levelworks.core.outcome import InvalidOptions


def test_products_behind_a_link_are_given_with_their_logs(tmp_path):
    made, cell = tmp_path / "campaign", job("ard", "plot", "g1", State.DONE)
    (tmp_path / "scratch").mkdir()
    made.mkdir()
    (made / "results").symlink_to(tmp_path / "scratch", target_is_directory=True)
    write_page(standing([cell]), made, Path("results"))
    for name in (cell.record, cell.log):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("{}")
    client = Client(made, Path("results"))
    try:
        head = json.loads((tmp_path / "scratch" / JSON).read_text())
        page = urlsplit(client.address).path
        for name in (cell.record, cell.log):
            address = f"{page.rpartition('/')[0]}/{head['base']}/{name}"
            assert client.ask(os.path.normpath(address))[0] == 200
    finally:
        client.close()


class Client:
    """Asks one server for paths below its secret word."""

    def __init__(self, folder: Path, results: Path) -> None:
        self.server, self.address = open_server(folder, results, 0)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.word = urlsplit(self.address).path.split("/")[1]

    def ask(self, path: str, method: str = "GET", host: str | None = None) -> tuple[int, bytes, str | None]:
        connection = http.client.HTTPConnection(*self.server.server_address[:2], timeout=10)
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or f"{HERE}:{self.server.server_address[1]}")
        connection.endheaders()
        answer = connection.getresponse()
        found = answer.status, answer.read(), answer.getheader("Content-Type")
        connection.close()
        return found

    def status(self, path: str, **options: str) -> int:
        return self.ask(f"/{self.word}/{path}", **options)[0]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a campaign with a file of every kind, and some that are nobody's business."""
    made = tmp_path / "campaign"
    cell = job("ard", "plot", "g1", State.DONE)
    write_page(standing([cell]), made, Path("results"))
    for name in (
        *(cell.record, cell.product, cell.log, "results/ard/plot/g 1.png", "results/.hidden.json", "results/a.html"),
        *(
            "logs/notes.txt",
            "secret.json",
            "campaign.yaml",
            ".snakemake/levelworks/x.json",
            "results/status_data/x.json",
        ),
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    (tmp_path / "outside.json").write_text("outside")
    (made / "results/link.json").symlink_to(tmp_path / "outside.json")
    (made / "results/away").symlink_to(tmp_path)
    return made


@pytest.fixture
def client(folder) -> Iterator[Client]:
    made = Client(folder, Path("results"))
    yield made
    made.close()


def test_what_may_be_seen(client, folder):
    status, content, kind = client.ask(urlsplit(client.address).path)
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert content == (folder / "results/status.html").read_bytes()
    for path, kind in (
        ("results/status.json", "application/json; charset=utf-8"),
        ("results/status_data/head.js?17", "text/javascript; charset=utf-8"),
        ("results/status_data/ard.0.js", "text/javascript; charset=utf-8"),
        ("results/ard/plot/g1.nc.json", "application/json; charset=utf-8"),
        ("results/ard/plot/g%201.png", "image/png"),
        ("logs/ard/plot/g1.log", "text/plain; charset=utf-8"),
        ("results/../logs/ard/plot/g1.log", "text/plain; charset=utf-8"),
    ):
        assert client.ask(f"/{client.word}/{path}")[::2] == (200, kind), path


def test_what_may_not_be_seen(client):
    for path in (
        *("results/ard/plot/g1.nc", "results/.hidden.json", "results/a.html", "logs/notes.txt", "secret.json"),
        *("campaign.yaml", ".snakemake/levelworks/x.json", "results/status_data/x.json", "results/link.json"),
        *("results/away/outside.json", "../outside.json", "results/../../outside.json", "%2e%2e/outside.json"),
        *("results", "results/", "", "results/status_data", "/etc/passwd", "results/%00.json", "results/none.json"),
        "..%2f..%2f..%2f..%2fetc/passwd",
    ):
        assert client.status(path) == 404, path
    for path in ("/", "/results/status.html", f"/{client.word}x/results/status.html", "/%ff/results/status.html"):
        assert client.ask(path)[0] == 404, path


def test_only_reading_and_only_for_this_machine(client):
    for method in ("POST", "PUT", "DELETE"):
        assert client.status("results/status.html", method=method) == 501
    assert client.ask(f"/{client.word}/results/status.html", "HEAD")[1] == b""
    assert client.status("results/status.html", host="evil.example") == 404
    assert client.status("results/status.html", host="localhost:9999") == 200  # a tunnel has a port of its own
    assert client.server.socket.getsockname()[0] == HERE


def test_results_elsewhere(tmp_path):
    results = tmp_path / "scratch/results"
    cell = job("ard", "plot", "g1", State.DONE)
    write_page(standing([cell]), tmp_path / "home/campaign", results)
    log = tmp_path / "home/campaign" / cell.log
    log.parent.mkdir(parents=True)
    log.write_text("line")
    client = Client(tmp_path / "home/campaign", results)
    try:
        assert client.address.endswith("/scratch/results/status.html")
        assert client.status("scratch/results/status.html") == 200
        assert client.status(f"home/campaign/{cell.log}") == 200
    finally:
        client.close()


def test_a_port_that_is_taken_is_said_and_another_is_found(folder):
    with socket.create_server((HERE, 0)) as taken, pytest.raises(InvalidOptions, match="--port"):
        open_server(folder, Path("results"), taken.getsockname()[1])
    first, _ = open_server(folder, Path("results"))
    second, _ = open_server(folder, Path("results"))
    with first, second:
        assert first.server_address[1] != second.server_address[1]


def test_it_says_how_to_reach_it(folder, monkeypatch):
    said: list[str] = []

    def stop(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("levelworks.campaign.serve.Server.serve_forever", stop)
    serve(folder, Path("results"), 0, said.append)
    port = urlsplit(said[0].strip()).port
    assert any(f"ssh -N -L {port}:127.0.0.1:{port} " in line for line in said)


@pytest.mark.parametrize(("full", "told"), [("localhost.localdomain", "node7"), ("node7.site.org", "node7.site.org")])
def test_it_calls_itself_by_a_name_that_others_know(folder, monkeypatch, full, told):
    said: list[str] = []
    monkeypatch.setattr("levelworks.campaign.serve.Server.serve_forever", lambda _server: None)
    monkeypatch.setattr("socket.getfqdn", lambda *_: full)
    monkeypatch.setattr("socket.gethostname", lambda: "node7")
    serve(folder, Path("results"), 0, said.append)
    assert any(line.strip().endswith(f"@{told}") for line in said)
