"""A broker with its topology declared, and its queues empty."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from kombu import Connection

from microstore.celery import app
from microstore.contracts.registry import SERVICES
from microstore.messaging import topology
from tests.support.sequences import django_db_setup
from tests.support.speed import empty_folder, nothing_slow

__all__ = ["django_db_setup", "empty_folder", "nothing_slow"]

# They meet nothing that differs between the services, so they run under the settings of one.
RUN_ONCE = (
    *("another_project", "broker_definitions", "broker_nodes", "circuit_breaker", "compatibility"),
    *("contracts", "dropped_packets", "encoding", "keys", "logs", "numbers_of_text", "stock_clients"),
    "stopping",
)
collect_ignore = [f"test_{name}.py" for name in RUN_ONCE if settings.SERVICE != "listings"]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def broker() -> Iterator[Connection]:
    """A connection to the real RabbitMQ, every queue purged."""
    with app.connection_for_write() as connection:
        topology.declare(connection, SERVICES)
        for queue in topology.all_queues():
            queue(connection.default_channel).purge()
        yield connection


@pytest.fixture
def received(broker: Connection) -> Callable[[str], list[Any]]:
    """Takes the bodies of all messages off a queue."""

    def take(queue: str) -> list[Any]:
        messages = []
        while message := broker.default_channel.basic_get(queue, no_ack=True):
            messages.append(broker.default_channel.message_to_python(message).payload)
        return messages

    return take


@pytest.fixture
def armchair() -> dict[str, Any]:
    """The fields of an order for a crunchy armchair."""
    return {
        "order_id": "01a20420-1996-72f3-8f75-b9740bad4dc8",
        "listing_id": 8,
        "buyer_id": 2,
        "seller_id": 1,
        "quantity": 1,
        "unit_price_cents": 2500,
        "currency": "EUR",
        "category": "furniture",
        "trace": TRACE,
    }
