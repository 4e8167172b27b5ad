"""What is on the wire is what is kept as this release's messages; with SAMPLES=FOLDER it is written there."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kombu import Connection, Queue
from websockets.sync.client import connect

from microstore.contracts.registry import REGISTRY
from microstore.contracts.samples import (
    Frame,
    Sample,
    read_samples,
    releases,
    write_samples,
)
from microstore.messaging import topology
from microstore.telemetry.tracing import new_trace
from stack.places import ROOT
from stack.waiting import wait_until
from tests.support.market import Market, Person
from tests.support.payouts import send_facts_of_payouts

EXPORT = "/api/auth/me/export/"
KEPT = ROOT / "microstore/contracts/releases"
# What listeners send to themselves alone has the payload of the fact.
TASKS = {
    name
    for each in REGISTRY.contracts.values()
    if each.to not in REGISTRY.listeners
    for name in ([each.task_name] if each.to else []) + ([each.name] if each.fact else [])
}


class Recorder:
    """Queues that get a copy of every command and fact, and sockets of a browser."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.messages: dict[str, Sample] = {}
        self.frames: dict[tuple[str, str], Frame] = {}
        self.broker = Connection(market.services.rabbitmq.url)
        self.channel = self.broker.default_channel
        self.channel.auto_decode = False
        for exchange, key in ((topology.TASKS, "task.*"), (topology.EVENTS, "#")):
            name = f"golden.{exchange.name}"
            Queue(name, exchange, routing_key=key, exclusive=True)(self.channel).declare()

    def record_messages(self) -> set[str]:
        """Keep the first message of each task; returns the tasks that are still missing."""
        for exchange in (topology.TASKS, topology.EVENTS):
            while message := self.channel.basic_get(f"golden.{exchange.name}", no_ack=True):
                properties = message.properties
                properties["application_headers"]["origin"] = "gen1@relay"  # the machine's name
                body = bytes(message.body).decode()
                sample = Sample(exchange.name, message.delivery_info["routing_key"], properties, body)
                self.messages.setdefault(sample.task, sample)
        return TASKS - self.messages.keys()

    def record_frames(self, path: str, query: str, wanted: set[str]) -> None:
        """Keep the first frame of each type that a socket gets, until all of these have come."""
        with connect(f"{self.market.live_url}{path}{query}", open_timeout=20) as socket:
            while wanted - {name for address, name in self.frames if address == path}:
                frame = Frame(path, str(socket.recv(timeout=60)))
                self.frames.setdefault((path, frame.type), frame)


@contextmanager
def recording(market: Market) -> Iterator[Recorder]:
    recorder = Recorder(market)
    yield recorder
    recorder.broker.release()


def live_through_an_order_of_each_kind(market: Market, seller: Person, buyer: Person) -> None:
    """Orders that are completed, rejected, cancelled, given up, refunded or not, and a deleted account."""
    chair = seller.sell("Crunchy armchair", quantity=9, category="furniture")
    coat = seller.sell("Coat for all weathers but one", quantity=2, currency="XTS")
    orders = [buyer.buy(chair).json()["id"], buyer.buy(coat).json()["id"]]
    together = buyer.check_out(chair, coat).json()["orders"]
    market.wait_settled([*orders, *(order["id"] for order in together)])
    market.stack.stop("transactions-worker")
    cancelled, forgotten = (buyer.buy(chair).json()["id"] for _ in range(2))
    buyer.request("POST", f"/api/orders/{cancelled}/cancel/")
    market.listings(
        "UPDATE listings_order SET created_at = now() - interval '8 days' WHERE id = %s RETURNING id",
        forgotten,
    )
    market.manage("listings", "reconcile")
    market.stack.start("transactions-worker")
    market.wait_settled([cancelled, forgotten])
    refund(market, seller, orders[0], amount_cents=100)
    # As if more had been paid than the transactions service knows of: it refuses the rest.
    change = "UPDATE listings_order SET total_cents = total_cents + %s WHERE id = %s RETURNING id"
    market.listings(change, 1, orders[0])
    refund(market, seller, orders[0])
    market.listings(change, -1, orders[0])
    assert wait_until(lambda: buyer.request("GET", EXPORT).status_code == 200, timeout_seconds=60)
    delete_account(market)
    change_bank_account(market)
    send_facts_of_payouts(market, seller_id=seller.id)


def refund(market: Market, seller: Person, order: str, **body: int) -> None:
    path = f"/api/orders/{order}/refunds/"
    assert seller.request("POST", path, json={"reason": "A leg is loose", **body}).status_code == 202
    sql = "SELECT count(*) FROM listings_refund WHERE status = 'requested' AND order_id = %s"
    assert wait_until(lambda: market.listings(sql, order) == [(0,)], timeout_seconds=60)


def delete_account(market: Market) -> None:
    """As a request to delete it leaves it."""
    (person,) = market.add_people(1)
    sql = "INSERT INTO listings_accountdeletion (user_id, trace) VALUES (%s, %s) RETURNING user_id"
    market.listings(sql, person.id, new_trace())
    market.manage("listings", "reconcile")


def change_bank_account(market: Market) -> None:
    """As a request to change it leaves it, sent again."""
    (person,) = market.add_people(1)
    sql = (
        "INSERT INTO listings_bankaccount (id, user_id, sealed, masked, trace, created_at)"
        " VALUES (gen_random_uuid(), %s, 'c2VhbGVk', 'DE 3000', %s, now() - interval '1 hour') RETURNING id"
    )
    market.listings(sql, person.id, new_trace())
    market.manage("listings", "reconcile")


@pytest.mark.timeout(300)
def test_the_messages_of_this_release_are_as_they_are_kept(
    market: Market, seller: Person, buyer: Person
) -> None:
    with recording(market) as recorder:
        [(before,)] = market.listings("SELECT coalesce(max(seq), 0) FROM listings_liveevent")
        live_through_an_order_of_each_kind(market, seller, buyer)
        assert wait_until(lambda: not recorder.record_messages(), timeout_seconds=60), list(recorder.messages)
        recorder.record_frames("/ws/listings/", f"?after={before}", {"batch", "heartbeat"})
        recorder.record_frames("/ws/orders/", f"?token={buyer.token}&after={before}", {"batch", "heartbeat"})
    assert recorder.messages.keys() == TASKS
    if target := os.environ.get("SAMPLES"):
        write_samples(ROOT / target, list(recorder.messages.values()), list(recorder.frames.values()))
    release = releases(KEPT)[-1]
    assert shapes(read_samples(release)) == shapes(recorder.messages.values()), "make samples"


def shapes(samples: Any) -> dict[str, Any]:
    return {sample.task: shape({**sample._asdict(), "body": json.loads(sample.body)}) for sample in samples}


def shape(value: Any) -> Any:
    """The names and nothing else."""
    match value:
        case dict():
            return {name: shape(item) for name, item in value.items()}
        case list():
            return [shape(value[0])] if value else []
    return None
