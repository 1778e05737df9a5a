"""Credentials of archives: of a host from ~/.netrc, or a token from the environment; never from a configuration.

They go to the hosts they are for, over TLS (or to this machine itself), and into no message, record or log.
"""

from __future__ import annotations

import base64
import netrc
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from levelworks.core.outcome import InvalidOptions, InvalidReference, TransientError

TOKEN = "LEVELWORKS_ARCHIVE_TOKEN"  # noqa: S105 - the name of the variable
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Credentials:
    """What to show to which host.

    Parameters
    ----------
    token_hosts : sequence of str
        Hosts that get the token.
    command : sequence of str
        Prints the token; where empty, the variable `TOKEN` holds it.
    timeout : float
        Of the command, s.
    """

    token_hosts: Sequence[str]
    command: Sequence[str] = ()
    timeout: float = 120.0
    netrc_file: Path = field(default_factory=lambda: Path(os.environ.get("NETRC") or Path.home() / ".netrc"))

    def header(self, address: str) -> str:
        """Return the value of the header ``Authorization`` for an address; empty where there is nothing to show.

        The token goes before the entry of ~/.netrc. An entry ``default`` is for no host in particular, and not taken.
        """
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" and host not in LOOPBACK:
            return ""
        if host in self.token_hosts and self._token:
            return f"Bearer {self._token}"
        login, _, password = self._entries.get(host, ("", "", ""))
        if not password:
            return ""
        return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode("ascii")

    def renew(self, address: str) -> bool:
        """Forget the token that was refused at an address; tell whether the command is asked for another."""
        shown = bool(self.command) and self.header(address).startswith("Bearer ")
        if shown:
            self.__dict__.pop("_token", None)
        return shown

    @cached_property
    def _token(self) -> str:
        if not self.command:
            return os.environ.get(TOKEN, "").strip()
        try:
            done = subprocess.run(list(self.command), capture_output=True, text=True, timeout=self.timeout, check=False)
        except subprocess.TimeoutExpired:
            raise TransientError(f"{self.command[0]} has not printed a token for {self.timeout:g} s") from None
        except OSError as error:
            raise InvalidOptions(f"archive.token-command: {self.command[0]} can't be run ({error.strerror})") from None
        found = done.stdout.strip()
        if done.returncode or not found or "\n" in found:
            raise TransientError(f"{self.command[0]} ended with {done.returncode} and printed no token on one line")
        return found

    @cached_property
    def _entries(self) -> dict[str, tuple[str, str, str]]:
        try:
            read = netrc.netrc(self.netrc_file)
        except FileNotFoundError:
            return {}
        except (OSError, netrc.NetrcParseError):
            # The parser's own message may quote what it stumbled over.
            raise InvalidReference(
                f"{self.netrc_file} can't be read: it must be yours, and hold machine entries"
            ) from None
        return {
            host.lower(): (login or "", account or "", password or "")
            for host, (login, account, password) in read.hosts.items()
        }
