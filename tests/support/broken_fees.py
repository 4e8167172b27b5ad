"""A fee function that misbehaves, at the address of the real one."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from fees.handler import handler as fee_function

Behaviour = Callable[["Misbehaving", bytes], None]


class Misbehaving(BaseHTTPRequestHandler):
    """Answers by the behaviour of its server."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.behaviour(self, body)  # type: ignore[attr-defined]

    def answer(self, status: int, body: bytes, *, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class Server(socketserver.ThreadingTCPServer):
    """On the port of the real one."""

    allow_reuse_address = True
    daemon_threads = True
    behaviour: Behaviour

    def handle_error(self, *_: Any) -> None:
        """Clients that close the connection are part of the tests."""


@contextmanager
def broken_fees(port: int, behaviour: Behaviour) -> Iterator[None]:
    """Serve the behaviour while the block lasts."""
    with Server(("127.0.0.1", port), Misbehaving) as server:
        server.behaviour = behaviour
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def real_answer(body: bytes) -> dict[str, Any]:
    """Return the answer of the real fee function."""
    event = {"requestContext": {"http": {"method": "POST", "path": "/"}}, "body": body.decode()}
    return dict(json.loads(fee_function(event, None)["body"]))
