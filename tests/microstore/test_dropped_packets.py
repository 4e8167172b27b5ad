"""A connection whose packets are dropped without a word is given up, long before the kernel would do so.

By TCP's defaults that takes a quarter of an hour; pytest's time limit is what these tests fail by.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator

import psycopg2
import pytest
import redis
from django.conf import settings
from django.db import connection

from microstore.database import timeouts

pytestmark = [
    pytest.mark.timeout(40),
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("iptables"), reason="needs root and iptables to drop packets"
    ),
]


@pytest.fixture
def drop() -> Iterator[Callable[[int], None]]:
    """Drops whatever this machine sends from or to one local port of a connection."""
    rules: list[list[str]] = []

    def drop_port(port: int) -> None:
        for side in ("--sport", "--dport"):
            rules.append(["INPUT", "-i", "lo", "-p", "tcp", side, str(port), "-j", "DROP"])
            subprocess.run(["iptables", "-w", "-A", *rules[-1]], check=True)

    yield drop_port
    for rule in rules:
        subprocess.run(["iptables", "-w", "-D", *rule], check=True)


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT pg_sleep(300)"])
@pytest.mark.django_db(transaction=True)
def test_postgresql_is_given_up(drop: Callable[[int], None], statement: str) -> None:
    """Whether the statement cannot be sent, or its answer never comes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        with socket.socket(fileno=os.dup(cursor.connection.fileno())) as opened:
            if opened.family == socket.AF_UNIX:
                pytest.skip("the database is reached by a socket file")
            port = opened.getsockname()[1]
        drop(port)
        with pytest.raises(Exception, match=r"(?i)timed out|closed") as caught:
            cursor.execute(statement)
    assert isinstance(caught.value.__cause__, psycopg2.OperationalError)
    connection.close()


def test_redis_is_given_up(drop: Callable[[int], None]) -> None:
    with redis.Redis.from_url(settings.CHANNEL_LAYER_URL, **timeouts.REDIS, retry=None) as server:
        pubsub = server.pubsub()
        pubsub.subscribe("dropped")
        assert pubsub.get_message(timeout=5)
        assert pubsub.connection is not None
        drop(pubsub.connection._sock.getsockname()[1])
        with pytest.raises(redis.RedisError):
            pubsub.get_message(timeout=None)
        pubsub.close()


def test_every_connection_has_these_options() -> None:
    assert settings.DATABASES["default"]["OPTIONS"].items() >= timeouts.POSTGRESQL.items()
    layer = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    assert layer["hosts"][0].items() >= timeouts.REDIS.items()  # type: ignore[index]  # it is a dictionary here
