"""A connection whose packets are dropped without a word is given up, long before the kernel would do so.

By TCP's defaults that takes a quarter of an hour; pytest's time limit is what these tests fail by.
"""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import amqp
import psycopg2
import pytest
import redis
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection
from kombu import Connection

from microstore.celery import app
from microstore.database import timeouts
from microstore.messaging.sending import publisher
from tests.support.dropping import dropping, needs_iptables

FOUND_AGAIN_WITHIN_SECONDS = 35
pytestmark = [pytest.mark.timeout(40), needs_iptables]
Drop = Callable[[Any], None]  # of a socket, or of what asyncio has in its place


@pytest.fixture
def drop() -> Iterator[Drop]:
    """Drops whatever this machine sends between the two ends of a socket."""
    with dropping() as drop_port:
        yield lambda opened: drop_port(opened.getsockname()[1], peer=opened.getpeername()[1])


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT pg_sleep(300)"])
@pytest.mark.django_db(transaction=True)
def test_postgresql_is_given_up(drop: Drop, statement: str) -> None:
    """Whether the statement cannot be sent, or its answer never comes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        with socket.socket(fileno=os.dup(cursor.connection.fileno())) as opened:
            if opened.family == socket.AF_UNIX:
                pytest.skip("the database is reached by a socket file")
            drop(opened)
        with pytest.raises(Exception, match=r"(?i)timed out|closed") as caught:
            cursor.execute(statement)
    assert isinstance(caught.value.__cause__, psycopg2.OperationalError)
    connection.close()


def test_redis_is_given_up(drop: Drop) -> None:
    with redis.Redis.from_url(settings.CHANNEL_LAYER_URL, **timeouts.REDIS, retry=None) as server:
        pubsub = server.pubsub()
        pubsub.subscribe("dropped")
        assert pubsub.get_message(timeout=5)
        assert pubsub.connection is not None
        drop(pubsub.connection._sock)
        with pytest.raises(redis.RedisError):
            pubsub.get_message(timeout=None)
        pubsub.close()


def test_a_channel_layer_is_given_up_and_found_again(drop: Drop) -> None:
    """With the event loop going on meanwhile: redis-py would read what cannot be read again and again."""

    async def lose_and_find() -> None:
        layer: Any = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add("dropped", channel)
        [shard] = layer._get_layer()._shards
        drop(shard._pubsub.connection._writer.get_extra_info("socket"))
        received = None
        while received is None:
            await layer.group_send("dropped", {"type": "armchair"})
            with contextlib.suppress(TimeoutError):
                received = await asyncio.wait_for(receive(layer, channel), 1)
        await layer.flush()

    async def receive(layer: Any, channel: str) -> Any:
        return await layer._get_layer().channels[channel].get()

    # In a thread: an event loop that stands still swallows the time limit of the test.
    finding = threading.Thread(target=lambda: asyncio.run(lose_and_find()), daemon=True)
    finding.start()
    finding.join(FOUND_AGAIN_WITHIN_SECONDS)
    assert not finding.is_alive()


def wait_for_messages(broker: Connection) -> None:
    broker.drain_events()


def publish_until_the_buffer_is_full(broker: Connection) -> None:
    channel = broker.channel()
    while True:
        channel.basic_publish(amqp.Message("x" * 1_000_000), "", "nobody")


@pytest.mark.parametrize("act", [wait_for_messages, publish_until_the_buffer_is_full])
def test_rabbitmq_is_given_up(drop: Drop, act: Callable[[Connection], None]) -> None:
    """Also by those who only wait and send no heartbeats, as Flower."""
    broker = app.connection_for_read(heartbeat=0)
    broker.connect()
    drop(broker.connection.sock)
    with pytest.raises(broker.recoverable_connection_errors):
        act(broker)
    broker.collect(socket_timeout=1)


@pytest.mark.parametrize("kind", ["read", "write", "relay"])
def test_every_connection_to_the_broker_has_these_options(kind: str) -> None:
    broker = {
        "read": app.connection_for_read,
        "write": app.connection_for_write,
        "relay": lambda: publisher.open_connection(app),
    }[kind]()
    broker.connect()
    options = {each: broker.connection.sock.getsockopt(socket.SOL_TCP, each) for each in timeouts.SOCKET}
    broker.close()
    assert options == timeouts.SOCKET


def test_every_connection_has_these_options() -> None:
    assert settings.DATABASES["default"]["OPTIONS"].items() >= timeouts.POSTGRESQL.items()
    layer = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    assert layer["hosts"][0].items() >= timeouts.REDIS.items()  # type: ignore[index]  # it is a dictionary here
