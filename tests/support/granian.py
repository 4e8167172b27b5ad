"""The service under test behind its real HTTP server, on the tests' own database; raw connections to it."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from stack.ports import choose_ports
from stack.waiting import wait_until

END = b"\r\n\r\n"


@dataclass(frozen=True)
class Server:
    """Where it listens."""

    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def send(self, *parts: bytes) -> tuple[int, bytes]:
        """The status of the answer to these bytes, and all of it; 0 for a connection that was closed."""
        with self.connect() as opened:
            for part in parts:
                opened.sendall(part)
            return read_answer(opened)

    def is_live(self) -> bool:
        try:
            return self.send(head("GET", "/health/live"))[0] == 200
        except OSError:
            return False


@contextmanager
def serving(interface: str, **environment: str) -> Iterator[Server]:
    """granian with the service: `wsgi` for its API, `asginl` for its live server."""
    port = choose_ports(1)[0]
    database = (
        urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    )
    arguments = ["--interface", interface, "--port", str(port), f"microstore.{interface[:4]}:application"]
    given = {"DATABASE_URL": database, "ALLOWED_HOSTS": "127.0.0.1,testserver"}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("granian"), *arguments], env=os.environ | given | environment
    )
    try:
        server = Server(port)
        assert wait_until(server.is_live, timeout_seconds=60)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def head(method: str, path: str, **headers: str) -> bytes:
    """The first part of a request; `Content_Type` is a header with a dash."""
    lines = [f"{method} {path} HTTP/1.1", "Host: testserver"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + END


def chunked(*chunks: bytes) -> bytes:
    """The body as `Transfer-Encoding: chunked` sends it."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def read_answer(opened: socket.socket) -> tuple[int, bytes]:
    """The status and the whole answer."""
    answer = b""
    try:
        while END not in answer and (part := opened.recv(65_536)):
            answer += part
        found = re.search(rb"content-length: ([0-9]+)", answer)
        length = int(found[1]) if found else 0
        while len(answer.partition(END)[2]) < length and (part := opened.recv(65_536)):
            answer += part
    except ConnectionResetError:
        pass
    return (int(answer.split()[1]), answer) if answer else (0, answer)
