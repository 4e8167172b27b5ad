"""A connection to the local Function URL: HTTP/1.1 requests become events, and responses one write each."""

import re
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BufferedReader
from typing import Protocol, cast

from fees.bounded_reads import BoundedReads
from fees.function_url import BODY_BYTES_LIMIT, Response, make_response
from fees.handler import handler
from fees.local_event import build_event

# Lambda's own limit on a request. A body up to it is read before it is refused: closing a connection with
# unread bytes resets it, and the client would not see the answer.
REQUEST_BYTES_LIMIT = 6 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
REQUEST_SECONDS = 10
METHODS_WITH_BODY = ("POST", "PUT", "PATCH")


class DrainingServer(Protocol):
    """The part of a server that lets a stop wait for its connections."""

    in_flight: AbstractContextManager[None]
    stopping: bool


class Connection(BaseHTTPRequestHandler):
    """Serves one connection until it closes, stays idle for `timeout` seconds, or the server stops.

    A request that has begun is to arrive, and its response to be taken, within `request_seconds` each.
    """

    protocol_version = "HTTP/1.1"
    # The default is HTTP/0.9, in which a refused request line would be answered without a status.
    default_request_version = "HTTP/1.0"
    timeout = 60
    request_seconds: float = REQUEST_SECONDS
    disable_nagle_algorithm = True
    # Buffered, so that headers and body leave in one write.
    wbufsize = 64 * 1024

    def setup(self) -> None:
        super().setup()
        self._reads = BoundedReads(cast("BufferedReader", self.rfile).detach(), self.connection)
        self.rfile = BufferedReader(self._reads)

    def handle_one_request(self) -> None:
        server = cast("DrainingServer", self.server)
        try:
            self._reads.expect_within(self.timeout)
            cast("BufferedReader", self.rfile).peek(1)
            # It has begun: a stop waits for it from here on, and its client may not take its time.
            with server.in_flight:
                self._reads.expect_within(self.request_seconds)
                super().handle_one_request()
                self.wfile.flush()
        except TimeoutError:
            self.close_connection = True

    def do_POST(self) -> None:
        body = self._read_body()
        if body is None:
            return
        event = build_event(
            method=self.command,
            target=self.path,
            protocol=self.request_version,
            headers={name.lower(): ",".join(self.headers.get_all(name, [])) for name in self.headers},
            body=body,
            source_ip=self.client_address[0],
        )
        self._send(handler(event, None))

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815 (http.server's names)

    def handle_expect_100(self) -> bool:
        proceeds = super().handle_expect_100()
        self.wfile.flush()  # the client sends no body before it has this
        return proceeds

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        # What is no HTTP does not show where the next request begins.
        self.close_connection = True
        status = HTTPStatus(code)
        self._send(make_response(status, {"error": message or explain or status.phrase}))

    def version_string(self) -> str:
        return "MicroStore-fees"

    def log_message(self, *_: object) -> None:
        """Log nothing: the transactions service logs its calls with their trace."""

    def _read_body(self) -> bytes | None:
        length = self._read_length()
        if length is None:
            return None
        try:
            if length > BODY_BYTES_LIMIT:
                self._refuse_body(length)
                return None
            body = self.rfile.read(length)
        except TimeoutError:
            self.send_error(HTTPStatus.REQUEST_TIMEOUT, f"body took longer than {self.request_seconds} s")
            return None
        if len(body) < length:
            self.send_error(HTTPStatus.BAD_REQUEST, "body ended before its Content-Length")
            return None
        return body

    def _refuse_body(self, length: int) -> None:
        while length > 0 and (chunk := self.rfile.read(min(length, CHUNK_BYTES))):
            length -= len(chunk)
        refusal = {"error": f"body must be at most {BODY_BYTES_LIMIT} bytes"}
        self._send(make_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, refusal))

    def _read_length(self) -> int | None:
        lengths = self.headers.get_all("content-length", [])
        if "transfer-encoding" in self.headers or (not lengths and self.command in METHODS_WITH_BODY):
            self.send_error(HTTPStatus.LENGTH_REQUIRED, "a Content-Length is needed")
        elif len(lengths) > 1 or not re.fullmatch("[0-9]{1,18}", "".join(lengths) or "0"):
            self.send_error(HTTPStatus.BAD_REQUEST, "Content-Length must be one whole number")
        elif (length := int("".join(lengths) or "0")) > REQUEST_BYTES_LIMIT:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body is above {REQUEST_BYTES_LIMIT} bytes")
        else:
            return length
        return None

    def _send(self, response: Response) -> None:
        self.connection.settimeout(self.request_seconds)
        body = response["body"].encode()
        self.send_response(response["statusCode"])
        for name, value in response["headers"].items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        if self.close_connection or cast("DrainingServer", self.server).stopping:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
