"""A mail server on a socket: it takes e-mails, and does with some recipients what real ones do."""

import socketserver
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any

GONE = b""  # in place of a reply: the connection is closed without one
CLOSING = (GONE, b"421", b"550")


class SMTPServer(socketserver.ThreadingTCPServer):
    """It gives these replies to the RCPT of recipients, and closes after a 421 (RFC 5321) and after a 550."""

    daemon_threads = True

    def __init__(self, replies: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.replies = replies
        self.taken: list[str] = []  # recipients
        self.connections = 0


class Session(socketserver.StreamRequestHandler):
    """One connection, one command a line."""

    server: Any

    def handle(self) -> None:
        self.server.connections += 1
        self._reply(b"220 mail.shop.example")
        while line := self.rfile.readline().decode().strip():
            word = line.partition(" ")[0].upper()
            reply = getattr(self, f"_{word.lower()}", lambda _: b"250 OK")(line)
            self._reply(reply)
            if word == "QUIT" or reply[:3] in CLOSING:
                return

    def _rcpt(self, line: str) -> bytes:
        self.recipient = line.partition("<")[2].partition(">")[0]
        reply: bytes = self.server.replies.get(self.recipient, b"250 OK")
        return reply

    def _data(self, _: str) -> bytes:
        self._reply(b"354 Go on")
        while self.rfile.readline() not in (b".\r\n", b""):
            pass
        self.server.taken.append(self.recipient)
        return b"250 Taken"

    def _reply(self, text: bytes) -> None:
        if text != GONE:
            self.wfile.write(text + b"\r\n")


@contextmanager
def mail_server(replies: Mapping[str, bytes]) -> Iterator[SMTPServer]:
    """Serve on a free port, `server_address`."""
    with SMTPServer(replies) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
