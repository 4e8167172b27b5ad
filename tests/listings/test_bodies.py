"""What a client sends is read whole or refused; nothing is done by halves of it."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from listings.buying.fast_path import plain_body
from listings.models import Listing, Order
from stack.waiting import wait_until
from tests.support.granian import Server, chunked, head, read_answer, serving
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db(transaction=True)

FIVE = b'{"quantity": 5}'


@pytest.fixture(params=["wsgi", "asginl"])
def server(request: pytest.FixtureRequest, bob: User) -> Iterator[Server]:
    with serving(request.param, BODY_SECONDS="2") as served:
        yield served


def test_a_body_in_chunks_is_refused_and_never_ignored(
    server: Server, bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    listing = put_on_sale(quantity=20)
    sent = {"Authorization": f"Bearer {sign(claims_of(bob.pk))}", "Content_Type": "application/json"}
    buy = f"/api/listings/{listing.pk}/buy/"
    for body in (FIVE, b"nonsense{{{", b"{", b""):
        status, answer = server.send(head("POST", buy, **sent, Transfer_Encoding="chunked"), chunked(body))
        assert status == 411, answer
        assert b"application/problem+json" in answer
        assert b"x-trace-id" in answer
    for method, path in (
        ("PATCH", f"/api/listings/{listing.pk}/"),
        ("POST", "/api/checkouts/"),
        ("POST", "/api/auth/token/"),
        ("POST", "/account/log-in/"),
        ("POST", "/admin/login/"),
        ("GET", "/api/listings/"),
        ("DELETE", f"/api/listings/{listing.pk}/"),
    ):
        status, answer = server.send(
            head(method, path, **sent, Transfer_Encoding="chunked"), chunked(b'{"a": 1}')
        )
        assert status == 411, (method, path, answer)
    assert not Order.objects.exists()
    listing.refresh_from_db()
    assert listing.available == 20
    assert server.send(head("POST", buy, **sent, Content_Length="15"), FIVE)[0] == 202
    assert Order.objects.get().quantity == 5
    assert server.send(head("POST", buy, **sent))[0] == 202  # no body at all: one
    assert Order.objects.latest("id").quantity == 1


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("?quantity=5", b""),
        ("?quantity=5", b"{}"),
        ("", b'{"quantity": 5, "quantity": 1}'),
        ("", b'{"quantity": 1, "quantity": 1}'),
        ("", b'{"quantity": 5} {"quantity": 1}'),
    ],
)
def test_nothing_of_a_purchase_is_ignored(
    client: Client, bob: User, armchair: Listing, address: str, body: bytes
) -> None:
    answer = client.post(
        f"/api/listings/{armchair.pk}/buy/{address}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {sign(claims_of(bob.pk))}"},
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert not Order.objects.exists()
    assert plain_body(body) is None or address


CODECS = ["idna", "punycode", "base64", "zlib", "rot13", "undefined", "utf-16", "utf-7", "latin-1"]


def test_no_request_chooses_a_codec_of_python(server: Server) -> None:
    """The address was read by it, too, before the first middleware: a 500 for each of them."""
    for codec in [f"charset={each}" for each in CODECS] + ["b*=x'y'z", "b*=idna'x'%ff"]:
        for kind in ("text/plain", "application/json"):
            read = head("GET", "/api/listings/?search=%ff", Content_Type=f"{kind}; {codec}")
            assert server.send(read)[0] == 200, codec
        sent = head(
            *("POST", "/account/log-in/?next=%2Fa"),
            Content_Type=f"application/x-www-form-urlencoded; {codec}",
            Content_Length="10",
        )
        assert server.send(sent, b"username=a")[0] == 415, codec
    of_tokens = {"Content_Type": "application/json; charset=base64", "Content_Length": "2"}
    assert server.send(head("POST", "/api/auth/token/", **of_tokens), b"{}")[0] == 400


def test_an_endless_body_is_refused_before_it_is_sent(server: Server) -> None:
    with server.connect() as opened:
        opened.sendall(head("POST", "/api/listings/", Transfer_Encoding="chunked"))
        opened.sendall(chunked(b" " * 65_536)[:-5])
        assert read_answer(opened)[0] == 411
    assert server.send(head("POST", "/api/listings/", Content_Length=str(300 * 2**20)), b"x" * 1000)[0] == 413


def test_http_2_without_a_length_is_refused(server: Server, bob: User, armchair: Listing) -> None:
    """By hand, since clients add a length: a preface, settings, headers written out, and a body."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":authority": "testserver",
        ":path": f"/api/listings/{armchair.pk}/buy/",
        "content-type": "application/json",
        "authorization": f"Bearer {sign(claims_of(bob.pk))}",
    }
    block = b"".join(b"\0" + as_text(name) + as_text(value) for name, value in headers.items())
    with server.connect() as opened:
        opened.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
        opened.sendall(frame(1, 4, 1, block) + frame(0, 1, 1, FIVE))
        received = b""
        while b'"status"' not in received and (part := opened.recv(65_536)):
            received += part
    assert b'"status": 411' in received
    assert not Order.objects.exists()


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """RFC 9113, 4.1."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def as_text(text: str) -> bytes:
    """RFC 7541, 5.2, without Huffman's code; 5.1 has the length."""
    length = len(text)
    return (
        bytes([length]) if length < 127 else bytes([127, (length - 127) % 128 | 128, (length - 127) // 128])
    ) + text.encode()


def test_a_body_that_ends_early_is_refused(server: Server, bob: User, armchair: Listing) -> None:
    sent = {"Authorization": f"Bearer {sign(claims_of(bob.pk))}", "Content_Type": "application/json"}
    with server.connect() as opened:
        opened.sendall(head("POST", f"/api/listings/{armchair.pk}/buy/", **sent, Content_Length="99") + FIVE)
        opened.shutdown(socket.SHUT_WR)
        assert read_answer(opened)[0] in (0, 400, 408)
    assert not Order.objects.exists()


def test_who_sends_a_byte_now_and_then_holds_nothing_up(server: Server) -> None:
    slow = [server.connect() for _ in range(40)]
    try:
        for opened in slow:
            opened.sendall(
                head("POST", "/api/auth/token/", Content_Type="application/json", Content_Length="50") + b"{"
            )
        for opened in slow:
            assert read_answer(opened)[0] in (0, 408)
        assert server.send(head("GET", "/health/live"))[0] == 200
    finally:
        for opened in slow:
            opened.close()


def test_who_sends_megabytes_on_a_socket_is_closed_and_the_others_stay() -> None:
    """To granian they are a message that is not complete, and it holds up to 64 MiB of each."""
    with serving("asginl") as served, open_socket(served) as well_behaved, open_socket(served) as greedy:
        zeros = (1024 * 1024).to_bytes(8) + bytes(4 + 1024 * 1024)
        ports = greedy.getpeername()[1], greedy.getsockname()[1]
        greedy.settimeout(5)
        with contextlib.suppress(OSError):  # closed meanwhile, or read no more
            for number in range(48):  # a binary message, and its continuations
                greedy.sendall(bytes([0 if number else 2, 0x80 | 127]) + zeros)
        assert wait_until(lambda: is_closed(*ports), timeout_seconds=30)
        well_behaved.sendall(bytes([0x89, 0x80, 0, 0, 0, 0]))  # a ping
        answer = b""
        while bytes([0x8A, 0]) not in answer:
            part = well_behaved.recv(65_536)
            assert part
            answer += part
        assert served.is_live()


def is_closed(server_port: int, client_port: int) -> bool:
    """Whether the server has closed the connection, and with it dropped what it held of the message.

    As the kernel has it: a client whose sending is held up learns of it when it tries again, after up to two
    minutes.
    """
    ends = [f":{server_port:04X}", f":{client_port:04X}"]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, inode = itemgetter(1, 2, 9)(line.split())
        if [local[-5:], remote[-5:]] == ends and inode != "0":
            return False
    return True


def open_socket(served: Server) -> socket.socket:
    opened = served.connect()
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    opened.sendall(head("GET", "/ws/listings/", **headers, Sec_WebSocket_Key="bWljcm9zdG9yZSBzaG9wcw=="))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += opened.recv(1)
    assert answer.startswith(b"HTTP/1.1 101")
    return opened
