"""A stranger at the fee function's address: what it sends is bounded, and nothing is sent where it points."""

import gzip
import itertools
import socket
from http.server import BaseHTTPRequestHandler

import pytest
from pytest_django import Settings

from microstore.http.calls import ANSWER_BYTES_LIMIT
from tests.support.fee_post import FeePost
from tests.support.messages import order_created
from transactions.fee_client import FeesUnavailable, fetch_quotes


def send_until_hung_up(handler: BaseHTTPRequestHandler, chunk: bytes) -> None:
    """Send the chunk again and again, a little apart; the client's end of the connection ends it."""
    for _ in itertools.count():
        handler.wfile.write(chunk)
        handler.wfile.flush()
        handler.connection.settimeout(0.02)
        try:
            if not handler.connection.recv(1):
                return
        except TimeoutError:
            continue


def drip_body(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    send_until_hung_up(handler, b" ")


def drip_chunks(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    send_until_hung_up(handler, b"1\r\n \r\n")


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    send_until_hung_up(handler, b"X")


def drip_interim_responses(handler: BaseHTTPRequestHandler) -> None:
    send_until_hung_up(handler, b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("drip", [drip_body, drip_chunks, drip_headers, drip_interim_responses])
def test_an_answer_that_drips_ends_at_the_deadline(
    fee_post: FeePost, settings: Settings, drip: object
) -> None:
    settings.FEES_TIMEOUT_SECONDS = (2.0, 0.3)
    fee_post.write = drip  # type: ignore[assignment]
    with pytest.raises(FeesUnavailable):
        fetch_quotes([order_created()])
    assert fee_post.hung_up.wait(10)
    assert len(fee_post.questions) == 1


@pytest.mark.parametrize(
    "head", ["Content-Length: 900000000", "Connection: close", "Transfer-Encoding: chunked\r\nX-Fill: 1"]
)
def test_an_answer_without_end_is_not_read(fee_post: FeePost, head: str) -> None:
    sent = []

    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
        chunk = b" " * 0x10000
        if "chunked" in head:
            chunk = b"10000\r\n" + chunk + b"\r\n"
        try:
            for _ in range(2_000):
                handler.wfile.write(chunk)
                handler.wfile.flush()
                sent.append(len(chunk))
        except OSError:
            pass

    fee_post.write = pour
    with pytest.raises(FeesUnavailable):
        fetch_quotes([order_created()])
    assert fee_post.hung_up.wait(10)
    assert sum(sent) < 100 * ANSWER_BYTES_LIMIT  # the limit and the buffers of two sockets


def test_an_answer_of_endless_headers_is_not_read(fee_post: FeePost) -> None:
    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X-Fill: " + b"x" * 60_000 + b"\r\n")
        send_until_hung_up(handler, b"X-Fill: " + b"x" * 60_000 + b"\r\n")

    fee_post.write = pour
    with pytest.raises(FeesUnavailable):
        fetch_quotes([order_created()])


def test_a_compressed_answer_is_not_unpacked(fee_post: FeePost) -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    def write(handler: BaseHTTPRequestHandler) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        handler.wfile.write(head.encode() + bomb)

    fee_post.write = write
    with pytest.raises(FeesUnavailable, match="compressed"):
        fetch_quotes([order_created()])
    assert fee_post.headers[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(fee_post: FeePost, settings: Settings, status: int) -> None:
    settings.FEES_SIGNING_KEY = "crunchy-key"
    with FeePost(fee_post.fee_port) as stranger:
        head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {stranger.url}\r\nContent-Length: 0\r\n\r\n"

        def point_to_the_stranger(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(head.encode())

        fee_post.write = point_to_the_stranger
        with pytest.raises(FeesUnavailable):
            fetch_quotes([order_created()])
        assert stranger.questions == []


def test_a_cookie_is_not_sent_back(fee_post: FeePost) -> None:
    def set_cookie(handler: BaseHTTPRequestHandler) -> None:
        head = b"HTTP/1.1 503 No\r\nConnection: close\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
        handler.wfile.write(head)

    fee_post.write = set_cookie
    for _ in range(2):
        with pytest.raises(FeesUnavailable):
            fetch_quotes([order_created()])
    assert ["Cookie" in headers for headers in fee_post.headers] == [False, False]


def test_a_host_that_accepts_and_is_silent_is_left_at_the_deadline(
    settings: Settings, fee_post: FeePost
) -> None:
    """The kernel accepts connections for a process that never does."""
    settings.FEES_TIMEOUT_SECONDS = (0.3, 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.FEES_URL = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(FeesUnavailable):
            fetch_quotes([order_created()])


def test_answers_in_time_are_all_read_over_one_connection(fee_post: FeePost) -> None:
    """A deadline is of one answer: what is left of it does not pass to the next."""
    for _ in range(3):
        assert len(fetch_quotes([order_created() for _ in range(50)])) == 50
    assert fee_post.connections == 1
