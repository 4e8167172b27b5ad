"""A receiver of webhooks: an HTTP server that keeps what it gets, and answers as it is told."""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


@dataclass
class Received:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Keeps the request, then answers."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        receiver.received.append(Received(self.path, headers, body))
        receiver.answers.get(self.path, receiver.answer)(self)

    def reply(self, status: int, text: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Whose threads end with their connections."""

    daemon_threads = True
    request_queue_size = 200

    def handle_error(self, *_: Any) -> None:
        """Clients that close the connection are part of the tests."""


def with_status(status: int, text: str = "", **headers: str) -> Answer:
    """Answer each request so."""
    return lambda handler: handler.reply(status, text, **headers)


@dataclass
class Receiver:
    """A receiver on a port of its own while the block lasts; `answers` are those of single paths."""

    answer: Answer = field(default_factory=lambda: with_status(204))
    answers: dict[str, Answer] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    tls: tuple[Path, Path] | None = None  # certificate and key

    def __enter__(self) -> Self:
        self._server = Server(("127.0.0.1", 0), Handler)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._server.receiver = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/hooks") -> str:
        return f"http://127.0.0.1:{self.port}{path}"
