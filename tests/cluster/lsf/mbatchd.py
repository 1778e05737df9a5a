"""The daemon of the emulator: ``python -m lsf.mbatchd FOLDER`` serves the commands until it is told to stop.

It ends, with every job, when the process that started it has gone.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socketserver
import sys
import threading
from pathlib import Path
from types import FrameType

from . import cluster
from .batch import Batch
from .commands import Commands
from .store import Store

INTERVAL = 0.02  # seconds between two rounds when nothing happens


class Handler(socketserver.StreamRequestHandler):
    """One command."""

    def handle(self) -> None:
        """Read a request, answer it."""
        server = self.server
        assert isinstance(server, Server)
        request = json.loads(self.rfile.read())
        with server.lock:
            reply = server.commands.answer(request)
        self.wfile.write(json.dumps(dataclasses.asdict(reply)).encode())
        server.wake.set()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The socket in the emulator's folder."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, commands: Commands) -> None:
        self.commands = commands
        self.lock = threading.Lock()
        self.wake = threading.Event()
        Path("mbatchd.sock").unlink(missing_ok=True)
        super().__init__("mbatchd.sock", Handler)


def main(folder: Path) -> None:
    """Serve until a SIGTERM comes or the parent goes."""
    parent = os.getppid()
    os.chdir(folder)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopped.set()

    # Handlers, unlike ignored signals, are not inherited by the jobs.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, stop)
    store = Store(folder)
    cluster.write_configuration(store)
    batch = Batch(store)
    server = Server(Commands(store, batch))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    while not stopped.is_set() and os.getppid() == parent:
        server.wake.clear()
        with server.lock:
            batch.tick()
        server.wake.wait(INTERVAL)
    Path("mbatchd.sock").unlink(missing_ok=True)
    with server.lock:
        batch.shut_down()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
