"""What RabbitMQ can do to its clients."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from microstore.contracts.registry import QUEUES, SERVICES
from stack.processes.preparation import manage
from stack.waiting import wait_until
from tests.support.dropping import dropping, needs_iptables
from tests.support.market import Market
from tests.support.rush import rush


def test_a_stopped_and_started_broker(market: Market) -> None:
    with rush(market, "RabbitMQ stopped and started") as hour:
        market.services.rabbitmq.stop()
        hour.wait_for_purchases(50)
        market.services.rabbitmq.start()


def test_a_killed_broker(market: Market) -> None:
    broker, queues = market.services.rabbitmq, [*SERVICES, *(f"{service}.dead" for service in SERVICES)]
    with rush(market, "RabbitMQ killed and started") as hour:
        assert wait_until(lambda: all(map(broker.survives_a_kill, queues)), timeout_seconds=30)
        broker.kill()
        hour.wait_for_purchases(50)
        broker.start()


def test_a_broker_frozen_for_twenty_seconds(market: Market) -> None:
    paused = market.stack.log("listings-relay").count("relay_paused")
    with rush(market, "RabbitMQ frozen for 20 s") as hour:
        market.services.rabbitmq.freeze()
        try:
            thaw_at = time.monotonic() + 20
            hour.wait_for_purchases(50)
            noticed = wait_until(
                lambda: market.stack.log("listings-relay").count("relay_paused") > paused, timeout_seconds=15
            )
            time.sleep(max(0, thaw_at - time.monotonic()))  # the fault lasts for its time
        finally:
            market.services.rabbitmq.thaw()
    assert noticed, "the relay did not notice that the broker hangs"


def test_connections_closed_by_the_broker(market: Market) -> None:
    with rush(market, "all RabbitMQ connections closed from its side, three times") as hour:
        for _ in range(3):
            market.services.rabbitmq.ctl("close_all_connections", "maintenance")
            hour.wait_for_purchases(20)


@needs_iptables
def test_established_connections_whose_packets_are_dropped(market: Market) -> None:
    """As by a firewall that forgot them: nobody gets a reset."""
    broker = market.services.rabbitmq
    with rush(market, "packets of all RabbitMQ connections dropped") as hour, dropping() as drop:
        ports = broker.ctl("list_connections", "peer_port").split()[1:]
        assert len(ports) >= len(SERVICES) * 2
        for port in ports:
            drop(int(port), peer=broker.port)
        hour.wait_for_purchases(20)
        seller, buyer = market.add_people(2)
        # While the old connections stay dropped: each process has found the broker again.
        market.wait_settled([buyer.buy(seller.sell()).json()["id"]])


def test_a_wiped_broker_is_healed_by_reconcile(market: Market) -> None:
    with rush(market, "RabbitMQ wiped with orders in flight, then reconcile") as hour:
        market.stack.stop("transactions-worker")
        hour.wait_for_purchases(200)
        market.services.rabbitmq.wipe()
        market.stack.start("transactions-worker")
        market.stack.wait_ready("transactions-worker")
        hour.wait_for_purchases(20)
        hour.stop()
        market.manage("listings", "reconcile", "--older-than", "0")


@pytest.mark.parametrize(
    ("alarm", "limit", "usual"),
    [
        ("vm_memory_high_watermark", ["absolute", "1MiB"], ["0.4"]),
        # As if the disk were full but for less than that: the broker's own way of meeting a full disk.
        ("disk_free_limit", ["900000GB"], ["50MB"]),
    ],
)
def test_a_broker_that_blocks_its_publishers_loses_nothing(
    market: Market, alarm: str, limit: list[str], usual: list[str]
) -> None:
    broker = market.services.rabbitmq
    with rush(market, f"alarm of RabbitMQ ({alarm}): publishers blocked for 12 s") as hour:
        broker.ctl(f"set_{alarm}", *limit)
        try:
            until = time.monotonic() + 12
            assert "resource_limit" in broker.ctl("eval", "rabbit_alarm:get_alarms().")
            hour.wait_for_purchases(50)
            time.sleep(max(0, until - time.monotonic()))  # the fault lasts for its time
        finally:
            broker.ctl(f"set_{alarm}", *usual)


def test_a_queue_that_refuses_keeps_messages_with_their_senders(market: Market) -> None:
    fault = "queue `transactions` refuses (max-length 1, reject-publish)"
    with rush(market, fault) as hour, refusing(market, "transactions"):
        hour.wait_for_purchases(50)
        refused = "SELECT count(*) FROM messaging_outboxmessage WHERE attempts > 0"
        assert wait_until(lambda: market.listings(refused) != [(0,)], timeout_seconds=30)


def test_a_callback_that_is_refused_goes_back_to_where_it_came_from(market: Market) -> None:
    """The sender is a worker: the message that it was handling must not become a dead letter."""
    letters = market.transactions("SELECT count(*) FROM messaging_deadletter")
    fault = "queue `listings` refuses (max-length 1, reject-publish)"
    with rush(market, fault) as hour, refusing(market, "listings"):
        hour.wait_for_purchases(50)
    assert market.transactions("SELECT count(*) FROM messaging_deadletter") == letters


@contextmanager
def refusing(market: Market, service: str) -> Iterator[None]:
    """Its queue is full, and nobody takes anything from it."""
    market.stack.stop(f"{service}-worker")
    full = '{"max-length":1,"overflow":"reject-publish"}'
    market.services.rabbitmq.ctl("set_policy", "full", f"^{service}$", full)
    try:
        yield
    finally:
        market.services.rabbitmq.ctl("clear_policy", "full")
        market.stack.start(f"{service}-worker")


def declare_again(market: Market) -> None:
    """As the administrator, who alone may delete a queue and declare one."""
    manage({**market.settings, "LISTINGS_BROKER_URL": market.settings["BROKER_URL"]}, "listings", "topology")


def test_a_deleted_queue_comes_back(market: Market) -> None:
    with rush(market, "queue `transactions` deleted, declared again, then reconcile") as hour:
        market.services.rabbitmq.ctl("delete_queue", "transactions")
        assert market.wait_logged("transactions-relay", "not_declared")
        declare_again(market)
        hour.wait_for_purchases(30)
        hour.stop()
        market.manage("listings", "reconcile", "--older-than", "0")


@pytest.mark.parametrize("queue", [*QUEUES, *(f"{service}.dead" for service in SERVICES)])
def test_a_deleted_queue_comes_back_with_its_bindings_and_consumers(market: Market, queue: str) -> None:
    broker = market.services.rabbitmq

    def see() -> tuple[list[str], list[bool]]:
        bindings = broker.ctl("list_bindings", "source_name", "destination_name", "routing_key").splitlines()
        counted = [line.split("\t") for line in broker.ctl("list_queues", "name", "consumers").splitlines()]
        ends = sorted(line for line in bindings if line.split("\t")[1] == queue)
        # Not how many: the number falls when the broker finds that a worker of the fault before is gone.
        return ends, [consumers != "0" for name, *_, consumers in counted if name == queue]

    before = see()
    assert len(before[0]) > 1
    assert len(before[1]) == 1
    broker.ctl("delete_queue", queue)
    declare_again(market)
    assert wait_until(lambda: see() == before, timeout_seconds=40), see()
    for service in SERVICES:
        market.manage(service, "topology", "--check")
