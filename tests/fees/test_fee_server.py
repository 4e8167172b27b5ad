"""The local Function URL over real sockets, in its own process as `make run` starts it."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

import fees
from fees.connection import Connection
from fees.server import FunctionUrlServer
from tests.support.children import child

REPOSITORY = Path(fees.__file__).parents[1]
WAIT_SECONDS = 30
MUG = b'{"price_cents": 900, "currency": "EUR"}'
MUG_HEAD = b"POST / HTTP/1.1\r\nHost: fees\r\nContent-Type: application/json\r\n"


@contextmanager
def run_server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "fees", "--port", "0"]
    with child(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        listening = re.fullmatch(r"fees listening on http://127\.0\.0\.1:(\d+)\n", process.stdout.readline())
        assert listening is not None
        yield process, int(listening[1])


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with run_server() as (_, port):
        yield port


@pytest.fixture
def connection(port: int) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
    yield connection
    connection.close()


@contextmanager
def connect(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as client:
        yield client


def exchange(port: int, sent: bytes) -> tuple[int, Any]:
    """Send bytes as they are; return the answer, after which the server must have closed the connection."""
    with connect(port) as client:
        client.sendall(sent)
        response, answer = read_response(client)
        assert client.recv(1) == b""
        return response.status, answer


@contextmanager
def serve_here() -> Iterator[FunctionUrlServer]:
    with FunctionUrlServer(host="127.0.0.1", port=0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join(WAIT_SECONDS)


def read_response(client: socket.socket) -> tuple[HTTPResponse, Any]:
    response = HTTPResponse(client)
    response.begin()
    return response, json.loads(response.read())


def await_refused_connection(port: int) -> None:
    """Return once the server takes no new connection."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS).close()
        # One that arrives while the listening socket closes is reset rather than refused.
        except (ConnectionRefusedError, ConnectionResetError):
            return


def send(
    connection: HTTPConnection, body: bytes | None, *, method: str = "POST", **headers: str
) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/", body=body, headers=named)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_many_mugs_are_quoted_over_one_connection(connection: HTTPConnection) -> None:
    assert send(connection, MUG, content_type="application/json")[1]["fee_cents"] == 70
    first_socket = connection.sock
    assert send(connection, b"no mug", content_type="application/json")[0] == 400
    assert send(connection, None, method="GET") == (200, {"status": "ok", "version": "2026-11"})
    assert send(connection, None, method="DELETE")[0] == 405
    assert send(connection, MUG)[1]["fee_cents"] == 70
    assert connection.sock is first_socket


def test_a_batch_of_a_thousand_mugs_is_quoted(connection: HTTPConnection) -> None:
    mugs = [{"order_id": f"mug {number}", **json.loads(MUG)} for number in range(1000)]
    status, answer = send(connection, json.dumps({"orders": mugs}).encode())
    assert (status, [fee["order_id"] for fee in answer["fees"]]) == (200, [mug["order_id"] for mug in mugs])


def test_a_query_does_not_hide_the_path(connection: HTTPConnection) -> None:
    connection.request("GET", "/health?verbose=1")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b'{"status":"ok","version":"2026-11"}')


def test_an_answer_to_head_has_no_body(port: int) -> None:
    with connect(port) as client, client.makefile("rb") as answers:
        client.sendall(b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
        head, _, body = answers.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"allow: GET, POST" in head
    assert body == b""


def test_a_body_above_the_limit_is_refused_by_the_handler(connection: HTTPConnection) -> None:
    assert send(connection, b" " * (1024 * 1024 + 1))[0] == 413
    assert send(connection, MUG)[0] == 200


def test_a_client_that_expects_100_continue_gets_it_before_its_body(port: int) -> None:
    with connect(port) as client:
        client.sendall(MUG_HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(MUG))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(MUG)
        assert read_response(client)[1]["fee_cents"] == 70


def test_requests_sent_without_waiting_are_answered_in_order(port: int) -> None:
    mug = MUG_HEAD + b"Content-Length: %d\r\n\r\n" % len(MUG) + MUG
    last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
    with connect(port) as client, client.makefile("rb") as answers:
        client.sendall(mug + last)
        text = answers.read()
    assert text.count(b"HTTP/1.1 200 OK") == 2
    assert text.index(b'"fee_cents":70') < text.index(b'"status":"ok"')


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", 411),
        (b"Transfer-Encoding: chunked\r\n", 411),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", 411),
        (b"Content-Length: -1\r\n", 400),
        (b"Content-Length: a mug\r\n", 400),
        (b"Content-Length: +3\r\n", 400),
        (b"Content-Length: 3, 3\r\n", 400),
        (b"Content-Length: 3\r\nContent-Length: 3\r\n", 400),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n", 400),
        (b"Content-Length: 6291457\r\n", 413),
    ],
)
def test_a_length_that_cannot_be_trusted_is_refused_and_the_connection_closed(
    port: int, head: bytes, status: int
) -> None:
    answered, answer = exchange(port, MUG_HEAD + head + b"\r\n")
    assert (answered, list(answer)) == (status, ["error"])


