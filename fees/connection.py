"""A connection to the local Function URL: HTTP/1.1 requests become events, and responses one write each."""

import re
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BufferedReader
from typing import Protocol, cast

from fees.function_url import Response, make_response
from fees.handler import handler
from fees.local_event import build_event

# Lambda's own limit on a request; what lies between this and the handler's limit is the handler's to refuse.
REQUEST_BYTES_LIMIT = 6 * 1024 * 1024
METHODS_WITH_BODY = ("POST", "PUT", "PATCH")


class DrainingServer(Protocol):
    """What a connection needs of its server to let a stop wait for it."""

    in_flight: AbstractContextManager[None]
    stopping: bool


class Connection(BaseHTTPRequestHandler):
    """Serves one connection until it closes, stays idle for `timeout` seconds, or the server stops."""

    protocol_version = "HTTP/1.1"
    # The default is HTTP/0.9, in which a refused request line would be answered without a status.
    default_request_version = "HTTP/1.0"
    timeout = 60
    disable_nagle_algorithm = True
    # Buffered, so that headers and body leave in one write.
    wbufsize = 64 * 1024

    def handle_one_request(self) -> None:
        """Wait for a request to begin; from then on it is in flight until its response is sent."""
        server = cast("DrainingServer", self.server)
        try:
            cast("BufferedReader", self.rfile).peek(1)
            with server.in_flight:
                super().handle_one_request()
                self.wfile.flush()
        except TimeoutError:
            self.close_connection = True

    def do_POST(self) -> None:
        """Answer by the handler, as do all other methods."""
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
        """Send `100 Continue` at once: the client waits for it before it sends the body."""
        proceeds = super().handle_expect_100()
        self.wfile.flush()
        return proceeds

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is not good HTTP in the handler's form; where the next one begins is unknown."""
        self.close_connection = True
        status = HTTPStatus(code)
        self._send(make_response(status, {"error": message or explain or status.phrase}))

    def version_string(self) -> str:
        """Name the function, not its Python."""
        return "MicroStore-fees"

    def log_message(self, *_: object) -> None:
        """Keep quiet: the transactions service logs its calls with their trace."""

    def _read_body(self) -> bytes | None:
        length = self._read_length()
        if length is None:
            return None
        body = self.rfile.read(length)
        if len(body) < length:
            self.send_error(HTTPStatus.BAD_REQUEST, "body ended before its Content-Length")
            return None
        return body

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
