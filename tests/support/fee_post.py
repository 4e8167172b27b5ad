"""Stands between the service and the fee function: counts what is asked, and answers badly when told to."""

import json
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest

from fees.server import FunctionUrlServer

WAIT_SECONDS = 10
STOP_POLL_SECONDS = 0.01


@pytest.fixture(scope="session")
def fee_function() -> Iterator[FunctionUrlServer]:
    """The real fee function on a free port."""
    with FunctionUrlServer(host="127.0.0.1", port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.stop()


class FeePost:
    """A server on a free port."""

    def __init__(self, fee_port: int) -> None:
        self.fee_port = fee_port
        self.questions: list[dict[str, Any]] = []
        self.connections = 0
        self.answer: tuple[int, bytes] | None = None
        self.refuses: Callable[[list[dict[str, Any]]], bool] = lambda orders: True
        self.write: Callable[[BaseHTTPRequestHandler], None] | None = None
        self.headers: list[dict[str, str]] = []
        self.retry_after: str | None = None
        self.claimed_length: int | None = None
        self.hangs_up = False
        self.silent = threading.Event()
        self.hung_up = threading.Event()
        self.server = _Server(self)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=[STOP_POLL_SECONDS], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.silent.clear()
        self.server.shutdown()
        self.server.server_close()

    @property
    def asked(self) -> list[list[str]]:
        """The order ids of each question."""
        return [[order["order_id"] for order in question["orders"]] for question in self.questions]

    def answer_with(self, status: int, content: object) -> None:
        """From now on answer this, whatever is asked; bytes as they are, anything else as JSON."""
        self.answer = (status, content if isinstance(content, bytes) else json.dumps(content).encode())

    def reply_to(self, body: bytes) -> tuple[int, bytes]:
        """What was set, for the orders that are refused; for others what the fee function answers."""
        self.questions.append(json.loads(body))
        return (
            self.answer if self.answer and self.refuses(self.questions[-1]["orders"]) else self._pass_on(body)
        )

    def _pass_on(self, body: bytes) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.fee_port, timeout=WAIT_SECONDS)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, post: FeePost) -> None:
        self.post = post
        super().__init__(("127.0.0.1", 0), _handler(post))

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.post.hung_up.set()


def _handler(post: FeePost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            post.connections += 1

        def do_POST(self) -> None:
            post.headers.append(dict(self.headers))
            status, content = post.reply_to(self.rfile.read(int(self.headers["Content-Length"])))
            if post.write:
                self.close_connection = True
                post.write(self)
                return
            if post.silent.is_set():
                self.close_connection = True
                self.rfile.read(1)  # until the client hangs up
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if post.retry_after is not None:
                self.send_header("Retry-After", post.retry_after)
            self.send_header("Content-Length", str(post.claimed_length or len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = post.hangs_up or post.claimed_length is not None

        def log_message(self, *_: object) -> None:
            """Quietly."""

    return Handler
