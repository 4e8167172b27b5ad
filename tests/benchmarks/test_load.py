"""The load generator: each request is sent once, in order, and has its answer."""

import itertools
import socketserver
import threading
from collections.abc import Iterator

import pytest

from benchmarks.load import Crowd

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
CLOSE = b"close"


class Connection(socketserver.StreamRequestHandler):
    """Answers each line with 202, or closes the connection."""

    def handle(self) -> None:
        assert isinstance(self.server, Shop)
        for line in self.rfile:
            self.server.requests.append(line.strip())
            if line.strip() == CLOSE:
                return
            self.wfile.write(ANSWER[:20])
            self.wfile.flush()
            self.wfile.write(ANSWER[20:])


class Shop(socketserver.ThreadingTCPServer):
    """Keeps the requests in the order of their arrival."""

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Connection)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A server on a free port."""
    with Shop() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def make_requests(count: int) -> list[bytes]:
    return [b"armchair %d\n" % number for number in range(count)]


def test_every_request_is_sent_once_and_answered(shop: Shop) -> None:
    answers = Crowd([shop.server_address[1]], clients=8).run(make_requests(200))
    assert [answer.status for answer in answers] == [202] * 200
    assert sorted(shop.requests) == sorted(request.strip() for request in make_requests(200))
    assert all(answer.due_at <= answer.sent_at <= answer.answered_at for answer in answers)


def test_one_client_sends_in_order(shop: Shop) -> None:
    Crowd([shop.server_address[1]], clients=1).run(make_requests(20))
    assert shop.requests == [request.strip() for request in make_requests(20)]


def test_in_an_open_loop_requests_are_due_at_their_rate_whatever_happens_to_earlier_ones(shop: Shop) -> None:
    answers = Crowd([shop.server_address[1]], clients=1).run(make_requests(20), rate=500)
    pauses = [after.due_at - before.due_at for before, after in itertools.pairwise(answers)]
    assert pauses == pytest.approx([1 / 500] * 19)
    assert all(answer.sent_at >= answer.due_at for answer in answers)


def test_a_connection_that_breaks_is_no_answer_and_the_others_go_on(shop: Shop) -> None:
    requests = [CLOSE + b"\n", *make_requests(20)]
    answers = Crowd([shop.server_address[1]], clients=2).run(requests)
    assert [answer.status for answer in answers] == [0] + [202] * 20