def test_a_body_that_ends_early_is_refused(port: int) -> None:
    with connect(port) as client:
        client.sendall(MUG_HEAD + b"Content-Length: 1000\r\n\r\n" + MUG)
        client.shutdown(socket.SHUT_WR)
        assert read_response(client)[1] == {"error": "body ended before its Content-Length"}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"one mug please\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"BUY / HTTP/1.1\r\n\r\n", 501),
        (b"GET /" + b"a" * 65532, 414),
        (b"GET / HTTP/1.1\r\n" + b"X-Mug: 1\r\n" * 101 + b"\r\n", 431),
    ],
)
def test_what_is_no_good_http_is_refused_in_json(port: int, sent: bytes, status: int) -> None:
    answered, answer = exchange(port, sent)
    assert (answered, list(answer)) == (status, ["error"])


def test_sigterm_finishes_a_request_that_is_being_sent_and_exits_clean() -> None:
    with run_server() as (process, port), connect(port) as client:
        client.sendall(MUG_HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(MUG))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        process.send_signal(signal.SIGTERM)
        await_refused_connection(port)
        client.sendall(MUG)
        response, answer = read_response(client)
        assert (answer["fee_cents"], response.getheader("connection")) == (70, "close")
        assert process.wait(WAIT_SECONDS) == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_server_whose_connections_are_idle(stop: signal.Signals) -> None:
    with run_server() as (process, port), connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert read_response(client)[0].status == 200
        process.send_signal(stop)
        assert process.wait(WAIT_SECONDS) == 0


@pytest.mark.parametrize(
    "sent", [b"", b"POST / HTTP/1.1\r\nContent-", MUG_HEAD + b"Content-Length: 9\r\n\r\n"]
)
def test_a_connection_that_falls_silent_is_closed_quietly(
    sent: bytes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Connection, "timeout", 0.3)
    monkeypatch.setattr(Connection, "request_seconds", 0.3)
    with serve_here() as server, connect(server.port) as client:
        client.sendall(sent)
        assert b"408" in client.recv(65536) or not sent.endswith(b"\r\n\r\n")
        assert client.recv(1) == b""
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "begun", [b"POST / HTTP/1.1\r\nX-Slow: ", MUG_HEAD + b"Content-Length: 9999\r\n\r\n"]
)
def test_a_client_that_drips_is_closed_at_the_deadline(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes well within the connection's own timeout."""
    monkeypatch.setattr(Connection, "request_seconds", 0.3)
    with serve_here() as server, connect(server.port) as client:
        client.sendall(begun)
        client.settimeout(0.02)
        while True:
            try:
                with suppress(ConnectionError):  # what it answered before it closed can be read all the same
                    client.sendall(b"1")
                answer = client.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                answer = b""
            break
    assert answer.startswith(b"HTTP/1.1 408 ") or b"X-Slow" in begun


def test_more_connections_than_threads_are_closed_and_the_others_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FunctionUrlServer, "connections_limit", 2)
    request = b"GET / HTTP/1.1\r\n\r\n"
    with serve_here() as server, connect(server.port) as first:
        with connect(server.port) as second:
            for client in (first, second):
                client.sendall(request)
                assert read_response(client)[0].status == 200
            with connect(server.port) as third:
                assert third.recv(1) == b""
        while True:  # until the server has noticed that the second is gone
            with connect(server.port) as fourth, suppress(ConnectionError):
                fourth.sendall(request)
                if fourth.recv(1):
                    break
        first.sendall(request)
        assert read_response(first)[0].status == 200


def test_a_bad_schedule_stops_the_start_with_what_to_mend() -> None:
    started = subprocess.run(
        [sys.executable, "-m", "fees", "--port", "0"],
        cwd=REPOSITORY,
        env={"FEE_SCHEDULE": "{}"},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert started.returncode != 0
    assert "FEE_SCHEDULE: the schedule lacks currencies, default_currency, version" in started.stderr
