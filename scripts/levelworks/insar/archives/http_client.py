"""GET over HTTP: redirects followed with each host's own credentials, and what an answer means for a job."""

from __future__ import annotations

import email.utils
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urljoin, urlsplit

from levelworks.core.outcome import InvalidInput, InvalidReference, TransientError
from levelworks.insar.archives.addresses import shown
from levelworks.insar.archives.credentials import TOKEN, Credentials

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10
BUSY = (408, 425, 429, 500, 502, 503, 504)
GONE = (404, 410)
UNAUTHORIZED = 401
REFUSED = (UNAUTHORIZED, 403)


class ServiceBusy(TransientError):
    """A service that can't answer now; ``wait`` is for how long it asks to be left alone (s), None where it doesn't."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class _Unredirected(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to the client: the standard one takes credentials along to any host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""
        return


class Client:
    """Opens addresses; cookies live as long as the client.

    Parameters
    ----------
    credentials : Credentials
    timeout : float
        Without a byte after which a connection is given up, s.
    """

    def __init__(self, credentials: Credentials, timeout: float) -> None:
        self.credentials = credentials
        self.timeout = timeout
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPCookieProcessor(CookieJar()),
            _Unredirected(),
        ):
            self._opener.add_handler(handler)

    def open(self, address: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Get an address; return the answer, of status 200, 206 or 416, whose body is still to be read.

        Raises
        ------
        ServiceBusy
            Where the service can't be reached, is overloaded, or prepares the file.
        InvalidReference
            Where it wants other credentials, also of a new token, or redirects from TLS to plain HTTP or without end.
        InvalidInput
            Where it has no such file.
        """
        here, renewed = address, False
        for _ in range(MOST_REDIRECTS):
            if urlsplit(here).scheme not in ("https", "http"):
                raise InvalidReference(f"{shown(here)}: an HTTP archive has addresses https://… or http://…")
            answer = self._get(here, headers)
            # A download outlives a token that lasts minutes.
            if answer.status == UNAUTHORIZED and not renewed and self.credentials.renew(here):
                answer.close()
                renewed, answer = True, self._get(here, headers)
            if answer.status not in REDIRECTS:
                return _judged(answer, here)
            with closing(answer):
                there = urljoin(here, answer.headers.get("Location", ""))
            if urlsplit(here).scheme == "https" and urlsplit(there).scheme != "https":
                raise InvalidReference(
                    f"{shown(here)} redirects to {shown(there)}: from TLS to what can be read on its way"
                )
            here = there
        raise InvalidReference(f"{shown(address)} redirects more than {MOST_REDIRECTS} times, at last to {shown(here)}")

    def _get(self, address: str, headers: Mapping[str, str]) -> Any:
        request = urllib.request.Request(address, headers=dict(headers))  # noqa: S310 - the scheme was looked at
        authorization = self.credentials.header(address)
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        try:
            return self._opener.open(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            return error
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise ServiceBusy(f"{shown(address)}: no connection ({reason})") from None


def _judged(answer: Any, address: str) -> http.client.HTTPResponse:
    if answer.status in (200, 206, 416):
        return answer
    with closing(answer):
        said = f"{shown(address)}: {answer.status} {answer.reason}".rstrip()
        wait = retry_after(answer.headers.get("Retry-After", ""), time.time())
    if answer.status == 202:
        raise ServiceBusy(f"{said}: the service brings the file up, ask again", wait)
    if answer.status in BUSY:
        raise ServiceBusy(said, wait)
    if answer.status in REFUSED:
        raise InvalidReference(
            f"{said}: the service wants other credentials: a machine entry of {urlsplit(address).hostname} in "
            f"~/.netrc, or a token in {TOKEN} (archive.token-hosts); it may also want its terms accepted in a browser"
        )
    if answer.status in GONE:
        raise InvalidInput(f"{said}: the archive has no such file; see the catalogue's address")
    raise InvalidReference(f"{said}: no answer that a file follows on; see archive.address")


def retry_after(value: str, now: float) -> float | None:
    """Return the seconds that a header ``Retry-After`` asks for: a number, or a date (RFC 9110, 10.2.3)."""
    value = value.strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - now, 0.0)
    except ValueError:
        return None
