"""Serves the page of a campaign to browsers of this machine, and through a tunnel to those of another; to read only."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from levelworks.campaign.page_details import PICTURES
from levelworks.campaign.page_files import DATA, JSON, PAGE
from levelworks.campaign.planned import LOGS
from levelworks.campaign.read_standing import results_of
from levelworks.core.outcome import InvalidOptions

HERE = "127.0.0.1"
PORT = 8765
PORTS = 20
"""That are tried where none is given and others serve already."""
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
OWN_HOSTS = ("127.0.0.1", "localhost")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}


class Files:
    """The files that may be asked for: the page and its data, records, logs and pictures.

    Addresses are paths below the folder that holds both the campaign's folder and its results, behind a secret word:
    whoever has an account on this machine reaches its ports, but doesn't know the word.

    Parameters
    ----------
    folder, results : Path
        Working folder of the campaign and folder of its products.
    """

    def __init__(self, folder: Path, results: Path) -> None:
        self._folder = folder.resolve()
        self._results = (folder / results).resolve()
        # Addresses go by the names that the page links by, which may lead over links.
        self._page_folder = Path(os.path.normpath(folder.absolute() / results))
        self._root = Path(os.path.commonpath([folder.absolute(), self._page_folder]))
        self.word = secrets.token_urlsafe(12)

    @property
    def start(self) -> str:
        """Return the address of the page, below the server's."""
        return f"/{self.word}/{quote(str(self._page_folder.relative_to(self._root) / PAGE))}"

    def find(self, address: str) -> Path | None:
        """Return the file of an address; None where there is none that may be seen."""
        _, word, *names = unquote(urlsplit(address).path).split("/")
        if not secrets.compare_digest(word.encode(), self.word.encode()) or any("\0" in name for name in names):
            return None
        path = Path(os.path.realpath(self._root.joinpath(*[name for name in names if name])))
        return path if self._may_be_seen(path) and path.is_file() else None

    def _may_be_seen(self, path: Path) -> bool:
        if path.is_relative_to(self._folder / LOGS):
            return path.suffix == ".log"
        if not path.is_relative_to(self._results):
            return False
        below = path.relative_to(self._results).parts
        if any(name.startswith(".") for name in below):
            return False
        if below in ((PAGE,), (JSON,)):
            return True
        if below[:1] == (DATA,):
            return path.suffix == ".js"
        return path.suffix == ".json" or path.suffix.lower() in PICTURES


class Answer(BaseHTTPRequestHandler):
    """Answers one request for a file."""

    server_version, sys_version = "levelworks", ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(self, files: Files, *arguments: Any) -> None:
        self._files = files
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Send a file."""
        self._answer(whole=True)

    def do_HEAD(self) -> None:
        """Send what is known of a file."""
        self._answer(whole=False)

    def log_message(self, format: str, *_arguments: Any) -> None:  # noqa: A002 - named by the base class
        """Say nothing: a terminal shows the address alone."""

    def _answer(self, *, whole: bool) -> None:
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        path = self._files.find(self.path) if host in OWN_HOSTS else None  # a name of others' may point here too
        try:
            content = path.read_bytes() if path is not None else None
        except OSError:
            content = None
        if content is None or path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", KINDS[path.suffix.lower()])
        self.send_header("Content-Length", str(len(content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if whole:
            self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """Answers requests of this machine."""

    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless a browser went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def open_server(folder: Path, results: Path, port: int | None = None) -> tuple[Server, str]:
    """Open a server and return it with the page's address; it answers from `serve_forever` on.

    Parameters
    ----------
    port : int, optional
        The first free one from `PORT` on where not given; any free one where 0.

    Raises
    ------
    InvalidOptions
        Where the port is taken.
    """
    files = Files(folder, results)
    wanted = range(PORT, PORT + PORTS) if port is None else (port,)
    for one in wanted:
        try:
            server = Server((HERE, one), partial(Answer, files))
        except (OSError, OverflowError):
            continue
        return server, f"http://{HERE}:{server.server_address[1]}{files.start}"
    raise InvalidOptions(f"port {wanted[0]} is taken or not allowed: give another with --port, or 0 for any free one")


def serve(
    folder: Path, results: Path | None = None, port: int | None = None, say: Callable[[str], None] = print
) -> None:
    """Serve a campaign's page until Ctrl-C; says its address and how to reach it from another machine."""
    server, address = open_server(folder, results or results_of(folder), port)
    number = server.server_address[1]
    say(f"{address}\n")
    say("from another machine, in a terminal there, then open the same address in its browser:")
    say(f"  ssh -N -L {number}:{HERE}:{number} {getpass.getuser()}@{_own_name()}\n")
    say("Ctrl-C ends it")
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()


def _own_name() -> str:
    """Return this machine's name for others; a table of hosts may call it localhost."""
    name = socket.getfqdn()
    return socket.gethostname() if name.startswith("localhost") else name
