"""An HTTP archive in this process, whose answers go wrong as they are told to."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Archive:
    """Files by their paths, faults to come, and the requests that came.

    A fault is a function of the handler that answers instead of the archive, or returns False to let it answer.
    """

    def __init__(self, host="127.0.0.1"):
        self.files = {}
        self.faults = []
        self.requests = []
        self.ranges = True
        self.tags = True
        handler = type("Handler", (Handler,), {"archive": self})
        self.server = ThreadingHTTPServer((host, 0), handler)
        self.server.daemon_threads = True
        self.host = host

    def address(self, path="/product.zip", host=None):
        return f"http://{host or self.host}:{self.server.server_port}{path}"

    def header(self, name):
        """Return a header of every request that came."""
        return [headers.get(name) for _, headers in self.requests]


@contextmanager
def serving(host="127.0.0.1"):
    archive = Archive(host)
    thread = threading.Thread(target=archive.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield archive
    finally:
        archive.server.shutdown()
        thread.join()
        archive.server.server_close()


class Handler(BaseHTTPRequestHandler):
    archive: Archive

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.archive.requests.append((self.path, self.headers))
        path = self.path.partition("?")[0]
        if self.archive.faults and self.archive.faults.pop(0)(self) is not False:
            return
        if path not in self.archive.files:
            self.answer(404)
            return
        self.send(self.archive.files[path])

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send(self, content, stop=None):
        """Send a file, or the part that is asked for; ``stop`` closes the connection after so many bytes."""
        tag = f'"{len(content)}-{sum(content[:4096])}"'
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if self.archive.ranges else None
        if wanted and self.headers.get("If-Range", tag) != tag:
            wanted = None
        begin = int(wanted[1]) if wanted else 0
        if wanted and begin >= len(content):
            self.answer(416, Content_Range=f"bytes */{len(content)}")
            return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        if self.archive.tags:
            self.send_header("ETag", tag)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        self.wfile.write(content[begin:][:stop])
        self.wfile.flush()
        if stop is not None:
            self.close_connection = True


def busy(status=503, **headers):
    """Answer that the service is busy."""
    return lambda handler: handler.answer(status, **headers)


def cut(stop):
    """Lose the connection after so many bytes."""
    return lambda handler: handler.send(handler.archive.files[handler.path.partition("?")[0]], stop)


def redirect(address, status=302, **headers):
    """Send to another address."""
    return lambda handler: handler.answer(status, Location=address, **headers)
