"""HTTP calls to other services: bounded in time and size, and without redirects."""

import http.client
import io
import json
import socket
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from microstore.http import name_lookup

ANSWER_BYTES_LIMIT = 1024 * 1024
IDENTITY = {"Accept-Encoding": "identity"}


class CallFailed(Exception):
    """No whole answer arrived within the limits of time and size."""


class BoundedReads(io.RawIOBase):
    """A socket's incoming bytes, until the deadline or the limit of bytes is reached."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._timeout_seconds = sock.gettimeout() or 0.0
        self._deadline = time.monotonic() + self._timeout_seconds
        self._bytes_left = ANSWER_BYTES_LIMIT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # A socket's own timeout starts anew with every byte, so a peer that drips would never meet it.
        seconds_left = self._deadline - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(seconds_left)
        count = self._raw.readinto(buffer)
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise OSError(f"the answer is above {ANSWER_BYTES_LIMIT} bytes")
        return count

    def close(self) -> None:
        with suppress(OSError):  # the socket is closed already
            self._sock.settimeout(self._timeout_seconds)
        self._raw.close()
        super().close()


class BoundedResponse(http.client.HTTPResponse):
    """An HTTP response whose headers and body together are read within one timeout of the socket."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp: Any = io.BufferedReader(BoundedReads(self.fp.detach(), sock))


class BoundedHttp(HTTPConnection):
    """A plain connection with bounded lookups and responses."""

    response_class = BoundedResponse

    def _new_conn(self) -> socket.socket:
        return name_lookup.connect(self, super()._new_conn, check=self.check_addresses)

    def check_addresses(self, addresses: list[str]) -> None:
        """Raise where one of the addresses that were found may not be connected to; here all may."""


class BoundedHttps(BoundedHttp, HTTPSConnection):
    """A TLS connection with bounded lookups and responses."""


class BoundedAdapter(HTTPAdapter):
    """The adapter of `requests`, with bounded connections."""

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = BoundedHttps if pool.scheme == "https" else BoundedHttp
        return pool


def call_service(
    method: str, url: str, *, timeout_seconds: tuple[float, float], data: dict[str, str] | None = None
) -> Any:
    """Return the JSON with which another service answers 200, within the same limits; raise CallFailed.

    For calls that are rare: each has a connection of its own.
    """
    try:
        with requests.Session() as own:
            for scheme in ("http://", "https://"):
                own.mount(scheme, BoundedAdapter())
            response, body = exchange(own, method, url, data=data, headers=IDENTITY, timeout=timeout_seconds)
        if response.status_code != HTTPStatus.OK:
            raise CallFailed(f"It answered {response.status_code}.")
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CallFailed(str(error)[:500]) from error


def exchange(
    through: requests.Session, method: str, url: str, **what: Any
) -> tuple[requests.Response, bytes]:
    """Return the response to a request, and its body; raise CallFailed. The session has bounded connections.

    No status raises. Nor is a redirect followed: it would take what is sent, and its signature, elsewhere.
    """
    try:
        with through.request(method, url, allow_redirects=False, stream=True, **what) as response:
            # Never decompressed: 300 kB of gzip become 1 GB of memory.
            return response, response.raw.read(decode_content=False)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise CallFailed(str(error)[:500]) from error
